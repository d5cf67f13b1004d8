//! The table of a runpod provider.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::request::{OURS, THEIRS};
use crate::model::Secret;
use crate::providers::rest::address;
use crate::providers::{Error, Result};

/// The image that GitHub publishes with a runner in it.
const IMAGE: &str = "ghcr.io/actions/actions-runner:latest";
/// Where RunPod's REST API, version 2, is. <https://docs.runpod.io/api-reference-v2>
const ENDPOINT: &str = "https://api.runpod.io/v2";
/// Where a volume is seen in a pod when nothing else is said, as with RunPod's own images.
const PATH: &str = "/workspace";
/// How many variables a pod may have.
const VARIABLES: usize = 50;
/// The smallest host-local volume, in GB.
const LEAST_VOLUME: u32 = 10;

/// Settings of a runpod provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The API key: `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM"] }`; else
    /// `$RUNPOD_API_KEY`. It must be allowed to read, create and delete pods.
    pub api_key: Secret,
    /// The GPU: RunPod's id (`"NVIDIA L40S"`) or a short name (`"L40S"`, `"4090"`), or a list of them,
    /// tried in order. A short name that fits several GPUs means all of them, the cheapest first.
    pub gpu: Option<Names>,
    /// How many GPUs a pod has; 1 when left out.
    pub gpu_count: Option<u32>,
    /// In the place of `gpu`, the CPU flavor (`"cpu5c"`), or a list of them, tried in order.
    pub cpu: Option<Names>,
    /// How many virtual CPUs a pod of `cpu` has: a power of two; 4 when left out.
    pub vcpus: Option<u32>,
    /// `secure` (RunPod's own data centers), `community` (other people's computers), or `any`: both are
    /// tried, the cheaper one first.
    #[serde(default)]
    pub cloud: Cloud,
    /// The data centers that a pod may be in (`["EU-RO-1", "US-KS-2"]`); all when left out.
    #[serde(default)]
    pub data_centers: Vec<String>,
    /// The image of the pod; it needs `/bin/sh`, `base64`, `gzip`, `tar`, and `curl` or `wget`.
    #[serde(default = "image")]
    pub image: String,
    /// The id of a registry credential that is kept at RunPod, for a private image.
    pub registry: Option<String>,
    /// The size of the container's disk in GB; it is wiped whenever the pod restarts.
    #[serde(default = "disk")]
    pub disk: u32,
    /// A volume on the pod's host, for GPUs: its size in GB, or `{ size = 20, path = "/workspace" }`. It ends
    /// with the pod.
    pub volume: Option<Volume>,
    /// A network volume: its id, or `{ id = "ID", path = "/workspace" }`. It stays when the pod ends; the pod has
    /// to be in its data center.
    pub network_volume: Option<NetworkVolume>,
    /// The lowest CUDA version of the pod's host (`"12.4"`).
    pub min_cuda: Option<String>,
    /// The least memory for each GPU, in GB.
    pub min_ram_per_gpu: Option<u32>,
    /// The least number of virtual CPUs for each GPU.
    pub min_vcpu_per_gpu: Option<u32>,
    /// Ports that are opened: `"8888/http"`, `"22/tcp"`.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Variables of the pod. Whoever has a key of the account sees them: for what is secret, write the name of
    /// a secret kept at RunPod, `"{{ RUNPOD_SECRET_NAME }}"`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The most that a pod may cost, in US dollars an hour by RunPod's list price, all its GPUs together. Without
    /// that list nothing is launched.
    pub max_price: Option<f64>,
    /// The address of the API; else `$RUNPOD_REST_V2_API_URL`, `https://api.runpod.io/v2`. Pods use it too,
    /// to end themselves.
    #[serde(default = "endpoint")]
    pub endpoint: String,
}

fn image() -> String {
    IMAGE.to_owned()
}

fn disk() -> u32 {
    20
}

fn endpoint() -> String {
    ENDPOINT.to_owned()
}

/// One name, or several in order.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a name, or a list of names")]
pub enum Names {
    /// One.
    One(String),
    /// Several, in order.
    Several(Vec<String>),
}

impl Names {
    /// All of them, in order.
    pub(super) fn all(&self) -> Vec<&str> {
        match self {
            Self::One(name) => vec![name],
            Self::Several(names) => names.iter().map(String::as_str).collect(),
        }
    }
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
#[serde(
    untagged,
    expecting = "a size in GB, or `{ size = 20, path = \"/workspace\" }`"
)]
pub enum Volume {
    /// Its size in GB.
    Size(u32),
    /// More of it.
    Table(VolumeTable),
}

