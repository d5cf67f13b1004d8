//! The removal of a registration: before its machine is ended, and once more when that is gone.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Ending, Removal};
use crate::fleet::answer::{Timeout, in_time};
use crate::fleet::stop::StopMode;
use crate::fleet::verdict::RegistrationState;
use crate::github::{self, Deregistration, GitHubApi};
use crate::model::Event;
use crate::poll::{Pace, until};

/// How long GitHub may take before a machine that was named is ended all the same.
pub(super) const AT_ONCE: Duration = Duration::from_millis(2500);
/// How long an answer that was asked for may take after a signal.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// GitHub calls a runner busy for a while after its job has ended.
const LAG: Pace = Pace {
    every: Duration::from_secs(3),
    at_most: Duration::from_secs(30),
};
/// GitHub frees a registration soon after its machine is gone, mostly.
const AFTERWARDS: Pace = Pace {
    every: Duration::from_secs(2),
    at_most: Duration::from_secs(10),
};

impl<'a, G: GitHubApi> Ending<'a, G> {
    /// Before the machine is ended. What was named is ended whatever GitHub says, so that no limit of
    /// GitHub's is waited for; a signal leaves no time for more than one answer.
    pub(super) async fn deregister_first(&self) -> Removal {
        let answer = async {
            match self.chosen.manner {
                StopMode::Explicit => {
                    self.deregister_patiently(async || self.deregister_at_once().await)
                        .await
                }
                // No job bears its name, and its place sees none: the flag may lag.
                StopMode::Gentle
                    if self
                        .facts()
                        .is_some_and(|facts| facts.1 == RegistrationState::Busy) =>
                {
                    self.deregister_patiently(async || self.deregister_once().await)
                        .await
                }
                StopMode::Gentle | StopMode::Orphan => self.deregister_once().await,
            }
        };
        let signalled = async {
            self.limit.interrupted().await;
            sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            biased;
            answer = answer => answer,
            () = signalled => {
                if self.refused.get() {
                    Removal::Busy
                } else {
                    Removal::Unknown("interrupted before GitHub answered".into())
                }
            }
        }
    }

    /// Asks again while GitHub says 422, until the machine has no job for certain.
    async fn deregister_patiently(&self, ask: impl AsyncFn() -> Removal) -> Removal {
        let pace = Pace {
            at_most: LAG.at_most.min(self.left() / 2),
            ..LAG
        };
        let answer = until(pace, async || match ask().await {
            Removal::Busy if !self.stop.wait || self.waits_in_vain().await => Some(Removal::Busy),
            Removal::Busy => None,
            answer => Some(answer),
        });
        answer.await.unwrap_or(Removal::Busy)
    }

    /// Asks, and waits for room at GitHub where that is needed.
    async fn deregister_once(&self) -> Removal {
        let (github, id) = match self.registration() {
            Ok(known) => known,
            Err(removal) => return removal,
        };
        let asked = in_time(github, self.patience(), github.deregister(id));
        // Nor is room waited for until it is too late to end the machine.
        let asked = timeout(self.left() / 2, asked).await;
        self.removal(asked.unwrap_or(Err(Timeout))).await
    }

    /// Asks, and waits for no room.
    async fn deregister_at_once(&self) -> Removal {
        let (github, id) = match self.registration() {
            Ok(known) => known,
            Err(removal) => return removal,
        };
        let patience = AT_ONCE.min(self.patience());
        let asked = timeout(patience, github.deregister_at_once(id)).await;
        self.removal(asked.map_err(|_| Timeout)).await
    }

    /// The registration that GitHub has, or what is known of it without asking.
    fn registration(&self) -> Result<(&'a G, u64), Removal> {
        let (known, ours) = {
            let row = self.row.borrow();
            let Some(row) = row.as_ref().filter(|row| !row.is_rehearsal()) else {
                return Err(Removal::Gone);
            };
            (row.runner_id, row.facts.registration)
        };
        match (self.fleet.github, known, ours) {
            (_, _, RegistrationState::Absent) => Err(Removal::Gone),
            (Some(github), Some(id), _) => Ok((github, id)),
            (_, _, RegistrationState::Unread) => {
                Err(Removal::Unknown("could not query GitHub".into()))
            }
            _ => Err(Removal::Gone),
        }
    }

    async fn removal(&self, answer: Result<github::Result<Deregistration>, Timeout>) -> Removal {
        self.refused
            .set(matches!(answer, Ok(Ok(Deregistration::Busy))));
        match answer {
            Ok(Ok(Deregistration::Busy)) => Removal::Busy,
            Ok(Ok(Deregistration::Gone)) => {
                if let Some(name) = &self.chosen.name {
                    self.say(Event::Deregistered {
                        name: name.to_string(),
                    })
                    .await;
                }
                Removal::Gone
            }
            Ok(Err(error)) => Removal::Unknown(error.any()),
            Err(Timeout) => Removal::Unknown("GitHub did not answer in time".into()),
        }
    }

    /// Once the machine is gone GitHub may let go of the registration, too, and there is time to wait for room.
    pub(super) async fn deregister_afterwards(&self) {
        if self.deregistered.get() || !self.registers() {
            return;
        }
        let at_most = AFTERWARDS.at_most.min(self.left() / 2);
        let pace = Pace {
            at_most: if self.stop.wait {
                at_most
            } else {
                Duration::ZERO
            },
            ..AFTERWARDS
        };
        let gone = until(pace, async || match self.deregister_once().await {
            Removal::Gone => Some(Ok(())),
            Removal::Busy => None,
            Removal::Unknown(error) => Some(Err(error)),
        });
        let name = self.chosen.name.as_ref().map(ToString::to_string);
        let name = name.unwrap_or_default();
        match gone.await {
            Some(Ok(())) => self.deregistered.set(true),
            Some(Err(error)) => {
                // Only where its removal was tried before: the registration of a machine that came late may follow.
                if self.unremoved.get() {
                    let what = format!("could not remove the registration of `{name}`");
                    let error = error.while_trying(what);
                    // Where its machine is gone, too, the record is how the next stop finds it.
                    let is_alone = self.is_gone() && self.fleet.github.is_some();
                    if is_alone || self.is_registration_only() {
                        *self.left.borrow_mut() = Some(error);
                    } else {
                        self.warn(error).await;
                    }
                }
            }
            None => {
                self.warn(format!(
                    "GitHub still reports the runner `{name}` as busy, though its machine is gone: \
                     GitHub will remove it, or run `gharun stop --orphans` later"
                ))
                .await;
            }
        }
    }
}
