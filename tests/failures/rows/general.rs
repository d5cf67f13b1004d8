//! How settings and commands fail that belong to no kind.

use crate::row::{Kind, Scene, Source, Stage, row};

#[test]
fn a_key_that_is_misspelt() {
    row!(
        Kind::General,
        Stage::Settings,
        Source::Finding("people B9"),
        |world| {
            let text = "[providers.rack]\nkind = \"local\"\nslot = 2\n";
            std::fs::write(world.path("providers.toml"), text).expect("a file");
            Scene::new(world, "start rack")
        }
    );
}
