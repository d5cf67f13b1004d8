//! A job: a container on a machine of its own, with the boot script among its files.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::candidates::Candidate;
use super::config::NebiusConfig;
use super::labels;
use crate::model::Order;
use crate::providers::Result;
use crate::providers::common::pack::{check_size, pack};

/// The most bytes of a file, before its base64. (Nebius's description of `JobSpec.FileInjection`.)
const MOST: usize = 64 << 10;
/// How long a job may take, at least and at most. (The same of `JobSpec.timeout`.)
const SHORTEST: Duration = Duration::from_hours(1);
pub(super) const LONGEST: Duration = Duration::from_hours(168);

/// The arguments are one string that is split at its blanks: there is no quoting, and none is needed.
const SHELL: &str = "/bin/sh";
const BOOT: &str = "/gharun/boot";
const PACKED: &str = "/gharun/boot.gz";
/// Unpacks a script that is too long for a file.
pub(super) const UNPACK: &str = "umask 077
f=$(mktemp) && gzip -dc /gharun/boot.gz >\"$f\" || exit 75
rm -f /gharun/boot.gz
exec sh \"$f\"
";

/// The creation of a job.
pub(super) fn request(
    config: &NebiusConfig,
    project: &str,
    subnet: &str,
    candidate: &Candidate,
    order: &Order,
) -> Result<Value> {
    let mut spec = Map::new();
    let mut set = |key: &str, value: Value| spec.insert(key.to_owned(), value);
    set("image", config.image().into());
    if !config.env.is_empty() {
        let env = config.env.iter();
        let env = env.map(|(name, value)| json!({ "name": name, "value": value }));
        set("environmentVariables", env.collect());
    }
    set("containerCommand", SHELL.into());
    set("args", BOOT.into());
    if let Some(credentials) = registry(config) {
        set("registryCredentials", credentials);
    }
    set("platform", candidate.platform.as_str().into());
    set("preset", candidate.preset.as_str().into());
    if let Some(size) = config.shm_size {
        set("shmSizeBytes", bytes(size).into());
    }
    set(
        "disk",
        json!({ "type": config.disk.r#type.spelled(), "sizeBytes": bytes(config.disk.size) }),
    );
    set("subnetId", subnet.into());
    if config.public_ip {
        set("publicIp", true.into());
    }
    if config.preemptible {
        set("preemptible", true.into());
        set("pricingModel", pricing(config));
    }
    // Of 64 bits, which proto3 JSON writes as text.
    set("restartAttempts", "0".into());
    set("timeout", timeout(order.lifetime).into());
    set("injectedFiles", files(order.boot.expose())?);
    Ok(json!({
        "metadata": {
            "parentId": project,
            "name": order.name.as_str(),
            "labels": labels::labels(&order.tags, &config.labels),
        },
        "spec": spec,
    }))
}

/// How a preemptible machine is paid for.
pub(super) fn pricing(config: &NebiusConfig) -> Value {
    match &config.pricing_policy {
        Some(id) => json!({ "spotPricingPolicy": { "id": id } }),
        None => json!({ "followsSpotPrice": {} }),
    }
}

fn registry(config: &NebiusConfig) -> Option<Value> {
    let registry = config.registry.as_ref()?;
    if let Some(secret) = &registry.secret {
        return Some(json!({ "mysteryboxSecretVersion": secret }));
    }
    let (username, password) = (
        registry.username.as_ref()?,
        config.registry_password.as_ref()?,
    );
    Some(json!({ "username": username, "password": password.expose() }))
}

fn bytes(gib: u32) -> String {
    (u64::from(gib) << 30).to_string()
}

/// The lifetime as the job's own limit. The script ends it before that; this holds where the script does not
/// come to run, as with a bad image.
fn timeout(lifetime: Duration) -> String {
    let seconds = lifetime.clamp(SHORTEST, LONGEST).as_secs();
    format!("{seconds}s")
}

/// The files of a job: the script, packed where it is too long.
///
/// # Errors
///
/// It is too long for Nebius even so: a `Config` error about the user's `setup`.
pub(super) fn files(script: &str) -> Result<Value> {
    let file = |path: &str, content: &[u8]| json!({ "containerPath": path, "content": STANDARD.encode(content) });
    if script.len() <= MOST {
        return Ok(json!([file(BOOT, script.as_bytes())]));
    }
    let packed = pack(script)?;
    check_size("Nebius", "the boot script", packed.len(), MOST)?;
    Ok(json!([
        file(BOOT, UNPACK.as_bytes()),
        file(PACKED, &packed)
    ]))
}
