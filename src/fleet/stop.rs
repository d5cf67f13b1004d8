//! Stop, in two steps: what there is to end and why, then the ending of it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::survey::{FullSurvey, Inquiry, NoAnswer, SurveyRow, Unknown, View, look};
use super::verdict::{MachineState, RegistrationState, Verdict};
use super::{Fleet, NamedProvider, Unopened};
use crate::github::GitHubApi;
use crate::model::{Error, Name, Reference, StopTarget};
use crate::providers::Unjudged;

mod carry_out;
mod ending;
mod outcome;
mod request;
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
    pub(super) registered: Registered,
}

/// Whether GitHub may have a runner for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
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
    /// The `start` processes that made what a mapping names.
    pub(super) begun_by: BTreeSet<String>,
}

impl Selected {
    /// See [`SurveyRow::may_still_come`].
    fn may_still_come(&self, now: Timestamp) -> Option<Timestamp> {
        self.row.as_ref()?.may_still_come(now)
    }
}

/// Finds out what a stop would do, and changes nothing. `view` says which scope is ours; what it has
/// of another is never chosen.
pub async fn select<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
) -> Selection {
    select_again(fleet, view, stop, &BTreeSet::new()).await
}

/// The same, of a stop that has ended machines already: `begun_by` are the `start` processes that made what
/// a mapping names, whose machines and records may be gone by now.
async fn select_again<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    begun_by: &BTreeSet<String>,
) -> Selection {
    let look = look(fleet, view, stop.force).await;
    let inquiry = Inquiry::new(fleet, false);
    let mut selecting = Selecting {
        fleet,
        view,
        stop,
        look: &look,
        inquiry: &inquiry,
        selection: Selection {
            unknown: look.survey.unknown.clone(),
            begun_by: begun_by.clone(),
            ..Selection::default()
        },
    };
    match &stop.target {
        StopTarget::All => selecting.gently(|row| row.ours).await,
        StopTarget::State => selecting.gently(|row| row.recorded).await,
        StopTarget::Run { id, attempt } => selecting.run(*id, *attempt).await,
        StopTarget::Orphans => selecting.orphans(),
        StopTarget::Named {
            machines,
            names,
            starts,
        } => selecting.named(machines, names, *starts),
    }
    let mut selection = selecting.selection;
    selection.unknown.extend(inquiry.unknown());
    Unknown::tidy(&mut selection.unknown);
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
        self.selection.chosen.push(Selected {
            name: Some(row.name.clone()),
            instance: row.instance.clone(),
            why: why.into(),
            manner,
            place: row.place.clone(),
            row: Some(row.clone()),
            registered: Registered::Maybe,
        });
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

    /// Everything that fits and has no job.
    async fn gently(&mut self, fits: impl Fn(&SurveyRow) -> bool) {
        for row in self.rows().filter(|row| fits(row)) {
            self.unless_busy(row).await;
        }
    }

    async fn unless_busy(&mut self, row: &SurveyRow) {
        match self.job_on(row).await {
            Some(job) => self.keep(row, job),
            None => self.choose(row, StopMode::Gentle, row.why.clone()),
        }
    }

    /// Why a runner has to be taken for busy; `None` where it is not.
    async fn job_on(&self, row: &SurveyRow) -> Option<String> {
        let gone = matches!(row.facts.machine, MachineState::Ended | MachineState::Gone);
        if row.is_rehearsal() || gone {
            // GitHub's flag lags behind the end of a job, and of its machine.
            return None;
        }
        if !matches!(
            row.facts.registration,
            RegistrationState::Busy | RegistrationState::Unread
        ) {
            return None;
        }
        let busy = Some("a job runs on it".to_owned());
        match (row.facts.registration, self.inquiry.in_use(row).await) {
            (_, Ok(Some(true))) => busy,
            // GitHub's flag lags. Where that is not the reason, it refuses the deregistration.
            (RegistrationState::Busy, _) => match self.inquiry.is_used(row).await {
                Ok(false) => None,
                Ok(true) | Err(NoAnswer) => busy,
            },
            (RegistrationState::Unread, Ok(Some(false))) => None,
            (RegistrationState::Unread, _) => {
                Some("could not tell whether a job runs on it".to_owned())
            }
            _ => None,
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
        for row in found {
            if several && row.verdict == Verdict::Ready {
                self.keep(
                    row,
                    "more than one `start` of this run is active: choose one with `--group`, given \
                     to both its `start` and its `stop`",
                );
            } else {
                self.unless_busy(row).await;
            }
        }
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
                self.keep(row, format!("past its lifetime: {}", row.why));
            } else if row.doubts.undecided {
                let machine = row.instance.as_ref();
                let error = format!("it may be an orphan: {}", row.why);
                self.refuse(Unstopped::new(machine, Some(&row.name), error));
            }
        }
    }

    fn named(&mut self, machines: &[Reference], names: &[Name], starts: bool) {
        let look = self.look;
        for reference in machines {
            let kind = self.fleet.provider(&reference.provider);
            let kind = kind.map(|place| place.provider.kind());
            // A place that two tables show has one row.
            let given = look.id(reference);
            let is_same = |listed: &Reference| {
                let place = self.fleet.provider(&reference.provider);
                place.is_some_and(|place| place.provider.is_same(&listed.id, &given))
            };
            let same = |row: &&SurveyRow| {
                row.instance.as_ref().is_some_and(|machine| {
                    machine == reference || kind.is_some() && row.kind == kind && is_same(machine)
                })
            };
            match (look.survey.rows.iter().find(same), look.unjudged(reference)) {
                (Some(row), _) => self.explicitly(row, Some(reference), None),
                (None, Some(unjudged)) => self.unjudged(reference, unjudged),
                (None, None) => self.unlisted(reference, names),
            }
        }
        for name in names {
            let rows: Vec<&SurveyRow> = look
                .survey
                .rows
                .iter()
                .filter(|r| r.name == *name)
                .collect();
            for row in &rows {
                self.explicitly(row, None, Some(name));
            }
            // The machine of a name in a mapping is named there, too.
            if rows.is_empty() && !starts && !self.was_everything_read(name) {
                let error = "not found, but not all sources could be read";
                self.refuse(Unstopped::new(None, Some(name), error));
            }
        }
        if starts {
            let chosen = self.selection.chosen.iter();
            let begun_by = chosen.filter_map(|chosen| chosen.row.as_ref()?.start.clone());
            let begun_by: Vec<String> = begun_by.collect();
            self.selection.begun_by.extend(begun_by);
            for row in self.rows() {
                let begun_by = &self.selection.begun_by;
                if row
                    .start
                    .as_ref()
                    .is_some_and(|start| begun_by.contains(start))
                {
                    self.choose(row, StopMode::Explicit, "it belongs to the same start");
                }
            }
        }
    }

    fn was_everything_read(&self, name: &Name) -> bool {
        self.look.all_read(name) && (self.look.github_read || self.fleet.github.is_none())
    }

    fn explicitly(&mut self, row: &SurveyRow, machine: Option<&Reference>, name: Option<&Name>) {
        if row.ours || row.is_rehearsal() {
            self.choose(row, StopMode::Explicit, "it was named");
        } else {
            let refused = self.of_another_scope(&row.scope, &row.server, machine, name);
            self.refuse(refused);
        }
    }

    /// A machine of which nobody can tell whose it is, as far as its tags do not say that it is another scope's.
    fn unjudged(&mut self, reference: &Reference, found: &Unjudged) {
        let error = found.error.clone().any();
        let refused = match (&found.server, &found.scope) {
            _ if !found.is_ours => Unstopped::new(Some(reference), None, error),
            (Some(server), Some(scope)) if !self.view.is_ours(server, scope) => {
                self.of_another_scope(scope, server, Some(reference), None)
            }
            (Some(_), Some(_)) => return self.choose_unlisted(reference, Registered::No),
            _ if self.stop.force => return self.choose_unlisted(reference, Registered::No),
            _ => {
                let mut refused = Unstopped::new(Some(reference), None, error);
                refused.command = format!("gharun stop --force {reference}");
                let hint = format!("if it is yours, end it with `{}`", refused.command);
                refused.hinted(hint)
            }
        };
        self.refuse(refused.permanent());
    }

    /// What is another scope's is ended by who names that scope.
    fn of_another_scope(
        &self,
        scope: &str,
        server: &str,
        machine: Option<&Reference>,
        name: Option<&Name>,
    ) -> Unstopped {
        let error = format!("it belongs to scope `{scope}` on {server}");
        let mut refused = Unstopped::new(machine, name, error).permanent();
        if !server.eq_ignore_ascii_case(&self.view.server) {
            let hint = format!(
                "set `$GITHUB_SERVER_URL` to `https://{server}`, and no `api_url` or `$GITHUB_API_URL` of another server"
            );
            refused = refused.hinted(hint);
        }
        let option = match scope.split_once('/') {
            Some(("enterprises", slug)) => format!("--enterprise {slug}"),
            Some(_) => format!("--repo {scope}"),
            None => format!("--org {scope}"),
        };
        refused.command =
            refused
                .command
                .replacen("gharun stop", &format!("gharun stop {option}"), 1);
        let hint = format!("end it with `{}`", refused.command);
        refused.hinted(hint)
    }

    /// A machine that is in no listing is gone, or nobody knows whose it is.
    fn unlisted(&mut self, reference: &Reference, names: &[Name]) {
        let Some(place) = self.fleet.provider(&reference.provider).cloned() else {
            let name = &reference.provider;
            let refused = if let Some(Unopened { error, .. }) = self.fleet.unopened(name) {
                Unstopped::new(Some(reference), None, error.clone())
            } else {
                let error = format!("its provider `{name}` is not configured here");
                let hint = format!("add its table `[providers.{name}]` to providers.toml");
                Unstopped::new(Some(reference), None, error).hinted(hint)
            };
            return self.refuse(refused.permanent());
        };
        if !self.look.was_read(reference) {
            let unknown = self.look.survey.unknown.iter();
            let errors = unknown
                .filter(|unknown| unknown.source.split(':').next() == Some(&place.name))
                .map(|unknown| unknown.error.clone());
            let error = Error::from("could not query its provider").because_each(errors);
            return self.refuse(Unstopped::new(Some(reference), None, error));
        }
        // A whole reference speaks for itself.
        let registered = match self.look.id(reference).location {
            None => self.may_be_registered(names),
            Some(_) => Registered::Maybe,
        };
        self.choose_unlisted(reference, registered);
    }

    /// Whether GitHub may have the runner of a machine that is in no listing: one of those that were named with it, or
    /// where none was, any of which nobody has the machine.
    fn may_be_registered(&self, names: &[Name]) -> Registered {
        let lost = |row: &SurveyRow| {
            matches!(
                row.facts.machine,
                MachineState::Nowhere | MachineState::Unread
            )
        };
        let could_be = |row: &SurveyRow| match names {
            [] => lost(row),
            names => names.contains(&row.name),
        };
        let rows = self.look.survey.rows.iter();
        let mut runners = rows.filter(|row| row.runner.is_some());
        if !self.look.github_read || runners.any(could_be) {
            Registered::Maybe
        } else {
            Registered::No
        }
    }

    fn choose_unlisted(&mut self, reference: &Reference, registered: Registered) {
        self.selection.chosen.push(Selected {
            name: None,
            instance: Some(reference.clone()),
            why: "it was named".to_owned(),
            manner: StopMode::Explicit,
            place: self.fleet.provider(&reference.provider).cloned(),
            row: None,
            registered,
        });
    }
}

