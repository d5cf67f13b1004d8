//! Workflow runs and their jobs, as far as verdicts need them.

use serde::Deserialize;

use super::client::Client;
use super::error::is_own;
use super::{RequiredPermission, Result, scope};
use crate::model::Run;

/// A workflow run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkflowRun {
    /// `completed` when over.
    pub status: Option<String>,
    /// The latest attempt.
    #[serde(default)]
    pub run_attempt: u32,
}

/// A job of a run's attempt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WorkflowJob {
    /// `queued`, `in_progress`, `completed`, ...
    pub status: String,
    /// The number of the runner that has it: names are used again, numbers are not.
    #[serde(default)]
    pub runner_id: Option<u64>,
    /// The name of the runner that has it.
    pub runner_name: Option<String>,
}

#[derive(Deserialize)]
struct JobsPage {
    jobs: Vec<WorkflowJob>,
}

impl Client {
    pub(super) async fn workflow_run(
        &self,
        repository: &str,
        id: u64,
    ) -> Result<Option<WorkflowRun>> {
        let message = format!("could not look at run {id} of `{repository}`");
        let operation = self.begin(message, RequiredPermission::Runs);
        let [repos, owner, name] = scope::repository(repository)?;
        let id = id.to_string();
        let path = [repos, owner, name, "actions", "runs", &id];
        let mut url = scope::join(self.api_url(), path)?;
        url.query_pairs_mut()
            .append_pair("exclude_pull_requests", "true");
        let answer = operation.fetch(&url).await?;
        match answer.status.as_u16() {
            403 | 404 if is_own(&answer) => Ok(None),
            _ => operation.read_at(&url, &answer).map(Some),
        }
    }

    pub(super) async fn run_jobs(
        &self,
        repository: &str,
        run: Run,
    ) -> Result<Option<Vec<WorkflowJob>>> {
        let Run { id, attempt } = run;
        let message = format!("could not list the jobs of run {id} of `{repository}`");
        let operation = self.begin(message, RequiredPermission::Runs);
        let [repos, owner, name] = scope::repository(repository)?;
        let (id, attempt) = (id.to_string(), attempt.to_string());
        let path = [
            repos, owner, name, "actions", "runs", &id, "attempts", &attempt, "jobs",
        ];
        let mut url = scope::join(self.api_url(), path)?;
        url.query_pairs_mut().append_pair("per_page", "100");
        match operation.pages::<JobsPage>(url).await {
            Ok(pages) => Ok(Some(pages.into_iter().flat_map(|page| page.jobs).collect())),
            Err(error) if error.is_hidden() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
