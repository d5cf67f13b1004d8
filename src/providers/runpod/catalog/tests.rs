//! Names, limits and the order of candidates, on a small catalog.

use serde_json::{Value, json};

use super::super::candidates::{choose, named};
use super::super::config::Cloud;
use super::*;
use crate::providers::runpod::tests::account::config;

/// `(id, name, secure price, community price, stock, data centers)`; a price of 0 is "not there".
type Row = (
    &'static str,
    &'static str,
    f64,
    f64,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const ROWS: &[Row] = &[
    (
        "NVIDIA GeForce RTX 4090",
        "RTX 4090",
        0.69,
        0.34,
        "HIGH",
        &[("EU-RO-1", "HIGH"), ("US-TX-3", "NONE")],
    ),
    ("NVIDIA L40S", "L40S", 0.86, 0.79, "LOW", &[]),
    ("NVIDIA L40", "L40", 0.99, 0.69, "NONE", &[]),
    ("NVIDIA A40", "A40", 0.4, 0.0, "MEDIUM", &[]),
    ("NVIDIA A100 80GB PCIe", "A100 PCIe", 1.64, 1.19, "LOW", &[]),
    ("NVIDIA A100-SXM4-80GB", "A100 SXM", 1.89, 0.0, "HIGH", &[]),
];

fn gpus() -> GpuCatalog {
    let gpus: Vec<Value> = ROWS
        .iter()
        .map(|(id, name, secure, community, stock, centers)| {
            let centers: Vec<Value> = centers
                .iter()
                .map(|(id, level)| json!({ "id": id, "name": id, "availability": level }))
                .collect();
            let mut gpu = json!({
                "id": id, "name": name, "pool": null, "manufacturer": "NVIDIA", "memory": 48,
                "secure": secure > &0.0, "community": community > &0.0,
                "price": { "secure": secure, "community": community },
                "maxCount": { "secure": 8, "community": 4 }, "availability": stock,
            });
            if !centers.is_empty() {
                gpu["dataCenters"] = centers.into();
            }
            gpu
        })
        .collect();
    serde_json::from_value(json!({ "gpus": gpus })).expect("a catalog")
}

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_gpus(Tier::Secure, gpus());
    catalog.add_gpus(Tier::Community, gpus());
    catalog
}

fn tried(settings: Value) -> String {
    let choice = choose(&config(settings), &catalog()).expect("a choice");
    let tried = choice.candidates.iter().map(|one| {
        let price = one.price.map_or("?".into(), |price| format!("{price:.2}"));
        format!("{one} ${price}\n")
    });
    let dropped = choice
        .dropped
        .iter()
        .map(|(one, why)| format!("not {one}: {}\n", why.text));
    tried.chain(dropped).collect()
}

#[test]
fn a_name_is_an_id_a_name_or_whole_words_of_one() {
    let catalog = catalog();
    for (name, ids) in [
        ("NVIDIA L40S", &["NVIDIA L40S"][..]),
        ("l40s", &["NVIDIA L40S"]),
        ("L40", &["NVIDIA L40"]),
        ("4090", &["NVIDIA GeForce RTX 4090"]),
        ("RTX4090", &["NVIDIA GeForce RTX 4090"]),
        ("rtx-4090", &["NVIDIA GeForce RTX 4090"]),
        ("A100", &["NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB"]),
        ("a100 sxm", &["NVIDIA A100-SXM4-80GB"]),
    ] {
        assert_eq!(catalog.find(name).unwrap(), ids, "{name}");
    }
}

#[test]
fn a_name_that_nothing_bears_is_told_with_those_near_it() {
    let error = catalog().find("L40X").expect_err("there is none");
    assert_eq!(error.key(), Some("gpu"));
    insta::assert_snapshot!(error, @"RunPod does not offer `L40X`; similar: `NVIDIA L40`, `NVIDIA L40S`");
    assert!(catalog().find(" - ").is_err());
}

