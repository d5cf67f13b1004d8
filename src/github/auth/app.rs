//! A GitHub App: it signs, finds where it is installed, and gets a token for there and nothing else.

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::config::{App, needed};
use super::tell;
use super::visit::Visit;
use crate::github::wire::{Operation, Wire};
use crate::github::{Error, ErrorKind, Hearer, Result, Right, scope};
use crate::http::{Request, Term};
use crate::model::Secret;

/// What reading a repository's runs takes (GitHub's REST documentation). It is asked for, and done
/// without where the app has not got it: only verdicts become less certain.
const RUNS: &str = "actions";

/// A token that was made.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) token: Secret,
    /// By GitHub's clock.
    pub(super) end: Timestamp,
}

impl Grant {
    /// Takes the token back. One that is known no more is no failure.
    pub(super) async fn revoke(&self, wire: &Wire, by: Instant) -> Result<()> {
        let message = "could not revoke a token of a GitHub App";
        let term = Term::until(by);
        let operation = Operation::new(wire, message.to_owned(), Right::Public, term).at_once();
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

impl Mint {
    /// Makes a token for the client's scope. It is masked, and remembered for [`Mint::take`].
    ///
    /// Whatever GitHub refuses here is [`ErrorKind::Unauthorized`]: there is no token to be had.
    pub(super) async fn make(
        &mut self,
        app: &App,
        wire: &Wire,
        hearer: &Hearer,
        by: Instant,
    ) -> Result<Grant> {
        let scope = wire.scope();
        let message = format!(
            "could not get a token for `{scope}` as the GitHub App `{}`",
            app.id
        );
        let Some(needed) = needed(scope) else {
            return Err(Error::new(ErrorKind::Unauthorized, message)
                .because("a GitHub App cannot manage the runners of an enterprise")
                .hinted("use a classic token with the scope `manage_runners:enterprise`"));
        };
        let operation = Operation::new(wire, message, Right::Public, Term::until(by));
        let mut visit = Visit::new(app, operation, wire, hearer);
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
