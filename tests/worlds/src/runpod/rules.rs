//! How an account behaves, and what its keys may do.

use std::time::Duration;

use super::lags::Lag;

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Full,
    /// Look.
    Read,
    /// Nothing of the API.
    Nothing,
    /// Look at, act on and end one pod.
    Pod(String),
}

/// How the account's pods behave, from the next one on.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a pod is `PROVISIONING`, then `STARTING`, then `RUNNING` without a runtime.
    pub start: [Lag; 3],
    /// How long a pod is in no list.
    pub unlisted: Lag,
    /// How long a pod is not found by its id.
    pub unfound: Lag,
    /// How long one that is gone is still shown, as `TERMINATED`.
    pub shown: Lag,
    /// How long the command of one that is gone still runs.
    pub dying: Lag,
    /// How many pods are on a page where the request does not say.
    pub page: usize,
    /// What each answer takes.
    pub latency: Duration,
    /// US dollars; under one hour's price nothing is created. `None`: enough.
    pub balance: Option<f64>,
    /// What is charged is this times what the catalog says.
    pub dearer: f64,
    /// Whether what a pod costs is not told before [`super::Standin::bill`].
    pub billed_later: bool,
    /// Whether and how the commands of pods are run.
    pub machinery: Option<Machinery>,
    /// The pods whose container never starts, and what their host says of it again and again: by the id of the GPU or
    /// the CPU flavor, or by what the image has in it; `*` is every pod. <https://github.com/dstackai/dstack/issues/1976>
    pub stuck: Vec<(String, String)>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            start: [Lag::None; 3],
            unlisted: Lag::None,
            unfound: Lag::None,
            shown: Lag::None,
            dying: Lag::None,
            page: 100,
            latency: Duration::ZERO,
            balance: None,
            dearer: 1.0,
            billed_later: false,
            machinery: None,
            stuck: Vec::new(),
        }
    }
}

/// How commands are run.
#[derive(Clone, Debug, Default)]
pub struct Machinery {
    /// What the image has in its environment; `{disk}` stands for the folder that is the pod's disk.
    pub image: Vec<(String, String)>,
    /// Whether the disk outlives a restart, as it does when only the command ended.
    pub keeps_disk: bool,
    /// How long a command that ended is not yet started again.
    pub pause: Duration,
}
