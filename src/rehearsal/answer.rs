//! What is answered, before it is put on the wire.

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

/// An answer in the making.
#[derive(Debug)]
pub(super) struct StubResponse {
    status: u16,
    body: Content,
}

/// What an answer carries.
#[derive(Debug)]
enum Content {
    /// An archive.
    Archive(Bytes),
    Json(Value),
    Nothing,
    /// What the stub runner reads.
    Text(String),
}

impl StubResponse {
    fn of(status: u16, body: Content) -> Self {
        Self { status, body }
    }

    pub(super) fn archive(bytes: Bytes) -> Self {
        Self::of(200, Content::Archive(bytes))
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

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::of(200, Content::Text(text.into()))
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

    pub(super) fn into_response(self) -> Response<Bytes> {
        let (kind, bytes) = match self.body {
            Content::Archive(bytes) => ("application/octet-stream", bytes),
            Content::Json(value) => ("application/json; charset=utf-8", value.to_string().into()),
            Content::Nothing => ("", Bytes::new()),
            Content::Text(text) => ("text/plain; charset=utf-8", text.into()),
        };
        let mut response = Response::new(bytes);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if !kind.is_empty() {
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        response
    }
}
