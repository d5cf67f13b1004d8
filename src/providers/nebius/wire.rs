//! What Nebius answers, as far as it is read: proto3 JSON, in which defaults are left out.

use serde::Deserialize;
use serde_json::Value;

use super::labels::Labels;

/// What every resource has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) id: String,
    pub(super) parent_id: String,
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) created_at: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Project {
    pub(super) metadata: Metadata,
    pub(super) spec: ProjectSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProjectSpec {
    pub(super) region: String,
}

/// `nebius.ai.v1.Job`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Job {
    pub(super) metadata: Metadata,
    pub(super) spec: JobSpec,
    pub(super) status: JobStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobSpec {
    pub(super) platform: String,
    pub(super) preset: String,
    pub(super) preemptible: bool,
    pub(super) disk: JobDisk,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobDisk {
    pub(super) size_bytes: Long,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobStatus {
    pub(super) state: String,
    pub(super) state_details: Option<StateDetails>,
    pub(super) instances: Vec<JobInstance>,
}

/// `nebius.ai.v1.JobInstanceStatus`: the machine that a job has got.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobInstance {
    pub(super) compute_instance_id: String,
    pub(super) compute_instance_state: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StateDetails {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) service_error: Option<ServiceError>,
}

/// `nebius.compute.v1.Instance`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Vm {
    pub(super) metadata: Metadata,
    pub(super) spec: VmSpec,
    pub(super) status: VmStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VmSpec {
    pub(super) resources: Resources,
    pub(super) preemptible: Option<Value>,
    pub(super) boot_disk: Attached,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) platform: String,
    pub(super) preset: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Attached {
    pub(super) managed_disk: Managed,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Managed {
    pub(super) spec: DiskSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DiskSpec {
    pub(super) size_gibibytes: Long,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct VmStatus {
    pub(super) state: String,
    pub(super) network_interfaces: Vec<Interface>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Interface {
    pub(super) public_ip_address: Option<Address>,
}

/// An address with its mask (`203.0.113.7/32`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    pub(super) address: String,
}

/// `nebius.compute.v1.Disk`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Disk {
    pub(super) metadata: Metadata,
    pub(super) spec: DiskSpec,
    pub(super) status: DiskStatus,
}

impl Disk {
    /// Whether no VM has it.
    pub(super) fn is_free(&self) -> bool {
        let status = &self.status;
        status.read_write_attachment.is_empty()
            && status.read_only_attachments.is_empty()
            && status.managed_by.is_empty()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DiskStatus {
    pub(super) read_write_attachment: String,
    pub(super) read_only_attachments: Vec<String>,
    pub(super) managed_by: String,
}

/// `nebius.vpc.v1.Subnet`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subnet {
    pub(super) metadata: Metadata,
}

/// `nebius.compute.v1.Platform`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Platform {
    pub(super) metadata: Metadata,
    pub(super) spec: PlatformSpec,
    pub(super) status: PlatformStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlatformSpec {
    pub(super) presets: Vec<Preset>,
    pub(super) human_readable_name: String,
    pub(super) short_human_readable_name: String,
    pub(super) gpu_memory_gigabytes: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PlatformStatus {
    pub(super) allowed_for_preemptibles: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Preset {
    pub(super) name: String,
    pub(super) resources: PresetResources,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PresetResources {
    pub(super) vcpu_count: u32,
    pub(super) memory_gibibytes: u32,
    pub(super) gpu_count: u32,
}

/// `nebius.capacity.v1.ResourceAdvice`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Advice {
    pub(super) spec: AdviceSpec,
    pub(super) status: AdviceStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AdviceSpec {
    pub(super) region: String,
    pub(super) compute_instance: AdviceMachine,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AdviceMachine {
    pub(super) platform: String,
    pub(super) preset: AdvicePreset,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AdvicePreset {
    pub(super) name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AdviceStatus {
    pub(super) on_demand: Option<Availability>,
    pub(super) preemptible: Option<Availability>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Availability {
    pub(super) data_state: String,
    pub(super) available: Option<u32>,
    #[serde(rename = "availabilityLevel")]
    pub(super) level: String,
}

/// `nebius.common.v1.Operation`: it is over once there is a status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) resource_id: String,
    pub(super) status: Option<Status>,
}

/// `google.rpc.Status`, which is also the body of a refusal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) details: Vec<Value>,
}

/// `nebius.common.v1.ServiceError`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceError {
    pub(super) service: String,
    pub(super) code: String,
    pub(super) bad_request: Option<Violations>,
    pub(super) bad_resource_state: Option<Value>,
    pub(super) resource_not_found: Option<ResourceId>,
    pub(super) resource_already_exists: Option<ResourceId>,
    pub(super) permission_denied: Option<Value>,
    pub(super) resource_conflict: Option<Value>,
    pub(super) operation_aborted: Option<Value>,
    pub(super) operation_conflict: Option<Value>,
    pub(super) too_many_requests: Option<Value>,
    pub(super) quota_failure: Option<Violations>,
    pub(super) not_enough_resources: Option<Violations>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceId {
    pub(super) resource_id: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Violations {
    pub(super) violations: Vec<Violation>,
}

/// One of any of the three kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Violation {
    pub(super) field: String,
    pub(super) message: String,
    pub(super) quota: String,
    pub(super) limit: String,
    pub(super) requested: String,
    pub(super) resource_type: String,
}

/// A number of 64 bits, which proto3 JSON writes as text and may write as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Long(pub(super) u64);

impl<'de> Deserialize<'de> for Long {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let bad = || serde::de::Error::custom("expected a 64-bit number");
        number.map(Self).ok_or_else(bad)
    }
}
