//! Why a host could not be reached; several wait for one attempt, so it can be told more than once.

use crate::providers::{Error, ErrorKind};

/// Why a host could not be reached.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) key: Option<&'static str>,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            key: None,
            hint: None,
        }
    }

    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    pub(super) fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }

    /// The error of whoever wanted to reach `host`.
    pub(super) fn error(self, host: &str) -> Error {
        let error = Error::new(self.kind, format!("could not reach {host}"))
            .because(self.message)
            .hinted_all(self.hint);
        match self.key {
            Some(key) => error.about(key),
            None => error,
        }
    }
}
