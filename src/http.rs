//! One reqwest client: timeouts, idempotency-aware retries, shared waits, status -> error.
//!
//! What may be repeated is decided by `retry::judge`, by what is known of the request and not by
//! luck: a request that changes something and may have arrived is never sent twice. When a server
//! wants to be left alone, all requests of a client wait together (`room`).

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::model::is_loopback;
use crate::poll::{Backoff, chance};

mod answer;
mod deadline;
mod error;
mod excerpt;
mod exchange;
mod pages;
mod rate_limiter;
mod request;
mod retry;
mod roots;
mod tail;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use deadline::Deadline;
pub use error::{Error, ErrorKind, Result};
pub use pages::{Endless, pages};
pub use rate_limiter::{ObserveWait, Rate, Wait};
pub use request::Request;
pub use retry::{Limit, Pause, Retry, too_many};
pub use roots::Roots;
pub use tail::Tail;

use exchange::Try;
use rate_limiter::{LimitReached, Permit, RateLimiter};
use retry::{RetryDecision, TryOutcome, judge};

/// Shorter than what servers and their load balancers keep, so that a request that must not be
/// repeated is rarely written to a connection that the other side is closing.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// How long anything may take, and how fast it may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For a connection, TLS included. Less than `request`, so that a failure to connect is known as such.
    pub connect: Duration,
    /// For one request, from its first byte to the last byte of its answer.
    pub request: Duration,
    /// For an operation: all tries, pages and pauses together. Waiting for room comes on top where
    /// there is a [`Deadline`] for it.
    pub operation: Duration,
    /// How often and how fast failed requests are repeated.
    pub retry: Retry,
    /// How fast changes may be asked for.
    pub rate: Rate,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            operation: Duration::from_mins(3),
            retry: Retry::default(),
            rate: Rate::default(),
        }
    }
}

/// Reads from an answer that the server wants to be left alone; [`too_many`] is the common way.
pub type ReadLimit = fn(&Answer) -> Option<Limit>;

/// What a client is made of beside its server.
#[derive(Clone)]
pub struct Options {
    /// How long anything may take, and how fast it may go.
    pub bounds: Bounds,
    /// Who reads limits.
    pub limits: ReadLimit,
    /// Certificates that are trusted beside those of the system.
    pub roots: Option<Roots>,
    /// Who hears of waits.
    pub hear: Option<ObserveWait>,
}

/// A client of one server. Clones share connections, and waits.
#[derive(Clone, Debug)]
pub struct HttpClient {
    inner: reqwest::Client,
    home: url::Origin,
    bounds: Bounds,
    limits: ReadLimit,
    limiter: Arc<RateLimiter>,
}

/// Whether a request waits for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    AtOnce,
    Patient,
}

impl HttpClient {
    #[cfg(test)]
    /// Makes a client for the server of `base`: sensitive headers go to this scheme, host and port only.
    ///
    /// Proxies are those of the system and of the usual variables; a loopback address is reached
    /// without one. Fails where the system has no certificates.
    pub fn new(base: &Url, bounds: Bounds, limits: ReadLimit) -> Result<Self> {
        Self::with(
            base,
            Options {
                bounds,
                limits,
                roots: None,
                hear: None,
            },
        )
    }

    /// The same with all that can be said.
    pub fn with(base: &Url, options: Options) -> Result<Self> {
        let Options {
            bounds,
            limits,
            roots,
            hear,
        } = options;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("gharun/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(bounds.connect)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        let here = base.host().is_some_and(|host| is_loopback(&host));
        if here {
            builder = builder.no_proxy();
        }
        builder = match roots {
            // A machine without any certificates can still rehearse.
            None if here && base.scheme() == "http" => builder.tls_certs_only([]),
            None => builder,
            Some(roots) => builder.tls_certs_merge(roots.certificates().to_vec()),
        };
        Ok(Self {
            inner: builder.build().map_err(Error::setup)?,
            home: base.origin(),
            bounds,
            limits,
            limiter: Arc::new(RateLimiter::new(bounds.rate, hear)),
        })
    }

    /// When an operation that begins now has to be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.bounds.operation
    }

    /// How long anything may take.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    #[cfg(test)]
    /// Sends a request, and again where that is safe and may help, until `by`: see
    /// [`HttpClient::send_within`].
    pub async fn send(&self, request: &Request, by: Instant) -> Result<Answer> {
        self.send_within(request, &Deadline::until(by)).await
    }

    /// Sends a request when there is room, and again where that is safe and may help, until the
    /// term ends.
    ///
    /// Every answer that a repetition cannot better is returned whatever its status;
    /// [`Answer::refused`] makes an error of it. [`ErrorKind::Ambiguous`] means that the server may
    /// have carried the request out. [`ErrorKind::Limited`] means that it has not, and that there is
    /// no room before the term ends: that is told at once and not waited for.
    pub async fn send_within(&self, request: &Request, deadline: &Deadline) -> Result<Answer> {
        self.repeat(request, deadline, Urgency::Patient).await
    }

    /// Sends a request whether there is room or not, for what must not wait: the ending of machines
    /// that cost money. A limit that it meets is told at once.
    pub async fn send_at_once(&self, request: &Request, deadline: &Deadline) -> Result<Answer> {
        self.repeat(request, deadline, Urgency::AtOnce).await
    }

