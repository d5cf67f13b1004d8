//! With `--output json` every command writes one document of JSON to standard output, and nothing else.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};

use clap::CommandFactory as _;
use gharun::inside::Cli;
use serde_json::Value;

use crate::life::nothing_is_left;
use crate::world::{World, signal};

/// The keys that every outcome has beside its own.
const ERROR: [&str; 4] = ["error", "hints", "request_id", "setting"];

/// The keys of a command's own outcome.
fn keys(command: &str) -> &'static [&'static str] {
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["start", .., "--dry-run"] => &[
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
        ["start", _, "--rehearse", ..] => &["runners", "failed", "left", "swept"],
        ["start", ..] => &["mapping", "runners", "failed", "left"],
        ["stop", ..] => &[
            "stopped",
            "kept",
            "failed",
            "pending",
            "unknown",
            "not_searched",
            "planned",
        ],
        ["list", ..] => &["machines", "unknown", "not_searched"],
        ["providers", "check", ..] => &["checks"],
        ["providers", "offers", ..] => &["offers", "unknown", "not_asked"],
        ["providers", "trust", ..] => &[
            "file",
            "digest",
            "covers",
            "commands",
            "settings",
            "remembered_in",
        ],
        ["providers"] | ["providers", "list", ..] => &["providers"],
        ["explain", ..] => &["sections"],
        ["workflow", ..] => &["providers", "secrets", "variables", "notes", "workflow"],
        other => panic!("{other:?}"),
    }
}

/// Commands in an order in which each has something to tell, and how they end.
const COMMANDS: &[(&str, i32)] = &[
    ("start local --dry-run", 0),
    ("start local --rehearse", 0),
    ("start local --setup fails.sh", 1),
    ("start local", 0),
    ("list", 0),
    ("list --orphans", 0),
    ("providers", 0),
    ("providers list", 0),
    ("providers check local", 0),
    ("providers show local", 0),
    ("providers offers local", 0),
    ("providers trust other.toml", 0),
    ("explain no-way-out", 0),
    ("workflow local", 0),
    ("stop --dry-run", 0),
    ("stop --orphans", 0),
    ("stop nowhere:x/y", 3),
    ("stop", 0),
];

/// Commands that fail before they have done anything, and how they end.
const EARLY: &[(&str, i32)] = &[
    ("start nowhere", 2),
    ("start local --timeout never", 2),
    ("start docker --rehearse --set host=tcp://127.0.0.1:9", 1),
    ("stop --older-than never", 2),
    ("list --provider nowhere", 2),
    ("providers --config nowhere.toml", 2),
    ("providers list --config nowhere.toml", 2),
    ("providers check nowhere", 2),
    ("providers show nowhere", 2),
    ("providers offers nowhere", 2),
    ("providers trust nowhere.toml", 2),
    ("explain nothing-of-that-name", 2),
    ("workflow nowhere", 2),
];

#[track_caller]
fn has_its_keys(command: &str, document: &Value) {
    let found = document.as_object().expect("an object").keys();
    let found: BTreeSet<&str> = found.map(String::as_str).collect();
    let bare = command.split(" --config").next().unwrap_or(command);
    let own = keys(bare).iter().copied();
    assert_eq!(found, own.chain(ERROR).collect(), "`{command}`");
}

#[test]
fn every_command_writes_json() {
    let world = World::step();
    std::fs::write(world.path("fails.sh"), "exit 3\n").expect("a file");
    std::fs::write(world.path("other.toml"), "[providers.local]\n").expect("a file");
    let mut documents = Vec::new();
    for (command, code) in COMMANDS {
        let said = world.run(&format!("{command} --output json")).exits(*code);
        let document: Value = said.json();
        if *command != "providers show local" {
            has_its_keys(command, &document);
            assert!(document["error"].is_null(), "`{command}`: {document}");
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

#[test]
fn what_fails_before_it_has_done_anything_writes_json_too() {
    let world = World::new();
    for (command, code) in EARLY {
        let said = world.run(&format!("{command} --output json")).exits(*code);
        let document = said.json();
        assert!(document["error"].is_string(), "`{command}`: {document}");
        if *command == "providers show nowhere" {
            continue;
        }
        has_its_keys(command, &document);
        for (key, value) in document.as_object().expect("an object") {
            let list = value.as_array().filter(|_| key != "hints");
            assert!(list.is_none_or(Vec::is_empty), "`{command}`: {document}");
        }
    }
    let world = world
        .env("GITHUB_API_URL", "http://127.0.0.1:9")
        .env("GH_PAT", "");
    for command in ["list", "stop --orphans --yes", "start local"] {
        let said = world.run(&format!("{command} --output json"));
        let document = said.exits(2).json();
        has_its_keys(command, &document);
        assert!(document["error"].is_string(), "`{command}`: {document}");
    }
}

#[test]
fn a_list_that_is_watched_writes_a_document_a_line() {
    let world = World::new();
    let mut child = world.spawn("list --watch --output json --provider local");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("UTF-8");
    let document: Value = serde_json::from_str(&line).expect("a document");
    has_its_keys("list", &document);
    signal(&child, "TERM");
    child.wait().expect("it ends");
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
    let every = Cli::command();
    let shown = every.get_subcommands();
    // Shells call the hidden one, whose lines are not for people.
    for command in shown.filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        all.insert(name.to_owned());
        let inner = command.get_subcommands().map(clap::Command::get_name);
        all.extend(inner.map(|inner| format!("{name} {inner}")));
    }
    all.retain(|command| !command.split(' ').any(|word| word == "help"));
    // It asks questions, and writes a file.
    assert!(all.remove("providers init"));
    for command in all {
        for commands in [COMMANDS, EARLY] {
            let run = commands
                .iter()
                .any(|(words, _)| words.starts_with(&command));
            assert!(run, "`{command}` is not run");
        }
    }
}
