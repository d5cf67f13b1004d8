//! Containers of a Docker daemon.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use bollard::models::HostConfig;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use url::Url;

use super::common::attempt::Attempt;
use super::{Error, ErrorKind, Health, Lookup, Provider, ProviderFuture, ProviderKind, Result};
use crate::model::{BootCause, Instance, InstanceId, JobUser, MANAGED_BY, Order};
use crate::providers::{Listing, Termination};
use daemon::{Daemon, look};
use endpoint::{Endpoint, Transport};
use failure::is_conflict;
use launch::Launch;
use machine::listed;

mod answers;
mod check;
mod config;
mod credentials;
mod daemon;
mod doomed;
mod endpoint;
mod failure;
mod image;
mod launch;
mod lookup;
mod machine;
mod preflight;
mod reach;
mod remedy;
mod removal;
mod ssh;
mod user;
mod volumes;

#[cfg(test)]
mod tests;

pub use config::DockerConfig;
#[cfg(test)]
use config::Pull;
use lookup::unknown;

/// The daemon's socket, as processes in a container and those in Docker Desktop's machine see it.
const SOCKET: &str = "/var/run/docker.sock";

/// How much of a log is told.
const LOG_LINES: usize = 200;
const LOG_BYTES: usize = 64 << 10;

/// How many containers that ended are looked at side by side.
const LOOKS: usize = 8;

/// Containers of a Docker daemon.
#[derive(Debug)]
pub struct Docker {
    config: DockerConfig,
    endpoint: Endpoint,
    host: HostConfig,
    daemon: Attempt<Arc<Daemon>>,
    image: Attempt<()>,
}

impl ProviderKind for Docker {
    const KIND: &'static str = "docker";
    const ABOUT: &'static str = "Containers of a Docker daemon";
    const REHEARSES: bool = true;
    const IS_RENTED: bool = false;
    type Config = DockerConfig;

    fn fits(config: &DockerConfig) -> Result<()> {
        config::host_config(config).map(drop)
    }

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut found = Vec::new();
        let host = set("DOCKER_HOST");
        // As for the docker command, a host hides a context.
        if let (None, Some(context)) = (&host, set("DOCKER_CONTEXT")) {
            found.push(("DOCKER_CONTEXT", "context", Value::from(context)));
        }
        if let Some(host) = host {
            found.push(("DOCKER_HOST", "host", Value::from(host)));
        }
        if set("DOCKER_TLS_VERIFY").is_some() {
            found.push(("DOCKER_TLS_VERIFY", "tls_verify", Value::from(true)));
        }
        if let Some(dir) = set("DOCKER_CERT_PATH") {
            found.push(("DOCKER_CERT_PATH", "cert_path", Value::from(dir)));
        }
        if let Some(dir) = set("DOCKER_CONFIG") {
            found.push(("DOCKER_CONFIG", "config_dir", Value::from(dir)));
        } else if let Some(home) = set("HOME") {
            let dir = format!("{}/.docker", home.trim_end_matches('/'));
            found.push(("HOME", "config_dir", Value::from(dir)));
        }
        found
    }

    async fn open(config: DockerConfig) -> Result<Self> {
        Ok(Self {
            endpoint: Endpoint::resolve(&config)?,
            host: config::host_config(&config)?,
            daemon: Attempt::default(),
            image: Attempt::default(),
            config,
        })
    }
}

