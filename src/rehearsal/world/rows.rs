//! Rows of the list of runners, from the registration until they are gone.

use std::time::Instant;

use crate::model::{Scope, random};

use super::Scene;

/// What a runner is registered with.
#[derive(Debug)]
pub(in crate::rehearsal) struct Registrant {
    /// In lower case: GitHub does not tell `Acme` from `acme`.
    pub(in crate::rehearsal) scope: Scope,
    pub(in crate::rehearsal) name: String,
    pub(in crate::rehearsal) group: u64,
    /// In lower case.
    pub(in crate::rehearsal) labels: Vec<String>,
    pub(in crate::rehearsal) work_folder: String,
    pub(in crate::rehearsal) ephemeral: bool,
}

/// How far a runner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It had no job yet.
    Unused,
    /// It was given a job then.
    Working(Instant),
    /// Its job is done; it is off the list then.
    Leaving(Instant),
    /// It died in the middle of its job, which has been given up.
    Spent,
}

#[derive(Debug)]
pub(in crate::rehearsal) struct Row {
    pub(in crate::rehearsal) id: u64,
    pub(in crate::rehearsal) as_registered: Registrant,
    /// What its machine shows when it connects.
    pub(in crate::rehearsal) client: String,
    pub(super) life: Life,
    pub(super) os: String,
    pub(super) version: Option<String>,
    pub(super) had_auto_job: bool,
}

impl Row {
    /// Whether it is to be off the list.
    pub(super) fn left(&self, now: Instant) -> bool {
        matches!(self.life, Life::Leaving(until) if until <= now)
    }
}

/// A row as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerRow {
    /// GitHub's number of it.
    pub id: u64,
    /// Where it is registered, in lower case.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// The number of its group.
    pub group: u64,
    /// `unknown` until it has connected.
    pub os: String,
    /// Whether its status is `online`.
    pub online: bool,
    /// Whether it is called busy.
    pub busy: bool,
    /// Whether it takes one job only.
    pub ephemeral: bool,
    /// Its labels, in lower case.
    pub labels: Vec<String>,
    /// The version of its program, once it has connected.
    pub version: Option<String>,
}

/// The scope as GitHub compares it: in lower case.
pub(in crate::rehearsal) fn folded(scope: &Scope) -> Scope {
    match scope {
        Scope::Enterprise(slug) => Scope::Enterprise(slug.to_lowercase()),
        Scope::Org(org) => Scope::Org(org.to_lowercase()),
        Scope::Repo { owner, name } => Scope::Repo {
            owner: owner.to_lowercase(),
            name: name.to_lowercase(),
        },
    }
}

/// What becomes of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rehearsal) enum Deletion {
    Absent,
    Busy,
    Done,
}

impl Scene {
    pub(in crate::rehearsal) fn add_row(&mut self, registrant: Registrant) -> u64 {
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

    pub(in crate::rehearsal) fn row(&self, id: u64) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// Adds labels, in lower case, to a runner that is there.
    pub(in crate::rehearsal) fn label(&mut self, id: u64, labels: Vec<String>) {
        if let Some(row) = self.rows.get_mut(&id) {
            let own = &mut row.as_registered.labels;
            let new = labels.into_iter().filter(|label| !own.contains(label));
            let new: Vec<String> = new.collect();
            own.extend(new);
        }
    }

    pub(in crate::rehearsal) fn name_taken(&self, scope: &Scope, name: &str) -> bool {
        self.rows.values().any(|row| {
            row.as_registered.scope == *scope && row.as_registered.name.eq_ignore_ascii_case(name)
        })
    }

    pub(super) fn id_of(&self, name: &str) -> Option<u64> {
        let mut rows = self.rows.values();
        rows.find(|row| row.as_registered.name == name)
            .map(|row| row.id)
    }

    /// Whether it is called busy: some time after it was given a job, and until it is off the list.
    fn called_busy(&self, row: &Row) -> bool {
        match row.life {
            Life::Unused | Life::Spent => false,
            Life::Working(since) => since.elapsed() >= self.lags.busy,
            Life::Leaving(_) => true,
        }
    }

    pub(in crate::rehearsal) fn runner_rows(&self) -> Vec<RunnerRow> {
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
    pub(in crate::rehearsal) fn rows_of(&self, scope: &Scope) -> Vec<RunnerRow> {
        let mut rows = self.runner_rows();
        rows.retain(|row| row.scope == *scope);
        rows
    }

    /// Deletes a registration. A job that was assigned while the runner was not yet called busy
    /// goes on.
    pub(in crate::rehearsal) fn delete(&mut self, scope: &Scope, id: u64) -> Deletion {
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
    pub(in crate::rehearsal) fn replace(&mut self, scope: &Scope, name: &str) {
        self.rows
            .retain(|_, row| row.as_registered.scope != *scope || row.as_registered.name != name);
    }

    pub(super) fn remove_by_name(&mut self, name: &str) -> bool {
        let id = self.id_of(name);
        id.is_some_and(|id| self.rows.remove(&id).is_some())
    }
}
