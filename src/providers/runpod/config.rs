//! The table of a runpod provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::model::{RunAs, Secret};
use crate::providers::common::words::PRICE;
use crate::providers::{EnvName, OneOrMany};

mod check;
#[cfg(test)]
mod tests;

/// The image that GitHub publishes with a runner in it.
const IMAGE: &str = "ghcr.io/actions/actions-runner:latest";
/// Where RunPod's REST API, version 2, is. <https://docs.runpod.io/api-reference-v2>
const ENDPOINT: &str = "https://api.runpod.io/v2";
/// Enough for that image, in GB.
const DISK: u32 = 20;
/// Enough for most images with CUDA, unpacked: artokun/comfyui-mcp#2014 has one of 23 GB.
const DISK_OF_OTHERS: u32 = 40;
/// Where a volume is seen in a pod when nothing else is said, as with RunPod's own images.
const PATH: &str = "/workspace";

/// Settings of a runpod provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunPodConfig {
    /// The API key: `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM"] }`; else
    /// `$RUNPOD_API_KEY`. It must be allowed to read, create and delete pods.
    #[schemars(extend("x-harmless" = false))]
    pub api_key: Secret,
    /// The GPU: RunPod's id (`"NVIDIA L40S"`) or a short name (`"L40S"`, `"4090"`), or a list of them,
    /// tried in order. A short name that fits several GPUs means all of them, the cheapest first.
    #[schemars(extend("x-harmless" = true))]
    pub gpu: Option<OneOrMany>,
    /// How many GPUs a pod has; 1 when left out.
    #[schemars(extend("x-harmless" = true))]
    pub gpu_count: Option<u32>,
    /// Instead of `gpu`, the CPU flavor (`"cpu5c"`), or a list of them, tried in order.
    #[schemars(extend("x-harmless" = true))]
    pub cpu: Option<OneOrMany>,
    /// How many virtual CPUs a pod of `cpu` has: a power of two; 4 when left out.
    #[schemars(extend("x-harmless" = true))]
    pub vcpus: Option<u32>,
    /// `secure` (RunPod's own data centers), `community` (other people's computers), or `any`: both are
    /// tried, the cheaper one first.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub cloud: Cloud,
    /// The data centers that a pod may be in (`["EU-RO-1", "US-KS-2"]`); all when left out.
    #[serde(default)]
    #[schemars(extend("x-harmless" = true))]
    pub data_centers: Vec<String>,
    /// The image of the pod; it needs `/bin/sh`, `base64`, `gzip`, `tar`, and `curl` or `wget`.
    #[serde(default = "image")]
    #[schemars(extend("x-harmless" = false))]
    pub image: String,
    /// The id of a registry credential that is kept at RunPod, for a private image.
    #[schemars(extend("x-harmless" = false))]
    pub registry: Option<String>,
    /// The size of the container's disk in GB, which holds the unpacked image, too; it is wiped whenever the pod restarts.
    /// 20 when left out, and 40 for GPUs with an `image` of your own.
    #[schemars(extend("x-harmless" = true))]
    pub disk: Option<u32>,
    /// A volume on the pod's host, for GPUs: its size in GB, or `{ size = 20, path = "/workspace" }`. It ends
    /// with the pod.
    pub volume: Option<PodVolume>,
    /// A network volume: its id, or `{ id = "ID", path = "/workspace" }`. It stays when the pod ends. Pods are in its data
    /// center then, in the secure cloud.
    #[schemars(extend("x-harmless" = false))]
    pub network_volume: Option<NetworkVolume>,
    /// The lowest CUDA version of the pod's host (`"12.4"`); when left out, the one that the tag of `image` names
    /// (`12.8.0-runtime`, `cuda12.8`, `cu128`). Where neither tells it, any host may be chosen, and `start` warns.
    #[schemars(extend("x-harmless" = true))]
    pub min_cuda: Option<String>,
    /// The least memory for each GPU, in GB. No catalog tells which hosts have it: RunPod only refuses.
    #[schemars(extend("x-harmless" = true))]
    pub min_ram_per_gpu: Option<u32>,
    /// The least number of virtual CPUs for each GPU.
    #[schemars(extend("x-harmless" = true))]
    pub min_vcpu_per_gpu: Option<u32>,
    /// Ports that are opened: `"8888/http"`, `"22/tcp"`.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub ports: Vec<String>,
    /// Variables of the pod. Anyone with a key of the account sees them: for what is secret, write the name of
    /// a secret kept at RunPod, `"{{ RUNPOD_SECRET_NAME }}"`.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub env: BTreeMap<EnvName, String>,
    /// Whom jobs run as: `runner` (an unprivileged user), `root`, or a user that the image has. The folders of `volume`
    /// and `network_volume` are given to that user.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub run_as: RunAs,
    /// The most that a pod may cost, in US dollars an hour, all its GPUs together. What costs more by RunPod's list is
    /// not tried, and a pod that is billed at more is ended, unless its runner has a job by then; without that list nothing
    /// is launched. A bill that RunPod tells only after `start` has ended changes nothing.
    #[schemars(extend("x-expected" = PRICE))]
    #[schemars(extend("x-harmless" = true))]
    pub max_price: Option<f64>,
    /// The address of the API; else `$RUNPOD_REST_V2_API_URL`, `https://api.runpod.io/v2`. Pods use it too,
    /// to end themselves.
    #[serde(default = "endpoint")]
    #[schemars(extend("x-harmless" = false))]
    pub endpoint: String,
    /// Whether the API key and the boot script may go to `endpoint` unencrypted, by `http://`.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub allow_plain_http: bool,
    /// What the user calls this table.
    #[serde(skip, default = "table")]
    #[schemars(skip)]
    pub(super) table: String,
    /// The data center of the network volume, once it is known.
    #[serde(skip)]
    #[schemars(skip)]
    pub(super) pinned: Option<String>,
}

