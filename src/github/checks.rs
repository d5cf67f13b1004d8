//! What can be found out about a token and a repository without changing anything.

use jiff::Timestamp;
use serde::Deserialize;

use super::client::Client;
use super::error::is_own;
use super::{RequiredPermission, Result, TokenKind, scope};

/// What is left of the primary rate limit, and what the token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests an hour; `None` where the server has no limits (GHES).
    pub core: Option<Core>,
    /// The scopes of a classic token; `None` where it has permissions instead.
    pub scopes: Option<Vec<String>>,
}

/// The rate limit of the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Core {
    /// Requests an hour.
    pub limit: u64,
    /// Requests that are left.
    pub remaining: u64,
    /// When there are all of them again, in seconds of the epoch.
    reset: i64,
}

impl Core {
    /// When there are all of them again, by GitHub's clock.
    pub fn reset(&self) -> Timestamp {
        Timestamp::from_second(self.reset).unwrap_or(Timestamp::MAX)
    }
}

/// A repository, as far as it matters for its runners.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repository {
    /// `owner/name` as it is called now: a renamed one answers to its old name, too.
    pub full_name: String,
    /// Whether not everybody sees it.
    pub private: bool,
    permissions: Option<Permissions>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Permissions {
    #[serde(default)]
    admin: bool,
}

impl Repository {
    /// Whether the token's owner is an admin of it; `None` where GitHub does not tell.
    pub fn admin(&self) -> Option<bool> {
        self.permissions
            .as_ref()
            .map(|permissions| permissions.admin)
    }
}

#[derive(Deserialize)]
struct RateLimits {
    resources: RateLimitResources,
}

#[derive(Deserialize)]
struct RateLimitResources {
    core: Core,
}

/// GitHub counts the runs of all repositories together, and its first ones are long gone.
const NO_RUN: u64 = 1;

impl Client {
    /// What kind of token there is; `None` without one.
    pub async fn token_kind(&self) -> Result<Option<TokenKind>> {
        Ok(self.token().await?.as_ref().map(TokenKind::of))
    }

    /// How much of the rate limit is left. Asking is free, also when nothing is left.
    pub async fn rate_limit(&self) -> Result<RateLimit> {
        let message = "could not read the rate limit".to_owned();
        let operation = self.begin(message, RequiredPermission::Public).at_once();
        let url = scope::join(self.api_url(), ["rate_limit"])?;
        let answer = operation.fetch(&url).await?;
        let scopes = answer.header("x-oauth-scopes").map(|header| {
            let words = header.split(',').map(crate::model::text::one_line);
            words.filter(|word| !word.is_empty()).collect()
        });
        // "Rate limiting is not enabled": a GHES as it comes.
        let core = match answer.status.as_u16() {
            404 if is_own(&answer) => None,
            _ => Some(
                operation
                    .read_at::<RateLimits>(&url, &answer)?
                    .resources
                    .core,
            ),
        };
        Ok(RateLimit { core, scopes })
    }

    /// Looks at a repository (`owner/name`).
    pub async fn repository(&self, repository: &str) -> Result<Repository> {
        let message = format!("could not look at the repository `{repository}`");
        let operation = self.begin(message, RequiredPermission::Sight);
        let url = scope::join(self.api_url(), scope::repository(repository)?)?;
        operation.read_at(&url, &operation.fetch(&url).await?)
    }

    /// Whether the runs of a repository that can be seen can be read; what GitHub says no with is the error.
    ///
    /// Asked of `run`, where one is known, else of one that there is not: GitHub says 403 to whom it keeps
    /// the runs from, and 404 to everybody else.
    pub async fn reads_runs(&self, repository: &str, run: Option<u64>) -> Result<()> {
        let message = format!("could not read the runs of `{repository}`");
        let operation = self.begin(message, RequiredPermission::Runs);
        let [repos, owner, name] = scope::repository(repository)?;
        let asked = run.unwrap_or(NO_RUN).to_string();
        let path = [repos, owner, name, "actions", "runs", &asked];
        let url = scope::join(self.api_url(), path)?;
        let answer = operation.fetch(&url).await?;
        match answer.status.as_u16() {
            404 if run.is_none() && is_own(&answer) => Ok(()),
            _ => operation.read::<serde::de::IgnoredAny>(&answer).map(|_| ()),
        }
    }
}
