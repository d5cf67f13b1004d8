//! What is listed, offered and checked, and how the place is named.

use std::sync::Arc;

use serde_json::json;

use crate::providers::contract::{chain, ends, order};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product};
use crate::providers::{ErrorKind, Provider, ProviderKind as _};
use gharun_worlds::nebius::{Deed, PROJECT, TENANT};

#[tokio::test]
async fn machines_are_listed_whatever_the_product_is_now() {
    let mut place = Place::with(Product::Job, &json!({}));
    let job = place.provider().launch(&order("t")).await.unwrap();
    place.settings["product"] = json!("vm");
    let vm = place.provider().launch(&order("t")).await.unwrap();
    for product in ["job", "vm"] {
        place.settings["product"] = json!(product);
        let listing = place.provider().list().await.unwrap();
        let mut ids: Vec<_> = listing.instances.iter().map(|one| one.id.clone()).collect();
        ids.sort();
        assert_eq!(
            ids,
            [job.id.clone(), vm.id.clone()],
            "and a job's own VM is no machine of its own"
        );
        assert!(
            listing
                .instances
                .iter()
                .all(|one| one.rental.price_per_hour().is_some())
        );
        // Either is ended under either setting.
    }
    ends(&Arc::new(place.provider()), &job.id).await.unwrap();
    place.settings["product"] = json!("job");
    ends(&Arc::new(place.provider()), &vm.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

#[tokio::test]
async fn a_service_that_may_not_be_read_is_said_to_be_unread() {
    let place = Place::with(Product::Job, &json!({}));
    let machine = place.provider().launch(&order("t")).await.unwrap();
    place.standin.judge(|asked| {
        if asked.call == "instances.list" {
            Deed::Status(403)
        } else {
            Deed::Answer
        }
    });
    let provider = place.provider();
    let listing = provider.list().await.unwrap();
    assert_eq!(listing.instances[0].id, machine.id);
    let error = &listing.unread[0].error;
    assert_eq!(error.kind, ErrorKind::Denied);
    let health = provider.check().await.unwrap();
    assert!(
        health
            .warnings
            .iter()
            .any(|warning| warning.contains("VMs")),
        "{health:?}"
    );
}

#[tokio::test]
async fn a_place_is_named_without_its_project() {
    let place = Place::with(Product::Job, &json!({}));
    let machine = place.provider().launch(&order("t")).await.unwrap();
    let told = machine.id.to_string();
    let (named, id) = told.split_once('/').unwrap();
    assert!(
        named.len() == 12 && named.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{told}"
    );
    assert!(
        id.starts_with("aijob-") && !told.contains(PROJECT),
        "{told}"
    );
}

#[tokio::test]
async fn a_provider_without_a_project_or_credentials_says_what_is_missing() {
    let open = |table: serde_json::Value| {
        Nebius::at(
            serde_json::from_value(table).unwrap(),
            crate::providers::nebius::tests::place::paces(),
        )
        .unwrap()
    };
    let provider = open(json!({ "iam_token": "t" }));
    let error = provider.resolve().await.expect_err("no project");
    assert_eq!(error.key(), Some("project"));
    let provider = open(json!({ "project": PROJECT }));
    let error = provider.resolve().await.expect_err("no credentials");
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.hints().join("\n").contains("NEBIUS_IAM_TOKEN"));
    // Who has both has a place, whether it answers or not.
    let provider =
        open(json!({ "project": PROJECT, "iam_token": "t", "endpoint": "http://127.0.0.1:1" }));
    provider.resolve().await.unwrap();
}

#[tokio::test]
async fn offers_tell_prices_and_stock() {
    // Of the project's tenant, which nobody has named.
    let place = Place::with(Product::Job, &json!({}));
    let provider = place.provider();
    let offers = provider.offers().await.unwrap();
    assert_eq!(provider.said.len(), 1, "what has no price has a word why");
    let told: Vec<String> = offers
        .iter()
        .map(|offer| {
            let price = offer
                .price_per_hour()
                .map_or("?".to_owned(), |price| format!("{price:.2}"));
            format!(
                "{} {price} {} {} {:?} {:?} {:?} {} {}",
                offer.name,
                offer.market.as_deref().unwrap_or("?"),
                offer.gpu.as_deref().unwrap_or("-"),
                offer.gpu_memory_gib,
                offer.vcpus,
                offer.memory_gib,
                offer.places.join("+"),
                offer.stock.as_deref().unwrap_or("?")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    cpu-d3/4vcpu-16gb 0.13 on-demand - None Some(4.0) Some(16.0) eu-north1 high (12)
    cpu-e2/2vcpu-8gb 0.07 on-demand - None Some(2.0) Some(8.0) eu-north1 high (12)
    gpu-b200-sxm/8gpu-160vcpu-1792gb 58.41 on-demand 8x B200 Some(180.0) Some(160.0) Some(1792.0) eu-north1 high (12)
    gpu-b300-sxm/1gpu-24vcpu-346gb ? on-demand B300 Some(288.0) Some(24.0) Some(346.0) eu-north1 high (12)
    gpu-h100-sxm/1gpu-16vcpu-200gb 4.61 on-demand H100 Some(80.0) Some(16.0) Some(200.0) eu-north1 high (12)
    gpu-h100-sxm/8gpu-128vcpu-1600gb 36.81 on-demand 8x H100 Some(80.0) Some(128.0) Some(1600.0) eu-north1 high (12)
    gpu-h200-sxm/1gpu-16vcpu-200gb 5.51 on-demand H200 Some(141.0) Some(16.0) Some(200.0) eu-north1 high (12)
    gpu-h200-sxm/8gpu-128vcpu-1600gb 44.01 on-demand 8x H200 Some(141.0) Some(128.0) Some(1600.0) eu-north1 high (12)
    gpu-l40s-a/1gpu-8vcpu-32gb 1.56 on-demand L40S Some(48.0) Some(8.0) Some(32.0) eu-north1 high (12)
    gpu-l40s-a/1gpu-40vcpu-160gb 1.56 on-demand L40S Some(48.0) Some(40.0) Some(160.0) eu-north1 high (12)
    gpu-l40s-d/1gpu-16vcpu-96gb 1.56 on-demand L40S Some(48.0) Some(16.0) Some(96.0) eu-north1 high (12)
    ");
    place.is_well();
}

#[tokio::test]
async fn a_plan_has_the_prices_of_now_or_of_the_list() {
    let place = Place::with(Product::Job, &json!({}));
    let quotes = place.provider().quotes().await.unwrap();
    let told = quotes
        .iter()
        .map(|quote| format!("{} {:?}", quote.candidate, quote.price));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"gpu-l40s-a 1gpu-8vcpu-32gb Some(Price { per_hour: 1.5597, basis: Some(Live) })");
    place.is_well();
}

#[tokio::test]
async fn preemptible_offers_are_those_that_can_be_had_so() {
    let place = Place::with(Product::Job, &json!({ "preemptible": true }));
    let offers = place.provider().offers().await.unwrap();
    assert!(
        offers.iter().all(|offer| !offer.name.starts_with("cpu-")),
        "{offers:?}"
    );
    let l40s = offers
        .iter()
        .find(|offer| offer.name == "gpu-l40s-a/1gpu-8vcpu-32gb")
        .unwrap();
    assert_eq!(
        (l40s.price_per_hour(), l40s.stock.as_deref()),
        (Some(0.7847), Some("high (12)"))
    );
}

#[tokio::test]
async fn offers_without_stock_are_told_and_why() {
    let place = Place::with(Product::Job, &json!({}));
    place.standin.judge(|asked| match asked.call {
        "projects.get" => Deed::Status(403),
        _ => Deed::Answer,
    });
    let offers = place.provider().offers().await.unwrap();
    assert!(!offers.is_empty() && offers.iter().all(|offer| offer.stock.is_none()));
    let health = place.provider().check().await.unwrap();
    let told = health.warnings.join("\n");
    assert!(told.contains("tenant of the project"), "{told}");
    // It is not asked where the settings name it.
    let place = Place::with(Product::Job, &json!({ "tenant": TENANT }));
    place.provider().offers().await.unwrap();
    assert!(place.standin.asked_for("projects.get").is_empty());
}

#[tokio::test]
async fn a_check_tells_who_where_and_what() {
    let place = Place::with(
        Product::Vm,
        &json!({ "tenant": TENANT, "preset": ["1gpu-8vcpu-32gb", "9gpu-8vcpu-32gb"], "subnet": "vpcsubnet-e00apps" }),
    );
    let health = place.provider().check().await.unwrap();
    let told = format!(
        "{}\n--\n{}",
        health.facts.join("\n"),
        health.warnings.join("\n")
    );
    let told = told.replace(&place.standin.url, "http://HERE");
    insta::assert_snapshot!(told, @"
    a token in `project-e00acme` at http://HERE/
    the project belongs to the tenant `tenant-e00acme` and is in the region `eu-north1`
    subnet `vpcsubnet-e00apps`
    gpu-l40s-a 1gpu-8vcpu-32gb, $1.56/h, stock high (12)
    --
    skipping gpu-l40s-a 9gpu-8vcpu-32gb: the project does not offer it
    a VM without `service_account` powers itself off, and its disk is billed until `gharun stop` removes it
    ");
    place.is_well();
    let place = Place::with(Product::Vm, &json!({ "preset": "9gpu-8vcpu-32gb" }));
    let error = place
        .provider()
        .check()
        .await
        .expect_err("nothing could be launched");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("preset")),
        "{}",
        chain(&error)
    );
}

#[test]
fn the_environment_gives_token_profile_and_file() {
    let env = |name: &str| match name {
        "NEBIUS_IAM_TOKEN" => Some("t".to_owned()),
        "NEBIUS_PROFILE" => Some(String::new()),
        "HOME" => Some("/home/me/".to_owned()),
        _ => None,
    };
    let found = Nebius::env_defaults(&env);
    let told: Vec<_> = found
        .iter()
        .map(|(_, key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        told,
        [
            r#"iam_token="t""#,
            r#"config_file="/home/me/.nebius/config.yaml""#
        ]
    );
}

#[test]
fn settings_that_cannot_be_meant_are_refused_by_their_key() {
    let mut told = Vec::new();
    for table in [
        json!({ "project": "acme" }),
        json!({ "subnet": "vpcsubnet-a/b" }),
        json!({ "service_account": "serviceaccount-a" }),
        json!({ "product": "vm", "service_account": "serviceaccount-a'b" }),
        json!({ "product": "vm", "env": { "A": "b" } }),
        json!({ "product": "vm", "disk": { "size": 39 } }),
        json!({ "platform": [] }),
        json!({ "platform": "GPU" }),
        json!({ "platform": "gpu-l40s-a", "preset": "gpu-h100-sxm/1gpu-16vcpu-200gb" }),
        json!({ "pricing_policy": "x" }),
        json!({ "registry": { "username": "x" } }),
        json!({ "registry_password": "x" }),
        json!({ "start_deadline": "0s" }),
        json!({ "endpoint": "api.nebius.cloud" }),
        json!({ "auth_endpoint": "ftp://x" }),
        json!({ "endpoint": "http://192.0.2.1" }),
        json!({ "auth_endpoint": "http://192.0.2.1" }),
        json!({ "image": "a b" }),
        json!({ "labels": { "gharun-name": "x" } }),
        json!({ "labels": { "Team": "x" } }),
        json!({ "iam_token": "two words" }),
        json!({ "service_account_key": "/nowhere/key.json" }),
        json!({ "profile": "x" }),
    ] {
        let config = serde_json::from_value(table.clone()).unwrap();
        let error = Nebius::at(config, crate::providers::nebius::tests::place::paces())
            .expect_err("it cannot be meant");
        assert_eq!(error.kind, ErrorKind::Config, "{table}");
        told.push(format!("{}: {error}", error.key().unwrap_or_default()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    project: `project` must be an ID that begins with `project-`, not `acme`
    subnet: `subnet` must be an ID that begins with `vpcsubnet-`, not `vpcsubnet-a/b`
    service_account: `service_account` needs `product = "vm"`: a job ends by itself
    service_account: `service_account` must be an ID that begins with `serviceaccount-`, not `serviceaccount-a'b`
    env: `env` needs `product = "job"`: a VM has no container
    disk.size: `disk.size` must be at least 40 GiB, not `39`
    platform: `platform` must be at least one platform, not an empty array
    platform: `platform` must be the name of a platform, not `GPU`
    preset: none of the presets is for a platform in `platform`
    pricing_policy: `pricing_policy` needs `preemptible = true`: set it, or leave the policy out
    registry: `registry` has a `username`, and `registry_password` is not set
    registry: `registry_password` needs a `username` in `registry`
    start_deadline: `start_deadline` must be a duration above zero, such as `"10m"`, not `0s`
    endpoint: `endpoint` must be the URL of a server, such as `https://api.example.com/v1`, not `api.nebius.cloud`
    auth_endpoint: `auth_endpoint` must be the URL of a server, such as `https://api.example.com/v1`, not `ftp://x`
    endpoint: keys and scripts would go to `http://192.0.2.1/` unencrypted
    auth_endpoint: keys and scripts would go to `http://192.0.2.1/` unencrypted
    image: `image` must be a name without spaces, not `a b`
    labels: `gharun-name` is not a valid label key: use lower-case letters, digits, `-`, `_` and `.`; `managed-by` and `gharun-…` are reserved
    labels: `Team` is not a valid label key: use lower-case letters, digits, `-`, `_` and `.`; `managed-by` and `gharun-…` are reserved
    iam_token: the token must be one word of visible characters
    service_account_key: `/nowhere/key.json` could not be read: No such file or directory (os error 2)
    profile: could not find the profile `x`: the home directory is not known
    "#);
}
