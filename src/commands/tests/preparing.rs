//! What is found out before anything is registered.

use super::*;
use crate::providers::ErrorKind;
use crate::providers::memory::Verb;

/// Lets a look before a launch find something wrong with a place.
fn broken(world: &World, place: &str, kind: ErrorKind) {
    world.cloud.set(place, |place| place.broken = Some(kind));
}

/// How often somebody was registered.
fn registrations(world: &World) -> u64 {
    world.github.count("generate-jitconfig")
}

fn launches(world: &World) -> Vec<String> {
    let calls = world.cloud.calls().into_iter();
    let launches = calls.filter(|call| call.verb == Verb::Launch);
    launches.map(|call| call.place).collect()
}

#[tokio::test]
async fn a_place_that_cannot_launch_is_found_out_before_anything_is_registered() {
    for (kind, exit) in [
        (ErrorKind::Config, Exit::Usage),
        (ErrorKind::Denied, Exit::Failed),
        (ErrorKind::Unavailable, Exit::Failed),
    ] {
        let world = World::new("[providers.far]\nkind = \"local\"\n");
        broken(&world, "gpu", kind);
        let said = world.run("start gpu --timeout 2s").await.exits(exit);
        said.says("`gpu` cannot be used");
        said.says("hint: see to `gpu`");
        assert_eq!(
            (registrations(&world), launches(&world).len()),
            (0, 0),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn one_that_does_not_answer_is_passed_over_where_the_next_one_may_work() {
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    broken(&world, "gpu", ErrorKind::Unavailable);
    let said = world.run("start gpu far --timeout 2s").await;
    said.says("`gpu` cannot be used");
    assert_eq!(launches(&world), ["far"]);
    // Where none may work, nothing is registered.
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    broken(&world, "gpu", ErrorKind::Unavailable);
    broken(&world, "far", ErrorKind::Unavailable);
    world
        .run("start gpu far --timeout 2s")
        .await
        .exits(Exit::Failed);
    assert_eq!((registrations(&world), launches(&world).len()), (0, 0));
}

#[tokio::test]
async fn a_later_place_that_cannot_launch_is_warned_of() {
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    broken(&world, "far", ErrorKind::Denied);
    let said = world.run("start gpu far --timeout 2s").await;
    said.says("warning: `far` cannot be used");
    assert_eq!(launches(&world), ["gpu"]);
}

#[tokio::test]
async fn a_place_that_keeps_nothing_says_so_before_it_rents() {
    let world = World::new("");
    world.cloud.set("gpu", |place| place.keeps_nothing = true);
    let said = world.run("start gpu --keep-failed --timeout 2s").await;
    said.says("warning: machines that fail at `gpu` will not be kept: it removes what has ended");
    let warned = said.both.find("will not be kept");
    let launched = said.both.find("Launching");
    assert!(warned < launched, "{said:#?}");
    assert!(world.cloud.machines().is_empty(), "it is not kept");
}