impl Provider for Docker {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            // A daemon that somebody has named is there, and may be ill; at the usual place there may be none.
            if self.config.host.is_some() || self.config.context.is_some() {
                return Ok(());
            }
            self.greeted().await.map(drop)
        })
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move {
            let daemon = self.greeted().await?;
            check::health(self, &daemon).await
        })
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            let daemon = self.daemon().await?;
            self.linux(&daemon)?;
            preflight::settings(&daemon, &self.config).await
        })
    }

    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        Box::pin(async move {
            let daemon = self.daemon().await.ok()?;
            doomed::why(&daemon, &self.config, machine).await
        })
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        remedy::of(&self.config, &self.endpoint.command(), cause)
    }

    fn job_user(&self) -> JobUser {
        self.config.job_user()
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move { Ok(vec![self.daemon().await?.location.clone()]) })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(async move {
            let daemon = self.daemon().await?;
            self.linux(&daemon)?;
            if let Some(clock) = daemon.clock {
                let doing = format!("could not launch `{}` at {}", order.name, self.endpoint);
                clock.fits(order.tags.created, &doing)?;
            }
            self.image
                .get(async || image::ensure(&daemon, &self.config).await)
                .await?;
            let launch = Launch {
                daemon: &daemon,
                config: &self.config,
                host: self.host(&daemon)?,
            };
            // Boxed, as many are at work side by side.
            Box::pin(launch.run(order)).await
        })
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            let daemon = match self.daemon().await {
                Ok(daemon) => daemon,
                Err(error) => return Ok(Listing::unread(error)),
            };
            let containers = match daemon.ours().await {
                Ok(containers) => containers,
                Err(error) => {
                    let doing = format!("could not list the containers at {}", self.endpoint);
                    return Ok(Listing::unread(daemon.failed(doing, &error)));
                }
            };
            let judged: Vec<_> = futures_util::stream::iter(containers)
                .map(async |container| listed(&daemon, container).await)
                .buffered(LOOKS)
                .filter_map(std::future::ready)
                .collect()
                .await;
            let mut listing = Listing {
                read: vec![daemon.location.clone()],
                ..Listing::default()
            };
            let vague = daemon.vague.iter();
            let vague = vague.map(|place| Some(place.clone()));
            listing.vague = vague
                .chain([None])
                .map(|place| (place, daemon.whose()))
                .collect();
            for judged in judged {
                match judged {
                    Ok(machine) => listing.instances.push(machine),
                    Err(unjudged) => listing.unjudged.push(unjudged),
                }
            }
            Ok(listing)
        })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(async move {
            let daemon = self.place_of(id).await?;
            let is_here = id.location.as_ref() == Some(&daemon.location);
            if !is_here && self.found(&daemon, id).await?.is_none() {
                return Err(unknown(&daemon, id));
            }
            Ok(InstanceId {
                location: Some(daemon.location.clone()),
                id: machine::short(&id.id).to_owned(),
            })
        })
    }

    fn is_same(&self, listed: &InstanceId, given: &InstanceId) -> bool {
        let fits = given.location.is_none() || given.location == listed.location;
        fits && given.id.starts_with(&listed.id)
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            let daemon = self.place_of(id).await?;
            let Some(found) = self.found(&daemon, id).await? else {
                return match &id.location {
                    Some(place) if *place == daemon.location => Ok(Termination::Gone),
                    _ => Err(unknown(&daemon, id)),
                };
            };
            let labels = found.config.and_then(|config| config.labels);
            let ours = labels.and_then(|labels| labels.get(MANAGED_BY.0).cloned());
            if ours.as_deref() != Some(MANAGED_BY.1) {
                return Err(Error::new(
                    ErrorKind::Denied,
                    format!("gharun did not create the container `{}`", id.id),
                )
                .hinted(format!(
                    "remove it yourself with `{} rm -f {}`",
                    self.endpoint.command(),
                    id.id
                )));
            }
            let whole = found.id.unwrap_or_else(|| id.id.clone());
            removal::remove(&daemon, &whole).await
        })
    }

    fn candidates(&self) -> Vec<String> {
        vec![format!("`{}` at {}", self.config.image, self.endpoint)]
    }

    fn validate(&self) -> Result<()> {
        let Some(address) = self
            .open_address()
            .filter(|_| !self.config.allow_plain_http)
        else {
            return Ok(());
        };
        let why = format!(
            "boot scripts and registry passwords would go to `tcp://{address}` unencrypted"
        );
        Err(Error::setting("host", why)
            .hinted("use `tls_verify` or `ssh://`; or, on a network that only you can read, write `allow_plain_http = true` in this table"))
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.docker_socket {
            warnings.push(
                "`docker_socket` makes every job root on the daemon's host: it can start any container there"
                    .to_owned(),
            );
            if self.endpoint.socket().is_none() {
                warnings.push(
                    "could not tell the group of the socket on another computer: only jobs that \
                     run as root can use it"
                        .to_owned(),
                );
            }
        }
        if self.config.privileged {
            warnings
                .push("`privileged` gives every job all rights over the daemon's host".to_owned());
        }
        if self.open_address().is_some() {
            warnings.push(format!(
                "the connection to {} is not encrypted, and the runner's credentials go over it: \
                 use `tls_verify` or `ssh://`",
                self.endpoint
            ));
        }
        warnings
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(async move {
            let daemon = self.place_of(id).await?;
            match daemon.tail(&id.id, LOG_LINES, LOG_BYTES).await {
                Ok(said) => Ok(said),
                // Drivers that send logs elsewhere cannot give them back.
                Err(error) if error.to_string().contains("does not support reading") => Ok(None),
                Err(error) => {
                    let doing = format!("could not read the log of the container `{}`", id.id);
                    Err(daemon.failed(doing, &error))
                }
            }
        })
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            let daemon = self.place_of(id).await?;
            let doing = || format!("could not list the processes of the container `{}`", id.id);
            match daemon.top(&id.id).await {
                // What runs has a process: an empty list says nothing of a job.
                Ok(Some(top)) if top.processes.as_ref().is_none_or(Vec::is_empty) => {
                    Err(Error::new(ErrorKind::Unavailable, doing())
                        .because("the daemon answered with an empty list"))
                }
                Ok(Some(top)) => Ok(Some(machine::runs_a_job(&top))),
                Ok(None) if id.location.as_ref() != Some(&daemon.location) => {
                    Err(unknown(&daemon, id))
                }
                Ok(None) => Ok(None),
                // It is not running.
                Err(error) if is_conflict(&error) => Ok(None),
                // Podman then answers with an empty body, which cannot be read as a list.
                Err(error) => match daemon.inspect(&id.id).await {
                    Ok(Some(found)) if !machine::may_run(&found) => Ok(None),
                    _ => Err(daemon.failed(doing(), &error)),
                },
            }
        })
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        machine::ways_in(&self.endpoint.command(), machine)
    }

    fn reach(&self, port: u16) -> ProviderFuture<'_, Option<Url>> {
        Box::pin(async move {
            if self.endpoint.socket().is_none() {
                return Ok(None);
            }
            let daemon = self.daemon().await?;
            let network = self.config.network.as_deref().unwrap_or("bridge");
            reach::url(&daemon, network, port).await
        })
    }
}

