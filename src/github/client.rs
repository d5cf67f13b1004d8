//! A thin client of GitHub's REST API: one scope, one token, one rate limit.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::auth::{Auth, TokenSource};
use super::registration_cache::RegistrationCache;
use super::wire::{UserOperation, Wire};
use super::{Error, ErrorKind, Observer, RequiredPermission, Result, scope};
use crate::http::{Answer, Bounds, Deadline, Request, Roots};
use crate::model::{RegistrationMode, Scope, Secret};

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where the REST API is; see [`crate::model::server::api_url`].
    pub api_url: Url,
    /// The part of GitHub that runners are registered with.
    pub scope: Scope,
    /// The token's source; without one only public things can be read.
    pub token: Option<TokenSource>,
    /// The runner group of new runners; see [`super::DEFAULT_GROUP`].
    pub group: u64,
    /// How long anything may take.
    pub bounds: Bounds,
    /// Certificates that are trusted beside those of the system.
    pub roots: Option<Roots>,
    /// Who hears what the client says while it works.
    pub observer: Observer,
}

/// GitHub for one scope. Clones share connections, the token, waits, and what is kept for conditional
/// requests.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<ClientShared>,
    by: Option<Instant>,
    patience: Option<Instant>,
    group: u64,
    way: RegistrationMode,
    server: Option<Url>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api_url", &self.api_url().as_str())
            .field("scope", self.scope())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; nothing is sent yet, and the token's source is not asked yet.
    pub fn new(config: ClientConfig) -> Result<Self> {
        let api_url = config.api_url;
        let odd = !matches!(api_url.scheme(), "http" | "https")
            || !api_url.username().is_empty()
            || api_url.password().is_some()
            || api_url.query().is_some();
        if odd {
            // The address is not shown: it may hold a password.
            return Err(
                Error::new(ErrorKind::Invalid, "invalid address of GitHub's API").hinted(
                    "write it as `https://HOST` or `https://HOST/api/v3`, without a user or a \
                     query",
                ),
            );
        }
        let (bounds, roots, observer) = (config.bounds, config.roots, config.observer);
        let token = config.token.as_ref().and_then(TokenSource::whereabouts);
        let whose = (api_url, config.scope, token);
        let wire = Wire::new(whose, bounds, roots, observer.clone())?;
        Ok(Self {
            shared: Arc::new(ClientShared {
                wire,
                auth: Auth::new(config.token, observer),
                sees_runners: AtomicBool::new(false),
                known: tokio::sync::Mutex::default(),
            }),
            by: None,
            patience: None,
            group: config.group,
            way: RegistrationMode::default(),
            server: None,
        })
    }

    #[cfg(test)]
    /// The same client, none of whose operations goes on after `deadline`.
    #[must_use]
    pub fn by(&self, deadline: Instant) -> Self {
        let deadline = self.by.map_or(deadline, |by| by.min(deadline));
        Self {
            by: Some(deadline),
            ..self.clone()
        }
    }

    /// The same client, whose new runners come into another group.
    #[must_use]
    pub fn in_group(&self, id: u64) -> Self {
        Self {
            group: id,
            ..self.clone()
        }
    }

    /// The same client, whose operations may wait for room until `deadline`, and no longer. Without
    /// it the bound of an operation is the bound of its waits, too.
    ///
    /// What GitHub's answers may take stays as it is. After `deadline` it means nothing any more:
    /// what a command has begun is undone after its time is over.
    #[must_use]
    pub fn patient(&self, deadline: Instant) -> Self {
        Self {
            patience: Some(deadline),
            ..self.clone()
        }
    }

    pub(super) fn wait_for_room(&self) -> Duration {
        self.shared.wire.http().wait_now()
    }

    pub(super) fn forgo_waiting(&self) {
        self.shared.wire.http().abandon_waits();
    }

    /// The same client, which registers runners in this way.
    #[must_use]
    pub fn registering(self, way: RegistrationMode) -> Self {
        Self { way, ..self }
    }

    /// The same client; machines that register by themselves reach its server at this address, which
    /// otherwise follows from the API's.
    #[must_use]
    pub fn reached_at(self, server: Url) -> Self {
        let server = Some(server);
        Self { server, ..self }
    }

    pub(super) fn way(&self) -> RegistrationMode {
        self.way
    }

    pub(super) fn server(&self) -> Option<&Url> {
        self.server.as_ref()
    }

    /// What is known of the way to register; whoever finds it out holds it.
    pub(super) async fn known(&self) -> tokio::sync::MutexGuard<'_, RegistrationCache> {
        self.shared.known.lock().await
    }

    /// The token as its source gives it, got now if it was not before.
    pub async fn token(&self) -> Result<Option<Secret>> {
        self.shared
            .auth
            .token(&self.shared.wire, self.deadline())
            .await
    }

    /// Takes back the tokens that were made for a GitHub App, as far as that succeeds within `at_most`;
    /// other tokens are left alone. A client that is used again gets itself a new one.
    pub async fn revoke(&self, at_most: Duration) {
        let by = self.deadline().min(Instant::now() + at_most);
        self.shared.auth.revoke(&self.shared.wire, by).await;
    }

    /// Where the API is.
    pub fn api_url(&self) -> &Url {
        self.shared.wire.api_url()
    }

    /// The part of GitHub that runners are registered with.
    pub fn scope(&self) -> &Scope {
        self.shared.wire.scope()
    }

    pub(super) fn group(&self) -> u64 {
        self.group
    }

    /// An address below the scope's.
    pub(super) fn in_scope(&self, rest: &[&str]) -> Result<Url> {
        let segments = scope::segments(self.scope());
        scope::join(self.api_url(), segments.iter().chain(rest).copied())
    }

    /// GitHub's clock, as near as it was seen.
    pub(super) fn clock(&self) -> Timestamp {
        self.shared.wire.clock()
    }

    /// How far GitHub's clock is ahead of ours, as far as it was seen.
    pub(super) fn clock_ahead(&self) -> SignedDuration {
        self.shared.wire.ahead()
    }

    pub(super) fn deadline(&self) -> Instant {
        let by = self.shared.wire.http().deadline();
        self.by.map_or(by, |own| own.min(by))
    }

    /// Begins an operation: all its requests share one deadline and one way to say what failed.
    pub(super) fn begin<'a>(
        &'a self,
        message: String,
        right: RequiredPermission<'a>,
    ) -> Authorized<'a> {
        let (now, work) = (Instant::now(), self.shared.wire.http().bounds().operation);
        let patience = self.patience.filter(|patience| now < *patience);
        let deadline = Deadline::new(work, patience.unwrap_or(now + work));
        let deadline = match self.by {
            Some(by) => deadline.ending(by),
            None => deadline,
        };
        Authorized {
            shared: &self.shared,
            operation: UserOperation::new(&self.shared.wire, message, right, deadline),
        }
    }
}

