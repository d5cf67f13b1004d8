//! What went wrong at a provider, and what to do about it.

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
}
