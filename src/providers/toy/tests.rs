//! Another kind goes all generic ways, and whatever is left out of it is missed.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;

use super::super::{KINDS, SettingDoc, kind, secrets_in_env};
use super::*;
use crate::cli::Cli;
use crate::fleet::doubles::{InMemoryGitHub, RecordingSink};
use crate::fleet::{Fleet, NamedProvider, start};
use crate::plan::tests::plan;
use crate::poll::{Pace, until};
use crate::settings::{Env, Settings, SettingsFile};
use crate::state::Store;

/// Its table in the example.
const TABLE: &str = "[providers.toy]\nname = \"box\"\n# room = 2\n";

/// Settings from a file with this table.
fn settings(table: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("providers.toml");
    fs::write(&file, table).unwrap();
    let words = [
        "gharun",
        "--no-state",
        "--config",
        file.to_str().unwrap(),
        "providers",
    ];
    let cli = Cli::try_parse_from(words).unwrap();
    Settings::resolve(&cli.global, &[], Env::default()).unwrap()
}

/// The provider of a table, or why it cannot be opened.
async fn open(table: &str) -> Result<NamedProvider> {
    let settings = settings(table);
    let mut all = settings.tables.settings(&["toy".to_owned()]).unwrap();
    let one = all.remove(0);
    Ok(NamedProvider::new(
        one.name,
        one.kind.open(one.values).await?,
    ))
}

#[tokio::test]
async fn another_kind_is_listed_and_described_and_its_settings_are_checked() {
    let settings = settings(TABLE);
    let known = settings.tables.known();
    assert_eq!(
        known.iter().filter(|name| *name == "toy").count(),
        1,
        "{known:?}"
    );
    let toy = kind("toy").expect("it has a row");
    let line = |one: SettingDoc| {
        format!(
            "{} ({}, {:?}): {}",
            one.key, one.kind, one.default, one.meaning
        )
    };
    let described: Vec<_> = toy.settings().into_iter().map(line).collect();
    insta::assert_snapshot!(described.join("\n"), @r#"
    name (text, None): What the toy box is called.
    room (whole number, Some("2")): How many machines it holds.
    "#);
    assert!(toy.lacks_settings(&serde_json::Map::new()));
    assert!(secrets_in_env().contains(&"TOY_KEY"));

    let key = async |table: &str| {
        let error = open(table).await.expect_err("it cannot be opened");
        (error.kind, error.key().map(str::to_owned))
    };
    let config = |key: &str| (ErrorKind::Config, Some(key.to_owned()));
    assert_eq!(key("[providers.toy]\n").await, config("name"));
    assert_eq!(
        key(&TABLE.replace("# room = 2", "room = 0")).await,
        config("room")
    );
    let settings = self::settings(&TABLE.replace("# room = 2", "roam = 2"));
    let unknown = settings.tables.settings(&["toy".to_owned()]).unwrap_err();
    assert_eq!(unknown.key(), Some("providers.toy.roam"));
}

#[tokio::test(start_paused = true)]
async fn another_kind_starts_runners_like_any_other() {
    let places = [open(TABLE).await.unwrap()];
    let provider = Arc::clone(&places[0].provider);
    assert_eq!(provider.check().await.unwrap().facts.len(), 1);
    let (hub, ear, store) = (
        InMemoryGitHub::default(),
        RecordingSink::default(),
        Store::none(),
    );
    hub.state().online_after = Some(Duration::from_secs(5));
    let plan = plan(2, &["toy"]);
    let fleet = Fleet {
        github: Some(&hub),
        providers: &places,
        unopened: &[],
        store: &store,
        sink: &ear,
    };
    let pace = Pace {
        every: Duration::from_secs(1),
        at_most: Duration::from_mins(5),
    };
    let boot = until(pace, async || {
        let machines = provider.list().await.ok()?.instances;
        (machines.len() == 2).then_some(machines)
    });
    let boot = async {
        for machine in boot.await.expect("they are launched") {
            hub.boots(machine.tags.name.as_str());
        }
    };
    let (started, ()) = tokio::join!(start(fleet, &hub, &plan, &[], pending()), boot);
    let started = started.expect("the intents can be written down");
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
    for machine in provider.list().await.unwrap().instances {
        assert_eq!(machine.id.location.as_deref(), Some("box"));
        provider.terminate(&machine.id).await.unwrap();
    }
    assert!(provider.list().await.unwrap().instances.is_empty());
}

/// The kinds that modules below `src/providers` declare, in the order of the alphabet. The provider in memory is
/// a double, and no kind.
fn modules() -> Vec<String> {
    fn read(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("the folder of the sources") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                read(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("sources are text");
                let lines = text.lines().map(str::trim);
                let name = |line: &str| {
                    let rest = line.strip_prefix("const KIND: &'static str = \"")?;
                    Some(rest.strip_suffix("\";")?.to_owned())
                };
                found.extend(lines.filter_map(name));
            }
        }
    }
    let mut found = BTreeSet::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/providers");
    read(&sources, &mut found);
    found.remove("memory");
    found.into_iter().collect()
}

/// The tables of the example, with the toy's beside them.
fn example() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("providers.toml.example");
    fs::read_to_string(file).expect("the example is there") + TABLE
}

/// What is left out of the kinds: each needs a module, a row, and a table in the example.
fn left_out(modules: &[String], rows: &[&str], example: &str) -> Vec<String> {
    SettingsFile::parse(Path::new("providers.toml.example"), example).expect("it can be read");
    let file: serde_json::Value = toml::from_str(example).expect("it was just read");
    let has_table = |name: &str| file["providers"].get(name).is_some();
    let mut missed = Vec::new();
    let named = modules
        .iter()
        .map(String::as_str)
        .chain(rows.iter().copied());
    for name in named.collect::<BTreeSet<_>>() {
        if !modules.iter().any(|module| module == name) {
            missed.push(format!("`{name}` has no module below src/providers"));
        }
        if !rows.contains(&name) {
            missed.push(format!("`{name}` has no row in KINDS"));
        }
        if !has_table(name) {
            missed.push(format!("`{name}` has no table in providers.toml.example"));
        }
    }
    missed
}

fn rows() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

#[test]
#[cfg(feature = "default")]
fn every_kind_has_its_module_its_row_and_its_table() {
    assert_eq!(left_out(&modules(), &rows(), &example()), [""; 0]);
}

#[test]
fn a_kind_without_its_row_is_missed() {
    let less: Vec<&str> = rows().into_iter().filter(|row| *row != "toy").collect();
    let missed = left_out(&["toy".to_owned()], &less, &example());
    assert!(
        missed.contains(&"`toy` has no row in KINDS".to_owned()),
        "{missed:?}"
    );
}

#[test]
fn a_kind_without_its_table_is_missed() {
    let example = example().replace(TABLE, "");
    let missed = left_out(&modules(), &rows(), &example);
    let wanted = "`toy` has no table in providers.toml.example".to_owned();
    assert!(missed.contains(&wanted), "{missed:?}");
}

#[test]
fn a_row_without_its_module_is_missed() {
    let less: Vec<String> = modules().into_iter().filter(|name| name != "toy").collect();
    let missed = left_out(&less, &rows(), &example());
    let wanted = "`toy` has no module below src/providers".to_owned();
    assert!(missed.contains(&wanted), "{missed:?}");
}
