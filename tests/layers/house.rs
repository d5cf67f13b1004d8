//! The plan of the house, and what is wrong with sources that do not keep to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, declared};

/// From the bottom to the top: a module imports only from layers below its own.
pub(crate) const LAYERS: [&[&str]; 8] = [
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
    "lack",
    "listing",
    "registry",
    "schema",
];

/// How long a file may be, without its tests.
pub(crate) const LONGEST: usize = 500;

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
pub(crate) fn house(sources: &[Source]) -> (Vec<&Source>, Vec<&Source>) {
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
pub(crate) fn complaints(sources: &[Source]) -> Vec<String> {
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
pub(crate) fn speaks(code: &str, text: &str) -> bool {
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
