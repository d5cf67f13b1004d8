//! The man pages and the completions: written from the command line and from the kinds' own
//! descriptions, checked in, and compared here so that they cannot drift.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap_complete::Shell;

mod example;
mod llms;
mod pages;
mod roff;
#[cfg(feature = "default")]
mod settings;
mod tables;

/// What writes the files anew.
const BLESS: &str = "GHARUN_BLESS=1 cargo test --test generated";

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether files are to be written instead of compared.
fn blesses() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test run, not a setting of the program"
    )]
    std::env::var_os("GHARUN_BLESS").is_some_and(|value| value == "1")
}

/// Compares a file with what it should hold, or makes it so.
///
/// # Panics
///
/// Panics when they differ.
fn hold_file(name: &str, wanted: &str) {
    let path = repository(name);
    if fs::read_to_string(&path).is_ok_and(|text| text == wanted) {
        return;
    }
    assert!(
        blesses(),
        "{name} is not what it would be written as now; run `{BLESS}` and look at the difference"
    );
    fs::write(path, wanted).expect("the file can be written");
}

/// Compares a folder with what it should hold, or makes it so.
///
/// # Panics
///
/// Panics with the names of the files that differ, are missing, or should not be there.
fn hold(folder: &str, wanted: &BTreeMap<String, String>) {
    let bless = blesses();
    let folder = repository(folder);
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut wrong = Vec::new();
    for (name, text) in wanted {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        if bless {
            fs::write(&path, text).expect("the file can be written");
        } else {
            wrong.push(format!("{name} is not what it would be written as now"));
        }
    }
    for entry in fs::read_dir(&folder).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        if wanted.contains_key(&name) {
            continue;
        }
        if bless {
            fs::remove_file(entry.path()).expect("the file can be removed");
        } else {
            wrong.push(format!("{name} belongs to nothing any more"));
        }
    }
    assert!(
        wrong.is_empty(),
        "in {}: {}; run `{BLESS}` and look at the difference",
        folder.display(),
        wrong.join(", "),
    );
}

#[test]
fn the_man_pages_say_what_the_program_says() {
    let mut wanted = pages::commands();
    let name = "providers.toml.5".to_owned();
    let before = fs::read_to_string(repository("man").join(&name)).unwrap_or_default();
    wanted.insert(name, tables::page(&before));
    hold("man", &wanted);
}

#[test]
fn the_completions_know_every_command_and_option() {
    let mut wanted = BTreeMap::new();
    for (shell, file) in [
        (Shell::Elvish, "gharun.elv"),
        (Shell::PowerShell, "_gharun.ps1"),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut gharun::inside::command(), "gharun", &mut script);
        let script = String::from_utf8(script).unwrap();
        wanted.insert(file.to_owned(), script);
    }
    // Those of these shells ask the program: tests/cli/completion.rs tries them.
    for (file, script) in [
        ("_gharun", include_str!("completions/gharun.zsh")),
        ("gharun.bash", include_str!("completions/gharun.bash")),
        ("gharun.fish", include_str!("completions/gharun.fish")),
    ] {
        wanted.insert(file.to_owned(), script.to_owned());
    }
    hold("completions", &wanted);
}

#[cfg(feature = "default")]
#[test]
fn the_page_of_settings_says_what_the_program_says() {
    hold_file("docs/settings.md", &settings::page());
}

#[test]
fn the_texts_for_language_models_hold_the_documents() {
    hold_file("skills/gharun/SKILL.md", &llms::skill());
    hold_file("llms.txt", &llms::index());
    hold_file("llms-full.txt", &llms::whole());
}
