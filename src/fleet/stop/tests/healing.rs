//! What cannot be read at first and can be read later is ended by the same stop.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scene::{RUN, Scene, mapping, named, stop, tags};
use crate::fleet::stop::StopOutcome;
use crate::model::{Exit, Reference, StopTarget};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};
const SECOND: Duration = Duration::from_secs(1);
const UNAVAILABLE: Fault = Fault::Error(ErrorKind::Unavailable);

/// Stops while the place, or GitHub's list, cannot be read for so many seconds.
async fn stop_in_bad_times(scene: &Scene, target: StopTarget, seconds: u32) -> StopOutcome {
    let heals = async {
        sleep(seconds * SECOND).await;
        scene.cloud.heal("gpu");
        scene.hub.down.borrow_mut().clear();
    };
    let request = stop(target);
    let (stops, ()) = tokio::join!(scene.stop(&request), heals);
    stops
}

fn every_target(reference: &Reference) -> [StopTarget; 4] {
    [
        named(&[reference]),
        mapping(&[reference]),
        THIS_RUN,
        StopTarget::All,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_be_read_for_a_while_is_looked_at_again() {
    for seconds in [5, 60] {
        let nobody: Reference = "gpu:gpu/nobody".parse().expect("a reference");
        for target in every_target(&nobody) {
            let scene = Scene::new();
            let tags = tags("a", 1200);
            let (_, reference) = scene.machine(&tags).await;
            scene.runner(&tags.name, "online");
            scene.cloud.fault("gpu", Verb::List, UNAVAILABLE);
            let target = match target {
                StopTarget::Named { starts: true, .. } => mapping(&[&reference]),
                StopTarget::Named { .. } => named(&[&reference]),
                other => other,
            };
            let stops = stop_in_bad_times(&scene, target.clone(), seconds).await;
            assert!(scene.there().is_empty(), "{target:?}: {stops:?}");
            let ended = stops.stopped.iter().filter(|one| one.instance.is_some());
            assert_eq!(ended.count(), 1, "{target:?}: {stops:?}");
            assert_eq!(stops.exit(), Exit::Done, "{target:?}: {stops:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_github_that_cannot_be_read_for_a_while_is_looked_at_again() {
    for target in [THIS_RUN, StopTarget::All, StopTarget::State] {
        let scene = Scene::new();
        let tags = tags("a", 1200);
        let (_, reference) = scene.machine(&tags).await;
        scene.runner(&tags.name, "online");
        scene.record(&tags, "gpu", Some(reference)).await;
        scene.hub.down.borrow_mut().insert("runners");
        let stops = stop_in_bad_times(&scene, target.clone(), 5).await;
        assert!(scene.there().is_empty(), "{target:?}: {stops:?}");
        assert_eq!(stops.exit(), Exit::Done, "{target:?}: {stops:?}");
        assert!(stops.kept.is_empty() && scene.records().await == 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_place_cannot_be_read_for_a_while_is_forgotten_later() {
    let scene = Scene::new();
    scene.record(&tags("a", 3600), "gpu", None).await;
    scene.cloud.fault("gpu", Verb::List, UNAVAILABLE);
    let stops = stop_in_bad_times(&scene, StopTarget::State, 20).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_ended_is_not_refused_when_its_place_fails_afterwards() {
    let scene = Scene::new();
    let (_, reference) = scene.machine(&tags("a", 1200)).await;
    let fails = async {
        sleep(SECOND).await;
        scene.cloud.fault("gpu", Verb::List, UNAVAILABLE);
        sleep(10 * SECOND).await;
        scene.cloud.heal("gpu");
    };
    let request = stop(mapping(&[&reference]));
    let (stops, ()) = tokio::join!(scene.stop(&request), fails);
    assert_eq!((stops.stopped.len(), stops.failed.len()), (1, 0));
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn what_stays_unread_is_told_when_the_time_is_over() {
    let scene = Scene::new();
    let (_, reference) = scene.machine(&tags("a", 1200)).await;
    scene.cloud.fault("gpu", Verb::List, UNAVAILABLE);
    for target in every_target(&reference) {
        let begin = Instant::now();
        let stops = scene.stop(&stop(target.clone())).await;
        let known = matches!(target, StopTarget::Named { .. });
        let exit = if known { Exit::Left } else { Exit::Failed };
        assert_eq!(stops.exit(), exit, "{target:?}: {stops:?}");
        assert_eq!(stops.failed.len(), usize::from(known), "{stops:?}");
        assert!(begin.elapsed() <= 121 * SECOND, "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_place_that_nothing_to_be_stopped_is_at() {
    let scene = Scene::new().with_place("far");
    let tags = tags("a", 1200);
    let (_, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    for target in [StopTarget::State, named(&[&reference])] {
        scene.cloud.fault("far", Verb::List, UNAVAILABLE);
        let begin = Instant::now();
        scene.stop(&stop(target)).await;
        assert!(scene.there().is_empty());
        assert!(begin.elapsed() < 10 * SECOND, "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_repetition_mends_is_not_waited_for() {
    let scene = Scene::new();
    let (_, reference) = scene.machine(&tags("a", 1200)).await;
    let denied = Fault::Error(ErrorKind::Denied);
    scene.cloud.fault("gpu", Verb::List, denied);
    for target in every_target(&reference) {
        let begin = Instant::now();
        let stops = scene.stop(&stop(target)).await;
        assert_ne!(stops.exit(), Exit::Done, "{stops:?}");
        assert!(begin.elapsed() < 10 * SECOND, "{:?}", begin.elapsed());
    }
}
