//! Which pairs of platform and preset are ordered, and what they cost.

use serde_json::{Value, json};

use crate::providers::contract::{chain, order};
use crate::providers::nebius::tests::launches::{create, platforms, seen, three};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product};
use crate::providers::{ErrorKind, Provider};
use gharun_worlds::nebius::{Deed, Refusal, Stock};

/// The platform and preset of each creation that was asked for.
fn pairs(place: &Place, product: Product) -> Vec<String> {
    let bodies = place.standin.bodies(create(product)).into_iter();
    let pair = |body: Value| {
        let spec = match product {
            Product::Job => &body["spec"],
            Product::Vm => &body["spec"]["resources"],
        };
        let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("platform"), text("preset"))
    };
    bodies.map(pair).collect()
}

#[tokio::test]
async fn pairs_that_do_not_exist_are_never_asked_for() {
    for product in [Product::Job, Product::Vm] {
        let place = Place::with(
            product,
            &json!({
                "platform": ["gpu-l40s-a", "gpu-h100-sxm"],
                "preset": ["1gpu-8vcpu-32gb", "1gpu-16vcpu-200gb"],
            }),
        );
        place
            .standin
            .set(|world| world.stocked("gpu-l40s-a", Stock::Refused));
        let machine = place.provider().launch(&order("t")).await.unwrap();
        assert_eq!(
            pairs(&place, product),
            [
                "gpu-l40s-a 1gpu-8vcpu-32gb",
                "gpu-h100-sxm 1gpu-16vcpu-200gb"
            ]
        );
        assert_eq!(
            machine.rental.machine_type.as_deref(),
            Some("gpu-h100-sxm 1gpu-16vcpu-200gb")
        );
        place.is_well();
    }
    let place = Place::with(Product::Job, &json!({ "platform": "gpu-h100-sxm" }));
    place.provider().launch(&order("t")).await.unwrap();
    assert_eq!(
        pairs(&place, Product::Job),
        ["gpu-h100-sxm 1gpu-16vcpu-200gb"],
        "its own default"
    );
    let place = Place::with(Product::Job, &json!({ "platform": "gpu-b200-sxm" }));
    place.provider().launch(&order("t")).await.unwrap();
    assert_eq!(
        pairs(&place, Product::Job),
        ["gpu-b200-sxm 8gpu-160vcpu-1792gb"],
        "the smallest that this project has"
    );
}

#[tokio::test]
async fn what_the_project_has_instead_is_told_before_anything_is_rented() {
    for (settings, key, told) in [
        (
            json!({ "preset": "9gpu-8vcpu-32gb" }),
            "preset",
            "`gpu-l40s-a` has 1gpu-8vcpu-32gb, 1gpu-40vcpu-160gb",
        ),
        (
            json!({ "platform": "gpu-x9000" }),
            "platform",
            "it has no `gpu-x9000`; it has cpu-d3, cpu-e2, gpu-b200-sxm",
        ),
        (
            json!({ "platform": "gpu-b200-sxm", "preemptible": true }),
            "preemptible",
            "none of it as preemptible",
        ),
    ] {
        let place = Place::with(Product::Job, &settings);
        let error = place
            .provider()
            .preflight()
            .await
            .expect_err("there is none");
        assert_eq!((error.kind, error.key()), (ErrorKind::Config, Some(key)));
        assert!(chain(&error).contains(told), "{}", chain(&error));
    }
}

