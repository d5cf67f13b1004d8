//! Runners that were online and are gone before the report.

use super::*;
use crate::model::{Event, Exit};

/// Two runners: the first is online after five seconds, the second after `second`; later ones after five.
/// `meanwhile` happens to the first one ten seconds after its launch.
async fn two(
    scene: &Scene,
    second: Duration,
    meanwhile: impl AsyncFnOnce(InstanceId, String),
) -> StartOutcome {
    scene.hub.state().online_after = None;
    let script = async {
        let (machine, first) = scene.machine_of(0).await;
        let (_, other) = scene.machine_of(1).await;
        scene.hub.state().online_after = Some(Duration::ZERO);
        sleep(5 * SECOND).await;
        scene.hub.boots(&first);
        sleep(5 * SECOND).await;
        scene.hub.state().online_after = Some(5 * SECOND);
        meanwhile(machine, first).await;
        sleep(second.saturating_sub(15 * SECOND)).await;
        scene.hub.boots(&other);
    };
    scene.start_while(script).await
}

/// Both runners are up, each with one machine and one registration, and nothing else is there.
#[track_caller]
fn both_are_up(scene: &Scene, started: &StartOutcome) {
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (2, 0),
        "{started:?}"
    );
    assert!(started.left.is_empty(), "{:?}", started.left);
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let up = sorted(started.up.iter().map(|up| up.name.to_string()).collect());
    let machines = scene.cloud.machines().into_iter();
    let there = machines.map(|machine| machine.instance.tags.name.to_string());
    assert_eq!(sorted(there.collect()), up, "machines");
    assert_eq!(sorted(scene.hub.names()), up, "registrations");
    let told = scene.ear.mapping().expect("a mapping").0.into_iter();
    assert_eq!(sorted(told.map(|(_, name)| name.to_string()).collect()), up);
}

#[tokio::test(start_paused = true)]
async fn one_that_github_drops_while_others_boot_is_replaced() {
    for second in [20 * SECOND, 60 * SECOND] {
        let scene = Scene::new(2, &["a"]);
        let started = two(&scene, second, async |_, first| {
            scene.hub.drop_runner(&first);
        })
        .await;
        both_are_up(&scene, &started);
        assert_eq!(scene.hub.asked("register").len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn one_whose_machine_ended_without_a_job_is_replaced() {
    let scene = Scene::new(2, &["a"]);
    let started = two(&scene, 30 * SECOND, async |machine, _| {
        scene.cloud.end(&machine, "exit code 78");
    })
    .await;
    both_are_up(&scene, &started);
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_that_had_a_job_and_is_gone_is_up() {
    for is_seen in [true, false] {
        let scene = Scene::new(2, &["a"]);
        let started = two(&scene, 40 * SECOND, async |machine, first| {
            if is_seen {
                scene.hub.state().busy.insert(first.clone());
                sleep(15 * SECOND).await;
            } else {
                scene
                    .cloud
                    .say(&machine, "gharun: phase=job t=1795507200\n");
            }
            scene.hub.drop_runner(&first);
            scene.cloud.end(&machine, "exit code 0");
        })
        .await;
        assert_eq!(
            (started.up.len(), started.failed.len()),
            (2, 0),
            "{started:?}"
        );
        assert_eq!(scene.cloud.asked(Verb::Launch).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn without_time_for_another_machine_it_fails_and_is_not_told_to_be_up() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.timeout = 34 * SECOND;
    let started = two(&scene, 32 * SECOND, async |_, first| {
        scene.hub.drop_runner(&first);
    })
    .await;
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (0, 1),
        "{started:?}"
    );
    assert_eq!(
        first_trouble(&started),
        "GitHub dropped its registration before it had a job"
    );
    assert!(started.failed[0].trouble.hints()[0].contains("`--timeout`"));
    assert_eq!(started.exit(), Exit::Failed);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_as_it_was() {
    let scene = Scene::new(2, &["a"]);
    let failing =
        async |_: InstanceId, _: String| scene.fails("a", Verb::List, ErrorKind::Unavailable);
    let started = two(&scene, 30 * SECOND, failing).await;
    both_are_up(&scene, &started);
}

#[tokio::test(start_paused = true)]
async fn a_signal_during_the_last_look_is_obeyed_at_once() {
    let scene = Scene::new(2, &["a"]);
    scene.cloud.fault("a", Verb::List, Fault::Hang);
    let signal = async {
        // The second one is online after 20 s, and the look then hangs.
        sleep(24 * SECOND).await;
        scene.cloud.heal("a");
    };
    scene.hub.state().online_after = None;
    let script = async {
        let (_, first) = scene.machine_of(0).await;
        let (_, other) = scene.machine_of(1).await;
        scene.hub.state().online_after = Some(Duration::ZERO);
        scene.hub.boots(&first);
        sleep(20 * SECOND).await;
        scene.hub.boots(&other);
    };
    let (started, ()) = tokio::join!(scene.start_until(signal), script);
    assert!(started.interrupted, "{started:?}");
    assert!(scene.began.elapsed() < 40 * SECOND);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn who_was_seen_a_moment_ago_is_not_looked_at_again() {
    let scene = Scene::new(8, &["a"]);
    assert_eq!(scene.start().await.up.len(), 8);
    assert!(scene.began.elapsed() < 13 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_price_that_is_told_while_others_come_up_ends_a_runner_without_a_job() {
    for has_job in [false, true] {
        let scene = Scene::new(2, &["a", "b"]);
        scene
            .cloud
            .set("a", |place| place.dear_from = Some(40 * SECOND));
        let started = two(&scene, 60 * SECOND, async |_, first| {
            if has_job {
                scene.hub.state().busy.insert(first);
            }
        })
        .await;
        both_are_up(&scene, &started);
        let machines = scene.cloud.machines();
        let at_a = machines
            .iter()
            .filter(|machine| machine.instance.id.location.as_deref() == Some("a"));
        assert_eq!(at_a.count(), usize::from(has_job), "{machines:?}");
        let told = scene.ear.events().into_iter().filter(|event| {
            matches!(event, Event::Warning(why) if chain(why).contains("is kept because it has a job"))
        });
        assert_eq!(told.count(), usize::from(has_job));
    }
}
