//! That wrong requests are refused and blamed.

use serde_json::{Value, json};

use super::client::{Client, described, job, vm};
use crate::nebius::{CALLS, Schema};

/// Changes a body; its violations must name the field.
type Case = (&'static str, fn(&mut Value), &'static str);

fn without(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key);
}

/// What is wrong whatever the description says.
const JOBS: &[Case] = &[
    (
        "no parent",
        |body| body["metadata"]["parentId"] = json!(""),
        "metadata.parentId",
    ),
    (
        "no name",
        |body| body["metadata"]["name"] = json!(""),
        "metadata.name",
    ),
    (
        "a label's value",
        |body| body["metadata"]["labels"]["a"] = json!("b c"),
        "metadata.labels[a]",
    ),
    (
        "a label's key",
        |body| body["metadata"]["labels"]["a b"] = json!("c"),
        "metadata.labels[a b]",
    ),
    (
        "a long label",
        |body| body["metadata"]["labels"]["a"] = json!("x".repeat(64)),
        "metadata.labels[a]",
    ),
    (
        "no platform",
        |body| body["spec"]["platform"] = json!(""),
        "spec.platform",
    ),
    (
        "no subnet",
        |body| without(&mut body["spec"], "subnetId"),
        "spec.subnetId",
    ),
    (
        "no disk",
        |body| without(&mut body["spec"], "disk"),
        "spec.disk.type",
    ),
    (
        "too short",
        |body| body["spec"]["timeout"] = json!("3599s"),
        "spec.timeout",
    ),
    (
        "too long",
        |body| body["spec"]["timeout"] = json!("604801s"),
        "spec.timeout",
    ),
    (
        "a list of args",
        |body| body["spec"]["args"] = json!(["a"]),
        "spec.args",
    ),
    (
        "a variable's name",
        |body| body["spec"]["environmentVariables"][0]["name"] = json!("A-B"),
        "spec.environmentVariables[0]",
    ),
    (
        "a large file",
        |body| body["spec"]["injectedFiles"][0]["content"] = json!("QUJD".repeat(21_846)),
        "spec.injectedFiles[0]",
    ),
    (
        "no base64",
        |body| body["spec"]["injectedFiles"][0]["content"] = json!("%"),
        "spec.injectedFiles[0]",
    ),
    (
        "no price's model",
        |body| body["spec"]["preemptible"] = json!(true),
        "spec.pricingModel",
    ),
    (
        "a spot price for what stays",
        |body| body["spec"]["pricingModel"] = json!({"followsSpotPrice": {}}),
        "spec.pricingModel",
    ),
];

const VMS: &[Case] = &[
    (
        "no preset",
        |body| body["spec"]["resources"]["preset"] = json!(""),
        "spec.resources.preset",
    ),
    (
        "no address",
        |body| without(&mut body["spec"]["networkInterfaces"][0], "ipAddress"),
        "spec.networkInterfaces[0].ipAddress",
    ),
    (
        "too much data",
        |body| body["spec"]["cloudInitUserData"] = json!("x".repeat(32_769)),
        "spec.cloudInitUserData",
    ),
    (
        "a small disk",
        |body| body["spec"]["bootDisk"]["managedDisk"]["spec"]["sizeGibibytes"] = json!("30"),
        "spec.bootDisk.managedDisk.spec.sizeGibibytes",
    ),
    (
        "preemptible and paid in full",
        |body| {
            body["spec"]["preemptible"] = json!({"onPreemption": "STOP"});
            body["spec"]["onDemand"] = json!({});
        },
        "spec.preemptible",
    ),
];

