//! What the tenant has from the beginning: a project, a subnet, platforms, and what is said of their stock.

use serde_json::{Value, json};

use super::conditions::{Conditions, Stock};
use super::refusal::Refusal;

/// The tenant.
pub const TENANT: &str = "tenant-e00acme";
/// Its project.
pub const PROJECT: &str = "project-e00acme";
/// The project's region.
pub const REGION: &str = "eu-north1";
/// The project's default subnet.
pub const SUBNET: &str = "vpcsubnet-e00default";
/// A subnet that somebody made.
pub(super) const OTHER_SUBNET: &str = "vpcsubnet-e00apps";

/// A preset: name, GPUs, vCPUs, GiB of memory.
type Preset = (&'static str, u32, u32, u32);

/// Platforms: name, GB of a GPU's memory, whether preemptible ones are had, presets.
const PLATFORMS: [(&str, u32, bool, &[Preset]); 8] = [
    (
        "gpu-h200-sxm",
        141,
        true,
        &[
            ("1gpu-16vcpu-200gb", 1, 16, 200),
            ("8gpu-128vcpu-1600gb", 8, 128, 1600),
        ],
    ),
    (
        "gpu-h100-sxm",
        80,
        true,
        &[
            ("1gpu-16vcpu-200gb", 1, 16, 200),
            ("8gpu-128vcpu-1600gb", 8, 128, 1600),
        ],
    ),
    (
        "gpu-l40s-a",
        48,
        true,
        &[
            ("1gpu-8vcpu-32gb", 1, 8, 32),
            ("1gpu-40vcpu-160gb", 1, 40, 160),
        ],
    ),
    ("gpu-l40s-d", 48, true, &[("1gpu-16vcpu-96gb", 1, 16, 96)]),
    (
        "gpu-b200-sxm",
        180,
        false,
        &[("8gpu-160vcpu-1792gb", 8, 160, 1792)],
    ),
    (
        "gpu-b300-sxm",
        288,
        false,
        &[("1gpu-24vcpu-346gb", 1, 24, 346)],
    ),
    ("cpu-d3", 0, false, &[("4vcpu-16gb", 0, 4, 16)]),
    ("cpu-e2", 0, false, &[("2vcpu-8gb", 0, 2, 8)]),
];

/// A project of another tenant, in another region.
pub const FOREIGN: &str = "project-u00other";

/// What the calculator says of a machine, in US dollars an hour; it knows no price of the newest platform.
pub(super) fn price(platform: &str, preset: &str, preemptible: bool) -> Option<f64> {
    let found = PLATFORMS.iter().find(|(name, ..)| *name == platform)?;
    let (_, gpus, vcpus, _) = found.3.iter().find(|(name, ..)| *name == preset)?;
    let each = match platform {
        "gpu-b200-sxm" => 7.30,
        "gpu-h200-sxm" => 5.50,
        "gpu-h100-sxm" => 4.60,
        "gpu-l40s-a" | "gpu-l40s-d" => 1.55,
        "cpu-d3" | "cpu-e2" => 0.03,
        _ => return None,
    };
    let price = each * f64::from(if *gpus > 0 { *gpus } else { *vcpus });
    Some(if preemptible { price / 2.0 } else { price })
}

/// Whether there is such a platform, and such a preset of it.
pub(super) fn offered(platform: &str, preset: &str) -> Result<(), Refusal> {
    let wrong = |field: &str, what: String| Refusal::bad_request(&[(field.to_owned(), what)]);
    let found = PLATFORMS.iter().find(|(name, ..)| *name == platform);
    let Some((.., presets)) = found else {
        let what = format!("platform {platform} not found");
        return Err(wrong("spec.platform", what));
    };
    if presets.iter().any(|(name, ..)| *name == preset) {
        Ok(())
    } else {
        let what = format!("preset {preset} not found in platform {platform}");
        Err(wrong("spec.preset", what))
    }
}

pub(super) fn platforms() -> Vec<Value> {
    PLATFORMS
        .iter()
        .map(|(name, memory, preemptible, presets)| {
            let presets: Vec<Value> = presets
                .iter()
                .map(|(name, gpus, vcpus, memory)| {
                    json!({"name": name, "resources": {
                        "vcpuCount": vcpus, "memoryGibibytes": memory, "gpuCount": gpus,
                    }})
                })
                .collect();
            json!({
                "metadata": {"id": format!("computeplatform-e00{name}"), "parentId": PROJECT, "name": name},
                "spec": {
                    "presets": presets,
                    "gpuCountQuotaType": format!("compute.instance.gpu.{name}"),
                    "humanReadableName": name,
                    "gpuMemoryGigabytes": memory,
                },
                "status": {"allowedForPreemptibles": preemptible},
            })
        })
        .collect()
}

pub(super) fn subnet(id: &str) -> Result<Value, Refusal> {
    let all = subnets(true);
    let mut found = all
        .into_iter()
        .filter(|subnet| subnet["metadata"]["id"] == id);
    found.next().ok_or_else(|| Refusal::not_found(id))
}

pub(super) fn subnets(default: bool) -> Vec<Value> {
    // The default one is not the first, nor on the first page.
    let names = [
        (OTHER_SUBNET, "apps"),
        ("vpcsubnet-e00backup", "backup"),
        (SUBNET, "default-subnet-x7k2"),
    ];
    let subnets = names.iter().filter(|(id, _)| default || *id != SUBNET);
    subnets
        .map(|(id, name)| {
            json!({
                "metadata": {"id": id, "parentId": PROJECT, "name": name},
                "spec": {"networkId": "vpcnetwork-e00default"},
                "status": {"state": "READY"},
            })
        })
        .collect()
}

pub(super) fn project() -> Value {
    json!({
        "metadata": {"id": PROJECT, "parentId": TENANT, "name": "ci"},
        "spec": {"region": REGION},
    })
}

/// What is told of another tenant's project to those who may know of it.
pub(super) fn foreign() -> Value {
    json!({
        "metadata": {"id": FOREIGN, "parentId": "tenant-u00other", "name": "theirs"},
        "spec": {"region": "us-central1"},
    })
}

pub(super) fn advices(conditions: &Conditions) -> Vec<Value> {
    let mut advices = Vec::new();
    for (platform, memory, preemptible, presets) in PLATFORMS {
        for (preset, gpus, vcpus, gibibytes) in presets {
            let (level, available) = match conditions.stock_of(platform, preset) {
                Stock::Plenty => ("AVAILABILITY_LEVEL_HIGH", 12),
                Stock::Units(left) => (
                    "AVAILABILITY_LEVEL_MEDIUM",
                    u32::try_from(left).unwrap_or(u32::MAX),
                ),
                Stock::Refused | Stock::Later(_) => ("AVAILABILITY_LEVEL_LOW", 0),
                Stock::Quota | Stock::QuotaLater(_) => ("AVAILABILITY_LEVEL_LIMIT_REACHED", 0),
            };
            let there = json!({
                "dataState": "DATA_STATE_FRESH",
                "available": available,
                "availabilityLevel": level,
                "effectiveAt": "2026-11-01T00:00:00Z",
            });
            let mut status = json!({"onDemand": there});
            if preemptible {
                status["preemptible"] = there;
            }
            advices.push(json!({
                "metadata": {"id": format!("resourceadvice-{platform}-{preset}"), "parentId": TENANT},
                "spec": {"region": REGION, "computeInstance": {
                    "platform": platform,
                    "preset": {"name": preset, "resources": {
                        "vcpuCount": vcpus, "memoryGibibytes": gibibytes, "gpuCount": gpus,
                    }},
                    "gpuMemoryGigabytes": memory,
                }},
                "status": status,
            }));
        }
    }
    advices
}

pub(super) fn quotas() -> Vec<Value> {
    PLATFORMS
        .iter()
        .map(|(name, ..)| {
            json!({
                "metadata": {"id": format!("quotaallowance-e00{name}"), "parentId": TENANT, "name": format!("compute.instance.gpu.{name}")},
                "spec": {"limit": "12", "region": REGION},
                "status": {"usage": "1"},
            })
        })
        .collect()
}
