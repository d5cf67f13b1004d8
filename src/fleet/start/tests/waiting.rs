//! Waiting for room at a place that keeps a queue.

use super::*;

/// A place that is full, and where it is worth waiting; and one beside it that has room.
fn full(worth_waiting: Duration) -> Scene {
    let scene = Scene::new(1, &["a", "b"]);
    scene.cloud.set("a", |place| {
        place.capacity = 0;
        place.worth_waiting = worth_waiting;
    });
    scene
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_gets_another_name_while_it_waits_keeps_its_turn() {
    let scene = full(600 * SECOND);
    let room = async {
        sleep(200 * SECOND).await;
        assert_eq!(scene.cloud.queue("a").len(), 1);
        scene.cloud.set("a", |place| place.capacity = 1);
    };
    assert_eq!(scene.start_while(room).await.up.len(), 1);
    let mut names = scene.cloud.asked(Verb::Launch);
    names.dedup();
    assert!(names.len() > 1, "its registration grew old: {names:?}");
    let machine = &scene.cloud.machines()[0];
    assert_eq!(machine.instance.id.location.as_deref(), Some("a"));
    assert_eq!(scene.cloud.queue("a"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_long_enough_leaves_the_queue_before_it_goes_to_the_next_place() {
    let scene = full(30 * SECOND);
    let cloud = scene.cloud.clone();
    scene.cloud.on_launch(move |machine| {
        assert_eq!(machine.id.location.as_deref(), Some("b"));
    });
    assert_eq!(scene.start().await.up.len(), 1);
    assert_eq!(cloud.queue("a"), [""; 0]);
    assert!(scene.began.elapsed() >= 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_is_interrupted_or_out_of_time_leaves_the_queue() {
    let scene = full(600 * SECOND);
    let interrupt = async {
        sleep(20 * SECOND).await;
        assert_eq!(scene.cloud.queue("a").len(), 1);
    };
    assert!(scene.start_until(interrupt).await.interrupted);
    assert_eq!(scene.cloud.queue("a"), [""; 0]);
    scene.nothing_is_left();

    let mut scene = full(600 * SECOND);
    // Or it goes there with the time that is left, which may be enough.
    scene.cloud.set("b", |place| place.capacity = 0);
    scene.plan.timeout = 60 * SECOND;
    assert_eq!(scene.start().await.up.len(), 0);
    assert_eq!(scene.cloud.queue("a"), [""; 0]);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_not_there_for_a_moment_is_waited_for_all_the_same() {
    let scene = full(600 * SECOND);
    let room = async {
        sleep(100 * SECOND).await;
        scene.fails("a", Verb::Launch, ErrorKind::Unavailable);
        sleep(16 * SECOND).await;
        scene.cloud.heal("a");
        sleep(30 * SECOND).await;
        scene.cloud.set("a", |place| place.capacity = 1);
    };
    assert_eq!(scene.start_while(room).await.up.len(), 1);
    let machine = &scene.cloud.machines()[0];
    assert_eq!(machine.instance.id.location.as_deref(), Some("a"));
}
