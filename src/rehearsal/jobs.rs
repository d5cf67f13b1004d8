//! Jobs, from the queue to their conclusion.

use jiff::Timestamp;

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StubJobStatus {
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
    /// How far it is.
    pub status: StubJobStatus,
    /// `success`, `failure` or `cancelled`, when it is over.
    pub conclusion: Option<String>,
    /// The number and the name of the runner that has or had it.
    pub runner: Option<(u64, String)>,
    /// When its runner began it.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct StubJob {
    pub(super) id: u64,
    /// The number of the run that it is all of.
    pub(super) run: u64,
    /// What its runner has to bear, in lower case.
    pub(super) label: String,
    pub(super) script: String,
    pub(super) status: StubJobStatus,
    pub(super) conclusion: Option<String>,
    /// Number and name of its runner.
    pub(super) runner: Option<(u64, String)>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

impl StubJob {
    pub(super) fn in_progress(&self) -> bool {
        self.status == StubJobStatus::InProgress
    }
}
