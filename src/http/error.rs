//! A request that failed: what was tried, what came of it, and the ids that help upstream.

use std::error::Error as StdError;
use std::fmt;

use jiff::Timestamp;
use reqwest::StatusCode;

use super::Answer;
use crate::model;

/// What a request comes to.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with a request. Each kind means an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The server may have carried it out: look before doing anything else.
    Ambiguous,
    /// The server wants to be left alone until then, by its own clock, and that is longer than we may wait.
    Limited {
        /// The end of the pause.
        until: Timestamp,
    },
    /// The server said no.
    Refused,
    /// It cannot be sent from here: certificates are missing, or the address is none.
    Setup,
    /// It could not be reached, or answered 5xx, after all tries.
    Unavailable,
    /// The answer is not what it should be.
    Unreadable,
}

/// A failed request. It holds neither its query nor its headers.
#[derive(Debug)]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// Method, host and path.
    pub what: String,
    /// The answer's status, where there was an answer.
    pub status: Option<StatusCode>,
    /// What the server calls the request.
    pub request_id: Option<String>,
    /// The answer itself, where there was one: a place may say in it more than its status does.
    pub answer: Option<Box<Answer>>,
    pub(super) told: Box<str>,
    pub(super) tries: u32,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, what: String, told: impl Into<Box<str>>) -> Self {
        Self {
            kind,
            what,
            status: None,
            request_id: None,
            answer: None,
            told: told.into(),
            tries: 1,
            source: None,
        }
    }

    pub(super) fn setup(source: reqwest::Error) -> Self {
        let what = "HTTPS".to_owned();
        Self::new(ErrorKind::Setup, what, "could not be set up").because(source.without_url())
    }

    pub(super) fn distrusted(what: String, source: reqwest::Error) -> Self {
        let told = "was not sent: the server's certificate is not trusted";
        Self::new(ErrorKind::Setup, what, told).because(source)
    }

    pub(super) fn not_sent(what: String, source: reqwest::Error) -> Self {
        Self::new(ErrorKind::Unavailable, what, "could not be sent").because(source)
    }

    pub(super) fn lost(what: String, source: reqwest::Error) -> Self {
        let told = if source.is_timeout() {
            "timed out"
        } else {
            "was cut off in the middle of the response"
        };
        Self::new(ErrorKind::Unavailable, what, told).because(source)
    }

    pub(super) fn no_time(what: String) -> Self {
        let told = "was not sent: its time was over";
        Self::new(ErrorKind::Unavailable, what, told)
    }

    pub(super) fn redirects(what: String) -> Self {
        Self::new(ErrorKind::Refused, what, "was redirected too many times")
    }

    pub(super) fn too_long(what: String) -> Self {
        Self::new(
            ErrorKind::Unreadable,
            what,
            "got a response that is too long",
        )
    }

    /// Tells it: what was tried by the request, with this as the cause, and the request's id.
    pub fn explain<K>(self, kind: K, doing: impl Into<String>) -> model::Error<K> {
        let id = self.request_id.clone();
        model::Error::new(kind, doing).requested(id).because(self)
    }

    pub(super) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(super) fn tried(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    pub(super) fn ambiguous(mut self) -> Self {
        self.kind = ErrorKind::Ambiguous;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.what, self.told)?;
        if self.tries > 1 {
            write!(f, " ({} tries)", self.tries)?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
