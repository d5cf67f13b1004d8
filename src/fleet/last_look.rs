//! A last look at runners that were online while others came up: who is gone without a job, or costs too much, gets
//! another machine.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::boot_failure::Fate;
use super::runner_progress::RunnerProgress;
use super::shared::{Moved, Parting, StartContext};
use super::watch::Absence;
use super::{BootFailure, Trouble};
use crate::github::GitHubApi;
use crate::model::Condition;

/// How long a look may take: what is not known by then is as it was.
const LOOK: Duration = Duration::from_secs(15);
/// How long a machine's log may take to be read.
const LOG: Duration = Duration::from_secs(5);

/// A runner that was online, and is gone or is to go.
pub(super) struct Gone {
    parting: Parting,
    provider: String,
    /// What is known of its machine.
    boot: Box<BootFailure>,
}

impl Gone {
    /// Why the runner is gone.
    pub(super) fn trouble(self) -> Trouble {
        match self.parting {
            Parting::Dear(source) => Trouble::NoRoom(vec![(self.provider, source)]),
            Parting::Doomed(source) => Trouble::Doomed {
                provider: self.provider,
                source,
            },
            Parting::Ended => Trouble::Ended(self.boot),
            Parting::Dropped => Trouble::Dropped(self.boot),
        }
    }
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Looks at GitHub and at all places once more.
    pub(super) async fn look_again(&self) {
        let pace = (self.plan.poll_interval, LOOK);
        self.watch.look_again(&self.fleet, self.github, pace).await;
    }

    /// Whether a runner that was online is gone without having had a job, or has none and costs too much, by the last
    /// looks.
    pub(super) async fn is_gone(&self, progress: &RefCell<RunnerProgress>) -> Option<Gone> {
        let (name, place, machine) = {
            let progress = progress.borrow();
            let (place, machine) = progress.machine.there()?;
            (progress.name.clone(), place.clone(), machine.clone())
        };
        let sight = self.watch.sight(&name);
        let provider = place.name.clone();
        if sight.died.is_none() && sight.absence != Absence::Gone {
            let dear = self.is_dear(progress, &sight).await?;
            return Some(Gone {
                parting: Parting::Dear(dear),
                provider,
                boot: Box::default(),
            });
        }
        if sight.worked {
            return None;
        }
        // A log that cannot be read says nothing of a job.
        let log = timeout(LOG, place.provider.logs(&machine.id)).await;
        let log = log.ok().and_then(Result::ok).flatten();
        let (parting, fate) = if sight.absence == Absence::Gone {
            (Parting::Dropped, Fate::Dropped)
        } else {
            (Parting::Ended, Fate::Died)
        };
        let state = sight.died.map(Condition::Ended);
        let boot = BootFailure::read(self.plan, &place, state.as_ref(), log, fate);
        let boot = Box::new(boot);
        (!boot.did_its_job()).then_some(Gone {
            parting,
            provider,
            boot,
        })
    }

    /// Whether another machine may come up in the time that is left, as the one that is gone did.
    pub(super) fn may_replace(
        &self,
        gone: &Gone,
        progress: &RunnerProgress,
        online: Duration,
    ) -> bool {
        // Somebody wants to see what ended by itself.
        let is_kept = self.plan.keep_failed && matches!(gone.parting, Parting::Ended);
        let took = online.saturating_sub(progress.launched_after);
        !is_kept && !self.cancellation.is_said() && Instant::now() + took < self.deadline()
    }

    /// Ends what is left of a runner that is gone or costs too much, and brings another one up.
    pub(super) async fn replace(
        &self,
        progress: &RefCell<RunnerProgress>,
        gone: Gone,
        online: Duration,
    ) -> Result<Duration, Trouble> {
        match self.move_on(progress, &gone.parting).await? {
            Moved::Free => self.bring_up(progress).await,
            // It got a job in this very moment.
            Moved::Stays => {
                progress.borrow_mut().has_job = true;
                if let Parting::Dear(why) = gone.parting {
                    self.say_price(progress, why).await;
                }
                Ok(online)
            }
            Moved::Unsure if matches!(gone.parting, Parting::Dear(_)) => {
                progress.borrow_mut().is_dear = true;
                Ok(online)
            }
            Moved::Unsure => Err(gone.trouble()),
        }
    }
}
