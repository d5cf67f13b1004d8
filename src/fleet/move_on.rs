//! A machine that was accepted and will not start: it is ended, and its runner goes elsewhere.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::register::Former;
use super::runner_progress::RunnerProgress;
use super::shared::{Moved, Parting, StartContext};
use super::undo::{RegistrationRemoval, Sought};
use super::{Trouble, chain};
use crate::github::GitHubApi;
use crate::model::{Condition, Event, Name, Reference};
use crate::poll::{Backoff, chance};
use crate::providers::ErrorKind;

/// How long the end of a machine may take, from its deregistration to the proof that it is gone.
const ENDS: Duration = Duration::from_mins(1);
/// The pauses between two questions to GitHub, which did not answer whether a runner has a job.
const ASKS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));

/// Whether a job may run on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Employment {
    /// It did not start, or has ended.
    Idle,
    /// It runs.
    Possible,
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Ends a machine that will not become its runner's, and frees the runner. The machine may start in this very
    /// moment, so the registration goes first, and a refusal to delete it keeps both. So does GitHub's silence, where the
    /// machine may be at work.
    pub(super) async fn move_on(
        &self,
        progress: &RefCell<RunnerProgress>,
        why: &Parting,
    ) -> Result<Moved, Trouble> {
        self.go_on()?;
        let (name, machine) = {
            let progress = progress.borrow();
            let machine = progress.machine.there();
            let named = machine.map(|(place, machine)| place.reference(&machine.id));
            (progress.name.clone(), named)
        };
        let may_work = self.may_work(&name, why);
        self.watch.leave(&name);
        let Some(machine) = machine else {
            return Ok(Moved::Free);
        };
        let provider = machine.provider.clone();
        match why {
            Parting::Doomed(why) if why.kind == ErrorKind::NoCapacity => {
                let told = Event::NoCapacity {
                    name: name.clone(),
                    provider: provider.clone(),
                    reason: chain(why),
                };
                self.fleet.sink.tell(told).await?;
            }
            // Its runner was online, and nobody expects that to go again.
            Parting::Dear(why) => {
                let what = format!("ending `{machine}`, whose runner `{name}` has no job yet");
                let told = Event::Warning(why.clone().any().while_trying(what));
                self.fleet.sink.tell(told).await?;
            }
            Parting::Doomed(_) | Parting::Dropped | Parting::Ended => {}
        }
        let Some(registration) = self.release(progress, &machine, may_work).await? else {
            return Ok(Moved::Unsure);
        };
        let deadline = Instant::now() + ENDS;
        let left = self.undo_machine(progress, registration, deadline).await;
        let former = match left.into_iter().next() {
            None => Former::Gone,
            Some(left) if left.kept => return Ok(Moved::Stays),
            // Its machine is proved gone; what is left of its name is removed at the end.
            Some(left) if left.registration_only => Former::Lost,
            Some(left) => {
                let source = left.why.map(|()| ErrorKind::Ambiguous);
                return Err(Trouble::Lost { provider, source });
            }
        };
        self.unmap(&name).await?;
        self.go_on()?;
        if !self.asks_again(&provider, why) {
            // Nothing more is tried: the failure is that of the name that was launched.
            return Ok(Moved::Free);
        }
        let reason = match why {
            Parting::Doomed(_) => "its machine did not start",
            Parting::Dear(_) => "its machine costs too much",
            Parting::Dropped => "GitHub dropped its registration",
            Parting::Ended => "its machine ended without a job",
        };
        self.rename(progress, former, reason).await?;
        Ok(Moved::Free)
    }

    /// Whether a job may run on a machine that is to be given up, by what was seen last.
    fn may_work(&self, name: &Name, why: &Parting) -> Employment {
        let sight = self.watch.sight(name);
        let is_up = match self.watch.machine(name).map(|machine| machine.state) {
            Some(Condition::Running) => true,
            Some(Condition::Pending | Condition::Ended(_)) => false,
            None => sight.died.is_none(),
        };
        match why {
            Parting::Dear(_) => Employment::Possible,
            Parting::Doomed(_) | Parting::Dropped if is_up || sight.online => Employment::Possible,
            Parting::Ended | Parting::Doomed(_) | Parting::Dropped => Employment::Idle,
        }
    }

    /// Removes the registration of a runner whose machine is to be ended. GitHub alone knows whether it has a job: where
    /// it may have one, nothing is ended before GitHub has answered. `None`: it has not until the time limit.
    async fn release(
        &self,
        progress: &RefCell<RunnerProgress>,
        machine: &Reference,
        employment: Employment,
    ) -> Result<Option<RegistrationRemoval>, Trouble> {
        let (name, sought) = {
            let progress = progress.borrow();
            (progress.name.clone(), Sought::of(&progress))
        };
        let mut removal = self.deregister_at_once(&name, sought).await;
        let mut pauses = Backoff::new(ASKS.0, ASKS.1);
        let mut is_told = false;
        while let (RegistrationRemoval::Unknown(why), Employment::Possible) = (&removal, employment)
        {
            if !is_told {
                is_told = true;
                let what = format!(
                    "could not check whether `{name}` has a job, so `{machine}` is kept until GitHub answers"
                );
                let told = why.clone().while_trying(what);
                let told = told.hinted(format!("to end it, run `gharun stop {machine}`"));
                self.fleet.sink.tell(Event::Warning(told)).await?;
            }
            let again = async {
                sleep(pauses.next(chance())).await;
                self.deregister(&name, sought).await
            };
            removal = tokio::select! {
                biased;
                () = self.cancellation.requested() => return Err(Trouble::Halted),
                () = sleep_until(self.deadline()) => return Ok(None),
                removal = again => removal,
            };
        }
        Ok(Some(removal))
    }

    /// Whether any place is asked for another machine after one at `provider` was given up.
    fn asks_again(&self, provider: &str, why: &Parting) -> bool {
        let (Parting::Doomed(why) | Parting::Dear(why)) = why else {
            return true;
        };
        // Where there is only no room, the same place is asked for its next candidate.
        let any_is_left = why.kind == ErrorKind::NoCapacity || !self.is_last(provider);
        any_is_left && Instant::now() < self.deadline()
    }
}
