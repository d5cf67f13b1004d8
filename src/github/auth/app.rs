//! A GitHub App: it signs, finds where it is installed, and gets a token for there and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::key::Key;
use super::tell;
use crate::github::client::{Operation, Shared};
use crate::github::{Error, ErrorKind, Hearer, Result, Right, scope};
use crate::http::{self, Answer, Request};
use crate::model::{Scope, Secret};
use crate::poll::{Backoff, chance};

/// How often a request is sent whose answer is lost: a token too many does no harm.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How far clocks may be apart before a signature is made anew; it is good for a minute more.
const APART: Duration = Duration::from_secs(30);

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
        let message = "could not take back a token of a GitHub App";
        let operation = Operation::new(shared, message.to_owned(), Right::Public, by);
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

/// Where an app is installed, as far as it matters.
#[derive(Deserialize)]
struct Installation {
    id: u64,
    #[serde(default)]
    permissions: BTreeMap<String, Value>,
    #[serde(default)]
    suspended_at: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

impl Installation {
    fn has(&self, permission: &str, level: &str) -> bool {
        let had = self.permissions.get(permission).and_then(Value::as_str);
        had.is_some_and(|had| had == level || had == "write" || had == "admin")
    }
}

/// What managing a scope's runners takes, by GitHub's name and by that of its pages.
struct Permission {
    name: &'static str,
    page: &'static str,
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
                .because("an app cannot be allowed to manage the runners of an enterprise")
                .hinted("use a classic token with the scope `manage_runners:enterprise`"));
        };
        let mut visit = Visit {
            app,
            operation: Operation::new(shared, message, Right::Public, by),
            shared,
            hearer,
            signed: None,
        };
        let mut found = None;
        let installation = match app.installation.or(self.installation) {
            Some(installation) => installation,
            None => {
                let installation = found.insert(visit.find().await?);
                self.no_runs = !installation.has(RUNS, "read");
                installation.id
            }
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
            self.installation = None;
            return Err(visit.explained(answer, installation, found, &needed).await);
        }
        let made: Made = visit.operation.read(&answer)?;
        tell(hearer, &made.token)?;
        self.installation = Some(installation);
        let grant = Grant {
            token: made.token,
            end: made.expires_at,
        };
        self.made.push(grant.clone());
        if self.no_runs {
            tracing::debug!("the app may not read runs: whether one is over cannot be told");
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

/// One visit to GitHub as the app itself.
struct Visit<'a> {
    app: &'a App,
    operation: Operation<'a>,
    shared: &'a Shared,
    hearer: &'a Hearer,
    signed: Option<Secret>,
}

