//! The life of a runner, without a machine behind it.

use serde_json::Value;

use super::*;
use crate::model::Run;
use crate::rehearsal::{JobSpec, JobStatus, Lags};

fn job() -> JobSpec {
    JobSpec::lasting(Duration::ZERO)
}

fn path(id: u64) -> String {
    format!("{REPO}/runners/{id}")
}

fn seen(scene: &Scene, id: u64) -> (Value, Value) {
    let row = scene.get(&path(id)).json();
    (row["status"].clone(), row["busy"].clone())
}

#[test]
fn a_runner_is_online_then_busy_then_gone() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    assert!(scene.world().bring_online("a"));
    assert_eq!(seen(&scene, id), ("online".into(), false.into()));
    let job = scene.world().begin_job("a", job()).unwrap();
    assert_eq!(seen(&scene, id), ("online".into(), true.into()));
    let refused = scene.delete(&path(id));
    assert_eq!(refused.status, 422);
    assert!(refused.message().contains("\"a\""), "{}", refused.text);
    let row = scene.get(&format!("{REPO}/jobs/{job}")).json();
    assert_eq!(row["status"], "in_progress");
    assert_eq!(row["runner_name"], "a");
    assert_eq!(row["runner_id"], id);
    assert!(scene.world().end_job("a"));
    assert_eq!(scene.get(&path(id)).status, 404);
    assert_eq!(scene.delete(&path(id)).status, 404);
    let row = scene.get(&format!("{REPO}/jobs/{job}")).json();
    assert_eq!(row["conclusion"], "success");
}

#[test]
fn an_idle_runner_is_deleted_once() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    scene.world().bring_online("a");
    let got = scene.delete(&path(id));
    assert_eq!((got.status, got.text.as_str()), (204, ""));
    assert_eq!(scene.delete(&path(id)).status, 404);
}

#[test]
fn after_its_job_a_runner_lingers_busy_and_keeps_its_name() {
    let scene = Scene::open();
    scene.world().tune(|lags| lags.gone = PATIENCE);
    let (id, _) = scene.registered("a");
    scene.world().bring_online("a");
    scene.world().begin_job("a", job()).unwrap();
    scene.world().end_job("a");
    assert_eq!(seen(&scene, id), ("offline".into(), true.into()));
    assert_eq!(scene.delete(&path(id)).status, 422);
    assert_eq!(scene.register("a").status, 409);
    assert!(scene.world().remove_runner("a"));
    assert_eq!(scene.register("a").status, 201);
}

#[test]
fn it_is_off_the_list_when_its_time_has_come() {
    let scene = Scene::open();
    scene
        .world()
        .tune(|lags| lags.gone = Duration::from_millis(50));
    scene.registered("a");
    scene.world().bring_online("a");
    scene.world().begin_job("a", job()).unwrap();
    scene.world().end_job("a");
    scene.wait_row("a", |row| row.is_none());
    assert_eq!(scene.register("a").status, 201);
}

#[test]
fn a_job_that_the_busy_flag_hides_goes_on_when_its_runner_is_deleted() {
    let scene = Scene::open();
    scene.world().tune(|lags| lags.busy = PATIENCE);
    let (id, _) = scene.registered("a");
    scene.world().bring_online("a");
    let job = scene.world().begin_job("a", job()).unwrap();
    assert_eq!(seen(&scene, id), ("online".into(), false.into()));
    assert_eq!(scene.delete(&path(id)).status, 204);
    let row = scene.get(&format!("{REPO}/jobs/{job}")).json();
    assert_eq!(row["status"], "in_progress");
    assert_eq!(row["runner_name"], "a");
    assert!(scene.world().end_job("a"));
    assert_eq!(scene.world().jobs()[0].status, JobStatus::Completed);
}

#[test]
fn a_runner_that_died_in_its_job_is_offline_and_busy_until_it_is_given_up() {
    let scene = Scene::with(StageOptions {
        lags: Lags {
            offline: Duration::ZERO,
            lost: PATIENCE,
            ..Lags::default()
        },
        ..StageOptions::default()
    });
    let (id, _) = scene.registered("a");
    scene.world().bring_online("a");
    scene.world().begin_job("a", job()).unwrap();
    scene.world().take_offline("a");
    assert_eq!(seen(&scene, id), ("offline".into(), true.into()));
    assert_eq!(scene.delete(&path(id)).status, 422);
    scene.world().tune(|lags| lags.lost = Duration::ZERO);
    assert_eq!(seen(&scene, id), ("offline".into(), false.into()));
    let job = &scene.world().jobs()[0];
    assert_eq!(job.conclusion.as_deref(), Some("failure"));
    assert_eq!(scene.delete(&path(id)).status, 204);
}

#[test]
fn a_run_has_the_jobs_of_its_attempts() {
    let scene = Scene::open();
    let world = scene.world();
    let runs = format!("{REPO}/runs/7");
    world.set_run(7, 2, "in_progress");
    world.queue_job("x", job().of(Run { id: 7, attempt: 1 }));
    world.queue_job("x", job().of(Run { id: 7, attempt: 2 }));
    let run = scene.get(&runs).json();
    assert_eq!(
        (&run["status"], &run["run_attempt"]),
        (&"in_progress".into(), &2.into())
    );
    assert_eq!(run["conclusion"], Value::Null);
    let count = |tail: &str| scene.get(&format!("{runs}/{tail}")).json()["total_count"].clone();
    assert_eq!(count("jobs"), 1);
    assert_eq!(count("jobs?filter=all"), 2);
    assert_eq!(count("attempts/1/jobs"), 1);
    assert_eq!(scene.get(&format!("{runs}/attempts/3/jobs")).status, 404);
    world.set_run(7, 2, "completed");
    let run = scene.get(&runs).json();
    assert_eq!(
        (&run["status"], &run["conclusion"]),
        (&"completed".into(), &"success".into())
    );
}

#[test]
fn who_is_not_there_cannot_be_played() {
    let scene = Scene::open();
    let world = scene.world();
    assert!(!world.bring_online("a"));
    assert!(!world.take_offline("a"));
    assert!(!world.end_job("a"));
    assert!(!world.remove_runner("a"));
    scene.registered("a");
    assert_eq!(world.begin_job("a", job()), None, "it is offline");
    world.bring_online("a");
    assert!(world.begin_job("a", job()).is_some());
    assert_eq!(world.begin_job("a", job()), None, "it has one");
}
