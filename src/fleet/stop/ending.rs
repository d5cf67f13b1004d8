//! The ending of one runner: its registration first, then its machine, then its record.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::time_limit::TimeLimit;
use super::{Kept, Pending, Selected, StopMode, StopRequest, Stopped, Unstopped, is_busy_orphan};
use crate::fleet::end::{Ended, Until, end, has_ended, is_permanent};
use crate::fleet::survey::{Inquiry, NoAnswer, Questions, SurveyRow};
use crate::fleet::verdict::{MachineState, RegistrationState, UNLISTED, Verdict};
use crate::fleet::{Fleet, NamedProvider};
use crate::github::GitHubApi;
use crate::model::{Error, Event, Reference, later};

mod deregistering;
mod giving_up;
mod records;
mod result;
mod unlisted_registration;

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(15);
/// How long the place of a machine that is to be forgotten is asked for it.
const ABANDONED: Duration = Duration::from_secs(10);

/// What became of one runner.
pub(super) enum EndOutcome {
    Failed(Unstopped),
    Kept(Kept),
    Pending(Pending),
    Stopped(Stopped),
    /// Nobody could tell whether it has a machine: another look may.
    Unread(Unstopped),
}

/// Why a machine is not ended.
enum Unended {
    For(Unstopped),
    /// Its place could not be read.
    Unread(Unstopped),
}

/// What became of a registration.
enum Removal {
    /// GitHub refuses to remove it: a job runs on it.
    Busy,
    /// There is none any more.
    Gone,
    /// GitHub did not say.
    Unknown(Error),
}

pub(super) struct Ending<'a, G> {
    fleet: &'a Fleet<'a, G>,
    stop: &'a StopRequest,
    inquiry: &'a Inquiry<'a, G>,
    chosen: &'a Selected,
    limit: &'a TimeLimit,
    row: RefCell<Option<SurveyRow>>,
    deregistered: Cell<bool>,
    /// Whether GitHub's last word was that a job runs on it.
    refused: Cell<bool>,
    /// Whether its registration was to be removed, and may still be there.
    unremoved: Cell<bool>,
    /// Why the registration of a runner without a machine is still there.
    left: RefCell<Option<Error>>,
    /// Whether its machine, where it has one, was asked to end, and its place accepted that.
    asked: Cell<bool>,
    /// Whether its place is being asked to end it.
    asking: Cell<bool>,
    terminated: Cell<bool>,
    /// Whether it is taken for gone, though its place is not proved to be the one that had it.
    assumed_gone: Cell<bool>,
}

impl<'a, G: GitHubApi> Ending<'a, G> {
    pub(super) fn new(
        fleet: &'a Fleet<'a, G>,
        stop: &'a StopRequest,
        inquiry: &'a Inquiry<'a, G>,
        chosen: &'a Selected,
        limit: &'a TimeLimit,
    ) -> Self {
        Self {
            fleet,
            stop,
            inquiry,
            chosen,
            limit,
            row: RefCell::new(chosen.row.clone()),
            deregistered: Cell::new(false),
            refused: Cell::new(false),
            unremoved: Cell::new(false),
            left: RefCell::default(),
            asked: Cell::new(false),
            asking: Cell::new(false),
            terminated: Cell::new(false),
            assumed_gone: Cell::new(false),
        }
    }

    pub(super) async fn run(&self) -> EndOutcome {
        if self.chosen.manner == StopMode::Orphan
            && let Some(kept) = self.look_again().await
        {
            return kept;
        }
        if let Some(outcome) = self.find_missed().await {
            return outcome;
        }
        if let Some(outcome) = self.deregister().await {
            return outcome;
        }
        match self.terminate().await {
            Ok(()) => {}
            Err(Unended::For(unstopped)) => return EndOutcome::Failed(unstopped),
            Err(Unended::Unread(unstopped)) => return EndOutcome::Unread(unstopped),
        }
        self.asked.set(true);
        self.deregister_newcomer().await;
        self.deregister_afterwards().await;
        if let Some(pending) = self.pending() {
            return EndOutcome::Pending(pending);
        }
        if let Some(left) = self.left_registration() {
            self.note_machineless().await;
            return EndOutcome::Failed(left);
        }
        if self.left.borrow().is_none() {
            self.forget().await;
        }
        EndOutcome::Stopped(self.stopped())
    }

