//! A machine that failed and is to be looked at (`--keep-failed`): it is left, unless there is nothing to look at.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::Left;
use super::end::{LastSeen, last_seen};
use super::runner_progress::RunnerProgress;
use super::shared::StartContext;
use crate::github::GitHubApi;
use crate::model::Condition;

/// How long its place may take to show it.
const LISTS: Duration = Duration::from_secs(20);

impl<G: GitHubApi> StartContext<'_, G> {
    /// Leaves the machine of a runner that failed, and tells how to get to it in the state that it is in. What is
    /// proved gone, or is of a place that keeps nothing, is undone; and so is what has not started: there is nothing to look
    /// at in it, and no script of ours that would ever end it.
    pub(super) async fn keep(
        &self,
        progress: &RefCell<RunnerProgress>,
        deadline: Instant,
    ) -> Vec<Left> {
        let (name, machine) = {
            let progress = progress.borrow();
            let there = progress.machine.there();
            let machine = there.map(|(place, machine)| (place.clone(), machine.clone()));
            (progress.name.clone(), machine)
        };
        let Some((place, machine)) = machine else {
            return self.undo(progress, deadline).await;
        };
        if place.provider.keeps_failed().is_err() {
            return self.undo(progress, deadline).await;
        }
        let machine = match last_seen(&place, &machine, LISTS).await {
            LastSeen::Gone => return self.undo(progress, deadline).await,
            LastSeen::There(seen)
                if seen.state == Condition::Pending || place.provider.is_spent(&seen) =>
            {
                return self.undo(progress, deadline).await;
            }
            LastSeen::There(seen) => *seen,
            LastSeen::Unknown => machine,
        };
        let kept = Left::of(&name, Some((&place, &machine)), "kept for inspection", true);
        vec![kept]
    }
}
