//! What the settings come to: candidates, prices, warnings.

use super::*;

#[tokio::test]
async fn a_pod_that_is_smaller_than_asked_for_is_warned_of_once_and_kept() {
    let account = Account::open();
    // The stand-in gives every pod with GPUs 16 vCPUs and 62 GB.
    let runpod =
        account.with(json!({ "gpu": "L40S", "min_vcpu_per_gpu": 32, "min_ram_per_gpu": 64 }));
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    runpod.list().await.unwrap();
    assert_eq!(runpod.said.len(), 2, "vCPUs and memory");
    assert_eq!(account.alive(), [machine.id.id]);
    let other = account.with(json!({ "gpu": "L40S", "min_vcpu_per_gpu": 32 }));
    other.list().await.unwrap();
    assert_eq!(other.said.len(), 0, "it asked for none");
}

#[tokio::test]
async fn without_the_catalog_whole_names_do_and_limits_do_not() {
    let account = Account::open();
    let deed = Deed::html(503);
    account
        .standin
        .times(u32::MAX, "GET", "/v2/catalog/gpus", deed);
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.rental.price_per_hour(), Some(0.86));
    let error = account.fails(json!({ "gpu": "L40S" })).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.hints().join("\n").contains("full ID"));
    let limited = json!({ "gpu": "NVIDIA L40S", "max_price": 2.0 });
    let error = account.fails(limited).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(account.tried().len(), 1);
}

#[tokio::test]
async fn settings_that_the_catalog_cannot_meet_are_told_with_their_key() {
    let account = Account::open();
    for (settings, key) in [
        (json!({}), "gpu"),
        (json!({ "gpu": "L40X" }), "gpu"),
        (json!({ "cpu": "cpu9z" }), "cpu"),
        (json!({ "gpu": "L40S", "gpu_count": 64 }), "gpu_count"),
        (json!({ "gpu": "L4", "cloud": "community" }), "cloud"),
    ] {
        let error = account.fails(settings.clone()).await;
        assert_eq!(error.kind, ErrorKind::Config, "{settings}: {error}");
        assert_eq!(error.key(), Some(key), "{settings}: {error}");
    }
    assert_eq!(account.tried(), [""; 0]);
}

#[tokio::test]
async fn every_setting_is_taken_by_runpods_own_description() {
    let account = Account::open();
    let gpu = json!({
        "gpu": "4090", "gpu_count": 2, "cloud": "any", "data_centers": ["EU-RO-1"], "disk": 50,
        "volume": { "size": 40 }, "min_cuda": "12.4", "min_ram_per_gpu": 16, "min_vcpu_per_gpu": 4,
        "ports": ["22/tcp", "8888/http"], "env": { "A": "b" }, "max_price": 2.0,
    });
    let machine = account.with(gpu).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.rental.price_per_hour(), Some(0.68));
    let cpu = json!({ "cpu": "cpu5c", "vcpus": 8 });
    let machine = account.with(cpu).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.rental.price_per_hour(), Some(0.28));
    account.is_clean();
}

#[tokio::test]
async fn a_check_tells_what_would_be_tried_and_warns_of_what_would_not() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::None, 0);
    let runpod = account.with(json!({ "gpu": ["L40S", "4090"], "cloud": "any" }));
    let health = runpod.check().await.unwrap();
    let told = health.facts.join("\n") + "\n--\n" + &health.warnings.join("\n");
    insta::assert_snapshot!(told.replace(&account.standin.url, "URL"), @"
    the API key works at URL/v2: 0 pods in its account, 0 of them gharun's
    `NVIDIA GeForce RTX 4090`, community cloud, $0.34 an hour, stock HIGH
    `NVIDIA GeForce RTX 4090`, secure cloud, $0.69 an hour, stock HIGH
    only a launch can show whether the balance is enough, and whether the key may create pods
    --
    skipping `NVIDIA L40S`, secure cloud: it is out of stock
    skipping `NVIDIA L40S`, community cloud: it is out of stock
    ");
    account.is_clean();
}

#[tokio::test]
async fn offers_are_of_both_clouds() {
    let account = Account::open();
    let offers = account.with(json!({})).offers().await.unwrap();
    let of = |name: &str| -> Vec<String> {
        let found = offers.iter().filter(|offer| offer.name == name);
        let told = found.map(|one| {
            let price = one.price_per_hour().expect("a price");
            {
                let market = one.market.as_deref().unwrap_or_default();
                format!(
                    "{price:.2} {} {market}",
                    one.stock.as_deref().unwrap_or_default()
                )
            }
        });
        told.collect()
    };
    assert_eq!(
        of("NVIDIA L40S"),
        ["0.86 HIGH secure", "0.79 HIGH community"]
    );
    assert_eq!(of("NVIDIA L4"), ["0.43 HIGH secure"]);
    account.is_clean();
}

#[tokio::test]
async fn the_offers_of_a_table_are_of_the_clouds_that_it_rents_in() {
    let account = Account::open();
    let clouds = async |settings| {
        let offers = account.with(settings).offers().await.unwrap().into_iter();
        let markets = offers.filter_map(|offer| offer.market);
        markets.collect::<std::collections::BTreeSet<_>>()
    };
    let (community, secure) = ("community".to_owned(), "secure".to_owned());
    for (settings, expected) in [
        (json!({}), vec![&community, &secure]),
        (json!({ "gpu": "L40S" }), vec![&secure]),
        (json!({ "cpu": "cpu5c" }), vec![&secure]),
        (
            json!({ "gpu": "L40S", "cloud": "any" }),
            vec![&community, &secure],
        ),
        (json!({ "cloud": "community" }), vec![&community]),
    ] {
        let found = clouds(settings.clone()).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{settings}");
    }
    account.is_clean();
}

