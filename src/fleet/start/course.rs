//! The course of a start: what each runner is at, what is given up, and what is left.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout, timeout_at};

use super::outcome::{Failed, StartOutcome, Up};
use crate::fleet::last_look::Gone;
use crate::fleet::runner_progress::{MachineProgress, RegistrationProgress, RunnerProgress};
use crate::fleet::shared::StartContext;
use crate::fleet::{Left, Trouble, chain};
use crate::github::GitHubApi;
use crate::model::{Error, Event, Mapping, Name};
use crate::plan::UNDOING;

/// How long an interrupted start may go on undoing: GitHub gives 7.5 s before it sends SIGTERM.
const UNDO_INTERRUPTED: Duration = Duration::from_millis(6300);
/// How long it may take to note what is left, or to take the intents back, after that.
pub(super) const NOTED: Duration = Duration::from_millis(500);

pub(super) type Finished<T> = (usize, T);

/// A panic in one runner is that runner's failure: the others, and the undoing, go on.
fn bring_up<'a, G: GitHubApi>(
    shared: &'a StartContext<'a, G>,
    progress: &'a RefCell<RunnerProgress>,
) -> LocalBoxFuture<'a, Finished<Result<Duration, Trouble>>> {
    guarded(shared, progress, shared.bring_up(progress))
}

pub(super) fn guarded<'a, G: GitHubApi>(
    shared: &'a StartContext<'a, G>,
    progress: &'a RefCell<RunnerProgress>,
    work: impl Future<Output = Result<Duration, Trouble>> + 'a,
) -> LocalBoxFuture<'a, Finished<Result<Duration, Trouble>>> {
    async move {
        let index = progress.borrow().index;
        let result = AssertUnwindSafe(work)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(Trouble::of_panic(panic.as_ref())));
        if result.is_err() {
            shared.watch.leave(&progress.borrow().name);
        }
        (index, result)
    }
    .boxed_local()
}

/// How far one runner is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RunnerStage {
    /// It is being brought up.
    AtWork,
    /// It is there, since so long after the beginning.
    Up(Duration),
    /// It is being undone.
    Undoing,
    /// It is undone, or what is left of it is named.
    Over,
}

/// What ended beside the bringing up.
enum Undone {
    /// A runner was undone.
    Runner(usize, Vec<Left>),
    /// The names that a runner gave up on its way up were seen to.
    Lost(Vec<Left>),
}

pub(super) struct Course<'a, G> {
    pub(super) shared: &'a StartContext<'a, G>,
    pub(super) slots: &'a [RefCell<RunnerProgress>],
    pub(super) at_work: FuturesUnordered<LocalBoxFuture<'a, Finished<Result<Duration, Trouble>>>>,
    undoing: FuturesUnordered<LocalBoxFuture<'a, Undone>>,
    /// The last look at those that are up, while it is under way.
    pub(super) looking: FuturesUnordered<LocalBoxFuture<'a, Vec<Finished<Gone>>>>,
    /// When it was taken.
    pub(super) looked: Instant,
    pub(super) stages: Vec<RunnerStage>,
    /// What gharun itself did wrong, for which all is given up.
    broken: Option<Box<dyn std::any::Any + Send>>,
    /// When undoing ends, once everything is being given up.
    end: Option<Instant>,
    outcome: StartOutcome,
}

impl<'a, G: GitHubApi> Course<'a, G> {
    /// A course at whose beginning every runner is being brought up.
    pub(super) fn new(
        shared: &'a StartContext<'a, G>,
        slots: &'a [RefCell<RunnerProgress>],
    ) -> Self {
        Self {
            shared,
            slots,
            at_work: slots
                .iter()
                .map(|progress| bring_up(shared, progress))
                .collect(),
            undoing: FuturesUnordered::new(),
            looking: FuturesUnordered::new(),
            looked: shared.began,
            stages: vec![RunnerStage::AtWork; slots.len()],
            broken: None,
            end: None,
            outcome: StartOutcome::default(),
        }
    }

