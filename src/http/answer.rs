//! What a server answered.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{AsHeaderName, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::excerpt::{excerpt, is_html};
use super::{Error, ErrorKind, Request, Result};

/// Headers that name a request for those who keep the server's logs: GitHub's, and the common one.
const REQUEST_IDS: [&str; 2] = ["x-github-request-id", "x-request-id"];

/// An answer, read to its end.
#[derive(Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    what: String,
    secret: bool,
    received: Timestamp,
    moved: bool,
}

impl Answer {
    pub(super) fn new(request: &Request, response: &reqwest::Response, body: Vec<u8>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body,
            what: request.what(),
            secret: request.secret,
            received: Timestamp::now(),
            moved: false,
        }
    }

    /// An answer that no server gave.
    #[cfg(test)]
    pub fn double(status: u16, body: Vec<u8>) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: HeaderMap::new(),
            body,
            what: "GET /".to_owned(),
            secret: false,
            received: Timestamp::now(),
            moved: false,
        }
    }

    pub(super) fn moved(self, moved: bool) -> Self {
        Self { moved, ..self }
    }

    /// Whether the server said on the way that what was asked for has another address for good.
    pub fn has_moved(&self) -> bool {
        self.moved
    }

    /// A header that is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the server calls the request, sanitized.
    pub fn request_id(&self) -> Option<&str> {
        REQUEST_IDS
            .iter()
            .find_map(|name| self.header(*name))
            .filter(|id| id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()))
    }

    /// The server's clock when it answered, to the second: its `Date`.
    pub fn date(&self) -> Option<Timestamp> {
        http_date(self.header(DATE)?)
    }

    /// The server's clock when it answered, or ours where it does not tell.
    pub fn clock(&self) -> Timestamp {
        self.date().unwrap_or(self.received)
    }

    /// How far the server's clock is ahead of ours, by its `Date`.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        Some(self.date()?.duration_since(self.received))
    }

    /// How long after the answer a moment of the server's clock is; zero when it is past.
    pub fn until(&self, moment: Timestamp) -> Duration {
        Duration::try_from(moment.duration_since(self.clock())).unwrap_or_default()
    }

    /// `Retry-After`, in seconds or as a date of the server's clock (RFC 9110, 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.header(RETRY_AFTER)?.trim();
        match text.parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => http_date(text).map(|moment| self.until(moment)),
        }
    }

    /// Reads the body as JSON. What does not fit is [`ErrorKind::Unreadable`] and says where.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let mut deserializer = serde_json::Deserializer::from_slice(&self.body);
        let read = serde_path_to_error::deserialize(&mut deserializer);
        read.map_err(|error| {
            let path = error.path().to_string();
            let error = error.into_inner();
            let told = if error.is_data() {
                format!("answered with unexpected JSON at `{path}`")
            } else {
                let body = self.quote().unwrap_or_else(|| "nothing".to_owned());
                format!("answered with invalid JSON: {body}")
            };
            let unreadable = self.error(ErrorKind::Unreadable, told);
            // Serde quotes the value that did not fit.
            if self.secret && error.is_data() {
                unreadable
            } else {
                unreadable.because(error)
            }
        })
    }

    /// The body where it is a JSON object. By that the service itself is known from whoever stands between, who
    /// answers with a page: what he refuses or does not find says nothing about what the service has.
    pub fn object(&self) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.is_object().then_some(body)
    }

    /// Whether it is a page for people, which no service answers a program with.
    pub fn is_page(&self) -> bool {
        let head = &self.body[..self.body.len().min(64)];
        is_html(
            self.header(CONTENT_TYPE),
            String::from_utf8_lossy(head).trim_start(),
        )
    }

    /// Makes a whole answer of a 304 and what was answered before (RFC 9111, 4.3.4).
    #[must_use]
    pub fn refreshing(self, known: &Self) -> Self {
        let mut headers = known.headers.clone();
        headers.extend(self.headers);
        Self {
            status: known.status,
            headers,
            body: known.body.clone(),
            ..self
        }
    }

    /// Makes an error of an answer that tells a failure.
    pub fn refused(&self) -> Error {
        let kind = match self.status.as_u16() {
            408 | 500..=599 => ErrorKind::Unavailable,
            _ => ErrorKind::Refused,
        };
        let mut told = format!("answered {}", self.status);
        if self.status.canonical_reason().is_none() {
            told = format!("answered {}", self.status.as_u16());
        }
        if let Some(id) = self.request_id() {
            told = format!("{told} (request {id})");
        }
        if let Some(body) = self.quote() {
            told = format!("{told}: {body}");
        }
        self.error(kind, told)
    }

    /// Makes an error of an answer that asks for a pause longer than we may wait.
    pub(super) fn limited(&self, until: Timestamp) -> Error {
        let mut error = self.refused();
        error.kind = ErrorKind::Limited { until };
        error
    }

    /// Makes an error of a redirect that must not be followed.
    pub(super) fn led_away(&self, to: &Url) -> Error {
        let to = format!("{}://{}", to.scheme(), to.host_str().unwrap_or_default());
        self.error(
            ErrorKind::Refused,
            format!(
                "answered {} with a redirect to `{to}`, which is not followed",
                self.status
            ),
        )
    }

    /// The body for an error; nothing of a success that holds a secret.
    fn quote(&self) -> Option<String> {
        if self.secret && self.status.is_success() {
            return Some(format!("{} bytes", self.body.len()));
        }
        excerpt(self.header(CONTENT_TYPE), &self.body)
    }

    fn error(&self, kind: ErrorKind, told: String) -> Error {
        Error {
            status: Some(self.status),
            request_id: self.request_id().map(str::to_owned),
            answer: Some(Box::new(self.clone())),
            ..Error::new(kind, self.what.clone(), told)
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("what", &self.what)
            .field("status", &self.status)
            .field("request_id", &self.request_id())
            .finish_non_exhaustive()
    }
}

fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()
}
