//! Stop, in two steps: what there is to end and why, then the ending of it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use super::cancellation::CancellationToken;
use super::survey::{
    Again, FullSurvey, Inquiry, Looking, NoAnswer, SurveyRow, Unknown, View, look,
};
use super::verdict::{Facts, MachineState, RegistrationState, Verdict, judge};
use super::{Fleet, NamedProvider};
use crate::github::GitHubApi;
use crate::model::{Error, HumanDuration, Name, Reference, StopTarget};
use company::Company;
use rows::{is_busy_orphan, is_swept, late};

mod carry_out;
mod company;
mod ending;
mod named;
mod outcome;
mod progress;
mod request;
mod rows;
#[cfg(test)]
mod tests;
mod time_limit;

pub use carry_out::carry_out;
pub use outcome::{Kept, Pending, StopOutcome, Stopped, Unstopped};
pub use request::StopRequest;

/// How careful the ending of a runner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopMode {
    /// The user named it: it is ended even while GitHub still calls it busy.
    Explicit,
    /// It is kept when a job turns out to run on it.
    Gentle,
    /// As gently, and after a second look.
    Orphan,
}

/// Something that would be stopped.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// Its machine, where it has one.
    pub instance: Option<Reference>,
    /// Why it would be.
    pub why: String,
    pub(super) manner: StopMode,
    pub(super) place: Option<NamedProvider>,
    /// `None`: a reference that no listing shows.
    pub(super) row: Option<SurveyRow>,
    /// The reference by which it was named.
    pub(super) given: Option<Reference>,
    /// Why a machine has to be somewhere, though no place shows one.
    pub(super) unseen: Option<Error>,
    pub(super) registered: Registered,
}

impl Selected {
    /// What was seen of it; `None`: it was named, and no listing shows it.
    pub fn row(&self) -> Option<&SurveyRow> {
        self.row.as_ref()
    }
}

/// Whether GitHub may have a runner for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    /// It has one that is online or busy.
    Connected,
    /// It has one, or nobody knows.
    Maybe,
    /// It has none that could be this machine's.
    No,
}

/// What a stop would do.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What it would end.
    pub chosen: Vec<Selected>,
    /// What it would leave.
    pub kept: Vec<Kept>,
    /// What it cannot end.
    pub failed: Vec<Unstopped>,
    /// What could not be read, and may hide more.
    pub unknown: Vec<Unknown>,
    /// What it keeps or cannot end only because something could not be read.
    unread: Unread,
    /// What may be of a start that the stop speaks for, and has no machine so far.
    watched: Vec<Pending>,
    company: Company,
    /// All runners that were seen in any source.
    names: BTreeSet<Name>,
    again: Again,
    /// How long the look took.
    took: Duration,
}

/// What could not be judged for want of a reading.
#[derive(Clone, Debug, Default)]
struct Unread {
    kept: Vec<Kept>,
    failed: Vec<Unstopped>,
}

impl Selection {
    /// All that it would leave.
    pub fn all_kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().chain(&self.unread.kept)
    }
}

/// Whether a runner has to be taken for busy.
enum JobState {
    None,
    /// It has a job, as this says.
    Busy(String),
    /// Nobody could tell.
    Unread(String),
}

impl Selected {
    /// How long its place may take to show it, where no listing does: only then is it sure that it is not there.
    fn shows_within(&self) -> Option<Duration> {
        let is_listed = |row: &SurveyRow| {
            !matches!(
                row.facts.machine,
                MachineState::Gone | MachineState::Missing
            )
        };
        let unlisted = self.instance.is_some() && !self.row.as_ref().is_some_and(is_listed);
        let place = self.place.as_ref().filter(|_| unlisted)?;
        Some(place.provider.shows_within())
    }

    /// See [`SurveyRow::may_still_come`].
    fn may_still_come(&self, now: Timestamp) -> Option<Timestamp> {
        self.row.as_ref()?.may_still_come(now)
    }
}