/// A volume on the pod's host, with its path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeTable {
    /// Its size in GB.
    pub size: u32,
    /// Where it is seen.
    #[serde(default = "path")]
    pub path: String,
}

/// A network volume.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "an id, or `{ id = \"ID\", path = \"/workspace\" }`"
)]
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

impl Volume {
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

impl Config {
    /// How many GPUs a pod has.
    pub(super) fn count(&self) -> u32 {
        self.gpu_count.unwrap_or(1)
    }

    /// How many virtual CPUs a pod without GPU has.
    pub(super) fn vcpus(&self) -> u32 {
        self.vcpus.unwrap_or(4)
    }

    /// Checks what can be checked without asking anybody, and tells the API's address.
    ///
    /// That neither `gpu` nor `cpu` is set is no fault yet: the account can be searched and swept.
    ///
    /// # Errors
    ///
    /// A value that cannot be meant is a `Config` error that names the key and what to write.
    pub(super) fn check(&self) -> Result<Url> {
        let key = self.api_key.expose();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                Error::setting("api_key", "`api_key` is empty, or no API key of RunPod")
                    .hinted("make one at https://console.runpod.io/user/settings"),
            );
        }
        self.check_machine()?;
        self.check_storage()?;
        self.check_words()?;
        self.check_env()?;
        let mut url = address("endpoint", &self.endpoint)?;
        if matches!(url.path(), "" | "/") {
            url.set_path("/v2");
        }
        Ok(url)
    }

    fn check_machine(&self) -> Result<()> {
        if self.gpu.is_some() && self.cpu.is_some() {
            return Err(Error::setting(
                "cpu",
                "a pod has GPUs or is without: write `gpu` or `cpu`, not both",
            ));
        }
        for (key, names) in [("gpu", &self.gpu), ("cpu", &self.cpu)] {
            let names = names.as_ref().map(Names::all);
            if names.is_some_and(|names| {
                names.is_empty() || names.iter().any(|name| name.trim().is_empty())
            }) {
                return Err(Error::setting(
                    key,
                    format!(
                        "`{key}` holds an empty name: write one as `gharun providers offers runpod` shows it"
                    ),
                ));
            }
        }
        let of_gpus = [
            ("gpu_count", self.gpu_count.is_some()),
            ("min_cuda", self.min_cuda.is_some()),
            ("min_ram_per_gpu", self.min_ram_per_gpu.is_some()),
            ("min_vcpu_per_gpu", self.min_vcpu_per_gpu.is_some()),
            ("volume", self.volume.is_some()),
        ];
        if self.cpu.is_some()
            && let Some((key, _)) = of_gpus.into_iter().find(|(_, set)| *set)
        {
            return Err(Error::setting(
                key,
                format!(
                    "`{key}` is for pods with GPUs: leave it out, or write `gpu` in the place of `cpu`"
                ),
            ));
        }
        if self.vcpus.is_some() && self.gpu.is_some() {
            return Err(Error::setting(
                "vcpus",
                "`vcpus` is for pods without GPU: write `min_vcpu_per_gpu`",
            ));
        }
        for (key, number) in [
            ("gpu_count", self.gpu_count),
            ("min_ram_per_gpu", self.min_ram_per_gpu),
            ("min_vcpu_per_gpu", self.min_vcpu_per_gpu),
        ] {
            if number == Some(0) {
                return Err(Error::setting(
                    key,
                    format!("0 is no `{key}`: write 1 or more"),
                ));
            }
        }
        if self.vcpus.is_some_and(|n| n < 2 || !n.is_power_of_two()) {
            return Err(Error::setting(
                "vcpus",
                format!(
                    "{} is no number of virtual CPUs: write a power of two from 2",
                    self.vcpus()
                ),
            ));
        }
        if self
            .max_price
            .is_some_and(|price| !price.is_finite() || price <= 0.0)
        {
            return Err(Error::setting(
                "max_price",
                "a price is more than nothing: write US dollars an hour, as in `0.8`",
            ));
        }
        if let Some(version) = &self.min_cuda
            && !is_version(version)
        {
            return Err(Error::setting(
                "min_cuda",
                format!("`{version}` is no CUDA version: write one as in `\"12.4\"`"),
            ));
        }
        Ok(())
    }

    fn check_storage(&self) -> Result<()> {
        if self.disk == 0 {
            return Err(Error::setting(
                "disk",
                "a container needs a disk: write its size in GB, 20 or more",
            ));
        }
        if self.volume.is_some() && self.network_volume.is_some() {
            return Err(Error::setting(
                "network_volume",
                "a pod has one volume: write `volume` or `network_volume`, not both",
            ));
        }
        if let Some((size, _)) = self.volume.as_ref().map(Volume::parts)
            && size < LEAST_VOLUME
        {
            return Err(Error::setting(
                "volume",
                format!("{size} GB are less than RunPod's least: write {LEAST_VOLUME} or more"),
            ));
        }
        let paths = [
            ("volume", self.volume.as_ref().map(|v| v.parts().1)),
            (
                "network_volume",
                self.network_volume.as_ref().map(|v| v.parts().1),
            ),
        ];
        for (key, path) in paths {
            if path.is_some_and(|path| !path.starts_with('/') || path.len() < 2) {
                return Err(Error::setting(
                    key,
                    "its `path` is no folder of the pod: write one as in `\"/workspace\"`",
                ));
            }
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let volume = self.network_volume.as_ref().map(|v| v.parts().0);
        let mut words = vec![
            ("image", Some(self.image.as_str())),
            ("registry", self.registry.as_deref()),
            ("network_volume", volume),
        ];
        words.extend(
            self.data_centers
                .iter()
                .map(|name| ("data_centers", Some(name.as_str()))),
        );
        for (key, word) in words {
            if word.is_some_and(|word| word.is_empty() || word.contains(char::is_whitespace)) {
                return Err(Error::setting(
                    key,
                    format!("`{key}` is empty or has a blank in it: write a name, or leave it out"),
                ));
            }
        }
        for port in &self.ports {
            let fine = port.split_once('/').is_some_and(|(number, kind)| {
                number.parse::<u16>().is_ok_and(|number| number > 0)
                    && matches!(kind, "http" | "tcp")
            });
            if !fine {
                return Err(Error::setting(
                    "ports",
                    format!("`{port}` is no port: write `8888/http` or `22/tcp`"),
                ));
            }
        }
        Ok(())
    }

    fn check_env(&self) -> Result<()> {
        for name in self.env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(Error::setting(
                    "env",
                    format!("`{name}` is no name of a variable"),
                ));
            }
            // Values for RunPod's own are overridden by it, and with another key no pod could end itself.
            if OURS.contains(&name.as_str()) || name.starts_with(THEIRS) {
                return Err(Error::setting(
                    format!("env.{name}"),
                    format!("gharun needs the variable `{name}` itself: choose another name"),
                ));
            }
        }
        let most = VARIABLES - OURS.len();
        if self.env.len() > most {
            return Err(Error::setting(
                "env",
                format!(
                    "{} variables are too many: RunPod takes {VARIABLES}, and {} are gharun's own. Write at most {most}",
                    self.env.len(),
                    OURS.len()
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a text is `major.minor`.
fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use serde_json::{Value, json};

    use super::*;

    fn config(settings: Value) -> Config {
        let mut table = json!({ "api_key": "key" });
        let Value::Object(settings) = settings else {
            panic!("settings are a table")
        };
        table.as_object_mut().expect("a table").extend(settings);
        serde_json::from_value(table).expect("settings")
    }

    #[test]
    fn a_key_alone_is_enough_to_search_the_account() {
        let config = config(json!({}));
        let url = config.check().unwrap();
        assert_eq!(url.as_str(), "https://api.runpod.io/v2");
        assert_eq!((config.disk, config.cloud), (20, Cloud::Secure));
        assert!(config.image.contains("actions-runner"));
    }

    #[test]
    fn everything_can_be_said() {
        let config = config(json!({
            "gpu": ["L40S", "NVIDIA A40"], "gpu_count": 2, "cloud": "any", "data_centers": ["EU-RO-1"],
            "image": "runpod/pytorch:1", "registry": "cred1", "disk": 50,
            "volume": { "size": 20 }, "min_cuda": "12.4", "min_ram_per_gpu": 8,
            "min_vcpu_per_gpu": 2, "ports": ["22/tcp", "8888/http"], "env": { "A": "1" },
            "max_price": 0.8, "endpoint": "https://proxy.example/runpod/",
        }));
        let url = config.check().unwrap();
        assert_eq!(url.as_str(), "https://proxy.example/runpod");
    }

    #[test]
    fn an_address_without_a_path_is_that_of_version_2() {
        let config = config(json!({ "endpoint": "http://127.0.0.1:9" }));
        assert_eq!(config.check().unwrap().as_str(), "http://127.0.0.1:9/v2");
    }

    #[test]
    fn what_cannot_be_meant_is_told_with_its_key_and_what_to_write() {
        let many: serde_json::Map<String, Value> =
            (0..48).map(|n| (format!("V{n}"), json!("x"))).collect();
        let mut table = String::new();
        for settings in [
            json!({ "api_key": " " }),
            json!({ "gpu": "L40S", "cpu": "cpu5c" }),
            json!({ "gpu": [] }),
            json!({ "gpu": ["A40", ""] }),
            json!({ "gpu": "A40", "gpu_count": 0 }),
            json!({ "cpu": "cpu5c", "min_cuda": "12.4" }),
            json!({ "cpu": "cpu5c", "volume": 20 }),
            json!({ "gpu": "A40", "vcpus": 4 }),
            json!({ "cpu": "cpu5c", "vcpus": 6 }),
            json!({ "max_price": 0.0 }),
            json!({ "min_cuda": "12" }),
            json!({ "disk": 0 }),
            json!({ "volume": 5 }),
            json!({ "volume": { "size": 20, "path": "data" } }),
            json!({ "volume": 20, "network_volume": "vol" }),
            json!({ "image": "" }),
            json!({ "data_centers": ["EU RO"] }),
            json!({ "ports": ["22"] }),
            json!({ "env": { "RUNPOD_API_KEY": "x" } }),
            json!({ "env": { "GHARUN_TAGS": "x" } }),
            json!({ "env": many }),
            json!({ "endpoint": "api.runpod.io" }),
        ] {
            let error = config(settings).check().expect_err("it cannot be meant");
            let key = error.key.clone().expect("a setting is at fault");
            writeln!(table, "{key}: {error}").expect("a text takes it");
        }
        insta::assert_snapshot!(table, @"
        api_key: `api_key` is empty, or no API key of RunPod
        cpu: a pod has GPUs or is without: write `gpu` or `cpu`, not both
        gpu: `gpu` holds an empty name: write one as `gharun providers offers runpod` shows it
        gpu: `gpu` holds an empty name: write one as `gharun providers offers runpod` shows it
        gpu_count: 0 is no `gpu_count`: write 1 or more
        min_cuda: `min_cuda` is for pods with GPUs: leave it out, or write `gpu` in the place of `cpu`
        volume: `volume` is for pods with GPUs: leave it out, or write `gpu` in the place of `cpu`
        vcpus: `vcpus` is for pods without GPU: write `min_vcpu_per_gpu`
        vcpus: 6 is no number of virtual CPUs: write a power of two from 2
        max_price: a price is more than nothing: write US dollars an hour, as in `0.8`
        min_cuda: `12` is no CUDA version: write one as in `\"12.4\"`
        disk: a container needs a disk: write its size in GB, 20 or more
        volume: 5 GB are less than RunPod's least: write 10 or more
        volume: its `path` is no folder of the pod: write one as in `\"/workspace\"`
        network_volume: a pod has one volume: write `volume` or `network_volume`, not both
        image: `image` is empty or has a blank in it: write a name, or leave it out
        data_centers: `data_centers` is empty or has a blank in it: write a name, or leave it out
        ports: `22` is no port: write `8888/http` or `22/tcp`
        env.RUNPOD_API_KEY: gharun needs the variable `RUNPOD_API_KEY` itself: choose another name
        env.GHARUN_TAGS: gharun needs the variable `GHARUN_TAGS` itself: choose another name
        env: 48 variables are too many: RunPod takes 50, and 3 are gharun's own. Write at most 47
        endpoint: `api.runpod.io` is no address of a server: write one as in `https://api.example.com/v1`
        ");
    }

    #[test]
    fn a_misspelled_cloud_or_key_is_refused_with_what_can_be_written() {
        let read = |settings: Value| {
            serde_json::from_value::<Config>(settings)
                .expect_err("it is misspelled")
                .to_string()
        };
        let cloud = read(json!({ "api_key": "k", "cloud": "secur" }));
        assert!(
            cloud.contains("expected one of `any`, `community`, `secure`"),
            "{cloud}"
        );
        let key = read(json!({ "api_key": "k", "gpus": 1 }));
        assert!(key.contains("unknown field `gpus`"), "{key}");
    }
}
