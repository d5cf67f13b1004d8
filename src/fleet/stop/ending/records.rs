//! The record of a runner, once it is known what became of that.

use super::Ending;
use crate::fleet::survey::SurveyRow;
use crate::github::GitHubApi;

impl<G: GitHubApi> Ending<'_, G> {
    /// Takes the record out of the state file, once the machine is proved gone.
    pub(super) async fn forget(&self) {
        let Some(name) = self.chosen.name.clone() else {
            return self.forget_by_reference().await;
        };
        if !self.is_gone() || !self.has_record() || self.is_refused() {
            return;
        }
        let forgotten = self
            .fleet
            .store
            .update(move |entries| {
                entries.remove(&name);
            })
            .await;
        self.if_forgotten(forgotten).await;
    }

    /// Whether its place refused to make a machine, which is looked for once more when its start is over.
    fn is_refused(&self) -> bool {
        let row = self.row.borrow();
        let now = self.fleet.at_least();
        let refused = |row: &SurveyRow| row.refused && now <= row.name.ready_by();
        row.as_ref().is_some_and(refused)
    }

    async fn forget_by_reference(&self) {
        let Some(instance) = self.chosen.instance.clone().filter(|_| self.is_gone()) else {
            return;
        };
        let forgotten = self
            .fleet
            .store
            .update(move |entries| {
                entries.retain(|_, entry| entry.instance.as_ref() != Some(&instance));
            })
            .await;
        self.if_forgotten(forgotten).await;
    }

    async fn if_forgotten(&self, forgotten: Result<(), crate::state::Error>) {
        if let Err(error) = forgotten {
            let error = error.any();
            self.warn(error.while_trying("could not remove what is gone from the state file"))
                .await;
        }
    }

    /// Writes down that a runner whose registration is left has no machine: who removes that waits for none.
    pub(super) async fn note_machineless(&self) {
        let Some(name) = self.chosen.name.clone().filter(|_| self.has_record()) else {
            return;
        };
        let noted = self.fleet.store.update(move |entries| {
            if let Some(entry) = entries.get_mut(&name) {
                entry.machineless |= entry.instance.is_none();
            }
        });
        if let Err(error) = noted.await {
            let error = error.any();
            self.warn(
                error.while_trying("could not note in the state file that it has no machine"),
            )
            .await;
        }
    }
}
