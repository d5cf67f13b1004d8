//! The end of machines: refused, slow, lied about, and by themselves.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::fleet::{self, NamedProvider as Named};
use crate::model::{Condition, InstanceId};
use crate::providers::contract::{chain, ends, order};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Product, vms};
use crate::providers::{ErrorKind, Provider};
use gharun_worlds::nebius::{CancelPath, Deed, Deletion, Refusal};

#[tokio::test]
async fn a_job_at_work_is_cancelled_first_by_either_spelling() {
    for cancel in [
        CancelPath::Body(404),
        CancelPath::Colon(404),
        CancelPath::Colon(405),
    ] {
        for status in [400, 409] {
            let place = Place::with(Product::Job, &json!({}));
            place.standin.set(|world| {
                world.cancel = cancel;
                world.deletion = Deletion::Refused(status);
                world.cancelling = Duration::from_millis(60);
                world.deleting = Duration::from_millis(60);
            });
            let provider = Arc::new(place.provider());
            let machine = provider.launch(&order("t")).await.unwrap();
            let ended = ends(&provider, &machine.id).await;
            ended.unwrap_or_else(|error| panic!("{cancel:?} {status}: {}", chain(&error)));
            assert_eq!(place.standin.billed(), []);
            assert!(place.standin.jobs().is_empty());
            place.is_well();
        }
    }
}

#[tokio::test]
async fn the_end_is_told_when_it_is_proved() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        place
            .standin
            .set(|world| world.deleting = Duration::from_millis(100));
        let provider = Arc::new(place.provider());
        let machine = provider.launch(&order("t")).await.unwrap();
        ends(&provider, &machine.id).await.unwrap();
        assert_eq!(place.standin.billed(), [], "{product:?}");
        let listing = provider.list().await.unwrap();
        assert!(listing.instances.is_empty(), "{:?}", listing.instances);
    }
}

#[tokio::test]
async fn a_machine_that_is_not_gone_in_time_is_a_failure() {
    let place = Place::with(Product::Vm, &json!({}));
    place
        .standin
        .set(|world| world.deleting = Duration::from_hours(1));
    let provider = Arc::new(place.provider());
    let machine = provider.launch(&order("t")).await.unwrap();
    let known: Arc<dyn Provider> = provider.clone();
    let soon = tokio::time::Instant::now() + Duration::from_millis(300);
    let ended = fleet::end(
        &Named::new("nebius", known),
        &machine.id,
        fleet::Until::Gone,
        soon,
    )
    .await;
    let error = ended.proved().expect_err("it takes an hour");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let told = chain(&error);
    assert!(told.contains("still listed (being deleted)"), "{told}");
    // It is no longer there to be used.
    let listing = provider.list().await.unwrap();
    assert!(matches!(listing.instances[0].state, Condition::Ended(_)));
}

#[tokio::test]
async fn a_path_that_is_not_there_proves_nothing() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        let provider = Arc::new(place.provider());
        let machine = provider.launch(&order("t")).await.unwrap();
        place.standin.judge(|asked| match asked.call {
            "jobs.get" | "instances.get" => {
                Deed::Refuse(Refusal::bare(5, "Not Found").with_status(404))
            }
            _ => Deed::Answer,
        });
        ends(&provider, &machine.id).await.unwrap();
        assert_eq!(place.standin.billed(), [], "the list knew better");
        // And where nothing can be read at all, it is a failure.
        let other = provider.launch(&order("t")).await.unwrap();
        place.standin.judge(|_| Deed::Status(404));
        let end = ends(&provider, &other.id).await;
        end.expect_err("nothing says that it is gone");
        assert_eq!(
            place.standin.jobs().len() + place.standin.vms().len(),
            if product == Product::Job { 2 } else { 1 }
        );
    }
}

