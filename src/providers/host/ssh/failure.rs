//! Why a host could not be reached.

use crate::providers::{Error, ErrorKind};

pub(super) fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, message)
}

pub(super) fn denied(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Denied, message)
}

/// The error of whoever wanted to reach `host`.
pub(super) fn unreached(error: Error, host: &str) -> Error {
    match error.kind {
        // Whoever refuses was reached.
        ErrorKind::Denied => error.while_trying(format!("could not log in to {host}")),
        _ => error.while_trying(format!("could not reach {host}")),
    }
}
