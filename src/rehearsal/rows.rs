//! Rows of the list of runners, from the registration until they are gone.

use std::time::Instant;

use crate::model::Scope;

/// What a runner is registered with.
#[derive(Debug)]
pub(super) struct Registrant {
    /// In lower case: GitHub does not tell `Acme` from `acme`.
    pub(super) scope: Scope,
    pub(super) name: String,
    pub(super) group: u64,
    /// In lower case.
    pub(super) labels: Vec<String>,
    pub(super) work_folder: String,
    pub(super) ephemeral: bool,
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
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) as_registered: Registrant,
    /// What its machine shows when it connects.
    pub(super) client: String,
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