impl Visit<'_> {
    /// Finds where the app is installed for the scope.
    async fn find(&mut self) -> Result<Installation> {
        let mut path = scope::segments(self.shared.scope());
        path.push("installation");
        let url = scope::join(self.operation.api_url(), path)?;
        let answer = self.send(Request::new(Method::GET, url)).await?;
        match answer.status.as_u16() {
            200 => self.operation.read(&answer),
            404 => Err(self.not_installed(&answer)),
            _ => Err(self.refused(&answer)),
        }
    }

    /// Asks for a token that can do what is wanted, in the scope alone.
    async fn ask(&mut self, installation: u64, wanted: &Value) -> Result<Answer> {
        let installation = installation.to_string();
        let path = ["app", "installations", &installation, "access_tokens"];
        let url = scope::join(self.operation.api_url(), path)?;
        let mut body = json!({ "permissions": wanted });
        if let Scope::Repo { name, .. } = self.shared.scope() {
            body["repositories"] = json!([name]);
        }
        let mut request = Request::new(Method::POST, url).json(&body);
        request.secret = true;
        self.send(request).await
    }

    /// Sends a request as the app. After a 401 that came from a clock, ours or GitHub's, it is sent
    /// once more by GitHub's; after a lost answer it is sent again.
    async fn send(&mut self, mut request: Request) -> Result<Answer> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let (mut tries, mut again) = (1, true);
        loop {
            let ahead = self.shared.ahead();
            let signed = self.signed()?;
            match self.operation.send_as(&mut request, Some(&signed)).await {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && again => {
                    let apart = self.shared.ahead().saturating_sub(ahead).unsigned_abs();
                    if apart < APART {
                        return Ok(answer);
                    }
                    (again, self.signed) = (false, None);
                }
                // A registration is what may have been made; a token that nobody saw is nothing.
                Err(error) if error.kind == ErrorKind::Ambiguous => {
                    if tries == TRIES {
                        let kind = ErrorKind::Unavailable;
                        return Err(Error { kind, ..error });
                    }
                    tries += 1;
                    sleep(backoff.next(chance())).await;
                }
                other => return other,
            }
        }
    }

    /// The signature of this visit.
    fn signed(&mut self) -> Result<Secret> {
        if let Some(signed) = &self.signed {
            return Ok(signed.clone());
        }
        let now = self.shared.clock();
        let signed = self.app.key.sign(&self.app.id, now).ok_or_else(|| {
            // A key was tried when it was read.
            self.operation
                .fails(ErrorKind::Unexpected, "the private key does not sign")
        })?;
        tell(self.hearer, &signed)?;
        Ok(self.signed.insert(signed).clone())
    }

    /// Finds out why there is no token.
    async fn explained(
        &mut self,
        answer: Answer,
        installation: u64,
        found: Option<Installation>,
        needed: &Permission,
    ) -> Error {
        if !matches!(answer.status.as_u16(), 403 | 404 | 422) {
            return self.refused(&answer);
        }
        let found = match found {
            Some(found) => found,
            None => match self.find().await {
                Ok(found) => found,
                // That it is not there is the answer; that nobody says so is none.
                Err(error) if error.kind == ErrorKind::Unauthorized => return error,
                Err(_) => return self.refused(&answer),
            },
        };
        let (id, scope) = (&self.app.id, self.shared.scope());
        let page = found.html_url.as_deref().map(http::plain);
        let page = page.filter(|page| page.len() <= 300 && !page.contains(char::is_whitespace));
        let at = page.map_or_else(
            || "Settings > Integrations > GitHub Apps".to_owned(),
            |page| format!("`{page}`"),
        );
        let error = self.refused(&answer);
        if found.id != installation {
            return error.hinted(format!(
                "`{installation}` is not the installation for `{scope}`: leave it out, and it is found (`{}`)",
                found.id
            ));
        }
        if found.suspended_at.is_some() {
            return error.hinted(format!(
                "the app is suspended there: who owns the account can change that at {at}"
            ));
        }
        if !found.has(needed.name, "write") {
            let Permission { name, page } = needed;
            return error
                .hinted(format!("the app `{id}` lacks the permission `{name}: write`"))
                .hinted(format!("the app's owner adds it on the app's settings page, Permissions & events: \"{page}\""))
                .hinted(format!("then the owner of `{scope}` accepts it at {at}"));
        }
        error
    }

    fn not_installed(&self, answer: &Answer) -> Error {
        let (id, scope) = (&self.app.id, self.shared.scope());
        self.refused(answer)
            .hinted(format!(
                "the app `{id}` is not installed on `{scope}`: see \"Install App\" on the app's settings page; or there is no such app, or no `{scope}`"
            ))
    }

    /// An answer that is no token.
    fn refused(&self, answer: &Answer) -> Error {
        let Error {
            message, source, ..
        } = self.operation.refused(answer);
        let kind = match answer.status.as_u16() {
            500..=599 => ErrorKind::Unavailable,
            400..=499 => ErrorKind::Unauthorized,
            _ => ErrorKind::Unexpected,
        };
        let error = Error {
            source,
            ..Error::new(kind, message)
        };
        if answer.status == StatusCode::UNAUTHORIZED {
            let id = &self.app.id;
            return error.hinted(format!(
                "GitHub does not take the signature: `{id}` must be the app's id or client id, and the private key one of this app's, and not deleted"
            ));
        }
        error
    }
}