    /// Goes on until every runner is up, or undone, or named as left.
    pub(super) async fn run(mut self, interrupt: impl Future<Output = ()>) -> StartOutcome {
        let shared = self.shared;
        let mut interrupt = std::pin::pin!(interrupt);
        let every = shared.plan.poll_interval;
        // What a launch writes down first is asked for while GitHub registers.
        let places = async {
            if let Some(first) = shared.fleet.providers.first() {
                first.places().await;
            }
        };
        let watch = async {
            let watch = shared.watch.run(&shared.fleet, shared.github, every);
            tokio::join!(watch, places);
        };
        let mut watch = std::pin::pin!(AssertUnwindSafe(watch).catch_unwind());
        while !self.at_work.is_empty() || !self.undoing.is_empty() || self.looks_again() {
            let end = self.end;
            tokio::select! {
                () = &mut interrupt, if !self.outcome.interrupted => {
                    self.outcome.interrupted = true;
                    shared.interruption.say();
                    self.give_up(UNDO_INTERRUPTED);
                }
                Some((index, result)) = self.at_work.next() => self.came_to(index, result).await,
                Some(undone) = self.undoing.next() => self.is_undone(undone).await,
                Some(gone) = self.looking.next() => self.has_looked(gone).await,
                () = tokio::time::sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {
                    self.run_out();
                    break;
                }
                Err(panic) = &mut watch, if self.broken.is_none() => {
                    self.broken = Some(panic);
                    self.give_up(UNDOING);
                }
            }
        }
        self.note_machineless().await;
        self.report();
        if self.shared.cancellation.is_said() {
            self.shared.map(&self.outcome).await;
        }
        self.outcome
    }

    /// Gives everything up: nothing more is created, and what is there is undone.
    fn give_up(&mut self, within: Duration) {
        let end = Instant::now() + within;
        self.end = Some(self.end.map_or(end, |already| already.min(end)));
        self.shared.cancellation.say();
        self.shared.github.abandon_waits();
        for index in 0..self.slots.len() {
            if matches!(self.stages[index], RunnerStage::Up(_)) {
                self.undo(index);
            }
        }
    }

    fn undo(&mut self, index: usize) {
        let deadline = Instant::now() + UNDOING;
        let undo = self.shared.undo(&self.slots[index], deadline);
        self.conclude(index, deadline, undo);
    }

    /// Leaves a machine that failed.
    fn keep(&mut self, index: usize) {
        let deadline = Instant::now() + UNDOING;
        let keep = self.shared.keep(&self.slots[index], deadline);
        self.conclude(index, deadline, keep);
    }

    fn conclude(
        &mut self,
        index: usize,
        deadline: Instant,
        work: impl Future<Output = Vec<Left>> + 'a,
    ) {
        self.stages[index] = RunnerStage::Undoing;
        let progress = &self.slots[index];
        let undone = async move {
            let undo = AssertUnwindSafe(work).catch_unwind();
            let why = match timeout_at(deadline, undo).await {
                Ok(Ok(left)) => return Undone::Runner(index, left),
                Ok(Err(panic)) => {
                    let why = Trouble::of_panic(panic.as_ref()).error();
                    if unfinished(&progress.borrow()).is_none() {
                        // Nothing was asked for, so that nothing is left.
                        tracing::warn!("{}", chain(&why));
                        return Undone::Runner(index, Vec::new());
                    }
                    why
                }
                Err(_) => unfinished(&progress.borrow()).unwrap_or(NOT_SURE).into(),
            };
            Undone::Runner(index, vec![left_of(&progress.borrow(), why)])
        };
        self.undoing.push(undone.boxed_local());
    }

    /// Takes down what a runner came to: it is up, or it is undone.
    pub(super) async fn came_to(&mut self, index: usize, result: Result<Duration, Trouble>) {
        let trouble = match result {
            Ok(after) if !self.shared.cancellation.is_said() => {
                self.stages[index] = RunnerStage::Up(after);
                let (shared, progress) = (self.shared, &self.slots[index]);
                if !progress.borrow().lost.is_empty() {
                    let lost = async move { Undone::Lost(shared.remove_lost(progress).await) };
                    self.undoing.push(lost.boxed_local());
                }
                return;
            }
            Ok(_) => Trouble::Halted,
            Err(trouble) => trouble,
        };
        let trouble = match (trouble, &self.broken) {
            (Trouble::Halted, None) => return self.undo(index),
            (Trouble::Halted, Some(broken)) => Trouble::of_panic(broken.as_ref()),
            (trouble, _) => trouble,
        };
        let name = self.slots[index].borrow().name.clone();
        self.shared
            .say(Event::Failed {
                name: name.clone(),
                reason: chain(&trouble),
                log: trouble.log().map(str::to_owned),
            })
            .await;
        if self.shared.plan.keep_failed && trouble.is_of_machine() {
            self.keep(index);
        } else {
            self.undo(index);
        }
        self.fail(name, trouble);
    }