#[tokio::test]
async fn where_platforms_cannot_be_listed_a_400_about_one_candidate_means_the_next() {
    let place = three(Product::Job);
    place.standin.judge(|asked| match asked.call {
        "platforms.list" => Deed::Refuse(Refusal::denied(gharun_worlds::nebius::PROJECT)),
        "jobs.create" if asked.body["spec"]["platform"] == "gpu-h200-sxm" => {
            let what = "unknown platform and preset: gpu-h200-sxm 1gpu-16vcpu-200gb";
            Deed::Refuse(Refusal::bare(3, what))
        }
        _ => Deed::Answer,
    });
    let provider = place.provider();
    provider.preflight().await.expect("a launch will tell");
    provider.launch(&order("t")).await.unwrap();
    assert_eq!(
        platforms(&place, Product::Job),
        ["gpu-h200-sxm", "gpu-h100-sxm"]
    );
    // What is said of all of them is the request's fault.
    let place = three(Product::Job);
    place.standin.judge(|asked| match asked.call {
        "jobs.create" => Deed::Refuse(Refusal::bare(3, "labels: too many")),
        _ => Deed::Answer,
    });
    let error = place.provider().launch(&order("t")).await;
    let error = error.expect_err("it is wrong");
    assert_eq!(error.kind, ErrorKind::Config, "{}", chain(&error));
    assert_eq!(platforms(&place, Product::Job).len(), 1);
}

#[tokio::test]
async fn a_price_is_live_where_the_calculator_answers_and_listed_where_it_does_not() {
    use crate::model::PriceBasis;
    for (calculator, preemptible, price) in [
        (true, false, 1.5597),
        (true, true, 0.7847),
        (false, false, 1.6237),
    ] {
        let place = Place::with(Product::Job, &json!({ "preemptible": preemptible }));
        place.standin.set(|world| world.calculator = calculator);
        let provider = place.provider();
        provider.preflight().await.unwrap();
        let order = order("t");
        let machine = provider.launch(&order).await.unwrap();
        let rental = &machine.rental;
        assert_eq!(rental.price_per_hour(), Some(price));
        let basis = rental.price.and_then(|price| price.basis);
        assert_eq!(basis == Some(PriceBasis::Live), calculator, "{basis:?}");
        assert_eq!(rental.place.as_deref(), Some("eu-north1"));
        let market = if preemptible {
            "preemptible"
        } else {
            "on-demand"
        };
        assert_eq!(rental.market.as_deref(), Some(market));
        let shown = seen(&provider, &order, |_| true).await;
        assert_eq!(shown.rental, machine.rental);
        // One that does not answer is asked once.
        provider.preflight().await.unwrap();
        assert_eq!(place.standin.asked_for("prices.estimate").len(), 1);
        place.is_well();
    }
}

#[tokio::test]
async fn a_machine_that_other_settings_launched_is_not_told_at_their_price() {
    for product in [Product::Job, Product::Vm] {
        for other in [
            json!({ "preemptible": true }),
            json!({ "disk": { "size": 500 } }),
        ] {
            let mut place = Place::with(product, &json!({}));
            place.standin.set(|world| world.calculator = true);
            let order = order("t");
            let launched = place.provider().launch(&order).await.unwrap();
            for (key, value) in other.as_object().unwrap() {
                place.settings[key] = value.clone();
            }
            let provider = place.provider();
            provider.preflight().await.unwrap();
            let shown = seen(&provider, &order, |_| true).await;
            assert_eq!(
                shown.rental.price_per_hour(),
                launched.rental.price_per_hour(),
                "{product:?} {other}"
            );
        }
    }
}

#[tokio::test]
async fn a_start_does_not_wait_for_prices_and_the_region_for_long() {
    use std::time::Duration;
    for hangs in ["prices.estimate", "projects.get"] {
        let place = Place::with(Product::Job, &json!({}));
        place.standin.set(|world| world.calculator = true);
        place.standin.judge(move |asked| {
            if asked.call == hangs {
                Deed::Hang
            } else {
                Deed::Answer
            }
        });
        let mut paces = crate::providers::nebius::tests::place::paces();
        paces.shows = Duration::from_millis(50);
        let hour = Duration::from_hours(1);
        (paces.http.request, paces.http.operation) = (hour, hour);
        let provider = Nebius::at(place.config(), paces).unwrap();
        let ready = tokio::time::timeout(Duration::from_mins(1), provider.preflight());
        ready.await.expect("it goes on without").unwrap();
        provider.launch(&order("t")).await.unwrap();
    }
}
