//! Machines that register their runners themselves, maybe just when they are ended.

use std::time::Duration;

use tokio::time::sleep;

use super::scene::{Scene, named, stop, tags};
use crate::model::StopTarget;

#[tokio::test(start_paused = true)]
async fn what_registers_while_its_machine_is_ended_is_removed() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (_, reference) = scene.machine(&tags).await;
    let second = Duration::from_secs(1);
    scene
        .cloud
        .set("gpu", |place| place.terminate_takes = second);
    let late = async {
        sleep(second / 2).await;
        scene.runner(&tags.name, "offline");
    };
    let stop = stop(named(&[&reference]));
    let (stops, ()) = tokio::join!(scene.stop(&stop), late);
    assert!(
        stops.stopped[0].terminated && stops.stopped[0].deregistered,
        "{stops:?}"
    );
    assert_eq!(scene.hub.rows.borrow().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_never_registered_leaves_nothing_to_remove() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (_, reference) = scene.machine(&tags).await;
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(
        stops.stopped[0].terminated && stops.stopped[0].deregistered,
        "{stops:?}"
    );
    assert_eq!(scene.hub.times("deregister"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_has_registered_meanwhile_is_none_at_the_second_look() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.machine(&tags).await;
    let stop = stop(StopTarget::Orphans);
    let selection = scene.select(&stop).await;
    assert_eq!(selection.chosen.len(), 1);
    let id = scene.runner(&tags.name, "online");
    scene.busy(id, None);
    let stops = scene.carry_out(&stop, selection).await;
    assert_eq!(stops.kept.len(), 1, "{stops:?}");
    assert_eq!(scene.there().len(), 1);
}
