//! The walls of the house: who may import whom, and what else no module may do.
//!
//! It reads the sources as `cargo fmt` has laid them out, and leaves out what only tests see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use circles::circles;
use docs::unsaid;
use source::{Source, declared, files, read};

#[path = "layers/circles.rs"]
mod circles;
#[path = "layers/docs.rs"]
mod docs;
#[path = "layers/source.rs"]
mod source;
#[path = "layers/words.rs"]
mod words;

/// From the bottom to the top: a module imports only from layers below its own.
const LAYERS: [&[&str]; 8] = [
    &["model"],
    &["cli", "http", "poll"],
    &["github", "providers", "rehearsal", "settings"],
    &["bootstrap", "plan", "state"],
    &["fleet", "report"],
    &["actions", "error", "ui"],
    &["commands"],
    &["lib"],
];

/// Passes variables on to children, and decides nothing by them.
const PASSES_ON: &str = "model/child.rs";

/// What the text of a module may not hold, whatever it imports.
const NEVER: &[(&[&str], &[&str], &str)] = &[
    (
        &["fleet", "report"],
        &[
            "clap::",
            "dialoguer::",
            "eprint!",
            "eprintln!",
            "indicatif::",
            "io::stderr",
            "io::stdout",
            "print!",
            "println!",
            "std::env",
        ],
        "knows no flags, prints nothing, reads no environment",
    ),
    (
        &["bootstrap", "plan", "state"],
        &[
            "bollard::",
            "hyper::",
            "reqwest::",
            "std::net",
            "tokio::net",
        ],
        "never uses the network",
    ),
];

/// Who may know a module of its own layer, one way only: `http` waits as `poll` tells it to, and
/// `settings` asks the registry which kinds and keys there are, and which keys are secrets; `report` puts
/// into words what came of an operation.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("http", "poll"),
    ("report", "fleet"),
    ("settings", "providers"),
];

/// Who may not know a module that lies below its own.
const STRANGERS: &[(&str, &str, &str)] = &[
    (
        "fleet",
        "settings",
        "`fleet` works on requests, and knows no settings",
    ),
    ("ui", "providers", "`ui` knows no provider"),
];

/// What the registry's folder has beside the kinds, for all of them.
const SHARED: &[&str] = &[
    "common",
    "described",
    "error",
    "listing",
    "registry",
    "schema",
];

/// How long a file may be, without its tests.
const LONGEST: usize = 500;

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The kinds: what `providers/mod.rs` declares, without what they share.
fn kinds(sources: &[Source]) -> BTreeSet<String> {
    let registry = sources
        .iter()
        .find(|source| source.file == "providers/mod.rs");
    let modules = registry.map(declared).unwrap_or_default().into_iter();
    modules
        .filter(|(name, tests)| !tests && !SHARED.contains(&name.as_str()))
        .map(|(name, _)| name)
        .collect()
}

/// The files of the program and those that only tests see; what nobody declares is in neither.
fn house(sources: &[Source]) -> (Vec<&Source>, Vec<&Source>) {
    let by_file: BTreeMap<&str, &Source> = sources.iter().map(|s| (s.file.as_str(), s)).collect();
    let (mut program, mut tests) = (Vec::new(), Vec::new());
    let mut open: Vec<(&Source, bool)> = by_file
        .get("lib.rs")
        .map(|s| (*s, false))
        .into_iter()
        .collect();
    while let Some((source, seen_by_tests)) = open.pop() {
        if seen_by_tests {
            tests.push(source);
        } else {
            program.push(source);
        }
        for (name, for_tests) in declared(source) {
            let path = format!("{}{name}", source.below());
            for file in [format!("{path}.rs"), format!("{path}/mod.rs")] {
                if let Some(child) = by_file.get(file.as_str()) {
                    // A module of tests may be declared without its attribute inside of tests.
                    open.push((child, for_tests || seen_by_tests));
                }
            }
        }
    }
    (program, tests)
}

