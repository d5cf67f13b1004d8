//! Test worlds stand beside the product, and know nothing of it.

use std::path::Path;

use crate::house::speaks;
use crate::{sources, tests};

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
