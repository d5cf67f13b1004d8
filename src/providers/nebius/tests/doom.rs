//! Orders that were accepted and come to nothing, each told by what is at fault.

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{BootCause, Condition, Instance, Order, RunAs};
use crate::poll::{Pace, until};
use crate::providers::contract::{chain, ends, order};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product};
use crate::providers::{Error, ErrorKind, Provider, ProviderKind};
use gharun_worlds::nebius::{Deed, Ending, Refusal, Stock};

const SOON: Pace = Pace {
    every: Duration::from_millis(20),
    at_most: Duration::from_secs(20),
};

/// The machine of an order as a listing shows it, once it is so.
async fn seen(provider: &Nebius, order: &Order, so: impl Fn(&Instance) -> bool) -> Instance {
    let found = until(SOON, async || {
        let machines = provider.list().await.expect("a listing").instances;
        let mut own = machines.into_iter();
        own.find(|machine| machine.tags.name == order.name && so(machine))
    });
    found.await.expect("it is seen so")
}

/// What is found to be wrong with an order, once it is.
async fn doom(provider: &Nebius, order: &Order) -> Error {
    provider.launch(order).await.expect("it is accepted");
    let doomed = until(SOON, async || {
        let machines = provider.list().await.expect("a listing").instances;
        let own = machines.into_iter();
        let mut own = own.filter(|machine| machine.tags.name == order.name);
        provider.why_doomed(&own.next()?).await
    });
    doomed.await.expect("it comes to nothing")
}

fn told(error: &Error) -> String {
    format!("{}\n{}", chain(error), error.hints().join("\n"))
}

#[tokio::test]
async fn a_job_that_has_a_machine_and_does_not_start_is_its_images_fault() {
    let settings = json!({
        "start_deadline": "200ms", "image": "ghcr.io/octo/nosuch:1",
        "preset": ["1gpu-8vcpu-32gb", "1gpu-40vcpu-160gb"],
    });
    let place = Place::with(Product::Job, &settings);
    place
        .standin
        .set(|world| world.bad_images = vec!["nosuch".to_owned()]);
    let provider = std::sync::Arc::new(place.provider());
    let order = order("t");
    let error = doom(&provider, &order).await;
    assert_eq!(error.kind, ErrorKind::Config, "{}", told(&error));
    assert_eq!(error.key(), Some("image"));
    for part in [
        "`ghcr.io/octo/nosuch:1`",
        "`STARTING`",
        "set `registry = {",
        "allow more time: `start_deadline`",
        "docker manifest inspect ghcr.io/octo/nosuch:1",
    ] {
        assert!(told(&error).contains(part), "{}", told(&error));
    }
    assert!(!told(&error).contains("capacity"), "{}", told(&error));
    // No dearer machine would do better, and this one ends.
    assert_eq!(place.standin.bodies("jobs.create").len(), 1);
    let machine = seen(&provider, &order, |_| true).await;
    ends(&provider, &machine.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

#[tokio::test]
async fn a_vm_that_is_stopped_before_it_runs_found_no_room() {
    let place = Place::with(Product::Vm, &json!({}));
    place.standin.set(|world| world.stops_vms = true);
    let error = doom(&place.provider(), &order("t")).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", told(&error));
    assert!(
        told(&error).contains("stopped it before it ran"),
        "{}",
        told(&error)
    );
    // One that ran and powered itself off did.
    let place = Place::with(Product::Vm, &json!({}));
    let provider = place.provider();
    let order = order("t");
    let machine = provider.launch(&order).await.unwrap();
    seen(&provider, &order, |one| one.state == Condition::Running).await;
    place.standin.power_off(&machine.id.id);
    let off = seen(&provider, &order, |one| {
        matches!(one.state, Condition::Ended(_))
    })
    .await;
    assert!(provider.why_doomed(&off).await.is_none());
    place.is_well();
}

#[tokio::test]
async fn a_vm_that_may_have_run_unseen_is_not_said_to_lack_room() {
    for (call, is_missed) in [("none", false), ("operations.get", true)] {
        let place = Place::with(Product::Vm, &json!({}));
        place.standin.judge(move |asked| {
            if asked.call == call {
                Deed::Status(403)
            } else {
                Deed::Answer
            }
        });
        let mut provider = place.provider();
        if is_missed {
            provider.paces.unseen = Duration::ZERO;
        }
        let order = order("t");
        let machine = provider.launch(&order).await.unwrap();
        place.standin.power_off(&machine.id.id);
        let off = seen(&provider, &order, |one| {
            matches!(one.state, Condition::Ended(_))
        })
        .await;
        assert!(provider.why_doomed(&off).await.is_none(), "{call}");
    }
}

#[tokio::test]
async fn an_order_that_fails_late_for_nebiuss_own_reasons_moves_on() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(
            product,
            &json!({ "platform": ["gpu-l40s-a", "gpu-h100-sxm"] }),
        );
        place.standin.set(|world| {
            world.operation = Duration::from_millis(50);
            world.operations_fail = Some(Refusal::internal());
        });
        let provider = std::sync::Arc::new(place.provider());
        let order = order("t");
        let error = doom(&provider, &order).await;
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", told(&error));
        assert!(
            told(&error).contains("could not make gpu-l40s-a"),
            "{}",
            told(&error)
        );
        let machine = seen(&provider, &order, |_| true).await;
        ends(&provider, &machine.id).await.unwrap();
        place.standin.set(|world| world.operations_fail = None);
        let next = provider.launch(&order).await.expect("the next candidate");
        let named = next.rental.machine_type.unwrap_or_default();
        assert!(named.starts_with("gpu-h100-sxm"), "{named}");
    }
}

