//! From an order to a running container, once for each name.

use std::future::ready;
use std::time::Duration;

use bollard::models::{ContainerCreateBody, ContainerInspectResponse, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, StartContainerOptions, UploadToContainerOptionsBuilder,
};
use futures_util::stream;

use super::answers::Step;
use super::config::DockerConfig;
use super::daemon::{Daemon, act};
use super::failure::{Delivery, delivery, is_conflict};
use super::machine::{instance, state};
use super::removal::remove_failed;
use super::user::{self, Owner};
use super::volumes::{self, Folder};
use crate::model::{Condition, Instance, Order, Tags};
use crate::poll::{Pace, until};
use crate::providers::{Error, ErrorKind, Result};

/// Where the boot script lies in a container.
const FOLDER: &str = "gharun";
const SCRIPT: &str = "boot.sh";

/// How long a container whose creation was answered by nobody is looked for, and one that could not be
/// started is removed.
const SETTLE: Pace = Pace {
    every: Duration::from_millis(500),
    at_most: Duration::from_secs(5),
};

/// What a launch is made of beside its order.
#[derive(Debug)]
pub(super) struct Launch<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) config: &'a DockerConfig,
    pub(super) host: HostConfig,
}

impl Launch<'_> {
    /// Launches a container. It may be there already, from a first attempt whose answer was lost.
    pub(super) async fn run(self, order: &Order) -> Result<Instance> {
        let id = self.create(order).await?;
        let started = self.start(&id, order).await;
        let Err(error) = started else {
            return started;
        };
        match remove_failed(self.daemon, &id, SETTLE).await {
            Ok(()) => Err(error),
            Err(left) => Err(Error::new(
                ErrorKind::Ambiguous,
                format!("{error}; its container may still exist"),
            )
            .because_each([error, left])
            .hinted(format!(
                "`{} rm -f -v {}` removes it",
                self.daemon.endpoint.command(),
                order.name
            ))),
        }
    }

    /// Creates the container and tells its id; the name is the key: it is never created twice.
    async fn create(&self, order: &Order) -> Result<String> {
        let doing = || format!("could not create the container `{}`", order.name);
        let options = CreateContainerOptionsBuilder::default()
            .name(order.name.as_str())
            .platform(self.config.platform.as_deref().unwrap_or_default())
            .build();
        let body = self.body(order);
        let answer = act(self.daemon.client.create_container(Some(options), body)).await;
        let error = match answer {
            Ok(created) => {
                for warning in created.warnings {
                    tracing::warn!("container `{}`: {warning}", order.name);
                }
                return Ok(created.id);
            }
            Err(error) => error,
        };
        let delivery = delivery(&error);
        let refused = delivery == Delivery::Rejected && !is_conflict(&error);
        if refused || delivery == Delivery::Unsent {
            return Err(self.refused(doing(), &error));
        }
        // The name is taken, perhaps by an attempt that is still at work, or nobody knows.
        let mut last = None;
        let there = until(SETTLE, async || {
            match self.daemon.inspect(order.name.as_str()).await {
                Ok(found) => {
                    last = None;
                    found
                }
                Err(error) => {
                    last = Some(error);
                    None
                }
            }
        })
        .await;
        let explained = self.refused(doing(), &error);
        match (there, last) {
            (Some(found), _) => self.adopt(found, order),
            // A connection that broke takes its request with it; what was not answered in time,
            // or holds the name, may still be at work.
            (None, None) if delivery == Delivery::Unknown => Err(explained
                .map(|_| ErrorKind::Unavailable)
                .saying(format!("{}; it was not created", doing()))),
            (None, _) => Err(explained
                .map(|_| ErrorKind::Ambiguous)
                .saying(format!("{}; it may have been created", doing()))
                .hinted(format!(
                    "check with `{} ps -a --filter name={}`",
                    self.daemon.endpoint.command(),
                    order.name
                ))),
        }
    }

    /// Takes a container that bears the order's name, if it is the order's.
    fn adopt(&self, found: ContainerInspectResponse, order: &Order) -> Result<String> {
        let tags = found.config.and_then(|config| config.labels);
        let tags = tags.and_then(Tags::from_pairs);
        match found.id {
            Some(id) if tags.is_some_and(|tags| order.owns(&tags)) => Ok(id),
            _ => Err(Error::new(
                ErrorKind::Unexpected,
                format!("another container has the name `{}`", order.name),
            )
            .hinted(format!(
                "see whose it is with `{} inspect {}`",
                self.daemon.endpoint.command(),
                order.name
            ))),
        }
    }

    /// Puts the boot script into a container and starts it, unless it was started before.
    async fn start(&self, id: &str, order: &Order) -> Result<Instance> {
        let (daemon, name) = (self.daemon, &order.name);
        let looked = async || {
            let found = daemon.inspect(id).await.map_err(|error| {
                daemon.failed(format!("could not look at the container `{name}`"), &error)
            })?;
            found.ok_or_else(|| {
                Error::new(
                    ErrorKind::Unavailable,
                    format!("the container `{name}` was removed while it was being started"),
                )
            })
        };
        let created = looked().await?;
        if state(&created) != Condition::Pending {
            return instance(daemon, &created);
        }
        let user = created
            .config
            .as_ref()
            .and_then(|config| config.user.clone())
            .unwrap_or_default();
        let owner = user::owner(daemon, id, &user).await?;
        let folders = volumes::foreign(daemon, id, owner, self.config.own_volumes()).await;
        let archive = archive(owner, order.boot.expose(), &folders).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "could not compress the boot script").because(error)
        })?;
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        // As a stream: bollard logs a body that is whole, at its finest level.
        let body = bollard::body_stream(stream::once(ready(archive.into())));
        let upload = daemon.client.upload_to_container(id, Some(options), body);
        act(upload).await.map_err(|error| {
            let doing = format!("could not put the boot script into the container `{name}`");
            let refused = self.refused(doing, &error);
            match refused.key() {
                // It is done with the volumes mounted.
                Some("volumes") => refused.saying(format!(
                    "could not mount the volumes of the container `{name}`"
                )),
                _ => refused,
            }
        })?;
        let start = daemon
            .client
            .start_container(id, None::<StartContainerOptions>);
        let answer = act(start).await;
        let started = looked().await;
        match (answer, started) {
            // Also when the answer was lost: it was started, and that is what was asked for.
            (Ok(()), Ok(started)) => instance(daemon, &started),
            (Err(_), Ok(started)) if state(&started) == Condition::Running => {
                instance(daemon, &started)
            }
            (Err(error), Ok(started))
                if delivery(&error) != Delivery::Rejected
                    && matches!(state(&started), Condition::Ended(_)) =>
            {
                instance(daemon, &started)
            }
            (Err(error), _) => {
                Err(self.refused(format!("could not start the container `{name}`"), &error))
            }
            (Ok(()), Err(error)) => Err(error),
        }
    }

    fn refused(&self, doing: String, error: &bollard::errors::Error) -> Error {
        self.daemon.refused(self.config, Step::Run, doing, error)
    }

    fn body(&self, order: &Order) -> ContainerCreateBody {
        let config = self.config;
        let mut labels: std::collections::HashMap<String, String> =
            config.labels.clone().into_iter().collect();
        labels.extend(
            order
                .tags
                .pairs()
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value)),
        );
        let env = config.env.iter();
        ContainerCreateBody {
            image: Some(config.image.clone()),
            user: config.start_user(),
            env: Some(env.map(|(name, value)| format!("{name}={value}")).collect()),
            entrypoint: Some(vec!["/bin/sh".to_owned()]),
            cmd: Some(vec![format!("/{FOLDER}/{SCRIPT}")]),
            labels: Some(labels),
            host_config: Some(self.host.clone()),
            ..ContainerCreateBody::default()
        }
    }
}

/// The archive that carries the boot script, in a folder of its own, for its user's eyes alone; and the top folders of
/// volumes that are to be that user's, with nothing in them: a folder that is there gets the owner, and keeps what it has.
fn archive(owner: Owner, script: &str, folders: &[Folder]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |kind, path: &str, mode, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(owner.uid);
        header.set_gid(owner.gid);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content)
    };
    add(tar::EntryType::Directory, &format!("{FOLDER}/"), 0o700, &[])?;
    add(
        tar::EntryType::Regular,
        &format!("{FOLDER}/{SCRIPT}"),
        0o600,
        script.as_bytes(),
    )?;
    for Folder { path, mode } in folders {
        add(tar::EntryType::Directory, &format!("{path}/"), *mode, &[])?;
    }
    archive.into_inner()
}
