//! What went wrong at a provider, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

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

/// A failure at a provider: what was tried in the user's nouns, and the cause behind it.
#[derive(Debug)]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    pub(super) message: String,
    /// The setting at fault, where one is (`gpus`, `volume.size`).
    pub key: Option<String>,
    /// What to try next, as something that can be typed.
    pub hint: Option<String>,
    /// For how many seconds it is worth asking again for room, from the first time on: only
    /// [`ErrorKind::NoCapacity`].
    pub wait: Option<NonZeroU32>,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error that says what was tried; the cause is added with [`Error::because`].
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            key: None,
            hint: None,
            wait: None,
            source: None,
        }
    }

    /// Makes a [`ErrorKind::Config`] error about one setting.
    pub fn setting(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            ..Self::new(ErrorKind::Config, message)
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error as the cause of what could not be done because of it.
    #[must_use]
    pub fn while_trying(mut self, doing: impl Into<String>) -> Self {
        let outer = Self {
            kind: self.kind,
            message: doing.into(),
            key: self.key.take(),
            hint: self.hint.take(),
            wait: self.wait,
            source: None,
        };
        outer.because(self)
    }

    /// Says how long it is worth asking again, in whole seconds.
    #[must_use]
    pub fn waiting(mut self, wait: Duration) -> Self {
        self.wait = NonZeroU32::new(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX));
        self
    }

    /// Adds something to type.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
