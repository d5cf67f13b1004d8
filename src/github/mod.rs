//! GitHub, as far as runners need it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Name, Run, Scope};

mod auth;
mod checks;
mod client;
mod error;
mod etag_cache;
mod groups;
mod limits;
mod observer;
mod pages;
mod permissions;
mod refusals;
mod registration;
mod registration_cache;
mod releases;
mod runners;
mod runs;
mod scope;
#[cfg(test)]
mod tests;
mod versions;
mod wire;

pub use auth::{AppKey, GitHubApp, TokenSource};
pub use checks::{Core, RateLimit, Repository};
pub use client::{Client, ClientConfig};
pub use error::{Error, ErrorKind, Result};
pub use groups::RunnerGroup;
pub use observer::{ClientEvent, Observer};
pub use permissions::TokenKind;
pub use registration::{Registration, RegistrationToken, RunnerCredential};
pub use releases::Download;
#[cfg(test)]
pub use runners::Label;
pub use runners::{Deregistration, Runner};
pub use runs::{WorkflowJob, WorkflowRun};
pub use versions::VersionSupport;

/// The runner group that every scope has.
pub const DEFAULT_GROUP: u64 = 1;

/// The right that an operation needs: it decides what to advise when GitHub says no.
enum RequiredPermission<'a> {
    /// Anybody's.
    Public,
    /// To manage the runners of a scope, in a group where that matters.
    Runners {
        scope: &'a Scope,
        group: Option<u64>,
    },
    /// To read a repository's runs.
    Runs,
    /// To see a repository.
    Sight,
}

/// What `fleet` asks of GitHub for one scope.
pub trait GitHubApi {
    /// Registers a runner just in time, or gets what its machine registers it with. A lost answer is
    /// [`ErrorKind::Ambiguous`] where it may have registered one, and it is not repeated then.
    async fn register(&self, name: &Name, labels: &[String]) -> Result<Registration>;
    /// Adds labels to a runner.
    async fn label(&self, id: u64, labels: &[String]) -> Result<()>;
    /// Lists all runners of the scope, all pages; unchanged pages cost no quota.
    async fn runners(&self) -> Result<Vec<Runner>>;
    /// One runner by GitHub's number; `None` when it is gone.
    async fn runner(&self, id: u64) -> Result<Option<Runner>>;
    /// One runner by its name; `None` when there is none.
    async fn find(&self, name: &Name) -> Result<Option<Runner>>;
    /// Removes a registration.
    async fn deregister(&self, id: u64) -> Result<Deregistration>;
    /// Removes a registration without waiting for room, as what costs money is to be ended: a limit
    /// that it meets is [`ErrorKind::RateLimited`] at once.
    async fn deregister_at_once(&self, id: u64) -> Result<Deregistration> {
        self.deregister(id).await
    }
    /// A run of a repository (`owner/name`); `None` when it cannot be told (403, 404).
    async fn run(&self, repository: &str, id: u64) -> Result<Option<WorkflowRun>>;
    /// The jobs of a run's attempt; `None` when it cannot be told.
    async fn jobs(&self, repository: &str, run: Run) -> Result<Option<Vec<WorkflowJob>>>;
    /// GitHub's clock, from the last `Date` header; ours before the first answer.
    fn now(&self) -> Timestamp;
    /// How far GitHub's clock is ahead of ours; zero before the first answer.
    fn ahead(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
    /// How long a request would wait for room at least if it came now; zero where there is room.
    fn wait_now(&self) -> Duration {
        Duration::ZERO
    }
    /// Nothing more is to be registered: a registration that waits for room, or would from now on,
    /// fails at once with [`ErrorKind::RateLimited`], unsent. One that was sent is awaited.
    fn abandon_waits(&self) {}
}

impl GitHubApi for Client {
    async fn register(&self, name: &Name, labels: &[String]) -> Result<Registration> {
        self.register_runner(name, labels).await
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

    async fn find(&self, name: &Name) -> Result<Option<Runner>> {
        self.runner_named(name.as_str()).await
    }

    async fn deregister(&self, id: u64) -> Result<Deregistration> {
        self.remove_runner(id).await
    }

    async fn deregister_at_once(&self, id: u64) -> Result<Deregistration> {
        self.remove_runner_at_once(id).await
    }

    async fn run(&self, repository: &str, id: u64) -> Result<Option<WorkflowRun>> {
        self.workflow_run(repository, id).await
    }

    async fn jobs(&self, repository: &str, run: Run) -> Result<Option<Vec<WorkflowJob>>> {
        self.run_jobs(repository, run).await
    }

    fn now(&self) -> Timestamp {
        self.clock()
    }

    fn ahead(&self) -> SignedDuration {
        self.clock_ahead()
    }

    fn wait_now(&self) -> Duration {
        self.wait_for_room()
    }

    fn abandon_waits(&self) {
        self.forgo_waiting();
    }
}
