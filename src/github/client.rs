//! A thin client of GitHub's REST API: one scope, one token, one rate limit.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::auth::{Auth, Token, bearer};
use super::limits::limits;
use super::registration::Known;
use super::{Error, ErrorKind, Hearer, Notice, Result, Right, TokenKind, scope};
use crate::http::{self, Answer, Bounds, Options, Request, Roots, Term};
use crate::model::{RegistrationMode, Scope, Secret, lock};

/// The version that every server knows (GHES learns the next one with 3.21); its `Sunset` is years away.
const API_VERSION: &str = "2022-11-28";
/// Answers kept for conditional requests: pages of a large scope and the runners of a large start.
const KEPT: usize = 512;

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the REST API is; see [`super::api_url`].
    pub api_url: Url,
    /// The part of GitHub that runners are registered with.
    pub scope: Scope,
    /// The token's source; without one only public things can be read.
    pub token: Option<Token>,
    /// The runner group of new runners; see [`super::DEFAULT_GROUP`].
    pub group: u64,
    /// How long anything may take.
    pub bounds: Bounds,
    /// Certificates that are trusted beside those of the system.
    pub roots: Option<Roots>,
    /// Who hears what the client says while it works.
    pub hearer: Hearer,
}

/// GitHub for one scope. Clones share connections, the token, waits, and what is kept for conditional
/// requests.
#[derive(Clone)]
pub struct Client {
    pub(super) shared: Arc<Shared>,
    by: Option<Instant>,
    patience: Option<Instant>,
    group: u64,
    way: RegistrationMode,
    server: Option<Url>,
}

pub(super) struct Shared {
    http: http::Client,
    api_url: Url,
    scope: Scope,
    pub(super) auth: Auth,
    /// What the token is that was used last: it decides what is advised when GitHub says no.
    kind: Mutex<TokenKind>,
    /// Answers with an `ETag`, by address. A 304 costs no quota.
    kept: Mutex<HashMap<String, Answer>>,
    /// Milliseconds by which GitHub's clock is ahead of ours.
    ahead: AtomicI64,
    /// Whether it was said that the scope has another address now.
    moved: AtomicBool,
    hearer: Hearer,
    /// Held while it is found out, so that one asks for all.
    known: tokio::sync::Mutex<Known>,
}

impl Shared {
    /// GitHub's clock; a moment late rather than early, since `Date` has whole seconds and takes a
    /// while to arrive: nothing is overdue too soon.
    pub(super) fn clock(&self) -> Timestamp {
        let ours = Timestamp::now();
        ours.checked_add(self.ahead()).unwrap_or(ours)
    }

    /// How far GitHub's clock is ahead of ours, as far as it was seen.
    pub(super) fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed))
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Shared {
    fn kind(&self) -> MutexGuard<'_, TokenKind> {
        // A kind is whole at every moment.
        lock(&self.kind)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("api_url", &self.shared.api_url.as_str())
            .field("scope", &self.shared.scope)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client; nothing is sent yet, and the token's source is not asked yet.
    pub fn new(config: Config) -> Result<Self> {
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
        let hearer = config.hearer.clone();
        let options = Options {
            bounds: config.bounds,
            limits,
            roots: config.roots,
            hear: Some(Arc::new(move |wait| tell(&hearer, wait))),
        };
        let http = http::Client::with(&api_url, options)
            .map_err(|error| Error::of_wire("could not set up a client for GitHub", error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                api_url,
                scope: config.scope,
                kind: Mutex::default(),
                auth: Auth::new(config.token, config.hearer.clone()),
                kept: Mutex::default(),
                ahead: AtomicI64::new(0),
                moved: AtomicBool::new(false),
                hearer: config.hearer,
                known: tokio::sync::Mutex::default(),
            }),
            by: None,
            patience: None,
            group: config.group,
            way: RegistrationMode::default(),
            server: None,
        })
    }

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
        self.shared.http.wait_now()
    }

    pub(super) fn forgo_waiting(&self) {
        self.shared.http.forgo();
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
    pub(super) async fn known(&self) -> tokio::sync::MutexGuard<'_, Known> {
        self.shared.known.lock().await
    }

    /// The token as its source gives it, got now if it was not before.
    pub async fn token(&self) -> Result<Option<Secret>> {
        self.shared.auth.token(&self.shared, self.deadline()).await
    }

    /// Takes back the tokens that were made for a GitHub App, as far as that succeeds within `at_most`;
    /// other tokens are left alone. A client that is used again gets itself a new one.
    pub async fn revoke(&self, at_most: Duration) {
        let by = self.deadline().min(Instant::now() + at_most);
        self.shared.auth.revoke(&self.shared, by).await;
    }

    /// Where the API is.
    pub fn api_url(&self) -> &Url {
        &self.shared.api_url
    }

    /// The part of GitHub that runners are registered with.
    pub fn scope(&self) -> &Scope {
        &self.shared.scope
    }

    pub(super) fn group(&self) -> u64 {
        self.group
    }

    /// An address below the scope's.
    pub(super) fn in_scope(&self, rest: &[&str]) -> Result<Url> {
        let segments = scope::segments(&self.shared.scope);
        scope::join(&self.shared.api_url, segments.iter().chain(rest).copied())
    }

    /// GitHub's clock, as near as it was seen.
    pub(super) fn clock(&self) -> Timestamp {
        self.shared.clock()
    }

    pub(super) fn deadline(&self) -> Instant {
        let by = self.shared.http.deadline();
        self.by.map_or(by, |own| own.min(by))
    }

    /// Begins an operation: all its requests share one deadline and one way to say what failed.
    pub(super) fn begin<'a>(&'a self, message: String, right: Right<'a>) -> Operation<'a> {
        let (now, work) = (Instant::now(), self.shared.http.bounds().operation);
        let patience = self.patience.filter(|patience| now < *patience);
        let term = Term::new(work, patience.unwrap_or(now + work));
        let term = match self.by {
            Some(by) => term.ending(by),
            None => term,
        };
        Operation::new(&self.shared, message, right, term)
    }
}

