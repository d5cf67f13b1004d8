//! What a place that speaks REST needs beside the client: an address that a setting may move, a
//! bearer token, and failures that say what to do.
//!
//! Sending, repeating and waiting are [`http`]'s. Whether a request may have been carried out is
//! decided there too, by its method: a POST whose answer was lost, was a 5xx or no JSON is
//! [`ErrorKind::Ambiguous`], and one that was refused, or never left this machine, is not.

use std::fmt;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::http::{self, Answer, Bounds, Deadline, HttpClient, Options, Request};
use crate::model::{Secret, is_loopback};
use crate::providers::schema::backticked;
use crate::providers::{Error, ErrorKind, Result};

/// One server of a place.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    client: HttpClient,
    base: Url,
}

impl Rest {
    /// Makes a client for the server at `base`, whose path stands before that of every call.
    ///
    /// # Errors
    ///
    /// This machine has no certificates.
    pub(crate) fn new(base: Url, bounds: Bounds) -> Result<Self> {
        let options = Options {
            bounds,
            limits: http::too_many,
            roots: None,
            hear: None,
        };
        let client = HttpClient::with(&base, options).map_err(|error| {
            let doing = format!("could not set up a client for `{base}`");
            CallFailure::from(error).explain(doing)
        })?;
        Ok(Self { client, base })
    }

    /// The address before that of every call.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The client behind it, for its bounds and terms.
    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }

    /// Begins a call of what is at `path` below the base; its segments are encoded.
    pub(crate) fn call(&self, method: Method, path: &[&str]) -> RestCall<'_> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        RestCall {
            rest: self,
            request: Request::new(method, url),
        }
    }
}

/// Reads an address that a setting holds, without its query and the last `/`.
///
/// # Errors
///
/// A `Config` error about the setting, where it is no address of a server.
pub(crate) fn address(key: &str, text: &str) -> Result<Url> {
    let bad = || {
        let expected = "the URL of a server, such as `https://api.example.com/v1`";
        Error::unfit(key, expected, backticked(text))
    };
    let mut url: Url = text.trim().parse().map_err(|_| bad())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return Err(bad());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether what is sent to an address can be read on the way.
pub(crate) fn is_open(url: &Url) -> bool {
    let here = |host| is_loopback(&host);
    url.scheme() == "http" && !url.host().is_some_and(here)
}

/// Refuses an address to which secrets would go unencrypted.
///
/// # Errors
///
/// A `Config` error about the setting that holds it, with the line that allows it.
pub(crate) fn encrypted(key: &str, url: &Url) -> Result<()> {
    if !is_open(url) {
        return Ok(());
    }
    let why = format!("keys and scripts would go to `{url}` unencrypted");
    Err(Error::setting(key, why).hinted(ALLOW))
}

/// What allows it.
pub(crate) const ALLOW: &str = "use TLS; or, on a network that only you can read, write `allow_plain_http = true` in this table";

/// A call that is being put together.
#[derive(Debug)]
#[must_use = "a call that is not sent does nothing"]
pub(crate) struct RestCall<'a> {
    rest: &'a Rest,
    request: Request,
}

