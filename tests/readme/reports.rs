//! The JSON that the README shows is what the program's own reports become.

use std::fmt::Debug;
use std::str::FromStr;
use std::time::Duration;

use gharun::model::{Mapping, Name, Reference};
use gharun::report::{Failed, Kept, List, Machine, Runner, Start, Stop, Stopped, Unknown, json};
use jiff::Timestamp;
use serde_json::Value;

use super::blocks_of;

const FIRST: &str = "gharun-7-1-0-abcdefabcdefgh";
const CONTAINER: &str = "docker:1a2b3c4d5e6f/0123456789ab";

fn read<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("it is of its form")
}

/// The only block with such a key.
fn shown(key: &str) -> Value {
    let blocks = blocks_of("json").into_iter();
    let mut found: Vec<Value> = blocks
        .map(|block| serde_json::from_str(&block.text).expect("the README's JSON can be read"))
        .filter(|value: &Value| value.get(key).is_some())
        .collect();
    assert_eq!(found.len(), 1, "blocks with `{key}`");
    found.remove(0)
}

/// Keys and values, and the keys in the same order.
fn assert_shown(key: &str, written: &str) {
    let written: Value = serde_json::from_str(written).expect("reports are JSON");
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("it was read");
    assert_eq!(pretty(&shown(key)), pretty(&written));
}

#[test]
fn the_json_of_start_is_what_start_writes() {
    let (name, instance): (Name, Reference) = (read(FIRST), read(CONTAINER));
    let start = Start {
        mapping: Mapping(vec![(instance.clone(), name.clone())]),
        runners: vec![Runner {
            labels: vec![FIRST.to_owned()],
            name,
            instance,
            provider: "docker".to_owned(),
            kind: "docker".to_owned(),
            runner_id: Some(42),
            created_at: read("2026-11-24T09:00:00Z"),
            expires_at: read("2026-11-24T16:00:00Z"),
            launched_after: Duration::from_millis(1200),
            online_after: Duration::from_millis(8900),
            price_per_hour: None,
        }],
    };
    assert_shown("runners", &json(&start));
}

#[test]
fn the_json_of_stop_is_what_stop_writes() {
    let slot = "local:9f8e7d6c5b4a/gharun-7-1-2-abcdefqrstuvwx";
    let stop = Stop {
        stopped: vec![Stopped {
            instance: Some(read(CONTAINER)),
            name: Some(read(FIRST)),
            deregistered: true,
            terminated: true,
            billed: Some(Duration::from_millis(754_300)),
            cost: None,
        }],
        kept: vec![Kept {
            instance: Some(read("docker:1a2b3c4d5e6f/ba9876543210")),
            name: read("gharun-7-1-1-abcdefijklmnop"),
            reason: "a job runs on it".to_owned(),
        }],
        failed: vec![Failed {
            instance: Some(read(slot)),
            name: Some(read("gharun-7-1-2-abcdefqrstuvwx")),
            error: "could not end the slot".to_owned(),
            command: format!("gharun stop {slot}"),
        }],
    };
    assert_shown("stopped", &json(&stop));
}

#[test]
fn the_json_of_list_is_what_list_writes() {
    let created: Timestamp = read("2026-11-24T09:00:00Z");
    let list = List {
        machines: vec![Machine {
            name: read(FIRST),
            instance: Some(read(CONTAINER)),
            provider: Some("docker".to_owned()),
            kind: Some("docker".to_owned()),
            state: "running".to_owned(),
            runner: "busy".to_owned(),
            runner_id: Some(42),
            scope: "octo/app".to_owned(),
            run_id: Some(7),
            created_at: Some(created),
            expires_at: Some(read("2026-11-24T16:00:00Z")),
            price_per_hour: None,
            cost: None,
            verdict: "working".to_owned(),
            why: "a job runs on it".to_owned(),
        }],
        unknown: vec![Unknown {
            source: "local".to_owned(),
            error: "could not read the slots".to_owned(),
        }],
        now: created,
    };
    assert_shown("machines", &json(&list));
}
