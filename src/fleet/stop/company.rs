//! What else was made by the starts that a stop speaks for: told by their tags and records, or by their names alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Pending, Selecting, StopMode, StopRequest};
use crate::fleet::survey::SurveyRow;
use crate::github::GitHubApi;
use crate::model::{Name, Reference, Run, StopTarget, count_of_start};

/// The starts that a stop speaks for. Their machines and records may be gone at a later look, so each look is
/// told what those before it have found.
#[derive(Clone, Debug, Default)]
pub(super) struct Company {
    /// The `start` processes that made what a mapping names.
    starts: BTreeSet<String>,
    /// Runs, and seconds until which starts of theirs may be at work: all names that a start chose at once share both.
    siblings: BTreeSet<(Option<Run>, Timestamp)>,
    /// Whether the mapping names all that its starts were to bring up, so that nothing else of them can be under way: a
    /// start takes a machine out of its mapping before it orders another one.
    pub(super) is_whole: bool,
    /// Whether something of these starts was not looked for wherever it may be: then the next look is at everything.
    is_unsought: bool,
    /// Machines that were named without their place, and found: once they are gone they are not looked for everywhere.
    pub(super) found: BTreeSet<Reference>,
}

impl Company {
    /// The starts of these names, too.
    fn knows<'a>(&mut self, names: impl IntoIterator<Item = &'a Name>) {
        let siblings = names.into_iter().map(|name| (name.run(), name.ready_by()));
        self.siblings.extend(siblings);
    }

    /// See [`StopRequest::near`], at a later look.
    pub(super) fn near(&self, stop: &StopRequest) -> Option<Vec<Reference>> {
        let near = stop.near().filter(|_| !self.is_unsought)?;
        let sought = near.iter().filter(|one| !self.found.contains(*one));
        Some(sought.cloned().collect())
    }

    /// Whether a name may have been chosen together with one that was seen.
    fn may_have(&self, name: &Name) -> bool {
        let sibling = (name.run(), name.ready_by());
        sibling.0.is_some() && self.siblings.contains(&sibling)
    }
}

impl<G: GitHubApi> Selecting<'_, G> {
    /// What else the starts made that a mapping speaks for.
    pub(super) fn choose_company(&mut self, names: &[Name]) {
        let chosen = self.selection.chosen.iter();
        let rows = chosen.filter_map(|chosen| chosen.row.as_ref());
        let rows: Vec<SurveyRow> = rows.cloned().collect();
        let refused = self.selection.failed.len() + self.selection.unread.failed.len();
        let all_found = refused == 0 && rows.len() == self.selection.chosen.len();
        let company = &mut self.selection.company;
        let starts = rows.iter().filter_map(|row| row.start.clone());
        company.starts.extend(starts);
        company.knows(names);
        company.knows(rows.iter().map(|row| &row.name));
        for row in self.rows() {
            let starts = &self.selection.company.starts;
            if row
                .start
                .as_ref()
                .is_some_and(|start| starts.contains(start))
            {
                self.choose(row, StopMode::Explicit, "it belongs to the same start");
            }
        }
        self.selection.company.is_whole = all_found && are_whole_starts(&rows);
        let company = self.selection.company.clone();
        let is_of_it = |row: &SurveyRow| match &row.start {
            Some(start) => company.starts.contains(start),
            None => company.may_have(&row.name),
        };
        // The machine of a name in a mapping is named there, too.
        let is_unsought = self
            .rows()
            .any(|row| row.doubts.is_unsought() && !names.contains(&row.name) && is_of_it(row));
        self.selection.company.is_unsought |= is_unsought;
        self.watch(|name| company.may_have(name));
    }

    /// The registrations of a run that tell no group, and may be of the group that was asked for.
    pub(super) fn watch_group(&mut self, found: &[&SurveyRow], of_run: impl Fn(&Name) -> bool) {
        let of_group = found.iter().filter(|row| row.start.is_some());
        self.selection.company.knows(of_group.map(|row| &row.name));
        let company = self.selection.company.clone();
        let is_unknown = company.siblings.is_empty();
        self.watch(|name| of_run(name) && (is_unknown || company.may_have(name)));
    }

    /// Registrations that nothing but their names tells of, and whose machines may still come. Another start of the run
    /// may have made them, so that they are left alone; what comes tells whose it is.
    fn watch(&mut self, fits: impl Fn(&Name) -> bool) {
        let now = self.fleet.at_least();
        let rows = self.look.survey.rows.iter();
        let rows = rows.filter(|row| row.ours && row.start.is_none() && fits(&row.name));
        let watched: Vec<Pending> = rows
            .filter(|row| !self.is_chosen(row))
            .filter_map(|row| {
                Some(Pending {
                    name: row.name.clone(),
                    until: row.may_still_come(now)?,
                    command: format!("gharun stop {}", row.name),
                    deregistered: false,
                    reason: "it may belong to the same start".to_owned(),
                })
            })
            .collect();
        self.selection.watched = watched;
    }
}

/// Whether these are as many machines as their starts were to bring up, as the starts' ids tell.
fn are_whole_starts(rows: &[SurveyRow]) -> bool {
    let mut starts: BTreeMap<&str, BTreeSet<&Name>> = BTreeMap::new();
    for row in rows {
        let (Some(start), Some(_)) = (&row.start, &row.instance) else {
            return false;
        };
        starts.entry(start).or_default().insert(&row.name);
    }
    let is_whole =
        |start: &str, names: usize| count_of_start(start).is_some_and(|count| names >= count);
    let mut found = starts.iter();
    !starts.is_empty() && found.all(|(start, names)| is_whole(start, names.len()))
}

/// Whether a creation that was under way may show up only now.
pub(super) fn may_have_company(target: &StopTarget) -> bool {
    match target {
        StopTarget::All | StopTarget::Run { .. } | StopTarget::State => true,
        StopTarget::Named { starts, .. } => *starts,
        StopTarget::Orphans => false,
    }
}
