//! The walls of the house: who may import whom, and what else no module may do.
//!
//! It reads the sources as `cargo fmt` has laid them out, and leaves out what only tests see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use circles::circles;
use docs::unsaid;
use house::{LAYERS, LONGEST, complaints, house};
use source::{Source, declared, files, read};

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/docs.rs"]
mod docs;
#[path = "layers/house.rs"]
mod house;
#[path = "layers/samples.rs"]
mod samples;
#[path = "layers/source.rs"]
mod source;
#[path = "layers/words.rs"]
mod words;
#[path = "layers/worlds.rs"]
mod worlds;

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    sources
}

#[test]
fn every_module_keeps_to_its_layer() {
    let wrong = complaints(&sources());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    let (program, _) = house(&sources);
    let found = circles(&program);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn what_other_modules_may_use_says_what_it_is() {
    let sources = sources();
    let (program, _) = house(&sources);
    let found: Vec<String> = program.into_iter().flat_map(unsaid).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    let of = |text: &str| unsaid(&Source::new("a.rs", text));
    let fine = "//! x\n/// X.\n#[derive(Debug)]\n#[serde(\n    a,\n)]\npub struct X {\n    /// A.\n    #[b]\n    pub a: A,\n}\npub mod y;\npub use y::Y;\n#[cfg(test)]\npub fn z() {}\n";
    assert_eq!(of(fine), [""; 0]);
    for (broken, line) in [
        ("//! x\npub fn x() {}\n", "pub fn x() {}"),
        (
            "//! x\n/// X.\npub struct X {\n    /// A.\n    pub a: A,\n    pub b: B,\n}\n",
            "pub b: B,",
        ),
        (
            "//! x\n// X.\n#[a(\n    b\n)]\npub enum X {}\n",
            "pub enum X {}",
        ),
    ] {
        assert_eq!(
            of(broken),
            [format!("a.rs: `{line}` does not say what it is")]
        );
    }
}

#[test]
fn every_module_of_the_table_is_there_and_the_other_way_round() {
    let sources = sources();
    let lib = sources.iter().find(|source| source.file == "lib.rs");
    let modules = declared(lib.expect("src/lib.rs")).into_iter();
    let mut there: Vec<String> = modules.map(|(name, _)| name).collect();
    there.push("lib".into());
    there.sort();
    let mut table: Vec<&str> = LAYERS.concat();
    table.sort_unstable();
    assert_eq!(there, table);
}

#[test]
fn every_module_of_two_levels_is_named_in_the_table_of_parts_and_no_other() {
    let sources = sources();
    let (program, _) = house(&sources);
    let mut there: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &program {
        let parts = declared(source).into_iter();
        let parts = parts.filter(|(_, for_tests)| !for_tests);
        let is_whole = match source.module.as_slice() {
            [top] => !["lib", "main"].contains(&top.as_str()),
            // Of the operations, the commands and the inputs the parts are named, too.
            [top, part] => ["commands", "fleet"].contains(&top.as_str()) || part == "inputs",
            _ => false,
        };
        if is_whole {
            let names: BTreeSet<String> = parts.map(|(name, _)| name).collect();
            there.insert(source.module.join("/"), names);
        }
    }
    there.retain(|_, parts| !parts.is_empty());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md");
    let text = std::fs::read_to_string(file).expect("it is there");
    let rows = text
        .lines()
        .skip_while(|line| *line != "| module | parts |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        // What is said of a part stands in brackets.
        let outside = row.split('(').map(|part| part.rsplit(')').next());
        let outside: String = outside.flatten().collect();
        let mut words = outside.split('`').skip(1).step_by(2).map(str::to_owned);
        let module = words.next().expect("its name");
        let parts: BTreeSet<String> = words.collect();
        assert_eq!(there.remove(&module), Some(parts), "{module}");
    }
    assert_eq!(there, BTreeMap::new());
}

#[test]
fn every_message_is_plain_english() {
    let sources = sources();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts: Vec<(String, String)> = Vec::new();
    for source in house(&sources).0 {
        let said = words::literals(&source.code()).into_iter();
        texts.extend(said.map(|text| (format!("src/{}", source.file), text)));
    }
    for (folder, ending) in [("src", "sh"), ("man", "1"), ("man", "5")] {
        for (file, text) in files(&root.join(folder), root, ending) {
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            texts.extend(lines.map(|line| (file.clone(), line.to_owned())));
        }
    }
    let here = texts.iter().filter(|(file, _)| !file.contains("/tests/"));
    let strange: Vec<String> = here
        .filter_map(|(file, text)| Some(format!("{file}: {}", words::strange(text)?)))
        .collect();
    assert!(strange.is_empty(), "\n{}", strange.join("\n"));
    // A backtick of a shell's is another thing.
    let literals = texts
        .iter()
        .filter(|(file, _)| Path::new(file).extension().is_some_and(|end| end == "rs"));
    let unpaired: Vec<String> = literals
        .filter_map(|(file, text)| Some(format!("{file}: {}", words::unpaired(text)?)))
        .collect();
    assert!(unpaired.is_empty(), "\n{}", unpaired.join("\n"));
}

fn tests() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut sources = Vec::new();
    read(&root, &root, &mut sources);
    sources
}

#[test]
fn the_other_tests_say_what_they_are_too() {
    for source in tests() {
        assert!(source.text.starts_with("//!"), "tests/{}", source.file);
    }
}

#[test]
fn files_of_tests_are_no_longer_than_others() {
    let sources = sources();
    let of_src = house(&sources).1.into_iter().cloned();
    let long = of_src.chain(tests()).filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LONGEST).then(|| format!("{}: {lines} lines", source.file))
    });
    let long: Vec<String> = long.collect();
    assert_eq!(long, [""; 0]);
}
