//! Requests to GitHub taken apart, and answers put together.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request, Response, header};
use serde_json::{Value, json};
use url::form_urlencoded;

/// How a server answers a request.
pub type Handler = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> + Send + Sync>;

/// What answers in place of a server, which it may ask; `None` closes the connection without an answer.
pub type Interceptor = Arc<
    dyn Fn(Request<Bytes>, Handler) -> BoxFuture<'static, Option<Response<Bytes>>> + Send + Sync,
>;

/// Where the stub runner talks to: no path of GitHub's begins so.
pub(super) const RUNNER_SERVICE: &str = "/runner-service/";

/// Where GitHub Enterprise Server has its API.
const PREFIX: &str = "/api/v3";

/// The path without the prefix of GitHub Enterprise Server.
pub(super) fn below_prefix(path: &str) -> &str {
    match path.strip_prefix(PREFIX) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// Path and query as they were sent.
    pub(super) target: String,
    /// The path as it was sent.
    pub(super) raw_path: String,
    pub(super) raw_query: Option<String>,
    /// The path below the prefix.
    pub(super) path: String,
    pub(super) token: Option<String>,
    /// The base of the API as this client reaches it.
    pub(super) base: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(request: &Request<Bytes>) -> Self {
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let token = find(&headers, "authorization").map(|value| {
            let token = value.split_once(' ').filter(|(scheme, _)| {
                scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")
            });
            token.map_or_else(String::new, |(_, token)| token.trim().to_owned())
        });
        let uri = request.uri();
        let raw_path = uri.path().to_owned();
        let path = below_prefix(&raw_path).to_owned();
        let prefix = &raw_path[..raw_path.len() - path.len()];
        let host = find(&headers, "host").unwrap_or("localhost");
        Self {
            method: request.method().as_str().to_owned(),
            target: uri.to_string(),
            base: format!("http://{host}{prefix}"),
            token,
            path,
            raw_query: uri.query().map(str::to_owned),
            raw_path,
            headers,
            body: request.body().clone(),
        }
    }

    pub(super) fn is_runners_talk(&self) -> bool {
        self.raw_path.starts_with(RUNNER_SERVICE)
    }

    pub(super) fn header(&self, wanted: &str) -> Option<&str> {
        find(&self.headers, wanted)
    }

    pub(super) fn query(&self, wanted: &str) -> Option<String> {
        let query = self.raw_query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    }

    pub(super) fn number(&self, wanted: &str) -> Option<usize> {
        self.query(wanted)?.parse().ok()
    }
}

fn find<'a>(headers: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    let mut headers = headers.iter();
    headers
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.as_str())
}

/// The same request for another path.
pub(super) fn at(request: Request<Bytes>, path: &str) -> Request<Bytes> {
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.query().map(|query| format!("?{query}"));
    let target = format!("{path}{}", query.unwrap_or_default());
    parts.uri = target.parse().expect("a path and a query");
    Request::from_parts(parts, body)
}

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Content,
}

/// What an answer carries.
#[derive(Debug)]
pub(super) enum Content {
    /// A page, as GitHub's front end sends when what is behind it is ill.
    Html(String),
    Json(Value),
    Nothing,
    /// What the stub sends that is no JSON: an archive, words for its runner. Its kind is among the headers.
    Other(Bytes),
}

impl Answer {
    pub(super) fn of(status: u16, body: Content) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    /// What the stub has answered.
    pub(super) fn heard(response: Response<Bytes>) -> Self {
        let (parts, bytes) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let json = kind.starts_with("application/json");
        let json = json.then(|| serde_json::from_slice(&bytes).ok()).flatten();
        let (headers, body) = match json {
            Some(json) => (Vec::new(), Content::Json(json)),
            None if bytes.is_empty() => (Vec::new(), Content::Nothing),
            None => {
                let kind = ("content-type".to_owned(), kind.to_owned());
                (vec![kind], Content::Other(bytes))
            }
        };
        Self {
            status: parts.status.as_u16(),
            headers,
            body,
        }
    }

    pub(super) fn json(value: Value) -> Self {
        Self::of(200, Content::Json(value))
    }

    pub(super) fn created(value: Value) -> Self {
        Self::of(201, Content::Json(value))
    }

    pub(super) fn nothing() -> Self {
        Self::of(204, Content::Nothing)
    }

    /// Words for the stub runner.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::of(200, Content::Other(Bytes::from(text.into())))
            .with("content-type", "text/plain; charset=utf-8")
    }

    /// An error in GitHub's form.
    pub(super) fn error(status: u16, message: &str) -> Self {
        Self::of(
            status,
            Content::Json(json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            })),
        )
    }

    pub(super) fn not_found() -> Self {
        Self::error(404, "Not Found")
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn bytes(&self) -> Bytes {
        match &self.body {
            Content::Html(text) => Bytes::copy_from_slice(text.as_bytes()),
            Content::Json(value) => Bytes::from(value.to_string()),
            Content::Nothing => Bytes::new(),
            Content::Other(bytes) => bytes.clone(),
        }
    }

    /// Its words, where it is for the stub runner.
    pub(super) fn words(&self) -> String {
        match &self.body {
            Content::Other(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.bytes());
        *response.status_mut() = self.status.try_into().expect("a status");
        let headers = response.headers_mut();
        let kind = match &self.body {
            Content::Html(_) => Some("text/html; charset=utf-8"),
            Content::Json(_) => Some("application/json; charset=utf-8"),
            Content::Nothing | Content::Other(_) => None,
        };
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().expect("the name of a header");
            let value: HeaderValue = value.parse().expect("the value of a header");
            headers.insert(name, value);
        }
        response
    }
}
