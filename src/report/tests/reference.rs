//! The JSON that docs/reference.md shows is what the program's own outcomes become.

use std::fmt::Debug;
use std::str::FromStr;

use serde_json::Value;

use super::*;
use crate::model::Rental;

const FIRST: &str = "gharun-7-1-0-abcdefabcdefgh";
const CONTAINER: &str = "docker:1a2b3c4d5e6f/0123456789ab";

fn read<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("it is of its form")
}

/// The only block of JSON with such a key.
fn shown(key: &str) -> Value {
    let blocks = include_str!("../../../docs/reference.md")
        .split("```json\n")
        .skip(1);
    let mut found: Vec<Value> = blocks
        .map(|block| block.split("```").next().unwrap_or_default())
        .map(|block| serde_json::from_str(block).expect("the document's JSON can be read"))
        .filter(|value: &Value| value.get(key).is_some())
        .collect();
    assert_eq!(found.len(), 1, "blocks with `{key}`");
    found.remove(0)
}

/// Keys and values, and the keys in the same order.
fn assert_shown(key: &str, outcome: &impl Serialize) {
    assert_eq!(to_json(&shown(key)), to_json(outcome));
}

#[test]
fn the_json_of_start_is_what_start_writes() {
    let (name, instance): (Name, Reference) = (read(FIRST), read(CONTAINER));
    let start = StartOutcome {
        mapping: Mapping(vec![(instance.clone(), name.clone())]),
        up: vec![Up {
            labels: vec![FIRST.to_owned()],
            name,
            instance,
            provider: "docker".to_owned(),
            kind: "docker",
            runner_id: Some(42),
            created: read("2026-11-24T09:00:00Z"),
            expires: read("2026-11-24T16:00:00Z"),
            launched_after: Duration::from_millis(1200),
            online_after: Duration::from_millis(8900),
            rental: Rental::at("unix:///var/run/docker.sock"),
        }],
        ..StartOutcome::default()
    };
    assert_shown("runners", &start);
}

#[test]
fn the_json_of_stop_is_what_stop_writes() {
    let slot = "local:9f8e7d6c5b4a/gharun-7-1-2-abcdefqrstuvwx";
    let stop = StopOutcome {
        stopped: vec![Stopped {
            instance: Some(read(CONTAINER)),
            name: Some(read(FIRST)),
            deregistered: true,
            terminated: true,
            assumed_gone: false,
            already_gone: false,
            registered: None,
            billed: Some(Duration::from_millis(754_300)),
            cost: None,
            cost_at_most: false,
            reason: "its workflow run is over".to_owned(),
        }],
        kept: vec![Kept {
            instance: Some(read("docker:1a2b3c4d5e6f/ba9876543210")),
            name: read("gharun-7-1-1-abcdefijklmnop"),
            reason: "a job runs on it".to_owned(),
            due: true,
        }],
        failed: vec![Unstopped {
            instance: Some(read(slot)),
            name: Some(read("gharun-7-1-2-abcdefqrstuvwx")),
            error: "could not end the slot".into(),
            command: format!("gharun stop {slot}"),
            permanent: false,
            registration_only: false,
        }],
        pending: vec![Pending {
            name: read("gharun-7-1-3-abcdefyzabcdef"),
            until: read("2026-11-24T09:17:00Z"),
            command: "gharun stop gharun-7-1-3-abcdefyzabcdef".to_owned(),
            deregistered: true,
            reason: "its workflow run is over".to_owned(),
        }],
        unknown: vec![unread()],
        ..StopOutcome::default()
    };
    assert_shown("stopped", &stop);
}

#[test]
fn the_json_of_list_is_what_list_writes() {
    let mut row = doubles::row();
    row.rental = Rental::at("unix:///var/run/docker.sock");
    let list = ListOutcome {
        machines: vec![row],
        unknown: vec![unread()],
        now: read("2026-11-24T09:00:00Z"),
        ..ListOutcome::default()
    };
    assert_shown("machines", &list);
}

fn unread() -> Unknown {
    Unknown {
        source: "ssh".to_owned(),
        error: "could not read the slots".into(),
    }
}
