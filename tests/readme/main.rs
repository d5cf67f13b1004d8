//! The README and docs/ are true: their commands parse, their settings and JSON can be read, their links lead somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use clap::Parser as _;
use gharun::inside::{Cli, EXAMPLES, SettingsFile};

use crate::documents::{Document, all, blocks_of};

mod documents;
mod examples;
mod links;
#[cfg(target_os = "linux")]
mod pictures;
mod run;
mod sentences;
#[cfg(target_os = "linux")]
#[cfg(any(
    feature = "aws",
    feature = "docker",
    feature = "nebius",
    feature = "runpod",
    feature = "ssh"
))]
mod steps;
#[cfg(target_os = "linux")]
#[cfg(any(
    feature = "aws",
    feature = "docker",
    feature = "nebius",
    feature = "runpod",
    feature = "ssh"
))]
mod tables;
mod trouble;
#[allow(dead_code, unused_macros, reason = "the program tests need more of it")]
#[path = "../cli/world.rs"]
mod world;

/// The words of a simple command line: quotes are taken away, and it ends at a comment or an operator.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#' | '|' | ';' | '&' | '>', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The arguments that gharun gets in a line, `gharun` first; `None` where it is not called.
fn call(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let variable = |word: &&String| word.contains('=') || word.as_str() == "exec";
    let skipped = words.iter().take_while(variable).count();
    let words = &words[skipped..];
    match words.first().map(String::as_str) {
        Some("gharun") => Some(words.to_vec()),
        Some("cargo") if words.get(1).is_some_and(|word| word == "run") => {
            let dashes = words.iter().position(|word| word == "--")?;
            let mut call = vec!["gharun".to_owned()];
            call.extend_from_slice(&words[dashes + 1..]);
            Some(call)
        }
        _ => None,
    }
}

fn must_parse(call: &[String], place: &str) {
    if let Err(error) = Cli::try_parse_from(call) {
        panic!("{place}: {call:?}: {error}");
    }
}

#[test]
fn every_command_in_a_block_is_one_that_the_program_takes() {
    let mut calls = 0;
    for block in blocks_of("sh") {
        for (offset, line) in block.text.lines().enumerate() {
            let Some(call) = call(line) else { continue };
            must_parse(&call, &block.place(offset));
            calls += 1;
        }
    }
    assert!(calls >= 8, "only {calls} calls were seen");
}

#[test]
fn every_command_in_a_workflow_is_one_that_the_program_takes() {
    let mut calls = 0;
    for block in blocks_of("yaml") {
        for (offset, line) in block.text.lines().enumerate() {
            let place = block.place(offset);
            let step = line.trim().trim_start_matches("- ");
            let command = step.strip_prefix("run: ").unwrap_or(step);
            assert!(
                !command.starts_with("gharun start") && !command.starts_with("gharun stop"),
                "{place}: signals reach only what was started with `exec`"
            );
            let Some(call) = call(command) else { continue };
            must_parse(&call, &place);
            calls += 1;
        }
    }
    assert!(calls >= 4, "only {calls} calls were seen");
}

#[test]
fn every_command_in_a_cron_line_is_one_that_the_program_takes() {
    for block in blocks_of("cron") {
        for line in block.text.lines() {
            let line = line.replace("\"$HOME/.local/bin/gharun\"", "gharun");
            let at = line.find("gharun ").expect("the line calls gharun");
            let call = call(&line[at..]).expect("the line calls gharun");
            must_parse(&call, &block.place(0));
        }
    }
}

#[test]
fn every_command_within_a_sentence_is_one_that_the_program_takes() {
    let mut calls = 0;
    for document in all() {
        for (number, line) in document.prose() {
            for code in line.split('`').skip(1).step_by(2) {
                // `gharun start --option …` is said of all that begin so.
                if let Some(call) = call(code).filter(|call| call.len() > 1 && !code.contains('…'))
                {
                    must_parse(&call, &format!("{}:{number}", document.name));
                    calls += 1;
                }
            }
        }
    }
    assert!(calls >= 20, "only {calls} calls were seen");
}

