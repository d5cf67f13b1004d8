//! Orders: by which candidates, once for each name, and what becomes of those that find no room.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::model::{Condition, Instance, Order, Secret, random};
use crate::poll::{Pace, until};
use crate::providers::contract::{chain, ends, order};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product};
use crate::providers::{ErrorKind, Provider};
use gharun_worlds::nebius::{Deed, Refusal, SUBNET, Stock};

const SOON: Pace = Pace {
    every: Duration::from_millis(20),
    at_most: Duration::from_secs(20),
};

/// Three candidates, dear ones first.
pub(super) fn three(product: Product) -> Place {
    Place::with(
        product,
        &json!({
            "platform": ["gpu-h200-sxm", "gpu-h100-sxm", "gpu-l40s-a"],
            "preset": ["gpu-h200-sxm/1gpu-16vcpu-200gb", "gpu-h100-sxm/1gpu-16vcpu-200gb", "gpu-l40s-a/1gpu-8vcpu-32gb"],
        }),
    )
}

pub(super) fn create(product: Product) -> &'static str {
    match product {
        Product::Job => "jobs.create",
        Product::Vm => "instances.create",
    }
}

pub(super) fn platforms(place: &Place, product: Product) -> Vec<String> {
    let bodies = place.standin.bodies(create(product)).into_iter();
    bodies
        .map(|body| {
            let spec = &body["spec"];
            let platform = match product {
                Product::Job => &spec["platform"],
                Product::Vm => &spec["resources"]["platform"],
            };
            platform.as_str().unwrap().to_owned()
        })
        .collect()
}

/// The machine as a listing shows it, once it is so.
pub(super) async fn seen(
    provider: &Nebius,
    order: &Order,
    so: impl Fn(&Instance) -> bool,
) -> Instance {
    let found = until(SOON, async || {
        let listing = provider.list().await.expect("a listing");
        assert!(listing.unread.is_empty(), "{:?}", listing.unread);
        let mut machines = listing.instances.into_iter();
        machines.find(|machine| machine.tags.name == order.name && so(machine))
    });
    found.await.expect("it is seen so")
}

#[tokio::test]
async fn candidates_are_tried_in_order_until_one_has_room() {
    for product in [Product::Job, Product::Vm] {
        let place = three(product);
        place.standin.set(|world| {
            world.stocked("gpu-h200-sxm", Stock::Refused);
            world.stocked("gpu-h100-sxm", Stock::Quota);
        });
        let provider = place.provider();
        let machine = provider.launch(&order("t")).await.unwrap();
        assert_eq!(machine.rental.price_per_hour(), Some(1.6237), "an estimate");
        let all = ["gpu-h200-sxm", "gpu-h100-sxm", "gpu-l40s-a"];
        assert_eq!(platforms(&place, product), all);
        place.is_well();
    }
}

#[tokio::test]
async fn a_quota_is_named_and_the_next_provider_is_tried() {
    let place = three(Product::Job);
    place.standin.set(|world| {
        world.stocked("gpu-h200-sxm", Stock::Quota);
        world.stocked("gpu-h100-sxm", Stock::Refused);
        world.stocked("gpu-l40s-a", Stock::Refused);
    });
    let error = place
        .provider()
        .launch(&order("t"))
        .await
        .expect_err("no room");
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(
        error
            .to_string()
            .starts_with("none of 3 candidates could be launched"),
        "{error}"
    );
    let hint = error.hints().join("\n");
    assert!(hint.contains("compute.instance.gpu.gpu-h200-sxm"), "{hint}");
    assert!(
        chain(&error).contains("not enough resources"),
        "{}",
        chain(&error)
    );
    place.is_well();
}

