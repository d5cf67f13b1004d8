//! The one look at everything: state file, places and GitHub, joined by the runners' names.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::verdict::{Facts, MachineState, RegistrationState, UNLISTED, Verdict};
use super::{Fleet, NamedProvider, Unopened, chain};
use crate::github::{GitHubApi, Runner};
use crate::model::{
    Condition, Error, Name, Price, PriceBasis, REHEARSAL, Reference, Rental, Run, json,
};
use crate::state::RunnerRecord;

mod full;
mod inquiry;
mod join;
mod look;
mod looking;
mod patience;
mod registrations;
mod sources;

pub(super) use full::FullSurvey;
pub(super) use inquiry::{Inquiry, NoAnswer, Questions};
pub(super) use look::look;
pub(super) use looking::Looking;
pub(super) use sources::Again;

/// What the state file is called as a source.
pub const STATE_FILE: &str = "state file";

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// `github.com`, or the host of a GHES.
    pub server: String,
    /// The scope as tags spell it; `None` where none is known, and then only rehearsals are ours.
    pub scope: Option<String>,
    /// Also what belongs to other servers and scopes, as far as it can be judged.
    pub all_scopes: bool,
    /// What is younger than this is within the grace.
    pub older_than: Option<Duration>,
    /// Only records of these providers; empty: of all.
    pub providers: Vec<String>,
}

impl View {
    /// Whether a machine is of this server and scope. GitHub's names know no case.
    pub(super) fn is_ours(&self, server: &str, scope: &str) -> bool {
        let same = |wanted: &str| wanted.eq_ignore_ascii_case(scope);
        self.server.eq_ignore_ascii_case(server) && self.scope.as_deref().is_some_and(same)
    }

    /// Whether a record is of a machine that may be touched at all, at one of the providers that are looked at.
    pub fn covers(&self, record: &RunnerRecord) -> bool {
        let ours = self.is_ours(&record.server, &record.scope) || record.scope == REHEARSAL;
        ours && (self.providers.is_empty() || self.providers.contains(&record.provider))
    }
}

/// One runner: what is known of its machine, its registration and its record.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct SurveyRow {
    /// The runner.
    pub name: Name,
    /// Its machine, as its place or the record has it.
    pub instance: Option<Reference>,
    /// The provider that has the machine, or was to have it.
    pub provider: Option<String>,
    /// The kind of that provider, where it was asked.
    pub kind: Option<&'static str>,
    /// What the machine is doing, as its place tells.
    pub condition: Option<Condition>,
    /// Its row at GitHub, as GitHub tells.
    pub runner: Option<Runner>,
    /// GitHub's number of it, from its row, its tags or its record.
    pub runner_id: Option<u64>,
    /// `github.com`, or the host of a GHES.
    pub server: String,
    /// The scope as tags spell it.
    pub scope: String,
    /// `owner/name` of the repository whose run started it.
    pub repository: Option<String>,
    /// The run that started it.
    pub run: Option<Run>,
    /// The `start` process that made it; unknown where there is but a registration.
    pub start: Option<String>,
    /// What pairs its `start` with its `stop`.
    pub group: Option<String>,
    /// When its machine was made, or its intent written.
    pub created: Option<Timestamp>,
    /// When it ends itself.
    pub expires: Option<Timestamp>,
    /// What was rented, as its place or the record has it.
    pub rental: Rental,
    /// What its record says of its price: what it cost while it ran, where its place bills nothing any more.
    pub(super) agreed: Option<Price>,
    /// What its place itself tells of its price now.
    pub(super) told: Option<Price>,
    /// When it ended, where its place tells.
    pub(super) ended: Option<Timestamp>,
    /// US dollars so far.
    pub cost: Option<f64>,
    /// Whether that is the most that it can be: it ended by itself, and nobody knows when.
    pub cost_at_most: bool,
    /// Whether the state file has a record of it.
    pub recorded: bool,
    /// Whether that says that no machine of it is there, or will come.
    pub(super) machineless: bool,
    /// Whether its record says that its place refused to make a machine, and is not believed without another look.
    pub(super) refused: bool,
    /// Where its record says that a machine may have been created, while it has none.
    pub(super) at: Vec<String>,
    /// What the verdict was made of.
    pub facts: Facts,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: String,
    pub(super) place: Option<NamedProvider>,
    pub(super) ours: bool,
    /// What could not be found out of it.
    pub(super) doubts: Doubts,
}

/// What a machine has cost.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bill {
    /// How long it cost money.
    pub(super) span: Duration,
    /// US dollars, where its price is known.
    pub(super) cost: Option<f64>,
    /// Whether both may be less.
    pub(super) at_most: bool,
}

/// Why a machine may be there though no listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnlistedBecause {
    /// It is recorded at a place that its provider does not look at.
    Elsewhere,
    /// It was not looked for wherever it may be: a listing of all may show it.
    Unsought,
}

