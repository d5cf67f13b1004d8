//! Small houses with one thing wrong: each wall that is broken is noticed.

use std::collections::BTreeMap;

use crate::circles::circles;
use crate::house::{LONGEST, complaints};
use crate::source::Source;

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