    /// The time is over before all was done.
    pub(super) fn run_out(&self) -> EndOutcome {
        if let Some(pending) = self.pending() {
            return EndOutcome::Pending(pending);
        }
        match (self.stop.wait, self.asked.get()) {
            _ if self.is_gone() => EndOutcome::Stopped(self.stopped()),
            (_, false) if self.limit.is_interrupted() && !self.asking.get() => {
                let error = "interrupted before its removal was requested";
                EndOutcome::Failed(self.undecided(error))
            }
            (false, true) => EndOutcome::Stopped(self.stopped()),
            (wait, false) if !wait || !self.asking.get() && self.chosen.instance.is_some() => {
                self.failed("its termination could not be requested in time")
            }
            (true | false, _) => EndOutcome::Failed(self.undecided("removal not confirmed yet")),
        }
    }

    fn facts(&self) -> Option<(MachineState, RegistrationState)> {
        let row = self.row.borrow();
        row.as_ref()
            .map(|row| (row.facts.machine, row.facts.registration))
    }

    /// How long an answer is waited for: never so long that nothing is left for what comes after it, which may
    /// be the end of a machine.
    fn patience(&self) -> Duration {
        ANSWER.min(self.left() / 2)
    }

    fn left(&self) -> Duration {
        self.limit.left()
    }

    /// Whether GitHub has, or may have had, a registration of it.
    fn registers(&self) -> bool {
        let row = self.row.borrow();
        row.as_ref().is_some_and(|row| !row.is_rehearsal())
    }

    /// Whether it is an orphan that is to be ended though it is busy.
    fn is_forced(&self) -> bool {
        let row = self.row.borrow();
        self.stop.force
            && self.chosen.manner == StopMode::Orphan
            && row.as_ref().is_some_and(is_busy_orphan)
    }

    /// A look right before anything is done: what is no orphan any more is kept.
    async fn look_again(&self) -> Option<EndOutcome> {
        let mut row = self.row.borrow().clone()?;
        self.inquiry.examine_again(&mut row).await;
        let still = match row.verdict {
            Verdict::Ghost | Verdict::Orphan | Verdict::Stale => true,
            Verdict::Working => self.stop.force && is_busy_orphan(&row),
            Verdict::Unknown if row.is_doubted() => true,
            // Its registration went by itself meanwhile.
            _ => {
                let was = self.chosen.row.as_ref().map(|row| row.verdict);
                was == Some(Verdict::Ghost) && row.facts.registration == RegistrationState::Absent
            }
        };
        let reason = format!("on recheck it is {}: {}", row.verdict, row.why);
        let unknown = row.verdict == Verdict::Unknown;
        *self.row.borrow_mut() = Some(row);
        match (still, unknown) {
            (true, _) => None,
            (false, false) => Some(self.kept(reason)),
            // It may be an orphan as well, and nobody could tell.
            (false, true) => Some(EndOutcome::Failed(self.undecided(reason))),
        }
    }

    /// Removes the registration; an outcome means that nothing more is to be done.
    async fn deregister(&self) -> Option<EndOutcome> {
        let answer = self.deregister_first().await;
        // What has ended by itself has no job, whatever GitHub says.
        let is_spared = match (self.chosen.manner, &answer) {
            (StopMode::Gentle | StopMode::Orphan, Removal::Busy)
            | (StopMode::Orphan, Removal::Unknown(_)) => {
                !self.is_forced() && !self.has_ended().await
            }
            _ => false,
        };
        match (self.chosen.manner, answer) {
            (_, Removal::Gone) => {
                self.deregistered.set(self.registers());
                self.got_a_job().await
            }
            (_, Removal::Busy) if is_spared => {
                Some(self.kept("GitHub says that a job runs on it".to_owned()))
            }
            // It may have got a job, and nobody can tell.
            (_, Removal::Unknown(error)) if is_spared => {
                let error = error.while_trying("could not remove its registration");
                Some(EndOutcome::Failed(self.undecided(error)))
            }
            (_, Removal::Busy) => None,
            // Asked again once its machine is gone.
            (_, Removal::Unknown(_)) => {
                self.unremoved.set(true);
                None
            }
        }
    }