impl SurveyRow {
    /// Whether `stop --orphans` acts on it, in one group or in all of them: what `list --orphans` shows.
    pub fn is_swept(&self, group: Option<&str>) -> bool {
        let acted_upon = [Verdict::Orphan, Verdict::Ghost, Verdict::Stale];
        acted_upon.contains(&self.verdict) && self.is_of(group)
    }

    /// Whether its machine is there, or is known and nobody can tell that it is gone.
    fn may_run(&self) -> bool {
        match self.facts.machine {
            MachineState::Ended | MachineState::There => true,
            MachineState::Gone => false,
            MachineState::Nowhere | MachineState::Unread => self.instance.is_some(),
        }
    }

    fn is_of(&self, group: Option<&str>) -> bool {
        group.is_none() || self.group.as_deref() == group
    }
}

impl SurveyRow {
    /// Whether nothing speaks for its machine any more but its record: nobody can look for it, its lifetime is over, and
    /// GitHub has no runner of it. Then its record may be dropped, where somebody says that its place is gone.
    pub(super) fn is_abandoned(&self) -> bool {
        let unseen = matches!(
            self.facts.machine,
            MachineState::Nowhere | MachineState::Unread
        );
        let late = self.expires.is_some_and(|expires| self.facts.now > expires);
        let absent = self.facts.registration == RegistrationState::Absent || self.is_rehearsal();
        self.recorded && unseen && !self.doubts.unjudged && late && absent
    }
}

/// Whether a busy runner would be an orphan, were it not for its job.
pub(super) fn is_busy_orphan(row: &SurveyRow) -> bool {
    let late = row
        .expires
        .is_some_and(|expires| row.facts.at_least > expires);
    row.facts.machine == MachineState::There && (late || row.facts.run_over == Some(true))
}
