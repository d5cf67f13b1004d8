//! What requests must keep to beyond the description of the messages: documented in words, or seen.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::values::Wrong;

const GIBIBYTE: i64 = 1 << 30;

/// Collects what is wrong.
struct Judge {
    wrong: Vec<Wrong>,
    strict_labels: bool,
}

impl Judge {
    fn want(&mut self, holds: bool, field: &str, what: &str) {
        if !holds {
            self.wrong.push((field.to_owned(), what.to_owned()));
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What is wrong with a request beyond the description. It needs no description.
pub(super) fn check(call: &str, body: &Value, strict_labels: bool) -> Vec<Wrong> {
    let mut judge = Judge {
        wrong: Vec::new(),
        strict_labels,
    };
    match call {
        "jobs.create" => {
            metadata(&body["metadata"], &mut judge);
            job(&body["spec"], &mut judge);
        }
        "instances.create" => {
            metadata(&body["metadata"], &mut judge);
            instance(&body["spec"], &mut judge);
        }
        "disks.create" => metadata(&body["metadata"], &mut judge),
        _ => {}
    }
    judge.wrong
}

fn metadata(metadata: &Value, judge: &mut Judge) {
    let parent = text(metadata, "parentId");
    judge.want(!parent.is_empty(), "metadata.parentId", "is required");
    for output in ["id", "createdAt", "updatedAt"] {
        let field = format!("metadata.{output}");
        judge.want(metadata.get(output).is_none(), &field, "is Nebius' to set");
    }
    // As for subnets, whose description says it; compute's is silent.
    let name = text(metadata, "name");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let named = (2..=255).contains(&name.len())
        && name.chars().all(plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric());
    judge.want(named, "metadata.name", "is no name");
    labels(&metadata["labels"], "metadata.labels", judge);
}

/// The strictest that clouds ask of labels, Kubernetes' syntax: Nebius' description is silent.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
fn labels(labels: &Value, field: &str, judge: &mut Judge) {
    fn word(text: &str) -> bool {
        let plain = |letter: u8| letter.is_ascii_alphanumeric();
        let bytes = text.as_bytes();
        bytes.len() <= 63
            && bytes
                .iter()
                .all(|letter| plain(*letter) || b"-_.".contains(letter))
            && bytes.first().copied().is_some_and(plain)
            && bytes.last().copied().is_some_and(plain)
    }
    if !judge.strict_labels {
        return;
    }
    let none = Map::new();
    let labels = labels.as_object().unwrap_or(&none);
    judge.want(labels.len() <= 64, field, "are more than 64");
    for (key, value) in labels {
        let (prefix, name) = key.split_once('/').unwrap_or(("", key));
        let prefixed = prefix.is_empty() != key.contains('/')
            && prefix.len() <= 253
            && !prefix.contains(|letter: char| letter.is_ascii_uppercase() || letter == '_')
            && (prefix.is_empty() || prefix.split('.').all(word));
        let field = format!("{field}[{key}]");
        judge.want(prefixed && word(name), &field, "is no key of a label");
        let value = value.as_str().unwrap_or("\0");
        judge.want(
            value.is_empty() || word(value),
            &field,
            "is no value of a label",
        );
    }
}

/// Spot prices are for what is preemptible, and what is preemptible needs to say its price's model (since 2026-10-08).
fn pricing(spot: bool, stated: bool, preemptible: bool, field: &str, judge: &mut Judge) {
    judge.want(
        stated || !preemptible,
        field,
        "is required with preemptible",
    );
    judge.want(
        spot == preemptible || !stated,
        field,
        "must be spot if and only if preemptible",
    );
}

fn job(spec: &Value, judge: &mut Judge) {
    for field in ["image", "platform", "preset", "subnetId"] {
        let sent = !text(spec, field).is_empty();
        judge.want(sent, &format!("spec.{field}"), "is required");
    }
    let disk = &spec["disk"];
    judge.want(
        !text(disk, "type").is_empty(),
        "spec.disk.type",
        "is required",
    );
    let size = text(disk, "sizeBytes").parse::<i64>();
    judge.want(
        size.is_ok_and(|size| size >= GIBIBYTE && size % GIBIBYTE == 0),
        "spec.disk.sizeBytes",
        "is no number of GiB",
    );
    for field in ["args", "containerCommand"] {
        let sent = &spec[field];
        let field = format!("spec.{field}");
        judge.want(sent.is_null() || sent.is_string(), &field, "is one string");
    }
    if let Some(timeout) = spec.get("timeout") {
        let seconds = timeout.as_str().and_then(|text| text.strip_suffix('s'));
        let seconds = seconds.and_then(|text| text.parse::<f64>().ok());
        judge.want(
            seconds.is_some_and(|seconds| (3_600.0..=604_800.0).contains(&seconds)),
            "spec.timeout",
            "must be from 1h to 168h",
        );
    }
    let mut paths = HashSet::new();
    for (index, file) in items(&spec["injectedFiles"]).iter().enumerate() {
        let field = format!("spec.injectedFiles[{index}]");
        let path = text(file, "containerPath");
        judge.want(path.starts_with('/'), &field, "has no absolute path");
        judge.want(paths.insert(path), &field, "is there twice");
        let content = STANDARD.decode(text(file, "content"));
        judge.want(
            content.is_ok_and(|content| content.len() <= 65_536),
            &field,
            "is no base64 of at most 64 KiB",
        );
    }
    let mut names = HashSet::new();
    for (index, variable) in items(&spec["environmentVariables"]).iter().enumerate() {
        let field = format!("spec.environmentVariables[{index}]");
        let name = text(variable, "name");
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let good = !name.is_empty()
            && name.chars().all(plain)
            && !name.starts_with(|first: char| first.is_ascii_digit());
        judge.want(good, &field, "has no name of a variable");
        judge.want(names.insert(name), &field, "is there twice");
        let value = variable.get("value").is_some();
        let secret = variable.get("mysteryboxSecret").is_some();
        judge.want(!(value && secret), &field, "has a value and a secret");
    }
    let model = spec.get("pricingModel").and_then(Value::as_object);
    let spot = model.is_some_and(|model| !model.contains_key("onDemand"));
    let preemptible = spec["preemptible"] == true;
    pricing(
        spot,
        model.is_some(),
        preemptible,
        "spec.pricingModel",
        judge,
    );
}

fn instance(spec: &Value, judge: &mut Judge) {
    let resources = &spec["resources"];
    for field in ["platform", "preset"] {
        let sent = !text(resources, field).is_empty();
        judge.want(sent, &format!("spec.resources.{field}"), "is required");
    }
    let boot = &spec["bootDisk"];
    judge.want(
        text(boot, "attachMode") == "READ_WRITE",
        "spec.bootDisk.attachMode",
        "must be READ_WRITE",
    );
    if let Some(managed) = boot.get("managedDisk") {
        let spec = &managed["spec"];
        let field = "spec.bootDisk.managedDisk";
        judge.want(
            !text(managed, "name").is_empty(),
            &format!("{field}.name"),
            "is required",
        );
        let family = text(&spec["sourceImageFamily"], "imageFamily");
        let source = !family.is_empty()
            || !text(spec, "sourceImageId").is_empty()
            || !text(spec, "sourceSnapshotId").is_empty();
        judge.want(source, field, "has nothing to boot from");
        let size = text(spec, "sizeGibibytes").parse::<i64>();
        let least = if family.contains("cuda") { 40 } else { 1 };
        let enough = spec.get("sizeGibibytes").is_none() || size.is_ok_and(|size| size >= least);
        judge.want(
            enough,
            &format!("{field}.spec.sizeGibibytes"),
            "is smaller than the image",
        );
        labels(&managed["labels"], &format!("{field}.labels"), judge);
    }
    let interfaces = items(&spec["networkInterfaces"]);
    judge.want(
        !interfaces.is_empty(),
        "spec.networkInterfaces",
        "is required",
    );
    for (index, interface) in interfaces.iter().enumerate() {
        let field = format!("spec.networkInterfaces[{index}]");
        let sent = !text(interface, "subnetId").is_empty();
        judge.want(sent, &format!("{field}.subnetId"), "is required");
        let sent = interface["ipAddress"].is_object();
        judge.want(sent, &format!("{field}.ipAddress"), "is required");
    }
    judge.want(
        text(spec, "cloudInitUserData").chars().count() <= 32_768,
        "spec.cloudInitUserData",
        "is longer than 32768",
    );
    let preemptible = spec.get("preemptible").is_some();
    let spot = spec.get("followsSpotPrice").is_some() || spec.get("spotPricingPolicy").is_some();
    let stated = spot || spec.get("onDemand").is_some();
    pricing(spot, stated, preemptible, "spec.preemptible", judge);
    judge.want(
        !preemptible || text(spec, "recoveryPolicy") == "FAIL",
        "spec.recoveryPolicy",
        "must be FAIL with preemptible",
    );
}
