//! What became of a runner, as it is told.

use super::{EndOutcome, Ending};
use crate::fleet::stop::{Kept, Pending, StopMode, Stopped, Unstopped};
use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::MachineState;
use crate::github::GitHubApi;
use crate::model::Error;

impl<G: GitHubApi> Ending<'_, G> {
    pub(super) fn stopped(&self) -> Stopped {
        let row = self.row.borrow();
        let bill = row.as_ref().and_then(|row| row.bill(self.fleet.now()));
        Stopped {
            instance: self.chosen.instance.clone(),
            name: self.chosen.name.clone(),
            deregistered: self.deregistered.get(),
            terminated: self.terminated.get(),
            assumed_gone: self.assumed_gone.get(),
            already_gone: self.terminated.get() && !self.was_seen(),
            registered: self.left.borrow().clone(),
            billed: bill.as_ref().map(|bill| bill.span),
            cost: bill.as_ref().and_then(|bill| bill.cost),
            cost_at_most: bill.is_some_and(|bill| bill.at_most && bill.cost.is_some()),
            reason: self.chosen.why.clone(),
        }
    }

    /// Whether its machine was shown by a listing, or its place could not be read, when this stop chose it: only of such a
    /// one is it said that this stop ended it.
    pub(super) fn was_seen(&self) -> bool {
        let row = self.chosen.row.as_ref();
        row.is_some_and(|row| {
            !matches!(
                row.facts.machine,
                MachineState::Gone | MachineState::Missing | MachineState::Nowhere
            )
        })
    }

    /// What may still come: its creation may be under way, and no look so far is a proof that it is not.
    pub(super) fn pending(&self) -> Option<Pending> {
        let row = self.row.borrow();
        let row = row.as_ref()?;
        let until = row.may_still_come(self.fleet.at_least())?;
        Some(Pending {
            command: format!("gharun stop {}", row.name),
            name: row.name.clone(),
            until,
            deregistered: self.deregistered.get(),
            reason: self.chosen.why.clone(),
        })
    }

    /// The registration that is all that is left of a runner.
    pub(super) fn left_registration(&self) -> Option<Unstopped> {
        let error = self.left.borrow().clone()?;
        if !self.is_registration_only() {
            return None;
        }
        Some(self.unstopped(error).registration_only())
    }

    /// What is left because nobody could tell whether a job runs on it.
    pub(super) fn undecided(&self, error: impl Into<Error>) -> Unstopped {
        let unstopped = self.unstopped(error);
        if self.is_registration_only() {
            unstopped.registration_only()
        } else {
            unstopped
        }
    }

    /// Whether it is a registration, and nothing says that it has, or may yet have, a machine.
    pub(super) fn is_registration_only(&self) -> bool {
        let row = self.row.borrow();
        let is_alone = |row: &SurveyRow| match row.facts.machine {
            _ if row.machineless => true,
            MachineState::Gone => true,
            MachineState::Nowhere => !row.recorded,
            MachineState::Ended
            | MachineState::Missing
            | MachineState::There
            | MachineState::Unread => false,
        };
        self.pending().is_none() && row.as_ref().is_some_and(is_alone)
    }

    pub(super) fn kept(&self, reason: String) -> EndOutcome {
        let name = self.chosen.name.clone();
        let row = self.row.borrow();
        let late = row.as_ref().is_some_and(SurveyRow::is_past_its_lifetime);
        EndOutcome::Kept(Kept {
            instance: self.chosen.instance.clone(),
            name: name.expect("what is kept was judged, and only what has a name is"),
            reason,
            due: late || self.chosen.manner != StopMode::Orphan,
        })
    }

    pub(super) fn failed(&self, error: impl Into<Error>) -> EndOutcome {
        EndOutcome::Failed(self.unstopped(error))
    }

    pub(super) fn unstopped(&self, error: impl Into<Error>) -> Unstopped {
        let (instance, name) = (self.chosen.instance.as_ref(), self.chosen.name.as_ref());
        Unstopped::new(instance, name, error)
    }
}
