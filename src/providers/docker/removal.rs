//! The end of a container.

use super::daemon::Daemon;
use super::failure::{is_being_removed, is_missing, passing};
use super::machine::short;
use crate::poll::{Pace, until_ok};
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

/// Removes a container that could not be started, until the daemon does not have it: its launch is told to
/// have left nothing, so nobody else would ask again.
///
/// # Errors
///
/// Why it may still be there.
pub(super) async fn remove_failed(daemon: &Daemon, container: &str, pace: Pace) -> Result<()> {
    let removed = until_ok(pace, async || {
        match remove(daemon, container).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::Denied => return Ok(Err(error)),
            Err(error) => return Err(error),
        }
        match daemon.inspect(container).await {
            Ok(None) => Ok(Ok(())),
            Ok(Some(_)) => Err(still_there(container, "it is still there")),
            Err(error) => Err(daemon.failed(doing(container), &error)),
        }
    });
    removed.await?
}

fn still_there(container: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, doing(container)).because(why)
}

fn doing(container: &str) -> String {
    format!("could not remove the container `{}`", short(container))
}