#[test]
fn an_image_of_ones_own_that_does_not_tell_its_cuda_version_is_warned_of() {
    let own = "ghcr.io/acme/torch:2.8";
    for (settings, warns) in [
        (json!({ "gpu": "L40S", "image": own }), true),
        (
            json!({ "gpu": "L40S", "image": "ghcr.io/acme/torch" }),
            true,
        ),
        (json!({ "gpu": "L40S" }), false),
        (json!({ "cpu": "cpu5c", "image": own }), false),
        (
            json!({ "gpu": "L40S", "image": own, "min_cuda": "12.8" }),
            false,
        ),
        (
            json!({ "gpu": "L40S", "image": "ghcr.io/acme/torch:2.8-cuda12.8" }),
            false,
        ),
        (
            json!({ "gpu": "L40S", "image": "nvidia/cuda:12.4.1-runtime" }),
            false,
        ),
    ] {
        let config = super::account::config(settings.clone());
        let runpod = RunPod::with(config, super::account::bounds(), super::account::paces());
        let warnings = runpod.expect("settings").warnings();
        let told = warnings
            .iter()
            .filter(|one| one.ends_with("set `min_cuda`"));
        assert_eq!(told.count(), usize::from(warns), "{settings}: {warnings:?}");
    }
}

#[tokio::test]
async fn a_plan_has_the_prices_of_now_in_the_order_of_a_launch() {
    let account = Account::open();
    let wanted = json!({ "gpu": ["L40S", "A40"], "cloud": "any", "max_price": 0.85 });
    let quotes = account.with(wanted).quotes().await.unwrap();
    let told = quotes.iter().map(|quote| {
        let price = quote.price.expect("a price");
        let stock = quote.stock.as_deref().unwrap_or_default();
        format!("{} {price} {stock}", quote.candidate)
    });
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"), @"
    `NVIDIA L40S`, community cloud $0.79/h HIGH
    `NVIDIA A40`, secure cloud $0.40/h HIGH
    ");
    account.is_clean();
}

#[test]
fn the_surroundings_give_key_and_endpoint() {
    let env = |name: &str| match name {
        "RUNPOD_API_KEY" => Some(" rpa_1 ".to_owned()),
        "RUNPOD_REST_V2_API_URL" => Some("https://proxy.example/v2".to_owned()),
        _ => None,
    };
    let found: Vec<String> = RunPod::env_defaults(&env)
        .into_iter()
        .map(|(variable, key, value)| format!("{variable} {key} {value}"))
        .collect();
    assert_eq!(
        found,
        [
            "RUNPOD_API_KEY api_key \"rpa_1\"",
            "RUNPOD_REST_V2_API_URL endpoint \"https://proxy.example/v2\""
        ]
    );
    assert!(RunPod::env_defaults(&|_| None).is_empty());
}

#[tokio::test]
async fn the_settings_warn_of_what_will_not_work_well() {
    let account = Account::open();
    let mut settings = json!({ "disk": 10, "cloud": "any", "endpoint": "http://192.0.2.1/v2" });
    settings["allow_plain_http"] = true.into();
    let warnings = account.with(settings).warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(account.with(two()).warnings().is_empty());
}

#[tokio::test]
async fn a_network_volume_pins_its_data_center() {
    let account = Account::open();
    account.standin.volume("vol0", "EU-FR-1");
    account.standin.withdraw("NVIDIA L40S", "EU-FR-1");
    let settings = json!({ "gpu": TWO, "network_volume": "vol0", "cloud": "any" });
    let runpod = account.with(settings.clone());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried(), ["NVIDIA RTX A4000 SECURE"]);
    assert_eq!(
        account.standin.bodies()[0]["dataCenterIds"],
        json!(["EU-FR-1"])
    );
    let rental = &machine.rental;
    assert_eq!(
        rental.to_string(),
        "NVIDIA RTX A4000, secure, EU-FR-1, $0.25/h"
    );
    let health = runpod.check().await.unwrap();
    let facts = health.facts.join("\n");
    assert!(facts.contains("`vol0` is in EU-FR-1"), "{facts}");
    let warned = health.warnings.join("\n");
    assert!(
        warned.contains("EU-FR-1, where the network volume is, does not offer it"),
        "{warned}"
    );
    // A GPU that is never there is refused, before anything is rented.
    let never = account.with(json!({ "gpu": "L40S", "network_volume": "vol0" }));
    let error = never.preflight().await.expect_err("it is never there");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("network_volume"))
    );
    account.is_clean();
}

#[tokio::test]
async fn a_network_volume_that_is_elsewhere_or_nowhere_is_told() {
    let account = Account::open();
    account.standin.volume("vol0", "EU-FR-1");
    let other = json!({ "gpu": "L40S", "network_volume": "vol0", "data_centers": ["US-KS-2"] });
    let error = account.fails(other).await;
    assert_eq!(error.key(), Some("data_centers"), "{}", chain(&error));
    let error = account
        .fails(json!({ "gpu": "L40S", "network_volume": "vol1" }))
        .await;
    assert_eq!(error.key(), Some("network_volume"), "{}", chain(&error));
    assert!(account.tried().is_empty());
    // A key that may not look is no reason not to launch: RunPod knows.
    account
        .standin
        .times(u32::MAX, "GET", "/v2/network-volumes/{id}", Deed::html(502));
    let settings = json!({ "gpu": "L40S", "network_volume": "vol0" });
    account.with(settings).launch(&order("k3x9")).await.unwrap();
    let community = json!({ "gpu": "L40S", "cloud": "any", "data_centers": ["US-KS-2"] });
    let warnings = account.with(community).warnings().join("\n");
    assert!(warnings.contains("leave it out"), "{warnings}");
    account.is_clean();
}
