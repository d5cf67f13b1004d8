//! Machines that are taken for gone, though their place is not proved to be the one that had them.

use tokio::time::timeout;

use super::Ending;
use super::unlisted_registration::look_for;
use crate::fleet::answer::in_time;
use crate::fleet::stop::{Registered, StopMode};
use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::{MachineState, RegistrationState};
use crate::github::GitHubApi;
use crate::model::{Error, StopTarget};
use crate::providers::{self, ErrorKind};

impl<G: GitHubApi> Ending<'_, G> {
    /// Whether nothing speaks for a machine any more but its record: its lifetime is over, GitHub has no runner of it, and
    /// the user wants it forgotten.
    pub(super) fn is_abandoned(&self) -> bool {
        let row = self.row.borrow();
        let explicit = self.chosen.manner == StopMode::Explicit;
        explicit && self.stop.force && row.as_ref().is_some_and(SurveyRow::is_abandoned)
    }

    /// Whether a machine that its place does not have, or that cannot be looked for, is taken for gone all the same.
    pub(super) async fn may_be_given_up(&self, error: &providers::Error) -> bool {
        let unregistered = match self.facts() {
            Some(facts) => facts == (MachineState::Gone, RegistrationState::Absent),
            None => self.chosen.registered == Registered::No,
        };
        // What is connected to GitHub runs, whoever says what.
        let connected = match self.facts() {
            Some((_, state)) => {
                matches!(state, RegistrationState::Online | RegistrationState::Busy)
            }
            None => self.chosen.registered == Registered::Connected,
        };
        let forced = self.stop.force && self.chosen.manner == StopMode::Explicit && !connected;
        match error.kind {
            ErrorKind::NotFound => forced || unregistered && self.is_unregistered().await,
            _ => self.is_abandoned(),
        }
    }

    /// Whether GitHub says so of each runner that may be of its machine: its list may miss one while others leave it.
    async fn is_unregistered(&self) -> bool {
        let Some(github) = self.fleet.github else {
            return true;
        };
        let row = self.row.borrow().clone();
        let runners = match (row, &self.stop.target) {
            (Some(row), _) => vec![(row.runner_id, row.name)],
            (None, StopTarget::Named { names, .. }) => {
                names.iter().map(|name| (None, name.clone())).collect()
            }
            (None, _) => Vec::new(),
        };
        for (id, name) in runners {
            let asked = in_time(github, self.patience(), look_for(github, id, &name));
            let asked = timeout(self.left() / 2, asked).await;
            if !matches!(asked, Ok(Ok(Ok(None)))) {
                return false;
            }
        }
        true
    }

    /// Whether a record without a machine tells where that would be, so that its absence there is a proof.
    pub(super) fn is_proved_absent(&self) -> bool {
        let row = self.row.borrow();
        let proved = |row: &SurveyRow| row.machineless || !row.at.is_empty();
        row.as_ref().is_none_or(|row| !row.recorded || proved(row))
    }

    /// Why its machine could not be looked for.
    pub(super) fn why_unread(&self) -> Error {
        if self.is_unsought() {
            return "its machine was not looked for everywhere".into();
        }
        let row = self.row.borrow();
        let elsewhere = row.as_ref().filter(|row| row.doubts.is_elsewhere());
        elsewhere.map_or_else(
            || "could not query its provider".into(),
            SurveyRow::elsewhere,
        )
    }

    /// Takes it for gone, and says so.
    pub(super) async fn give_up(&self, why: Error) {
        self.assumed_gone.set(true);
        let (name, instance) = (self.chosen.name.as_ref(), self.chosen.instance.as_ref());
        let what = instance
            .map(ToString::to_string)
            .or_else(|| name.map(ToString::to_string))
            .unwrap_or_default();
        self.warn(why.while_trying(format!("taking `{what}` for gone")))
            .await;
    }

    /// Whether its machine is proved gone, or taken for that.
    pub(super) fn is_gone(&self) -> bool {
        self.terminated.get() || self.assumed_gone.get()
    }
}
