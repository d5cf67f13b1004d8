//! VMs and disks.

use std::time::Duration;

use serde_json::json;

use super::client::{Client, job, vm};
use crate::nebius::{PROJECT, Stock, TENANT};

const VMS: &str = "/compute/v1/instances";

#[test]
fn a_managed_disk_goes_with_its_vm() {
    let client = Client::new();
    let id = client.make(VMS, &vm("one"));
    let disks = client.standin.disks();
    assert_eq!(disks[0].owner.as_deref(), Some(id.as_str()));
    let disk = &disks[0].id;
    let told = client.get(&format!("/compute/v1/disks/{disk}")).json();
    assert_eq!(told["status"]["managedBy"], *id, "{told}");
    let refused = client.ask("DELETE", &format!("/compute/v1/disks/{disk}"), None);
    assert_eq!(refused.code(), "BadResourceState");
    assert_eq!(
        client.ask("DELETE", &format!("{VMS}/{id}"), None).status,
        200
    );
    assert!(client.standin.vms().is_empty());
    assert!(client.standin.disks().is_empty());
    client.clean();
}

#[test]
fn another_disk_stays_behind() {
    let client = Client::new();
    let disk = client.make(
        "/compute/v1/disks",
        &json!({
            "metadata": {"parentId": PROJECT, "name": "own"},
            "spec": {"type": "NETWORK_SSD", "sizeGibibytes": "64"},
        }),
    );
    let mut body = vm("one");
    body["spec"]["bootDisk"] = json!({"attachMode": "READ_WRITE", "existingDisk": {"id": disk}});
    let id = client.make(VMS, &body);
    client.ask("DELETE", &format!("{VMS}/{id}"), None);
    assert!(client.standin.vms().is_empty());
    assert_eq!(client.standin.billed()[0].id, disk);
    let gone = client.ask("DELETE", &format!("/compute/v1/disks/{disk}"), None);
    assert_eq!(gone.status, 200);
    assert!(client.standin.billed().is_empty());
    client.clean();
}

#[test]
fn the_operation_lasts_until_the_vm_runs() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.provisioning = Duration::from_hours(1));
    let reply = client.post(VMS, &vm("one")).json();
    assert!(reply.get("status").is_none(), "{reply}");
    client
        .standin
        .set(|world| world.provisioning = Duration::ZERO);
    let reply = client.post(VMS, &vm("two")).json();
    let id = reply["id"].as_str().unwrap();
    let told = client.get(&format!("/compute/v1/operations/{id}")).json();
    assert_eq!(told["status"], json!({}), "code 0 is left out: {told}");
    client.clean();
}

#[test]
fn who_powers_off_is_stopped_or_restarted() {
    let client = Client::new();
    let id = client.make(VMS, &vm("one"));
    client.standin.power_off(&id);
    assert_eq!(client.standin.vms()[0].state, "STOPPED");
    assert_eq!(
        client.standin.billed(),
        client.standin.disks(),
        "the disk is still paid for"
    );
    client.ask("DELETE", &format!("{VMS}/{id}"), None);
    let mut body = vm("two");
    body["spec"]
        .as_object_mut()
        .unwrap()
        .remove("recoveryPolicy");
    let id = client.make(VMS, &body);
    client.standin.power_off(&id);
    assert_eq!(client.standin.vms()[0].state, "RUNNING");
    client.clean();
}

#[test]
fn a_preempted_vm_is_stopped() {
    let client = Client::new();
    let mut body = vm("one");
    body["spec"]["preemptible"] = json!({"onPreemption": "STOP"});
    body["spec"]["followsSpotPrice"] = json!({});
    let id = client.make(VMS, &body);
    client.standin.preempt(&id);
    let told = client.get(&format!("{VMS}/{id}")).json();
    assert_eq!(told["status"]["state"], "STOPPED");
    assert_eq!(
        told["spec"]["followsSpotPrice"],
        json!({}),
        "presence is told"
    );
    client.clean();
}

#[test]
fn what_failed_later_is_still_there() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.stocked("gpu-l40s-a", Stock::Later(Duration::ZERO)));
    let reply = client.post(VMS, &vm("one")).json();
    assert_eq!(reply["status"]["code"], 8, "{reply}");
    assert_eq!(client.standin.vms()[0].state, "ERROR");
    assert_eq!(client.standin.disks().len(), 1);
    client.standin.set(|world| world.leaves_failed = false);
    let reply = client.post(VMS, &vm("two"));
    assert_eq!(reply.status, 200);
    assert_eq!(client.standin.vms().len(), 1);
    client.clean();
}

#[test]
fn a_job_s_vm_is_listed_and_not_to_be_deleted_by_hand() {
    let client = Client::new();
    client.make("/ai/v1/jobs", &job("one"));
    let list = client.get(&format!("{VMS}?parentId={PROJECT}")).json();
    let id = list["items"][0]["metadata"]["id"].as_str().unwrap();
    let refused = client.ask("DELETE", &format!("{VMS}/{id}"), None);
    assert_eq!(refused.status, 400);
    client.standin.set(|world| world.shows_machines = false);
    assert_eq!(client.get(&format!("{VMS}?parentId={PROJECT}")).text, "{}");
    client.clean();
}

#[test]
fn what_the_tenant_has_is_told() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.stocked("gpu-h100-sxm", Stock::Refused));
    for target in [
        format!("/compute/v1/platforms?parentId={PROJECT}"),
        format!("/vpc/v1/subnets?parentId={PROJECT}"),
        format!("/capacity/v1/resourceAdvices?parentId={TENANT}"),
        format!("/quotas/v1/quotaAllowances?parentId={TENANT}"),
        format!("/iam/v1/projects?parentId={TENANT}"),
        "/iam/v1/tenants".to_owned(),
    ] {
        let reply = client.get(&target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.text);
        assert!(reply.json()["items"].is_array(), "{target}: {}", reply.text);
        assert!(reply.header("x-request-id").is_some());
    }
    assert_eq!(
        client.get("/vpc/v1/subnets?parentId=project-other").status,
        403
    );
    client.clean();
}
