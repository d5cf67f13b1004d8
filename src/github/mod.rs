//! GitHub, as far as runners need it.

use jiff::Timestamp;

use crate::model::{Name, Run, Scope};

mod auth;
mod client;
mod error;
mod notice;
mod pages;
mod releases;
mod runners;
mod runs;
mod scope;
#[cfg(test)]
pub(crate) mod spec;
#[cfg(test)]
mod tests;

pub use auth::Token;
pub use client::{Client, Config};
pub use error::{Error, ErrorKind, Result};
pub use notice::{Hearer, Notice};
pub use releases::{Download, NoVersion, RunnerVersion};
pub use runners::{Deregistration, Label, Registration, Runner};
pub use runs::{Job, WorkflowRun};
pub use scope::api_url;

/// The runner group that every scope has.
pub const DEFAULT_GROUP: u64 = 1;

/// The right that an operation needs: it decides what to advise when GitHub says no.
enum Right<'a> {
    /// Anybody's.
    Public,
    /// To manage the runners of a scope, in a group where that matters.
    Runners {
        scope: &'a Scope,
        group: Option<u64>,
    },
    /// To read a repository's runs.
    Runs,
}

/// What `fleet` asks of GitHub for one scope.
#[expect(async_fn_in_trait, reason = "one thread runs everything")]
pub trait Api {
    /// Registers a runner just in time. A lost answer is [`ErrorKind::Ambiguous`], and it is not repeated.
    async fn register(&self, name: &Name, labels: &[String]) -> Result<Registration>;
    /// Adds labels to a runner.
    async fn label(&self, id: u64, labels: &[String]) -> Result<()>;
    /// Lists all runners of the scope, all pages; unchanged pages cost no quota.
    async fn runners(&self) -> Result<Vec<Runner>>;
    /// One runner by GitHub's number; `None` when it is gone.
    async fn runner(&self, id: u64) -> Result<Option<Runner>>;
    /// Removes a registration.
    async fn deregister(&self, id: u64) -> Result<Deregistration>;
    /// The archives that GitHub names for this scope.
    async fn downloads(&self) -> Result<Vec<Download>>;
    /// A run of a repository (`owner/name`); `None` when it cannot be told (403, 404).
    async fn run(&self, repository: &str, id: u64) -> Result<Option<WorkflowRun>>;
    /// The jobs of a run's attempt; `None` when it cannot be told.
    async fn jobs(&self, repository: &str, run: Run) -> Result<Option<Vec<Job>>>;
    /// GitHub's clock, from the last `Date` header; ours before the first answer.
    fn now(&self) -> Timestamp;
}

impl Api for Client {
    async fn register(&self, name: &Name, labels: &[String]) -> Result<Registration> {
        self.register_just_in_time(name, labels).await
    }

    async fn label(&self, id: u64, labels: &[String]) -> Result<()> {
        self.add_labels(id, labels).await
    }

    async fn runners(&self) -> Result<Vec<Runner>> {
        self.all_runners().await
    }

    async fn runner(&self, id: u64) -> Result<Option<Runner>> {
        self.one_runner(id).await
    }

    async fn deregister(&self, id: u64) -> Result<Deregistration> {
        self.remove_runner(id).await
    }

    async fn downloads(&self) -> Result<Vec<Download>> {
        self.own_downloads().await
    }

    async fn run(&self, repository: &str, id: u64) -> Result<Option<WorkflowRun>> {
        self.workflow_run(repository, id).await
    }

    async fn jobs(&self, repository: &str, run: Run) -> Result<Option<Vec<Job>>> {
        self.run_jobs(repository, run).await
    }

    fn now(&self) -> Timestamp {
        self.clock()
    }
}
