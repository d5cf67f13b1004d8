//! Machines that do not become runners: what is said of them, and what helps.

use super::*;
use crate::model::BootCause;

/// The first runner's machine says something, and then ends.
async fn ends(scene: &Scene, log: &str, how: &str) {
    let (machine, _) = scene.machine_of(0).await;
    scene.cloud.say(&machine, log);
    scene.cloud.end(&machine, how);
}

#[tokio::test(start_paused = true)]
async fn a_setup_script_that_fails_is_told_with_file_line_and_text() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.setup = Some("set -e\n  apt-get install nope\n".to_owned());
    scene.plan.setup_file = Some("setup.sh".to_owned());
    let why = "the setup script failed with exit code 100 at line 2";
    let log = format!("gharun: phase=end t=2 code=74 last=setup why={why}\n");
    let started = scene.start_while(ends(&scene, &log, "exit code 74")).await;
    assert_eq!(
        first_trouble(&started),
        format!(
            "its machine ended before the runner was online: {why} of `setup.sh`: `apt-get install nope`"
        )
    );
    let hints = started.failed[0].trouble.hints();
    assert_eq!(
        hints,
        [
            "edit line 2 of `setup.sh`",
            "to look around on such a machine, add `--keep-failed`"
        ]
    );
    let boot = started.failed[0].trouble.boot().expect("a machine");
    assert_eq!(boot.cause, Some(BootCause::Setup));
}

#[tokio::test(start_paused = true)]
async fn an_exit_code_alone_is_told_in_words_and_every_failure_has_a_hint() {
    for (how, said) in [
        ("exit code 74", "exit code 74: the setup script failed"),
        (
            "exit code 137, out of memory",
            "exit code 137, out of memory",
        ),
        ("spot interruption", "spot interruption"),
    ] {
        let scene = Scene::new(1, &["a"]);
        let started = scene.start_while(ends(&scene, "", how)).await;
        let trouble = first_trouble(&started);
        assert!(trouble.ends_with(&format!(": {said}")), "{trouble}");
        assert!(!started.failed[0].trouble.hints().is_empty(), "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_killed_a_setup_script_is_told_by_the_place() {
    let scene = Scene::new(1, &["a"]);
    let log =
        "gharun: phase=end t=2 code=74 last=setup why=the setup script failed with exit code 137\n";
    let started = scene
        .start_while(ends(&scene, log, "exit code 74, out of memory"))
        .await;
    let trouble = first_trouble(&started);
    assert!(
        trouble.contains("exit code 137") && trouble.contains("out of memory"),
        "{trouble}"
    );
    let boot = started.failed[0].trouble.boot().expect("a machine");
    assert_eq!(boot.cause, Some(BootCause::OutOfMemory));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_ends_with_code_0_did_its_job_whatever_fills_its_log() {
    let scene = Scene::new(1, &["a"]);
    let traces = "trace of a worker\n".repeat(400);
    let started = scene
        .start_while(ends(&scene, &traces, "exit code 0"))
        .await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_stays_after_its_failure_is_told_of_before_the_time_limit() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.keep_failed = true;
    scene.hub.state().online_after = None;
    let fails = async {
        let (machine, _) = scene.machine_of(0).await;
        let log = "gharun: phase=kept t=2 code=75 last=download why=no space is left on the machine: 0 of 2 MB free in /a\n";
        scene.cloud.say(&machine, log);
    };
    let started = scene.start_while(fails).await;
    assert!(scene.began.elapsed() < 60 * SECOND);
    assert_eq!(
        first_trouble(&started),
        "its machine failed before the runner was online: no space is left on the machine: 0 of 2 MB free in /a"
    );
    assert!(started.left[0].kept);
    assert_eq!(scene.cloud.machines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_of_several_late_runners_is_told_with_its_log() {
    let mut scene = Scene::new(3, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().online_after = None;
    scene.cloud.set("a", |place| place.logs_take = SECOND);
    let said = async {
        for index in 0..3 {
            let (machine, _) = scene.machine_of(index).await;
            let log = "gharun: phase=run t=1\n2026-11-30 09:00:00Z: Runner connect error: no route. Retrying until reconnected.\n";
            scene.cloud.say(&machine, log);
        }
    };
    let started = scene.start_while(said).await;
    assert_eq!(started.failed.len(), 3, "{:?}", started.failed);
    for failed in &started.failed {
        let boot = failed.trouble.boot().expect("a machine");
        assert!(boot.log.is_some(), "{failed:?}");
        assert_eq!(boot.cause, Some(BootCause::NoNetwork), "{failed:?}");
        let trouble = chain(&failed.trouble);
        assert!(
            trouble.contains("Runner connect error: no route"),
            "{trouble}"
        );
    }
}
