//! Runner groups: who may use which runners.

use serde::Deserialize;

use super::client::Client;
use super::{RequiredPermission, Result};

/// A runner group of an organization or an enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RunnerGroup {
    /// GitHub's number of it.
    pub id: u64,
    /// Its name; an organization may inherit one of the same name from its enterprise.
    pub name: String,
    /// Whose jobs get its runners: `all`, `private` or `selected`; kept open.
    #[serde(default)]
    pub visibility: String,
    /// Whether jobs of public repositories get its runners.
    #[serde(default)]
    pub allows_public_repositories: bool,
    /// Whether only the workflows below get its runners.
    #[serde(default)]
    pub restricted_to_workflows: bool,
    /// Workflows with their ref, `acme/app/.github/workflows/x.yml@main`.
    #[serde(default)]
    pub selected_workflows: Vec<String>,
}

#[derive(Deserialize)]
struct GroupsPage {
    runner_groups: Vec<RunnerGroup>,
}

impl Client {
    /// Lists the runner groups of the organization or the enterprise, all pages. A repository has none:
    /// asking is [`super::ErrorKind::NotFound`].
    pub async fn groups(&self) -> Result<Vec<RunnerGroup>> {
        self.list_groups(None).await
    }

    /// Lists the groups of the organization whose runners a repository of it may use; `name` is
    /// without its owner.
    pub async fn groups_visible_to(&self, name: &str) -> Result<Vec<RunnerGroup>> {
        self.list_groups(Some(name)).await
    }

    /// One group of the organization or the enterprise.
    pub async fn runner_group(&self, id: u64) -> Result<RunnerGroup> {
        let right = RequiredPermission::Runners {
            scope: self.scope(),
            group: None,
        };
        let message = format!("could not look at runner group {id} of `{}`", self.scope());
        let operation = self.begin(message, right);
        let url = self.in_scope(&["actions", "runner-groups", &id.to_string()])?;
        operation.read_at(&url, &operation.fetch(&url).await?)
    }

    async fn list_groups(&self, visible_to: Option<&str>) -> Result<Vec<RunnerGroup>> {
        let right = RequiredPermission::Runners {
            scope: self.scope(),
            group: None,
        };
        let message = format!("could not list the runner groups of `{}`", self.scope());
        let operation = self.begin(message, right);
        let mut url = self.in_scope(&["actions", "runner-groups"])?;
        url.query_pairs_mut().append_pair("per_page", "100");
        if let Some(name) = visible_to {
            url.query_pairs_mut()
                .append_pair("visible_to_repository", name);
        }
        let pages: Vec<GroupsPage> = operation.pages(url).await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.runner_groups)
            .collect())
    }
}
