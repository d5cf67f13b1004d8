//! How starts on this computer fail.

use crate::row::{Kind, Scene, Source, Stage, row};

#[test]
fn two_runners_for_one_slot() {
    row!(
        Kind::Local,
        Stage::Room,
        Source::Finding("failures 2"),
        |world| Scene::new(world, "start local --count 2 --set slots=1")
    );
}