/// Finds out what a stop would do, and changes nothing. `view` says which scope is ours; what it has
/// of another is never chosen. Once `hurry` is said what has not
/// answered soon counts as unread, and of what was named GitHub's word at once.
pub async fn select<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    hurry: &CancellationToken,
) -> Selection {
    // What was named is ended whatever GitHub says.
    let is_named = matches!(stop.target, StopTarget::Named { .. });
    let looking = Looking {
        questions: stop.questions(),
        end: Instant::now() + stop.timeout / 2,
        hurry: Some(hurry),
        spare_github: is_named,
        near: stop.near(),
    };
    selection(fleet, view, stop, looking, &Company::default()).await
}

/// The same, of a stop that has ended machines already.
async fn select_again<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    company: &Company,
) -> Selection {
    let near = company.near(stop);
    let looking = Looking {
        questions: stop.questions(),
        end: Instant::now() + stop.timeout / 2,
        hurry: None,
        spare_github: false,
        near: near.as_deref(),
    };
    selection(fleet, view, stop, looking, company).await
}

async fn selection<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    looking: Looking<'_>,
    company: &Company,
) -> Selection {
    let (begun, end) = (Instant::now(), looking.end);
    let look = look(fleet, view, looking).await;
    let inquiry = Inquiry::new(fleet, stop.questions()).until(end);
    let mut selecting = Selecting {
        fleet,
        view,
        stop,
        look: &look,
        inquiry: &inquiry,
        selection: Selection {
            unknown: look.survey.unknown.clone(),
            company: company.clone(),
            names: look
                .survey
                .rows
                .iter()
                .map(|row| row.name.clone())
                .collect(),
            ..Selection::default()
        },
    };
    match &stop.target {
        StopTarget::All => {
            selecting.gently(|row| row.ours).await;
            selecting.refuse_damaged(|found| found.server.is_some() && found.scope.is_some());
        }
        StopTarget::State => selecting.gently(|row| row.recorded).await,
        StopTarget::Run { id, attempt } => selecting.run(*id, *attempt).await,
        StopTarget::Orphans => selecting.orphans(),
        StopTarget::Named {
            machines,
            names,
            starts,
            ..
        } => selecting.named(machines, names, *starts),
    }
    let mut selection = selecting.selection;
    selection.again = look.again.max(Again::of(inquiry.may_heal()));
    selection.unknown.extend(inquiry.unknown());
    Unknown::tidy(&mut selection.unknown);
    selection.took = begun.elapsed();
    selection
}

struct Selecting<'a, G> {
    fleet: &'a Fleet<'a, G>,
    view: &'a View,
    stop: &'a StopRequest,
    look: &'a FullSurvey,
    inquiry: &'a Inquiry<'a, G>,
    selection: Selection,
}

impl<'a, G: GitHubApi> Selecting<'a, G> {
    /// The rows that may be touched at all, of the group that was asked for.
    fn rows(&self) -> impl Iterator<Item = &'a SurveyRow> + use<'a, G> {
        let group = self.stop.group.as_deref();
        let rows = self.look.survey.rows.iter();
        rows.filter(|row| row.ours || row.is_rehearsal())
            .filter(move |row| row.is_of(group))
    }

    fn choose(&mut self, row: &SurveyRow, manner: StopMode, why: impl Into<String>) {
        let already = |chosen: &Selected| {
            chosen.name.as_ref() == Some(&row.name) && chosen.instance == row.instance
        };
        if self.selection.chosen.iter().any(already) {
            return;
        }
        let unseen = (manner != StopMode::Orphan)
            .then(|| self.unseen(row))
            .flatten();
        self.selection.chosen.push(Selected {
            name: Some(row.name.clone()),
            instance: row.instance.clone(),
            why: why.into(),
            manner,
            place: row.place.clone(),
            row: Some(row.clone()),
            given: None,
            unseen,
            registered: Registered::Maybe,
        });
    }

