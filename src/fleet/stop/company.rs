//! What else was made by the starts that a stop speaks for: told by their tags and records, or by their names alone.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Pending, Selecting, StopMode};
use crate::fleet::survey::SurveyRow;
use crate::github::GitHubApi;
use crate::model::{Name, Run, StopTarget};

/// The starts that a stop speaks for. Their machines and records may be gone at a later look, so each look is
/// told what those before it have found.
#[derive(Clone, Debug, Default)]
pub(super) struct Company {
    /// The `start` processes that made what a mapping names.
    starts: BTreeSet<String>,
    /// Runs, and seconds until which starts of theirs may be at work: all names that a start chose at once share both.
    siblings: BTreeSet<(Option<Run>, Timestamp)>,
    /// Whether a creation under way is seen by its registration: GitHub has that first, under a name of the same start.
    pub(super) is_registered_first: bool,
}

impl Company {
    /// The starts of these names, too.
    fn knows<'a>(&mut self, names: impl IntoIterator<Item = &'a Name>) {
        let siblings = names.into_iter().map(|name| (name.run(), name.ready_by()));
        self.siblings.extend(siblings);
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
        let has_run = |name: &Name| name.run().is_some();
        self.selection.company.is_registered_first = self.look.github_read
            && !rows.is_empty()
            && names.iter().all(has_run)
            && rows
                .iter()
                .all(|row| row.registered_first.is_some() && has_run(&row.name));
        let company = self.selection.company.clone();
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

/// Whether a creation that was under way may show up only now.
pub(super) fn may_have_company(target: &StopTarget) -> bool {
    match target {
        StopTarget::All | StopTarget::Run { .. } | StopTarget::State => true,
        StopTarget::Named { starts, .. } => *starts,
        StopTarget::Orphans => false,
    }
}
