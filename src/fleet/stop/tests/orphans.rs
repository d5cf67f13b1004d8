//! `stop --orphans`: what it ends, and above all what it does not.

use std::time::Duration;

use tokio::time::Instant;

use super::scene::{RUN, Scene, stop, tags};
use crate::model::{Exit, Name, Price, Reference, StopTarget, Tags};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

const OLD: i64 = 3600;

pub(super) fn run_is_over(scene: &Scene) {
    let over = ("completed".to_owned(), RUN.attempt);
    scene.hub.runs.borrow_mut().insert(RUN.id, over);
}

/// A runner of a run that is over, online and idle, that other jobs may find too.
async fn idle_orphan(scene: &Scene) -> (Tags, Reference, u64) {
    let tags = tags("a", OLD);
    let (_, reference) = scene.machine(&tags).await;
    let id = scene.runner(&tags.name, "online");
    run_is_over(scene);
    (tags, reference, id)
}

#[tokio::test(start_paused = true)]
async fn what_a_kill_left_is_found_without_a_record() {
    let scene = Scene::new();
    let machine = tags("a", OLD);
    scene
        .cloud
        .set("gpu", |place| place.rental.price = Some(Price::live(3.0)));
    let (_, reference) = scene.machine(&machine).await;
    let ghost = tags("b", OLD);
    scene.runner(&ghost.name, "offline");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(
        stops.failed.is_empty() && stops.kept.is_empty(),
        "{stops:?}"
    );
    assert!(scene.there().is_empty() && scene.hub.rows.borrow().is_empty());
    let ended = stops.stopped.iter().find(|one| one.instance.is_some());
    let ended = ended.expect("the machine");
    assert_eq!(ended.instance.as_ref(), Some(&reference));
    assert_eq!(ended.billed, Some(Duration::from_hours(1)));
    assert!((ended.cost.expect("a cost") - 3.0).abs() < 1e-9);
    assert!(ended.terminated && ended.deregistered);
    let gone = stops.stopped.iter().find(|one| one.instance.is_none());
    let gone = gone.expect("the registration");
    assert_eq!(gone.name, Some(ghost.name));
    assert!(gone.deregistered && !gone.terminated);
}

