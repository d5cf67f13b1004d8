//! The table of a docker provider, and the container that it describes.

use std::collections::BTreeMap;
use std::fmt;

use bollard::models::{
    DeviceMapping, DeviceRequest, HostConfig, RestartPolicy, RestartPolicyNameEnum,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{ExistingPath, JobUser, RunAs, is_reserved};
use crate::providers::common::words::check_word;
use crate::providers::schema::{backticked, dotted};
use crate::providers::{EnvName, Error, Result};

/// The image that GitHub publishes with a runner in it.
const IMAGE: &str = "ghcr.io/actions/actions-runner:latest";

/// What `cpus` must be.
const CPUS: &str = "a number of processors, at least 0.01, such as `1.5`";

/// What `memory` and `shm_size` must be.
const SIZE: &str = "a size such as `\"4g\"` or `\"512m\"`, or a number of bytes";

/// The smallest memory that the daemon takes, in bytes.
const LEAST_MEMORY: u64 = 6 * 1024 * 1024;

/// Settings of a docker provider.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the table"
)]
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DockerConfig {
    /// The directory of the Docker client's `config.json`, contexts and certificates; else
    /// `$DOCKER_CONFIG`, `~/.docker`.
    #[schemars(extend("x-harmless" = false))]
    pub config_dir: Option<ExistingPath>,
    /// The Docker context that names the daemon; else `$DOCKER_CONTEXT`, then the current one.
    /// Not together with `host`.
    #[schemars(extend("x-harmless" = false))]
    pub context: Option<String>,
    /// Where the daemon is: `unix://PATH`, `tcp://HOST:PORT`, `ssh://USER@HOST`; else `$DOCKER_HOST`.
    /// Empty: as if nothing were set.
    #[schemars(extend("x-harmless" = false))]
    pub host: Option<String>,
    /// Whether `tcp://` uses TLS, with the daemon's certificate verified; else
    /// `$DOCKER_TLS_VERIFY`.
    #[schemars(extend("x-harmless" = false))]
    pub tls_verify: bool,
    /// Whether boot scripts and registry passwords may go to a `tcp://` daemon without TLS.
    #[schemars(extend("x-harmless" = false))]
    pub allow_plain_http: bool,
    /// The directory of `ca.pem`, `cert.pem` and `key.pem`; else `$DOCKER_CERT_PATH`, `config_dir`.
    #[schemars(extend("x-harmless" = false))]
    pub cert_path: Option<ExistingPath>,
    /// The image of the container; it needs `/bin/sh`.
    #[schemars(extend("x-harmless" = false))]
    pub image: String,
    /// When the image is pulled: `missing`, `always` or `never`.
    #[schemars(extend("x-harmless" = false))]
    pub pull: Pull,
    /// The platform of the image (`linux/arm64`); the daemon's own when left out.
    #[schemars(extend("x-harmless" = true))]
    pub platform: Option<String>,
    /// How many processors the container may use (`1.5`); all when left out.
    #[schemars(extend("x-expected" = CPUS))]
    #[schemars(extend("x-harmless" = true))]
    pub cpus: Option<f64>,
    /// How much memory the container may use (`"4g"`, `"512m"`, or bytes); all when left out.
    #[schemars(extend("x-harmless" = true))]
    pub memory: Option<Amount>,
    /// The size of `/dev/shm` (`"1g"`, or bytes); 64 MiB when left out.
    #[schemars(extend("x-harmless" = true))]
    pub shm_size: Option<Amount>,
    /// The GPUs of the container: `"all"`, a number, or a list of device IDs.
    #[schemars(extend("x-harmless" = true))]
    pub gpus: Option<GpuRequest>,
    /// Devices of the daemon's host: `/dev/x`, `/dev/x:/dev/y`, `/dev/x:/dev/y:rwm`.
    #[schemars(extend("x-harmless" = false))]
    pub devices: Vec<String>,
    /// Directories of the daemon's host, or named volumes: `SOURCE:/TARGET` or `SOURCE:/TARGET:ro`.
    #[schemars(extend("x-harmless" = false))]
    pub volumes: Vec<String>,
    /// Variables of the container. Anyone who may use the daemon sees them: set no secrets here.
    #[schemars(extend("x-harmless" = false))]
    pub env: BTreeMap<EnvName, String>,
    /// The network of the container: a name, `bridge`, or `host`.
    #[schemars(extend("x-harmless" = false))]
    pub network: Option<String>,
    /// The user that the boot script runs as: `NAME`, `UID`, `USER:GROUP`; the image's when left out.
    #[schemars(extend("x-harmless" = false))]
    pub user: Option<String>,
    /// Whom the runner and its jobs run as: `runner`, `root`, or a user of the image. When it is set, the container starts
    /// as root; when left out, jobs run as `runner`, or as the user that `user` or the image names.
    #[schemars(extend("x-harmless" = false))]
    pub run_as: Option<RunAs>,
    /// Whether the container is privileged: it then has all rights over the daemon's host.
    #[schemars(extend("x-harmless" = false))]
    pub privileged: bool,
    /// The runtime, where the daemon has several (`nvidia`, `sysbox-runc`).
    #[schemars(extend("x-harmless" = false))]
    pub runtime: Option<String>,
    /// Whether jobs may use the daemon's socket. Every job is then root on the daemon's host.
    #[schemars(extend("x-harmless" = false))]
    pub docker_socket: bool,
    /// Additional lines of `/etc/hosts`: `HOST:ADDRESS`, or `HOST:host-gateway` for the daemon's host.
    #[schemars(extend("x-harmless" = false))]
    pub extra_hosts: Vec<String>,
    /// Whether an init process passes on signals and reaps what jobs leave behind.
    #[schemars(extend("x-harmless" = false))]
    pub init: bool,
    /// Additional labels of the container.
    #[schemars(extend("x-harmless" = false))]
    pub labels: BTreeMap<String, String>,
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            config_dir: None,
            context: None,
            host: None,
            tls_verify: false,
            allow_plain_http: false,
            cert_path: None,
            image: IMAGE.to_owned(),
            pull: Pull::Missing,
            platform: None,
            cpus: None,
            memory: None,
            shm_size: None,
            gpus: None,
            devices: Vec::new(),
            volumes: Vec::new(),
            env: BTreeMap::new(),
            network: None,
            user: None,
            run_as: None,
            privileged: false,
            runtime: None,
            docker_socket: false,
            extra_hosts: Vec::new(),
            init: true,
            labels: BTreeMap::new(),
        }
    }
}