/// Why the verdict on a runner may be less than the truth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubts {
    /// Why no listing could have shown its machine.
    pub(super) unlisted: Option<UnlistedBecause>,
    /// Its machine may be one that is there and cannot be judged.
    pub(super) unjudged: bool,
    /// It would be an orphan, and no source could tell that no job runs on it.
    pub(super) undecided: bool,
}

impl Doubts {
    /// See [`UnlistedBecause::Elsewhere`].
    pub(super) fn is_elsewhere(self) -> bool {
        self.unlisted == Some(UnlistedBecause::Elsewhere)
    }

    /// See [`UnlistedBecause::Unsought`].
    pub(super) fn is_unsought(self) -> bool {
        self.unlisted == Some(UnlistedBecause::Unsought)
    }
}

impl SurveyRow {
    /// What the column RUNNER says: `online`, `offline`, `busy`, `absent` or `unknown`.
    pub fn runner_state(&self) -> &'static str {
        match (&self.runner, self.facts.registration) {
            (Some(runner), _) if runner.busy => "busy",
            (Some(runner), _) if runner.status == "online" => "online",
            (Some(_), _) => "offline",
            (None, RegistrationState::Unread) => "unknown",
            (None, _) => "absent",
        }
    }

    /// What the column STATE says: `pending`, `running`, `ended`, `gone` or `unknown`.
    pub fn machine_state(&self) -> &'static str {
        match (&self.condition, self.facts.machine) {
            (Some(Condition::Pending), _) => "pending",
            (Some(Condition::Running), _) => "running",
            (Some(Condition::Ended(_)), _) => "ended",
            (None, MachineState::Gone) => "gone",
            (None, _) => "unknown",
        }
    }

    /// Whether no job can find the runner but one that names it.
    pub fn unique_label_only(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| {
            let ours = |label: &str| label.eq_ignore_ascii_case(self.name.as_str());
            !runner.labels.is_empty() && runner.labels.iter().all(|label| ours(&label.name))
        })
    }

    /// Why an intent says nothing: its machine was to come where nobody looks.
    pub(super) fn elsewhere(&self) -> Error {
        let provider = self.provider.as_deref().unwrap_or("its provider");
        Error::from(format!(
            "its machine may have been created in `{}`, which `{provider}` does not show with the credentials \
             and settings in use here",
            self.at.join("`, `")
        ))
        .hinted("use the credentials and the settings that it was started with")
    }

    /// Why nobody knows of a machine that may have been launched, and that its place does not list.
    pub(super) fn unlisted() -> Error {
        Error::from(UNLISTED).hinted(
            "look for it there by its name; its record stays until it is listed and ended, or its lifetime is over",
        )
    }

    /// Whether its GitHub was the stub of a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.scope == REHEARSAL
    }

    /// Until when its machine may still be created though nothing shows one: an intent, or a registration,
    /// whose start may still be at work. `now` is the earlier of the clocks where they do not agree.
    pub(super) fn may_still_come(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.name.ready_by();
        let is_there = matches!(
            self.facts.machine,
            MachineState::There | MachineState::Ended
        );
        // What is connected has its machine already, wherever that is.
        let is_connected = matches!(
            self.facts.registration,
            RegistrationState::Online | RegistrationState::Busy
        );
        let is_said_not_to = self.machineless || self.refused;
        let may_come = !is_there && !is_connected && self.instance.is_none() && !is_said_not_to;
        (may_come && now <= until).then_some(until)
    }

    /// Whether it should have ended by now, by the servers' clock and by ours.
    pub(super) fn is_past_its_lifetime(&self) -> bool {
        let over = |expires| self.facts.at_least > expires;
        self.expires.is_some_and(over)
    }

    /// Whether what its place sees says anything: the name of a process can be forged by a job, and counts no
    /// more once GitHub has no registration and its lifetime is over.
    pub(super) fn believes_its_place(&self) -> bool {
        self.facts.registration != RegistrationState::Absent || !self.is_past_its_lifetime()
    }

    /// What its machine has cost by now; `None` where it never had one, or its place could not be read. What has ended
    /// costs nothing more, unless its place says so: of what ended by itself it is known when it was there at the latest.
    pub(super) fn bill(&self, now: Timestamp) -> Option<Bill> {
        let created = self.created?;
        let agreed = self.agreed.map(|price| price.per_hour);
        let has_ended = match self.facts.machine {
            MachineState::There => false,
            MachineState::Ended => true,
            MachineState::Gone => {
                self.instance.as_ref()?;
                true
            }
            MachineState::Missing | MachineState::Nowhere | MachineState::Unread => return None,
        };
        let ended = match self.ended {
            _ if !has_ended => now,
            Some(ended) => ended,
            None => self.expires.map_or(now, |expires| expires.min(now)),
        };
        let span = |from: Timestamp, until: Timestamp| {
            Duration::try_from(until.duration_since(from)).unwrap_or_default()
        };
        let hours = |span: Duration| span.as_secs_f64() / 3600.0;
        // What is left of it may be billed on: a disk.
        let left = self
            .told
            .map(|told| told.per_hour)
            .filter(|rate| self.facts.machine == MachineState::Ended && *rate > 0.0);
        // What its place tells of what has ended is the price of what is left of it, and not what it cost.
        let rate = if has_ended {
            agreed
        } else {
            self.rental.price_per_hour()
        };
        let after = left.map_or(0.0, |rate| rate * hours(span(ended, now)));
        let limit = self.rental.price.and_then(|price| price.basis);
        Some(Bill {
            span: span(created, if left.is_some() { now } else { ended }),
            cost: rate.map(|rate| rate * hours(span(created, ended)) + after),
            at_most: has_ended && self.ended.is_none() || limit == Some(PriceBasis::Limit),
        })
    }

    /// What its machine has cost by then in US dollars, where its price is known, and whether it may be less.
    pub fn cost_by(&self, now: Timestamp) -> Option<(f64, bool)> {
        let bill = self.bill(now)?;
        Some((bill.cost?, bill.at_most))
    }

    fn price(&mut self) {
        let bill = self.bill(self.facts.now);
        self.cost = bill.as_ref().and_then(|bill| bill.cost);
        self.cost_at_most = bill.is_some_and(|bill| bill.at_most && bill.cost.is_some());
    }
}

