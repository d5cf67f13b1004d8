//! One reqwest client: timeouts, idempotency-aware retries, status -> error.
//!
//! What may be repeated is decided by [`retry::judge`], by what is known of the request and not by
//! luck: a request that changes something and may have arrived is never sent twice.

use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use tokio::time::{Instant, sleep};
use url::{Host, Url};

use crate::poll::{Backoff, chance};

mod answer;
mod error;
mod excerpt;
mod request;
mod retry;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod wire;

pub use answer::Answer;
pub use error::{Error, ErrorKind, Result};
pub use excerpt::plain;
pub use request::Request;
pub use retry::{Outcome, Pause, Retry, Verdict, judge, too_many};

/// An answer longer than this is not what we asked for; a page of a hundred runners has 60 KB.
const LONGEST_BODY: usize = 16 << 20;
const REDIRECTS: usize = 5;
/// Shorter than what servers and their load balancers keep, so that a request that must not be
/// repeated is rarely written to a connection that the other side is closing.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// How long anything may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For a connection, TLS included. Less than `request`, so that a failure to connect is known as such.
    pub connect: Duration,
    /// For one request, from its first byte to the last byte of its answer.
    pub request: Duration,
    /// For an operation: all tries, pages and pauses together.
    pub operation: Duration,
    /// How often and how fast failed requests are repeated.
    pub retry: Retry,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            request: Duration::from_secs(30),
            operation: Duration::from_mins(3),
            retry: Retry::default(),
        }
    }
}

/// Reads from an answer that the server wants to be left alone; [`too_many`] is the common way.
pub type Limits = fn(&Answer) -> Option<Pause>;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    home: url::Origin,
    bounds: Bounds,
    limits: Limits,
}

/// What one try came to.
enum Try {
    Answered(Answer),
    /// The request surely was not sent.
    NotSent(reqwest::Error),
    /// It may have been sent, and there is no whole answer.
    Lost(reqwest::Error),
    /// Neither a repetition nor the caller can mend it.
    Broken(Error),
}

impl Client {
    /// Makes a client for the server of `base`: sensitive headers go to this scheme, host and port only.
    ///
    /// Proxies are those of the system and of the usual variables; a loopback address is reached
    /// without one. Fails where the system has no certificates.
    pub fn new(base: &Url, bounds: Bounds, limits: Limits) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("gharun/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(bounds.connect)
            .pool_idle_timeout(IDLE_CONNECTION)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if is_loopback(base) {
            builder = builder.no_proxy();
            if base.scheme() == "http" {
                // A machine without any certificates can still rehearse.
                builder = builder.tls_certs_only([]);
            }
        }
        Ok(Self {
            inner: builder.build().map_err(Error::setup)?,
            home: base.origin(),
            bounds,
            limits,
        })
    }

