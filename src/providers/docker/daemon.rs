//! A daemon that answered, and every request that is made of it.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, ContainerTopResponse, SystemInfo,
};
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, TopOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, BollardRequest};
use futures_util::{Stream, StreamExt as _};
use jiff::Timestamp;
use tokio::time::timeout;

use super::answers::{Asked, Step};
use super::config::DockerConfig;
use super::endpoint::{Endpoint, Transport};
use super::failure::{explain, explain_of, is_missing, is_no_file};
use super::ssh::SshTransport;
use crate::model::{MANAGED_BY, digest};
use crate::providers::common::clock::HostClock;
use crate::providers::{Error, ErrorKind, Result};

pub(super) type ClientResult<T> = std::result::Result<T, bollard::errors::Error>;

/// The time to a first answer; a login over ssh takes longer.
const CONNECT: Duration = Duration::from_secs(10);
const CONNECT_SSH: Duration = Duration::from_secs(30);
/// The time for a request that only looks.
const LOOK: Duration = Duration::from_secs(30);
/// The time for a request that changes something: creating copies, removing deletes.
const ACT: Duration = Duration::from_mins(2);

/// A daemon that answered, with what it told of itself.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) client: bollard::Docker,
    pub(super) endpoint: Endpoint,
    /// The place of its containers: a short hash of what tells it from others.
    pub(super) location: String,
    /// The same as earlier versions wrote it, of its id alone; none where its id is no identity.
    pub(super) vague: Option<String>,
    pub(super) info: SystemInfo,
    /// The clock of its host, by which containers end themselves.
    pub(super) clock: Option<HostClock>,
}

impl Daemon {
    /// Reaches the daemon, agrees on a version of its API, and asks who it is.
    pub(super) async fn reach(endpoint: &Endpoint) -> Result<Self> {
        let doing = || format!("could not reach the Docker daemon at {endpoint}");
        let failed = |error| explain(doing(), endpoint, &error);
        Self::by(client(endpoint).map_err(failed)?, endpoint).await
    }

    /// The same by a client that is there already.
    pub(super) async fn by(client: bollard::Docker, endpoint: &Endpoint) -> Result<Self> {
        let doing = || format!("could not reach the Docker daemon at {endpoint}");
        let failed = |error| explain(doing(), endpoint, &error);
        let bound = match endpoint.way {
            Transport::Ssh(_) => CONNECT_SSH,
            _ => CONNECT,
        };
        let client = bounded(bound, client.negotiate_version())
            .await
            .map_err(failed)?;
        let version = client.client_version();
        let client = client.with_request_modifier(move |request| speak(request, &version));
        let begin = Timestamp::now();
        let info = bounded(LOOK, client.info()).await.map_err(failed)?;
        let told = info.system_time.as_deref();
        let told = told.and_then(|time| time.parse::<Timestamp>().ok());
        let clock = told.map(|told| HostClock::told(told, begin, Timestamp::now()));
        let Some(id) = info.id.as_deref().filter(|id| !id.is_empty()) else {
            return Err(Error::new(ErrorKind::Unexpected, doing())
                .because("it reports no ID, so its containers cannot be referred to"));
        };
        Ok(Self {
            location: digest::place(identity(&info, id)),
            vague: has_id(&info).then(|| digest::place(id)),
            client,
            endpoint: endpoint.clone(),
            info,
            clock,
        })
    }

    /// Who it is, for people.
    pub(super) fn whose(&self) -> String {
        let name = self.info.name.as_deref().filter(|name| !name.is_empty());
        match name {
            Some(name) => format!("the daemon at {} (host `{name}`)", self.endpoint),
            None => format!("the daemon at {}", self.endpoint),
        }
    }

    /// The API version that was agreed on.
    pub(super) fn version(&self) -> String {
        self.client.client_version().to_string()
    }

    /// Whether it runs in a virtual machine of Docker Desktop.
    pub(super) fn is_desktop(&self) -> bool {
        let system = self.info.operating_system.as_deref();
        system.is_some_and(|system| system.contains("Docker Desktop"))
    }

    /// Whether it runs without root, in a network of its own.
    pub(super) fn is_rootless(&self) -> bool {
        let options = self.info.security_options.as_deref().unwrap_or_default();
        options.iter().any(|option| option.contains("rootless"))
    }

    /// Whether it is Podman's service.
    pub(super) fn is_podman(&self) -> bool {
        !has_id(&self.info)
    }

    /// Makes an error of a failed request; `doing` says what was tried.
    pub(super) fn failed(&self, doing: impl Into<String>, error: &bollard::errors::Error) -> Error {
        explain(doing.into(), &self.endpoint, error)
    }

