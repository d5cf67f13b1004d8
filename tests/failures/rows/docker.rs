//! How starts and stops on Docker fail.

use crate::place::{self, IMAGE};
use crate::row::{Kind, Scene, Source, Stage, row};
use crate::world::World;

/// A start whose container runs a setup script.
fn boots(world: World, script: &str, args: &str) -> Option<Scene> {
    place::docker().then(|| {
        let args = format!("start docker --set image={IMAGE} --set pull=never {args}");
        Scene::new(world, &args).setup(script)
    })
}

#[test]
fn a_container_without_a_network() {
    row!(
        Kind::Docker,
        Stage::Boot,
        Source::Thread(
            "actions/runner#2726",
            "the machine had no way to GitHub, and nothing said so until the time was over"
        ),
        |world| boots(world, "true\n", "--set network=none --timeout 8s")
    );
}
