//! What refusals of a creation, and of a look, are taken for.

use serde_json::json;

use crate::providers::contract::{chain, order};
use crate::providers::nebius::Product;
use crate::providers::nebius::tests::place::Place;
use crate::providers::{ErrorKind, Provider};
use gharun_worlds::nebius::{Deed, Refusal};

#[tokio::test]
async fn every_refusal_of_a_creation_means_an_action() {
    let wrong = |field: &str| Refusal::bad_request(&[(field.to_owned(), "is wrong".to_owned())]);
    let mut table = Vec::new();
    for (name, deed) in [
        (
            "unauthenticated",
            Deed::Refuse(Refusal::unauthenticated("expired")),
        ),
        ("denied", Deed::Refuse(Refusal::denied("project-e00acme"))),
        ("no room", Deed::Refuse(Refusal::no_capacity("p", "x"))),
        ("no room, bare", Deed::Refuse(Refusal::bare(8, "no hosts"))),
        ("quota", Deed::Refuse(Refusal::quota("gpu-l40s-a"))),
        (
            "quota, bare",
            Deed::Refuse(Refusal::bare(8, "Quota limit exceeded")),
        ),
        ("too many", Deed::Refuse(Refusal::too_many())),
        ("throttled", Deed::Throttle(Some(60))),
        ("wrong preset", Deed::Refuse(wrong("spec.preset"))),
        ("wrong subnet", Deed::Refuse(wrong("spec.subnetId"))),
        ("wrong timeout", Deed::Refuse(wrong("spec.timeout"))),
        (
            "bad state",
            Deed::Refuse(Refusal::bad_state("vpcsubnet-e00x", "is being deleted")),
        ),
        (
            "not found",
            Deed::Refuse(Refusal::not_found("vpcsubnet-e00x")),
        ),
        ("internal", Deed::Refuse(Refusal::internal())),
        ("unavailable", Deed::Refuse(Refusal::unavailable())),
        ("404, empty", Deed::Status(404)),
        ("403, empty", Deed::Status(403)),
        ("a page", Deed::Html),
    ] {
        let place = Place::with(Product::Job, &json!({}));
        place.standin.judge(move |asked| {
            if asked.call == "jobs.create" {
                deed.clone()
            } else {
                Deed::Answer
            }
        });
        let error = place.provider().launch(&order("t")).await.expect_err(name);
        let key = error.key().unwrap_or_default();
        table.push(
            format!("{name:<16} {:<12} {key}", format!("{:?}", error.kind))
                .trim_end()
                .to_owned(),
        );
        assert!(!chain(&error).contains("exec sleep"), "no script is quoted");
    }
    insta::assert_snapshot!(table.join("\n"), @"
    unauthenticated  Denied
    denied           Denied
    no room          NoCapacity
    no room, bare    NoCapacity
    quota            NoCapacity
    quota, bare      NoCapacity
    too many         RateLimited
    throttled        RateLimited
    wrong preset     Config       preset
    wrong subnet     Config       subnet
    wrong timeout    Config
    bad state        Unexpected
    not found        Config       subnet
    internal         Ambiguous
    unavailable      Ambiguous
    404, empty       Unexpected
    403, empty       Denied
    a page           Ambiguous
    ");
}

#[tokio::test]
async fn an_error_tells_what_was_tried_and_what_nebius_says_of_it() {
    let place = Place::with(Product::Job, &json!({}));
    place.standin.judge(|asked| {
        if asked.call == "jobs.create" {
            Deed::Refuse(Refusal::quota("gpu-l40s-a"))
        } else {
            Deed::Answer
        }
    });
    let order = order("t");
    let error = place.provider().launch(&order).await.expect_err("a quota");
    let told = format!("{}\nhint: {}", chain(&error), error.hints().join("\n"));
    let told = told
        .replace(order.name.as_str(), "NAME")
        .replace(place.standin.url.trim_start_matches("http://"), "HERE");
    insta::assert_snapshot!(told, @"
    gpu-l40s-a 1gpu-8vcpu-32gb: the quota `compute.instance.gpu.gpu-l40s-a` (limit 2, requested 3) is used up: Quota limit exceeded: compute.instance.gpu.gpu-l40s-a
    hint: ask Nebius for more of `compute.instance.gpu.gpu-l40s-a` (limit 2, requested 3) (https://console.nebius.com, Limits), or set another `platform`
    ");
}

#[tokio::test]
async fn a_listing_goes_on_to_the_last_page_and_no_further() {
    let place = Place::with(Product::Job, &json!({}));
    // A gateway that goes round in circles.
    place.standin.judge(|asked| match asked.call {
        "jobs.list" => Deed::Body(r#"{"items":[],"nextPageToken":"again"}"#.to_owned()),
        _ => Deed::Answer,
    });
    let listing = place.provider().list().await.unwrap();
    let error = &listing.unread[0].error;
    assert_eq!(error.kind, ErrorKind::Unexpected, "{}", chain(error));
    assert!(place.standin.asked_for("jobs.list").len() < 5);
}