#[tokio::test]
async fn a_project_of_another_tenant_is_told_with_its_tenant_and_region() {
    use gharun_worlds::nebius::{FOREIGN, TENANT};
    let place = Place::with(Product::Job, &json!({ "project": FOREIGN }));
    let error = place
        .provider()
        .preflight()
        .await
        .expect_err("it is theirs");
    assert_eq!(error.kind, ErrorKind::Denied);
    let said = told(&error);
    for part in ["`tenant-u00other`", "`us-central1`", "role `editor`"] {
        assert!(said.contains(part), "{said}");
    }
    let settings = json!({ "tenant": "tenant-e00else" });
    let place = Place::with(Product::Job, &settings);
    let health = place.provider().check().await.unwrap();
    let warned = health.warnings.join("\n");
    assert!(
        warned.contains(TENANT) && warned.contains("tenant-e00else"),
        "{warned}"
    );
}

#[tokio::test]
async fn a_quota_that_shows_later_is_a_quota_and_says_how_much() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        let later = Stock::QuotaLater(Duration::from_millis(50));
        place
            .standin
            .set(|world| world.stocked("gpu-l40s-a", later));
        let error = doom(&place.provider(), &order("t")).await;
        let told = told(&error);
        assert!(told.contains("quota does not allow gpu-l40s-a"), "{told}");
        assert!(told.contains("(limit 2, requested 3)"), "{told}");
        assert!(!told.contains("no capacity"), "{told}");
    }
}

#[tokio::test]
async fn the_exit_code_of_a_boot_script_outlives_its_job() {
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider();
    let order = order("t");
    let machine = provider.launch(&order).await.unwrap();
    place.standin.end_job(&machine.id.id, Ending::Exited(74));
    let ended = seen(&provider, &order, |one| {
        matches!(one.state, Condition::Ended(_))
    })
    .await;
    let Condition::Ended(how) = &ended.state else {
        unreachable!("it has ended")
    };
    assert!(how.contains("exit code 74"), "{how}");
    assert!(
        how.contains("https://console.nebius.com"),
        "where its log is: {how}"
    );
    assert!(
        provider.why_doomed(&ended).await.is_none(),
        "capacity is not what it lacks"
    );
}

