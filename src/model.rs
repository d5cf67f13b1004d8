//! The nouns that cross walls.

use std::error::Error as StdError;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod boot_cause;
pub mod boot_exit;
pub mod child;
pub mod digest;
mod duration;
mod error;
mod exit;
mod job_user;
pub(crate) mod json;
mod key;
mod list_column;
mod mapping;
mod name;
mod near;
mod pasted;
mod path;
mod prices;
mod rental;
pub mod server;
mod source;
mod tags;
mod target;
pub mod text;
mod text_or_secret;
mod version;

pub use boot_cause::BootCause;
pub use duration::HumanDuration;
pub use error::{Error, outline};
pub use exit::Exit;
pub use job_user::{JobUser, RunAs};
pub use key::KeySetting;
pub use list_column::{ListColumn, NoColumn};
pub use mapping::Mapping;
pub use name::{Name, Run};
pub use near::{known_hints, nearest, similar};
pub use pasted::is_secret_itself;
pub use path::{ExistingPath, NO_PATH, PathSetting, looks_like_key};
pub use prices::Prices;
pub use rental::{Price, PriceBasis, Rental, cost_in_words};
pub use source::SecretSource;
pub use tags::{MANAGED_BY, REHEARSAL, Tags, choose_start, count_of_start, is_reserved};
pub use target::StopTarget;
pub use text_or_secret::{ProgramWord, TextOrSecret};
pub use version::{RegistrationMode, RunnerVersion};

/// Two clocks that differ by no more than this agree.
pub const CLOCKS_AGREE: SignedDuration = SignedDuration::from_mins(5);

/// A value that must not be seen: a token, a key, a just-in-time configuration, a boot script.
///
/// It has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Shows the value: the one place where it leaves its cover.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// The format `secret` tells `settings` which keys take a source instead of a literal.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "secret" })
    }
}

/// The part of GitHub that runners are registered with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// An enterprise, by its slug.
    Enterprise(String),
    /// An organization, by its login.
    Org(String),
    /// One repository.
    Repo {
        /// The owner's login.
        owner: String,
        /// The repository's name without its owner.
        name: String,
    },
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enterprise(slug) => write!(f, "enterprises/{slug}"),
            Self::Org(org) => f.write_str(org),
            Self::Repo { owner, name } => write!(f, "{owner}/{name}"),
        }
    }
}

/// The option that names a scope as tags spell it: `--repo octo/app`.
pub fn option_of_scope(scope: &str) -> String {
    match scope.split_once('/') {
        Some(("enterprises", slug)) => format!("--enterprise {slug}"),
        Some(_) => format!("--repo {scope}"),
        None => format!("--org {scope}"),
    }
}

/// What a place calls one of its machines: `place/id`, or `id` where a kind has but one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId {
    /// The region, daemon or host, spelled so that no masked secret can be part of it.
    pub location: Option<String>,
    /// The machine within its place.
    pub id: String,
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(place) => write!(f, "{place}/{}", self.id),
            None => f.write_str(&self.id),
        }
    }
}

/// The one spelling of a machine that users see and type: `provider:place/id`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The provider's name: a table of `providers.toml`, or a kind.
    pub provider: String,
    /// The machine at that provider.
    pub id: InstanceId,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.id)
    }
}

/// Why a text is no reference.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a machine: write `PROVIDER:PLACE/ID`, as `gharun list` shows it")]
pub struct NoReference(String);

impl FromStr for Reference {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        let bad = || NoReference(text.to_owned());
        let fine = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        let (provider, rest) = text.split_once(':').ok_or_else(bad)?;
        let (place, id) = match rest.split_once('/') {
            Some((place, id)) => (Some(place), id),
            None => (None, rest),
        };
        if !fine(provider) || !fine(id) || !place.is_none_or(fine) {
            return Err(bad());
        }
        Ok(Self {
            provider: provider.to_owned(),
            id: InstanceId {
                location: place.map(str::to_owned),
                id: id.to_owned(),
            },
        })
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// All that a provider may know of one runner to launch.
#[derive(Clone, Debug)]
pub struct Order {
    /// The key of the creation: launching the same name twice never yields two machines.
    pub name: Name,
    /// The boot script, to be run once; it holds the just-in-time configuration.
    pub boot: Secret,
    /// What stays the same from one try of this runner to the next, when its name does not: its place
    /// in a queue for room.
    pub queue_key: String,
    /// What the machine has to carry.
    pub tags: Tags,
    /// How long the machine may live, for places that can end it themselves.
    pub lifetime: Duration,
    /// Whether a machine that fails stays until its lifetime is over (`--keep-failed`): then nothing of its place may
    /// end it before.
    pub keep_failed: bool,
}

impl Order {
    /// Whether a machine with these tags was made for this very order, and not for another of its name.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.name == self.name && tags.start == self.tags.start
    }
}

