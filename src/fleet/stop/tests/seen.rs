//! What a survey sees.

use std::sync::Arc;
use std::time::Duration;

use super::scene::{RUN, Scene, named, stop, tags};
use crate::fleet::NamedProvider;
use crate::model::{Exit, Price, Reference, StopTarget, chain};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Flaw, Verb};

const OLD: i64 = 3600;

#[tokio::test(start_paused = true)]
async fn the_three_sources_are_joined_by_name() {
    let scene = Scene::new();
    let tags = tags("a", 1800);
    scene
        .cloud
        .set("gpu", |place| place.rental.price = Some(Price::live(3.0)));
    let (_, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    let id = scene.runner(&tags.name, "online");
    let survey = scene.survey().await;
    let [row] = survey.rows.as_slice() else {
        panic!("one row: {:?}", survey.rows)
    };
    assert_eq!(row.instance, Some(reference));
    assert_eq!(
        (row.machine_state(), row.runner_state()),
        ("running", "online")
    );
    assert_eq!((row.runner_id, row.run), (Some(id), Some(RUN)));
    assert_eq!(row.verdict.to_string(), "ready");
    let bill = row.bill(row.facts.now).expect("it has a machine");
    assert_eq!(bill.span, Duration::from_mins(30));
    assert!((row.cost.expect("a cost") - 1.5).abs() < 1e-9);
    assert!(!row.unique_label_only() && survey.unknown.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_tables_of_one_place_show_one_machine() {
    let mut scene = Scene::new();
    let tags = tags("a", OLD);
    let (_, reference) = scene.machine(&tags).await;
    let mut twin = scene.places[0].clone();
    twin.name = "other".into();
    scene.places.insert(0, twin);
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    let survey = scene.survey().await;
    assert_eq!(survey.rows.len(), 1);
    assert_eq!(survey.rows[0].instance, Some(reference));
}

#[tokio::test(start_paused = true)]
async fn a_failed_listing_is_not_gone() {
    let scene = Scene::new();
    let tags = tags("a", OLD);
    scene.record(&tags, "gpu", None).await;
    assert_eq!(scene.verdict().await, "stale");
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::List, fault);
    let survey = scene.survey().await;
    assert_eq!(survey.rows[0].verdict.to_string(), "unknown");
    assert_eq!(survey.unknown[0].source, "gpu");
    scene.cloud.fault("gpu", Verb::List, Fault::Hang);
    assert_eq!(scene.verdict().await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_not_looked_at_any_more_is_not_gone() {
    let scene = Scene::new();
    let tags = tags("a", OLD);
    let elsewhere = "gpu:another/box".parse().expect("a reference");
    scene.record(&tags, "gpu", Some(elsewhere)).await;
    assert_eq!(scene.verdict().await, "unknown");
    // Also where the place cannot tell whose the machine is.
    let mut scene = scene;
    let careless = scene.cloud.provider("gpu").with(Flaw::AnyPlaceIsMine);
    scene.places = vec![NamedProvider::new("gpu", Arc::new(careless))];
    assert_eq!(scene.verdict().await, "unknown");
    let unknown = &scene.survey().await.unknown;
    assert_eq!(unknown[0].source, "gpu:another/box", "{unknown:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_an_unknown_provider_is_never_stale() {
    let scene = Scene::new();
    scene.record(&tags("a", OLD), "nowhere", None).await;
    assert_eq!(scene.verdict().await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn without_github_nothing_is_an_orphan() {
    let mut scene = Scene::new();
    scene.machine(&tags("a", 8 * 3600)).await;
    scene.hub.down.borrow_mut().insert("runners");
    let survey = scene.survey().await;
    assert_eq!(survey.rows[0].verdict.to_string(), "unknown");
    assert_eq!(survey.unknown[0].source, "GitHub");
    scene.without_github = true;
    let survey = scene.survey().await;
    assert_eq!(survey.rows[0].verdict.to_string(), "unknown");
    assert!(survey.unknown.is_empty(), "it was not wanted");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_asked_about_once_and_no_attempt_below_ours_ends_anything() {
    let scene = Scene::new();
    for index in 0..3 {
        let tags = tags(&format!("start{index}"), OLD / 4);
        scene.machine(&tags).await;
        scene.runner(&tags.name, "online");
    }
    let verdicts = async || {
        let survey = scene.survey().await;
        let verdicts = survey.rows.iter().map(|row| row.verdict.to_string());
        verdicts.collect::<Vec<_>>()
    };
    let is = |status: &str, attempt| {
        let mut runs = scene.hub.runs.borrow_mut();
        runs.insert(RUN.id, (status.into(), attempt));
    };
    is("completed", RUN.attempt - 1);
    assert_eq!(verdicts().await, ["ready"; 3]);
    assert_eq!(scene.hub.times("run"), 1);
    is("completed", RUN.attempt);
    assert_eq!(verdicts().await, ["orphan"; 3]);
    is("in_progress", RUN.attempt + 1);
    assert_eq!(verdicts().await, ["ready"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_job_in_progress_or_a_process_makes_an_orphan_a_worker() {
    let scene = Scene::new();
    let tags = tags("a", OLD);
    let (machine, _) = scene.machine(&tags).await;
    scene.runner(&tags.name, "offline");
    assert_eq!(scene.verdict().await, "orphan");
    scene.cloud.busy(&machine.id, true);
    assert_eq!(scene.verdict().await, "working");
    scene.cloud.busy(&machine.id, false);
    let now = tokio::time::Instant::now();
    scene
        .hub
        .jobs
        .borrow_mut()
        .push((tags.name.to_string(), now));
    assert_eq!(scene.verdict().await, "working");
    scene.hub.down.borrow_mut().insert("jobs");
    assert_eq!(scene.verdict().await, "unknown");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_fails_for_a_moment_is_asked_again() {
    let scene = Scene::new();
    scene.machine(&tags("a", OLD)).await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.once("gpu", Verb::List, fault);
    let survey = scene.survey().await;
    assert_eq!((survey.rows.len(), survey.unknown.len()), (1, 0));
    // What no repetition mends is not asked again.
    let asked = scene.cloud.asked(Verb::List).len();
    let denied = Fault::Error(ErrorKind::Denied);
    scene.cloud.fault("gpu", Verb::List, denied);
    assert_eq!(scene.survey().await.unknown.len(), 1);
    assert_eq!(scene.cloud.asked(Verb::List).len(), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn other_scopes_are_shown_only_when_asked_for() {
    let mut scene = Scene::new();
    let mut foreign = tags("a", 9 * 3600);
    foreign.scope = "acme/other".into();
    scene.machine(&foreign).await;
    assert!(scene.survey().await.rows.is_empty());
    scene.view.all_scopes = true;
    assert_eq!(scene.verdict().await, "unknown");
    scene.view.all_scopes = false;
    scene.view.scope = Some("Acme/OTHER".into());
    assert_eq!(scene.verdict().await, "orphan", "names know no case");
}

#[tokio::test(start_paused = true)]
async fn registrations_without_a_machine_are_ghosts_when_their_start_is_over() {
    let scene = Scene::new();
    scene.runner(&tags("a", OLD).name, "offline");
    scene.hub.rows.borrow_mut().insert(
        1,
        crate::github::Runner {
            id: 1,
            name: "somebody-else".into(),
            status: "offline".into(),
            busy: false,
            labels: vec![],
        },
    );
    assert_eq!(scene.verdict().await, "ghost");
    scene.hub.rows.borrow_mut().clear();
    scene.runner(&tags("a", 60).name, "offline");
    assert_eq!(scene.verdict().await, "starting");
}

#[tokio::test(start_paused = true)]
async fn a_rehearsal_is_judged_without_github() {
    let mut scene = Scene::new();
    scene.without_github = true;
    scene.view.scope = None;
    let mut tags = tags("a", OLD);
    tags.scope = crate::model::REHEARSAL.into();
    scene.machine(&tags).await;
    assert_eq!(scene.verdict().await, "starting");
    let mut old = tags.clone();
    old.expires = super::scene::now() - Duration::from_secs(1);
    let mut scene = Scene::new();
    scene.without_github = true;
    scene.machine(&old).await;
    assert_eq!(scene.verdict().await, "orphan");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_at_a_provider_that_cannot_be_opened_is_left_alone() {
    let scene = Scene::new().with_unopened("big");
    let (registered, recorded) = (tags("a", OLD), tags("b", OLD));
    scene.runner(&registered.name, "offline");
    scene.record(&recorded, "big", None).await;
    for row in scene.survey().await.rows {
        assert_eq!(row.verdict.to_string(), "unknown", "{row:?}");
    }
    let outcome = scene.stop(&stop(StopTarget::Orphans)).await;
    assert!(outcome.stopped.is_empty() && outcome.failed.is_empty());
    assert_eq!(outcome.unknown.len(), 1);
    assert_eq!(outcome.unknown[0].source, "big");
    assert_eq!(outcome.unknown[0].error.hints(), ["set $GPU_KEY"]);
    assert_eq!(outcome.exit(), Exit::Failed);
    assert_eq!(scene.hub.rows.borrow().len(), 1);
    assert_eq!(scene.records().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reference_to_a_provider_that_cannot_be_opened_fails_and_says_why() {
    let scene = Scene::new().with_unopened("big");
    let reference: Reference = "big:x/y".parse().expect("a reference");
    let outcome = scene.stop(&stop(named(&[&reference]))).await;
    let [failed] = outcome.failed.as_slice() else {
        panic!("{outcome:?}")
    };
    assert_eq!(failed.instance.as_ref(), Some(&reference));
    assert!(failed.permanent && chain(&failed.error).contains("$GPU_KEY is not set"));
    assert_eq!(outcome.exit(), Exit::Left);
}