impl RestCall<'_> {
    /// Adds a parameter to the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.request.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Shows a token; it goes to the server of the base only.
    pub(crate) fn bearer(mut self, token: &Secret) -> Self {
        let header = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        // What no header can hold, the server would refuse; whoever reads settings refuses it first.
        if let Ok(mut header) = header {
            header.set_sensitive(true);
            self.request.headers.insert(AUTHORIZATION, header);
        }
        self
    }

    /// Adds a body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Adds a body as forms are sent.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.request = self.request.form(fields);
        self
    }

    /// Adds a header that is no secret.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        // A value that no header can hold is left out: none of ours is one.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.request.headers.insert(name, value);
        }
        self
    }

    /// To do it twice does no harm.
    pub(crate) fn repeatable(mut self) -> Self {
        self.request = self.request.repeatable();
        self
    }

    /// The answer holds a secret, and no error quotes it.
    pub(crate) fn secret(mut self) -> Self {
        self.request.secret = true;
        self
    }

    /// What is sent.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// Sends it. Any status but 2xx is an error.
    pub(crate) async fn send(&self, term: &Deadline) -> Result<Answer, CallFailure> {
        self.judge(self.rest.client.send_within(&self.request, term).await)
    }

    /// The same whether there is room or not, for the ending of what costs money.
    pub(crate) async fn send_at_once(&self, term: &Deadline) -> Result<Answer, CallFailure> {
        self.judge(self.rest.client.send_at_once(&self.request, term).await)
    }

    /// Sends it and reads the answer. One that cannot be read says nothing about whether a change
    /// was carried out: [`ErrorKind::Ambiguous`].
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        term: &Deadline,
    ) -> Result<T, CallFailure> {
        let answer = self.send(term).await?;
        self.read(&answer)
    }

    /// Reads an answer to this call.
    pub(crate) fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, CallFailure> {
        answer.json().map_err(|error| CallFailure {
            kind: if !self.request.may_be_repeated() {
                Some(ErrorKind::Ambiguous)
            } else if serde_json::from_slice::<Value>(&answer.body).is_ok() {
                // The server itself, and not somebody between, speaks otherwise than we know it.
                Some(ErrorKind::Unexpected)
            } else {
                Some(ErrorKind::Unavailable)
            },
            ..CallFailure::from(error)
        })
    }

    fn judge(&self, came: http::Result<Answer>) -> Result<Answer, CallFailure> {
        let answer = came?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        tracing::debug!(request = ?self.request, status = %answer.status, "refused");
        Err(answer.refused().into())
    }
}

/// A call that failed, before it is told in the words of what was tried.
#[derive(Debug)]
pub(crate) struct CallFailure {
    /// What the caller knows better than the status tells.
    kind: Option<ErrorKind>,
    error: Box<http::Error>,
}

impl CallFailure {
    /// What to do about it, as far as every place means the same by it.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind.unwrap_or(match self.error.kind {
            http::ErrorKind::Ambiguous => ErrorKind::Ambiguous,
            http::ErrorKind::Limited { .. } => ErrorKind::RateLimited,
            http::ErrorKind::Setup => ErrorKind::Config,
            http::ErrorKind::Unavailable | http::ErrorKind::Unreadable => ErrorKind::Unavailable,
            http::ErrorKind::Refused => match self.status() {
                // A page is somebody else's word, and may be gone in a moment.
                Some(401 | 403) if self.is_page() => ErrorKind::Unavailable,
                Some(401 | 403) => ErrorKind::Denied,
                Some(407) => ErrorKind::Config,
                Some(429) => ErrorKind::RateLimited,
                _ => ErrorKind::Unexpected,
            },
        })
    }

    /// The same failure with another meaning, which this place gives it.
    #[must_use]
    pub(crate) fn meaning(self, kind: ErrorKind) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }

    /// The answer's status, where there was an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        self.error.status.map(|status| status.as_u16())
    }

    /// What the server calls the request.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.error.request_id.as_deref()
    }

    /// The answer's body where it is JSON: by that the place itself is known from who stands between.
    pub(crate) fn body(&self) -> Option<Value> {
        self.error.answer.as_deref()?.object()
    }

    /// Whether somebody between answered, with a page for people.
    pub(crate) fn is_page(&self) -> bool {
        let answer = self.error.answer.as_deref();
        answer.is_some_and(Answer::is_page)
    }

    /// Tells it: what was tried, and behind it what came of it, with the place's own words and the
    /// request's id.
    pub(crate) fn explain(self, doing: impl Into<String>) -> Error {
        let kind = self.kind();
        self.error.explain(kind, doing)
    }
}

impl From<http::Error> for CallFailure {
    fn from(error: http::Error) -> Self {
        Self {
            kind: None,
            error: Box::new(error),
        }
    }
}

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::model::chain(&*self.error))
    }
}

#[cfg(test)]
mod tests;
