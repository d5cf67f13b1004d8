//! What a stub is opened with.

use std::time::Duration;

/// What a [`StubServer`](super::StubServer) is opened with.
#[derive(Clone, Debug)]
pub struct StubOptions {
    /// From the last sign of life of a runner until it is called offline, unless it ends its session: then it is
    /// offline at once. A rehearsal has no reason to change it; a test that waits for the one must be able to rule
    /// out the other.
    pub offline_after: Duration,
    /// The version of the runner that it hands out, without `v`.
    pub runner_version: String,
}

impl Default for StubOptions {
    fn default() -> Self {
        Self {
            offline_after: Duration::from_secs(5),
            runner_version: "2.336.0".to_owned(),
        }
    }
}
