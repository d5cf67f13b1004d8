//! What a stub is opened with.

use std::collections::BTreeMap;
use std::time::Duration;

use super::jobs::JobSpec;

/// How a [`StubServer`](super::StubServer) behaves over time. GitHub's own times are named where they are known.
#[derive(Clone, Debug)]
pub struct Lags {
    /// From the assignment of a job until the runner is called busy; meanwhile it can be deleted.
    /// GitHub takes up to a minute.
    pub busy: Duration,
    /// From the end of a job until its runner is off the list; meanwhile it is called busy, cannot
    /// be deleted, and keeps its name. GitHub takes seconds to tens of seconds.
    pub gone: Duration,
    /// From the last sign of life of a runner until it is called offline.
    pub offline: Duration,
    /// From then until the job of a runner that died in its middle is given up. GitHub takes 10 to
    /// 15 minutes.
    pub lost: Duration,
    /// How long a runner's question for a job is held before it is told that there is none.
    pub hold: Duration,
}

impl Default for Lags {
    fn default() -> Self {
        Self {
            busy: Duration::ZERO,
            gone: Duration::ZERO,
            offline: Duration::from_secs(5),
            lost: Duration::from_mins(10),
            hold: Duration::from_secs(5),
        }
    }
}

/// What a [`StubServer`](super::StubServer) is opened with.
#[derive(Clone, Debug)]
pub struct StubOptions {
    /// The job that every runner is given once, as soon as it is online.
    pub auto_job: Option<JobSpec>,
    /// The runner groups, by their numbers.
    pub groups: BTreeMap<u64, String>,
    /// How it behaves over time.
    pub lags: Lags,
    /// The version of the runner that it names, without `v`.
    pub runner_version: String,
}

impl Default for StubOptions {
    fn default() -> Self {
        Self {
            auto_job: None,
            groups: BTreeMap::from([(1, "Default".to_owned())]),
            lags: Lags::default(),
            runner_version: "2.336.0".to_owned(),
        }
    }
}
