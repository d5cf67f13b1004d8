//! The table of a nebius provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::model::{ExistingPath, HumanDuration, KeySetting, RunAs, Secret};
use crate::providers::common::rest::{address, encrypted};
use crate::providers::{EnvName, OneOrMany, Result};

mod check;

/// Nebius's REST gateway. <https://docs.nebius.com/rest-api>
const ENDPOINT: &str = "https://api.nebius.cloud";
/// Where service accounts get their tokens.
/// <https://docs.nebius.com/iam/service-accounts/authorized-keys>
const AUTH_ENDPOINT: &str = "https://auth.eu.nebius.com";
/// The path of the exchange, where `auth_endpoint` names none.
const EXCHANGE: &str = "/oauth2/token/exchange";
/// The container image that GitHub publishes with a runner in it.
const CONTAINER: &str = "ghcr.io/actions/actions-runner:latest";
/// The family of boot images with drivers and CUDA.
const FAMILY: &str = "ubuntu24.04-cuda13.0";
/// The smallest disk that the CUDA images fit on, in GiB.
const LEAST_DISK: u32 = 40;

/// Settings of a nebius provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NebiusConfig {
    /// What is rented: `job` (a Serverless AI Job: a container on a machine of its own, which ends with it)
    /// or `vm` (a virtual machine, for jobs that need Docker).
    #[schemars(extend("x-harmless" = false))]
    pub product: Product,
    /// The project, `project-…`, in which machines are made and looked for; else the profile's `parent-id`.
    #[schemars(extend("x-harmless" = false))]
    pub project: Option<String>,
    /// The tenant, `tenant-…`, whose stock `providers offers` shows; else the profile's `tenant-id`, else the
    /// project's.
    #[schemars(extend("x-harmless" = false))]
    pub tenant: Option<String>,
    /// A valid token; else `$NEBIUS_IAM_TOKEN`. It takes precedence over the other credentials, and
    /// expires after twelve hours at most.
    #[schemars(extend("x-harmless" = false))]
    pub iam_token: Option<Secret>,
    /// The key file of a service account, as `nebius iam auth-public-key generate` writes it: its path, or the
    /// source of its text.
    #[schemars(extend("x-harmless" = false))]
    pub service_account_key: Option<KeySetting>,
    /// The profile of `config_file` that gives credentials and project; else `$NEBIUS_PROFILE`, then the
    /// file's default.
    #[schemars(extend("x-harmless" = false))]
    pub profile: Option<String>,
    /// The configuration of the `nebius` command; else `~/.nebius/config.yaml`.
    #[schemars(extend("x-harmless" = false))]
    pub config_file: Option<ExistingPath>,
    /// Platforms, in order of preference (`gpu-l40s-a`, `gpu-h100-sxm`, `cpu-d3`); when left out `gpu-l40s-a`, or the
    /// first one that has the `preset`.
    #[schemars(extend("x-harmless" = true))]
    pub platform: Option<OneOrMany>,
    /// Presets, in order of preference (`1gpu-8vcpu-32gb`); each is tried on every platform that has it, and on no
    /// other. `PLATFORM/PRESET` is for that platform only. When left out, the smallest preset of each platform.
    #[schemars(extend("x-harmless" = true))]
    pub preset: Option<OneOrMany>,
    /// The subnet, `vpcsubnet-…`; the project's default one when left out.
    #[schemars(extend("x-harmless" = false))]
    pub subnet: Option<String>,
    /// Of a job the container image, which needs `/bin/sh`; of a VM the family of its boot image, or
    /// `computeimage-…`. When left out, GitHub's image with a runner in it, or Ubuntu 24.04 with CUDA.
    #[schemars(extend("x-harmless" = false))]
    pub image: Option<String>,
    /// The disk: `{ type, size }`, the size in GiB. Types: `network_ssd`, `network_hdd`,
    /// `network_ssd_non_replicated`, `network_ssd_io_m3`.
    pub disk: DiskConfig,
    /// Whether machines may be taken away at any time, for about half the price.
    #[schemars(extend("x-harmless" = true))]
    pub preemptible: bool,
    /// The spot pricing policy of preemptible machines; they follow the spot price when left out.
    #[schemars(extend("x-harmless" = true))]
    pub pricing_policy: Option<String>,
    /// The credentials for the registry of a job's image, if it is private: `{ username }` with
    /// `registry_password`, or `{ secret }`, a version of a `MysteryBox` secret that holds both.
    #[schemars(extend("x-harmless" = false))]
    pub registry: Option<Registry>,
    /// The password or token for the registry.
    #[schemars(extend("x-harmless" = false))]
    pub registry_password: Option<Secret>,
    /// Variables of a job's container. Anyone who may read the project's jobs sees them: set no secrets here.
    #[schemars(extend("x-harmless" = false))]
    pub env: BTreeMap<EnvName, String>,
    /// How much of a job's memory may be shared (`/dev/shm`), in GiB; Nebius decides when left out.
    #[schemars(extend("x-harmless" = true))]
    pub shm_size: Option<u32>,
    /// Whether machines get a public address. Without one they still reach the internet, unless the subnet's
    /// routes are your own.
    #[schemars(extend("x-harmless" = false))]
    pub public_ip: bool,
    /// Of a VM: the service account, `serviceaccount-…`, by which it deletes itself; it needs to be allowed
    /// to delete instances of the project, and every job may act as it. Without one a VM powers itself off,
    /// and its disk is billed until `gharun stop` removes it.
    #[schemars(extend("x-harmless" = false))]
    pub service_account: Option<String>,
    /// Of a VM: an SSH public key (`"ssh-ed25519 AAAA…"`) whose owner may log in as `root`, to look at a machine that
    /// `--keep-failed` kept; it needs `public_ip = true`.
    #[schemars(extend("x-harmless" = false))]
    pub ssh_key: Option<String>,
    /// Whom jobs run as: `runner` (an unprivileged user), `root`, or a user that the image has. On a VM `runner` and
    /// named users may use `sudo` without a password.
    #[schemars(extend("x-harmless" = false))]
    pub run_as: RunAs,
    /// Additional labels of machines and their disks.
    #[schemars(extend("x-harmless" = false))]
    pub labels: BTreeMap<String, String>,
    /// How long an order may wait for a machine (`"10m"`) until it is withdrawn and the next candidate is
    /// tried; Nebius itself gives up after half an hour. Within a `--timeout` of 15 minutes there is time for one other
    /// candidate: with more of them set less, such as `"4m"`. A job that has its machine and whose container does not
    /// start is withdrawn after half of it: its image cannot be pulled.
    #[schemars(extend("x-harmless" = true))]
    pub start_deadline: HumanDuration,
    /// The address of the REST gateway.
    #[schemars(extend("x-harmless" = false))]
    pub endpoint: String,
    /// The address where a service account's key becomes a token.
    #[schemars(extend("x-harmless" = false))]
    pub auth_endpoint: String,
    /// Whether tokens and boot scripts may go to `endpoint` and `auth_endpoint` unencrypted, by `http://`.
    #[schemars(extend("x-harmless" = false))]
    pub allow_plain_http: bool,
    /// What the user calls this table.
    #[serde(skip, default = "table")]
    #[schemars(skip)]
    pub(super) table: String,
}

