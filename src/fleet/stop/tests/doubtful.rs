//! Places whose lists prove nothing: a record is forgotten only after the place accepted the end of its machine.

use std::time::Duration;

use tokio::time::sleep;

use super::scene::{Scene, named, stop, tags};
use crate::model::{Exit, Reference, StopTarget, Tags};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};
use crate::state::DoubtfulLaunch;

const OLD: i64 = 3600;

/// A machine at such a place, with its record, that the list does not show.
async fn hidden(scene: &Scene) -> (Tags, Reference) {
    let tags = tags("a", OLD);
    let (_, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    scene.cloud.set("gpu", |place| place.lists_in_doubt = true);
    scene.cloud.fault("gpu", Verb::List, Fault::Gap);
    (tags, reference)
}

/// An intent at such a place, of which so much is known.
async fn intent(scene: &Scene, ago: i64, launch: DoubtfulLaunch) -> Tags {
    let tags = tags("a", ago);
    scene.record(&tags, "gpu", None).await;
    let name = tags.name.clone();
    let noted = scene.store.update(move |entries| {
        entries.get_mut(&name).expect("it is there").launch = Some(launch);
    });
    noted.await.expect("it is written");
    scene.cloud.set("gpu", |place| place.lists_in_doubt = true);
    tags
}

#[tokio::test(start_paused = true)]
async fn a_list_calls_a_missing_machine_unknown_and_ends_nothing() {
    let scene = Scene::new();
    hidden(&scene).await;
    let survey = scene.survey().await;
    let [row] = survey.rows.as_slice() else {
        panic!("{survey:?}")
    };
    assert_eq!(
        (row.verdict.to_string().as_str(), row.machine_state()),
        ("unknown", "unknown")
    );
    assert_eq!(
        row.why,
        "its provider does not list it, and may not list everything"
    );
    assert!(row.is_swept(None), "a sweep brings the proof");
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_asks_for_the_end_of_a_missing_machine_before_it_forgets_it() {
    let scene = Scene::new();
    let (_, reference) = hidden(&scene).await;
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.cloud.asked(Verb::Terminate), [reference.id.id]);
    assert!(scene.there().is_empty());
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Done, 0),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_machine_whose_end_is_not_accepted_is_named_and_its_record_kept() {
    for target in [
        StopTarget::Orphans,
        StopTarget::State,
        StopTarget::All,
        named(&[&"gpu:gpu/x".parse().expect("a reference")]),
    ] {
        let scene = Scene::new();
        let (_, reference) = hidden(&scene).await;
        scene
            .cloud
            .fault("gpu", Verb::Terminate, Fault::Error(ErrorKind::Unavailable));
        let target = match target {
            StopTarget::Named { .. } => named(&[&reference]),
            other => other,
        };
        let stops = scene.stop(&stop(target)).await;
        let named = stops.failed.iter().filter_map(|one| one.instance.as_ref());
        assert_eq!(named.collect::<Vec<_>>(), [&reference], "{stops:?}");
        assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
        assert_eq!(scene.there().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_machine_with_a_job_is_left_alone() {
    let scene = Scene::new();
    let (tags, _) = hidden(&scene).await;
    let id = scene.runner(&tags.name, "offline");
    scene.busy(id, None);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0], "{stops:?}");
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_missing_machine_whose_jobs_cannot_be_asked_about_is_left_alone() {
    let scene = Scene::new();
    hidden(&scene).await;
    scene.hub.down.borrow_mut().insert("jobs");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0], "{stops:?}");
    assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_an_answer_is_named_until_the_end_of_its_lifetime() {
    let scene = Scene::new();
    let intent = intent(&scene, OLD, DoubtfulLaunch::Unanswered).await;
    assert_eq!(scene.verdict().await, "unknown");
    for target in [StopTarget::State, StopTarget::All] {
        let stops = scene.stop(&stop(target)).await;
        let names: Vec<_> = stops
            .failed
            .iter()
            .filter_map(|one| one.name.as_ref())
            .collect();
        assert_eq!(names, [&intent.name], "{stops:?}");
        assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
    }
    // The list is honest again.
    scene.machine(&intent).await;
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Done, 0),
        "{stops:?}"
    );
    assert!(scene.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_an_answer_is_forgotten_after_its_lifetime() {
    let scene = Scene::new();
    intent(&scene, 8 * OLD, DoubtfulLaunch::Unanswered).await;
    assert_eq!(scene.verdict().await, "stale");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Done, 0),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_looked_for_once_more_and_its_record_kept_until_its_start_is_over() {
    for target in [StopTarget::State, StopTarget::All, StopTarget::Orphans] {
        let scene = Scene::new();
        intent(&scene, 60, DoubtfulLaunch::Refused).await;
        let stops = scene.stop(&stop(target)).await;
        assert!(
            stops.pending.is_empty() && stops.failed.is_empty(),
            "{stops:?}"
        );
        assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 1));
        assert!(!scene.cloud.asked(Verb::List).is_empty());
    }
    let scene = Scene::new();
    intent(&scene, OLD, DoubtfulLaunch::Refused).await;
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Done, 0),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_refused_and_turns_up_is_ended() {
    let scene = Scene::new();
    let refused = intent(&scene, 60, DoubtfulLaunch::Refused).await;
    scene.machine(&refused).await;
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn what_was_never_asked_of_such_a_place_is_forgotten_as_anywhere() {
    let scene = Scene::new();
    let tags = tags("a", OLD);
    scene.record(&tags, "gpu", None).await;
    scene.cloud.set("gpu", |place| place.lists_in_doubt = true);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Done, 0),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_hidden_machine_registers_while_it_is_ended_is_removed() {
    let scene = Scene::new();
    let (tags, reference) = hidden(&scene).await;
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
    assert!(stops.stopped[0].deregistered, "{stops:?}");
    assert_eq!(scene.hub.rows.borrow().len(), 0);
}
