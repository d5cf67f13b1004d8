//! What several kinds need, written once.

pub(crate) mod attempt;
pub(crate) mod candidates;
pub(crate) mod clock;
pub(crate) mod env_name;
pub(crate) mod once;
pub(crate) mod one_or_many;
pub(crate) mod pack;
pub(crate) mod rest;
pub(crate) mod words;

use super::{Error, ErrorKind, Result};

/// What came of a look before anything is rented: an error that lasts, or nothing, where another moment may do.
pub(crate) fn unless_lasting(error: Error) -> Result<()> {
    match error.kind {
        ErrorKind::Config | ErrorKind::Denied => Err(error),
        _ => {
            tracing::debug!("{}", crate::model::chain(&error));
            Ok(())
        }
    }
}

/// An error about a setting with at least one next step.
pub(crate) fn shown(error: Error, kind: &str) -> Error {
    if error.hints().is_empty() {
        return error.hinted(format!("see `gharun providers show {kind}`"));
    }
    error
}
