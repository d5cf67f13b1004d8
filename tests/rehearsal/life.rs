//! The life of a runner, without a machine behind it.

use serde_json::Value;

use super::*;

/// Queues a job for a runner, and lets it begin.
fn begin(scene: &Scene, name: &str) -> Option<u64> {
    let queued = scene.stub.queue_job(name, "true");
    let begun = scene.github.begin_job(name);
    assert!(begun.is_none_or(|begun| begun == queued));
    begun
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
    assert!(scene.github.bring_online("a"));
    assert_eq!(seen(&scene, id), ("online".into(), false.into()));
    let job = begin(&scene, "a").unwrap();
    assert_eq!(seen(&scene, id), ("online".into(), true.into()));
    let refused = scene.delete(&path(id));
    assert_eq!(refused.status, 422);
    assert!(refused.message().contains("\"a\""), "{}", refused.text);
    let row = scene.get(&format!("{REPO}/jobs/{job}")).json();
    assert_eq!(row["status"], "in_progress");
    assert_eq!(row["runner_name"], "a");
    assert_eq!(row["runner_id"], id);
    assert!(scene.github.end_job("a"));
    assert_eq!(scene.get(&path(id)).status, 404);
    assert_eq!(scene.delete(&path(id)).status, 404);
    let row = scene.get(&format!("{REPO}/jobs/{job}")).json();
    assert_eq!(row["conclusion"], "success");
}

#[test]
fn an_idle_runner_is_deleted_once() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    scene.github.bring_online("a");
    let got = scene.delete(&path(id));
    assert_eq!((got.status, got.text.as_str()), (204, ""));
    assert_eq!(scene.delete(&path(id)).status, 404);
}

#[test]
fn a_runner_that_died_in_its_job_is_offline_and_busy() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    scene.github.bring_online("a");
    begin(&scene, "a").unwrap();
    scene.github.take_offline("a");
    assert_eq!(seen(&scene, id), ("offline".into(), true.into()));
    assert_eq!(scene.delete(&path(id)).status, 422);
}

#[test]
fn a_run_has_the_jobs_of_its_attempts() {
    let scene = Scene::open();
    let github = &scene.github;
    let runs = format!("{REPO}/runs/7");
    github.set_run(7, 2, "in_progress");
    github.add_job(7, 1, "x");
    github.add_job(7, 2, "x");
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
    github.set_run(7, 2, "completed");
    let run = scene.get(&runs).json();
    assert_eq!(
        (&run["status"], &run["conclusion"]),
        (&"completed".into(), &"success".into())
    );
}

#[test]
fn who_is_not_there_cannot_be_played() {
    let scene = Scene::open();
    let github = &scene.github;
    assert!(!github.bring_online("a"));
    assert!(!github.take_offline("a"));
    assert!(!github.end_job("a"));
    scene.registered("a");
    assert_eq!(begin(&scene, "a"), None, "it is offline");
    github.bring_online("a");
    assert!(github.begin_job("a").is_some());
    assert_eq!(begin(&scene, "a"), None, "it has one");
}