    /// When an operation that begins now has to be done.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.bounds.operation
    }

    /// Sends a request, and again where that is safe and may help, until `by`.
    ///
    /// Every answer that a repetition cannot better is returned whatever its status;
    /// [`Answer::refused`] makes an error of it. [`ErrorKind::Ambiguous`] means that the server may
    /// have carried the request out.
    pub async fn send(&self, request: &Request, by: Instant) -> Result<Answer> {
        let retry = self.bounds.retry;
        let mut backoff = Backoff::new(retry.first, retry.cap);
        let (mut tries, mut limits) = (0, 0);
        loop {
            tries += 1;
            let came = self.once(request, by).await;
            let pause = match &came {
                Try::Answered(answer) => (self.limits)(answer),
                _ => None,
            };
            let outcome = match &came {
                Try::Answered(_) if pause.is_some() => Outcome::Limited,
                Try::Answered(answer) => Outcome::Status(answer.status),
                Try::NotSent(_) => Outcome::NotSent,
                Try::Lost(_) => Outcome::Lost,
                Try::Broken(_) => Outcome::Broken,
            };
            let rest = match judge(&request.method, outcome) {
                Verdict::Take | Verdict::Ambiguous => None,
                Verdict::Repeat => Some(match &came {
                    Try::Answered(answer) => answer.retry_after().unwrap_or_default(),
                    _ => Duration::ZERO,
                }),
                Verdict::Wait => {
                    limits += 1;
                    Some(pause.unwrap_or_default().length(limits))
                }
            };
            let rest = rest.map(|least| least.max(backoff.next(chance())));
            let again = rest.filter(|rest| {
                tries < retry.tries && Instant::now().checked_add(*rest).is_some_and(|at| at < by)
            });
            let Some(rest) = again else {
                return conclude(request, came, outcome, rest, tries);
            };
            tracing::debug!(
                request = %request.what(),
                pause_ms = rest.as_millis(),
                "repeating after a pause"
            );
            sleep(rest).await;
        }
    }

    /// One try, redirects included.
    async fn once(&self, request: &Request, by: Instant) -> Try {
        let mut hop = request.clone();
        let mut trusted = true;
        for _ in 0..=REDIRECTS {
            // Once led away, a request is never trusted again, even when it is led back.
            trusted &= hop.url.origin() == self.home;
            let answer = match self.exchange(&hop, trusted, by).await {
                Try::Answered(answer) => answer,
                failed => return failed,
            };
            let Some(next) = redirect(&hop, &answer) else {
                return Try::Answered(answer);
            };
            let away = next.origin() != hop.url.origin();
            let bare = hop.url.scheme() == "https" && next.scheme() != "https";
            let reads = matches!(hop.method, Method::GET | Method::HEAD);
            if bare || (away && !reads) || !matches!(next.scheme(), "http" | "https") {
                return Try::Broken(answer.led_away(&next));
            }
            if answer.status == StatusCode::SEE_OTHER && !reads {
                hop.method = Method::GET;
                hop.body = None;
            }
            hop.url = next;
        }
        Try::Broken(Error::redirects(request.what()))
    }

    async fn exchange(&self, request: &Request, trusted: bool, by: Instant) -> Try {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Try::Broken(Error::no_time(request.what()));
        }
        let headers = request
            .headers
            .iter()
            .filter(|(_, value)| trusted || !value.is_sensitive())
            .map(|(name, value)| (name.clone(), value.clone()));
        let mut builder = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(headers.collect())
            .timeout(left.min(self.bounds.request));
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let begin = Instant::now();
        let answer = async {
            let mut response = builder.send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await? {
                body.extend_from_slice(&chunk);
                if body.len() > LONGEST_BODY {
                    return Ok(Err(Error::too_long(request.what())));
                }
            }
            Ok(Ok(Answer::new(request, &response, body)))
        };
        let tried = match answer.await.map_err(reqwest::Error::without_url) {
            Ok(Ok(answer)) => Try::Answered(answer),
            Ok(Err(error)) => Try::Broken(error),
            Err(error) if error.is_builder() => Try::Broken(Error::setup(error)),
            Err(error) if error.is_connect() => Try::NotSent(error),
            Err(error) => Try::Lost(error),
        };
        let ms = begin.elapsed().as_millis();
        let (method, path) = (&request.method, request.url.path());
        match &tried {
            Try::Answered(answer) => tracing::debug!(
                %method, path, status = answer.status.as_u16(), id = answer.request_id(), ms,
                "answered"
            ),
            Try::Broken(error) => tracing::debug!(%method, path, ms, %error, "gave up"),
            Try::NotSent(error) => tracing::debug!(%method, path, ms, %error, "was not sent"),
            Try::Lost(error) => tracing::debug!(%method, path, ms, %error, "was not answered"),
        }
        tried
    }
}

fn conclude(
    request: &Request,
    came: Try,
    outcome: Outcome,
    rest: Option<Duration>,
    tries: u32,
) -> Result<Answer> {
    let ambiguous = judge(&request.method, outcome) == Verdict::Ambiguous;
    match came {
        Try::Answered(answer) if ambiguous => Err(answer.refused().tried(tries).ambiguous()),
        Try::Answered(answer) => match rest {
            None => Ok(answer),
            Some(rest) if outcome == Outcome::Limited => Err(answer.limited(rest).tried(tries)),
            Some(_) => Err(answer.refused().tried(tries)),
        },
        Try::NotSent(source) => Err(Error::not_sent(request.what(), source).tried(tries)),
        Try::Lost(source) if ambiguous => {
            Err(Error::lost(request.what(), source).tried(tries).ambiguous())
        }
        Try::Lost(source) => Err(Error::lost(request.what(), source).tried(tries)),
        // A creation was answered, but with what? It may have been carried out.
        Try::Broken(error)
            if error.kind == ErrorKind::Unreadable
                && judge(&request.method, Outcome::Lost) == Verdict::Ambiguous =>
        {
            Err(error.ambiguous())
        }
        Try::Broken(error) => Err(error.tried(tries)),
    }
}

/// Where an answer leads to. The verb stays what it was, as GitHub's REST documentation asks for.
fn redirect(request: &Request, answer: &Answer) -> Option<Url> {
    match answer.status.as_u16() {
        301 | 302 | 303 | 307 | 308 => request.url.join(answer.header(LOCATION)?).ok(),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
