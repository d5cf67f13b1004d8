//! GitHub's API on the wire: one server and scope, its clock, and what its answers tell beside what was asked.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::etag_cache::EtagCache;
use super::limits::limits;
use super::refusals::{self, Whereabouts};
use super::{ClientEvent, Error, ErrorKind, Observer, RequiredPermission, Result, TokenKind};
use crate::http::{self, Answer, Bounds, Deadline, Options, Request, Roots};
use crate::model::{CLOCKS_AGREE, Scope, Secret, lock};

/// The version that every server knows (GHES learns the next one with 3.21); its `Sunset` is years away.
const API_VERSION: &str = "2022-11-28";

/// What all requests share, whatever token they carry.
pub(super) struct Wire {
    http: http::HttpClient,
    api_url: Url,
    scope: Scope,
    /// Where the token is from.
    token: Option<Whereabouts>,
    /// What the token is that was used last: it decides what is advised when GitHub says no.
    kind: Mutex<TokenKind>,
    kept: Mutex<EtagCache>,
    /// Milliseconds by which GitHub's clock is ahead of ours.
    ahead: AtomicI64,
    /// Whether it was said that GitHub's clock and ours differ.
    differs: AtomicBool,
    /// Whether it was said that the scope has another address now.
    moved: AtomicBool,
    observer: Observer,
}

impl Wire {
    /// Makes it; nothing is sent yet.
    pub(super) fn new(
        (api_url, scope, token): (Url, Scope, Option<Whereabouts>),
        bounds: Bounds,
        roots: Option<Roots>,
        observer: Observer,
    ) -> Result<Self> {
        let told = observer.clone();
        let options = Options {
            bounds,
            limits,
            roots,
            hear: Some(Arc::new(move |wait| tell(&told, wait))),
        };
        let http = http::HttpClient::with(&api_url, options)
            .map_err(|error| Error::of_wire("could not set up a client for GitHub", error))?;
        Ok(Self {
            http,
            api_url,
            scope,
            token,
            kind: Mutex::default(),
            kept: Mutex::default(),
            ahead: AtomicI64::new(0),
            differs: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            observer,
        })
    }

    pub(super) fn http(&self) -> &http::HttpClient {
        &self.http
    }

    pub(super) fn api_url(&self) -> &Url {
        &self.api_url
    }

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

    /// What was answered at an address before, where it can be asked whether that still holds.
    pub(super) fn kept(&self, url: &Url) -> Option<Answer> {
        lock(&self.kept).get(url).cloned()
    }

    /// Keeps an answer that was understood, where it can be asked whether it still holds.
    pub(super) fn keep(&self, url: &Url, answer: &Answer) {
        lock(&self.kept).keep(url, answer);
    }

    /// Forgets what was answered at an address.
    pub(super) fn forget(&self, url: &Url) {
        lock(&self.kept).forget(url);
    }
}

/// A wait that cannot be told must not keep anything from going on.
fn tell(observer: &Observer, wait: &http::Wait<'_>) {
    let event = ClientEvent::Waiting {
        reason: wait.reason,
        until: wait.until,
        lasts: wait.lasts,
    };
    if let Err(error) = observer.tell(event) {
        tracing::warn!("could not report a wait: {error}");
    }
}

/// One operation of the user's, of one or more requests.
pub(super) struct UserOperation<'a> {
    wire: &'a Wire,
    message: String,
    right: RequiredPermission<'a>,
    deadline: Deadline,
    at_once: bool,
}

impl<'a> UserOperation<'a> {
    pub(super) fn new(
        wire: &'a Wire,
        message: String,
        right: RequiredPermission<'a>,
        deadline: Deadline,
    ) -> Self {
        Self {
            wire,
            message,
            right,
            deadline,
            at_once: false,
        }
    }
}

impl UserOperation<'_> {
    /// Does not wait for room.
    pub(super) fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Is given up while it waits for room when [`super::GitHubApi::abandon_waits`] is called.
    pub(super) fn abandonable(mut self) -> Self {
        self.deadline = self.deadline.abandonable();
        self
    }

    /// What is tried, for errors.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// When it has to be done.
    pub(super) fn end(&self) -> Instant {
        self.deadline.end()
    }

    /// Whether it needs no token.
    pub(super) fn is_public(&self) -> bool {
        matches!(self.right, RequiredPermission::Public)
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
            *lock(&self.wire.kind) = TokenKind::of(token);
            request.headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let answer = if self.at_once {
            self.wire.http.send_at_once(request, &self.deadline).await
        } else {
            self.wire.http.send_within(request, &self.deadline).await
        };
        let answer = answer.map_err(|error| Error::of_wire(&self.message, error))?;
        self.learn(&answer);
        Ok(answer)
    }

    /// Keeps what an answer tells beside what was asked.
    fn learn(&self, answer: &Answer) {
        if let Some(ahead) = answer.clock_ahead() {
            // Centuries are not a clock's error; they are left out.
            if let Ok(millis) = i64::try_from(ahead.as_millis()) {
                self.wire.ahead.store(millis, Ordering::Relaxed);
            }
            if ahead.abs() > CLOCKS_AGREE && !self.wire.differs.swap(true, Ordering::Relaxed) {
                self.tell(ClientEvent::ClockDiffers { ahead });
            }
        }
        let ours = matches!(self.right, RequiredPermission::Runners { .. });
        if ours && answer.has_moved() && !self.wire.moved.swap(true, Ordering::Relaxed) {
            let scope = &self.wire.scope;
            self.tell(ClientEvent::Moved { scope });
        }
    }

    /// Tells what must not keep the operation from going on.
    fn tell(&self, event: ClientEvent<'_>) {
        if let Err(error) = self.wire.observer.tell(event) {
            tracing::warn!("could not report what GitHub says: {error}");
        }
    }

    /// Makes an error of what needs a token where there is none.
    pub(super) fn no_token(&self) -> Error {
        Error::no_token(&self.message)
    }

    pub(super) fn api_url(&self) -> &Url {
        &self.wire.api_url
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

    /// Makes an error of an answer that tells a failure.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        let place = self.place();
        let token = (*lock(&self.wire.kind), &place);
        Error::of_answer(&self.message, &self.right, token, answer)
    }

    /// Where a refusal is met.
    pub(super) fn place(&self) -> refusals::Place<'_> {
        refusals::Place {
            api_url: &self.wire.api_url,
            scope: &self.wire.scope,
            token: self.wire.token.as_ref(),
        }
    }

    /// Makes an error of this operation's own.
    pub(super) fn fails(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        Error::new(kind, &self.message).because(why.into())
    }
}

/// The header that a token travels in, marked so that it goes to our server only.
fn bearer(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
        Error::new(
            ErrorKind::Unauthorized,
            "the GitHub token has characters that a header cannot hold",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