#[test]
fn the_users_order_comes_first_and_then_the_price() {
    insta::assert_snapshot!(tried(json!({ "gpu": ["L40S", "4090", "L40"], "cloud": "any" })), @"
    `NVIDIA L40S`, community cloud $0.79
    `NVIDIA L40S`, secure cloud $0.86
    `NVIDIA GeForce RTX 4090`, community cloud $0.34
    `NVIDIA GeForce RTX 4090`, secure cloud $0.69
    not `NVIDIA L40`, secure cloud: it is out of stock
    not `NVIDIA L40`, community cloud: it is out of stock
    ");
    insta::assert_snapshot!(tried(json!({ "gpu": "A100", "cloud": "any", "gpu_count": 2 })), @"
    2 x `NVIDIA A100 80GB PCIe`, community cloud $2.38
    2 x `NVIDIA A100 80GB PCIe`, secure cloud $3.28
    2 x `NVIDIA A100-SXM4-80GB`, secure cloud $3.78
    not 2 x `NVIDIA A100-SXM4-80GB`, community cloud: the community cloud does not offer it
    ");
}

#[test]
fn what_costs_more_than_it_may_and_what_no_machine_has_is_dropped() {
    insta::assert_snapshot!(tried(json!({ "gpu": ["4090", "A40"], "cloud": "any", "max_price": 0.6 })), @"
    `NVIDIA GeForce RTX 4090`, community cloud $0.34
    `NVIDIA A40`, secure cloud $0.40
    not `NVIDIA GeForce RTX 4090`, secure cloud: it costs $0.69 an hour, above the `max_price` of $0.60
    not `NVIDIA A40`, community cloud: the community cloud does not offer it
    ");
    insta::assert_snapshot!(tried(json!({ "gpu": "4090", "cloud": "any", "gpu_count": 6 })), @"
    6 x `NVIDIA GeForce RTX 4090`, secure cloud $4.14
    not 6 x `NVIDIA GeForce RTX 4090`, community cloud: a machine has at most 4 of them, not 6
    ");
}

#[test]
fn data_centers_without_stock_are_left_out() {
    insta::assert_snapshot!(tried(json!({ "gpu": "4090", "data_centers": ["US-TX-3", "EU-RO-1", "EU-SE-1"] })), @"`NVIDIA GeForce RTX 4090`, secure cloud, EU-RO-1 $0.69");
    insta::assert_snapshot!(tried(json!({ "gpu": "4090", "data_centers": ["US-TX-3"] })), @"not `NVIDIA GeForce RTX 4090`, secure cloud, US-TX-3: it is out of stock in `data_centers`");
    // The list says nothing of the data centers of this one.
    insta::assert_snapshot!(tried(json!({ "gpu": "A40", "data_centers": ["US-TX-3"] })), @"`NVIDIA A40`, secure cloud, US-TX-3 $0.40");
}

#[test]
fn cpu_flavors_are_priced_by_their_virtual_cpus() {
    let cpus = json!({ "cpus": [{
        "id": "cpu5c", "name": "Compute-Optimized", "group": "Gen 5", "vcpu": { "min": 2, "max": 16 },
        "ramGbPerVcpu": 2.0, "price": { "securePerVcpu": 0.04, "serverlessPerVcpu": 0.03 },
        "availability": "MEDIUM",
    }] });
    let mut catalog = Catalog::default();
    catalog.add_cpus(serde_json::from_value(cpus).expect("a catalog"));
    let config = config(json!({ "cpu": "cpu5c", "vcpus": 8, "cloud": "any" }));
    let choice = choose(&config, &catalog).unwrap();
    assert_eq!(choice.candidates.len(), 1);
    assert_eq!(choice.candidates[0].price, Some(0.32));
    assert_eq!(
        choice.candidates[0].to_string(),
        "`cpu5c` with 8 vCPUs, secure cloud"
    );
    // The list has no price of the other cloud, and so no limit could be kept.
    let mut elsewhere = config.clone();
    elsewhere.cloud = Cloud::Community;
    assert_eq!(choose(&elsewhere, &catalog).unwrap().candidates.len(), 1);
    elsewhere.max_price = Some(9.0);
    assert_eq!(choose(&elsewhere, &catalog).unwrap().candidates, []);
    let offers = catalog.offers(8);
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].stock.as_deref(), Some("MEDIUM"));
    assert_eq!(
        (offers[0].vcpus, offers[0].memory_gib),
        (Some(8.0), Some(16.0))
    );
    assert_eq!(catalog.find("cpu9").unwrap_err().key(), Some("cpu"));
}

#[test]
fn offers_tell_the_price_of_all_gpus_of_a_pod() {
    let offers = catalog().offers(2);
    let found = offers
        .iter()
        .find(|offer| offer.name == "NVIDIA A40")
        .unwrap();
    assert_eq!(found.price_per_hour(), Some(0.8));
    assert_eq!(found.stock.as_deref(), Some("MEDIUM"));
    assert_eq!(found.market.as_deref(), Some("secure"));
    assert_eq!(found.gpu.as_deref(), Some("2x NVIDIA A40"));
    assert_eq!(found.gpu_memory_gib, Some(48.0));
    let offers = catalog().offers(1);
    let placed = offers.iter().find(|offer| !offer.places.is_empty());
    assert_eq!(placed.expect("one that is placed").places, ["EU-RO-1"]);
    // 8 are in no machine of the community cloud.
    let many = catalog().offers(8);
    assert!(
        many.iter()
            .all(|offer| offer.market.as_deref() == Some("secure"))
    );
}

#[test]
fn without_a_catalog_candidates_are_as_they_are_written() {
    let config =
        config(json!({ "gpu": ["L40S", "A40"], "cloud": "any", "data_centers": ["EU-RO-1"] }));
    let named: Vec<String> = named(&config).iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "`L40S`, secure cloud, EU-RO-1",
            "`L40S`, community cloud, EU-RO-1",
            "`A40`, secure cloud, EU-RO-1",
            "`A40`, community cloud, EU-RO-1",
        ]
    );
}