#[tokio::test]
async fn a_job_cannot_be_kept_and_a_vm_tells_how_to_get_in() {
    let place = Place::with(Product::Job, &json!({}));
    let error = place.provider().keeps_failed().expect_err("it cannot");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("product"))
    );
    assert!(
        told(&error).contains("product = \"vm\""),
        "{}",
        told(&error)
    );

    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILXGDN me@example.com";
    let bare = Place::with(Product::Vm, &json!({ "ssh_key": key }));
    let error = bare.config().check().expect_err("nobody reaches it");
    assert_eq!(error.key(), Some("ssh_key"));
    assert!(error.to_string().contains("`public_ip = true`"), "{error}");
    let settings = json!({ "ssh_key": key, "public_ip": true });
    let place = Place::with(Product::Vm, &settings);
    let provider = place.provider();
    provider.keeps_failed().expect("a VM stays");
    let order = order("t");
    provider.launch(&order).await.unwrap();
    let up = seen(&provider, &order, |one| one.state == Condition::Running).await;
    assert_eq!(provider.access(&up)[0], "ssh root@203.0.113.9");
    let data = place.standin.bodies("instances.create")[0]["spec"]["cloudInitUserData"].clone();
    assert!(
        data.as_str().is_some_and(|data| data.contains(key)),
        "{data}"
    );
    place.is_well();
    for wrong in [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ssh-ed25519 A'; reboot '",
        "~/.ssh/id.pub",
    ] {
        let place = Place::with(Product::Vm, &json!({ "ssh_key": wrong }));
        let error = place.config().check().expect_err(wrong);
        assert_eq!(error.key(), Some("ssh_key"));
        assert!(!told(&error).contains(wrong), "{}", told(&error));
    }
}

#[tokio::test]
async fn jobs_are_privileged_on_vms_alone() {
    for (product, privileged) in [(Product::Job, false), (Product::Vm, true)] {
        let place = Place::with(product, &json!({ "run_as": "ubuntu" }));
        let user = place.provider().job_user();
        assert_eq!(user.is_privileged, privileged, "{product:?}");
        assert_eq!(user.run_as, RunAs::Named("ubuntu".to_owned()));
    }
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider().called("gpu".to_owned());
    let disk = provider.remedy(BootCause::DiskFull).expect("a setting");
    assert!(disk.contains("`disk = { size = 200 }`"), "{disk}");
    let memory = provider.remedy(BootCause::OutOfMemory).expect("a setting");
    assert!(memory.contains("`gharun providers offers gpu`"), "{memory}");
}

/// What is told of a launch that is refused, by what is asked.
async fn refused(call: &'static str, refusal: Refusal, more: &Value) -> String {
    let place = Place::with(Product::Job, more);
    place.standin.judge(move |asked| {
        if asked.call == call {
            Deed::Refuse(refusal.clone())
        } else {
            Deed::Answer
        }
    });
    let provider = place.provider().called("gpu".to_owned());
    let error = provider
        .launch(&order("t"))
        .await
        .expect_err("it is refused");
    told(&error)
}

#[tokio::test]
async fn what_helps_is_said_by_the_answer() {
    let expired = Refusal::unauthenticated("token expired");
    let told = refused("jobs.create", expired, &json!({})).await;
    assert!(told.contains("`$NEBIUS_IAM_TOKEN`"), "{told}");
    // A project of another tenant: no subnet helps.
    let denied = Refusal::denied("project-u00other");
    let told = refused("subnets.list", denied, &json!({})).await;
    assert!(told.contains("role `editor`"), "{told}");
    assert!(!told.contains("skip the search"), "{told}");
    let missing = Refusal::not_found("vpcsubnet-e00gone");
    let told = refused(
        "jobs.create",
        missing,
        &json!({ "subnet": "vpcsubnet-e00gone" }),
    )
    .await;
    assert!(told.contains("`nebius vpc subnet list`"), "{told}");
    let none = Refusal::no_capacity("gpu-l40s-a", "1gpu-8vcpu-32gb");
    let told = refused("jobs.create", none, &json!({})).await;
    assert!(told.contains("`gharun providers offers gpu`"), "{told}");
    let told = refused("jobs.create", Refusal::quota("gpu-l40s-a"), &json!({})).await;
    assert!(
        told.contains(
            "the quota `compute.instance.gpu.gpu-l40s-a` (limit 2, requested 3) is used up"
        ),
        "{told}"
    );
}

#[tokio::test]
async fn what_can_be_known_is_known_before_anything_is_rented() {
    let place = Place::with(Product::Job, &json!({}));
    place.provider().preflight().await.expect("all is well");
    place.standin.set(|world| world.forbidden = true);
    let error = place.provider().preflight().await.expect_err("no rights");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", told(&error));
    place.heal();
    place.standin.judge(|_| Deed::Html);
    place
        .provider()
        .preflight()
        .await
        .expect("it may be well in a moment");
    place.standin.expire_tokens();
    place.heal();
    let error = place
        .provider()
        .preflight()
        .await
        .expect_err("it has expired");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", told(&error));
    assert!(place.standin.asked_for("jobs.create").is_empty());
}
