//! From a name to a credential: a runner's registration, and another name where one is in doubt.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::runner_progress::{self, RunnerProgress};
use super::shared::StartContext;
use super::{Trouble, chain};
use crate::github::{self, GitHubApi, Registration, RunnerCredential};
use crate::model::Event;
use crate::poll::{Backoff, chance};

/// A registration that has waited longer than this for room is replaced: idle ones were seen to be
/// dropped after two minutes (actions/runner#4726).
const FRESH: Duration = Duration::from_mins(2);
/// The pauses between two requests to register, while GitHub fails.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// How many names a runner may get: where each answer is lost after the deed, each leaves a registration.
const NAMES: u32 = 4;

/// What is left of a name that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Former {
    /// Nothing: its registration and its machine are proved gone.
    Gone,
    /// Its registration may be there, or turn up late: its record stays until that is proved gone, at the
    /// end.
    Lost,
    /// The same, and its record stays beyond that: a machine of it may turn up at a place whose refusal proves nothing.
    Refused,
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// A credential that is good yet: a just-in-time configuration that GitHub has not dropped, or a
    /// token, which the client keeps for as long as it is worth.
    pub(super) async fn fresh(
        &self,
        progress: &RefCell<RunnerProgress>,
        kept: &mut Option<RunnerCredential>,
    ) -> Result<RunnerCredential, Trouble> {
        self.go_on()?;
        let registration = progress.borrow().registration;
        if let runner_progress::RegistrationProgress::Made(_, at) = registration
            && at.elapsed() > FRESH
        {
            *kept = None;
            let reason = "its registration expired while it waited for a machine";
            self.rename(progress, Former::Lost, reason).await?;
        }
        if let Some(jit @ RunnerCredential::Jit(_)) = kept {
            return Ok(jit.clone());
        }
        Ok(kept.insert(self.register(progress).await?).clone())
    }

    /// Registers a name, again and again while GitHub fails and there is time. The same name is asked for: GitHub
    /// has each but once, so that a request that was carried out, and whose answer was lost, shows as a name that
    /// is taken, and another is chosen.
    async fn register(
        &self,
        progress: &RefCell<RunnerProgress>,
    ) -> Result<RunnerCredential, Trouble> {
        let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
        // Whether it may be registered under its name though no answer says so.
        let mut in_doubt = false;
        let mut names = 1;
        loop {
            self.go_on()?;
            let name = progress.borrow().name.clone();
            let labels = self.plan.labels_of(&name);
            progress.borrow_mut().registration = runner_progress::RegistrationProgress::Asked;
            let answer = tokio::select! {
                biased;
                answer = self.github.register(&name, &labels) => Some(answer),
                () = self.impatience() => None,
            };
            progress.borrow_mut().registration = runner_progress::RegistrationProgress::Absent;
            let error = match answer {
                Some(Ok(registration)) => return self.registered(progress, registration).await,
                Some(Err(error)) => error,
                None => {
                    progress.borrow_mut().lose();
                    self.go_on()?;
                    return Err(Trouble::unregistered(&name));
                }
            };
            let is_taken = error.kind == github::ErrorKind::NameTaken;
            let pause = if is_taken && in_doubt {
                Duration::ZERO
            } else {
                pauses.next(chance())
            };
            in_doubt |= is_taken || error.kind == github::ErrorKind::Ambiguous;
            let may_heal = match error.kind {
                github::ErrorKind::Ambiguous | github::ErrorKind::Unavailable => true,
                github::ErrorKind::NameTaken => names < NAMES,
                _ => false,
            };
            let in_time = Instant::now() + pause < self.deadline();
            if !may_heal || !in_time || self.cancellation.is_said() {
                if in_doubt {
                    progress.borrow_mut().lose();
                }
                // It was waiting for room and is surely not registered: nothing is to be undone.
                if error.kind == github::ErrorKind::RateLimited {
                    self.go_on()?;
                }
                return Err(Trouble::Register(error));
            }
            if is_taken {
                self.rename(progress, Former::Lost, &chain(&error)).await?;
                (in_doubt, names) = (false, names + 1);
            } else {
                self.say_github_fails(&error).await?;
            }
            tokio::select! {
                () = self.cancellation.requested() => {
                    if in_doubt {
                        progress.borrow_mut().lose();
                    }
                    return Err(Trouble::Halted);
                }
                () = sleep(pause) => {}
            }
        }
    }

    /// Says once that GitHub is asked again.
    async fn say_github_fails(&self, why: &github::Error) -> Result<(), Trouble> {
        let why = chain(why);
        tracing::debug!("asking GitHub again: {why}");
        if self.said_github_fails.replace(true) {
            return Ok(());
        }
        let reason = format!("asking GitHub again: {why}");
        let at_most = self.deadline().saturating_duration_since(Instant::now());
        self.fleet
            .sink
            .tell(Event::Waiting { reason, at_most })
            .await?;
        Ok(())
    }

    async fn registered(
        &self,
        progress: &RefCell<RunnerProgress>,
        registration: Registration,
    ) -> Result<RunnerCredential, Trouble> {
        let Registration {
            runner_id,
            credential,
        } = registration;
        // With a token nothing is registered that GitHub could drop.
        if let Some(id) = runner_id {
            progress.borrow_mut().registration =
                runner_progress::RegistrationProgress::Made(id, Instant::now());
        }
        let (RunnerCredential::Jit(secret)
        | RunnerCredential::Token(github::RegistrationToken { token: secret, .. })) = &credential;
        self.fleet.sink.tell(Event::Secret(secret.clone())).await?;
        if let Some(id) = runner_id {
            self.write_id_down(progress, id).await?;
        }
        Ok(credential)
    }

    /// Writes GitHub's number of a runner down.
    pub(super) async fn write_id_down(
        &self,
        progress: &RefCell<RunnerProgress>,
        runner_id: u64,
    ) -> Result<(), Trouble> {
        let name = progress.borrow().name.clone();
        self.record(&name, move |entry| entry.runner_id = Some(runner_id))
            .await?;
        self.fleet
            .sink
            .tell(Event::Registered { name, runner_id })
            .await?;
        Ok(())
    }

    /// Gives a name up and takes another.
    pub(super) async fn rename(
        &self,
        progress: &RefCell<RunnerProgress>,
        former: Former,
        reason: &str,
    ) -> Result<(), Trouble> {
        let from = progress.borrow().name.clone();
        let to = self.plan.name(progress.borrow().index, self.fleet.clocks());
        let (old, key, entry) = (from.clone(), to.clone(), self.entry(&to));
        self.fleet
            .store
            .update(move |entries| {
                entries.insert(key, entry);
                match former {
                    Former::Gone => {
                        entries.remove(&old);
                    }
                    Former::Refused => {}
                    // Its runner goes on under another name: no machine of this one will come.
                    Former::Lost => {
                        if let Some(old) = entries.get_mut(&old) {
                            old.machineless = old.launch.is_none();
                        }
                    }
                }
            })
            .await?;
        let known = {
            let mut progress = progress.borrow_mut();
            let known = progress.registration.id();
            if former != Former::Gone {
                progress.lose();
            }
            progress.is_renamed(to.clone());
            known
        };
        self.fleet
            .sink
            .tell(Event::Renamed {
                from: from.clone(),
                to,
                reason: reason.to_owned(),
            })
            .await?;
        if let Some(id) = known {
            self.remove_replaced(progress, &from, id).await;
        }
        Ok(())
    }
}