    /// The same of a request in which the settings of a container have a part.
    pub(super) fn refused(
        &self,
        config: &DockerConfig,
        step: Step,
        doing: impl Into<String>,
        error: &bollard::errors::Error,
    ) -> Error {
        explain_of(doing.into(), &self.asked(config, step), error)
    }

    /// What the answers of the daemon are about.
    pub(super) fn asked<'a>(&'a self, config: &'a DockerConfig, step: Step) -> Asked<'a> {
        Asked {
            endpoint: &self.endpoint,
            config: Some(config),
            step,
        }
    }

    /// Looks at a container, by id or name; `None` is the daemon's word that there is none.
    pub(super) async fn inspect(
        &self,
        container: &str,
    ) -> ClientResult<Option<ContainerInspectResponse>> {
        let look = self
            .client
            .inspect_container(container, None::<InspectContainerOptions>);
        found(bounded(LOOK, look).await)
    }

    /// Lists the containers that say they are ours, also those that ended.
    pub(super) async fn ours(&self) -> ClientResult<Vec<ContainerSummary>> {
        let label = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
        let filters = HashMap::from([("label", vec![label])]);
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        bounded(LOOK, self.client.list_containers(Some(options))).await
    }

    /// Lists a container's processes; `None` when it is gone.
    pub(super) async fn top(&self, container: &str) -> ClientResult<Option<ContainerTopResponse>> {
        // Podman asks its host's /proc for these, and else runs a `ps` in the container, which may have none.
        let columns = TopOptionsBuilder::default().ps_args("pid,args").build();
        let options = self.is_podman().then_some(columns);
        let look = self.client.top_processes(container, options);
        found(bounded(LOOK, look).await)
    }

    /// Reads the end of what a container said on both its streams; `None` when it is gone.
    pub(super) async fn tail(
        &self,
        container: &str,
        lines: usize,
        bytes: usize,
    ) -> ClientResult<Option<String>> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let parts = self.client.logs(container, Some(options));
        let parts = parts.map(|part| part.map(bollard::container::LogOutput::into_bytes));
        let Some(mut said) = found(bounded(LOOK, end_of(parts, bytes)).await)? else {
            return Ok(None);
        };
        if said.len() > bytes {
            said.drain(..said.len() - bytes);
            // Not in the middle of a line.
            let begin = said.iter().position(|byte| *byte == b'\n');
            said.drain(..begin.map_or(0, |at| at + 1));
        }
        Ok(Some(String::from_utf8_lossy(&said).into_owned()))
    }

    /// Downloads the beginning of an archive of a folder, which tells whose it is.
    pub(super) async fn head(&self, container: &str, path: &str) -> ClientResult<Vec<u8>> {
        /// Some blocks: what a name or an attribute is told in comes before the first entry.
        const ENOUGH: usize = 4096;
        let options = DownloadFromContainerOptionsBuilder::default()
            .path(path)
            .build();
        let parts = self
            .client
            .download_from_container(container, Some(options));
        let head = async {
            let mut parts = std::pin::pin!(parts);
            let mut head = Vec::new();
            while head.len() < ENOUGH
                && let Some(part) = parts.next().await
            {
                head.extend_from_slice(&part?);
            }
            Ok(head)
        };
        bounded(LOOK, head).await
    }

    /// Downloads a path of a container as an archive; `None` when there is none.
    pub(super) async fn archive(
        &self,
        container: &str,
        path: &str,
    ) -> ClientResult<Option<Vec<u8>>> {
        /// No file that is asked for is larger; a larger one is cut, and then cannot be read.
        const LARGEST: usize = 16 << 20;
        let options = DownloadFromContainerOptionsBuilder::default()
            .path(path)
            .build();
        let mut parts = self
            .client
            .download_from_container(container, Some(options));
        let all = async {
            let mut all = Vec::new();
            while let Some(part) = parts.next().await {
                all.extend_from_slice(&part?);
                if all.len() > LARGEST {
                    break;
                }
            }
            Ok(all)
        };
        match bounded(LOOK, all).await {
            Ok(all) => Ok(Some(all)),
            Err(error) if is_no_file(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks for a container and its anonymous volumes to be removed, whatever it does.
    pub(super) async fn remove(&self, container: &str) -> ClientResult<()> {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        bounded(ACT, self.client.remove_container(container, Some(options))).await
    }
}

/// What tells a daemon from all others. Virtual machines that were cloned share the engine's id, and daemons of one host may:
/// so its host and its folder belong to it.
fn identity(info: &SystemInfo, id: &str) -> String {
    let told = |text: &Option<String>| text.clone().unwrap_or_default();
    let id = if has_id(info) { id } else { "" };
    [id, &told(&info.name), &told(&info.docker_root_dir)].join("\n")
}

/// Whether the engine's id stays the same: Podman makes a new one for every question. It says the same of its license,
/// as Docker's engine never does (`pkg/api/handlers/compat/info.go`).
fn has_id(info: &SystemInfo) -> bool {
    info.product_license.as_deref() != Some("Apache-2.0")
}

/// Bounds a request that changes something.
pub(super) async fn act<T>(request: impl Future<Output = ClientResult<T>>) -> ClientResult<T> {
    bounded(ACT, request).await
}

/// Bounds a request that only looks.
pub(super) async fn look<T>(request: impl Future<Output = ClientResult<T>>) -> ClientResult<T> {
    bounded(LOOK, request).await
}

/// Bounds a whole request; the client's own limit ends with the head of the answer.
async fn bounded<T>(
    limit: Duration,
    request: impl Future<Output = ClientResult<T>>,
) -> ClientResult<T> {
    timeout(limit, request)
        .await
        .unwrap_or(Err(bollard::errors::Error::RequestTimeoutError))
}

fn found<T>(answer: ClientResult<T>) -> ClientResult<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error, "container") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Collects a stream, never holding much more than twice its last `bytes`.
async fn end_of<B: AsRef<[u8]>>(
    parts: impl Stream<Item = ClientResult<B>>,
    bytes: usize,
) -> ClientResult<Vec<u8>> {
    let mut parts = std::pin::pin!(parts);
    let mut end: Vec<u8> = Vec::new();
    while let Some(part) = parts.next().await {
        end.extend_from_slice(part?.as_ref());
        if end.len() > bytes * 2 {
            end.drain(..end.len() - bytes - 1);
        }
    }
    Ok(end)
}

fn client(endpoint: &Endpoint) -> ClientResult<bollard::Docker> {
    let seconds = ACT.as_secs();
    match &endpoint.way {
        Transport::Unix(path) => bollard::Docker::connect_with_unix(
            &path.to_string_lossy(),
            seconds,
            API_DEFAULT_VERSION,
        ),
        Transport::Tcp(address) => {
            bollard::Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION)
        }
        Transport::Tls(address, certificates) => bollard::Docker::connect_with_ssl(
            address,
            &certificates.join("key.pem"),
            &certificates.join("cert.pem"),
            &certificates.join("ca.pem"),
            seconds,
            API_DEFAULT_VERSION,
        ),
        Transport::Ssh(address) => SshTransport::to(address).client(seconds),
    }
}

