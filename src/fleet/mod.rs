//! Where providers and GitHub meet: start, stop, list, sweep.

use serde::Serialize;

use crate::github::GitHubApi;
use crate::model::{CLOCKS_AGREE, Error, Instance, Name, Reference, Sink, chain, nearest};
use crate::plan::Clocks;
use crate::providers::KINDS;
use crate::state::Store;

mod answer;
mod boot_failure;
mod bring_up;
mod cancellation;
#[cfg(test)]
pub(crate) mod doubles;
mod end;
mod keep;
mod last_look;
mod launch;
pub mod list;
mod move_on;
mod named_provider;
mod price;
mod register;
mod runner_progress;
mod shared;
mod start;
pub mod stop;
pub mod survey;
mod trouble;
mod undo;
pub mod verdict;
mod watch;

pub use boot_failure::BootFailure;
pub use cancellation::CancellationToken;
#[cfg(test)]
pub use end::Ended;
pub use end::{Until, end, is_permanent};
pub use named_provider::NamedProvider;
#[cfg(test)]
pub use start::PlannedProvider;
pub use start::{Failed, PlannedQuote, Preview, StartOutcome, Up, fits, preview, start};
pub use trouble::Trouble;

/// A provider that could not be opened: nothing can be said about its machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unopened {
    /// The name that the user gave it.
    pub name: String,
    /// Why.
    #[serde(flatten)]
    pub error: Error,
}

/// What every operation works with.
#[derive(Clone, Copy)]
pub struct Fleet<'a, G> {
    /// GitHub, where it is asked at all.
    pub github: Option<&'a G>,
    /// The providers, in order of preference.
    pub providers: &'a [NamedProvider],
    /// The providers that could not be opened, and may have machines all the same.
    pub unopened: &'a [Unopened],
    /// The state file.
    pub store: &'a Store,
    /// Who is told.
    pub sink: &'a dyn Sink,
}

impl<G: GitHubApi> Fleet<'_, G> {
    fn provider(&self, name: &str) -> Option<&NamedProvider> {
        self.providers.iter().find(|place| place.name == name)
    }

    fn unopened(&self, name: &str) -> Option<&Unopened> {
        self.unopened.iter().find(|unopened| unopened.name == name)
    }

    /// The error for what is at a provider that is not configured here; a misspelt name gets the nearest right one.
    fn not_configured(&self, name: &str) -> Error {
        let configured = self.providers.iter().map(|place| place.name.as_str());
        let unopened = self.unopened.iter().map(|unopened| unopened.name.as_str());
        let kinds = KINDS.iter().map(|kind| kind.name);
        let meant = nearest(name, configured.chain(unopened).chain(kinds));
        Error::from(format!("its provider `{name}` is not configured here"))
            .hinted_all(meant.map(|meant| format!("did you mean `{meant}`?")))
            .hinted(format!(
                "add its table `[providers.{name}]` to providers.toml"
            ))
    }

    /// GitHub's clock where it is known, else ours.
    fn now(&self) -> jiff::Timestamp {
        self.github
            .map_or_else(jiff::Timestamp::now, GitHubApi::now)
    }

    /// What time it is by GitHub's clock, and by ours, too, where they do not agree: the earlier of the
    /// two. What is overdue only by the later one is not.
    fn at_least(&self) -> jiff::Timestamp {
        self.clocks().earliest
    }

    /// What time it is by GitHub's clock and, where they do not agree, by ours.
    fn clocks(&self) -> Clocks {
        let now = self.now();
        let ahead = self.github.map(GitHubApi::ahead).unwrap_or_default();
        let ours = now.checked_sub(ahead).unwrap_or(now);
        if ahead.abs() <= CLOCKS_AGREE {
            return Clocks::agreed(now);
        }
        Clocks {
            now,
            earliest: now.min(ours),
            latest: now.max(ours),
        }
    }
}

/// Something that is still there after an operation, and that somebody should know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The runner.
    pub name: Name,
    /// Its machine, where one is known.
    pub instance: Option<Reference>,
    /// Why it is still there.
    #[serde(flatten, serialize_with = "Error::as_reason")]
    pub why: Error,
    /// What removes it.
    pub command: String,
    /// What gets a person in.
    pub access: Option<String>,
    /// All commands that get a person in, or to what is left of it, in the state that it is in; the first is `access`.
    pub access_commands: Vec<String>,
    /// Whether it is meant to be there (`--keep-failed`, a job on it).
    pub kept: bool,
    /// Whether it is a registration only: no machine is left that could cost anything.
    pub registration_only: bool,
}

impl Left {
    /// Something of a runner that is still there.
    fn of(
        name: &Name,
        machine: Option<(&NamedProvider, &Instance)>,
        why: impl Into<Error>,
        kept: bool,
    ) -> Self {
        let instance = machine.map(|(place, instance)| place.reference(&instance.id));
        let what = what(name, instance.as_ref());
        let access = machine.map(|(place, instance)| place.provider.access(instance));
        let access_commands = access.unwrap_or_default();
        Self {
            name: name.clone(),
            command: format!("gharun stop {what}"),
            access: access_commands.first().cloned(),
            access_commands,
            instance,
            why: why.into(),
            kept,
            registration_only: false,
        }
    }

    /// What `gharun stop` takes for it.
    pub fn what(&self) -> String {
        what(&self.name, self.instance.as_ref())
    }

    /// The registration of a runner that is proved to have no machine.
    fn registration(name: &Name, why: impl Into<Error>) -> Self {
        Self {
            registration_only: true,
            ..Self::of(name, None, why, false)
        }
    }
}

/// What `gharun stop` takes for a runner: its machine, where one is known, else its name.
fn what(name: &Name, instance: Option<&Reference>) -> String {
    instance.map_or_else(|| name.to_string(), ToString::to_string)
}