/// All that is wrong, a sentence each.
fn complaints(sources: &[Source]) -> Vec<String> {
    let mut wrong = Vec::new();
    let (program, tests) = house(sources);
    let known: BTreeSet<&str> = program
        .iter()
        .chain(&tests)
        .map(|s| s.file.as_str())
        .collect();
    for source in sources {
        let file = &source.file;
        if !source.text.starts_with("//!") {
            wrong.push(format!("{file}: does not begin by saying what it is"));
        }
        if !known.contains(file.as_str()) && file != "main.rs" {
            wrong.push(format!("{file}: no module declares it"));
        }
    }
    let kinds = kinds(sources);
    for source in program {
        let (file, top) = (&source.file, source.top());
        let Some(own) = layer(top) else {
            wrong.push(format!("{file}: `{top}` is in no layer"));
            continue;
        };
        let code = source.code();
        let lines = code.lines().count();
        if lines > LONGEST {
            wrong.push(format!("{file}: {lines} lines, make it a folder"));
        }
        for path in source.paths() {
            wrong.extend(trespass(source, own, &path, &kinds));
        }
        for (modules, texts, why) in NEVER {
            let found = texts
                .iter()
                .filter(|text| modules.contains(&top) && speaks(&code, text));
            wrong.extend(found.map(|text| format!("{file}: `{text}`, but `{top}` {why}")));
        }
        let reads = [
            "env::var",
            "env::vars",
            "env::var_os",
            "env::vars_os",
            "use std::env",
        ];
        let found = reads
            .iter()
            .filter(|text| top != "settings" && file != PASSES_ON && speaks(&code, text));
        wrong
            .extend(found.map(|text| {
                format!("{file}: `{text}`, but only `settings` reads the environment")
            }));
    }
    // Two paths may cross one wall.
    wrong.dedup();
    wrong
}

/// Whether a text stands in the code as words of their own.
fn speaks(code: &str, text: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(text).any(|(at, _)| {
        let after = &code[at + text.len()..];
        let longer = text.ends_with(word) && after.starts_with(word);
        !longer && !code[..at].ends_with(word)
    })
}

