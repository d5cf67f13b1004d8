//! `providers check` and `providers offers`.

use super::*;
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

#[tokio::test]
async fn a_hint_is_below_its_row_and_names_it() {
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    let fault = Fault::Error(ErrorKind::Denied);
    world.cloud.fault("far", Verb::Check, fault);
    let said = world.run("providers check").await.exits(Exit::Failed);
    let lines: Vec<&str> = said.both.lines().collect();
    let row = lines
        .iter()
        .position(|line| line.starts_with("far\tfailed\t"));
    let row = row.expect("a row");
    assert_eq!(lines[row + 1], "hint: `far`: see to `far`", "{said:#?}");
    assert!(lines[row + 2].starts_with("gpu\tok"), "{said:#?}");
    assert_eq!(said.times("see to"), 1);
}

#[tokio::test]
async fn what_mends_several_parts_names_them_all_and_each_row_has_it_in_json() {
    let broken = "kind = \"runpod\"\napi_key = { env = \"PODS_KEY\" }\n";
    let world = World::new(&format!("[providers.a]\n{broken}[providers.b]\n{broken}"));
    let said = world.run("providers check").await.exits(Exit::Failed);
    let shared = said.stderr.lines().find(|line| line.contains("`a`, `b`: "));
    assert!(shared.is_some(), "{said:#?}");
    let said = world.run("providers check --output json").await;
    let json = said.exits(Exit::Failed).json();
    let checks = json["checks"].as_array().expect("a list");
    for name in ["a", "b"] {
        let row = checks.iter().find(|check| check["name"] == name);
        let row = row.expect("a row");
        assert_eq!(row["hints"].as_array().map(Vec::len), Some(1), "{row}");
        assert!(row["request_id"].is_null() && row.get("setting").is_some());
        assert_eq!(row["warnings"], serde_json::json!([]), "{row}");
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_opened_is_a_row_that_failed() {
    let world = World::new("[providers.big]\nkind = \"nowhere\"\n");
    let said = world.run("providers check --output json").await;
    let json = said.exits(Exit::Failed).json();
    let checks = json["checks"].as_array().expect("a list");
    let status = |name: &str| {
        let found = checks.iter().find(|check| check["name"] == name);
        found.expect("a row")["status"].clone()
    };
    assert_eq!(
        (status("big"), status("gpu")),
        ("failed".into(), "ok".into())
    );
    let said = world.run("providers offers --output json").await;
    let json = said.exits(Exit::Failed).json();
    assert_eq!(json["unknown"][0]["source"], "big");
}