#[tokio::test]
async fn a_deletion_whose_operation_cannot_be_seen_is_proved_by_the_list() {
    let place = Place::with(Product::Vm, &json!({}));
    let provider = Arc::new(place.provider());
    let machine = provider.launch(&order("t")).await.unwrap();
    place
        .standin
        .set(|world| world.operation = Duration::from_hours(1));
    place.standin.judge(|asked| match asked.call {
        "operations.get" => Deed::Status(404),
        "disks.list" => Deed::Refuse(Refusal::bare(5, "Not Found").with_status(404)),
        _ => Deed::Answer,
    });
    ends(&provider, &machine.id).await.unwrap();
    assert!(place.standin.vms().is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_a_deletion_is_asked_for_again() {
    for deed in [Deed::Lose, Deed::Drop, Deed::HtmlAfter] {
        let place = Place::with(Product::Job, &json!({}));
        let provider = Arc::new(place.provider());
        let machine = provider.launch(&order("t")).await.unwrap();
        let first = std::sync::atomic::AtomicBool::new(true);
        let bad = deed.clone();
        place.standin.judge(move |asked| {
            if asked.call == "jobs.delete" && first.swap(false, std::sync::atomic::Ordering::SeqCst)
            {
                bad.clone()
            } else {
                Deed::Answer
            }
        });
        let ended = ends(&provider, &machine.id).await;
        ended.unwrap_or_else(|error| panic!("{deed:?}: {}", chain(&error)));
        assert_eq!(place.standin.billed(), []);
    }
}

#[tokio::test]
async fn what_is_no_machine_of_nebius_is_refused_unasked() {
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider();
    for id in ["i-0abc", "aijob-", "aijob-../x", "computedisk-", ""] {
        let id = InstanceId {
            location: Some(provider.place().unwrap()),
            id: id.into(),
        };
        let error = provider.terminate(&id).await.expect_err("no id");
        assert_eq!(error.kind, ErrorKind::Config, "{id}");
    }
    assert!(place.standin.asked().is_empty());
}

#[tokio::test]
async fn a_vm_that_powered_itself_off_is_billed_until_it_is_swept() {
    let place = Place::with(Product::Vm, &json!({}));
    let provider = Arc::new(place.provider());
    let machine = provider.launch(&order("t")).await.unwrap();
    place.standin.power_off(&machine.id.id);
    assert_eq!(place.standin.billed().len(), 1, "its disk");
    let listing = provider.list().await.unwrap();
    let Condition::Ended(how) = &listing.instances[0].state else {
        panic!("{:?}", listing.instances[0])
    };
    assert!(how.contains("disk is still billed"), "{how}");
    ends(&provider, &machine.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

/// Runs what a VM does at its end, with a `poweroff` that leaves a mark.
async fn ends_itself(place: &Place, id: &str) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("off");
    let stub = folder.path().join("poweroff");
    gharun_worlds::write_program(&stub, "#!/bin/sh\necho off >\"$OFF\"\n", 0o755);
    let metadata = format!("{}/metadata/{id}", place.standin.url);
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let ended = tokio::process::Command::new("sh")
        .args(["-c", vms::DELETE_ITSELF])
        .env("PATH", path)
        .env("OFF", &mark)
        .env("GHARUN_METADATA", metadata)
        .env("GHARUN_NEBIUS", &place.standin.url)
        .env("GHARUN_DELETES", "0")
        .status()
        .await
        .expect("a shell");
    assert!(ended.success());
    mark.exists()
}

#[tokio::test]
async fn a_vm_with_a_service_account_deletes_itself() {
    let place = Place::with(
        Product::Vm,
        &json!({ "service_account": "serviceaccount-e00ends" }),
    );
    let provider = place.provider();
    assert_eq!(Provider::shutdown_command(&provider), vms::DELETE_ITSELF);
    let machine = provider.launch(&order("t")).await.unwrap();
    assert!(
        ends_itself(&place, &machine.id.id).await,
        "it is powered off in any case"
    );
    place
        .standin
        .until("it is gone", |standin| standin.vms().is_empty());
    assert_eq!(place.standin.billed(), [], "with its disk");
    place.is_well();
}

#[tokio::test]
async fn a_vm_that_may_not_delete_itself_powers_itself_off() {
    let place = Place::with(
        Product::Vm,
        &json!({ "service_account": "serviceaccount-e00ends" }),
    );
    let machine = place.provider().launch(&order("t")).await.unwrap();
    place.standin.judge(|asked| match asked.call {
        "instances.delete" => Deed::Refuse(Refusal::denied("project-e00acme")),
        _ => Deed::Answer,
    });
    assert!(ends_itself(&place, &machine.id.id).await);
    assert_eq!(place.standin.vms().len(), 1);
}
