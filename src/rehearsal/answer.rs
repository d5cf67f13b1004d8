//! What is answered, before it is put on the wire.

use axum::body::Bytes;
use serde_json::{Value, json};

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
    /// An archive.
    Archive(Bytes),
    /// A page, as GitHub's front end sends when what is behind it is ill.
    Html(String),
    Json(Value),
    Nothing,
    /// What the stub runner reads.
    Text(String),
}

impl Answer {
    pub(super) fn of(status: u16, body: Content) -> Self {
        Self {
            status,
            headers: Vec::new(),
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

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn content_type(&self) -> Option<&'static str> {
        match self.body {
            Content::Archive(_) => Some("application/octet-stream"),
            Content::Html(_) => Some("text/html; charset=utf-8"),
            Content::Json(_) => Some("application/json; charset=utf-8"),
            Content::Nothing => None,
            Content::Text(_) => Some("text/plain; charset=utf-8"),
        }
    }

    pub(super) fn bytes(&self) -> Bytes {
        match &self.body {
            Content::Archive(bytes) => bytes.clone(),
            Content::Html(text) | Content::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Content::Json(value) => Bytes::from(value.to_string()),
            Content::Nothing => Bytes::new(),
        }
    }
}
