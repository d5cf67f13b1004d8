//! What else `stop` can be told to end.

use std::time::Duration;

use tokio::time::Instant;

use super::scene::{RUN, Scene, mapping, named, stop, tags};
use crate::fleet::stop::StopRequest;
use crate::model::{Reference, StopTarget, Tags, chain};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};

/// A stop that does not wait for what it asks for.
fn hasty(target: StopTarget) -> StopRequest {
    StopRequest {
        wait: false,
        ..stop(target)
    }
}

async fn ready(scene: &Scene, tags: &Tags) -> (Reference, u64) {
    let (_, reference) = scene.machine(tags).await;
    let id = scene.runner(&tags.name, "online");
    (reference, id)
}

#[tokio::test(start_paused = true)]
async fn a_mapping_covers_what_its_start_did_not_live_to_write_down() {
    let scene = Scene::new();
    let (first, second, other) = (tags("a", 60), tags("a", 60), tags("b", 60));
    let (reference, _) = ready(&scene, &first).await;
    ready(&scene, &second).await;
    ready(&scene, &other).await;
    let stops = scene.stop(&stop(mapping(&[&reference]))).await;
    assert_eq!(stops.stopped.len(), 2, "{stops:?}");
    assert_eq!(scene.there(), [other.name.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_reference_is_ended_alone() {
    let scene = Scene::new();
    let (first, second) = (tags("a", 60), tags("a", 60));
    let (reference, _) = ready(&scene, &first).await;
    ready(&scene, &second).await;
    scene.record(&first, "gpu", Some(reference.clone())).await;
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!(stops.stopped.len(), 1);
    assert!(stops.stopped[0].terminated && stops.stopped[0].deregistered);
    assert_eq!(
        (scene.there(), scene.records().await),
        (vec![second.name.to_string()], 0)
    );
    let again = scene.stop(&stop(named(&[&reference]))).await;
    assert!(again.failed.is_empty(), "what is gone already is a success");
}

#[tokio::test(start_paused = true)]
async fn a_runner_is_found_by_its_name() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    ready(&scene, &tags).await;
    let target = StopTarget::Named {
        machines: vec![],
        names: vec![tags.name],
        labels: vec![],
        starts: false,
    };
    let stops = scene.stop(&stop(target.clone())).await;
    assert_eq!((stops.stopped.len(), scene.there().len()), (1, 0));
    let again = scene.stop(&stop(target.clone())).await;
    assert!(again.failed.is_empty());
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::List, fault);
    let blind = scene.stop(&stop(target)).await;
    assert_eq!(blind.failed.len(), 1, "it may be there: {blind:?}");
}

#[tokio::test(start_paused = true)]
async fn one_bad_reference_keeps_nothing_else_alive() {
    let scene = Scene::new();
    let (good, _) = ready(&scene, &tags("a", 60)).await;
    let mut foreign = tags("b", 60);
    foreign.scope = "acme/other".into();
    let (foreign, _) = ready(&scene, &foreign).await;
    let stranger = Reference {
        provider: "gpu".into(),
        id: scene.cloud.add_stranger("gpu"),
    };
    let nowhere: Reference = "nowhere:x/y".parse().expect("a reference");
    let moved: Reference = "gpu:moved/y".parse().expect("a reference");
    let all = [&foreign, &stranger, &nowhere, &moved, &good];
    let stops = scene.stop(&stop(named(&all))).await;
    let failed: Vec<_> = stops
        .failed
        .iter()
        .filter_map(|f| f.instance.as_ref())
        .collect();
    assert_eq!(failed.len(), 4, "{stops:?}");
    for bad in &all[..4] {
        assert!(failed.contains(bad), "{bad}");
    }
    assert_eq!(stops.stopped.len(), 1);
    assert_eq!(scene.there().len(), 2, "the foreign one and the stranger");
}

#[tokio::test(start_paused = true)]
async fn a_reference_whose_place_is_silent_is_refused() {
    let scene = Scene::new();
    let (reference, _) = ready(&scene, &tags("a", 60)).await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::List, fault);
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!((stops.failed.len(), scene.there().len()), (1, 1));
    assert!(chain(&stops.failed[0].error).contains("could not query"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_termination_is_named_and_its_record_stays() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (reference, _) = ready(&scene, &tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::Terminate, fault);
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!(stops.failed[0].command, format!("gharun stop {reference}"));
    assert_eq!(scene.records().await, 1);
    scene.cloud.fault("gpu", Verb::Terminate, Fault::Hang);
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(
        chain(&stops.failed[0].error).contains("not confirmed yet"),
        "{stops:?}"
    );
    assert_eq!(scene.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_busy_flag_that_lags_is_waited_for() {
    let scene = Scene::new();
    let (reference, id) = ready(&scene, &tags("a", 60)).await;
    scene.busy(id, Some(Instant::now() + Duration::from_secs(10)));
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(stops.stopped[0].deregistered && stops.stopped[0].terminated);
    assert!(scene.hub.times("deregister") > 1);
}

#[tokio::test(start_paused = true)]
async fn a_named_runner_is_ended_though_github_never_lets_go_of_it() {
    let scene = Scene::new();
    let (reference, id) = ready(&scene, &tags("a", 60)).await;
    scene.busy(id, None);
    let begin = Instant::now();
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(stops.stopped[0].terminated && !stops.stopped[0].deregistered);
    assert!(scene.there().is_empty() && scene.warnings() == 1);
    assert!(begin.elapsed() < Duration::from_mins(2));
}

#[tokio::test(start_paused = true)]
async fn no_limit_of_github_holds_up_the_end_of_a_machine_that_was_named() {
    let scene = Scene::new();
    let (reference, _) = ready(&scene, &tags("a", 60)).await;
    let begin = Instant::now();
    let room = begin + Duration::from_secs(20);
    scene.hub.room_from.set(Some(room));
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert!(
        stops.stopped[0].terminated && stops.stopped[0].deregistered,
        "{stops:?}"
    );
    let calls = scene.cloud.calls();
    let ended = calls.iter().find(|call| call.verb == Verb::Terminate);
    assert!(ended.expect("it was ended").at < begin + Duration::from_secs(3));
    assert_eq!(scene.warnings(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_ended_whoever_wrote_it_down() {
    let scene = Scene::new();
    let (machine, intent, lost) = (tags("a", 60), tags("a", 3600), tags("a", 3600));
    ready(&scene, &machine).await;
    scene.record(&intent, "gpu", None).await;
    scene.runner(&lost.name, "offline");
    let mut other = tags("c", 60);
    other.run = None;
    other.name = crate::model::Name::choose(None, 0, other.ready_by);
    ready(&scene, &other).await;
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert_eq!(stops.stopped.len(), 3, "{stops:?}");
    assert_eq!(scene.there(), [other.name.to_string()]);
    assert_eq!(
        (scene.records().await, scene.hub.rows.borrow().len()),
        (0, 1)
    );
    let elsewhere = StopTarget::Run {
        id: RUN.id,
        attempt: Some(RUN.attempt + 1),
    };
    ready(&scene, &tags("a", 60)).await;
    assert!(scene.stop(&stop(elsewhere)).await.stopped.is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_several_starts_at_work_what_is_ready_is_kept() {
    let scene = Scene::new();
    let (mut first, mut second) = (tags("a", 60), tags("b", 60));
    first.group = Some("one".into());
    second.group = Some("two".into());
    ready(&scene, &first).await;
    ready(&scene, &second).await;
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert_eq!((stops.kept.len(), scene.there().len()), (2, 2), "{stops:?}");
    let mut grouped = stop(THIS_RUN);
    grouped.group = Some("one".into());
    let stops = scene.stop(&grouped).await;
    assert_eq!((stops.stopped.len(), stops.kept.len()), (1, 0));
    assert_eq!(scene.there(), [second.name.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn what_shows_up_only_after_the_first_look_is_ended_too() {
    let scene = Scene::new();
    scene.cloud.set("gpu", |place| {
        place.listing_lags = Duration::from_secs(1);
    });
    let late = tags("a", 60);
    scene.record(&late, "gpu", None).await;
    ready(&scene, &late).await;
    scene.hub.rows.borrow_mut().clear();
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert!(scene.there().is_empty(), "{stops:?}");
    assert!(stops.failed.is_empty() && stops.kept.is_empty());
}

#[tokio::test(start_paused = true)]
async fn busy_runners_of_a_run_are_kept_and_named() {
    let scene = Scene::new();
    let (busy, idle) = (tags("a", 60), tags("a", 60));
    let (reference, id) = ready(&scene, &busy).await;
    ready(&scene, &idle).await;
    scene.busy(id, None);
    for target in [THIS_RUN, StopTarget::All] {
        let stops = scene.stop(&stop(target)).await;
        assert_eq!(stops.kept[0].instance.as_ref(), Some(&reference));
        assert_eq!(scene.there(), [busy.name.to_string()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_runners_cannot_be_read_is_ended_only_where_no_job_runs_for_certain() {
    let scene = Scene::new();
    let (sure, unsure) = (tags("a", 60), tags("a", 60));
    let (machine, _) = scene.machine(&sure).await;
    scene.machine(&unsure).await;
    scene.cloud.busy(&machine.id, false);
    scene.hub.down.borrow_mut().insert("runners");
    let stops = scene.stop(&stop(THIS_RUN)).await;
    assert_eq!(scene.there(), [unsure.name.to_string()]);
    assert_eq!((stops.stopped.len(), stops.kept.len()), (1, 1), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn the_state_file_is_emptied_of_what_it_holds_and_nothing_else() {
    let scene = Scene::new();
    let (known, unknown) = (tags("a", 60), tags("b", 60));
    let (reference, _) = ready(&scene, &known).await;
    ready(&scene, &unknown).await;
    scene.record(&known, "gpu", Some(reference)).await;
    scene.record(&tags("c", 60), "elsewhere", None).await;
    let stops = scene.stop(&stop(StopTarget::State)).await;
    assert_eq!(scene.there(), [unknown.name.to_string()]);
    assert_eq!(
        (stops.stopped.len(), stops.failed.len()),
        (1, 1),
        "{stops:?}"
    );
    assert_eq!(scene.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_turns_up_under_a_name_that_is_done_with_is_removed() {
    let scene = Scene::new();
    let tags = tags("a", 3600);
    scene.record(&tags, "gpu", None).await;
    let target = stop(THIS_RUN);
    let selection = scene.select(&target).await;
    scene.runner(&tags.name, "offline");
    let stops = scene.carry_out(&target, selection).await;
    assert!(scene.hub.rows.borrow().is_empty(), "{stops:?}");
    assert_eq!(scene.records().await, 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_stop_is_a_success() {
    let scene = Scene::new();
    for target in [
        StopTarget::All,
        StopTarget::Orphans,
        StopTarget::State,
        THIS_RUN,
    ] {
        let stops = scene.stop(&stop(target)).await;
        assert_eq!(stops, crate::fleet::stop::StopOutcome::default());
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_what_is_not_proved() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (reference, _) = ready(&scene, &tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    scene.cloud.fault("gpu", Verb::Terminate, Fault::Ignored);
    let begin = Instant::now();
    let stops = scene.stop(&hasty(named(&[&reference]))).await;
    assert!(stops.stopped[0].deregistered && !stops.stopped[0].terminated);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(
        scene.records().await,
        1,
        "it is not forgotten before it is proved gone"
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_is_told_of_a_machine_that_nobody_could_ask_to_end() {
    for fault in [
        Fault::Hang,
        Fault::Error(ErrorKind::Denied),
        Fault::Error(ErrorKind::Unavailable),
    ] {
        let scene = Scene::new();
        let (reference, _) = ready(&scene, &tags("a", 60)).await;
        scene.cloud.fault("gpu", Verb::Terminate, fault);
        let begin = Instant::now();
        let stops = scene.stop(&hasty(named(&[&reference]))).await;
        assert_eq!(
            (stops.stopped.len(), stops.failed.len()),
            (0, 1),
            "{fault:?}"
        );
        assert_eq!(stops.failed[0].instance, Some(reference));
        assert!(begin.elapsed() <= Duration::from_secs(10), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_ends_the_machine_though_github_is_silent() {
    let scene = Scene::new();
    let (reference, _) = ready(&scene, &tags("a", 60)).await;
    scene.hub.silent.borrow_mut().insert("deregister");
    let begin = Instant::now();
    let stops = scene.stop(&hasty(named(&[&reference]))).await;
    assert_eq!(
        (stops.stopped.len(), scene.there().len()),
        (1, 0),
        "{stops:?}"
    );
    assert!(!stops.stopped[0].deregistered);
    assert!(begin.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_even_be_asked_for_is_not_called_stopped() {
    let scene = Scene::new();
    let name = tags("a", 3600).name;
    scene.runner(&name, "offline");
    scene.hub.silent.borrow_mut().insert("deregister");
    // A question that its place never answers leaves time to ask for the end.
    scene.machine(&tags("b", 60)).await;
    scene.cloud.fault("gpu", Verb::InUse, Fault::Hang);
    let stops = scene.stop(&hasty(StopTarget::All)).await;
    let failed: Vec<_> = stops.failed.iter().map(|one| &one.name).collect();
    assert_eq!(failed, [&Some(name)], "{stops:?}");
    assert!(scene.there().is_empty(), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_cannot_tell_of_jobs_fails_no_stop_that_ended_everything() {
    let scene = Scene::new();
    ready(&scene, &tags("a", 60)).await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::InUse, fault);
    let stops = scene.stop(&stop(StopTarget::All)).await;
    assert_eq!((stops.stopped.len(), scene.there().len()), (1, 0));
    assert!(stops.unknown.is_empty(), "{stops:?}");
}