/// What a machine is doing, as far as its place tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Accepted, not yet running.
    Pending,
    /// Running.
    Running,
    /// It ended by itself; the text says how (`exit code 1`, `spot interruption`).
    Ended(String),
}

/// A machine that a place has, or has had a moment ago.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What its place calls it.
    pub id: InstanceId,
    /// What it is doing.
    pub state: Condition,
    /// What it carries.
    pub tags: Tags,
    /// When its place made it.
    pub created: Timestamp,
    /// When it ended, where its place tells.
    pub ended: Option<Timestamp>,
    /// What was rented, as far as the place tells.
    pub rental: Rental,
}

/// How far a machine is that was launched, and whose runner is not online yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootStage {
    /// Its place does not say yet that it runs.
    Booting,
    /// It runs, and prepares the runner.
    Installing,
    /// GitHub knows the runner, which is not online yet.
    Connecting,
}

/// What happened to a runner or a machine while an operation was at work.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A start begins.
    Starting {
        /// Its runners, in order.
        names: Vec<Name>,
        /// What they are registered with.
        scope: String,
        /// How long it may take until all are online.
        at_most: Duration,
        /// The providers whose machines cost nothing, as the user calls them.
        unrented: Vec<String>,
        /// Whether the others are kept where one fails.
        keeps_others: bool,
    },
    /// A machine is seen to be that far.
    Seen {
        /// The runner.
        name: Name,
        /// How far it is.
        stage: BootStage,
    },
    /// A secret came into being and must be masked before it is used.
    Secret(Secret),
    /// GitHub knows the runner.
    Registered {
        /// The runner.
        name: Name,
        /// GitHub's number of it.
        runner_id: u64,
    },
    /// A provider was asked for a machine.
    Launching {
        /// The runner.
        name: Name,
        /// The provider.
        provider: String,
    },
    /// A provider has no room; the next one is tried.
    NoCapacity {
        /// The runner.
        name: Name,
        /// The provider.
        provider: String,
        /// What it said.
        reason: String,
    },
    /// A machine exists; `mapping` holds all machines of this start so far, this one included.
    Launched {
        /// The runner.
        name: Name,
        /// Its machine.
        instance: Reference,
        /// What was rented.
        rental: Rental,
        /// Everything launched so far.
        mapping: Mapping,
    },
    /// The machines of this start that are there, when some that were launched are gone.
    Mapping(Mapping),
    /// GitHub says that the runner is online.
    Online {
        /// The runner.
        name: Name,
        /// How long after the beginning of the operation.
        after: Duration,
    },
    /// One runner failed.
    Failed {
        /// The runner.
        name: Name,
        /// Why, in one sentence.
        reason: String,
        /// The end of what the machine said while booting: foreign text.
        log: Option<String>,
    },
    /// A runner name was given up and another taken in its place.
    Renamed {
        /// The old name.
        from: Name,
        /// The new one.
        to: Name,
        /// Why.
        reason: String,
    },
    /// A registration was removed, or was gone already.
    Deregistered {
        /// The runner.
        name: String,
    },
    /// A machine was asked to end.
    Terminating {
        /// The machine.
        instance: Reference,
    },
    /// A machine is proved gone.
    Terminated {
        /// The machine.
        instance: Reference,
    },
    /// Something is waited for.
    Waiting {
        /// What, and why.
        reason: String,
        /// How long at most.
        at_most: Duration,
    },
    /// Something that the user should know and that stops nothing.
    Warning(Error),
}

/// Takes events. It is awaited after each, so that masks and outputs are written before the next step.
pub trait Sink {
    /// Takes one event; an error means that it could not be written down, and the operation must end.
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>>;
}

/// An error, what it was caused by, and so on.
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error with its causes on one line.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Takes a mutex that may be poisoned: what it guards is whole whenever it can be taken, since no one panics
/// half way through a change of it.
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time so long after another one; the last there is, where that is later.
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Whether a host is this very computer.
pub fn is_loopback(host: &url::Host<impl AsRef<str>>) -> bool {
    match host {
        url::Host::Domain(name) => {
            let name = name.as_ref();
            // The whole of that top-level domain (RFC 6761).
            name == "localhost" || name.ends_with(".localhost")
        }
        // 0.0.0.0 reaches this computer as well.
        url::Host::Ipv4(address) => address.is_loopback() || address.is_unspecified(),
        url::Host::Ipv6(address) => address.is_loopback() || address.is_unspecified(),
    }
}

/// Returns `len` random characters of `[a-z0-9]`, from the operating system's source.
///
/// # Panics
///
/// Panics where the operating system has no random source.
pub fn random(len: usize) -> String {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = vec![0u8; len];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % 36]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_reads_back_as_it_is_written() {
        for text in [
            "aws:us_east_1/i-0abc",
            "docker:1a2b3c/4d5e",
            "local:gharun-abc",
        ] {
            assert_eq!(
                text.parse::<Reference>().map(|r| r.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", "aws", ":x", "aws:", "aws:/x", "aws:x/", "aws:a b"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(***)");
    }
}