/// A wait that cannot be told must not keep anything from going on.
fn tell(hearer: &Hearer, wait: &http::Wait<'_>) {
    let notice = Notice::Waiting {
        reason: wait.reason,
        until: wait.until,
        lasts: wait.lasts,
    };
    if let Err(error) = hearer.tell(notice) {
        tracing::warn!("could not report a wait: {error}");
    }
}

/// One operation of the user's, of one or more requests.
pub(super) struct Operation<'a> {
    shared: &'a Shared,
    message: String,
    right: Right<'a>,
    term: Term,
    at_once: bool,
}

impl<'a> Operation<'a> {
    pub(super) fn new(shared: &'a Shared, message: String, right: Right<'a>, term: Term) -> Self {
        Self {
            shared,
            message,
            right,
            term,
            at_once: false,
        }
    }
}

impl Operation<'_> {
    /// Does not wait for room.
    pub(super) fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Is given up while it waits for room when [`super::Api::forgo`] is called.
    pub(super) fn forgoing(mut self) -> Self {
        self.term = self.term.forgoing();
        self
    }

    /// Sends a request with the token. A 401 from a source that can be asked again is tried once more:
    /// a request that was not let in was not carried out either.
    pub(super) async fn send(&self, mut request: Request) -> Result<Answer> {
        let (shared, by) = (self.shared, self.term.end());
        let token = shared.auth.token(shared, by).await?;
        if token.is_none() && !matches!(self.right, Right::Public) {
            return Err(Error::no_token(&self.message));
        }
        let answer = self.send_as(&mut request, token.as_ref()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match token {
            Some(refused) => match shared.auth.renewed(&refused, shared, by).await? {
                Some(fresh) => self.send_as(&mut request, Some(&fresh)).await,
                None => Ok(answer),
            },
            None => Ok(answer),
        }
    }

    /// Sends a request with this token and no other.
    pub(super) async fn send_as(
        &self,
        request: &mut Request,
        token: Option<&Secret>,
    ) -> Result<Answer> {
        let accept = HeaderValue::from_static("application/vnd.github+json");
        request.headers.insert(ACCEPT, accept);
        let version = HeaderValue::from_static(API_VERSION);
        request.headers.insert("x-github-api-version", version);
        if let Some(token) = token {
            *self.shared.kind() = TokenKind::of(token);
            request.headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let answer = if self.at_once {
            self.shared.http.send_at_once(request, &self.term).await
        } else {
            self.shared.http.send_within(request, &self.term).await
        };
        let answer = answer.map_err(|error| Error::of_wire(&self.message, error))?;
        self.learn(&answer);
        Ok(answer)
    }

    /// Keeps what an answer tells beside what was asked.
    fn learn(&self, answer: &Answer) {
        if let Some(ahead) = answer.clock_ahead() {
            // Centuries are not a clock's error; they are left out.
            if let Ok(ahead) = i64::try_from(ahead.as_millis()) {
                self.shared.ahead.store(ahead, Ordering::Relaxed);
            }
        }
        let ours = matches!(self.right, Right::Runners { .. });
        if ours && answer.has_moved() && !self.shared.moved.swap(true, Ordering::Relaxed) {
            let scope = &self.shared.scope;
            if let Err(error) = self.shared.hearer.tell(Notice::Moved { scope }) {
                tracing::warn!("could not report a new address: {error}");
            }
        }
    }

    /// Reads an address; what has not changed since the last time is not sent again.
    pub(super) async fn fetch(&self, url: Url) -> Result<Answer> {
        let kept = || lock(&self.shared.kept);
        let key = url.as_str().to_owned();
        let known = kept().get(&key).cloned();
        let mut request = Request::new(Method::GET, url);
        if let Some(etag) = known.as_ref().and_then(|known| known.headers.get(ETAG)) {
            request.headers.insert(IF_NONE_MATCH, etag.clone());
        }
        let answer = self.send(request).await?;
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (answer.status, known) {
            return Ok(answer.refreshing(&known));
        }
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        if answer.status == StatusCode::OK && answer.headers.contains_key(ETAG) {
            kept.insert(key, answer.clone());
        } else {
            kept.remove(&key);
        }
        Ok(answer)
    }

    /// What is tried, in the user's nouns.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn api_url(&self) -> &Url {
        &self.shared.api_url
    }

    /// Reads the body of a success; anything else is an error.
    pub(super) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        answer
            .json()
            .map_err(|error| Error::of_wire(&self.message, error))
    }

    /// Makes an error of an answer that is no success.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        Error::of_answer(&self.message, &self.right, *self.shared.kind(), answer)
    }

    /// Makes an error of this operation's own.
    pub(super) fn fails(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        Error::new(kind, &self.message).because(why.into())
    }
}
