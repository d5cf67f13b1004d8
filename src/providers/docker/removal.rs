//! The end of a container.

use super::daemon::Daemon;
use super::failure::{is_being_removed, is_busy, is_missing};
use super::machine::short;
use crate::providers::{ErrorKind, Result};

/// Asks the daemon once to remove a container with its anonymous volumes. One that the daemon does not
/// have, or is removing already, is a success.
///
/// # Errors
///
/// The daemon did not answer, or refused. What it could not do just now is
/// [`ErrorKind::Unavailable`].
pub(super) async fn remove(daemon: &Daemon, container: &str) -> Result<()> {
    let error = match daemon.remove(container).await {
        Ok(()) => return Ok(()),
        Err(error) if is_missing(&error, "container") || is_being_removed(&error) => return Ok(()),
        Err(error) => error,
    };
    let doing = format!("could not remove the container `{}`", short(container));
    let mut failed = daemon.failed(doing, &error);
    if failed.kind == ErrorKind::Unexpected && is_busy(&error) {
        failed.kind = ErrorKind::Unavailable;
    }
    Err(failed)
}
