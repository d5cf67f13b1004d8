//! A thin client of GitHub's REST API: one scope, one token, one rate limit.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::auth::{Auth, Token, bearer};
use super::registration::{Known, Way};
use super::{Error, ErrorKind, Hearer, Result, Right, scope};
use crate::http::{self, Answer, Bounds, Pause, Request};
use crate::model::{Scope, Secret};

/// The version that every server knows (GHES learns the next one with 3.21); its `Sunset` is years away.
const API_VERSION: &str = "2022-11-28";
/// Answers kept for conditional requests: pages of a large scope and the runners of a large start.
const KEPT: usize = 512;
/// Documentation, "Rate limits for the REST API": at least a minute where nothing else is said.
const SECONDARY: Duration = Duration::from_mins(1);

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
    /// Who hears what the client says while it works.
    pub hearer: Hearer,
}

/// GitHub for one scope. Clones share connections, the token, and what is kept for conditional requests.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    by: Option<Instant>,
    way: Way,
    server: Option<Url>,
}

struct Shared {
    http: http::Client,
    api_url: Url,
    scope: Scope,
    group: u64,
    auth: Auth,
    /// Answers with an `ETag`, by address. A 304 costs no quota.
    kept: Mutex<HashMap<String, Answer>>,
    /// Milliseconds by which GitHub's clock is ahead of ours.
    ahead: AtomicI64,
    /// Held while it is found out, so that one asks for all.
    known: tokio::sync::Mutex<Known>,
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
            return Err(Error::new(ErrorKind::Invalid, "GitHub's API has an odd address")
                .hinted("write it as `https://HOST` or `https://HOST/api/v3`, with no user and no query"));
        }
        let http = http::Client::new(&api_url, config.bounds, limits)
            .map_err(|error| Error::of_wire("could not set up a client for GitHub", error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                api_url,
                scope: config.scope,
                group: config.group,
                auth: Auth::new(config.token, config.hearer),
                kept: Mutex::default(),
                ahead: AtomicI64::new(0),
                known: tokio::sync::Mutex::default(),
            }),
            by: None,
            way: Way::default(),
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

    /// The same client, which registers runners in this way.
    #[must_use]
    pub fn registering(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// The same client; machines that register by themselves reach its server at this address, which
    /// otherwise follows from the API's.
    #[must_use]
    pub fn reached_at(self, server: Url) -> Self {
        let server = Some(server);
        Self { server, ..self }
    }

    pub(super) fn way(&self) -> Way {
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
        self.shared.auth.token().await
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
        self.shared.group
    }

    /// An address below the scope's.
    pub(super) fn in_scope(&self, rest: &[&str]) -> Result<Url> {
        let segments = scope::segments(&self.shared.scope);
        scope::join(&self.shared.api_url, segments.iter().chain(rest).copied())
    }

    /// GitHub's clock; a moment late rather than early, since `Date` has whole seconds and takes a
    /// while to arrive: nothing is overdue too soon.
    pub(super) fn clock(&self) -> Timestamp {
        let ahead = SignedDuration::from_millis(self.shared.ahead.load(Ordering::Relaxed));
        let ours = Timestamp::now();
        ours.checked_add(ahead).unwrap_or(ours)
    }

    /// Begins an operation: all its requests share one deadline and one way to say what failed.
    pub(super) fn begin<'a>(&'a self, message: String, right: Right<'a>) -> Operation<'a> {
        let by = self.shared.http.deadline();
        Operation {
            shared: &self.shared,
            message,
            right,
            by: self.by.map_or(by, |own| own.min(by)),
        }
    }
}

/// One operation of the user's, of one or more requests.
pub(super) struct Operation<'a> {
    shared: &'a Shared,
    message: String,
    right: Right<'a>,
    by: Instant,
}

impl Operation<'_> {
    /// Sends a request with the token. A 401 from a source that can be asked again is tried once more:
    /// a request that was not let in was not carried out either.
    pub(super) async fn send(&self, mut request: Request) -> Result<Answer> {
        let token = self.shared.auth.token().await?;
        if token.is_none() && !matches!(self.right, Right::Public) {
            return Err(Error::no_token(&self.message));
        }
        let accept = HeaderValue::from_static("application/vnd.github+json");
        request.headers.insert(ACCEPT, accept);
        let version = HeaderValue::from_static(API_VERSION);
        request.headers.insert("x-github-api-version", version);
        let answer = self.send_as(&mut request, token.as_ref()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match token {
            Some(refused) => match self.shared.auth.renewed(&refused).await? {
                Some(fresh) => self.send_as(&mut request, Some(&fresh)).await,
                None => Ok(answer),
            },
            None => Ok(answer),
        }
    }

    async fn send_as(&self, request: &mut Request, token: Option<&Secret>) -> Result<Answer> {
        if let Some(token) = token {
            request.headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let answer = self.shared.http.send(request, self.by).await;
        let answer = answer.map_err(|error| Error::of_wire(&self.message, error))?;
        if let Some(ahead) = answer.clock_ahead() {
            // Centuries are not a clock's error; they are left out.
            if let Ok(ahead) = i64::try_from(ahead.as_millis()) {
                self.shared.ahead.store(ahead, Ordering::Relaxed);
            }
        }
        Ok(answer)
    }

    /// Reads an address; what has not changed since the last time is not sent again.
    pub(super) async fn fetch(&self, url: Url) -> Result<Answer> {
        let kept = || {
            self.shared
                .kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
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
        Error::of_answer(&self.message, &self.right, answer)
    }

    /// Makes an error of this operation's own.
    pub(super) fn fails(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        Error::new(kind, &self.message).because(why.into())
    }
}

/// Reads that GitHub wants to be left alone, in the order that its documentation gives ("Best
/// practices for using the REST API"). A 403 that says none of this is a missing permission.
fn limits(answer: &Answer) -> Option<Pause> {
    let status = answer.status.as_u16();
    if !matches!(status, 403 | 429) {
        return None;
    }
    if let Some(pause) = answer.retry_after() {
        return Some(Pause::For(pause));
    }
    let number = |name: &'static str| answer.header(name)?.parse::<i64>().ok();
    if number("x-ratelimit-remaining") == Some(0)
        && let Some(reset) = number("x-ratelimit-reset")
        && let Ok(reset) = Timestamp::from_second(reset)
    {
        // `Date` and the reset have whole seconds: one more, to be surely behind it.
        return Some(Pause::For(answer.until(reset) + Duration::from_secs(1)));
    }
    let said = String::from_utf8_lossy(&answer.body).to_lowercase();
    (status == 429 || said.contains("rate limit")).then_some(Pause::Growing(SECONDARY))
}
