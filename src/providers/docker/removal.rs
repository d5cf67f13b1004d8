//! The end of a container.

use super::daemon::Daemon;
use super::failure::{is_being_removed, is_missing, passing};
use super::machine::short;
use crate::providers::{Error, ErrorKind, Result, Termination};

/// Asks the daemon once to remove a container with its anonymous volumes: it answers when that is done.
/// One that the daemon does not have, or is removing already, is a success.
///
/// # Errors
///
/// The daemon did not answer, or refused. What it could not do just now is
/// [`ErrorKind::Unavailable`].
pub(super) async fn remove(daemon: &Daemon, container: &str) -> Result<Termination> {
    let error = match daemon.remove(container).await {
        Ok(()) => return Ok(Termination::Gone),
        Err(error) if is_missing(&error, "container") => return Ok(Termination::Gone),
        Err(error) if is_being_removed(&error) => return Ok(Termination::Accepted),
        Err(error) => error,
    };
    Err(passing(daemon.failed(doing(container), &error), &error))
}

/// The error for a container whose end was accepted, and of which no listing tells.
pub(super) fn unlisted(container: &str) -> Error {
    still_there(container, "its labels cannot be read, so no list shows it")
}

fn still_there(container: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, doing(container)).because(why)
}

fn doing(container: &str) -> String {
    format!("could not remove the container `{}`", short(container))
}