    fn is_chosen(&self, row: &SurveyRow) -> bool {
        let mut chosen = self.selection.chosen.iter();
        chosen.any(|chosen| chosen.name.as_ref() == Some(&row.name))
    }

    /// What is said of a runner that is connected to GitHub, so that a machine runs it, which no place shows.
    fn unseen(&self, row: &SurveyRow) -> Option<Error> {
        let state = match row.facts.registration {
            _ if row.instance.is_some() || row.machineless => return None,
            RegistrationState::Busy => "busy",
            RegistrationState::Online => "online",
            _ => return None,
        };
        let asked = self.look.asked();
        let asked = if asked.is_empty() {
            "no provider was asked for its machine".to_owned()
        } else {
            format!("its machine was not found in {}", asked.join(", "))
        };
        let error = Error::from(format!("its runner was {state}, and {asked}"));
        Some(error.hinted(format!(
            "end its machine with the provider and the credentials that started it: `gharun stop {}`",
            row.name
        )))
    }

    fn keep(&mut self, row: &SurveyRow, reason: impl Into<String>) {
        self.selection.kept.push(Kept {
            instance: row.instance.clone(),
            name: row.name.clone(),
            reason: reason.into(),
            due: true,
        });
    }

    fn refuse(&mut self, refused: Unstopped) {
        self.selection.failed.push(refused);
    }

    fn keep_unread(&mut self, row: &SurveyRow, reason: impl Into<String>) {
        self.selection.unread.kept.push(Kept {
            instance: row.instance.clone(),
            name: row.name.clone(),
            reason: reason.into(),
            due: true,
        });
    }

    fn refuse_unread(&mut self, refused: Unstopped) {
        self.selection.unread.failed.push(refused);
    }

    /// Everything that fits and has no job.
    async fn gently(&mut self, fits: impl Fn(&SurveyRow) -> bool) {
        let rows: Vec<&SurveyRow> = self.rows().filter(|row| fits(row)).collect();
        self.unless_busy(&rows).await;
    }

    async fn unless_busy(&mut self, rows: &[&SurveyRow]) {
        let jobs = join_all(rows.iter().map(|row| self.job_on(row))).await;
        for (row, job) in rows.iter().zip(jobs) {
            match job {
                JobState::None => self.choose(row, StopMode::Gentle, row.why.clone()),
                JobState::Busy(job) => self.keep(row, job),
                JobState::Unread(why) => self.keep_unread(row, why),
            }
        }
    }

    /// Whether a runner has to be taken for busy.
    async fn job_on(&self, row: &SurveyRow) -> JobState {
        let gone = matches!(row.facts.machine, MachineState::Ended | MachineState::Gone);
        if row.is_rehearsal() || gone {
            // GitHub's flag lags behind the end of a job, and of its machine.
            return JobState::None;
        }
        if !matches!(
            row.facts.registration,
            RegistrationState::Busy | RegistrationState::Unread
        ) {
            return JobState::None;
        }
        let busy = "a job runs on it".to_owned();
        match (row.facts.registration, self.inquiry.in_use(row).await) {
            (_, Ok(Some(true))) => JobState::Busy(busy),
            // GitHub's flag lags. Where that is not the reason, it refuses the deregistration.
            (RegistrationState::Busy, _) => match self.inquiry.is_used(row).await {
                Ok(false) => JobState::None,
                Ok(true) => JobState::Busy(busy),
                Err(NoAnswer) => JobState::Unread(busy),
            },
            (RegistrationState::Unread, Ok(Some(false))) => JobState::None,
            (RegistrationState::Unread, _) => {
                JobState::Unread("could not tell whether a job runs on it".to_owned())
            }
            _ => JobState::None,
        }
    }