/// What all clones of a client share.
pub(super) struct ClientShared {
    pub(super) wire: Wire,
    pub(super) auth: Auth,
    /// Whether the runners of the scope were shown to the token.
    pub(super) sees_runners: AtomicBool,
    /// Held while it is found out, so that one asks for all.
    known: tokio::sync::Mutex<RegistrationCache>,
}

/// An operation whose requests carry the client's token.
pub(super) struct Authorized<'a> {
    shared: &'a ClientShared,
    operation: UserOperation<'a>,
}

impl Authorized<'_> {
    /// Does not wait for room.
    pub(super) fn at_once(mut self) -> Self {
        self.operation = self.operation.at_once();
        self
    }

    /// Is given up while it waits for room when [`super::GitHubApi::abandon_waits`] is called.
    pub(super) fn abandonable(mut self) -> Self {
        self.operation = self.operation.abandonable();
        self
    }

    /// Sends a request with the token. A 401 from a source that can be asked again is tried once more:
    /// a request that was not let in was not carried out either.
    pub(super) async fn send(&self, mut request: Request) -> Result<Answer> {
        let (wire, auth, by) = (&self.shared.wire, &self.shared.auth, self.operation.end());
        let token = auth.token(wire, by).await?;
        if token.is_none() && !self.operation.is_public() {
            return Err(self.operation.no_token());
        }
        let answer = self.operation.send_as(&mut request, token.as_ref()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match token {
            Some(refused) => match auth.renewed(&refused, wire, by).await? {
                Some(fresh) => self.operation.send_as(&mut request, Some(&fresh)).await,
                None => Ok(answer),
            },
            None => Ok(answer),
        }
    }

    /// Asks at an address; what was understood there and has not changed since is not sent again.
    /// A success is read with [`Self::read_at`], which keeps it for the next time.
    pub(super) async fn fetch(&self, url: &Url) -> Result<Answer> {
        let known = self.shared.wire.kept(url);
        let mut request = Request::new(Method::GET, url.clone());
        if let Some(etag) = known.as_ref().and_then(|known| known.headers.get(ETAG)) {
            request.headers.insert(IF_NONE_MATCH, etag.clone());
        }
        let answer = self.send(request).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (answer.status, known) {
            return Ok(answer.refreshing(&known));
        }
        self.shared.wire.forget(url);
        Ok(answer)
    }

    /// Reads the body of a success that was fetched at an address, and keeps it only then: of what
    /// cannot be read, "unchanged" would say nothing.
    pub(super) fn read_at<T: DeserializeOwned>(&self, url: &Url, answer: &Answer) -> Result<T> {
        let read = self.read(answer)?;
        self.shared.wire.keep(url, answer);
        Ok(read)
    }

    /// Reads the body of a success; anything else is an error.
    pub(super) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        self.operation.read(answer)
    }

    /// Makes an error of an answer that tells a failure.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        self.operation.refused(answer)
    }

    /// Makes an error of this operation's own.
    pub(super) fn fails(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        self.operation.fails(kind, why)
    }

    pub(super) fn api_url(&self) -> &Url {
        self.operation.api_url()
    }
}
