//! A GitHub App: it signs, finds where it is installed, and gets a token for there and nothing else.

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::config::{GitHubApp, needed};
use super::session::AppSession;
use super::tell;
use crate::github::wire::{UserOperation, Wire};
use crate::github::{Error, ErrorKind, Observer, RequiredPermission, Result, scope};
use crate::http::{Deadline, Request};
use crate::model::Secret;

/// What reading a repository's runs takes (GitHub's REST documentation). It is asked for, and done
/// without where the app has not got it: only verdicts become less certain.
const RUNS: &str = "actions";

/// A token that was made.
#[derive(Clone, Debug)]
pub(super) struct InstallationToken {
    pub(super) token: Secret,
    /// By GitHub's clock.
    pub(super) end: Timestamp,
}

impl InstallationToken {
    /// Takes the token back. One that is known no more is no failure.
    pub(super) async fn revoke(&self, wire: &Wire, by: Instant) -> Result<()> {
        let message = "could not revoke a token of a GitHub App";
        let deadline = Deadline::until(by);
        let operation = UserOperation::new(
            wire,
            message.to_owned(),
            RequiredPermission::Public,
            deadline,
        )
        .at_once();
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
pub(super) struct TokenIssuer {
    installation: Option<u64>,
    /// The app may not read runs: it was refused once.
    no_runs: bool,
    made: Vec<InstallationToken>,
}

#[derive(Deserialize)]
struct Made {
    token: Secret,
    expires_at: Timestamp,
}

impl TokenIssuer {
    /// Makes a token for the client's scope. It is masked, and remembered for [`TokenIssuer::take`].
    ///
    /// Whatever GitHub refuses here is [`ErrorKind::Unauthorized`]: there is no token to be had.
    pub(super) async fn make(
        &mut self,
        app: &GitHubApp,
        wire: &Wire,
        observer: &Observer,
        by: Instant,
    ) -> Result<InstallationToken> {
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
        let operation = UserOperation::new(
            wire,
            message,
            RequiredPermission::Public,
            Deadline::until(by),
        );
        let mut session = AppSession::new(app, operation, wire, observer);
        let mut found = None;
        let installation = if let Some(known) = app.installation.or(self.installation) {
            known
        } else {
            let installation = found.insert(session.find().await?);
            self.no_runs = !installation.has(RUNS, "read");
            installation.id
        };
        let answer = loop {
            let mut wanted = json!({needed.name: "write", RUNS: "read"});
            if let (true, Some(wanted)) = (self.no_runs, wanted.as_object_mut()) {
                wanted.remove(RUNS);
            }
            let answer = session.ask(installation, &wanted).await?;
            if answer.status != StatusCode::UNPROCESSABLE_ENTITY || self.no_runs {
                break answer;
            }
            self.no_runs = true;
        };
        if answer.status != StatusCode::CREATED {
            // Another answer may help the next time, when it was found and not given.
            (self.installation, self.no_runs) = (None, false);
            return Err(session
                .explained(answer, installation, found, &needed)
                .await);
        }
        let made: Made = session.read(&answer)?;
        tell(observer, &made.token)?;
        self.installation = Some(installation);
        let granted = InstallationToken {
            token: made.token,
            end: made.expires_at,
        };
        self.made.push(granted.clone());
        if self.no_runs {
            tracing::debug!(
                "the app may not read workflow runs, so gharun cannot tell whether one is over"
            );
        }
        Ok(granted)
    }

    /// Forgets a token that GitHub does not know any more.
    pub(super) fn forget(&mut self, token: &Secret) {
        self.made.retain(|granted| granted.token != *token);
    }

    /// All tokens that were made, to be taken back.
    pub(super) fn take(&mut self) -> Vec<InstallationToken> {
        std::mem::take(&mut self.made)
    }
}