impl Docker {
    /// The daemon, which answers now.
    async fn greeted(&self) -> Result<Arc<Daemon>> {
        let daemon = self.daemon().await?;
        // The answer that `daemon` kept may be an old one.
        look(daemon.client.ping()).await.map_err(|error| {
            daemon.failed(
                format!("could not reach the Docker daemon at {}", self.endpoint),
                &error,
            )
        })?;
        Ok(daemon)
    }

    /// The address that is reached over a network without encryption, where it is.
    fn open_address(&self) -> Option<&str> {
        match &self.endpoint.way {
            Transport::Tcp(address) if !reach::is_loopback(address) => Some(address),
            _ => None,
        }
    }

    async fn daemon(&self) -> Result<Arc<Daemon>> {
        self.daemon
            .get(async || Daemon::reach(&self.endpoint).await.map(Arc::new))
            .await
    }

    fn linux(&self, daemon: &Daemon) -> Result<()> {
        match daemon.info.os_type.as_deref() {
            Some("windows") => Err(Error::new(
                ErrorKind::Config,
                format!("the daemon at {} runs Windows containers", self.endpoint),
            )
            .hinted("switch it to Linux containers")),
            _ => Ok(()),
        }
    }

    /// The container's share of its host, with the daemon's socket where jobs may use it.
    fn host(&self, daemon: &Daemon) -> Result<HostConfig> {
        let mut host = self.host.clone();
        if !self.config.docker_socket {
            return Ok(host);
        }
        let socket = match self.endpoint.socket() {
            Some(path) if !daemon.is_desktop() => path,
            _ => Path::new(SOCKET),
        };
        let bind = format!("{}:{SOCKET}", socket.display());
        host.binds.get_or_insert_default().push(bind);
        let group = if daemon.is_desktop() {
            Some(0)
        } else if self.endpoint.socket().is_some() {
            let found = std::fs::metadata(socket).map_err(|error| {
                Error::setting(
                    "docker_socket",
                    format!("could not look at `{}`", socket.display()),
                )
                .because(error)
            })?;
            Some(found.gid())
        } else {
            // Nobody here knows the group of a socket on another computer.
            None
        };
        let group = group.map(|group| group.to_string());
        host.group_add = group.map(|group| vec![group]);
        Ok(host)
    }
}