#[tokio::test]
async fn a_preset_that_is_not_there_is_passed_over_and_told_when_there_is_nothing_else() {
    let place = Place::with(
        Product::Job,
        &json!({ "platform": ["gpu-h200-sxm", "gpu-l40s-a"], "preset": ["1gpu-8vcpu-32gb"] }),
    );
    place.provider().launch(&order("t")).await.unwrap();
    let place = Place::with(Product::Vm, &json!({ "preset": "7gpu-8vcpu-32gb" }));
    let error = place
        .provider()
        .launch(&order("t"))
        .await
        .expect_err("no such preset");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("preset"))
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_until_it_is_shown() {
    for product in [Product::Job, Product::Vm] {
        for deed in [
            Deed::Lose,
            Deed::HtmlAfter,
            Deed::Body("<html>".into()),
            Deed::Late(Duration::from_millis(150)),
        ] {
            let place = Place::with(product, &json!({}));
            place
                .standin
                .set(|world| world.listing_lag = Duration::from_millis(200));
            let bad = deed.clone();
            place.standin.judge(move |asked| {
                if asked.call == create(product) {
                    bad.clone()
                } else {
                    Deed::Answer
                }
            });
            let order = order("t");
            let machine = place.provider().launch(&order).await;
            let machine = machine.unwrap_or_else(|error| panic!("{deed:?}: {}", chain(&error)));
            assert_eq!(machine.tags, order.tags);
            assert_eq!(
                platforms(&place, product).len(),
                1,
                "{deed:?}: it is not sent twice"
            );
            let there = place.standin.jobs().len() + place.standin.vms().len();
            assert!((1..=2).contains(&there), "one machine, and a job's own VM");
        }
    }
}

#[tokio::test]
async fn what_never_turns_up_is_left_open() {
    let place = Place::with(Product::Job, &json!({}));
    place.standin.judge(|asked| {
        if asked.call == "jobs.create" {
            Deed::Drop
        } else {
            Deed::Answer
        }
    });
    let error = place
        .provider()
        .launch(&order("t"))
        .await
        .expect_err("it is lost");
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
}

#[tokio::test]
async fn the_key_of_a_creation_is_of_name_and_candidate() {
    let place = three(Product::Job);
    place
        .standin
        .set(|world| world.stocked("gpu-h200-sxm", Stock::Refused));
    let order = order("t");
    for _ in 0..2 {
        place.provider().launch(&order).await.unwrap();
    }
    let asked = place.standin.asked_for("jobs.create");
    let keys: Vec<_> = asked
        .iter()
        .map(|asked| asked.idempotency.clone().unwrap())
        .collect();
    // The second time its name is taken already, and the machine adopted.
    let third = (keys.len(), &keys[0]);
    assert_eq!(third, (3, &keys[2]), "the same in another process");
    assert_ne!(keys[0], keys[1]);
    place.is_well();
}

#[tokio::test]
async fn without_keys_a_name_that_is_taken_is_found_and_adopted() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        place.standin.set(|world| world.idempotency = false);
        let order = order("t");
        let first = place.provider().launch(&order).await.unwrap();
        let second = place.provider().launch(&order).await.unwrap();
        assert_eq!(first.id, second.id);
        // Another start's machine of that name is not ours to take.
        let mut other = order.clone();
        other.tags.start = "other".into();
        let error = place
            .provider()
            .launch(&other)
            .await
            .expect_err("it is taken");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        place.is_well();
    }
}

