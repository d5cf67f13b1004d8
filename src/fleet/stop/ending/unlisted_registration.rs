//! Registrations that the list of GitHub's runners did not show: it missed them, or they were made later.

use tokio::time::{sleep, timeout};

use super::deregistering::AT_ONCE;
use super::{EndOutcome, Ending};
use crate::fleet::answer::{Timeout, in_time};
use crate::fleet::stop::StopMode;
use crate::fleet::survey::{SurveyRow, of_github};
use crate::fleet::verdict::{MachineState, RegistrationState};
use crate::fleet::watch::SHOWS;
use crate::github::{self, GitHubApi, Runner};
use crate::model::{Error, Name};

impl<G: GitHubApi> Ending<'_, G> {
    /// A list of several pages may miss a runner while others leave it. So what is there and was not listed is asked for by
    /// its number or its name before it is ended: a job may run on it, and its registration would be left. An outcome
    /// means that it is not ended. An orphan's was asked for when it was looked at again.
    pub(super) async fn find_missed(&self) -> Option<EndOutcome> {
        let row = self.row.borrow().clone()?;
        let may_be_there = may_be_there(&row);
        let is_absent = row.facts.registration == RegistrationState::Absent;
        let github = self.fleet.github.filter(|_| row.ours)?;
        let wait = match (self.chosen.manner, row.runner_id) {
            _ if !may_be_there || !is_absent => return None,
            // The other may register itself up to its last moment, and is looked for then.
            (StopMode::Orphan, _) | (StopMode::Explicit, None) => return None,
            (StopMode::Explicit, Some(_)) => AT_ONCE.min(self.patience()),
            (StopMode::Gentle, _) => self.left() / 2,
        };
        let asked = look_for(github, row.runner_id, &row.name);
        let asked = timeout(wait, in_time(github, self.patience(), asked)).await;
        let error = match asked.unwrap_or(Err(Timeout)) {
            Ok(Ok(found)) => {
                if let Some(runner) = found {
                    self.is_registered_as(runner);
                }
                return None;
            }
            // What was named is ended whatever GitHub says.
            _ if self.chosen.manner == StopMode::Explicit => return None,
            Ok(Err(error)) => error.any(),
            Err(Timeout) => Error::from("GitHub did not answer in time"),
        };
        let error = error.while_trying("could not tell whether a job runs on it");
        Some(EndOutcome::Failed(self.undecided(error)))
    }

    /// A machine that was to register its runner itself may have done so up to its last moment.
    pub(super) async fn deregister_newcomer(&self) {
        let Some(row) = self.row.borrow().clone() else {
            return;
        };
        let was_booting = row.runner_id.is_none() && may_be_there(&row);
        let Some(github) = self.fleet.github.filter(|_| was_booting && row.ours) else {
            return;
        };
        sleep(SHOWS).await;
        match in_time(github, self.patience(), github.find(&row.name)).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(runner))) => {
                self.deregistered.set(false);
                self.is_registered_as(runner);
            }
            // As if its place could not be read: what is not known to be gone is not called so.
            Ok(Err(_)) | Err(_) => {
                self.deregistered.set(false);
                if let Some(row) = self.row.borrow_mut().as_mut() {
                    row.facts.registration = RegistrationState::Unread;
                }
            }
        }
    }

    fn is_registered_as(&self, runner: Runner) {
        if let Some(row) = self.row.borrow_mut().as_mut() {
            row.runner_id = Some(runner.id);
            row.facts.registration = of_github(&runner);
            row.runner = Some(runner);
        }
    }
}

/// Whether its machine was listed, or is one that its list may have hidden.
fn may_be_there(row: &SurveyRow) -> bool {
    matches!(
        row.facts.machine,
        MachineState::There | MachineState::Missing
    )
}

/// Asks for one runner, by its number where that is known.
pub(super) async fn look_for<G: GitHubApi>(
    github: &G,
    id: Option<u64>,
    name: &Name,
) -> github::Result<Option<Runner>> {
    match id {
        Some(id) => github.runner(id).await,
        None => github.find(name).await,
    }
}
