//! Machines that no listing shows, at a place that shows new ones late: how old one is tells whether it is gone.

use std::time::Duration;

use tokio::time::Instant;

use super::scene::{Scene, mapping, named, stop, tags};
use crate::fleet::stop::StopRequest;
use crate::model::{Exit, Reference, StopTarget};

const SHOWS: Duration = Duration::from_mins(2);

/// A place that shows a machine two minutes after its launch, at the latest.
fn slow() -> Scene {
    let scene = Scene::new();
    let shows = |place: &mut crate::providers::memory::Place| place.shows_within = Some(SHOWS);
    scene.cloud.set("gpu", shows);
    scene
}

fn lost() -> Reference {
    "gpu:gpu/box".parse().expect("a reference")
}

/// How a stop with the defaults ends, and how long it takes.
async fn ends(scene: &Scene, request: &StopRequest) -> (Exit, usize, Duration) {
    let begun = Instant::now();
    let stops = scene.stop(request).await;
    (stops.exit(), stops.stopped.len(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn the_machine_of_a_record_whose_start_is_long_over_is_gone_at_once() {
    for target in [
        named(&[&lost()]),
        mapping(&[&lost()]),
        StopTarget::State,
        StopTarget::All,
        StopTarget::Orphans,
    ] {
        let scene = slow();
        scene.record(&tags("a", 3600), "gpu", Some(lost())).await;
        let (exit, stopped, took) = ends(&scene, &stop(target.clone())).await;
        assert_eq!((exit, stopped), (Exit::Done, 1), "{target:?}");
        assert!(took < SHOWS / 2, "{target:?}: {took:?}");
        assert_eq!(scene.records().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_may_be_too_new_to_be_shown_is_gone_once_its_place_would_show_it() {
    for recorded in [false, true] {
        let scene = slow();
        if recorded {
            scene.record(&tags("a", 60), "gpu", Some(lost())).await;
        }
        let (exit, stopped, took) = ends(&scene, &stop(named(&[&lost()]))).await;
        assert_eq!((exit, stopped), (Exit::Done, 1), "{recorded} {took:?}");
        assert!(took >= SHOWS, "{took:?}");
        assert_eq!(scene.records().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_less_time_is_told_that_it_may_be_there() {
    let scene = slow();
    let timeout = Duration::from_secs(30);
    let hasty = StopRequest {
        timeout,
        ..stop(named(&[&lost()]))
    };
    let (exit, stopped, took) = ends(&scene, &hasty).await;
    assert_eq!((exit, stopped), (Exit::Left, 0));
    assert!(took <= timeout, "{took:?}");
}
