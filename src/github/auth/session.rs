//! What a GitHub App asks as itself: where it is installed, and a token for there.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::config::{GitHubApp, Permission};
use super::tell;
use crate::github::error::is_own;
use crate::github::refusals::said;
use crate::github::wire::{UserOperation, Wire};
use crate::github::{Error, ErrorKind, Observer, Result, scope};
use crate::http::{Answer, Request};
use crate::model::{Scope, Secret, text};

/// How far clocks may be apart before a signature is made anew; it is good for a minute more.
const APART: Duration = Duration::from_secs(30);

/// Where an app is installed, as far as it matters.
#[derive(Deserialize)]
pub(super) struct AppInstallation {
    pub(super) id: u64,
    #[serde(default)]
    permissions: BTreeMap<String, Value>,
    #[serde(default)]
    suspended_at: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
}

impl AppInstallation {
    pub(super) fn has(&self, permission: &str, level: &str) -> bool {
        let had = self.permissions.get(permission).and_then(Value::as_str);
        had.is_some_and(|had| had == level || had == "write" || had == "admin")
    }
}

/// One series of requests to GitHub as the app itself.
pub(super) struct AppSession<'a> {
    app: &'a GitHubApp,
    operation: UserOperation<'a>,
    wire: &'a Wire,
    observer: &'a Observer,
    signed: Option<Secret>,
}

impl<'a> AppSession<'a> {
    pub(super) fn new(
        app: &'a GitHubApp,
        operation: UserOperation<'a>,
        wire: &'a Wire,
        observer: &'a Observer,
    ) -> Self {
        Self {
            app,
            operation,
            wire,
            observer,
            signed: None,
        }
    }
}

impl AppSession<'_> {
    pub(super) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        self.operation.read(answer)
    }

    /// Finds where the app is installed for the scope.
    pub(super) async fn find(&mut self) -> Result<AppInstallation> {
        let mut path = scope::segments(self.wire.scope());
        path.push("installation");
        let url = scope::join(self.operation.api_url(), path)?;
        let answer = self.send(Request::new(Method::GET, url)).await?;
        match answer.status.as_u16() {
            200 => self.operation.read(&answer),
            404 if is_own(&answer) => Err(self.not_installed(&answer)),
            _ => Err(self.refused(&answer)),
        }
    }

    /// Asks for a token that can do what is wanted, in the scope alone.
    pub(super) async fn ask(&mut self, installation: u64, wanted: &Value) -> Result<Answer> {
        let installation = installation.to_string();
        let path = ["app", "installations", &installation, "access_tokens"];
        let url = scope::join(self.operation.api_url(), path)?;
        let mut body = json!({ "permissions": wanted });
        if let Scope::Repo { name, .. } = self.wire.scope() {
            body["repositories"] = json!([name]);
        }
        // A registration is what may have been made; a token that nobody saw is nothing.
        let mut request = Request::new(Method::POST, url).json(&body).repeatable();
        request.secret = true;
        self.send(request).await
    }

    /// Sends a request as the app. After a 401 that came from a clock, ours or GitHub's, it is sent
    /// once more by GitHub's.
    async fn send(&mut self, mut request: Request) -> Result<Answer> {
        let mut again = true;
        loop {
            let ahead = self.wire.ahead();
            let signed = self.signed()?;
            match self.operation.send_as(&mut request, Some(&signed)).await {
                Ok(answer) if answer.status == StatusCode::UNAUTHORIZED && again => {
                    let apart = self.wire.ahead().saturating_sub(ahead).unsigned_abs();
                    if apart < APART {
                        return Ok(answer);
                    }
                    (again, self.signed) = (false, None);
                }
                other => return other,
            }
        }
    }

    /// The signature of this session.
    fn signed(&mut self) -> Result<Secret> {
        if let Some(signed) = &self.signed {
            return Ok(signed.clone());
        }
        let now = self.wire.clock();
        let signed = self.app.key.sign(&self.app.id, now).ok_or_else(|| {
            // A key was tried when it was read.
            self.operation
                .fails(ErrorKind::Unexpected, "could not sign with the private key")
        })?;
        tell(self.observer, &signed)?;
        Ok(self.signed.insert(signed).clone())
    }

    /// Finds out why there is no token.
    pub(super) async fn explained(
        &mut self,
        answer: Answer,
        installation: u64,
        found: Option<AppInstallation>,
        needed: &Permission,
    ) -> Error {
        let is_suspended = said(&answer).contains("suspended");
        let is_known = self.known(&answer).is_some() && !is_suspended;
        if !matches!(answer.status.as_u16(), 403 | 404 | 422) || is_known {
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
        let (id, scope) = (&self.app.id, self.wire.scope());
        let page = found.html_url.as_deref().map(text::one_line);
        let page = page.filter(|page| page.len() <= 300 && !page.contains(char::is_whitespace));
        let at = page.unwrap_or_else(|| "Settings > Integrations > GitHub Apps".to_owned());
        let error = self.refused(&answer);
        if found.id != installation {
            return error.hinted(format!(
                "`{installation}` is not the installation for `{scope}`: leave it out to use `{}`",
                found.id
            ));
        }
        if found.suspended_at.is_some() {
            return error.unhinted().hinted(format!(
                "the owner of that account must unsuspend the app at {at}"
            ));
        }
        if !found.has(needed.name, "write") {
            let Permission { name, page } = needed;
            return error
                .hinted(format!(
                    "the app `{id}` lacks the permission `{name}: write`"
                ))
                .hinted(format!(
                    "the app's owner must add it on the app's settings page, Permissions & \
                     events: \"{page}\""
                ))
                .hinted(format!(
                    "then the owner of `{scope}` must accept it at {at}"
                ));
        }
        if answer.status == StatusCode::FORBIDDEN {
            // Of a name it would say 404 or 422.
            return error;
        }
        error.hinted(format!(
            "check that `{scope}` is the current name: a former name gets no token"
        ))
    }

    /// What helps with a refusal by its words.
    fn known(&self, answer: &Answer) -> Option<Vec<String>> {
        let status = answer.status.as_u16();
        self.operation.place().hints(status, &said(answer))
    }

    fn not_installed(&self, answer: &Answer) -> Error {
        let (id, scope) = (&self.app.id, self.wire.scope());
        self.refused(answer).hinted(format!(
            "the app `{id}` is not installed on `{scope}` (see \"Install App\" on the app's \
                 settings page), or the app or `{scope}` does not exist"
        ))
    }

    /// An answer that is no token.
    fn refused(&self, answer: &Answer) -> Error {
        let kind = match answer.status.as_u16() {
            500..=599 => ErrorKind::Unavailable,
            // Somebody between answered, who knows nothing of apps.
            400..=499 if !is_own(answer) => ErrorKind::Unexpected,
            400..=499 => ErrorKind::Unauthorized,
            _ => ErrorKind::Unexpected,
        };
        // What helps with a token does not help with an app's signature.
        let message = self.operation.message();
        let error = answer.refused().explain(kind, message);
        if let Some(hints) = self.known(answer) {
            return error.hinted_all(hints);
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            let GitHubApp { id, key_from, .. } = self.app;
            let place = self.operation.place();
            return error.hinted(format!(
                "the private key{} does not belong to the app `{id}`: compare the ID on the app's page \
                 (see {}, or the settings of the organization that owns it), and make a new key there",
                key_from.as_ref().map_or_else(String::new, |from| format!(" in {from}")),
                place.web("settings/apps")
            ));
        }
        error
    }
}
