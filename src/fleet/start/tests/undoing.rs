//! How everything is given up.

use super::*;
use crate::fleet::doubles::Fault as HubFault;
use crate::model::Event;

/// What GitHub gives between its first signal and the second one, less a little.
const BOUND: Duration = Duration::from_secs(7);

#[tokio::test(start_paused = true)]
async fn an_interrupt_undoes_everything_within_seven_seconds() {
    for after in [0, 1, 5, 9] {
        let scene = Scene::new(16, &["a"]);
        scene.hub.state().latency = SECOND / 5;
        scene.cloud.set("a", |place| {
            place.launch_takes = 2 * SECOND;
            place.terminate_takes = 2 * SECOND;
        });
        let started = scene.start_until(sleep(after * SECOND)).await;
        assert!(scene.began.elapsed() < after * SECOND + BOUND);
        assert!(started.interrupted && started.up.is_empty() && started.failed.is_empty());
        assert!(started.left.is_empty(), "{after}: {:?}", started.left);
        scene.nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_while_a_launch_hangs_names_it() {
    let scene = Scene::new(2, &["a"]);
    scene.cloud.fault("a", Verb::Launch, Fault::Hang);
    let started = scene.start_until(sleep(SECOND)).await;
    assert!(scene.began.elapsed() < SECOND + BOUND);
    assert!(started.interrupted);
    let why: Vec<_> = started.left.iter().map(|left| chain(&left.why)).collect();
    assert_eq!(why, ["its machine may be starting"; 2]);
}

#[tokio::test(start_paused = true)]
async fn an_intent_tells_where_its_machine_may_come() {
    for places in [&["a"] as &[&str], &["b", "a"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut scene = Scene::new(1, places);
        scene.store = Store::at(folder.path().join("state.json"));
        scene.cloud.set("b", |place| place.capacity = 0);
        scene.cloud.fault("a", Verb::Launch, Fault::Hang);
        scene.start_until(sleep(SECOND)).await;
        let records = scene.store.read().await.expect("it is read");
        let record = records.values().next().expect("an intent");
        assert_eq!(
            (record.provider.as_str(), record.instance.as_ref()),
            ("a", None)
        );
        assert_eq!(record.at, ["a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_hangs_is_named() {
    let scene = Scene::new(3, &["a", "b"]);
    scene.cloud.set("a", |place| place.capacity = 2);
    scene.cloud.fault("b", Verb::Terminate, Fault::Hang);
    let started = scene.start_until(sleep(5 * SECOND)).await;
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert_eq!(
        chain(&left.why),
        "the removal of its machine is not confirmed yet"
    );
    let machine = left.instance.clone().expect("its machine");
    assert_eq!(machine.provider, "b");
    // It can be stopped by what the outputs hold.
    let mapping = Mapping(vec![(machine, left.name.clone())]);
    assert_eq!(scene.ear.mapping(), Some(mapping));
}

#[tokio::test(start_paused = true)]
async fn a_launch_under_way_at_the_interrupt_is_awaited_and_undone() {
    let scene = Scene::new(2, &["a"]);
    scene
        .cloud
        .set("a", |place| place.launch_takes = 3 * SECOND);
    let started = scene.start_until(sleep(SECOND)).await;
    assert!(started.left.is_empty(), "{:?}", started.left);
    assert_eq!(scene.cloud.asked(Verb::Terminate).len(), 2);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_slow_launch_is_found_and_undone_before_it_is_answered() {
    let scene = Scene::new(1, &["a"]);
    scene
        .cloud
        .set("a", |place| place.launch_takes = 60 * SECOND);
    let started = scene.start_until(sleep(SECOND)).await;
    assert!(scene.began.elapsed() < SECOND + BOUND);
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_created_after_an_interrupt() {
    let scene = Scene::new(4, &["a", "b"]);
    scene.hub.state().latency = 2 * SECOND;
    let started = scene.start_until(sleep(SECOND)).await;
    assert_eq!(scene.hub.asked("register").len(), 4);
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 0);
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_while_a_registration_hangs_names_it() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().register_faults = vec![HubFault::Hang];
    let started = scene.start_until(sleep(SECOND)).await;
    assert!(scene.began.elapsed() < SECOND + BOUND);
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert_eq!(
        chain(&left.why),
        "the removal of its registration is not confirmed yet"
    );
}

#[tokio::test(start_paused = true)]
async fn busy_at_undo_is_kept_and_named() {
    let scene = Scene::new(2, &["a"]);
    let interrupt = async {
        let (_, name) = scene.machine_of(0).await;
        sleep(5 * SECOND).await;
        scene.hub.state().busy.insert(name);
    };
    let started = scene.start_until(interrupt).await;
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert!(
        left.kept && chain(&left.why) == "it was assigned a job in the meantime",
        "{left:?}"
    );
    let reference = left.instance.as_ref().expect("its machine");
    assert_eq!(left.command, format!("gharun stop {reference}"));
    let there = (scene.cloud.machines().len(), scene.hub.names().len());
    assert_eq!(there, (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_ended_is_removed_though_github_calls_it_busy() {
    let scene = Scene::new(2, &["a"]);
    let interrupt = async {
        let (machine, name) = scene.machine_of(0).await;
        sleep(3 * SECOND).await;
        scene.hub.state().busy.insert(name);
        scene.cloud.end(&machine, "exit code 137");
    };
    let started = scene.start_until(interrupt).await;
    assert!(started.left.is_empty(), "{:?}", started.left);
    assert_eq!(scene.cloud.machines().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_ended_though_github_is_down() {
    let scene = Scene::new(2, &["a"]);
    let interrupt = async {
        sleep(5 * SECOND).await;
        scene.hub.state().silent = true;
    };
    let started = scene.start_until(interrupt).await;
    assert!(scene.began.elapsed() < 5 * SECOND + BOUND);
    assert_eq!(scene.cloud.machines().len(), 0);
    let why: Vec<_> = started.left.iter().map(|left| chain(&left.why)).collect();
    assert_eq!(
        why,
        ["the removal of its registration is not confirmed yet"; 2]
    );
    assert!(started.left.iter().all(|left| left.instance.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_place_that_fails_to_end_a_machine_is_asked_again() {
    let scene = Scene::new(2, &["a"]);
    scene.cloud.set("a", |place| place.capacity = 1);
    scene.fails("a", Verb::Terminate, ErrorKind::Unavailable);
    let healed = async {
        sleep(4 * SECOND).await;
        scene.cloud.heal("a");
    };
    let started = scene.start_while(healed).await;
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_cannot_be_ended_is_named() {
    let scene = Scene::new(2, &["a"]);
    scene.cloud.set("a", |place| place.capacity = 1);
    scene.fails("a", Verb::Terminate, ErrorKind::Denied);
    let started = scene.start().await;
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert!(
        chain(&left.why).starts_with("could not terminate"),
        "{left:?}"
    );
    assert!(left.instance.is_some() && !left.kept);
    assert_eq!(left.why.hints(), ["see to `a`"]);
    let json = serde_json::to_value(left).expect("plain values");
    assert_eq!(json["why"], chain(&left.why));
    assert_eq!(json["hints"], serde_json::json!(["see to `a`"]));
    assert_eq!(json["request_id"], "a-1");
}

#[tokio::test(start_paused = true)]
async fn an_undoing_that_hangs_does_not_keep_a_partial_start_for_ever() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.allow_partial = true;
    scene.cloud.fault("a", Verb::Terminate, Fault::Hang);
    let died = async {
        let (machine, _) = scene.machine_of(1).await;
        scene.cloud.end(&machine, "exit code 1");
    };
    let started = scene.start_while(died).await;
    assert_eq!((started.up.len(), started.left.len()), (1, 1));
    let why = "the removal of its machine is not confirmed yet: `a` did not answer in time";
    assert_eq!(chain(&started.left[0].why), why);
}

#[tokio::test(start_paused = true)]
async fn keep_failed_leaves_the_machine_and_says_how_to_get_in() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.keep_failed = true;
    let died = async {
        let (machine, _) = scene.machine_of(1).await;
        scene.cloud.end(&machine, "exit code 4");
    };
    let started = scene.start_while(died).await;
    assert_eq!((started.failed.len(), started.left.len()), (1, 1));
    let left = &started.left[0];
    assert!(left.kept && chain(&left.why) == "kept for inspection");
    let why = chain(&started.failed[0].trouble);
    assert!(why.starts_with("its machine ended"), "{why}");
    let id = &left.instance.as_ref().expect("its machine").id;
    assert_eq!(left.access, Some(format!("enter {id}")));
    assert_eq!(
        left.access_commands,
        [
            format!("enter {id}"),
            "read Ended(\"exit code 4\")".to_owned()
        ],
        "as it is now"
    );
    let kept = scene.cloud.machines();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].instance.id, *id);
}

#[tokio::test(start_paused = true)]
async fn what_is_proved_gone_is_not_kept_nor_is_what_its_place_does_not_keep() {
    for is_gone in [true, false] {
        let mut scene = Scene::new(1, &["a"]);
        scene.plan.keep_failed = true;
        scene.hub.state().online_after = None;
        scene.cloud.set("a", |place| place.keeps_nothing = !is_gone);
        let died = async {
            let (machine, _) = scene.machine_of(0).await;
            sleep(9 * SECOND).await;
            if is_gone {
                scene.cloud.vanish(&machine);
            } else {
                scene.cloud.end(&machine, "exit code 4");
            }
        };
        let started = scene.start_while(died).await;
        assert!(first_trouble(&started).starts_with("its machine ended"));
        assert!(started.left.is_empty(), "{:?}", started.left);
        assert_eq!(started.exit(), crate::model::Exit::Failed);
        scene.nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_runner_still_sweeps() {
    let scene = Scene::new(3, &["a"]);
    scene.hub.state().register_faults = vec![HubFault::Panic];
    let started = scene.start().await;
    assert_eq!(
        first_trouble(&started),
        "gharun itself failed: a flaw in gharun"
    );
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_watch_still_sweeps() {
    let scene = Scene::new(3, &["a"]);
    scene.hub.state().listing_panics = true;
    let started = scene.start().await;
    assert_eq!(
        first_trouble(&started),
        "gharun itself failed: a flaw in gharun"
    );
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn an_output_that_cannot_be_written_rolls_back() {
    for allow_partial in [false, true] {
        let mut scene = Scene::new(3, &["a"]);
        scene.plan.allow_partial = allow_partial;
        scene.ear.room_for_launches.set(Some(2));
        let started = scene.start().await;
        assert_eq!(
            first_trouble(&started),
            "could not write the outputs: the disk is full"
        );
        assert!(started.up.is_empty() && started.left.is_empty());
        scene.nothing_is_left();
    }
}

#[tokio::test]
async fn a_state_file_that_somebody_keeps_locked_does_not_keep_a_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(1, &["a"]);
    scene.store = Store::at(folder.path().join("state.json"));
    let locked = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (lock, path) = (locked.clone(), folder.path().join("state.json.lock"));
    scene.cloud.on_launch(move |_| {
        let file = std::fs::File::create(&path).unwrap();
        file.lock().unwrap();
        *lock.lock().unwrap() = Some(file);
    });
    let interrupt = async {
        scene.machine_of(0).await;
    };
    let unlocked = async {
        let end = Instant::now() + 20 * SECOND;
        let ended = || scene.ear.when(|e| matches!(e, Event::Terminated { .. }));
        while Instant::now() < end && ended().is_none() {
            sleep(SECOND / 100).await;
        }
        let ended = ended();
        drop(locked.lock().unwrap().take());
        ended
    };
    let (started, ended) = tokio::join!(scene.start_until(interrupt), unlocked);
    assert!(ended.is_some(), "it was ended while the file was locked");
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_registration_is_deleted_before_its_machine_is_ended() {
    let scene = Scene::new(1, &["a"]);
    scene.start_until(sleep(5 * SECOND)).await;
    let events = scene.ear.events();
    let at = |is: fn(&Event) -> bool| events.iter().position(is).expect("it was told");
    let deleted = at(|event| matches!(event, Event::Deregistered { .. }));
    assert!(deleted < at(|event| matches!(event, Event::Terminating { .. })));
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn intents_that_get_on_disk_after_a_signal_are_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::new(3, &["a"]);
    scene.store = Store::at(folder.path().join("state.json"));
    let started = scene.start_until(std::future::ready(())).await;
    assert!(started.interrupted);
    let records = scene.store.read().await.expect("it is read");
    assert!(records.is_empty(), "{records:?}");
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_could_not_be_removed_in_time_is_noted_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::new(1, &["a"]);
    scene.store = Store::at(folder.path().join("state.json"));
    let silence = async {
        sleep(5 * SECOND).await;
        scene.hub.state().silent = true;
    };
    let interrupted = scene.start_until(sleep(6 * SECOND));
    let (started, ()) = tokio::join!(interrupted, silence);
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left)
    };
    assert!(left.registration_only, "{left:?}");
    let records = scene.store.read().await.expect("it is read");
    assert!(records.values().all(|one| one.machineless), "{records:?}");
}

#[tokio::test(start_paused = true)]
async fn names_tell_how_long_a_start_may_be_undoing_where_its_place_is_the_slowest() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().online_after = None;
    scene.cloud.set("a", |place| {
        place.shows_within = Some(crate::providers::SHOWS_AT_MOST);
    });
    scene.cloud.fault("a", Verb::Terminate, Fault::Hang);
    let started = scene.start().await;
    assert_eq!(started.left.len(), 1, "{started:?}");
    let now = jiff::Timestamp::now();
    let at_most = scene.plan.ready_by(now).duration_since(now).unsigned_abs();
    let took = scene.began.elapsed();
    assert!(took <= at_most + 10 * SECOND, "{took:?} {at_most:?}");
}
