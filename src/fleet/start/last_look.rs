//! The last look before the report: whoever was seen online some time ago is looked at once more.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::course::{Course, Finished, RunnerStage, guarded};
use crate::fleet::last_look::Gone;
use crate::github::GitHubApi;

/// Whoever was seen so long ago is looked at once more.
const STALE: Duration = Duration::from_secs(1);

impl<G: GitHubApi> Course<'_, G> {
    /// Whether a last look is under way; it is begun where somebody was seen online some time ago.
    pub(super) fn looks_again(&mut self) -> bool {
        let shared = self.shared;
        if shared.cancellation.is_said() {
            return false;
        }
        let is_stale = |stage: &RunnerStage| match stage {
            RunnerStage::Up(after) => (shared.began + *after).max(self.looked).elapsed() >= STALE,
            _ => false,
        };
        if self.looking.is_empty() && self.stages.iter().any(is_stale) {
            let up: Vec<usize> = (0..self.slots.len())
                .filter(|index| matches!(self.stages[*index], RunnerStage::Up(_)))
                .collect();
            let slots = self.slots;
            let look = async move {
                shared.look_again().await;
                let looks = up.into_iter().map(|index| async move {
                    let gone = shared.is_gone(&slots[index]).await?;
                    Some((index, gone))
                });
                let gone = join_all(looks).await;
                gone.into_iter().flatten().collect()
            };
            self.looking.push(look.boxed_local());
        }
        !self.looking.is_empty()
    }

    /// Gets other machines for those that are gone, where there is time, and fails the others.
    pub(super) async fn has_looked(&mut self, gone: Vec<Finished<Gone>>) {
        self.looked = Instant::now();
        for (index, gone) in gone {
            // It may be undone by now, for the sake of another one.
            let RunnerStage::Up(online) = self.stages[index] else {
                continue;
            };
            let (shared, progress) = (self.shared, &self.slots[index]);
            self.stages[index] = RunnerStage::AtWork;
            if shared.may_replace(&gone, &progress.borrow(), online) {
                let replaced = guarded(shared, progress, shared.replace(progress, gone, online));
                self.at_work.push(replaced);
            } else {
                let trouble = gone.trouble();
                self.came_to(index, Err(trouble)).await;
            }
        }
    }
}
