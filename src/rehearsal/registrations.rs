//! What becomes of the rows of the list of runners: they are added, looked at and deleted.

use super::rows::{Life, Registrant, Row, RunnerRow};
use super::state::StubState;
use crate::model::{Scope, random};

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
            Row {
                id,
                as_registered: registrant,
                client: format!("{}-{}", random(8), random(12)),
                life: Life::Unused,
                os: "unknown".to_owned(),
                version: None,
                had_auto_job: false,
            },
        );
        id
    }

    pub(super) fn row(&self, id: u64) -> Option<&Row> {
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

    pub(super) fn name_taken(&self, scope: &Scope, name: &str) -> bool {
        self.rows.values().any(|row| {
            row.as_registered.scope == *scope && row.as_registered.name.eq_ignore_ascii_case(name)
        })
    }

    /// Whether it is called busy: some time after it was given a job, and until it is off the list.
    fn called_busy(&self, row: &Row) -> bool {
        match row.life {
            Life::Unused | Life::Spent => false,
            Life::Working(since) => since.elapsed() >= self.lags.busy,
            Life::Leaving(_) => true,
        }
    }

    pub(super) fn runner_rows(&self) -> Vec<RunnerRow> {
        let row = |row: &Row| RunnerRow {
            id: row.id,
            scope: row.as_registered.scope.clone(),
            name: row.as_registered.name.clone(),
            group: row.as_registered.group,
            os: row.os.clone(),
            online: self.online(row.id),
            busy: self.called_busy(row),
            ephemeral: row.as_registered.ephemeral,
            labels: row.as_registered.labels.clone(),
            version: row.version.clone(),
        };
        self.rows.values().map(row).collect()
    }

    /// The rows of one scope.
    pub(super) fn rows_of(&self, scope: &Scope) -> Vec<RunnerRow> {
        let mut rows = self.runner_rows();
        rows.retain(|row| row.scope == *scope);
        rows
    }

    /// Deletes a registration. A job that was assigned while the runner was not yet called busy
    /// goes on.
    pub(super) fn delete(&mut self, scope: &Scope, id: u64) -> Deletion {
        match self.rows.get(&id) {
            Some(row) if row.as_registered.scope == *scope => {
                if self.called_busy(row) {
                    return Deletion::Busy;
                }
                self.rows.remove(&id);
                Deletion::Done
            }
            _ => Deletion::Absent,
        }
    }

    /// Removes whatever bears the name, as `config.sh --replace` does.
    pub(super) fn replace(&mut self, scope: &Scope, name: &str) {
        self.rows
            .retain(|_, row| row.as_registered.scope != *scope || row.as_registered.name != name);
    }
}
