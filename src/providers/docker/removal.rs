//! The end of a container, and the proof of it.

use std::time::Duration;

use super::daemon::Daemon;
use super::failure::{Fate, fate, is_conflict, is_missing};
use crate::poll::{Pace, until};
use crate::providers::{Error, ErrorKind, Result};

/// How long a removal may take: the daemon kills, unmounts, deletes.
const PROOF: Pace = Pace {
    every: Duration::from_millis(200),
    at_most: Duration::from_mins(1),
};

/// Removes a container with its anonymous volumes, and looks until the daemon knows it no more.
///
/// # Errors
///
/// The daemon refused, or it could not be proved that the container is gone.
pub(super) async fn remove(daemon: &Daemon, container: &str) -> Result<()> {
    let doing = || {
        let short = container.get(..12).unwrap_or(container);
        format!("could not remove the container `{short}`")
    };
    match daemon.remove(container).await {
        Ok(()) => {}
        Err(error) if is_missing(&error, "container") => return Ok(()),
        // Somebody else is removing it: that will do.
        Err(error) if is_conflict(&error) => {}
        // The look below tells.
        Err(error) if matches!(fate(&error), Fate::Lost | Fate::Late) => {}
        Err(error) => return Err(daemon.failed(doing(), &error)),
    }
    let mut last = None;
    let gone = until(PROOF, async || match daemon.inspect(container).await {
        Ok(None) => Some(Ok(())),
        Ok(Some(_)) => {
            last = None;
            None
        }
        Err(error) if matches!(fate(&error), Fate::Unsent | Fate::Refused) => Some(Err(error)),
        Err(error) => {
            last = Some(error);
            None
        }
    });
    match (gone.await, last) {
        (Some(Ok(())), _) => Ok(()),
        (Some(Err(error)), _) | (None, Some(error)) => Err(daemon.failed(doing(), &error)),
        (None, None) => Err(Error::new(ErrorKind::Unavailable, doing())
            .because("it still exists after the request to remove it")
            .hinted(format!(
                "try again with `{} rm -f -v {container}`",
                daemon.endpoint.command()
            ))),
    }
}
