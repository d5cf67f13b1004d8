//! Stops on EC2 by what a start wrote into its outputs, on another computer.

use std::time::Duration;

use super::{REGION, moto, nothing_is_left, run_id, start, step};
use crate::world::World;
use gharun_worlds::moto::{Deed, Proxy, Server};

/// Starts machines in a step that looks for them in all regions, brings them online, and forgets all but the mapping, as
/// the job that stops them does on another computer.
fn started(server: &Server, run: u64, count: usize) -> (World, String) {
    let proxy = Proxy::start(server, Duration::ZERO, |_| Deed::Forward);
    let world = step(run, &proxy);
    let text = "[defaults]\nproviders = [\"aws\"]\n\n[providers.aws]\n";
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    start(&world, count);
    let mapping = world.output("mapping").expect("it was launched");
    for file in ["temp/gharun-state.json", "output"] {
        std::fs::remove_file(world.path(file)).expect("it was there");
    }
    (world, mapping)
}

#[test]
fn a_mapping_is_stopped_with_few_requests_and_only_where_it_and_its_table_say() {
    let Some(server) = moto() else { return };
    for (n, count, at_most) in [(1, 1, 4), (2, 16, 21)] {
        let run = run_id(430 + n);
        let (world, mapping) = started(&server, run, count);
        let calm = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
        let world = world
            .env("AWS_ENDPOINT_URL", &calm.url)
            .env("GHARUN_MAPPING", &mapping);
        world.run("stop").exits(0);
        let asked = calm.seen().asked.clone();
        let of_ec2 = asked.iter().filter(|one| one.action != "GetCallerIdentity");
        // The proxy has pages of two.
        let whole = of_ec2.filter(|one| one.value("NextToken").is_none());
        let actions: Vec<&str> = whole.map(|one| one.action.as_str()).collect();
        assert!(actions.len() <= at_most, "{count}: {actions:?}");
        assert!(asked.iter().all(|one| one.region == REGION), "{asked:?}");
        nothing_is_left(&world, &server, run, "stopped by its mapping");
    }
}

#[test]
fn a_mapping_of_bare_ids_is_stopped_and_an_id_that_is_not_there_is_named() {
    let Some(server) = moto() else { return };
    let run = run_id(435);
    let (world, mapping) = started(&server, run, 2);
    let mapping: serde_json::Value = serde_json::from_str(&mapping).expect("it is JSON");
    let mut bare = serde_json::Map::new();
    for (reference, label) in mapping.as_object().expect("a table") {
        let (_, id) = reference.rsplit_once('/').expect("a place");
        bare.insert(id.to_owned(), label.clone());
    }
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let world = world.env("AWS_ENDPOINT_URL", &proxy.url);
    let stop = |world: World, mapping: &serde_json::Map<String, serde_json::Value>| {
        let text = serde_json::Value::from(mapping.clone()).to_string();
        world.env("GHARUN_MAPPING", &text)
    };
    let world = stop(world, &bare);
    let stop_all = "stop --provider aws --output json";
    let stopped = world.run(stop_all).exits(0).json();
    assert_eq!(
        stopped["stopped"].as_array().map(Vec::len),
        Some(2),
        "{stopped}"
    );
    assert_eq!(
        stopped["failed"].as_array().map(Vec::len),
        Some(0),
        "{stopped}"
    );
    nothing_is_left(&world, &server, run, "stopped by bare ids");
    // Another tool's, and nobody's.
    bare.clear();
    bare.insert("i-0123456789abcdef0".to_owned(), "ec2-7f3a".into());
    let world = stop(world, &bare);
    let told = world.run(stop_all).exits(3).json();
    let failed = told["failed"].to_string();
    assert!(failed.contains("was not found in account"), "{told}");
    assert!(failed.contains(REGION), "{told}");
}