impl DockerConfig {
    /// Whom jobs run as. The volumes of Docker's own are that user's; folders of the daemon's host stay whose they are.
    pub(super) fn job_user(&self) -> JobUser {
        JobUser {
            run_as: self.run_as.clone().unwrap_or_default(),
            is_privileged: false,
            folders: self.own_volumes().map(str::to_owned).collect(),
        }
    }

    /// Whom the container starts as; `None` is the image's choice. Only root can become another user.
    pub(super) fn start_user(&self) -> Option<String> {
        let root = self.run_as.as_ref().map(|_| "root".to_owned());
        self.user.clone().or(root)
    }

    /// Where the volumes of Docker's own are that jobs may write to.
    pub(super) fn own_volumes(&self) -> impl Iterator<Item = &str> {
        self.volumes.iter().filter_map(|volume| {
            let mut parts = volume.split(':');
            let (source, target) = (parts.next()?, parts.next()?);
            let is_read_only = parts
                .flat_map(|part| part.split(','))
                .any(|part| part == "ro");
            (!source.starts_with('/') && !is_read_only).then_some(target)
        })
    }
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// Before the first launch of a `start`, whether it is there or not.
    Always,
    /// When the daemon does not have it.
    Missing,
    /// Never: the daemon has it, or the launch fails.
    Never,
}