fn table() -> String {
    "runpod".to_owned()
}

fn image() -> String {
    IMAGE.to_owned()
}

fn endpoint() -> String {
    ENDPOINT.to_owned()
}

/// Whose computers a pod may be on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cloud {
    /// Both are tried.
    Any,
    /// Other people's.
    Community,
    /// RunPod's.
    #[default]
    Secure,
}

/// A volume on the pod's host.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = "a size in GB or `{ size = 20, path = \"/workspace\" }`"))]
pub enum PodVolume {
    /// Its size in GB.
    #[schemars(extend("x-harmless" = true))]
    Size(u32),
    /// More of it.
    Table(VolumeTable),
}

/// A volume on the pod's host, with its path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeTable {
    /// Its size in GB.
    #[schemars(extend("x-harmless" = true))]
    pub size: u32,
    /// Where it is seen.
    #[serde(default = "path")]
    #[schemars(extend("x-harmless" = false))]
    pub path: String,
}

/// A network volume.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = "an ID or `{ id = \"ID\", path = \"/workspace\" }`"))]
pub enum NetworkVolume {
    /// Its id.
    Id(String),
    /// More of it.
    Table(NetworkVolumeTable),
}

/// A network volume, with its path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkVolumeTable {
    /// Its id.
    pub id: String,
    /// Where it is seen.
    #[serde(default = "path")]
    pub path: String,
}

fn path() -> String {
    PATH.to_owned()
}

impl PodVolume {
    /// Size in GB and path.
    pub(super) fn parts(&self) -> (u32, &str) {
        match self {
            Self::Size(size) => (*size, PATH),
            Self::Table(table) => (table.size, &table.path),
        }
    }
}

impl NetworkVolume {
    /// Id and path.
    pub(super) fn parts(&self) -> (&str, &str) {
        match self {
            Self::Id(id) => (id, PATH),
            Self::Table(table) => (&table.id, &table.path),
        }
    }
}

impl RunPodConfig {
    /// How many GPUs a pod has.
    pub(super) fn count(&self) -> u32 {
        self.gpu_count.unwrap_or(1)
    }

    /// The size of the container's disk in GB.
    pub(super) fn disk(&self) -> u32 {
        let default = if self.gpu.is_some() && self.image != IMAGE {
            DISK_OF_OTHERS
        } else {
            DISK
        };
        self.disk.unwrap_or(default)
    }

    /// The lowest CUDA version that the host may have.
    pub(super) fn min_cuda(&self) -> Option<String> {
        let of_image = || self.gpu.as_ref().and_then(|_| cuda_of(&self.image));
        self.min_cuda.clone().or_else(of_image)
    }

    /// Whether nothing tells which drivers an image of the user's own needs for its GPU.
    pub(super) fn lacks_cuda(&self) -> bool {
        self.gpu.is_some() && self.image != IMAGE && self.min_cuda().is_none()
    }

    /// The data centers that a pod may be in; empty is any.
    pub(super) fn centers(&self) -> Vec<String> {
        match &self.pinned {
            Some(center) => vec![center.clone()],
            None => self.data_centers.clone(),
        }
    }

    /// How many virtual CPUs a pod without GPU has.
    pub(super) fn vcpus(&self) -> u32 {
        self.vcpus.unwrap_or(4)
    }
}

/// The CUDA version that the name of an image tells: `nvidia/cuda:12.8.0-…`, `…-cuda12.8-…`, `…-cu1281-…`.
fn cuda_of(image: &str) -> Option<String> {
    let image = image.split('@').next().unwrap_or_default();
    let (name, tag) = image
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))?;
    let version = |text: &str| {
        let mut parts = text.split('.');
        let (major, minor) = (parts.next()?, parts.next()?);
        let number = |part: &str| part.parse::<u32>().ok();
        let fits = (10..20).contains(&number(major)?) && number(minor)? < 20;
        fits.then(|| format!("{major}.{minor}"))
    };
    let mut words = tag.split(['-', '_']);
    if name.ends_with("/cuda") || name == "cuda" {
        return version(words.next()?);
    }
    words.find_map(|word| {
        let rest = word.strip_prefix("cu")?;
        if let Some(rest) = rest.strip_prefix("da") {
            return version(rest);
        }
        let is_short = matches!(rest.len(), 3 | 4) && rest.bytes().all(|b| b.is_ascii_digit());
        is_short.then(|| version(&format!("{}.{}", &rest[..2], &rest[2..3])))?
    })
}
