//! What a stop is about.

use super::{Name, Reference};

/// What is to be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopTarget {
    /// Everything of this scope that is not busy.
    All,
    /// These machines and runners, and with `starts` what else their `start` processes made.
    Named {
        /// Machines.
        machines: Vec<Reference>,
        /// Runners.
        names: Vec<Name>,
        /// The labels of those machines of a mapping that no runner's name stands beside, as other tools write them.
        labels: Vec<String>,
        /// Whether it is a mapping, which speaks for whole starts.
        starts: bool,
    },
    /// What nobody will use again.
    Orphans,
    /// What a workflow run started, in any attempt or in one.
    Run {
        /// `github.run_id`.
        id: u64,
        /// Only this attempt.
        attempt: Option<u32>,
    },
    /// What the state file holds.
    State,
}