/// A number of bytes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = SIZE))]
pub enum Amount {
    /// In bytes.
    Bytes(u64),
    /// With a unit of 1024 (`512m`, `4g`, `4GiB`).
    Text(String),
}

/// Which GPUs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = "`\"all\"`, a number of GPUs or an array of device IDs"))]
pub enum GpuRequest {
    /// So many.
    Count(u32),
    /// `all`, or a number as text.
    Text(String),
    /// These, by index or UUID.
    Devices(Vec<String>),
}

impl Amount {
    /// Reads it for a setting.
    fn bytes(&self, key: &str) -> Result<u64> {
        let text = match self {
            Self::Bytes(bytes) => return Ok(*bytes),
            Self::Text(text) => text,
        };
        parse_bytes(text).ok_or_else(|| Error::unfit(key, SIZE, backticked(text)))
    }
}

/// As it was written.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// Checks all settings and describes the container's share of its host.
///
/// # Errors
///
/// A value that cannot be meant is a `Config` error that names the key and what to write.
pub(super) fn host_config(config: &DockerConfig) -> Result<HostConfig> {
    check_words(config)?;
    check_run_as(config)?;
    for key in config.labels.keys() {
        if is_reserved(key) {
            return Err(Error::setting(
                dotted(&["labels".to_owned(), key.clone()]),
                format!(
                    "the label `{key}` is reserved: gharun finds its machines by it; choose another"
                ),
            ));
        }
    }
    let bytes = |key, amount: &Option<Amount>, least: u64| -> Result<Option<i64>> {
        let Some(amount) = amount else {
            return Ok(None);
        };
        let bytes = amount.bytes(key)?;
        if bytes < least {
            let expected = format!("at least {least} bytes, Docker's minimum");
            return Err(Error::unfit(
                key,
                &expected,
                backticked(&amount.to_string()),
            ));
        }
        i64::try_from(bytes).map(Some).map_err(|_| {
            Error::unfit(
                key,
                "a size that Docker can count",
                backticked(&amount.to_string()),
            )
        })
    };
    Ok(HostConfig {
        nano_cpus: config.cpus.map(nano_cpus).transpose()?,
        memory: bytes("memory", &config.memory, LEAST_MEMORY)?,
        shm_size: bytes("shm_size", &config.shm_size, 1)?,
        device_requests: config.gpus.as_ref().map(gpus).transpose()?.map(|r| vec![r]),
        devices: each("devices", &config.devices, device)?,
        binds: each("volumes", &config.volumes, volume)?,
        network_mode: config.network.clone(),
        privileged: Some(config.privileged),
        runtime: config.runtime.clone(),
        extra_hosts: each("extra_hosts", &config.extra_hosts, extra_host)?,
        init: Some(config.init),
        // A container that ended stays, so that its exit code and its log can be told, and is
        // never started again: a runner serves one job.
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        ..HostConfig::default()
    })
}

/// Reads every text of a list, or says what it must be; an empty list is none.
fn each<T>(
    key: &str,
    texts: &[String],
    read: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Option<Vec<T>>> {
    let texts = texts.iter().enumerate();
    let read = texts.map(|(number, text)| {
        let key = format!("{key}[{number}]");
        read(text).map_err(|expected| Error::unfit(key, expected, backticked(text)))
    });
    let read: Vec<T> = read.collect::<Result<_>>()?;
    Ok((!read.is_empty()).then_some(read))
}

fn check_words(config: &DockerConfig) -> Result<()> {
    let words = [
        ("image", Some(config.image.as_str())),
        ("network", config.network.as_deref()),
        ("platform", config.platform.as_deref()),
        ("runtime", config.runtime.as_deref()),
        ("user", config.user.as_deref()),
    ];
    for (key, word) in words {
        check_word(key, word)?;
    }
    Ok(())
}

/// Refuses to become a user from one who cannot become another.
fn check_run_as(config: &DockerConfig) -> Result<()> {
    let (Some(user), Some(run_as)) = (&config.user, &config.run_as) else {
        return Ok(());
    };
    let name = user.split(':').next().unwrap_or_default();
    if matches!(name, "" | "0" | "root") || *name == run_as.to_string() {
        return Ok(());
    }
    let message =
        format!("`user = \"{user}\"` starts the container as a user who cannot become `{run_as}`");
    Err(Error::setting("run_as", message).hinted(format!(
        "remove `user`: then the container starts as root, and jobs run as `{run_as}`"
    )))
}

fn nano_cpus(cpus: f64) -> Result<i64> {
    if !(0.01..=100_000.0).contains(&cpus) {
        return Err(Error::unfit("cpus", CPUS, format!("`{cpus}`")));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range above keeps it far below the limits of i64"
    )]
    Ok((cpus * 1e9).round() as i64)
}