/// Mends two things in what bollard 0.21 sends: its paths lack the version that was agreed on, and
/// it writes registry credentials in the wrong one of the two base64 alphabets (the daemon reads the
/// URL-safe one, and takes what it cannot read for no credentials at all).
fn speak(mut request: BollardRequest, version: &bollard::ClientVersion) -> BollardRequest {
    let uri = request.uri().to_string();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if let Some(base) = uri.strip_suffix(path)
        && let Ok(versioned) = format!("{base}/v{version}{path}").parse()
    {
        *request.uri_mut() = versioned;
    }
    if let Some(value) = request.headers_mut().get_mut("x-registry-auth")
        && let Ok(text) = value.to_str()
        && let Ok(safe) = text.replace('+', "-").replace('/', "_").parse()
    {
        *value = safe;
        value.set_sensitive(true);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, name: &str, folder: &str, license: Option<&str>) -> String {
        let info = SystemInfo {
            name: Some(name.to_owned()),
            docker_root_dir: Some(folder.to_owned()),
            product_license: license.map(str::to_owned),
            ..SystemInfo::default()
        };
        digest::place(identity(&info, id))
    }

    #[test]
    fn a_daemon_is_its_engine_its_host_and_its_folder() {
        let docker = |id, name, folder| place(id, name, folder, None);
        let one = docker("AAAA:BBBB", "box", "/var/lib/docker");
        // printf 'AAAA:BBBB\nbox\n/var/lib/docker' | sha256sum
        assert_eq!(one, "6e0e04ad3d3e");
        for other in [
            docker("CCCC:DDDD", "box", "/var/lib/docker"),
            docker("AAAA:BBBB", "clone", "/var/lib/docker"),
            docker("AAAA:BBBB", "box", "/srv/docker"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_podman_is_the_same_whatever_id_it_says_it_has() {
        let podman = |id, name| place(id, name, "/var/lib/containers", Some("Apache-2.0"));
        assert_eq!(podman("c52dee84", "box"), podman("18ef3c9c", "box"));
        assert_ne!(podman("c52dee84", "box"), podman("c52dee84", "clone"));
    }

    #[tokio::test]
    async fn only_the_end_of_a_long_log_is_held() {
        let parts = (0..1000).map(|n| Ok(format!("{n}\n")));
        let end = end_of(futures_util::stream::iter(parts), 64).await.unwrap();
        assert!((64..=128).contains(&end.len()), "{}", end.len());
        assert!(String::from_utf8(end).unwrap().ends_with("998\n999\n"));
    }
}
