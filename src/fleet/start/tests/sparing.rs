//! Machines that are to be ended while GitHub does not answer whether they have a job.

use super::*;
use crate::model::{Event, Exit};

const UNKNOWN: &str = "could not check whether";

/// The warnings of a scene that begin so, with their hints.
fn warnings(scene: &Scene, what: &str) -> Vec<String> {
    let told = |event| match event {
        Event::Warning(why) => Some(format!("{}: {}", chain(&why), why.hints().join("; "))),
        _ => None,
    };
    let told = scene.ear.events().into_iter().filter_map(told);
    told.filter(|told| told.contains(what)).collect()
}

/// One runner at `a`, whose place tells after 18 s that it costs too much. Runners are online after 10 s.
fn dear() -> Scene {
    let scene = Scene::new(1, &["a", "b"]);
    scene
        .cloud
        .set("a", |place| place.dear_from = Some(18 * SECOND));
    scene
}

/// GitHub says nothing from a time on, and answers again a minute later, when the first runner may have a job.
async fn silent(scene: &Scene, after: Duration, has_job: bool) {
    let (_, name) = scene.machine_of(0).await;
    sleep(after).await;
    scene.hub.state().silent = true;
    sleep(60 * SECOND).await;
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0], "it is spared");
    if has_job {
        scene.hub.state().busy.insert(name);
    }
    scene.hub.state().silent = false;
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_costs_too_much_is_not_ended_before_github_says_that_it_has_no_job() {
    for has_job in [true, false] {
        let scene = dear();
        let started = scene.start_while(silent(&scene, 15 * SECOND, has_job));
        let started = started.await;
        assert_eq!((started.up.len(), started.failed.len()), (1, 0));
        assert!(started.left.is_empty(), "{:?}", started.left);
        let machines = scene.cloud.machines();
        let at: Vec<_> = machines
            .iter()
            .map(|machine| machine.instance.id.location.as_deref())
            .collect();
        assert_eq!(at, [Some(if has_job { "a" } else { "b" })]);
        let told = warnings(&scene, UNKNOWN);
        assert_eq!(told.len(), 1, "{:?}", scene.ear.events());
        assert!(told[0].contains("`gharun stop a:"), "{told:?}");
        let kept = warnings(&scene, "is kept because it has a job");
        assert_eq!(kept.len(), usize::from(has_job));
    }
}

#[tokio::test(start_paused = true)]
async fn where_github_is_silent_until_the_time_limit_a_runner_that_costs_too_much_is_up() {
    let mut scene = dear();
    scene.plan.timeout = 60 * SECOND;
    let silent = async {
        sleep(15 * SECOND).await;
        scene.hub.state().silent = true;
    };
    let started = scene.start_while(silent).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(scene.began.elapsed() < 62 * SECOND);
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
    assert_eq!(warnings(&scene, UNKNOWN).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_what_is_spared_for_githubs_silence() {
    let scene = dear();
    let interrupt = async {
        sleep(15 * SECOND).await;
        scene.hub.state().silent = true;
        sleep(15 * SECOND).await;
        assert_eq!(warnings(&scene, UNKNOWN).len(), 1);
    };
    let started = scene.start_until(interrupt).await;
    assert!(started.interrupted);
    assert!(scene.began.elapsed() < 37 * SECOND);
    assert_eq!(scene.cloud.machines().len(), 0);
    let left: Vec<_> = started.left.iter().map(|one| &one.instance).collect();
    assert_eq!(left, [&None], "its registration");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_runs_is_not_ended_for_its_places_word_before_github_says_that_it_has_no_job()
 {
    let scene = dear();
    scene.cloud.set("a", |place| {
        place.dear_from = Some(8 * SECOND);
        place.dooms_dear = true;
    });
    let started = scene.start_while(silent(&scene, 5 * SECOND, true)).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
    assert_eq!(warnings(&scene, UNKNOWN).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_runs_is_not_ended_since_lists_of_github_miss_its_runner() {
    let scene = Scene::new(2, &["a"]);
    let missed = async {
        let (_, first) = scene.machine_of(0).await;
        let (_, second) = scene.machine_of(1).await;
        sleep(5 * SECOND).await;
        scene.hub.state().lists_at_most = Some(0);
        scene.hub.state().deaf_to = Some("deregister");
        sleep(60 * SECOND).await;
        assert!(scene.hub.asked("deregister").len() > 2, "they are to go");
        assert_eq!(
            scene.cloud.asked(Verb::Terminate),
            [""; 0],
            "both are spared"
        );
        let mut state = scene.hub.state();
        state.busy.extend([first, second]);
        (state.lists_at_most, state.deaf_to) = (None, None);
    };
    let started = scene.start_while(missed).await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
    assert_eq!(warnings(&scene, UNKNOWN).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_was_seen_at_a_job_is_not_undone_while_github_is_silent() {
    let scene = Scene::new(2, &["a"]);
    let fails = async {
        let (_, first) = scene.machine_of(0).await;
        let (machine, _) = scene.machine_of(1).await;
        sleep(5 * SECOND).await;
        scene.hub.state().busy.insert(first);
        sleep(3 * SECOND).await;
        scene.hub.state().silent = true;
        scene.cloud.end(&machine, "exit code 4");
    };
    let started = scene.start_while(fails).await;
    assert_eq!((started.up.len(), started.failed.len()), (0, 1));
    let kept: Vec<_> = started.left.iter().filter(|left| left.kept).collect();
    let [left] = kept.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert_eq!(
        chain(&left.why),
        "could not check whether its job is over: GitHub did not answer in time"
    );
    assert_eq!(started.exit(), Exit::Left);
    let machines = scene.cloud.machines();
    assert_eq!(machines.len(), 1);
    assert_eq!(
        Some(&machines[0].instance.id),
        left.instance.as_ref().map(|one| &one.id)
    );
}

/// A place that gives up on a machine whose runner is not seen.
fn hopeless() -> Scene {
    let scene = Scene::new(1, &["a"]);
    scene.cloud.set("a", |place| {
        place.boot_takes = 600 * SECOND;
        place.gives_up = Some(6 * SECOND);
    });
    scene.hub.state().online_after = None;
    scene
}

/// It gets a job while its machine is to be ended, of which GitHub's lists show nothing.
async fn works(scene: &Scene) -> (InstanceId, String) {
    let (machine, name) = scene.machine_of(0).await;
    scene.hub.state().listing_fails = true;
    scene.hub.state().busy.insert(name.clone());
    while scene.hub.asked("deregister").is_empty() {
        sleep(SECOND / 10).await;
    }
    (machine, name)
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_had_a_job_and_is_gone_is_up_though_its_log_cannot_be_read() {
    let scene = hopeless();
    let done = async {
        let (machine, name) = works(&scene).await;
        scene.fails("a", Verb::Logs, ErrorKind::Unavailable);
        sleep(SECOND).await;
        scene.hub.drop_runner(&name);
        scene.cloud.end(&machine, "exit code 0");
    };
    let started = scene.start_while(done).await;
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (1, 0),
        "{started:?}"
    );
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_runner_with_a_job_is_up_at_the_time_limit_though_github_cannot_be_looked_at() {
    let mut scene = hopeless();
    scene.plan.timeout = 60 * SECOND;
    let (started, _) = tokio::join!(scene.start(), works(&scene));
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (1, 0),
        "{started:?}"
    );
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
}
