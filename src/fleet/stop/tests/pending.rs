//! Machines whose creation may be under way while a stop looks: nothing is forgotten before it is proved.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::scene::{RUN, Scene, mapping, stop, tags};
use crate::fleet::stop::{StopOutcome, StopRequest};
use crate::model::{Exit, Name, StopTarget, Tags};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};
const SECOND: Duration = Duration::from_secs(1);

fn names(stops: &StopOutcome) -> Vec<&Name> {
    stops.pending.iter().map(|one| &one.name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_creation_may_be_under_way_is_named_and_never_forgotten() {
    for target in [StopTarget::State, StopTarget::All, THIS_RUN] {
        let scene = Scene::new();
        let intent = tags("a", 60);
        scene.record(&intent, "gpu", None).await;
        let begin = Instant::now();
        let stops = scene.stop(&stop(target)).await;
        assert!(stops.stopped.is_empty(), "{stops:?}");
        assert_eq!(names(&stops), [&intent.name]);
        let [pending] = stops.pending.as_slice() else {
            panic!("{stops:?}")
        };
        assert_eq!(pending.until, intent.name.ready_by());
        assert_eq!(pending.command, format!("gharun stop {}", intent.name));
        assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
        assert!(begin.elapsed() > 60 * SECOND && begin.elapsed() <= 120 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_whose_machine_may_come_is_removed_and_named() {
    let scene = Scene::new();
    let lost = tags("a", 60);
    scene.runner(&lost.name, "offline");
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert_eq!(names(&stops), [&lost.name], "{stops:?}");
    assert!(scene.hub.rows.borrow().is_empty(), "nothing can connect");
    assert_eq!(stops.exit(), Exit::Left);
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_it_is_looked_for_is_ended() {
    for (recorded, after) in [(true, 3), (true, 50), (false, 4), (false, 90)] {
        let scene = Scene::new();
        let late = tags("a", 60);
        if recorded {
            scene.record(&late, "gpu", None).await;
        } else {
            scene.runner(&late.name, "offline");
        }
        let comes = async {
            sleep(after * SECOND).await;
            scene.machine(&late).await;
        };
        let request = stop(THIS_RUN);
        let (stops, ()) = tokio::join!(scene.stop(&request), comes);
        assert!(scene.there().is_empty(), "{after}: {stops:?}");
        let [stopped] = stops.stopped.as_slice() else {
            panic!("{after}: {stops:?}")
        };
        assert!(stopped.terminated && stopped.instance.is_some());
        assert_eq!(
            (names(&stops).len(), stops.exit(), scene.records().await),
            (0, Exit::Done, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_mapping_s_start_had_under_way_is_found_when_its_machines_are_gone() {
    let scene = Scene::new();
    let (first, late) = (tags("a", 60), tags("a", 60));
    let (_, reference) = scene.machine(&first).await;
    scene.runner(&first.name, "online");
    scene.record(&first, "gpu", Some(reference.clone())).await;
    scene.record(&late, "gpu", None).await;
    let comes = async {
        sleep(20 * SECOND).await;
        scene.machine(&late).await;
    };
    let request = stop(mapping(&[&reference]));
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.stopped.len(), scene.records().await), (2, 0));
}

/// Tags of a start of so many runners, of which GitHub has the registration before there is a machine.
fn of_start_of(count: u8, index: usize) -> Tags {
    let whole = tags("a", 60);
    Tags {
        name: Name::choose(Some(RUN), index, whole.ready_by),
        start: format!("a-{count}"),
        runner_id: Some(100),
        ..whole
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_is_ended_though_github_and_its_place_show_it_late() {
    let scene = Scene::new();
    let (first, late) = (of_start_of(2, 0), of_start_of(2, 1));
    let (_, reference) = scene.machine(&first).await;
    scene.runner(&first.name, "online");
    let comes = async {
        sleep(SECOND).await;
        scene.runner(&late.name, "offline");
        sleep(2 * SECOND).await;
        scene.machine(&late).await;
    };
    let request = stop(mapping(&[&reference]));
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.stopped.len(), stops.exit()), (2, Exit::Done));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_where_the_mapping_names_all_that_its_start_was_to_bring_up() {
    let scene = Scene::new();
    let (one, other) = (of_start_of(2, 0), of_start_of(2, 1));
    let (_, first) = scene.machine(&one).await;
    let (_, second) = scene.machine(&other).await;
    scene.runner(&one.name, "online");
    scene.runner(&other.name, "online");
    let begin = Instant::now();
    let stops = scene.stop(&stop(mapping(&[&first, &second]))).await;
    assert_eq!((stops.stopped.len(), stops.exit()), (2, Exit::Done));
    assert!(begin.elapsed() < SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_does_not_tell_how_many_runners_it_had_is_looked_for_again() {
    let scene = Scene::new();
    let (first, late) = (tags("a", 60), tags("a", 60));
    let (_, reference) = scene.machine(&first).await;
    let comes = async {
        sleep(SECOND).await;
        scene.machine(&late).await;
    };
    let request = stop(mapping(&[&reference]));
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert!(scene.there().is_empty(), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn past_its_grace_and_absent_it_is_forgotten_and_nobody_waits() {
    let scene = Scene::new();
    scene.record(&tags("a", 3600), "gpu", None).await;
    let begin = Instant::now();
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.stopped.len(), scene.records().await), (1, 0));
    assert_eq!(stops.exit(), Exit::Done);
    assert!(begin.elapsed() < 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_where_every_registration_has_its_machine() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (_, reference) = scene.machine(&tags).await;
    scene.runner(&tags.name, "online");
    scene.record(&tags, "gpu", Some(reference)).await;
    let begin = Instant::now();
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert_eq!((stops.stopped.len(), stops.exit()), (1, Exit::Done));
    assert!(begin.elapsed() < 5 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_its_start_proved_to_have_no_machine_is_not_waited_for() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    scene.record(&tags, "gpu", None).await;
    scene.runner(&tags.name, "offline");
    let name = tags.name.clone();
    let noted = scene.store.update(move |entries| {
        entries.get_mut(&name).expect("its record").machineless = true;
    });
    noted.await.expect("it is written");
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
    assert!(scene.hub.rows.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_forgets_nothing_that_may_still_come() {
    let scene = Scene::new();
    let ghost = tags("a", 60);
    scene.record(&ghost, "gpu", None).await;
    scene.runner(&ghost.name, "offline");
    let over = ("completed".to_owned(), RUN.attempt);
    scene.hub.runs.borrow_mut().insert(RUN.id, over);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(names(&stops), [&ghost.name], "{stops:?}");
    assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_of_what_may_still_come() {
    let scene = Scene::new();
    let intent = tags("a", 60);
    scene.record(&intent, "gpu", None).await;
    let begin = Instant::now();
    let hasty = StopRequest {
        wait: false,
        ..stop(StopTarget::State)
    };
    let stops = scene.stop(&hasty).await;
    assert_eq!(names(&stops), [&intent.name]);
    assert_eq!(scene.records().await, 1);
    assert!(begin.elapsed() <= 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn what_a_start_had_under_way_is_found_where_nothing_is_recorded() {
    for group in [None, Some("g")] {
        let scene = Scene::new();
        let (mut first, mut late) = (tags("a", 60), tags("a", 60));
        first.group = group.map(str::to_owned);
        late.group.clone_from(&first.group);
        let (_, reference) = scene.machine(&first).await;
        scene.runner(&first.name, "online");
        scene.runner(&late.name, "offline");
        let comes = async {
            sleep(20 * SECOND).await;
            scene.machine(&late).await;
        };
        let request = StopRequest {
            group: group.map(str::to_owned),
            ..stop(match group {
                Some(_) => THIS_RUN,
                None => mapping(&[&reference]),
            })
        };
        let (stops, ()) = tokio::join!(scene.stop(&request), comes);
        assert!(scene.there().is_empty(), "{stops:?}");
        assert_eq!((stops.stopped.len(), stops.exit()), (2, Exit::Done));
        assert!(scene.hub.rows.borrow().is_empty(), "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_machine_of_a_group_is_found_where_nothing_is_recorded() {
    let scene = Scene::new();
    let mut late = tags("a", 60);
    late.group = Some("g".into());
    scene.runner(&late.name, "offline");
    let comes = async {
        sleep(20 * SECOND).await;
        scene.machine(&late).await;
    };
    let request = StopRequest {
        group: Some("g".into()),
        ..stop(THIS_RUN)
    };
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.stopped.len(), stops.exit()), (1, Exit::Done));
    // One that does not come is named, and its registration may be another start's.
    let lost = tags("a", 60);
    scene.runner(&lost.name, "offline");
    let stops = scene.stop(&request).await;
    assert_eq!(
        (names(&stops), stops.exit()),
        (vec![&lost.name], Exit::Left)
    );
    assert_eq!(scene.hub.rows.borrow().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_start_of_the_run_is_neither_waited_for_nor_touched() {
    let scene = Scene::new();
    let (mut first, other) = (tags("a", 60), tags("b", 45));
    first.group = Some("g".into());
    let (_, reference) = scene.machine(&first).await;
    scene.runner(&other.name, "offline");
    let of_group = StopRequest {
        group: Some("g".into()),
        ..stop(THIS_RUN)
    };
    let target = StopTarget::Named {
        machines: vec![reference],
        names: vec![first.name.clone()],
        labels: vec![],
        starts: true,
    };
    for request in [stop(target), of_group] {
        let begin = Instant::now();
        let stops = scene.stop(&request).await;
        assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
        assert!(begin.elapsed() < 20 * SECOND, "{:?}", begin.elapsed());
        assert_eq!(scene.hub.rows.borrow().len(), 1);
        scene.machine(&first).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_had_its_machine() {
    let scene = Scene::new();
    let name = tags("a", 60).name;
    scene.runner(&name, "offline");
    let target = StopTarget::Named {
        machines: vec!["gpu:gpu/gone".parse().expect("a reference")],
        names: vec![name],
        labels: vec![],
        starts: true,
    };
    let begin = Instant::now();
    let stops = scene.stop(&stop(target)).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
    assert!(scene.hub.rows.borrow().is_empty());
    assert!(begin.elapsed() < 20 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_has_no_machine_is_forgotten_though_its_place_cannot_be_read() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    scene.record(&tags, "gpu", None).await;
    let name = tags.name.clone();
    let noted = scene.store.update(move |entries| {
        entries.get_mut(&name).expect("its record").machineless = true;
    });
    noted.await.expect("it is written");
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::List, fault);
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert!(stops.failed.is_empty(), "{stops:?}");
    assert_eq!((stops.exit(), scene.records().await), (Exit::Failed, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_awaited_and_turns_out_to_be_at_work_is_told_once() {
    let scene = Scene::new();
    let late = tags("a", 60);
    scene.record(&late, "gpu", None).await;
    let comes = async {
        sleep(20 * SECOND).await;
        let (machine, _) = scene.machine(&late).await;
        let id = scene.runner(&late.name, "online");
        scene.busy(id, None);
        scene.cloud.busy(&machine.id, true);
    };
    let request = stop(StopTarget::State);
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert_eq!((stops.pending.len(), stops.stopped.len()), (0, 0));
    assert_eq!(
        (stops.kept.len(), stops.exit()),
        (1, Exit::Left),
        "{stops:?}"
    );
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

/// What becomes of a record, and of a registration, whose grace is over in half a minute, or so many seconds ago.
async fn at_the_end_of_its_grace(hours: i64, seconds_ago: i64) -> [(Exit, usize, usize); 2] {
    let mut all = Vec::new();
    for recorded in [true, false] {
        let scene = Scene::new();
        scene.hub.ahead.set(SignedDuration::from_hours(hours));
        scene.hub.runs_from.set(Some(Instant::now()));
        let tags = tags("a", 15 * 60 + seconds_ago);
        if recorded {
            scene.record(&tags, "gpu", None).await;
        } else {
            scene.runner(&tags.name, "offline");
        }
        let stops = scene.stop(&stop(THIS_RUN)).await;
        assert_eq!(scene.hub.rows.borrow().len(), 0, "{stops:?}");
        all.push((stops.exit(), stops.pending.len(), scene.records().await));
    }
    [all[0], all[1]]
}

#[tokio::test(start_paused = true)]
async fn what_did_not_come_is_forgotten_at_the_end_of_its_grace_by_both_clocks() {
    for hours in [0, 8] {
        for seconds_ago in [-30, 60] {
            let both = at_the_end_of_its_grace(hours, seconds_ago).await;
            assert_eq!(both, [(Exit::Done, 0, 0); 2], "{hours} {seconds_ago}");
        }
        // It is over by the clock of GitHub alone.
        let both = at_the_end_of_its_grace(8, -600).await;
        assert_eq!(both, [(Exit::Left, 1, 1), (Exit::Left, 1, 0)]);
    }
    // It is over by our clock alone.
    for seconds_ago in [-30, 60] {
        let both = at_the_end_of_its_grace(-8, seconds_ago).await;
        assert_eq!(both, [(Exit::Left, 1, 1), (Exit::Left, 1, 0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_came_and_is_kept_comes_no_more() {
    let scene = Scene::new();
    let late = tags("a", 60);
    scene.record(&late, "gpu", None).await;
    let comes = async {
        sleep(20 * SECOND).await;
        let (machine, _) = scene.machine(&late).await;
        let id = scene.runner(&late.name, "online");
        scene.busy(id, None);
        scene.cloud.busy(&machine.id, true);
    };
    let request = stop(THIS_RUN);
    let (stops, ()) = tokio::join!(scene.stop(&request), comes);
    assert_eq!(names(&stops), [&late.name; 0], "{stops:?}");
    let [kept] = stops.kept.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!((&kept.name, stops.exit()), (&late.name, Exit::Left));
}