    /// What a run made. Several of its `start` processes may be at work at the same time.
    async fn run(&mut self, id: u64, attempt: Option<u32>) {
        let fits = |row: &&SurveyRow| {
            let run = row.run.or_else(|| row.name.run());
            run.is_some_and(|run| {
                run.id == id && attempt.is_none_or(|attempt| run.attempt == attempt)
            })
        };
        let mut found: Vec<&SurveyRow> = self.rows().filter(|row| row.ours).filter(fits).collect();
        if self.stop.group.is_some() {
            let of_run = |name: &Name| {
                let run = name.run();
                run.is_some_and(|run| {
                    run.id == id && attempt.is_none_or(|attempt| run.attempt == attempt)
                })
            };
            self.watch_group(&found, of_run);
            // A registration tells no group: one without a machine may be that of another start at
            // work, but not once its start is over.
            let rows = self.look.survey.rows.iter().filter(|row| row.ours);
            found.extend(
                rows.filter(|row| row.start.is_none() && row.verdict == Verdict::Ghost)
                    .filter(fits),
            );
        }
        let alive: BTreeSet<&str> = found
            .iter()
            .filter(|row| {
                row.facts.machine == MachineState::There && row.verdict != Verdict::Orphan
            })
            .filter_map(|row| row.start.as_deref())
            .collect();
        let several = alive.len() > 1 && self.stop.group.is_none();
        let (kept, rest): (Vec<&SurveyRow>, Vec<&SurveyRow>) = found
            .into_iter()
            .partition(|row| several && row.verdict == Verdict::Ready);
        for row in kept {
            self.keep(
                row,
                "more than one `start` of this run is active: choose one with `--group`, given \
                 to both its `start` and its `stop`",
            );
        }
        self.unless_busy(&rest).await;
        self.refuse_damaged(|found| {
            let run = found.name.as_ref().and_then(Name::run);
            run.is_some_and(|run| {
                run.id == id && attempt.is_none_or(|attempt| run.attempt == attempt)
            })
        });
    }

    fn orphans(&mut self) {
        let group = self.stop.group.as_deref();
        for row in self.rows() {
            if row.is_swept(group) {
                self.choose(row, StopMode::Orphan, row.why.clone());
            } else if row.verdict == Verdict::Working && self.stop.force && is_busy_orphan(row) {
                self.choose(
                    row,
                    StopMode::Orphan,
                    "a job still runs on it, past its lifetime",
                );
            } else if row.is_past_its_lifetime() && row.may_run() {
                self.keep(row, late(row));
            } else if row.doubts.undecided {
                let machine = row.instance.as_ref();
                let error = format!("it may be an orphan: {}", row.why);
                self.refuse(Unstopped::new(machine, Some(&row.name), error));
            } else if row.is_of(group) {
                self.keep_what_one_clock_calls_overdue(row);
            }
        }
    }

    /// Where the clocks do not agree nothing is done that only one of them justifies, and that is told.
    fn keep_what_one_clock_calls_overdue(&mut self, row: &SurveyRow) {
        let clocks = self.fleet.clocks();
        let by_one = Facts {
            at_least: clocks.latest,
            ..row.facts
        };
        let is_overdue =
            row.is_rehearsal_overdue(&by_one) || !row.is_rehearsal() && is_swept(judge(&by_one).0);
        let is_late = row.expires.is_some_and(|expires| clocks.latest > expires);
        let due = is_late && row.may_run();
        if clocks.latest == clocks.earliest || !(is_overdue || due) {
            return;
        }
        let differ = clocks.latest.duration_since(clocks.earliest);
        let differ = HumanDuration::from_mins(differ.as_mins().unsigned_abs());
        let what = if due { "past its lifetime" } else { "overdue" };
        self.selection.kept.push(Kept {
            instance: row.instance.clone(),
            name: row.name.clone(),
            reason: format!(
                "{what} by one clock alone: GitHub's and this computer's differ by {differ}"
            ),
            due,
        });
    }
}
