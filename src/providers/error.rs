//! What went wrong at a provider, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::http;
use crate::model::{self, causes};

/// What went wrong at a provider. Each kind means an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The place may or may not have done it: look for the name before doing anything else.
    Ambiguous,
    /// Mend the file (or flag) that the setting comes from.
    Config,
    /// Mend the credentials.
    Denied,
    /// Use the credentials, or the daemon, of the place that is meant: this one is another, and what it does not have
    /// may be there.
    Elsewhere,
    /// Try the next provider.
    NoCapacity,
    /// Make sure that this is the place that is meant: it does not have the machine, and nothing tells whether it ever
    /// had.
    NotFound,
    /// Pay at the place; until then, try the next provider.
    PaymentRequired,
    /// Try again later, more slowly.
    RateLimited,
    /// Try again later.
    Unavailable,
    /// Report a bug.
    Unexpected,
}

/// A failure at a provider. How long it is worth asking again for room ([`Error::waiting`]) is told
/// of [`ErrorKind::NoCapacity`] only.
pub type Error = crate::model::Error<ErrorKind>;

/// A cause: nobody listens at an address of this computer or its network. A program that is not running seldom begins to
/// while it is waited for.
#[derive(Debug)]
pub struct NobodyListens(pub model::Error);

impl fmt::Display for NobodyListens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for NobodyListens {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl Error {
    /// Whether nobody listens where the place should be: see [`NobodyListens`].
    pub fn nobody_listens(&self) -> bool {
        causes(self).any(<dyn StdError>::is::<NobodyListens>)
    }

    /// Makes a [`ErrorKind::Config`] error about one setting.
    pub fn setting(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message).about(key)
    }

    /// Makes a [`ErrorKind::Config`] error about the value of one setting: what it must be, and what it is.
    pub fn unfit(key: impl Into<String>, expected: &str, found: impl fmt::Display) -> Self {
        let key = key.into();
        let message = format!("`{key}` must be {expected}, not {found}");
        Self::setting(key, message)
    }

    /// The same error in the one form of all errors about settings. `subject` is the setting at fault, with its
    /// whole key and its place; without a setting the error stays as it is.
    #[must_use]
    pub fn of_setting(self, subject: &str) -> Self {
        let Some(key) = self.key() else {
            return self;
        };
        let message = self.message();
        let rest = message.strip_prefix(&format!("`{key}` "));
        let message = match rest {
            Some(rest) => format!("{subject} {rest}"),
            None => format!("{subject} cannot be used: {message}"),
        };
        self.saying(message)
    }

    /// How long the place wants to be left alone from now on, where it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        let until = causes(self)
            .filter_map(|cause| cause.downcast_ref::<http::Error>())
            .find_map(|error| match error.kind {
                http::ErrorKind::Limited { until } => Some(until),
                _ => None,
            })?;
        Some(Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default())
    }
}
