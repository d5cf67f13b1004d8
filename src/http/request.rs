//! What is sent.

use std::fmt;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Serialize;
use url::Url;

/// A request that can be sent any number of times.
#[derive(Clone)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// Sensitive values among them go to the client's own server and nowhere else.
    pub headers: HeaderMap,
    /// The answer of a success holds a secret: it is never quoted in an error.
    pub secret: bool,
    pub(super) body: Option<Vec<u8>>,
    repeatable: bool,
}

impl Request {
    /// Makes a request without a body.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            secret: false,
            body: None,
            repeatable: false,
        }
    }

    /// Says that to do it twice does no harm, though its method does not say so.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whether it may be sent again when nobody knows what became of it.
    pub fn may_be_repeated(&self) -> bool {
        let idempotent = matches!(
            self.method,
            Method::DELETE | Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT
        );
        self.repeatable || idempotent
    }

    /// Adds a JSON body.
    ///
    /// # Panics
    ///
    /// Panics where a value cannot be JSON, which no plain struct is.
    #[must_use]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("plain values become JSON"));
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self
    }

    /// Adds a body as forms are sent (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.body = Some(body.finish().into_bytes());
        self.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        self
    }

    /// The request as people write it, without its query, which may hold secrets.
    pub(super) fn what(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}"));
        let port = port.unwrap_or_default();
        format!("{} {host}{port}{}", self.method, self.url.path())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Request").field(&self.what()).finish()
    }
}
