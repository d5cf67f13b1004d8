//! Machines that register their runners themselves: nobody knows the number before.

use super::*;
use crate::model::Secret;

fn scene(count: u16, enrols_after: Duration) -> Scene {
    let scene = Scene::new(count, &["a"]);
    scene.hub.state().enrols_after = Some(enrols_after);
    scene
}

#[tokio::test(start_paused = true)]
async fn the_number_is_written_down_once_the_name_is_seen() {
    for count in [1, 3] {
        let mut scene = scene(count, 4 * SECOND);
        let folder = tempfile::tempdir().expect("a folder");
        scene.store = Store::at(folder.path().join("state.json"));
        let started = scene.start().await;
        assert_eq!(started.up.len(), usize::from(count), "{started:?}");
        let entries = scene.store.read().await.expect("it is read");
        for up in &started.up {
            assert!(up.runner_id.is_some());
            assert_eq!(entries[&up.name].runner_id, up.runner_id);
            assert!(up.online_after < 11 * SECOND, "as soon as it is seen");
        }
        for machine in scene.cloud.machines() {
            assert_eq!(machine.instance.tags.runner_id, None);
            let boot = machine.boot.expose();
            assert!(boot.contains("gharun_url='https://ghes.example.com/acme/app'"));
            assert!(boot.contains("gharun_token='a-token-to-register'"));
        }
        let token = Event::Secret(Secret::new("a-token-to-register"));
        let masked = scene
            .ear
            .when(|event| *event == token)
            .expect("it is masked");
        let launching = |event: &Event| matches!(event, Event::Launching { .. });
        assert!(masked <= scene.ear.when(launching).expect("it is launched"));
        let state = std::fs::read_to_string(folder.path().join("state.json")).expect("a file");
        assert!(!state.contains("a-token-to-register"));
    }
}

#[tokio::test(start_paused = true)]
async fn labels_of_a_machine_come_to_its_runner_however_that_is_registered() {
    for scene in [Scene::new(2, &["a"]), scene(2, 4 * SECOND)] {
        scene
            .cloud
            .set("a", |place| place.labels = vec!["gpu-0".into()]);
        let started = scene.start().await;
        assert_eq!(started.up.len(), 2, "{started:?}");
        for up in &started.up {
            assert_eq!(up.labels, [up.name.as_str(), "gpu-0"]);
        }
        for row in scene.hub.runners().await.expect("they are listed") {
            let labels: Vec<&str> = row.labels.iter().map(|label| label.name.as_str()).collect();
            assert_eq!(labels, [row.name.as_str(), "gpu-0"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_nobody_has_registered_yet_was_not_dropped() {
    // Longer than it takes to call a runner gone that was registered.
    let scene = scene(1, 60 * SECOND);
    scene.hub.state().online_after = Some(61 * SECOND);
    let started = scene.start().await;
    assert_eq!(started.up.len(), 1, "{started:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_gone_after_it_was_seen_was() {
    let scene = scene(1, 4 * SECOND);
    scene.hub.state().online_after = None;
    scene.hub.state().vanish_after = Some(8 * SECOND);
    let started = scene.start().await;
    assert!(first_trouble(&started).contains("dropped its registration"));
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn what_a_machine_registers_in_its_last_moment_is_removed() {
    for (enrols_after, what) in [
        (2 * SECOND, "before, and unseen"),
        (SECOND * 11 / 2, "while it is ended"),
    ] {
        for count in [1, 2] {
            let mut scene = scene(count, enrols_after);
            // Nobody looks before the interrupt.
            scene.plan.poll_interval = 20 * SECOND;
            scene.cloud.set("a", |place| place.terminate_takes = SECOND);
            let started = scene.start_until(sleep(5 * SECOND)).await;
            assert!(
                started.interrupted && started.left.is_empty(),
                "{what}: {started:?}"
            );
            scene.nothing_is_left();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_list_leaves_it_open() {
    let scene = scene(1, 2 * SECOND);
    scene.hub.state().listing_fails = true;
    let started = scene.start_until(sleep(5 * SECOND)).await;
    let [left] = started.left.as_slice() else {
        panic!("{started:?}");
    };
    assert!(
        chain(&left.why).contains("registration"),
        "{}",
        chain(&left.why)
    );
    assert_eq!(scene.cloud.machines().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_no_machine_is_nothing_is_looked_for() {
    let scene = scene(1, 2 * SECOND);
    scene.cloud.set("a", |place| place.capacity = 0);
    let started = scene.start().await;
    assert!(first_trouble(&started).contains("no provider could launch it"));
    assert!(started.left.is_empty());
    assert_eq!(scene.hub.asked("find"), [""; 0]);
}