    /// A job that was assigned before the registration was removed goes on running. An idle orphan is
    /// given the time in which GitHub would say so.
    async fn got_a_job(&self) -> Option<EndOutcome> {
        let row = self.row.borrow().clone()?;
        if row.facts.machine != MachineState::There || row.is_rehearsal() {
            return None;
        }
        match self.chosen.manner {
            StopMode::Explicit => None,
            // GitHub let it go, and refuses that for as long as it knows of a job.
            StopMode::Gentle => match self.in_use_as_told(&row).await {
                Some(true) if row.believes_its_place() => {
                    Some(self.kept("it was assigned a job in the meantime".to_owned()))
                }
                _ => None,
            },
            StopMode::Orphan => {
                let pinned = row.unique_label_only() && row.facts.run_over == Some(true);
                let idle = row.facts.registration == RegistrationState::Online;
                if !idle || pinned || self.is_forced() {
                    return None;
                }
                self.say(Event::Waiting {
                    reason: format!("checking that `{}` gets no job", row.name),
                    at_most: self.stop.second_look,
                })
                .await;
                tokio::select! {
                    () = sleep(self.stop.second_look) => {}
                    () = self.limit.interrupted() => {
                        return Some(self.failed("interrupted before the look for a job on it"));
                    }
                }
                let inquiry = Inquiry::new(self.fleet, Questions::Idle);
                match inquiry.is_used(&row).await {
                    Ok(false) => None,
                    Ok(true) => Some(self.kept("it was assigned a job in the meantime".to_owned())),
                    Err(NoAnswer) => {
                        let why = inquiry.unknown().into_iter().map(|unknown| unknown.error);
                        let error = Error::from("could not tell whether a job runs on it");
                        Some(self.failed(error.because_each(why)))
                    }
                }
            }
        }
    }

    async fn terminate(&self) -> Result<(), Unended> {
        let machine = self.facts().map(|facts| facts.0);
        let Some(instance) = &self.chosen.instance else {
            return self.without_machine(machine).await;
        };
        if machine == Some(MachineState::Nowhere) && self.is_ghost() {
            return Ok(());
        }
        let Some(place) = &self.chosen.place else {
            let nowhere = || self.fleet.not_configured(&instance.provider);
            let error = self.unopened().unwrap_or_else(nowhere);
            if self.is_abandoned() {
                self.give_up(error).await;
                return Ok(());
            }
            return Err(Unended::For(self.unstopped(error).permanent()));
        };
        // A machine that no listing shows is ended, too: it may be too new to be listed.
        let there = !matches!(
            machine,
            None | Some(MachineState::Gone | MachineState::Missing)
        );
        if there {
            self.say(Event::Terminating {
                instance: instance.clone(),
            })
            .await;
        }
        let until = if self.stop.wait {
            Until::Gone
        } else {
            Until::Accepted
        };
        let mut deadline = self.limit.end();
        if self.is_abandoned() {
            deadline = deadline.min(Instant::now() + ABANDONED);
        }
        self.tell_age(place, instance);
        self.asking.set(true);
        match end(place, &instance.id, until, deadline).await {
            Ended::Gone => self.terminated.set(true),
            Ended::Accepted => return Ok(()),
            Ended::Refused(error) | Ended::Unproved(error) => {
                if self.may_be_given_up(&error).await {
                    self.give_up(error.any()).await;
                    return Ok(());
                }
                let permanent = is_permanent(&error);
                let unstopped = self.unstopped(error.any());
                return Err(Unended::For(if permanent {
                    unstopped.permanent()
                } else {
                    unstopped
                }));
            }
        }
        if there {
            self.say(Event::Terminated {
                instance: instance.clone(),
            })
            .await;
        }
        Ok(())
    }

    /// Tells its place where it is known to be older than any machine that is shown late: its start is long over.
    fn tell_age(&self, place: &NamedProvider, instance: &Reference) {
        let row = self.row.borrow();
        let shows_within = place.provider.shows_within();
        let is_old =
            |row: &SurveyRow| later(row.name.ready_by(), shows_within) < self.fleet.at_least();
        if row.as_ref().is_some_and(is_old) {
            place.provider.is_old(&instance.id);
        }
    }

