//! Disks that lose their VM, and machines that are ended before anybody can see them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::model::{Condition, InstanceId, Order, lock};
use crate::providers::contract::{chain, ends, order};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product, api};
use crate::providers::{ErrorKind, Provider, Termination};
use gharun_worlds::nebius::{Deed, Refusal};

/// A place where the disk of a VM stays when the VM goes.
fn careless() -> Place {
    let place = Place::with(Product::Vm, &json!({}));
    place.standin.set(|world| world.leaves_disks = true);
    place
}

/// An order whose start has been over for a while.
fn past(tag: &str) -> Order {
    let mut order = order(tag);
    let past = Timestamp::now() - SignedDuration::from_mins(1);
    order.tags.ready_by = Timestamp::from_second(past.as_second()).unwrap();
    order
}

async fn deletes_itself(provider: &Nebius, id: &InstanceId) {
    let of = api::INSTANCES;
    let deleted = provider.api.delete(of, &id.id).await;
    deleted.expect("it is accepted");
}

#[tokio::test]
async fn a_disk_that_was_not_removed_is_removed_by_who_asks_again() {
    let place = careless();
    let provider = Arc::new(place.provider());
    let machine = provider.launch(&order("t")).await.unwrap();
    let first = AtomicBool::new(true);
    place.standin.judge(move |asked| {
        if asked.call == "disks.delete" && first.swap(false, Ordering::SeqCst) {
            Deed::Refuse(Refusal::denied("project-e00acme"))
        } else {
            Deed::Answer
        }
    });
    let error = ends(&provider, &machine.id).await;
    error.expect_err("its disk is there");
    assert!(place.standin.vms().is_empty(), "the VM is gone");
    assert_eq!(place.standin.billed().len(), 1, "the disk is not");
    ends(&provider, &machine.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

#[tokio::test]
async fn the_disk_of_an_order_that_failed_goes_too() {
    let place = careless();
    place.standin.set(|world| {
        world.leaves_failed = false;
        world.operations_fail = Some(Refusal::no_capacity("gpu-l40s-a", "1gpu-8vcpu-32gb"));
    });
    let error = place.provider().launch(&order("t")).await;
    error.expect_err("no capacity");
    assert!(place.standin.vms().is_empty());
    assert_eq!(place.standin.billed(), [], "its disk, which lost its VM");
    place.is_well();
}

#[tokio::test]
async fn a_disk_that_lost_its_vm_is_found_and_removed_on_another_machine() {
    let place = careless();
    let (started, swept) = (place.provider(), Arc::new(place.provider()));
    let order = past("t");
    let machine = started.launch(&order).await.unwrap();
    let listing = swept.list().await.unwrap();
    assert_eq!(listing.instances.len(), 1, "the VM alone");
    deletes_itself(&started, &machine.id).await;
    let listing = swept.list().await.unwrap();
    let [left] = listing.instances.as_slice() else {
        panic!("{listing:?}")
    };
    assert!(left.id.id.starts_with("computedisk-"), "{}", left.id);
    assert!(matches!(left.state, Condition::Ended(_)), "{left:?}");
    assert_eq!(left.tags, order.tags);
    assert_eq!(left.rental.price_per_hour(), Some(0.0097));
    ends(&swept, &left.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    ends(&swept, &left.id).await.expect("it is gone already");
    place.is_well();
}

/// Lets the first requests of a call answer that there is nothing.
fn misses_once(place: &Place, calls: &[&'static str]) {
    let calls = calls.to_vec();
    let asked_before = std::sync::Mutex::new(std::collections::BTreeSet::new());
    place.standin.judge(move |asked| {
        let is_first = calls.contains(&asked.call) && lock(&asked_before).insert(asked.call);
        match asked.call {
            _ if !is_first => Deed::Answer,
            "disks.get" | "jobs.get" | "instances.get" => Deed::Refuse(Refusal::not_found("it")),
            _ => Deed::Body("{\"items\":[]}".to_owned()),
        }
    });
}

#[tokio::test]
async fn a_disk_that_one_listing_misses_is_not_taken_for_gone() {
    // With its VM.
    let place = careless();
    let provider = place.provider();
    let machine = provider.launch(&order("t")).await.unwrap();
    provider.terminate(&machine.id).await.unwrap();
    assert!(place.standin.vms().is_empty(), "the VM is gone");
    misses_once(&place, &["disks.list"]);
    let said = provider.terminate(&machine.id).await.unwrap();
    assert_eq!(said, Termination::Accepted);
    assert_eq!(place.standin.billed(), []);

    // By itself.
    let place = careless();
    let provider = place.provider();
    let machine = provider.launch(&past("t")).await.unwrap();
    deletes_itself(&provider, &machine.id).await;
    let left = provider.list().await.unwrap().instances.remove(0);
    assert!(left.id.id.starts_with("computedisk-"), "{}", left.id);
    misses_once(&place, &["disks.list"]);
    let said = provider.terminate(&left.id).await.unwrap();
    assert_eq!(said, Termination::Accepted);
}

#[tokio::test]
async fn what_a_failed_order_has_made_is_not_taken_for_gone_since_one_look_misses_it() {
    for (product, calls) in [
        (Product::Job, &["jobs.get", "jobs.list"]),
        (Product::Vm, &["instances.get", "instances.list"]),
    ] {
        let place = Place::with(product, &json!({}));
        place.standin.set(|world| {
            world.leaves_failed = true;
            world.operations_fail = Some(Refusal::no_capacity("gpu-l40s-a", "1gpu-8vcpu-32gb"));
        });
        misses_once(&place, calls);
        let error = place.provider().launch(&order("t")).await;
        error.expect_err("no capacity");
        let left = (place.standin.jobs().len(), place.standin.vms().len());
        assert_eq!(left, (0, 0), "{product:?}");
        assert_eq!(place.standin.billed(), [], "{product:?}");
    }
}

#[tokio::test]
async fn what_a_failed_order_has_made_is_removed_though_nebius_shows_it_late() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        place.standin.set(|world| {
            world.leaves_failed = true;
            world.operations_fail = Some(Refusal::no_capacity("gpu-l40s-a", "1gpu-8vcpu-32gb"));
            world.lags_everywhere = true;
            world.listing_lag = Duration::from_millis(800);
        });
        let error = place.provider().launch(&order("t")).await;
        assert_eq!(error.expect_err("no capacity").kind, ErrorKind::NoCapacity);
        let left = (place.standin.jobs().len(), place.standin.vms().len());
        assert_eq!(left, (0, 0), "{product:?}");
        assert_eq!(place.standin.billed(), [], "{product:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_between_two_that_miss_something_is_no_proof_with_them() {
    let place = Place::with(Product::Job, &json!({}));
    place.standin.set(|world| {
        world.leaves_failed = true;
        world.operations_fail = Some(Refusal::no_capacity("gpu-l40s-a", "1gpu-8vcpu-32gb"));
    });
    let looks = std::sync::atomic::AtomicUsize::new(0);
    place.standin.judge(move |asked| match asked.call {
        // As often as one look is asked for.
        "jobs.get" => match looks.fetch_add(1, Ordering::SeqCst) {
            0 | 3 => Deed::Refuse(Refusal::not_found("it")),
            1 | 2 => Deed::Status(503),
            _ => Deed::Answer,
        },
        "jobs.list" if looks.load(Ordering::SeqCst) <= 4 => Deed::Body("{\"items\":[]}".to_owned()),
        _ => Deed::Answer,
    });
    let mut provider = place.provider();
    provider.paces.settles = Duration::ZERO;
    let error = provider.launch(&order("t")).await;
    error.expect_err("no capacity");
    assert_eq!(place.standin.jobs().len(), 0);
    assert_eq!(place.standin.billed(), []);
}

#[tokio::test]
async fn a_disk_without_its_project_is_found_though_one_listing_misses_it() {
    let place = careless();
    let provider = place.provider();
    let machine = provider.launch(&past("t")).await.unwrap();
    deletes_itself(&provider, &machine.id).await;
    let left = provider.list().await.unwrap().instances.remove(0);
    let bare = InstanceId {
        location: None,
        ..left.id.clone()
    };
    for calls in [&["disks.list"][..], &["disks.get", "disks.list"]] {
        misses_once(&place, calls);
        assert_eq!(provider.canonical(&bare).await.unwrap(), left.id);
    }
}

#[tokio::test]
async fn a_disk_whose_start_may_be_at_work_is_not_shown() {
    let place = careless();
    let provider = place.provider();
    let machine = provider.launch(&order("t")).await.unwrap();
    deletes_itself(&provider, &machine.id).await;
    assert_eq!(place.standin.billed().len(), 1);
    let listing = provider.list().await.unwrap();
    assert!(listing.instances.is_empty(), "{listing:?}");
}

#[tokio::test]
async fn a_disk_of_a_vm_or_of_somebody_else_is_left_alone() {
    let place = careless();
    let provider = place.provider();
    let ours = provider.launch(&past("t")).await.unwrap();
    place.standin.add_vm("pet", &[("team", "core")]);
    for disk in place.standin.disks() {
        let id = InstanceId {
            id: disk.id,
            ..ours.id.clone()
        };
        let error = provider.terminate(&id).await.expect_err("it is no orphan");
        assert!(matches!(error.kind, ErrorKind::Denied), "{}", chain(&error));
    }
    let elsewhere = InstanceId {
        location: Some("0".repeat(12)),
        id: "computedisk-e00x".into(),
    };
    let error = provider.terminate(&elsewhere).await.expect_err("where?");
    assert_eq!(error.kind, ErrorKind::Elsewhere);
    assert!(place.standin.asked_for("disks.delete").is_empty());
    assert_eq!(place.standin.disks().len(), 2);
    place.is_well();
}

#[tokio::test]
async fn a_stopped_vm_costs_what_its_disk_costs() {
    let place = Place::with(Product::Vm, &json!({}));
    let provider = place.provider();
    let machine = provider.launch(&order("t")).await.unwrap();
    place.standin.power_off(&machine.id.id);
    let listing = provider.list().await.unwrap();
    assert_eq!(listing.instances[0].rental.price_per_hour(), Some(0.0097));
}

#[tokio::test]
async fn a_machine_that_cannot_be_seen_yet_is_ended_all_the_same() {
    for product in [Product::Job, Product::Vm] {
        for deletes in [Deed::Answer, Deed::Status(404)] {
            let place = Place::with(product, &json!({}));
            place.standin.set(|world| {
                world.lags_everywhere = true;
                world.listing_lag = Duration::from_millis(200);
            });
            let first = AtomicBool::new(true);
            place.standin.judge(move |asked| {
                let deletes_at_once = asked.call.ends_with(".delete");
                if deletes_at_once && first.swap(false, Ordering::SeqCst) {
                    deletes.clone()
                } else {
                    Deed::Answer
                }
            });
            let mut provider = place.provider();
            provider.paces.settles = Duration::from_secs(5);
            let provider = Arc::new(provider);
            let machine = provider.launch(&order("t")).await.unwrap();
            ends(&provider, &machine.id).await.unwrap();
            assert_eq!(place.standin.billed(), [], "{product:?}");
            assert!(place.standin.jobs().is_empty(), "{product:?}");
            place.is_well();
        }
    }
}

#[tokio::test]
async fn disks_that_cannot_be_seen_are_not_passed_over_in_silence() {
    for (product, status, unread, said) in [
        (Product::Vm, 403, 0, 1),
        (Product::Vm, 503, 1, 0),
        // An account for jobs need not see any, but it must not take a silence for an answer.
        (Product::Job, 403, 0, 0),
        (Product::Job, 503, 1, 0),
    ] {
        let place = Place::with(product, &json!({}));
        place.standin.judge(move |asked| match asked.call {
            "disks.list" if status == 403 => Deed::Refuse(Refusal::denied("project-e00acme")),
            "disks.list" => Deed::Status(status),
            _ => Deed::Answer,
        });
        let provider = place.provider();
        let listing = provider.list().await.unwrap();
        let told = (listing.unread.len(), provider.said.len());
        assert_eq!(told, (unread, said), "{product:?} {status}");
    }
}

#[tokio::test]
async fn disks_that_may_not_be_seen_are_unknown_once_a_vm_was() {
    let place = careless();
    let provider = Arc::new(place.provider());
    let machine = provider.launch(&order("t")).await.unwrap();
    place.standin.judge(|asked| match asked.call {
        "disks.list" => Deed::Refuse(Refusal::denied("project-e00acme")),
        _ => Deed::Answer,
    });
    let listing = provider.list().await.unwrap();
    assert_eq!(listing.unread.len(), 1, "{listing:?}");
    let error = ends(&provider, &machine.id).await;
    let error = error.expect_err("its disk is there, and nobody may look");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    assert_eq!(place.standin.billed().len(), 1);
}

#[tokio::test]
async fn a_disk_is_judged_by_the_clock_that_is_behind() {
    let place = careless();
    let provider = place.provider();
    let order = past("t");
    let machine = provider.launch(&order).await.unwrap();
    deletes_itself(&provider, &machine.id).await;
    for (minutes, shown) in [(-20, 0), (0, 1), (20, 1)] {
        let ahead = SignedDuration::from_mins(minutes);
        let disks = provider.disks().await.unwrap();
        provider.api.is_ahead(ahead);
        let left = provider.left_of(&disks, &[]).unwrap();
        assert_eq!(left.len(), shown, "{minutes}");
    }
}

#[tokio::test]
async fn a_page_of_somebody_between_says_nothing_of_disks() {
    for answer in [
        Deed::Page(401),
        Deed::Page(403),
        Deed::Page(404),
        Deed::Status(403),
        Deed::Refuse(Refusal::unauthenticated("expired")),
    ] {
        let place = careless();
        let provider = Arc::new(place.provider());
        let machine = provider.launch(&past("t")).await.unwrap();
        deletes_itself(&provider, &machine.id).await;
        assert_eq!(place.standin.billed().len(), 1, "its disk");
        let told = answer.clone();
        place.standin.judge(move |asked| match asked.call {
            "disks.list" => told.clone(),
            _ => Deed::Answer,
        });
        let listing = provider.list().await.unwrap();
        assert_eq!(listing.unread.len(), 1, "{answer:?}");
        let end = provider.terminate(&machine.id).await;
        end.expect_err("its disk may be there");
        place.standin.judge(|_| Deed::Answer);
        ends(&provider, &machine.id).await.unwrap();
        assert_eq!(place.standin.billed(), [], "{answer:?}");
    }
}

#[tokio::test]
async fn a_page_does_not_keep_a_machine_from_being_ended() {
    for status in [401, 403, 404] {
        for product in [Product::Job, Product::Vm] {
            let place = Place::with(product, &json!({}));
            let provider = Arc::new(place.provider());
            let machine = provider.launch(&order("t")).await.unwrap();
            let first = AtomicBool::new(true);
            place.standin.judge(move |asked| {
                if asked.call.ends_with(".delete") && first.swap(false, Ordering::SeqCst) {
                    Deed::Page(status)
                } else {
                    Deed::Answer
                }
            });
            ends(&provider, &machine.id).await.unwrap();
            assert_eq!(place.standin.billed(), [], "{product:?} {status}");
            place.is_well();
        }
    }
}
