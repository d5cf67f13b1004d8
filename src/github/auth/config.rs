//! What a GitHub App is, and what it needs to be allowed.

use std::fmt;

use super::key::AppKey;
use crate::model::Scope;

/// A GitHub App.
#[derive(Clone, PartialEq, Eq)]
pub struct GitHubApp {
    /// Its number or its client id, as GitHub shows it: either may sign.
    pub id: String,
    /// Where it is installed; found for the scope when left out.
    pub installation: Option<u64>,
    /// Where its key is from, as people are told; `None` where nobody can put another one there.
    pub key_from: Option<String>,
    /// What it signs with.
    pub key: AppKey,
}

impl fmt::Debug for GitHubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubApp")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

/// What managing a scope's runners takes, by GitHub's name and by that of its pages.
pub(super) struct Permission {
    pub(super) name: &'static str,
    pub(super) page: &'static str,
}

/// GitHub has none for the runners of an enterprise: its description asks for a classic token there.
pub(super) fn needed(scope: &Scope) -> Option<Permission> {
    match scope {
        Scope::Enterprise(_) => None,
        Scope::Org(_) => Some(Permission {
            name: "organization_self_hosted_runners",
            page: "Organization permissions: Self-hosted runners: Read and write",
        }),
        Scope::Repo { .. } => Some(Permission {
            name: "administration",
            page: "Repository permissions: Administration: Read and write",
        }),
    }
}
