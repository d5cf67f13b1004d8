//! Start: all runners at once, all or nothing unless told otherwise.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};

use super::Fleet;
use super::cancellation::CancellationToken;
use super::runner_progress::RunnerProgress;
use super::shared::StartContext;
use super::watch::Watch;
use crate::bootstrap::Package;
use crate::github::GitHubApi;
use crate::model::{Event, Mapping, Name};
use crate::plan::Plan;
use crate::state;
use course::{Course, NOTED};

mod course;
mod last_look;
mod outcome;
mod planned;
mod preview;
#[cfg(test)]
mod tests;

pub use outcome::{Failed, StartOutcome, Up};
#[cfg(test)]
pub use planned::PlannedProvider;
pub use planned::{PlannedQuote, Preview};
pub use preview::{fits, preview};

/// Starts the runners of a plan. `interrupt` yields when somebody wants it ended.
///
/// # Errors
///
/// Only where nothing was tried: the intents could not be written down.
pub async fn start<G: GitHubApi>(
    fleet: Fleet<'_, G>,
    github: &G,
    plan: &Plan,
    packages: &[Package],
    interrupt: impl Future<Output = ()>,
) -> Result<StartOutcome, state::Error> {
    let shared = StartContext {
        fleet,
        github,
        plan,
        packages,
        cancellation: CancellationToken::default(),
        interruption: CancellationToken::default(),
        watch: Watch::default(),
        mapping: RefCell::new(Mapping::default()),
        began: Instant::now(),
        said_github_fails: Cell::new(false),
    };
    let mut interrupt = std::pin::pin!(interrupt.fuse());
    let mut intending = Box::pin(intend(&shared));
    let slots = tokio::select! {
        biased;
        slots = &mut intending => slots?,
        () = &mut interrupt => {
            // Nothing was created, and nothing will be.
            if let Ok(Ok(slots)) = timeout(NOTED, intending).await {
                let names = slots.iter().map(|progress| progress.borrow().name.clone());
                let forgotten = shared.forget(names.collect());
                if timeout(NOTED, forgotten).await.is_err() {
                    // A stop names them until their time is over, and then forgets them.
                    tracing::warn!("could not remove intents from the state file in time");
                }
            }
            return Ok(StartOutcome {
                interrupted: true,
                ..StartOutcome::default()
            });
        }
    };
    drop(intending);
    shared.say_starting(&slots).await;
    // It is large, and so would be all that waits for it.
    let outcome = Box::pin(Course::new(&shared, &slots).run(interrupt)).await;
    Ok(outcome)
}

/// Chooses the names and writes all intents down, in one go and before anything else.
async fn intend<G: GitHubApi>(
    shared: &StartContext<'_, G>,
) -> Result<Vec<RefCell<RunnerProgress>>, state::Error> {
    let clocks = shared.fleet.clocks();
    let slots: Vec<RunnerProgress> = (0..usize::from(shared.plan.count.get()))
        .map(|index| RunnerProgress::new(index, shared.plan.name(index, clocks)))
        .collect();
    let intents: Vec<_> = slots
        .iter()
        .map(|progress| (progress.name.clone(), shared.entry(&progress.name)))
        .collect();
    shared
        .fleet
        .store
        .update(move |entries| entries.extend(intents))
        .await?;
    Ok(slots.into_iter().map(RefCell::new).collect())
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Says what is begun, for whoever shows it as a whole.
    async fn say_starting(&self, slots: &[RefCell<RunnerProgress>]) {
        let free = |place: &&super::NamedProvider| {
            let kind = crate::providers::kind(place.provider.kind());
            kind.is_some_and(|kind| !kind.is_rented)
        };
        let places = self.fleet.providers.iter().filter(free);
        let starting = Event::Starting {
            names: slots
                .iter()
                .map(|slot| slot.borrow().name.clone())
                .collect(),
            scope: self.plan.identity.scope.clone(),
            at_most: self.plan.timeout,
            unrented: places.map(|place| place.name.clone()).collect(),
            keeps_others: self.plan.allow_partial,
        };
        self.say(starting).await;
    }

    /// Takes a runner out of the outputs.
    pub(super) async fn unmap(&self, name: &Name) -> std::io::Result<()> {
        let mapping = {
            let mut mapping = self.mapping.borrow_mut();
            let before = mapping.0.len();
            mapping.0.retain(|(_, other)| other != name);
            if mapping.0.len() == before {
                return Ok(());
            }
            mapping.clone()
        };
        self.fleet.sink.tell(Event::Mapping(mapping)).await
    }

    /// Leaves in the outputs only what is left after all was given up.
    async fn map(&self, outcome: &StartOutcome) {
        let left: BTreeMap<_, _> = outcome
            .left
            .iter()
            .filter_map(|left| Some((left.instance.clone()?, left.name.clone())))
            .collect();
        if !self.mapping.borrow().0.is_empty() || !left.is_empty() {
            // Too long a mapping does no harm: to end what is gone is a success.
            self.say(Event::Mapping(Mapping(left.into_iter().collect())))
                .await;
        }
    }
}