#[tokio::test]
async fn an_order_that_finds_no_room_later_is_ended_and_the_next_candidate_tried() {
    for (product, stock, leaves) in [
        (Product::Job, Stock::Later(Duration::from_millis(50)), true),
        (
            Product::Job,
            Stock::QuotaLater(Duration::from_millis(50)),
            true,
        ),
        (Product::Vm, Stock::Later(Duration::from_millis(50)), true),
        (Product::Vm, Stock::Later(Duration::from_millis(50)), false),
        (
            Product::Vm,
            Stock::QuotaLater(Duration::from_millis(50)),
            false,
        ),
    ] {
        let place = three(product);
        place.standin.set(|world| {
            world.leaves_failed = leaves;
            world.stocked("gpu-h200-sxm", stock.clone());
        });
        let provider = Arc::new(place.provider());
        let order = order("t");
        let machine = provider.launch(&order).await.expect("it is accepted");
        let shown = seen(&provider, &order, |machine| {
            matches!(machine.state, Condition::Ended(_))
        })
        .await;
        // Nothing of a job that has ended is billed.
        let is_billed = shown.rental.price_per_hour().is_some();
        assert_eq!(is_billed, product == Product::Vm, "{stock:?}");
        assert_eq!(shown.id, machine.id);
        let error = provider.why_doomed(&shown).await.expect("that is why");
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{stock:?}");
        ends(&provider, &machine.id).await.unwrap();
        assert_eq!(
            place.standin.billed(),
            [],
            "{stock:?}: nothing of it is left"
        );
        assert!(
            provider.list().await.unwrap().instances.is_empty(),
            "nor shown"
        );
        let next = provider.launch(&order).await.expect("the next candidate");
        assert_ne!(next.id, machine.id);
        assert_eq!(platforms(&place, product), ["gpu-h200-sxm", "gpu-h100-sxm"]);
        assert!(provider.why_doomed(&next).await.is_none());
        place.is_well();
    }
}

#[tokio::test]
async fn an_order_that_waits_for_too_long_lacks_room() {
    let place = Place::with(
        Product::Job,
        &json!({ "start_deadline": "50ms", "preset": ["1gpu-8vcpu-32gb", "1gpu-40vcpu-160gb"] }),
    );
    place
        .standin
        .set(|world| world.provisioning = Duration::from_hours(1));
    let provider = Arc::new(place.provider());
    let order = order("t");
    let machine = provider.launch(&order).await.unwrap();
    let waiting = seen(&provider, &order, |machine| {
        machine.state == Condition::Pending
    })
    .await;
    let lacking = until(SOON, async || provider.why_doomed(&waiting).await).await;
    let told = chain(&lacking.expect("its deadline is over"));
    assert!(
        told.contains("`PROVISIONING`") && told.contains("`start_deadline`"),
        "{told}"
    );
    ends(&provider, &machine.id).await.unwrap();
    place
        .standin
        .set(|world| world.provisioning = Duration::ZERO);
    provider.launch(&order).await.unwrap();
    let presets: Vec<Value> = place
        .standin
        .bodies("jobs.create")
        .into_iter()
        .map(|body| body["spec"]["preset"].clone())
        .collect();
    assert_eq!(presets, ["1gpu-8vcpu-32gb", "1gpu-40vcpu-160gb"]);
    // Nothing is left that has room.
    let running = seen(&provider, &order, |_| true).await;
    assert!(
        provider.why_doomed(&running).await.is_none(),
        "this one runs"
    );
}

