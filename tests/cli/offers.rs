//! `providers offers`: what the places say of their machine types.

use crate::world::World;

#[test]
fn kinds_without_a_catalog_are_named_and_are_no_failure() {
    let world = World::new();
    let said = world.run("providers offers local --output json").exits(0);
    let report = said.json();
    assert_eq!(report["offers"].as_array().map(Vec::len), Some(0));
    assert_eq!(report["unknown"].as_array().map(Vec::len), Some(0));
    assert!(
        said.stderr
            .contains("Without a catalog of machine types: `local`"),
        "{said:?}"
    );
    let said = world.run("providers offers nowhere").exits(2);
    assert!(said.stdout.is_empty(), "{said:?}");
}