fn table() -> String {
    "nebius".to_owned()
}

impl Default for NebiusConfig {
    fn default() -> Self {
        Self {
            product: Product::Job,
            project: None,
            tenant: None,
            iam_token: None,
            service_account_key: None,
            profile: None,
            config_file: None,
            platform: None,
            preset: None,
            subnet: None,
            image: None,
            disk: DiskConfig::default(),
            preemptible: false,
            pricing_policy: None,
            registry: None,
            registry_password: None,
            env: BTreeMap::new(),
            shm_size: None,
            public_ip: false,
            service_account: None,
            ssh_key: None,
            run_as: RunAs::default(),
            labels: BTreeMap::new(),
            start_deadline: HumanDuration::from_mins(10),
            endpoint: ENDPOINT.to_owned(),
            auth_endpoint: AUTH_ENDPOINT.to_owned(),
            allow_plain_http: false,
            table: table(),
        }
    }
}

/// What is rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    /// A Serverless AI Job.
    Job,
    /// A virtual machine.
    Vm,
}

/// A disk.
#[derive(Clone, Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiskConfig {
    /// What it is made of.
    #[schemars(extend("x-harmless" = true))]
    pub r#type: DiskType,
    /// In GiB.
    #[schemars(extend("x-harmless" = true))]
    pub size: u32,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            r#type: DiskType::NetworkSsd,
            size: 100,
        }
    }
}

/// What a disk is made of. <https://docs.nebius.com/compute/storage/types>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskType {
    /// SSDs over the network, kept threefold.
    NetworkSsd,
    /// Hard disks over the network.
    NetworkHdd,
    /// SSDs over the network, kept once.
    NetworkSsdNonReplicated,
    /// SSDs over the network, kept threefold, and fast.
    NetworkSsdIoM3,
}

impl DiskType {
    /// Nebius's own spelling.
    pub(super) fn spelled(self) -> &'static str {
        match self {
            Self::NetworkSsd => "NETWORK_SSD",
            Self::NetworkHdd => "NETWORK_HDD",
            Self::NetworkSsdNonReplicated => "NETWORK_SSD_NON_REPLICATED",
            Self::NetworkSsdIoM3 => "NETWORK_SSD_IO_M3",
        }
    }
}

/// Who may have a private image.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Registry {
    /// The user; the password is `registry_password`.
    pub username: Option<String>,
    /// The version of a `MysteryBox` secret, `mbsecver-…`, that holds user and password.
    pub secret: Option<String>,
}

impl NebiusConfig {
    /// The image as the product takes it.
    pub(super) fn image(&self) -> &str {
        self.image.as_deref().unwrap_or(match self.product {
            Product::Job => CONTAINER,
            Product::Vm => FAMILY,
        })
    }

    /// The address of the gateway.
    pub(super) fn gateway(&self) -> Result<Url> {
        self.address("endpoint", &self.endpoint)
    }

    fn address(&self, key: &str, text: &str) -> Result<Url> {
        let url = address(key, text)?;
        if !self.allow_plain_http {
            encrypted(key, &url)?;
        }
        Ok(url)
    }

    /// The address of the exchange, its path included.
    pub(super) fn exchange(&self) -> Result<Url> {
        let mut url = self.address("auth_endpoint", &self.auth_endpoint)?;
        if matches!(url.path(), "" | "/") {
            url.set_path(EXCHANGE);
        }
        Ok(url)
    }
}