    /// Gives up all that waits for room, now or later, with a deadline that allows it: it fails at once,
    /// with [`ErrorKind::Limited`], and was not sent. What was sent is awaited.
    pub fn abandon_waits(&self) {
        self.limiter.abandon_waits();
    }

    /// How long a request would wait for room at least if it came now; zero where there is room.
    pub fn wait_now(&self) -> Duration {
        self.limiter.wait_now()
    }

    async fn repeat(
        &self,
        request: &Request,
        deadline: &Deadline,
        urgency: Urgency,
    ) -> Result<Answer> {
        let retry = self.bounds.retry;
        let mut backoff = Backoff::new(retry.first, retry.cap);
        let (mut sent, mut failed) = (0, 0);
        loop {
            let permit = match urgency {
                Urgency::AtOnce => Ok(self.limiter.bypass().await),
                Urgency::Patient => self.limiter.enter(changes(&request.method), deadline).await,
            };
            let permit = permit.map_err(|full| no_room(request, &full, sent))?;
            sent += 1;
            let came = self.once(request, deadline.end()).await;
            let limit = match &came {
                Try::Answered(answer) => (self.limits)(answer),
                _ => None,
            };
            let outcome = match &came {
                Try::Answered(_) if limit.is_some() => TryOutcome::Limited,
                Try::Answered(answer) => TryOutcome::Status(answer.status),
                Try::NotSent(_) => TryOutcome::NotSent,
                Try::Lost(_) => TryOutcome::Lost,
                Try::Broken(_) => TryOutcome::Broken,
            };
            let verdict = judge(request, outcome);
            if let (RetryDecision::Wait, Try::Answered(answer)) = (verdict, &came) {
                let limit = limit.unwrap_or_else(|| unread(answer));
                let least = backoff.next(chance());
                let (opens, full) = permit.refused(limit, least, answer.clock());
                // Waits are no tries: what ends them is the term.
                if urgency == Urgency::AtOnce || opens > deadline.room() {
                    return Err(answer.limited(full.until).tried(sent));
                }
                tracing::debug!(request = %request.what(), reason = full.reason, "waiting for the rate limit");
                continue;
            }
            settle(permit, &came);
            failed += 1;
            let rest = match verdict {
                RetryDecision::Take | RetryDecision::Ambiguous | RetryDecision::Wait => None,
                RetryDecision::Repeat => Some(match &came {
                    Try::Answered(answer) => answer.retry_after().unwrap_or_default(),
                    _ => Duration::ZERO,
                }),
            };
            let rest = rest.map(|least| least.max(backoff.next(chance())));
            let again = rest.filter(|rest| {
                let at = Instant::now().checked_add(*rest);
                failed < retry.tries && at.is_some_and(|at| at < deadline.end())
            });
            let Some(again) = again else {
                return conclude(request, came, outcome, rest.is_some(), sent);
            };
            tracing::debug!(
                request = %request.what(),
                pause_ms = again.as_millis(),
                "repeating after a pause"
            );
            sleep(again).await;
        }
    }
}

/// Whether a request changes something.
fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Says what a request met that was not refused for now.
fn settle(permit: Permit<'_>, came: &Try) {
    if matches!(came, Try::Answered(_)) {
        permit.served();
    }
}

/// A 429 of which the server's own way to tell limits knows nothing.
fn unread(answer: &Answer) -> Limit {
    too_many(answer).unwrap_or_else(|| Limit {
        pause: Pause::Growing(Duration::ZERO),
        reason: "too many requests".to_owned(),
    })
}

fn no_room(request: &Request, full: &LimitReached, sent: u32) -> Error {
    let until = full.until.round(jiff::Unit::Second).unwrap_or(full.until);
    let told = format!("was not sent: {}, until {until}", full.reason);
    Error::new(
        ErrorKind::Limited { until: full.until },
        request.what(),
        told,
    )
    .tried(sent.max(1))
}

fn conclude(
    request: &Request,
    came: Try,
    outcome: TryOutcome,
    repeatable: bool,
    tries: u32,
) -> Result<Answer> {
    let ambiguous = judge(request, outcome) == RetryDecision::Ambiguous;
    match came {
        Try::Answered(answer) if ambiguous => Err(answer.refused().tried(tries).ambiguous()),
        Try::Answered(answer) if repeatable => Err(answer.refused().tried(tries)),
        Try::Answered(answer) => Ok(answer),
        Try::NotSent(source) => Err(Error::not_sent(request.what(), source).tried(tries)),
        Try::Lost(source) if ambiguous => {
            Err(Error::lost(request.what(), source).tried(tries).ambiguous())
        }
        Try::Lost(source) => Err(Error::lost(request.what(), source).tried(tries)),
        // A creation was answered, but with what? It may have been carried out.
        Try::Broken(error)
            if error.kind == ErrorKind::Unreadable
                && judge(request, TryOutcome::Lost) == RetryDecision::Ambiguous =>
        {
            Err(error.ambiguous())
        }
        Try::Broken(error) => Err(error.tried(tries)),
    }
}
