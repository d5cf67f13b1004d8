//! What the runners of one start share, and what the steps of one runner come to.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::cancellation::CancellationToken;
use super::watch::Watch;
use super::{Fleet, Trouble};
use crate::bootstrap::Package;
use crate::github::GitHubApi;
use crate::model::{Mapping, Name, Rental};
use crate::plan::Plan;
use crate::providers;
use crate::state::RunnerRecord;

/// How long a creation under way is awaited after the word that nothing more is to be created:
/// about as long as GitHub's second signal is away, less what undoing takes.
const LAST_WORD: Duration = Duration::from_secs(3);
/// A time limit that nobody lives to see.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 10);

/// What waiting for a runner came to.
pub(super) enum Waited {
    /// Its machine cannot become a runner: it is ended, and the runner gets another one.
    Parted(Parting),
    /// It is online, so long after the beginning of the start.
    Online(Duration),
}

/// Why a machine is given up though its order was accepted.
pub(super) enum Parting {
    /// It will never start, as its place tells ([`providers::Provider::why_doomed`]).
    Doomed(providers::Error),
    /// It costs more than its table allows, which its place told once its runner was online.
    Dear(providers::Error),
    /// GitHub dropped the registration that it was given.
    Dropped,
    /// It ended by itself after its runner was online, and without a job.
    Ended,
}

/// What became of a runner whose machine was not to start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is free to go elsewhere, under a new name where another place is asked: of the machine nothing is left.
    Free,
    /// It got a job meanwhile, so its machine did start.
    Stays,
    /// GitHub did not answer until the time limit whether it has a job, so its machine is still there.
    Unsure,
}

/// What the runners of one start share.
pub(super) struct StartContext<'a, G> {
    pub(super) fleet: Fleet<'a, G>,
    pub(super) github: &'a G,
    pub(super) plan: &'a Plan,
    pub(super) packages: &'a [Package],
    pub(super) cancellation: CancellationToken,
    /// Said with it where somebody interrupted, so that no time is to be lost.
    pub(super) interruption: CancellationToken,
    pub(super) watch: Watch,
    pub(super) mapping: RefCell<Mapping>,
    pub(super) began: Instant,
    /// Whether it was said that GitHub is asked again and again to register.
    pub(super) said_github_fails: Cell<bool>,
}

impl<G: GitHubApi> StartContext<'_, G> {
    pub(super) fn deadline(&self) -> Instant {
        // Where no clock reaches that far, there is no limit to speak of.
        let end = self.began.checked_add(self.plan.timeout);
        end.unwrap_or_else(|| self.began + FOR_EVER)
    }

    pub(super) fn go_on(&self) -> Result<(), Trouble> {
        if self.cancellation.is_said() {
            Err(Trouble::Halted)
        } else {
            Ok(())
        }
    }

    /// Waits until a creation under way has been awaited long enough.
    pub(super) async fn impatience(&self) {
        let halted = async {
            self.cancellation.requested().await;
            sleep(LAST_WORD).await;
        };
        tokio::select! {
            () = halted => {}
            () = sleep_until(self.deadline()) => {}
        }
    }

    /// The record of a runner, before its name is registered.
    pub(super) fn entry(&self, name: &Name) -> RunnerRecord {
        let tags = self.plan.tags(name, None, self.fleet.clocks());
        let first = self.fleet.providers.first();
        RunnerRecord {
            provider: first.map(|place| place.name.clone()).unwrap_or_default(),
            server: tags.server,
            scope: tags.scope,
            repository: tags.repository,
            run: tags.run,
            start: tags.start,
            group: tags.group,
            created: tags.created,
            expires: tags.expires,
            runner_id: None,
            at: Vec::new(),
            instance: None,
            rental: Rental::default(),
            machineless: false,
            launch: None,
        }
    }

    /// Changes the record of one runner. A file that another process keeps locked must not keep the
    /// undoing waiting: the intent is on disk, and says enough.
    pub(super) async fn record(
        &self,
        name: &Name,
        change: impl FnOnce(&mut RunnerRecord) + Send + 'static,
    ) -> Result<(), Trouble> {
        let name = name.clone();
        let recorded = self.fleet.store.update(move |entries| {
            if let Some(entry) = entries.get_mut(&name) {
                change(entry);
            }
        });
        tokio::select! {
            biased;
            recorded = recorded => Ok(recorded?),
            () = self.impatience() => {
                self.go_on()?;
                Err(Trouble::Late {
                    unseen: None,
                    boot: Box::default(),
                })
            }
        }
    }
}
