//! Runners that GitHub's list misses, because others leave it while its pages are read: one list proves nothing.

use super::scene::{RUN, Scene, mapped, named, stop, tags};
use crate::model::{Exit, Reference, StopTarget, Tags};

/// A runner that GitHub has, and does not list.
fn missed(scene: &Scene, tags: &Tags) -> u64 {
    let id = scene.runner(&tags.name, "online");
    scene.hub.missed.borrow_mut().insert(id);
    id
}

#[tokio::test(start_paused = true)]
async fn a_busy_runner_that_is_missed_is_kept_by_a_stop_that_keeps_what_is_busy() {
    let run = StopTarget::Run {
        id: RUN.id,
        attempt: None,
    };
    // The machine's tags tell its number, or it registers itself.
    for runner_id in [Some(100), None] {
        for target in [StopTarget::All, StopTarget::State, run.clone()] {
            let scene = Scene::new();
            let tags = Tags {
                runner_id,
                ..tags("a", 3600)
            };
            let (_, reference) = scene.machine(&tags).await;
            scene.record(&tags, "gpu", Some(reference)).await;
            let id = missed(&scene, &tags);
            scene.busy(id, None);
            let stops = scene.stop(&stop(target.clone())).await;
            assert_eq!(stops.kept.len(), 1, "{target:?}: {stops:?}");
            assert_eq!((scene.there().len(), scene.records().await), (1, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ended_gently_where_nobody_can_tell_whether_its_runner_was_missed() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.machine(&tags).await;
    let id = missed(&scene, &tags);
    scene.busy(id, None);
    scene.hub.down.borrow_mut().insert("find");
    let stops = scene.stop(&stop(StopTarget::All)).await;
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_missed_is_removed_with_its_machine() {
    for runner_id in [Some(100), None] {
        let scene = Scene::new();
        let tags = Tags {
            runner_id,
            ..tags("a", 60)
        };
        let (_, reference) = scene.machine(&tags).await;
        missed(&scene, &tags);
        let stops = scene.stop(&stop(named(&[&reference]))).await;
        assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
        assert!(scene.there().is_empty() && scene.hub.rows.borrow().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_of_an_earlier_version_is_not_taken_for_gone_where_its_runner_is_missed() {
    let tags = tags("a", 3600);
    let gone: Reference = format!("gpu:old/{}", tags.name).parse().expect("it is one");
    for (target, recorded) in [
        (named(&[&gone]), true),
        (StopTarget::State, true),
        (mapped(&gone, &tags.name), false),
    ] {
        let scene = Scene::new();
        scene
            .cloud
            .set("gpu", |place| place.vague = Some("old".into()));
        if recorded {
            scene.record(&tags, "gpu", Some(gone.clone())).await;
        }
        missed(&scene, &tags);
        let stops = scene.stop(&stop(target.clone())).await;
        assert_eq!(stops.exit(), Exit::Left, "{target:?}: {stops:?}");
        assert_eq!(scene.records().await, usize::from(recorded));
    }
}
