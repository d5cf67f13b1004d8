//! Registrations that turn up while their machines are ended.

use tokio::time::sleep;

use super::Ending;
use crate::fleet::answer::in_time;
use crate::fleet::survey::of_github;
use crate::fleet::verdict::{MachineState, RegistrationState};
use crate::fleet::watch::SHOWS;
use crate::github::GitHubApi;

impl<G: GitHubApi> Ending<'_, G> {
    /// A machine that was to register its runner itself may have done so up to its last moment.
    pub(super) async fn deregister_newcomer(&self) {
        let Some(row) = self.row.borrow().clone() else {
            return;
        };
        let was_booting = row.runner_id.is_none() && row.facts.machine == MachineState::There;
        let Some(github) = self.fleet.github.filter(|_| was_booting && row.ours) else {
            return;
        };
        sleep(SHOWS).await;
        match in_time(github, self.patience(), github.find(&row.name)).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(runner))) => {
                self.deregistered.set(false);
                if let Some(row) = self.row.borrow_mut().as_mut() {
                    row.runner_id = Some(runner.id);
                    row.facts.registration = of_github(&runner);
                    row.runner = Some(runner);
                }
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
}
