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
    error.while_trying(format!("could not reach {host}"))
}