/// What is wrong with one path.
fn trespass(
    source: &Source,
    own: usize,
    path: &[String],
    kinds: &BTreeSet<String>,
) -> Option<String> {
    let (file, top, target) = (&source.file, source.top(), path.first()?);
    let kind_of = |path: &[String]| path.get(1).filter(|name| kinds.contains(*name)).cloned();
    if top == target {
        let (from, to) = (kind_of(&source.module), kind_of(path));
        let stranger = top == "providers" && from.is_some() && to.is_some() && from != to;
        return stranger.then(|| format!("{file}: one kind knows another, `{}`", path.join("::")));
    }
    // What is no module is an item of lib.rs, or a macro.
    let theirs = layer(target)?;
    let beside = NEIGHBOURS.contains(&(top, target.as_str()));
    if theirs >= own && !beside {
        return Some(format!("{file}: `{top}` may not know `{target}`"));
    }
    let stranger = STRANGERS
        .iter()
        .find(|(one, other, _)| (one, other) == (&top, &target.as_str()));
    if let Some((_, _, why)) = stranger {
        return Some(format!("{file}: {why}"));
    }
    let by_name = target == "providers" && kind_of(path).is_some();
    by_name.then(|| format!("{file}: names the kind `{}`", path.join("::")))
}

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
fn test_worlds_stand_beside_the_product_and_know_nothing_of_it() {
    // Nothing is taken in past the modules: what a test needs of the product is public, or its test is a unit test.
    let path = concat!("#[pa", "th = \"");
    for source in sources() {
        let name = source.file.rsplit('/').next().unwrap_or_default();
        let stranger = name == "fake.rs" || name.starts_with("standin");
        assert!(!stranger, "src/{}: it belongs below tests/", source.file);
        assert!(!source.text.contains(path), "src/{}", source.file);
    }
    for source in tests() {
        let into = source.text.lines().filter(|line| line.contains(path));
        let into: Vec<&str> = into.filter(|line| line.contains("src")).collect();
        assert_eq!(into, [""; 0], "tests/{}", source.file);
        let theirs = source.file.starts_with("worlds/");
        let product = theirs && names_product(&source.text);
        assert!(!product, "tests/{} names the product", source.file);
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("its manifest");
    assert!(!depends_on_product(&manifest), "tests/worlds/Cargo.toml");
}

/// Whether a source names the product's crate, in an import or in a path.
fn names_product(text: &str) -> bool {
    [
        "gharun::",
        "use gharun;",
        "use gharun as",
        "extern crate gharun",
    ]
    .iter()
    .any(|path| speaks(text, path))
}

/// Whether a manifest has the product among its dependencies, under whatever name.
fn depends_on_product(manifest: &str) -> bool {
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let lists = |table: &toml::Table| -> Vec<toml::Table> {
        let lists = table
            .iter()
            .filter(|(key, _)| key.ends_with("dependencies"));
        lists
            .filter_map(|(_, list)| list.as_table().cloned())
            .collect()
    };
    let mut all = lists(&manifest);
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flatten();
    all.extend(
        targets
            .filter_map(|(_, one)| Some(lists(one.as_table()?)))
            .flatten(),
    );
    let is_product = |name: &str, wanted: &toml::Value| {
        let package = wanted.get("package").and_then(toml::Value::as_str);
        package.unwrap_or(name) == "gharun"
    };
    let mut all = all.iter().flatten();
    all.any(|(name, wanted)| is_product(name, wanted))
}

#[test]
fn a_world_that_knows_the_product_is_noticed_however_it_names_it() {
    for text in [
        "use gharun::inside::Name;",
        "use ::gharun::{self};",
        "fn f() { gharun::inside::command(); }",
        "use gharun as product;",
        "extern crate gharun;",
    ] {
        assert!(names_product(text), "{text}");
    }
    for text in [
        "use gharun_worlds::github;",
        "/// What gharun asks: nothing.",
        "mygharun::x()",
    ] {
        assert!(!names_product(text), "{text}");
    }
    for manifest in [
        "[dependencies]\ngharun = { path = \"../..\" }",
        "[dev-dependencies]\nproduct = { path = \"../..\", package = \"gharun\" }",
        "[dependencies.gharun]\npath = \"../..\"",
        "[target.'cfg(unix)'.dependencies]\ngharun = \"1\"",
    ] {
        assert!(depends_on_product(manifest), "{manifest}");
    }
    assert!(!depends_on_product(
        "[package]\nname = \"gharun-worlds\"\n[dependencies]\nurl = \"2\""
    ));
}

/// A small house in order, with one file changed or added.
fn sample(file: &str, text: &str) -> Vec<String> {
    let mut files = BTreeMap::from([
        (
            "lib.rs",
            "//! x\npub mod commands;\npub mod fleet;\npub mod github;\npub mod model;\npub mod providers;\npub mod settings;\npub mod ui;\n",
        ),
        ("main.rs", "//! x\n"),
        (
            "commands/mod.rs",
            "//! x\nmod start;\nuse crate::{fleet, model::Name, providers};\n",
        ),
        (
            "commands/start.rs",
            "//! x\nuse super::shared;\nuse crate::fleet::{self, go as run};\n",
        ),
        ("fleet.rs", "//! x\nuse crate::github::Api;\n"),
        ("github.rs", "//! x\nuse crate::model::Name;\n"),
        ("model.rs", "//! x\n"),
        (
            "providers/mod.rs",
            "//! x\n#[cfg(test)]\nmod contract;\npub mod docker;\npub mod host;\nuse crate::model;\n",
        ),
        (
            "providers/contract.rs",
            "//! x\nuse crate::fleet::Anything;\n",
        ),
        (
            "providers/docker.rs",
            "//! x\nuse super::{Error, Result};\n",
        ),
        ("providers/host/mod.rs", "//! x\npub mod local;\n"),
        (
            "providers/host/local.rs",
            "//! x\nuse super::Host;\nuse super::super::Error;\nuse crate::providers::host::Shell;\n",
        ),
        ("settings.rs", "//! x\nfn env() { std::env::var(\"X\"); }\n"),
        ("ui.rs", "//! x\nuse crate::fleet::Event;\n"),
    ]);
    files.insert(file, text);
    let sources: Vec<Source> = files
        .into_iter()
        .map(|(file, text)| Source::new(file, text))
        .collect();
    complaints(&sources)
}

#[test]
fn a_circle_is_named_once_with_the_way_round_it() {
    let of = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(f, t)| Source::new(f, t)).collect();
        circles(&sources.iter().collect::<Vec<_>>())
    };
    let parent = ("a/mod.rs", "mod b;\nmod c;\nuse b::X;\nuse self::c::Y;\n");
    let fine = [
        parent,
        ("a/b.rs", "use super::{Error, c::Y};\nuse crate::model;\n"),
        (
            "a/c.rs",
            "use super::Error;\n#[cfg(test)]\nuse super::b::X;\n",
        ),
        ("model.rs", "use std::fmt;\n"),
    ];
    assert_eq!(of(&fine), [""; 0]);
    let tied = [
        parent,
        ("a/b.rs", "use super::c::Y;\n"),
        ("a/c.rs", "use crate::model;\nfn f() { super::d::z() }\n"),
        ("a/d.rs", "use super::b::X;\nuse super::c::Y;\n"),
        ("model.rs", "use std::fmt;\n"),
    ];
    assert_eq!(of(&tied), ["a/b.rs -> a/c.rs -> a/d.rs -> a/b.rs"]);
    let outside = [
        parent,
        ("a/b.rs", "use crate::m;\n"),
        ("m.rs", "use crate::a::Z;\n"),
    ];
    assert_eq!(of(&outside), ["a/b.rs -> m.rs -> a/mod.rs -> a/b.rs"]);
}

