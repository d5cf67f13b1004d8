//! What becomes of the rows of the list of runners: they are added, looked at and deleted.

use super::rows::{Registrant, RunnerRow, StubRunner};
use super::state::StubState;
use crate::model::random;

/// What becomes of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    Absent,
    Busy,
    Done,
}

impl StubState {
    pub(super) fn add_row(&mut self, registrant: Registrant) -> u64 {
        let id = self.number();
        self.rows.insert(
            id,
            StubRunner {
                id,
                as_registered: registrant,
                client: format!("{}-{}", random(8), random(12)),
                at_work: false,
                os: "unknown".to_owned(),
                version: None,
            },
        );
        id
    }

    pub(super) fn row(&self, id: u64) -> Option<&StubRunner> {
        self.rows.get(&id)
    }

    /// Adds labels, in lower case, to a runner that is there.
    pub(super) fn label(&mut self, id: u64, labels: Vec<String>) {
        if let Some(row) = self.rows.get_mut(&id) {
            let own = &mut row.as_registered.labels;
            let new = labels.into_iter().filter(|label| !own.contains(label));
            let new: Vec<String> = new.collect();
            own.extend(new);
        }
    }

    pub(super) fn name_taken(&self, scope: &str, name: &str) -> bool {
        self.rows.values().any(|row| {
            row.as_registered.scope == scope && row.as_registered.name.eq_ignore_ascii_case(name)
        })
    }

    fn shown(&self, row: &StubRunner) -> RunnerRow {
        RunnerRow {
            id: row.id,
            name: row.as_registered.name.clone(),
            os: row.os.clone(),
            online: self.online(row.id),
            busy: row.at_work,
            labels: row.as_registered.labels.clone(),
            version: row.version.clone(),
        }
    }

    pub(super) fn runner_rows(&self) -> Vec<RunnerRow> {
        self.rows.values().map(|row| self.shown(row)).collect()
    }

    /// The rows of one scope.
    pub(super) fn rows_of(&self, scope: &str) -> Vec<RunnerRow> {
        let rows = self.rows.values();
        let rows = rows.filter(|row| row.as_registered.scope == scope);
        rows.map(|row| self.shown(row)).collect()
    }

    /// Deletes a registration, unless a job is on it.
    pub(super) fn delete(&mut self, scope: &str, id: u64) -> Deletion {
        match self.rows.get(&id) {
            Some(row) if row.as_registered.scope == scope => {
                if row.at_work {
                    return Deletion::Busy;
                }
                self.rows.remove(&id);
                Deletion::Done
            }
            _ => Deletion::Absent,
        }
    }
}