#[tokio::test]
async fn a_machine_that_pulls_its_image_has_room() {
    let place = Place::with(Product::Job, &json!({ "start_deadline": "1ms" }));
    place
        .standin
        .set(|world| world.pulling = Duration::from_hours(1));
    let provider = place.provider();
    let order = order("t");
    provider.launch(&order).await.unwrap();
    let pulling = until(SOON, async || {
        provider.list().await.unwrap();
        let memory = provider.memory();
        let mut orders = memory.orders.values();
        orders.any(|one| one.stage == "IMAGE_PULLING").then_some(())
    });
    pulling.await.expect("it comes to that");
    let machine = seen(&provider, &order, |machine| {
        machine.state == Condition::Pending
    })
    .await;
    assert!(provider.why_doomed(&machine).await.is_none());
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_and_that_is_shown_late_may_lack_room_too() {
    let place = three(Product::Job);
    place.standin.set(|world| {
        world.listing_lag = Duration::from_millis(300);
        world.stocked("gpu-h200-sxm", Stock::Later(Duration::from_millis(50)));
    });
    place.standin.judge(|asked| match asked.call {
        "jobs.create" => Deed::Lose,
        _ => Deed::Answer,
    });
    let mut provider = place.provider();
    provider.paces.shown.at_most = Duration::ZERO;
    let order = order("t");
    let error = provider.launch(&order).await.expect_err("nobody knows");
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    // Whoever asked looks on, and takes it.
    let shown = seen(&provider, &order, |machine| {
        matches!(machine.state, Condition::Ended(_))
    })
    .await;
    let lacking = provider.why_doomed(&shown).await.expect("that is why");
    assert_eq!(lacking.kind, ErrorKind::NoCapacity);
    place.is_well();
}

#[tokio::test]
async fn an_order_that_fails_at_once_leaves_nothing_that_costs() {
    for product in [Product::Job, Product::Vm] {
        let place = three(product);
        place.standin.set(|world| {
            world.operations_fail = Some(Refusal::no_capacity("gpu-h200-sxm", "1gpu-16vcpu-200gb"));
        });
        let error = place
            .provider()
            .launch(&order("t"))
            .await
            .expect_err("all fail");
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
        assert_eq!(platforms(&place, product).len(), 3);
        assert_eq!(place.standin.billed(), []);
        place.is_well();
    }
}

#[tokio::test]
async fn a_job_lives_for_an_hour_at_least_and_a_week_at_most() {
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider();
    for (lifetime, timeout) in [
        (Duration::from_mins(10), "3600s"),
        (Duration::from_hours(7), "25200s"),
        (Duration::from_hours(1000), "604800s"),
    ] {
        let order = Order {
            lifetime,
            ..order("t")
        };
        provider.launch(&order).await.unwrap();
        let body = place.standin.bodies("jobs.create").pop().unwrap();
        assert_eq!(body["spec"]["timeout"], timeout);
    }
    place.is_well();
}

#[tokio::test]
async fn a_script_that_is_too_long_for_a_file_is_packed_and_one_that_is_yet_too_long_refused() {
    let place = Place::with(Product::Job, &json!({}));
    let long = Order {
        boot: Secret::new(format!("#!/bin/sh\n: {}\n", "x".repeat(100_000))),
        ..order("t")
    };
    let machine = place.provider().launch(&long).await.unwrap();
    assert_eq!(place.script(&machine.id.id), long.boot.expose());
    place.is_well();
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(product, &json!({}));
        let noise = Order {
            boot: Secret::new(random(120_000)),
            ..order("t")
        };
        let provider = place.provider();
        let unlaunched = provider.launch(&noise).await.expect_err("it is too long");
        // It is known before anything is registered, too.
        let refused = provider.takes(noise.boot.expose()).expect_err("the same");
        for error in [unlaunched, refused] {
            assert_eq!(
                (error.kind, error.key()),
                (ErrorKind::Config, Some("setup"))
            );
        }
        provider.takes("echo short").expect("it fits");
        assert!(place.standin.bodies(create(product)).is_empty());
    }
}

#[tokio::test]
async fn the_default_subnet_is_looked_for_once() {
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider();
    let orders: Vec<Order> = (0..4).map(|_| order("t")).collect();
    for launched in join_all(orders.iter().map(|order| provider.launch(order))).await {
        launched.unwrap();
    }
    for body in place.standin.bodies("jobs.create") {
        assert_eq!(body["spec"]["subnetId"], SUBNET);
    }
    // Two pages, read once.
    assert_eq!(place.standin.asked_for("subnets.list").len(), 2);
    place.standin.set(|world| world.default_subnet = false);
    let error = place
        .provider()
        .launch(&order("t"))
        .await
        .expect_err("which one?");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("subnet"))
    );
    assert!(error.to_string().contains("vpcsubnet-e00apps"), "{error}");
}

#[tokio::test]
async fn a_lifetime_that_nebius_cuts_short_is_not_cut_in_silence() {
    for (product, hours, said) in [
        (Product::Job, 168, 0),
        (Product::Job, 169, 1),
        (Product::Vm, 169, 0),
    ] {
        let place = Place::with(product, &json!({}));
        let provider = place.provider();
        let order = Order {
            lifetime: Duration::from_hours(hours),
            ..order("t")
        };
        provider.launch(&order).await.unwrap();
        assert_eq!(provider.said.len(), said, "{product:?} {hours}");
    }
}