    /// Why the provider of its record could not be opened, where that is why nobody could look.
    fn unopened(&self) -> Option<Error> {
        let row = self.row.borrow();
        let row = row.as_ref().filter(|row| row.place.is_none())?;
        let unopened = self.fleet.unopened(row.provider.as_ref()?)?;
        Some(unopened.error.clone())
    }

    /// What is known of the machine of a runner that nothing shows.
    async fn without_machine(&self, machine: Option<MachineState>) -> Result<(), Unended> {
        // The start proved that it made no machine, or this stop proved that the machine is gone.
        if self.is_machineless() {
            self.terminated.set(self.has_record());
            return Ok(());
        }
        if let Some(unseen) = &self.chosen.unseen {
            return Err(Unended::For(self.unstopped(unseen.clone()).permanent()));
        }
        match machine {
            Some(MachineState::Unread | MachineState::Nowhere) if self.is_abandoned() => {
                self.give_up("could not query its provider".into()).await;
                Ok(())
            }
            Some(MachineState::Missing) if self.pending().is_none() => {
                let row = self.row.borrow();
                let error = row
                    .as_ref()
                    .map_or_else(|| UNLISTED.into(), |_| SurveyRow::unlisted());
                Err(Unended::Unread(self.unstopped(error)))
            }
            // It may yet come where it is looked for.
            Some(MachineState::Unread) if self.is_unsought() && self.pending().is_some() => Ok(()),
            Some(MachineState::Unread) if self.has_record() => Err(match self.unopened() {
                Some(error) => Unended::For(self.unstopped(error).permanent()),
                None => Unended::Unread(self.unstopped(self.why_unread())),
            }),
            Some(MachineState::Nowhere) if self.has_record() && !self.is_ghost() => {
                let error = "its provider is not configured here";
                Err(Unended::For(self.unstopped(error).permanent()))
            }
            Some(MachineState::Gone) => {
                let gone = self.pending().is_none();
                let proved = self.is_proved_absent();
                self.terminated.set(gone && proved);
                self.assumed_gone.set(gone && !proved);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Of a ghost only the registration is removed: its machine may be at a provider not known here.
    fn is_ghost(&self) -> bool {
        let was = self.chosen.row.as_ref().map(|row| row.verdict);
        self.chosen.manner == StopMode::Orphan && was == Some(Verdict::Ghost)
    }

    fn is_machineless(&self) -> bool {
        let row = self.row.borrow();
        row.as_ref().is_some_and(|row| row.machineless)
    }

    fn is_unsought(&self) -> bool {
        let row = self.row.borrow();
        row.as_ref().is_some_and(|row| row.doubts.is_unsought())
    }

    fn has_record(&self) -> bool {
        self.row.borrow().as_ref().is_some_and(|row| row.recorded)
    }

    /// Whether waiting for GitHub's word changes nothing any more: the machine has ended, or it is to
    /// be ended anyhow and has no job for certain.
    async fn waits_in_vain(&self) -> bool {
        let Some(row) = self.row.borrow().clone() else {
            return true;
        };
        let unused = self.chosen.manner == StopMode::Explicit
            && self.in_use_as_told(&row).await == Some(false);
        unused || self.has_ended().await
    }

    /// See [`Inquiry::in_use_as_told`]: asked for no longer than leaves time for the end of the machine.
    async fn in_use_as_told(&self, row: &SurveyRow) -> Option<bool> {
        let asked = timeout(self.patience(), self.inquiry.in_use_as_told(row)).await;
        asked.unwrap_or_default()
    }

    /// Whether the machine has ended, or is gone from a listing that would show it.
    async fn has_ended(&self) -> bool {
        match self.facts() {
            Some((MachineState::Ended | MachineState::Gone, _)) => return true,
            Some((MachineState::There, _)) => {}
            _ => return false,
        }
        let Some((place, machine)) = self
            .chosen
            .place
            .as_ref()
            .zip(self.chosen.instance.as_ref())
        else {
            return false;
        };
        has_ended(place, &machine.id, self.patience()).await
    }

    async fn warn(&self, error: impl Into<Error>) {
        self.say(Event::Warning(error.into())).await;
    }

    /// Tells something that must not keep the ending from going on.
    async fn say(&self, event: Event) {
        if let Err(error) = self.fleet.sink.tell(event).await {
            tracing::warn!("could not write an event: {error}");
        }
    }
}