#[test]
fn a_house_in_order_gets_no_complaints() {
    assert_eq!(sample("model.rs", "//! x\n"), [""; 0]);
    for fine in [
        "//! x\n// crate::fleet is above\n/// See [`crate::fleet`].\npub struct Name;\n",
        "//! x\n#[cfg(test)]\nmod tests {\n    use crate::fleet::X;\n    fn f() {}\n}\n",
        "//! x\n#[cfg(test)]\nuse crate::fleet::X;\npub struct Name;\n",
        "//! x\nfn f() { mycrate::fleet::x(); $crate::fleet::y!(); }\n",
    ] {
        assert_eq!(sample("model.rs", fine), [""; 0], "{fine}");
    }
}

/// File, its text with `|` for line ends, and what is wrong with it.
const BROKEN: &str = r#"
model.rs => //! x|use crate::fleet; => `model` may not know `fleet`
model.rs => //! x|use std::{fmt};|use crate::{|    github::{self, Api},|}; => `model` may not know `github`
model.rs => //! x|#[cfg(test)]|mod tests {|    fn f() {}|}|fn g() { crate::ui::say() } => `model` may not know `ui`
model.rs => //! x|use super::fleet::X; => `model` may not know `fleet`
github.rs => //! x|use crate::providers::Error; => `github` may not know `providers`
providers/docker.rs => //! x|use crate::github::Api; => `providers` may not know `github`
providers/docker.rs => //! x|use super::{Error, host::Host}; => one kind knows another, `providers::host::Host`
providers/host/local.rs => //! x|use super::super::docker; => one kind knows another, `providers::docker`
commands/start.rs => //! x|use crate::providers::docker::Docker; => names the kind `providers::docker::Docker`
fleet.rs => //! x|fn f() { println!(""); } => `println!`, but `fleet` knows no flags, prints nothing, reads no environment
fleet.rs => //! x|use clap::Parser; => `clap::`, but `fleet` knows no flags, prints nothing, reads no environment
fleet.rs => //! x|use crate::settings::Stop; => `fleet` works on requests, and knows no settings
ui.rs => //! x|use crate::providers; => `ui` knows no provider
github.rs => //! x|fn f() { env::var("X") } => `env::var`, but only `settings` reads the environment
providers/docker.rs => //! x|use std::env; => `use std::env`, but only `settings` reads the environment
github.rs => use crate::model; => does not begin by saying what it is
lost.rs => //! x => no module declares it
"#;

#[test]
fn each_wall_that_is_broken_is_named() {
    for line in BROKEN.trim().lines() {
        let [file, text, complaint] = line.split(" => ").collect::<Vec<_>>()[..] else {
            panic!("three parts: {line}");
        };
        let text = format!("{}\n", text.replace('|', "\n"));
        assert_eq!(
            sample(file, &text),
            [format!("{file}: {complaint}")],
            "{text}"
        );
    }
    let attic = [
        ("lib.rs", "//! x\npub mod attic;\n"),
        ("attic.rs", "//! x\n"),
    ];
    let attic = attic.map(|(file, text)| Source::new(file, text));
    assert_eq!(complaints(&attic), ["attic.rs: `attic` is in no layer"]);
    let lib = "//! x\npub mod attic;\n";
    assert!(
        sample("lib.rs", lib)
            .iter()
            .any(|c| c == "ui.rs: no module declares it")
    );
    let long = format!("//! x\n{}", "fn f() {}\n".repeat(LONGEST + 1));
    assert_eq!(
        sample("model.rs", &long),
        ["model.rs: 501 lines, make it a folder"]
    );
    let tested = format!(
        "//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    fn f() {}\n".repeat(LONGEST + 1)
    );
    assert_eq!(sample("model.rs", &tested), [""; 0]);
}