fn gpus(gpus: &GpuRequest) -> Result<DeviceRequest> {
    let expected = "`\"all\"`, a number of GPUs, or an array of device IDs";
    let bad = |found: &str| Err(Error::unfit("gpus", expected, found));
    let (count, device_ids) = match gpus {
        GpuRequest::Count(0) => return bad("`0`"),
        GpuRequest::Count(count) => (Some(i64::from(*count)), None),
        // The daemon's spelling of all.
        GpuRequest::Text(text) if text == "all" => (Some(-1), None),
        GpuRequest::Text(text) => match text.parse::<u32>() {
            Ok(count) if count > 0 => (Some(i64::from(count)), None),
            _ => return bad(&backticked(text)),
        },
        GpuRequest::Devices(ids) if ids.is_empty() => return bad("an empty array"),
        GpuRequest::Devices(ids) if ids.iter().any(String::is_empty) => {
            return bad("an array with an empty string");
        }
        GpuRequest::Devices(ids) => (None, Some(ids.clone())),
    };
    Ok(DeviceRequest {
        count,
        device_ids,
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    })
}

fn device(text: &str) -> Result<DeviceMapping, &'static str> {
    let expected = "a device such as `/dev/x`, `/dev/x:/dev/y` or `/dev/x:/dev/y:rwm`";
    let parts: Vec<&str> = text.split(':').collect();
    let rights = |part: &str| !part.is_empty() && part.chars().all(|c| "rwm".contains(c));
    let (host, inside, rights) = match parts[..] {
        [host] => (host, host, "rwm"),
        [host, second] if rights(second) => (host, host, second),
        [host, inside] => (host, inside, "rwm"),
        [host, inside, third] if rights(third) => (host, inside, third),
        _ => return Err(expected),
    };
    if !host.starts_with('/') || !inside.starts_with('/') {
        return Err(expected);
    }
    Ok(DeviceMapping {
        path_on_host: Some(host.to_owned()),
        path_in_container: Some(inside.to_owned()),
        cgroup_permissions: Some(rights.to_owned()),
    })
}

fn volume(text: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = text.split(':').collect();
    let named = |source: &str| {
        source.starts_with(|c: char| c.is_ascii_alphanumeric())
            && source
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
    };
    let fine = matches!(parts[..], [source, target] | [source, target, _]
        if (source.starts_with('/') || named(source)) && target.starts_with('/'))
        && parts.get(2).is_none_or(|options| !options.is_empty());
    if fine {
        Ok(text.to_owned())
    } else {
        Err("`/PATH:/TARGET` or `NAME:/TARGET`, with `:ro` to make it read-only")
    }
}

fn extra_host(text: &str) -> Result<String, &'static str> {
    match text.split_once(':') {
        Some((host, address))
            if !host.is_empty()
                && (address == "host-gateway"
                    || address
                        .trim_matches(['[', ']'])
                        .parse::<std::net::IpAddr>()
                        .is_ok()) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("an entry for `/etc/hosts`: `HOST:ADDRESS` or `HOST:host-gateway`"),
    }
}

#[cfg(test)]
mod tests;