#[tokio::test(start_paused = true)]
async fn stale_records_are_forgotten() {
    let scene = Scene::new();
    let gone = tags("a", OLD);
    let reference = "gpu:gpu/box".parse().expect("a reference");
    scene.record(&gone, "gpu", Some(reference)).await;
    scene.record(&tags("b", OLD), "gpu", None).await;
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((stops.stopped.len(), scene.records().await), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_ended_that_is_overdue_by_one_clock_alone() {
    // Past its grace by now, and well within its idle limit and its lifetime.
    let scene = Scene::new();
    let machine = tags("a", 20 * 60);
    scene.machine(&machine).await;
    scene.runner(&machine.name, "online");
    // Within its grace.
    let young = tags("b", 5 * 60);
    scene.machine(&young).await;
    let ghost = tags("c", 5 * 60);
    scene.runner(&ghost.name, "offline");
    scene.record(&tags("d", 5 * 60), "gpu", None).await;
    for hours in [8, -8] {
        let ahead = jiff::SignedDuration::from_hours(hours);
        scene.hub.ahead.set(ahead);
        let stops = scene.stop(&stop(StopTarget::Orphans)).await;
        assert!(stops.stopped.is_empty(), "{hours}: {stops:?}");
        assert!(stops.failed.is_empty(), "{hours}: {stops:?}");
    }
    assert_eq!((scene.there().len(), scene.hub.rows.borrow().len()), (2, 2));
    assert_eq!(scene.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_overdue_by_one_clock_alone_is_named() {
    for hours in [8, -8] {
        let scene = Scene::new();
        scene.hub.ahead.set(jiff::SignedDuration::from_hours(hours));
        // Twenty minutes old by the clock that is behind, and past its lifetime by the other.
        let late = tags("a", if hours > 0 { 1200 } else { 1200 + 8 * OLD });
        let (_, reference) = scene.machine(&late).await;
        scene.runner(&late.name, "online");
        let stops = scene.stop(&stop(StopTarget::Orphans)).await;
        let [kept] = stops.kept.as_slice() else {
            panic!("{hours}: {stops:?}")
        };
        assert_eq!(kept.instance.as_ref(), Some(&reference));
        let why = &kept.reason;
        assert!(
            why.contains("one clock alone") && why.contains("8h"),
            "{why}"
        );
        assert_eq!(stops.exit(), Exit::Left, "{hours}: {stops:?}");
        assert_eq!(scene.there().len(), 1);
    }
    // Within its lifetime by both, it is named, and rightly left alone.
    let scene = Scene::new();
    scene.hub.ahead.set(jiff::SignedDuration::from_hours(2));
    let idle = tags("a", 1200);
    scene.machine(&idle).await;
    scene.runner(&idle.name, "online");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(
        (stops.kept.len(), stops.exit()),
        (1, Exit::Done),
        "{stops:?}"
    );
    scene.hub.ahead.set(jiff::SignedDuration::ZERO);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(stops.kept.is_empty(), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_overdue_by_both_clocks_is_ended_though_they_differ() {
    for hours in [8, -8] {
        let scene = Scene::new();
        scene.machine(&tags("a", 24 * OLD)).await;
        let ahead = jiff::SignedDuration::from_hours(hours);
        scene.hub.ahead.set(ahead);
        let stops = scene.stop(&stop(StopTarget::Orphans)).await;
        assert_eq!(stops.stopped.len(), 1, "{hours}: {stops:?}");
        assert!(scene.there().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_is_never_touched() {
    let scene = Scene::new();
    let tags = tags("a", 9 * 3600);
    let (machine, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference)).await;
    scene.runner(&tags.name, "offline");
    let unavailable = Fault::Error(ErrorKind::Unavailable);
    let untouched = async || {
        let stops = scene.stop(&stop(StopTarget::Orphans)).await;
        assert!(stops.stopped.is_empty(), "{stops:?}");
        assert!(!stops.unknown.is_empty(), "it is named");
        assert_eq!(scene.there(), [tags.name.to_string()]);
        assert_eq!(
            (scene.records().await, scene.hub.times("deregister")),
            (1, 0)
        );
    };
    scene.cloud.fault("gpu", Verb::List, unavailable);
    untouched().await;
    scene.cloud.heal("gpu");
    scene.hub.down.borrow_mut().insert("runners");
    untouched().await;
    scene.hub.down.borrow_mut().clear();
    scene.cloud.fault("gpu", Verb::InUse, unavailable);
    untouched().await;
    scene.cloud.heal("gpu");
    scene.cloud.busy(&machine.id, false);
    assert_eq!(
        scene.stop(&stop(StopTarget::Orphans)).await.stopped.len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_job_that_came_before_the_second_look_saves_the_machine() {
    let scene = Scene::new();
    let (_, reference, id) = idle_orphan(&scene).await;
    let orphans = stop(StopTarget::Orphans);
    let selection = scene.select(&orphans).await;
    assert_eq!(selection.chosen.len(), 1);
    scene.busy(id, None);
    let stops = scene.carry_out(&orphans, selection).await;
    assert_eq!(stops.kept[0].instance, Some(reference));
    assert!(stops.kept[0].reason.contains("working"), "{stops:?}");
    assert_eq!((scene.there().len(), scene.hub.times("deregister")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_assigned_before_the_deregistration_saves_the_machine() {
    let scene = Scene::new();
    let (tags, _, _) = idle_orphan(&scene).await;
    let soon = Instant::now() + Duration::from_secs(30);
    let job = (tags.name.to_string(), soon);
    scene.hub.jobs.borrow_mut().push(job);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.hub.times("deregister"), 1);
    assert_eq!((stops.kept.len(), scene.there().len()), (1, 1), "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_orphan_is_given_the_time_of_a_second_look() {
    let scene = Scene::new();
    idle_orphan(&scene).await;
    let begin = Instant::now();
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((stops.stopped.len(), scene.there().len()), (1, 0));
    assert!(begin.elapsed() >= Duration::from_mins(1));
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_only_its_run_could_use_is_ended_at_once() {
    let scene = Scene::new();
    let (_, _, id) = idle_orphan(&scene).await;
    if let Some(row) = scene.hub.rows.borrow_mut().get_mut(&id) {
        row.labels.truncate(1);
    }
    let begin = Instant::now();
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(stops.stopped.len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_github_will_not_let_go_is_kept() {
    let scene = Scene::new();
    let (_, _, id) = idle_orphan(&scene).await;
    scene.hub.down.borrow_mut().insert("deregister");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(
        (stops.failed.len(), scene.there().len()),
        (1, 1),
        "{stops:?}"
    );
    assert!(stops.failed[0].command.starts_with("gharun stop gpu:"));
    assert!(scene.hub.rows.borrow().contains_key(&id));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_ended_is_removed_though_github_calls_it_busy() {
    let scene = Scene::new();
    let tags = tags("a", 60);
    let (machine, _) = scene.machine(&tags).await;
    let id = scene.runner(&tags.name, "offline");
    scene.busy(id, None);
    scene.cloud.end(&machine.id, "exit code 0");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(scene.there().is_empty());
    assert!(stops.stopped[0].terminated && !stops.stopped[0].deregistered);
    assert_eq!(scene.warnings(), 1);
}

#[tokio::test(start_paused = true)]
async fn force_ends_busy_orphans_and_no_others() {
    let scene = Scene::new();
    let (late, young) = (tags("a", 8 * 3600), tags("b", OLD));
    for tags in [&late, &young] {
        scene.machine(tags).await;
        let id = scene.runner(&tags.name, "online");
        scene.busy(id, None);
    }
    let gentle = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(gentle.stopped.is_empty());
    let mut forced = stop(StopTarget::Orphans);
    forced.force = true;
    let stops = scene.stop(&forced).await;
    assert_eq!(stops.stopped.len(), 1, "{stops:?}");
    assert_eq!(scene.there(), [young.name.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_past_its_lifetime_is_named() {
    let scene = Scene::new();
    let (late, young) = (tags("a", 8 * 3600), tags("b", OLD));
    for tags in [&late, &young] {
        scene.machine(tags).await;
        let id = scene.runner(&tags.name, "online");
        scene.busy(id, None);
    }
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    let [kept] = stops.kept.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!((&kept.name, stops.exit()), (&late.name, Exit::Left));
    scene.hub.rows.borrow_mut().clear();
    // Where GitHub cannot be read it is not ended, and named all the same.
    scene.hub.down.borrow_mut().insert("runners");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((stops.kept.len(), stops.exit()), (1, Exit::Left));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_a_job_can_forge_keeps_no_machine_that_github_does_not_know() {
    let scene = Scene::new();
    let (late, young) = (tags("a", 8 * 3600), tags("b", OLD));
    for tags in [&late, &young] {
        let (machine, _) = scene.machine(tags).await;
        scene.cloud.busy(&machine.id, true);
    }
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(stops.stopped.len(), 1, "{stops:?}");
    assert_eq!(scene.there(), [young.name.to_string()]);
    // A job that GitHub reports cannot be forged.
    let tags = tags("c", 8 * 3600);
    scene.machine(&tags).await;
    let job = (tags.name.to_string(), Instant::now());
    scene.hub.jobs.borrow_mut().push(job);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((stops.stopped.len(), stops.kept.len()), (0, 1), "{stops:?}");
    scene.hub.rows.borrow_mut().clear();
    let gentle = tags_of_a_forger(&scene).await;
    let stops = scene.stop(&stop(StopTarget::All)).await;
    assert!(!scene.there().contains(&gentle), "{stops:?}");
}

/// The name of a machine past its lifetime, of a runner that GitHub does not know, with a job's process on it.
async fn tags_of_a_forger(scene: &Scene) -> String {
    let tags = tags("d", 8 * 3600);
    let (machine, _) = scene.machine(&tags).await;
    scene.cloud.busy(&machine.id, true);
    tags.name.to_string()
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_may_have_a_job_is_named_with_its_command() {
    let scene = Scene::new();
    let (_, reference, _) = idle_orphan(&scene).await;
    scene.hub.down.borrow_mut().insert("jobs");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    let [failed] = stops.failed.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!(failed.command, format!("gharun stop {reference}"));
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_cannot_be_judged_at_the_second_look_is_named_with_its_command() {
    let scene = Scene::new();
    let (_, reference, _) = idle_orphan(&scene).await;
    let orphans = stop(StopTarget::Orphans);
    let selection = scene.select(&orphans).await;
    scene.hub.down.borrow_mut().insert("runner");
    let stops = scene.carry_out(&orphans, selection).await;
    let [failed] = stops.failed.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!(failed.instance.as_ref(), Some(&reference));
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_sweep_rightly_leaves_alone_is_a_success() {
    let scene = Scene::new();
    let (_, _, id) = idle_orphan(&scene).await;
    let (working, ready) = (tags("b", OLD), tags("c", 60));
    scene.machine(&working).await;
    let busy = scene.runner(&working.name, "online");
    scene.busy(busy, None);
    scene.machine(&ready).await;
    let orphans = stop(StopTarget::Orphans);
    let selection = scene.select(&orphans).await;
    // It got a job since the first look.
    scene.busy(id, None);
    let stops = scene.carry_out(&orphans, selection).await;
    assert_eq!(
        (stops.kept.len(), stops.exit()),
        (1, Exit::Done),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_cannot_be_removed_is_no_machine_that_may_run() {
    let scene = Scene::new();
    scene.runner(&tags("a", OLD).name, "offline");
    scene.hub.down.borrow_mut().insert("deregister");
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((stops.failed.len(), stops.exit()), (1, Exit::Failed));
}

#[tokio::test(start_paused = true)]
async fn force_ends_an_orphan_that_got_a_job_since_the_first_look() {
    let scene = Scene::new();
    let (_, _, id) = idle_orphan(&scene).await;
    let mut forced = stop(StopTarget::Orphans);
    forced.force = true;
    let selection = scene.select(&forced).await;
    scene.busy(id, None);
    let stops = scene.carry_out(&forced, selection).await;
    assert_eq!(
        (stops.stopped.len(), scene.there().len()),
        (1, 0),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_ghost_that_went_by_itself_is_a_success() {
    let scene = Scene::new();
    scene.runner(&tags("a", OLD).name, "offline");
    let orphans = stop(StopTarget::Orphans);
    let selection = scene.select(&orphans).await;
    scene.hub.rows.borrow_mut().clear();
    let stops = scene.carry_out(&orphans, selection).await;
    assert!(
        stops.stopped[0].deregistered && stops.kept.is_empty(),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn another_scope_is_never_touched() {
    let scene = Scene::new();
    let mut foreign = tags("a", 9 * 3600);
    foreign.server = "ghes.example".into();
    let (machine, reference) = scene.machine(&foreign).await;
    scene.cloud.end(&machine.id, "exit code 0");
    scene.record(&foreign, "gpu", Some(reference)).await;
    for target in [StopTarget::Orphans, StopTarget::All, StopTarget::State] {
        let stops = scene.stop(&stop(target)).await;
        assert_eq!(stops, crate::fleet::stop::StopOutcome::default());
    }
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn older_than_prolongs_the_grace() {
    let mut scene = Scene::new();
    scene.machine(&tags("a", OLD)).await;
    let orphans = stop(StopTarget::Orphans);
    assert_eq!(scene.select(&orphans).await.chosen.len(), 1);
    scene.view.older_than = Some(Duration::from_hours(2));
    assert!(scene.select(&orphans).await.chosen.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_is_swept_by_its_expiry_without_github() {
    let mut scene = Scene::new();
    scene.without_github = true;
    let (mut old, mut young) = (tags("a", 9 * 3600), tags("b", OLD));
    old.scope = crate::model::REHEARSAL.into();
    young.scope = crate::model::REHEARSAL.into();
    scene.machine(&old).await;
    scene.machine(&young).await;
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    let stopped: Vec<Option<Name>> = stops.stopped.into_iter().map(|one| one.name).collect();
    assert_eq!(stopped, [Some(old.name)]);
    assert_eq!(scene.there(), [young.name.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_joined_to_its_runner_by_number_too() {
    let scene = Scene::new();
    let (_, _, id) = idle_orphan(&scene).await;
    scene.hub.nameless_jobs.borrow_mut().push(id);
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(stops.stopped.is_empty(), "{stops:?}");
    assert_eq!((scene.there().len(), scene.hub.times("deregister")), (1, 0));
    // That of another runner's keeps nothing.
    *scene.hub.nameless_jobs.borrow_mut() = vec![id + 1];
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(stops.stopped.len(), 1, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_asked_about_once_for_all_of_its_machines() {
    let scene = Scene::new();
    for letter in 'a'..='p' {
        scene.machine(&tags(&letter.to_string(), OLD)).await;
    }
    run_is_over(&scene);
    let selected = scene.select(&stop(StopTarget::Orphans)).await;
    assert_eq!(selected.chosen.len(), 16);
    assert_eq!(scene.hub.times("run"), 1);
    assert_eq!(scene.hub.times("jobs"), 1);
}
