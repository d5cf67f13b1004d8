//! Rows of the list of runners, from the registration until they are gone.

/// What a runner is registered with. Each is for one job.
#[derive(Debug)]
pub(super) struct Registrant {
    /// What the paths begin with that are about its scope, in lower case: GitHub does not tell `Acme` from `acme`.
    pub(super) scope: String,
    pub(super) name: String,
    /// In lower case.
    pub(super) labels: Vec<String>,
    pub(super) work_folder: String,
}

#[derive(Debug)]
pub(super) struct StubRunner {
    pub(super) id: u64,
    pub(super) as_registered: Registrant,
    /// What its machine shows when it connects.
    pub(super) client: String,
    /// Whether it was given its job. When that is over the row goes.
    pub(super) at_work: bool,
    pub(super) os: String,
    pub(super) version: Option<String>,
}

/// A row as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerRow {
    /// GitHub's number of it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `unknown` until it has connected.
    pub os: String,
    /// Whether its status is `online`.
    pub online: bool,
    /// Whether it is called busy.
    pub busy: bool,
    /// Its labels, in lower case.
    pub labels: Vec<String>,
    /// The version of its program, once it has connected.
    pub version: Option<String>,
}
