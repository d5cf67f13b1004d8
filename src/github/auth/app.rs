//! A GitHub App: it signs, finds where it is installed, and gets a token for there and nothing else.

use std::fmt;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::key::Key;
use super::tell;
use super::visit::Visit;
use crate::github::client::{Operation, Shared};
use crate::github::{Error, ErrorKind, Hearer, Result, Right, scope};
use crate::http::{Request, Term};
use crate::model::{Scope, Secret};

/// What reading a repository's runs takes (GitHub's REST documentation). It is asked for, and done
/// without where the app has not got it: only verdicts become less certain.
const RUNS: &str = "actions";

/// A GitHub App.
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// Its number or its client id, as GitHub shows it: either may sign.
    pub id: String,
    /// Where it is installed; found for the scope when left out.
    pub installation: Option<u64>,
    /// What it signs with.
    pub key: Key,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.id)
            .field("installation", &self.installation)
            .finish_non_exhaustive()
    }
}

/// A token that was made.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) token: Secret,
    /// By GitHub's clock.
    pub(super) end: Timestamp,
}

impl Grant {
    /// Takes the token back. One that is known no more is no failure.
    pub(super) async fn revoke(&self, shared: &Shared, by: Instant) -> Result<()> {
        let message = "could not revoke a token of a GitHub App";
        let term = Term::until(by);
        let operation = Operation::new(shared, message.to_owned(), Right::Public, term).at_once();
        let url = scope::join(operation.api_url(), ["installation", "token"])?;
        let mut request = Request::new(Method::DELETE, url);
        let answer = operation.send_as(&mut request, Some(&self.token)).await?;
        match answer.status.as_u16() {
            204 | 401 => Ok(()),
            _ => Err(operation.refused(&answer)),
        }
    }
}

/// What is known from one token to the next.
#[derive(Debug, Default)]
pub(super) struct Mint {
    installation: Option<u64>,
    /// The app may not read runs: it was refused once.
    no_runs: bool,
    made: Vec<Grant>,
}

#[derive(Deserialize)]
struct Made {
    token: Secret,
    expires_at: Timestamp,
}

/// What managing a scope's runners takes, by GitHub's name and by that of its pages.
pub(super) struct Permission {
    pub(super) name: &'static str,
    pub(super) page: &'static str,
}

/// GitHub has none for the runners of an enterprise: its description asks for a classic token there.
fn needed(scope: &Scope) -> Option<Permission> {
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

impl Mint {
    /// Makes a token for the client's scope. It is masked, and remembered for [`Mint::take`].
    ///
    /// Whatever GitHub refuses here is [`ErrorKind::Unauthorized`]: there is no token to be had.
    pub(super) async fn make(
        &mut self,
        app: &App,
        shared: &Shared,
        hearer: &Hearer,
        by: Instant,
    ) -> Result<Grant> {
        let scope = shared.scope();
        let message = format!(
            "could not get a token for `{scope}` as the GitHub App `{}`",
            app.id
        );
        let Some(needed) = needed(scope) else {
            return Err(Error::new(ErrorKind::Unauthorized, message)
                .because("a GitHub App cannot manage the runners of an enterprise")
                .hinted("use a classic token with the scope `manage_runners:enterprise`"));
        };
        let operation = Operation::new(shared, message, Right::Public, Term::until(by));
        let mut visit = Visit::new(app, operation, shared, hearer);
        let mut found = None;
        let installation = if let Some(known) = app.installation.or(self.installation) {
            known
        } else {
            let installation = found.insert(visit.find().await?);
            self.no_runs = !installation.has(RUNS, "read");
            installation.id
        };
        let answer = loop {
            let mut wanted = json!({needed.name: "write", RUNS: "read"});
            if let (true, Some(wanted)) = (self.no_runs, wanted.as_object_mut()) {
                wanted.remove(RUNS);
            }
            let answer = visit.ask(installation, &wanted).await?;
            if answer.status != StatusCode::UNPROCESSABLE_ENTITY || self.no_runs {
                break answer;
            }
            self.no_runs = true;
        };
        if answer.status != StatusCode::CREATED {
            // Another answer may help the next time, when it was found and not given.
            (self.installation, self.no_runs) = (None, false);
            return Err(visit.explained(answer, installation, found, &needed).await);
        }
        let made: Made = visit.read(&answer)?;
        tell(hearer, &made.token)?;
        self.installation = Some(installation);
        let grant = Grant {
            token: made.token,
            end: made.expires_at,
        };
        self.made.push(grant.clone());
        if self.no_runs {
            tracing::debug!(
                "the app may not read workflow runs, so gharun cannot tell whether one is over"
            );
        }
        Ok(grant)
    }

    /// Forgets a token that GitHub does not know any more.
    pub(super) fn forget(&mut self, token: &Secret) {
        self.made.retain(|grant| grant.token != *token);
    }

    /// All tokens that were made, to be taken back.
    pub(super) fn take(&mut self) -> Vec<Grant> {
        std::mem::take(&mut self.made)
    }
}
