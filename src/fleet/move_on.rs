//! A machine that was accepted and will not start: it is ended, and its runner goes elsewhere.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::register::Former;
use super::runner_progress::RunnerProgress;
use super::shared::{Moved, Parting, StartContext};
use super::{Trouble, chain};
use crate::github::GitHubApi;
use crate::model::Event;
use crate::providers::ErrorKind;

/// How long the end of a machine may take, from its deregistration to the proof that it is gone.
const ENDS: Duration = Duration::from_mins(1);

impl<G: GitHubApi> StartContext<'_, G> {
    /// Ends a machine that will not become its runner's, and frees the runner. The machine may start in this very
    /// moment, so the registration goes first, and a refusal to delete it keeps both.
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
        let deadline = Instant::now() + ENDS;
        let left = self.undo_runner(progress, deadline).await;
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
