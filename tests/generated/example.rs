//! providers.toml.example: it can be read, with and without its comment signs, and is complete.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gharun::inside::{self, SettingsFile};
use serde_json::Value;

use crate::repository;
use crate::tables::known;

fn example() -> String {
    fs::read_to_string(repository("providers.toml.example")).expect("the example is there")
}

/// A line `# key = value` or `# [table]` without its comment sign; prose stays a comment.
fn uncommented(line: &str) -> &str {
    let Some(bare) = line.strip_prefix("# ") else {
        return line;
    };
    let word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let key = bare.split_once(" = ").is_some_and(|(key, _)| word(key));
    if key || bare.starts_with('[') {
        bare
    } else {
        line
    }
}

/// The values of a file, which the program can read.
fn read(text: &str) -> Value {
    let read = SettingsFile::parse(Path::new("providers.toml.example"), text);
    read.unwrap_or_else(|error| panic!("{error}: {:?}", error.hints()));
    toml::from_str(text).expect("it was just read")
}

fn get<'a>(file: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(file, |value, key| value.get(key))
}

fn keys(file: &Value, path: &[&str]) -> BTreeSet<String> {
    let table = get(file, path).unwrap_or_else(|| panic!("no {path:?}"));
    let table = table
        .as_object()
        .unwrap_or_else(|| panic!("{path:?} is no table"));
    table.keys().cloned().collect()
}

#[test]
fn the_example_can_be_used_as_it_is() {
    read(&example());
}

#[test]
fn every_provider_of_the_example_says_first_what_it_is() {
    let text = example();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with("[providers.") {
            assert!(
                lines[at - 1].starts_with("# "),
                "{line} has no comment above it"
            );
        }
    }
}

/// Whether this build has every kind.
fn has_all_kinds() -> bool {
    cfg!(feature = "default")
}

#[test]
fn the_example_has_every_setting_and_no_other() {
    let text: Vec<String> = example()
        .lines()
        .map(|line| uncommented(line).to_owned())
        .collect();
    let file = read(&text.join("\n"));
    for table in ["defaults", "github", "github.app"] {
        let known: BTreeSet<String> = known(table).into_iter().collect();
        let path: Vec<&str> = table.split('.').collect();
        assert_eq!(keys(&file, &path), known, "[{table}]");
    }
    let mut shown = BTreeSet::new();
    for name in keys(&file, &["providers"]) {
        let kind = get(&file, &["providers", &name, "kind"]);
        let kind = kind.and_then(|kind| kind.as_str()).unwrap_or(&name);
        let Some(kind) = inside::kind(kind) else {
            // A build of fewer kinds leaves it out.
            assert!(
                !has_all_kinds(),
                "[providers.{name}] has a kind that does not exist"
            );
            continue;
        };
        let schema = kind.schema();
        let mut known: BTreeSet<String> = schema.as_value()["properties"]
            .as_object()
            .expect("a table has keys")
            .keys()
            .cloned()
            .collect();
        known.insert("kind".to_owned());
        assert_eq!(
            keys(&file, &["providers", &name]),
            known,
            "[providers.{name}]"
        );
        shown.insert(kind.name);
    }
    let built: BTreeSet<&str> = inside::KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(shown, built, "kinds with a table in the example");
}

#[test]
fn the_defaults_in_the_example_are_those_of_the_program() {
    let text: Vec<String> = example()
        .lines()
        .map(|line| uncommented(line).to_owned())
        .collect();
    let file = read(&text.join("\n"));
    for kind in inside::KINDS {
        let schema = kind.schema();
        let properties = &schema.as_value()["properties"];
        for (key, about) in properties.as_object().expect("a table has keys") {
            let Some(default) = about.get("default").filter(|value| !value.is_null()) else {
                continue;
            };
            let value = get(&file, &["providers", kind.name, key]);
            let value = value.unwrap_or_else(|| panic!("{}.{key}", kind.name));
            assert_eq!(value, default, "{}.{key}", kind.name);
        }
    }
}

#[test]
fn prose_stays_a_comment() {
    assert_eq!(uncommented("# cpus = 4"), "cpus = 4");
    assert_eq!(uncommented("# [defaults]"), "[defaults]");
    assert_eq!(uncommented("# What x = y means"), "# What x = y means");
    assert_eq!(uncommented("[github]"), "[github]");
}
