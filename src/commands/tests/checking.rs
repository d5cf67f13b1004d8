//! `providers check` and `providers offers`.

use super::*;
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

#[tokio::test]
async fn a_check_has_one_line_a_fact_and_its_hints_under_it() {
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    let fault = Fault::Error(ErrorKind::Denied);
    world.cloud.fault("far", Verb::Check, fault);
    let said = world.run("providers check").await.exits(Exit::Failed);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let begins = |word: &str| lines.iter().position(|line| line.starts_with(word));
    let row = begins("far ").expect("a row");
    assert!(lines[row].contains("broken      "), "{said:#?}");
    assert_eq!(lines[row + 1].trim(), "hint: see to `far`", "{said:#?}");
    assert!(lines[row + 1].starts_with("      "), "{said:#?}");
    let next = begins("gpu ").expect("a row");
    assert!(
        next == row + 2 && lines[next].contains("works"),
        "{said:#?}"
    );
    assert_eq!(said.both.matches("see to").count(), 1);
}

#[tokio::test]
async fn what_nobody_set_up_is_no_failure() {
    let world = World::new("").with("DOCKER_HOST", "zzz");
    std::fs::write(world.folder.path().join("providers.toml"), "").expect("a file");
    let said = world.run("providers check --output json").await;
    let json = said.exits(Exit::Done).json();
    let checks = json["checks"].as_array().expect("a list");
    let row = |name: &str| {
        let found = checks.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no `{name}` in {json}"))
    };
    // It needs a key, and no key is set.
    assert_eq!(row("runpod")["status"], "not_set_up");
    assert_eq!(
        (&row("runpod")["ok"], row("runpod")["error"].is_null()),
        (&false.into(), false)
    );
    // Named, it is to work.
    let said = world.run("providers check runpod --output json").await;
    let json = said.exits(Exit::Failed).json();
    assert_eq!(json["checks"][0]["status"], "failed");
}

#[tokio::test]
async fn what_a_start_takes_by_default_is_to_work() {
    let world = World::new("[defaults]\nproviders = [\"runpod\", \"gpu\"]\n");
    for (command, status) in [("check", "failed"), ("offers", "")] {
        let said = world
            .run(&format!("providers {command} --output json"))
            .await;
        let json = said.exits(Exit::Failed).json();
        let rows = json["checks"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let names: Vec<_> = rows.iter().map(|row| row["name"].clone()).collect();
        if command == "check" {
            assert!(
                names.contains(&"runpod".into()) && names.contains(&"gpu".into()),
                "{json}"
            );
            assert!(!names.contains(&"nebius".into()), "{json}");
            let row = rows
                .iter()
                .find(|row| row["name"] == "runpod")
                .expect("a row");
            assert_eq!(row["status"], status);
        } else {
            assert_eq!(json["unknown"][0]["source"], "runpod", "{json}");
        }
    }
}

#[tokio::test]
async fn what_mends_several_parts_is_below_each_of_them() {
    let broken = "kind = \"runpod\"\napi_key = { env = \"PODS_KEY\" }\n";
    let world = World::new(&format!("[providers.a]\n{broken}[providers.b]\n{broken}"));
    let said = world.run("providers check").await.exits(Exit::Failed);
    assert!(said.stdout.matches("hint: ").count() >= 2, "{said:#?}");
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
