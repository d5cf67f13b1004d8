//! Signals while a stop is at work: little time is left, and what is told then is true.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scene::{RUN, Scene, stop, tags};
use crate::model::{Exit, StopTarget};
use crate::providers::memory::{Fault, Verb};

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_is_proved_gone_is_not_called_running() {
    let scene = Scene::new().with_place("far");
    let (_, gone) = scene.machine(&tags("a", 60)).await;
    let (_, stuck) = scene.machine_at("far", &tags("a", 60)).await;
    scene.cloud.fault("far", Verb::Terminate, Fault::Hang);
    let begin = Instant::now();
    let stops = scene.interrupted(&stop(StopTarget::All), 10 * SECOND).await;
    assert!(begin.elapsed() <= 16 * SECOND, "{:?}", begin.elapsed());
    assert_eq!(stops.stopped.len(), 1, "{stops:?}");
    assert_eq!(stops.stopped[0].instance.as_ref(), Some(&gone));
    assert!(stops.stopped[0].terminated);
    let [failed] = stops.failed.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!(failed.instance.as_ref(), Some(&stuck));
    assert_eq!((stops.exit(), stops.interrupted), (Exit::Left, true));
}

#[tokio::test(start_paused = true)]
async fn what_turned_up_before_the_signal_is_in_the_list() {
    let scene = Scene::new();
    let late = tags("a", 60);
    let turns_up = async {
        sleep(SECOND / 2).await;
        scene.machine(&late).await;
    };
    let request = stop(THIS_RUN);
    let (stops, ()) = tokio::join!(scene.interrupted(&request, SECOND), turns_up);
    assert_eq!(stops.stopped.len(), 1, "{stops:?}");
    assert!(scene.there().is_empty());
    assert_eq!(stops.exit(), Exit::Interrupted, "and all of it is gone");
}

#[tokio::test(start_paused = true)]
async fn where_the_last_look_cannot_be_finished_nothing_is_proved() {
    let scene = Scene::new();
    let silence = async {
        sleep(SECOND / 2).await;
        scene.cloud.fault("gpu", Verb::List, Fault::Hang);
    };
    let request = stop(THIS_RUN);
    let (stops, ()) = tokio::join!(scene.interrupted(&request, SECOND), silence);
    assert_eq!(stops.exit(), Exit::Failed, "{stops:?}");
    let sources: Vec<&str> = stops
        .unknown
        .iter()
        .map(|one| one.source.as_str())
        .collect();
    assert_eq!(
        sources,
        ["gpu"],
        "each is a provider that can be asked again"
    );
    // Where it finds nothing, that is proved.
    scene.cloud.heal("gpu");
    let stops = scene.interrupted(&request, SECOND).await;
    assert_eq!(stops.exit(), Exit::Interrupted, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_sweep_looks_a_last_time_too() {
    for (breaks, exit) in [(false, Exit::Interrupted), (true, Exit::Failed)] {
        let scene = Scene::new().with_place("far");
        scene
            .cloud
            .set("gpu", |place| place.terminate_takes = 3 * SECOND);
        scene.machine(&tags("a", 100_000)).await;
        let breaking = async {
            sleep(2 * SECOND).await;
            if breaks {
                scene.cloud.fault("far", Verb::List, Fault::Hang);
            }
        };
        let sweep = stop(StopTarget::Orphans);
        let (stops, ()) = tokio::join!(scene.interrupted(&sweep, SECOND), breaking);
        assert!(scene.there().is_empty(), "{stops:?}");
        assert_eq!((stops.exit(), stops.stopped.len()), (exit, 1), "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_github_calls_busy_is_not_ended_for_want_of_time() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (machine, reference) = scene.machine(&tags).await;
    let id = scene.runner(&tags.name, "online");
    scene.busy(id, None);
    // The flag may lag: no job's process is seen.
    scene.cloud.busy(&machine.id, false);
    let stops = scene.interrupted(&stop(StopTarget::All), SECOND).await;
    assert_eq!(scene.there().len(), 1);
    let [kept] = stops.kept.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!(kept.instance.as_ref(), Some(&reference));
    assert_eq!(stops.exit(), Exit::Left);
}

#[tokio::test(start_paused = true)]
async fn an_idle_orphan_is_not_ended_before_its_second_look() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.machine(&tags).await;
    scene.runner(&tags.name, "online");
    let over = ("completed".to_owned(), RUN.attempt);
    scene.hub.runs.borrow_mut().insert(RUN.id, over);
    let stops = scene
        .interrupted(&stop(StopTarget::Orphans), 10 * SECOND)
        .await;
    assert_eq!((stops.failed.len(), scene.there().len()), (1, 1));
    assert_eq!(stops.exit(), Exit::Left, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_of_github_holds_up_no_end_after_a_signal() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    scene.machine(&tags).await;
    scene.runner(&tags.name, "online");
    scene.hub.silent.borrow_mut().insert("deregister");
    let stops = scene.interrupted(&stop(StopTarget::All), SECOND).await;
    assert!(scene.there().is_empty(), "{stops:?}");
    assert!(stops.stopped[0].terminated && !stops.stopped[0].deregistered);
}
