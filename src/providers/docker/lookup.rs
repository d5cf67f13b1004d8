//! Containers by their ids: at which daemon they are, and whether it has them.

use std::sync::Arc;

use bollard::models::ContainerInspectResponse;

use super::daemon::Daemon;
use super::failure::passing;
use super::{Docker, Error, ErrorKind, Result};
use crate::model::InstanceId;

/// The error for a container that the daemon does not have, and may never have had.
pub(super) fn unknown(daemon: &Daemon, id: &InstanceId) -> Error {
    let hint = "set `$DOCKER_HOST`, `host` or `context` to the daemon that has it, where `docker ps -a` shows it; \
                `docker context ls` lists those that this computer knows";
    if id.location.is_none() || id.location == daemon.vague {
        let what = format!("`{id}` was not found at {}", daemon.whose());
        return Error::new(ErrorKind::NotFound, what).hinted(hint);
    }
    let what = format!(
        "the container `{}` was created by another daemon: its daemon has the ID `{}`, the one at {} has `{}`",
        id.id,
        id.location.as_deref().unwrap_or_default(),
        daemon.endpoint,
        daemon.location
    );
    Error::new(ErrorKind::Elsewhere, what).hinted(hint)
}

impl Docker {
    /// The daemon that is asked for a machine, if its id can be one.
    pub(super) async fn place_of(&self, id: &InstanceId) -> Result<Arc<Daemon>> {
        // In capitals the daemon would not find it, and it would be taken for gone.
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let hex = (12..=64).contains(&id.id.len()) && id.id.bytes().all(digit);
        if !hex {
            return Err(Error::new(
                ErrorKind::Config,
                format!("`{}` is not a container ID", id.id),
            )
            .hinted("write a reference as `gharun list` shows it"));
        }
        let daemon = self.daemon().await?;
        let place = id.location.as_ref();
        let is_other = place.is_some_and(|place| {
            let known = [Some(&daemon.location), daemon.vague.as_ref()];
            !known.contains(&Some(place))
        });
        // A clone of a daemon's host may have a container of the same id. What earlier versions wrote of a daemon whose
        // id changes says nothing.
        if is_other && daemon.vague.is_some() {
            return Err(unknown(&daemon, id));
        }
        Ok(daemon)
    }

    /// Looks for a container by its id; a name that looks like one does not count.
    pub(super) async fn found(
        &self,
        daemon: &Daemon,
        id: &InstanceId,
    ) -> Result<Option<ContainerInspectResponse>> {
        let found = daemon.inspect(&id.id).await.map_err(|error| {
            let doing = format!("could not look at the container `{}`", id.id);
            passing(daemon.failed(doing, &error), &error)
        })?;
        let is = |found: &ContainerInspectResponse| {
            let whole = found.id.as_deref().unwrap_or_default();
            whole.starts_with(&id.id)
        };
        match found {
            Some(found) if !is(&found) => Err(Error::new(
                ErrorKind::Denied,
                format!("`{}` is the name, not the ID, of a container", id.id),
            )),
            found => Ok(found),
        }
    }
}
