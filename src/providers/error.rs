//! What went wrong at a provider, and what to do about it.

use std::time::Duration;

use jiff::Timestamp;

use crate::http;
use crate::model::causes;

/// What went wrong at a provider. Each kind means an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The place may or may not have done it: look for the name before doing anything else.
    Ambiguous,
    /// Mend the file (or flag) that the setting comes from.
    Config,
    /// Mend the credentials.
    Denied,
    /// Try the next provider.
    NoCapacity,
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

impl Error {
    /// Makes a [`ErrorKind::Config`] error about one setting.
    pub fn setting(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message).about(key)
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