#[test]
fn workflows_read_only_outputs_that_start_writes() {
    let known = BTreeSet::from(["instances", "label", "mapping"]);
    let documents = all();
    let mut seen = BTreeSet::new();
    for part in documents
        .iter()
        .flat_map(|document| document.text.split(".outputs.").skip(1))
    {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        seen.insert(&part[..end.unwrap_or(part.len())]);
    }
    assert_eq!(seen, known);
}

#[test]
fn every_file_of_settings_can_be_read() {
    for block in blocks_of("toml") {
        let place = block.place(0);
        let file = SettingsFile::parse(Path::new(&block.document), &block.text);
        file.unwrap_or_else(|error| panic!("{place}: {error}"));
        let file: serde_json::Value = toml::from_str(&block.text).expect("it was just read");
        let tables = file.get("providers").and_then(|tables| tables.as_object());
        for (name, table) in tables.into_iter().flatten() {
            let kind = table.get("kind").and_then(|kind| kind.as_str());
            // This build may leave it out.
            let Some(kind) = gharun::inside::kind(kind.unwrap_or(name)) else {
                continue;
            };
            let schema = kind.schema();
            let known = schema.as_value()["properties"].as_object().unwrap().clone();
            for key in table.as_object().unwrap().keys() {
                let known_key = key == "kind" || known.contains_key(key);
                assert!(known_key, "{place}: [providers.{name}] {key}");
            }
        }
    }
}

#[test]
fn every_json_can_be_read() {
    for block in blocks_of("json") {
        let read: Result<serde_json::Value, _> = serde_json::from_str(&block.text);
        read.unwrap_or_else(|error| panic!("{}: {error}", block.place(0)));
    }
}

#[test]
fn no_block_goes_unchecked() {
    let known = ["cron", "diff", "ini", "json", "sh", "toml", "yaml"];
    for block in all().iter().flat_map(Document::blocks) {
        let language = block.language.as_str();
        assert!(known.contains(&language), "{}", block.place(0));
    }
}

#[test]
fn lines_are_taken_apart_as_a_shell_does() {
    let own = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        call("A=\"$(cat x)\" exec gharun stop --mapping '{}'  # all"),
        own(&["gharun", "stop", "--mapping", "{}"])
    );
    assert_eq!(
        call("cargo run -- start local"),
        own(&["gharun", "start", "local"])
    );
    assert_eq!(call("cargo build"), None);
    assert_eq!(call("gharun list | jq"), own(&["gharun", "list"]));
}

#[test]
fn every_command_of_a_unit_is_one_that_the_program_takes() {
    let mut calls = 0;
    for block in blocks_of("ini") {
        for (offset, line) in block.text.lines().enumerate() {
            let Some(command) = line.strip_prefix("ExecStart=") else {
                continue;
            };
            let at = command.find("gharun ").expect("it calls gharun");
            let call = call(&command[at..]).expect("it calls gharun");
            must_parse(&call, &block.place(offset));
            calls += 1;
        }
    }
    assert!(calls > 0, "no unit calls gharun");
}

#[test]
fn a_change_of_a_workflow_keeps_all_but_the_action() {
    for block in blocks_of("diff") {
        let of = |sign: char| {
            block
                .text
                .lines()
                .filter(move |line| line.starts_with(sign))
        };
        assert!(
            of('-').all(|line| line.contains("uses: ")),
            "{}",
            block.place(0)
        );
        assert!(
            of('+').all(|line| line.contains(&format!("uses: {}@", examples::ACTION))),
            "{}",
            block.place(0)
        );
        assert_eq!(of('-').count(), of('+').count(), "{}", block.place(0));
    }
}

#[test]
fn every_example_of_the_help_is_one_that_the_program_takes() {
    let mut calls = 0;
    for (name, examples) in EXAMPLES {
        for (line, _) in *examples {
            let call = call(line).expect("it calls gharun");
            must_parse(&call, name);
            calls += 1;
        }
    }
    assert!(calls > 20, "only {calls} examples");
}
