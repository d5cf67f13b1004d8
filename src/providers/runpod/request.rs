//! What is sent to RunPod for a pod: pure.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use serde::Serialize;
use serde_json::{Map, Value};

use super::candidates::{Candidate, Chip};
use super::config::{NetworkVolume, PodVolume, RunPodConfig};
use crate::model::{Order, Tags};
use crate::providers::Result;
use crate::providers::common::pack::{check_size, pack};

/// The variable that holds all tags, as a JSON object of texts.
pub(super) const TAGS: &str = "GHARUN_TAGS";
/// The variable that holds the boot script, packed with gzip and base64.
///
/// A variable and not an argument: every process of the pod can read the arguments of all others, but
/// only those of the same user their variables. Holders of an API key see both.
pub(super) const BOOT: &str = "GHARUN_BOOT";
/// The variable that holds the address of the API, for the pod's own end.
pub(super) const API: &str = "GHARUN_RUNPOD_API";
/// Our variables.
pub(super) const OURS: &[&str] = &[API, BOOT, TAGS];
/// How the variables begin that RunPod sets.
pub(super) const THEIRS: &str = "RUNPOD_";

/// The longest body that RunPod takes, in bytes; a longer one is answered with 413.
pub(super) const LONGEST_BODY: usize = 102_400;
/// What makes a body long.
const BODY: &str = "the boot script with the variables";

/// Shell code by which a pod deletes itself, with the key that RunPod gives it for that; without the
/// comments, which are for people.
pub(super) static ENDING: LazyLock<String> = LazyLock::new(|| {
    let lines = include_str!("ending.sh").lines().map(str::trim);
    let wanted = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    wanted.flat_map(|line| [line, "\n"]).collect()
});

/// The pod's first process. It runs the boot script as a child, so that the script's watchdog can end what
/// hangs, and never ends itself: a container that ends is restarted, and its job would be run twice. The
/// script ends its pod; where that cannot be unpacked, or was killed with its watchdog, this process does.
///
/// A pod that is kept when it fails is kept by the script, whose watchdog ends it with its lifetime: where both are gone,
/// nothing is left that would, so the pod goes at once.
fn first_process() -> String {
    let ending = ENDING.as_str();
    format!(
        r#"end() (
{ending})
sh -c 'script=$(printf %s "${BOOT}" | base64 -d | gzip -dc) || exit
unset {BOOT}
eval "$script"' gharun &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' HUP INT TERM
code=0
while kill -0 "$child" 2>/dev/null; do
wait "$child"
code=$?
done
attempt=0
pause=2
while :; do
attempt=$((attempt + 1))
end
sleep "$pause"
[ "$pause" -ge 30 ] || pause=$((pause * 2))
done
"#
    )
}

/// The body of `POST /v2/pods`. <https://docs.runpod.io/api-reference-v2/pods/create-a-pod>
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatePod {
    name: String,
    image: String,
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gpu: Option<Gpu>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<Cpu>,
    cloud: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_center_ids: Vec<String>,
    disk: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounts: Option<Mounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
    /// Lets the account's SSH keys in.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_ssh: Option<bool>,
    env: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "RunPod's own names")]
#[serde(rename_all = "camelCase")]
struct Gpu {
    id: String,
    /// Always sent: without it RunPod was seen to find no instances where there are some.
    count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_cuda_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_ram_per_gpu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_vcpu_count_per_gpu: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cpu {
    id: String,
    vcpu_count: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Mounts {
    Persistent { size: u32, path: String },
    Network([NetworkMount; 1]),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkMount {
    volume_id: String,
    path: String,
}

/// Describes the pod of an order, but for its candidate.
///
/// # Errors
///
/// The boot script is too long for RunPod: a `Config` error about the user's `setup`.
pub(super) fn env(
    config: &RunPodConfig,
    api: &str,
    order: &Order,
) -> Result<BTreeMap<String, String>> {
    let named = config.env.iter();
    let mut env: BTreeMap<String, String> = named
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    env.insert(API.to_owned(), api.to_owned());
    env.insert(BOOT.to_owned(), packed(order.boot.expose())?);
    env.insert(TAGS.to_owned(), tags(&order.tags));
    Ok(env)
}

/// Whether a boot script fits into a creation, as far as its length is known before there is an order.
///
/// # Errors
///
/// It does not: a `Config` error about the user's `setup`.
pub(super) fn takes(config: &RunPodConfig, boot: &str) -> Result<()> {
    let named = config.env.iter();
    let named = named.map(|(name, value)| name.to_string().len() + value.len());
    let length = packed(boot)?.len() + first_process().len() + named.sum::<usize>();
    check_size("RunPod", BODY, length, LONGEST_BODY)
}

/// The body of a creation.
///
/// # Errors
///
/// It is longer than RunPod takes: a `Config` error about the user's `setup`.
pub(super) fn create_pod(
    config: &RunPodConfig,
    env: &BTreeMap<String, String>,
    order: &Order,
    candidate: &Candidate,
) -> Result<CreatePod> {
    let (gpu, cpu) = match &candidate.chip {
        Chip::Gpu(id) => (
            Some(Gpu {
                id: id.clone(),
                count: config.count(),
                min_cuda_version: config.min_cuda(),
                min_ram_per_gpu: config.min_ram_per_gpu,
                min_vcpu_count_per_gpu: config.min_vcpu_per_gpu,
            }),
            None,
        ),
        Chip::Cpu(id) => (
            None,
            Some(Cpu {
                id: id.clone(),
                vcpu_count: config.vcpus(),
            }),
        ),
    };
    let volume = config.volume.as_ref().map(PodVolume::parts);
    let network = config.network_volume.as_ref().map(NetworkVolume::parts);
    let mounts = match (volume, network) {
        (Some((size, path)), _) => Some(Mounts::Persistent {
            size,
            path: path.to_owned(),
        }),
        (None, Some((id, path))) => Some(Mounts::Network([NetworkMount {
            volume_id: id.to_owned(),
            path: path.to_owned(),
        }])),
        (None, None) => None,
    };
    let body = CreatePod {
        name: order.name.to_string(),
        image: config.image.clone(),
        entrypoint: vec!["/bin/sh".to_owned(), "-c".to_owned()],
        cmd: vec![first_process()],
        gpu,
        cpu,
        cloud: candidate.cloud.word(),
        data_center_ids: candidate.data_centers.clone(),
        disk: config.disk(),
        mounts,
        registry: config.registry.clone(),
        ports: config.ports.clone(),
        // Nobody looks into another one, and a job is not to find a key that it might use.
        start_ssh: order.keep_failed.then_some(true),
        env: env.clone(),
    };
    let length = serde_json::to_vec(&body).map_or(0, |body| body.len());
    check_size("RunPod", BODY, length, LONGEST_BODY)?;
    Ok(body)
}

/// The boot script: gzip, in base64. The pod has less time than anybody to unpack it wrongly: no
/// quotes, no line ends, nothing that RunPod takes for the name of a secret.
fn packed(script: &str) -> Result<String> {
    Ok(base64::engine::general_purpose::STANDARD.encode(pack(script)?))
}

/// All tags in one variable: a pod has 50 of them at most.
pub(super) fn tags(tags: &Tags) -> String {
    let pairs = tags.pairs().into_iter();
    let object: Map<String, Value> = pairs
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect();
    Value::from(object).to_string()
}

#[cfg(test)]
mod tests;
