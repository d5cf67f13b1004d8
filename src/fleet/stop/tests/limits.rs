//! GitHub's limits and its silence, and what GitHub says of machines that nobody sees.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scene::{RUN, Scene, mapping, named, stop, tags};
use crate::fleet::CancellationToken;
use crate::fleet::stop::{StopRequest, select};
use crate::model::{Exit, Reference, StopTarget, Tags, chain};
use crate::providers::memory::{Fault, Verb};

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};
const SECOND: Duration = Duration::from_secs(1);

async fn ready(scene: &Scene, tags: &Tags) -> Reference {
    scene.runner(&tags.name, "online");
    scene.machine(tags).await.1
}

/// How long after `begin` the first machine was asked to end.
fn asked_to_end(scene: &Scene, begin: Instant) -> Duration {
    let calls = scene.cloud.calls();
    let ended = calls.iter().find(|call| call.verb == Verb::Terminate);
    ended.expect("it was asked to end").at - begin
}

#[tokio::test(start_paused = true)]
async fn no_limit_on_lists_holds_up_the_end_of_a_machine_that_was_named() {
    for target in [named, mapping] {
        let scene = Scene::new();
        let reference = ready(&scene, &tags("a", 60)).await;
        let begin = Instant::now();
        scene.hub.room_from.set(Some(begin + 40 * SECOND));
        let stops = scene.stop(&stop(target(&[&reference]))).await;
        assert!(asked_to_end(&scene, begin) < 6 * SECOND, "{stops:?}");
        // The registration is removed afterwards.
        assert!(scene.hub.rows.borrow().is_empty(), "{stops:?}");
        assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Done, 1));
        assert!(stops.stopped[0].deregistered, "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_question_about_a_run_is_asked_before_what_was_named_is_ended() {
    let scene = Scene::new();
    let reference = ready(&scene, &tags("a", 60)).await;
    scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!((scene.hub.times("run"), scene.hub.times("jobs")), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn silence_of_github_holds_up_the_end_of_a_machine_that_was_named_for_seconds_only() {
    let scene = Scene::new();
    let reference = ready(&scene, &tags("a", 60)).await;
    scene.hub.silent.borrow_mut().insert("runners");
    let begin = Instant::now();
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(asked_to_end(&scene, begin) < 15 * SECOND, "{stops:?}");
    assert!(scene.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_no_longer_than_it_may_whoever_is_silent() {
    for target in [StopTarget::All, THIS_RUN, StopTarget::State] {
        let scene = Scene::new().with_place("far");
        let tags = tags("a", 60);
        let reference = ready(&scene, &tags).await;
        scene.record(&tags, "gpu", Some(reference)).await;
        scene.hub.silent.borrow_mut().insert("runners");
        scene.cloud.fault("far", Verb::List, Fault::Hang);
        scene.cloud.fault("gpu", Verb::InUse, Fault::Hang);
        let request = StopRequest {
            timeout: 30 * SECOND,
            ..stop(target)
        };
        let begin = Instant::now();
        let stops = scene.stop(&request).await;
        assert!(begin.elapsed() <= 31 * SECOND, "{:?}", begin.elapsed());
        assert_eq!(stops.exit(), Exit::Left, "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signal_in_the_look_gives_up_github_and_not_what_was_named() {
    let scene = Scene::new();
    let reference = ready(&scene, &tags("a", 60)).await;
    scene.hub.silent.borrow_mut().insert("runners");
    let hurry = CancellationToken::default();
    let request = stop(named(&[&reference]));
    let fleet = scene.fleet();
    let signal = async {
        sleep(SECOND).await;
        hurry.say();
    };
    let begin = Instant::now();
    let looked = select(&fleet, &scene.view, &request, &hurry);
    let (selection, ()) = tokio::join!(looked, signal);
    assert!(begin.elapsed() < 2 * SECOND, "{:?}", begin.elapsed());
    assert_eq!(selection.chosen.len(), 1, "{selection:?}");
    scene.carry_out(&request, selection).await;
    assert!(scene.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_place_that_never_tells_of_jobs_does_not_keep_a_machine_alive() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let reference = ready(&scene, &tags).await;
    scene.busy(100, None);
    scene.cloud.fault("gpu", Verb::InUse, Fault::Hang);
    let request = StopRequest {
        timeout: 30 * SECOND,
        ..stop(named(&[&reference]))
    };
    let stops = scene.stop(&request).await;
    assert!(scene.there().is_empty(), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_online_has_a_machine_wherever_it_is() {
    for seconds_ago in [60, 3600] {
        for target in [THIS_RUN, StopTarget::All] {
            let scene = Scene::new();
            let name = tags("a", seconds_ago).name;
            scene.runner(&name, "online");
            let stops = scene.stop(&stop(target)).await;
            assert_eq!(stops.exit(), Exit::Left, "{stops:?}");
            let [failed] = stops.failed.as_slice() else {
                panic!("{stops:?}")
            };
            let why = chain(&failed.error);
            assert!(why.contains("online") && why.contains("`gpu`"), "{why}");
            assert!(
                failed.error.hints()[0].contains("credentials"),
                "{failed:?}"
            );
            assert!(stops.stopped.is_empty() && stops.pending.is_empty());
            assert!(scene.hub.rows.borrow().is_empty(), "it gets no job");
        }
    }
    // The intent of it, too: its machine may be in another account.
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.record(&tags, "gpu", None).await;
    scene.runner(&tags.name, "online");
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_listed_later_than_its_runner_is_online_is_ended() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.listing_lags = 5 * SECOND);
    ready(&scene, &tags("a", 60)).await;
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_outlives_its_machine_is_named_and_its_record_stays() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    let (_, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference)).await;
    scene.runner(&tags.name, "online");
    scene.hub.down.borrow_mut().insert("deregister");
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Failed, 0));
    assert!(stops.stopped[0].terminated && !stops.stopped[0].deregistered);
    assert_eq!(scene.records().await, 1, "the next stop finds it");
    scene.hub.down.borrow_mut().clear();
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
    assert!(scene.hub.rows.borrow().is_empty(), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_cannot_be_removed_is_named_and_its_record_stays() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.record(&tags, "gpu", None).await;
    scene.runner(&tags.name, "offline");
    scene.hub.down.borrow_mut().insert("deregister");
    for target in [
        StopTarget::State,
        StopTarget::Run {
            id: RUN.id,
            attempt: None,
        },
    ] {
        let stops = scene.stop(&stop(target)).await;
        assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Failed, 0));
        let [failed] = stops.failed.as_slice() else {
            panic!("{stops:?}")
        };
        assert!(failed.registration_only, "{failed:?}");
        let records = scene.store.read().await.expect("it is read");
        assert!(records[&tags.name].machineless);
    }
    scene.hub.down.borrow_mut().clear();
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
}