/// What is wrong by the description alone.
const DESCRIBED_JOBS: &[Case] = &[
    (
        "an unknown field",
        |body| body["spec"]["command"] = json!("x"),
        "spec: `command`",
    ),
    (
        "a snake",
        |body| body["spec"]["subnet_id"] = json!("x"),
        "spec: `subnet_id`",
    ),
    (
        "a number for 64 bits",
        |body| body["spec"]["shmSizeBytes"] = json!(1_073_741_824),
        "spec.shmSizeBytes",
    ),
    (
        "a number for a duration",
        |body| body["spec"]["timeout"] = json!(3600),
        "string",
    ),
    (
        "an unknown name",
        |body| body["spec"]["disk"]["type"] = json!("SSD"),
        "SSD",
    ),
    (
        "a number for a name",
        |body| body["spec"]["disk"]["type"] = json!(1),
        "spec.disk.type",
    ),
    (
        "no image",
        |body| body["spec"]["image"] = json!(""),
        "spec.image",
    ),
    (
        "restarts",
        |body| body["spec"]["restartAttempts"] = json!("-2"),
        "spec.restartAttempts",
    ),
    (
        "a port",
        |body| body["spec"]["ports"] = json!([{"containerPort": 70_000, "protocol": "TCP"}]),
        "spec.ports[0].containerPort",
    ),
    (
        "no protocol",
        |body| body["spec"]["ports"] = json!([{"containerPort": 80}]),
        "spec.ports[0].protocol",
    ),
    (
        "a path",
        |body| body["spec"]["injectedFiles"][0]["containerPath"] = json!("/a//b"),
        "spec.injectedFiles[0].containerPath",
    ),
    (
        "a long folder",
        |body| body["spec"]["workingDir"] = json!("x".repeat(129)),
        "spec.workingDir",
    ),
    (
        "an empty model",
        |body| body["spec"]["pricingModel"] = json!({}),
        "spec.pricingModel.model",
    ),
    (
        "two models",
        |body| {
            body["spec"]["preemptible"] = json!(true);
            body["spec"]["pricingModel"] = json!({"onDemand": {}, "followsSpotPrice": {}});
        },
        "model",
    ),
    (
        "an empty secret",
        |body| {
            body["spec"]["environmentVariables"][0] = json!({"name": "A", "mysteryboxSecret": {}});
        },
        "spec.environmentVariables[0]",
    ),
];

const DESCRIBED_VMS: &[Case] = &[
    (
        "a host's name",
        |body| body["spec"]["hostname"] = json!("A"),
        "spec.hostname",
    ),
    (
        "an interface's name",
        |body| body["spec"]["networkInterfaces"][0]["name"] = json!("Eth0"),
        "spec.networkInterfaces[0].name",
    ),
    (
        "no size",
        |body| {
            without(
                &mut body["spec"]["bootDisk"]["managedDisk"]["spec"],
                "sizeGibibytes",
            );
        },
        "spec.bootDisk.managedDisk.spec.size",
    ),
    (
        "two boot disks",
        |body| body["spec"]["bootDisk"]["existingDisk"] = json!({"id": "x"}),
        "type",
    ),
];

fn refused(target: &str, good: &Value, cases: &[Case]) {
    let client = Client::new();
    for (what, change, field) in cases {
        let mut body = good.clone();
        change(&mut body);
        let before = client.standin.violations().len();
        let reply = client.post(target, &body);
        assert_eq!(reply.status, 400, "{what}: {}", reply.text);
        let blamed = client.standin.violations()[before..].join("\n");
        assert!(blamed.contains(field), "{what}: {blamed}");
    }
    assert!(client.standin.jobs().is_empty());
    assert!(client.standin.billed().is_empty());
    assert_eq!(client.standin.slips(), [""; 0]);
}

#[test]
fn wrong_jobs_are_refused() {
    refused("/ai/v1/jobs", &job("one"), JOBS);
}

#[test]
fn wrong_vms_are_refused() {
    refused("/compute/v1/instances", &vm("one"), VMS);
}

#[test]
fn what_the_description_forbids_is_refused() {
    if described().is_none() {
        return;
    }
    refused("/ai/v1/jobs", &job("one"), DESCRIBED_JOBS);
    refused("/compute/v1/instances", &vm("one"), DESCRIBED_VMS);
}

#[test]
fn the_calls_are_described() {
    let Some(schema) = described() else { return };
    let named = CALLS.iter().flat_map(|call| [call.request, call.answer]);
    for message in named.filter(|message| !message.is_empty()) {
        assert!(schema.knows(message), "{message}");
    }
}

#[test]
fn every_rule_that_a_request_can_meet_is_known() {
    let Some(schema) = described() else { return };
    let requests = CALLS.iter().map(|call| call.request);
    for message in requests.filter(|message| !message.is_empty()) {
        for id in Schema::expressions(&schema, message) {
            let known = crate::nebius::EXPRESSIONS;
            assert!(known.contains(&id.as_str()), "{message}: {id}");
        }
    }
}

#[test]
fn unknown_calls_are_blamed() {
    let client = Client::new();
    assert_eq!(client.get("/ai/v2/jobs").status, 404);
    assert_eq!(client.ask("PATCH", "/ai/v1/jobs", None).status, 405);
    assert_eq!(client.standin.violations().len(), 2);
}

#[test]
fn a_taken_name_is_refused() {
    let client = Client::new();
    client.make("/ai/v1/jobs", &job("one"));
    let again = client.post("/ai/v1/jobs", &job("one"));
    assert_eq!(
        (again.status, again.code().as_str()),
        (409, "ResourceAlreadyExists")
    );
    client.standin.set(|world| world.unique_names = false);
    client.make("/ai/v1/jobs", &job("one"));
    assert_eq!(client.standin.jobs().len(), 2);
}