/// A row as `list` writes it: what the columns say, and not what they were made of.
impl Serialize for SurveyRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a Name,
            instance: &'a Option<Reference>,
            provider: &'a Option<String>,
            kind: Option<&'static str>,
            state: &'static str,
            runner: &'static str,
            runner_id: Option<u64>,
            scope: &'a str,
            run_id: Option<u64>,
            created_at: Option<Timestamp>,
            expires_at: Option<Timestamp>,
            #[serde(flatten)]
            rental: &'a Rental,
            cost: Option<f64>,
            cost_at_most: bool,
            verdict: Verdict,
            why: &'a str,
        }
        let row = Row {
            name: &self.name,
            instance: &self.instance,
            provider: &self.provider,
            kind: self.kind,
            state: self.machine_state(),
            runner: self.runner_state(),
            runner_id: self.runner_id,
            scope: &self.scope,
            run_id: self.run.map(|run| run.id),
            created_at: self.created.map(json::rounded),
            expires_at: self.expires.map(json::rounded),
            rental: &self.rental,
            cost: self.cost.map(json::hundredths_of_cents),
            cost_at_most: self.cost_at_most,
            verdict: self.verdict,
            why: &self.why,
        };
        row.serialize(serializer)
    }
}

/// A source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// A provider, one of its places, `GitHub`, or the state file.
    pub source: String,
    /// Why.
    #[serde(flatten)]
    pub error: Error,
}

impl Unknown {
    fn of(unopened: &Unopened) -> Self {
        Self::new(&unopened.name, unopened.error.clone())
    }

    pub(super) fn new(source: impl Into<String>, error: impl Into<Error>) -> Self {
        Self {
            source: source.into(),
            error: error.into(),
        }
    }

    fn sort(all: &mut [Self]) {
        all.sort_by_cached_key(|one| (one.source.clone(), chain(&one.error)));
    }

    /// Sorts them and leaves one of each source: the same trouble is met at every look, and differs in
    /// the number of its request only.
    pub(super) fn tidy(all: &mut Vec<Self>) {
        Self::sort(all);
        all.dedup_by(|later, first| later.source == first.source);
    }
}

/// Everything that was seen.
#[derive(Clone, Debug)]
pub struct Survey {
    /// One row a runner, by name.
    pub rows: Vec<SurveyRow>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
    /// The servers' clock.
    pub now: Timestamp,
}

/// Looks at everything. A source that cannot be read is named, and says nothing about its machines.
pub async fn survey<G: GitHubApi>(fleet: &Fleet<'_, G>, view: &View) -> Survey {
    let FullSurvey {
        mut survey,
        unjudged,
        ..
    } = look(fleet, view, Looking::around()).await;
    survey.rows.extend(unjudged);
    survey
        .rows
        .sort_by(|a, b| (&a.name, &a.instance).cmp(&(&b.name, &b.instance)));
    survey
        .rows
        .retain(|row| view.all_scopes || row.ours || row.is_rehearsal());
    survey
}

/// What GitHub says of a runner. A status that it has not had so far counts as offline.
pub(in crate::fleet) fn of_github(runner: &Runner) -> RegistrationState {
    match runner.status.as_str() {
        _ if runner.busy => RegistrationState::Busy,
        "online" => RegistrationState::Online,
        _ => RegistrationState::Offline,
    }
}