    fn fail(&mut self, name: Name, trouble: Trouble) {
        let outputs_are_wrong = matches!(trouble, Trouble::Tell(_));
        self.outcome.failed.push(Failed { name, trouble });
        let bearable = self.shared.plan.allow_partial && !outputs_are_wrong;
        if !bearable && !self.shared.cancellation.is_said() {
            self.give_up(UNDOING);
        }
    }

    async fn is_undone(&mut self, undone: Undone) {
        let (index, left) = match undone {
            Undone::Runner(index, left) => (index, left),
            Undone::Lost(left) => {
                for one in left {
                    let what = format!("`{}` may still be registered", one.name);
                    let warning = Event::Warning(one.why.while_trying(what));
                    self.shared.say(warning).await;
                }
                return;
            }
        };
        self.stages[index] = RunnerStage::Over;
        self.outcome.left.extend(left);
        // Nobody is to wait for a label that will not come. When all is given up, once is enough.
        let name = self.slots[index].borrow().name.clone();
        if !self.shared.cancellation.is_said()
            && let Err(error) = self.shared.unmap(&name).await
        {
            self.fail(name, error.into());
        }
    }

    /// Writes down which of what is left has no machine, where the time for undoing ended before that was done.
    async fn note_machineless(&self) {
        let left = self
            .outcome
            .left
            .iter()
            .filter(|left| left.registration_only);
        let names = left.map(|left| left.name.clone()).collect();
        if timeout(NOTED, self.shared.note_machineless(names))
            .await
            .is_err()
        {
            // A stop then waits for machines that will not come.
            tracing::warn!(
                "could not note in the state file in time which runners have no machine"
            );
        }
    }

    /// The time for undoing is over: whatever is not proved gone is named.
    fn run_out(&mut self) {
        for (index, progress) in self.slots.iter().enumerate() {
            if matches!(
                self.stages[index],
                RunnerStage::AtWork | RunnerStage::Undoing
            ) && let Some(why) = unfinished(&progress.borrow())
            {
                let left = left_of(&progress.borrow(), why);
                self.outcome.left.push(left);
            }
        }
    }

    fn report(&mut self) {
        for (progress, stage) in self.slots.iter().zip(&self.stages) {
            let RunnerStage::Up(online_after) = *stage else {
                continue;
            };
            let progress = progress.borrow();
            let (place, instance) = progress.machine.there().expect("what is up was launched");
            self.outcome.up.push(Up {
                name: progress.name.clone(),
                labels: [
                    self.shared.plan.labels_of(&progress.name),
                    progress.labels.clone(),
                ]
                .concat(),
                instance: place.reference(&instance.id),
                provider: place.name.clone(),
                kind: place.provider.kind(),
                runner_id: progress.registration.id(),
                created: instance.created,
                expires: instance.tags.expires,
                launched_after: progress.launched_after,
                online_after,
                rental: instance.rental.clone(),
            });
        }
        let up = self.outcome.up.iter();
        let mapping = up.map(|up| (up.instance.clone(), up.name.clone()));
        self.outcome.mapping = Mapping(mapping.collect());
    }
}

const NOT_SURE: &str = "could not confirm its removal in time";

/// What is not proved gone of a runner.
fn unfinished(progress: &RunnerProgress) -> Option<&'static str> {
    match (&progress.machine, progress.registration) {
        (MachineProgress::There(..), _) => Some("the removal of its machine is not confirmed yet"),
        (MachineProgress::Unproved { .. }, _) => Some("its machine may be starting"),
        (MachineProgress::Absent, RegistrationProgress::Absent) if progress.lost.is_empty() => None,
        (MachineProgress::Absent, _) => {
            Some("the removal of its registration is not confirmed yet")
        }
    }
}

/// What is left of a runner, whatever stage it is in.
fn left_of(progress: &RunnerProgress, why: impl Into<Error>) -> Left {
    if let MachineProgress::Absent = progress.machine {
        return Left::registration(&progress.name, why);
    }
    Left::of(&progress.name, progress.machine.there(), why, false)
}
