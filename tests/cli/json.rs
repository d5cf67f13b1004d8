//! With `--output json` every command writes one document of JSON to standard output, and nothing else.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use gharun::inside::Cli;
use serde_json::Value;

use crate::life::nothing_is_left;
use crate::world::World;

/// Commands in an order in which each has something to tell, with the keys of their documents.
const COMMANDS: &[(&str, &[&str])] = &[
    (
        "start local --dry-run",
        &[
            "scope",
            "server",
            "count",
            "labels",
            "timeout_s",
            "lifetime_s",
            "idle_timeout_s",
            "providers",
            "boot_script",
            "mapping",
            "runners",
            "failed",
            "left",
        ],
    ),
    (
        "start local --rehearse",
        &[
            "runners",
            "failed",
            "left",
            "error",
            "hints",
            "request_id",
            "swept",
        ],
    ),
    (
        "start local --setup fails.sh",
        &["mapping", "runners", "failed", "left"],
    ),
    ("start local", &["mapping", "runners", "failed", "left"]),
    ("list", &["machines", "unknown"]),
    ("list --orphans", &["machines", "unknown"]),
    ("providers", &["providers"]),
    ("providers list", &["providers"]),
    ("providers check local", &["checks"]),
    ("providers show local", &[]),
    ("providers offers local", &["offers", "unknown"]),
    (
        "stop --dry-run",
        &["stopped", "kept", "failed", "unknown", "planned"],
    ),
    (
        "stop --orphans",
        &["stopped", "kept", "failed", "unknown", "planned"],
    ),
    (
        "stop nowhere:x/y",
        &["stopped", "kept", "failed", "unknown", "planned"],
    ),
    ("stop", &["stopped", "kept", "failed", "unknown", "planned"]),
];

#[test]
fn every_command_writes_json() {
    let world = World::step();
    std::fs::write(world.path("fails.sh"), "exit 3\n").expect("a file");
    let mut documents = Vec::new();
    for (command, keys) in COMMANDS {
        let said = world.run(&format!("{command} --output json"));
        let document: Value = said.json();
        let found = document.as_object().expect("an object").keys();
        if !keys.is_empty() {
            let found: Vec<&String> = found.collect();
            assert_eq!(found, *keys, "`{command}`");
        }
        documents.push((*command, document));
    }
    nothing_is_left(&world);
    let of = |wanted: &str| {
        let mut all = documents.iter();
        let found = all.find(|(command, _)| *command == wanted);
        &found.expect("it was run").1
    };
    let rehearsed = of("start local --rehearse");
    assert_eq!(rehearsed["swept"], true, "{rehearsed}");
    let timeline = &rehearsed["runners"][0]["timeline"];
    assert!(timeline[0]["after_s"].is_number(), "{rehearsed}");
    let failed = &of("start local --setup fails.sh")["failed"][0];
    assert!(failed["error"].is_string(), "{failed}");
    assert_eq!(of("stop --dry-run")["planned"], true);
    assert_eq!(
        of("stop --dry-run")["stopped"],
        Value::Array(stripped(of("stop")))
    );
}

/// What a stop stopped, as its preview has it: nothing is done yet.
fn stripped(stop: &Value) -> Vec<Value> {
    let stopped = stop["stopped"].as_array().expect("a list");
    let undone = stopped.iter().map(|one| {
        let mut one = one.clone();
        for (key, value) in [
            ("deregistered", Value::from(false)),
            ("terminated", Value::from(false)),
            ("billed_s", Value::Null),
            ("cost", Value::Null),
        ] {
            one[key] = value;
        }
        one
    });
    undone.collect()
}

#[test]
fn no_command_is_left_out() {
    let mut all = BTreeSet::new();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        all.insert(name.to_owned());
        let inner = command.get_subcommands().map(clap::Command::get_name);
        all.extend(inner.map(|inner| format!("{name} {inner}")));
    }
    all.retain(|command| !command.split(' ').any(|word| word == "help"));
    // It asks questions, and writes a file.
    assert!(all.remove("providers init"));
    for command in all {
        let run = COMMANDS
            .iter()
            .any(|(words, _)| words.starts_with(&command));
        assert!(run, "`{command}` is not run");
    }
}
