//! Jobs, from the queue to their conclusion.

use std::time::Duration;

use jiff::Timestamp;

/// A job to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Its name, one line.
    pub name: String,
    /// How long it sleeps after its script.
    pub duration: Duration,
    /// What it runs, as a shell's `-e` script in the job's workspace.
    pub script: Option<String>,
}

impl JobSpec {
    /// A job that only takes its time.
    pub fn lasting(duration: Duration) -> Self {
        Self {
            name: "pretend".to_owned(),
            duration,
            script: None,
        }
    }

    /// A job that runs a script.
    pub fn script(script: impl Into<String>) -> Self {
        Self {
            script: Some(script.into()),
            ..Self::lasting(Duration::ZERO)
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Waiting for a runner.
    Queued,
    /// A runner has it.
    InProgress,
    /// It is over.
    Completed,
}

/// A job as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: JobStatus,
    /// `success`, `failure` or `cancelled`, when it is over.
    pub conclusion: Option<String>,
    /// What it asks of a runner.
    pub labels: Vec<String>,
    /// The number and the name of the runner that has or had it.
    pub runner: Option<(u64, String)>,
    /// When its runner began it.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) spec: JobSpec,
    /// The number of the run that it is all of.
    pub(super) run: u64,
    pub(super) labels: Vec<String>,
    /// The only runner that it is for.
    pub(super) only: Option<u64>,
    pub(super) status: JobStatus,
    pub(super) conclusion: Option<String>,
    /// Number and name of its runner.
    pub(super) runner: Option<(u64, String)>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

impl Job {
    pub(super) fn in_progress(&self) -> bool {
        self.status == JobStatus::InProgress
    }

    pub(super) fn runner_id(&self) -> Option<u64> {
        self.runner.as_ref().map(|(id, _)| *id)
    }
}
