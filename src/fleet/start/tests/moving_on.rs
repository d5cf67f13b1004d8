//! Orders that were accepted, and find no room afterwards.

use super::*;
use crate::model::{Condition, Event};

/// A place that takes orders and gives up on them before their runners are online.
fn hopeless(scene: &Scene, place: &str) {
    scene.cloud.set(place, |place| {
        place.boot_takes = 600 * SECOND;
        place.gives_up = Some(6 * SECOND);
    });
}

#[tokio::test(start_paused = true)]
async fn an_order_that_finds_no_room_is_ended_first_and_goes_to_the_next_provider() {
    let scene = Scene::new(2, &["a", "b"]);
    hopeless(&scene, "a");
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
    assert!(started.left.is_empty(), "{:?}", started.left);
    let machines = scene.cloud.machines();
    assert_eq!(machines.len(), 2, "one machine each");
    for machine in &machines {
        assert_eq!(machine.instance.id.location.as_deref(), Some("b"));
        assert_ne!(machine.instance.state, Condition::Ended(String::new()));
    }
    let mut names = scene.hub.names();
    let mut there: Vec<_> = machines
        .iter()
        .map(|machine| machine.instance.tags.name.to_string())
        .collect();
    names.sort();
    there.sort();
    assert_eq!(names, there, "one registration each, and no other");
    let mapping = scene.ear.mapping().expect("a mapping");
    assert_eq!(mapping.0.len(), 2, "{mapping:?}");
    // For each runner: ended at `a`, looked for there, and only then launched at `b`.
    for index in 0..2 {
        let prefix = format!("gharun-7-1-{index}-");
        let calls = scene.cloud.calls();
        let at = |place: &str, verb: Verb| {
            calls
                .iter()
                .position(|call| {
                    call.place == place && call.verb == verb && call.about.starts_with(&prefix)
                })
                .unwrap_or_else(|| panic!("{verb:?} at {place}"))
        };
        let (ended, launched) = (at("a", Verb::Terminate), at("b", Verb::Launch));
        assert!(ended < launched);
        let proof = calls[ended..launched]
            .iter()
            .any(|call| call.place == "a" && call.verb == Verb::List);
        assert!(proof, "it was proved gone");
    }
    let told = scene.ear.events();
    let moved = told
        .iter()
        .filter(|event| matches!(event, Event::NoCapacity { provider, .. } if provider == "a"));
    assert!(moved.count() >= 2, "it is told: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_finds_no_room_anywhere_leaves_nothing() {
    let scene = Scene::new(1, &["a", "b"]);
    hopeless(&scene, "a");
    hopeless(&scene, "b");
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (0, 1));
    let trouble = first_trouble(&started);
    assert!(
        trouble.starts_with("no provider could launch it: `a`: "),
        "{trouble}"
    );
    scene.nothing_is_left();
    assert!(
        scene
            .ear
            .mapping()
            .is_none_or(|mapping| mapping.0.is_empty())
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_cannot_be_proved_gone_is_not_replaced() {
    let scene = Scene::new(1, &["a", "b"]);
    hopeless(&scene, "a");
    let blind = async {
        scene.machine_of(0).await;
        while scene.cloud.asked(Verb::Terminate).is_empty() {
            sleep(SECOND / 10).await;
        }
        scene.fails("a", Verb::List, ErrorKind::Unavailable);
    };
    scene.cloud.set("a", |place| place.terminate_takes = SECOND);
    let started = scene.start_while(blind).await;
    assert_eq!((started.up.len(), started.failed.len()), (0, 1));
    let launched: Vec<_> = scene
        .cloud
        .calls()
        .into_iter()
        .filter(|call| call.verb == Verb::Launch && call.place == "b")
        .collect();
    assert_eq!(launched, [], "nobody knows whether the first one is gone");
    assert_eq!(started.left.len(), 1, "{:?}", started.left);
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_runner_got_a_job_meanwhile_stays() {
    let scene = Scene::new(1, &["a", "b"]);
    hopeless(&scene, "a");
    scene.hub.state().online_after = Some(30 * SECOND);
    // GitHub's list does not say so before the registration is to be deleted.
    let works = async {
        let (_, name) = scene.machine_of(0).await;
        scene.hub.state().listing_fails = true;
        scene.hub.state().busy.insert(name);
        while scene.hub.asked("deregister").is_empty() {
            sleep(SECOND / 10).await;
        }
        scene.hub.state().listing_fails = false;
    };
    let started = scene.start_while(works).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(!scene.hub.asked("deregister").is_empty(), "it was to go");
    assert_eq!(scene.cloud.asked(Verb::Terminate), [""; 0]);
    let machines = scene.cloud.machines();
    assert_eq!(machines[0].instance.id.location.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_could_not_be_removed_keeps_nobody_from_moving_on() {
    let scene = Scene::new(1, &["a", "b"]);
    hopeless(&scene, "a");
    let silent = async {
        scene.machine_of(0).await;
        scene.hub.state().silent = true;
        while scene.hub.asked("deregister").len() < 2 {
            sleep(SECOND / 10).await;
        }
        scene.hub.state().silent = false;
    };
    let started = scene.start_while(silent).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(started.left.is_empty(), "{:?}", started.left);
    let machines = scene.cloud.machines();
    assert_eq!(machines.len(), 1, "the first one is gone");
    assert_eq!(machines[0].instance.id.location.as_deref(), Some("b"));
    assert_eq!(scene.hub.names(), [started.up[0].name.as_str()]);
}

/// A place whose machines never start, for a reason that is not room.
fn doomed(scene: &Scene, place: &str) {
    hopeless(scene, place);
    scene
        .cloud
        .set(place, |place| place.gives_up_as = ErrorKind::Config);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_will_never_start_is_ended_and_the_next_provider_is_asked() {
    let scene = Scene::new(2, &["a", "b"]);
    doomed(&scene, "a");
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
    assert!(started.left.is_empty(), "{:?}", started.left);
    for machine in scene.cloud.machines() {
        assert_eq!(machine.instance.id.location.as_deref(), Some("b"));
    }
    let launched = scene.cloud.calls().into_iter();
    let at_a = launched.filter(|call| call.verb == Verb::Launch && call.place == "a");
    assert_eq!(at_a.count(), 2, "the same order does no better there");
    let told = scene.ear.events();
    assert!(
        !told
            .iter()
            .any(|event| matches!(event, Event::NoCapacity { .. })),
        "capacity is not what it lacks: {told:?}"
    );
    let warned = told.iter().any(|event| {
        matches!(event, Event::Warning(why) if chain(why).starts_with("`a` cannot start a machine"))
    });
    assert!(warned, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn where_no_provider_is_left_the_start_fails_with_what_the_place_said() {
    let scene = Scene::new(1, &["a"]);
    doomed(&scene, "a");
    let started = scene.start().await;
    assert!(scene.began.elapsed() < 60 * SECOND, "at once");
    let trouble = &started.failed[0].trouble;
    let told = chain(trouble);
    assert!(
        told.starts_with("`a` cannot start its machine: could not launch"),
        "{told}"
    );
    let error = trouble.error();
    assert_eq!(chain(&error), told);
    assert_eq!(error.hints(), ["see to `a`"]);
    assert_eq!(error.key(), Some("image"));
    let launched = scene.cloud.asked(Verb::Launch);
    assert_eq!(launched.len(), 1);
    let told = scene.ear.events().into_iter();
    let renamed = told.filter(|event| matches!(event, Event::Renamed { .. }));
    assert_eq!(renamed.count(), 0, "nothing more is tried");
    assert_eq!(
        scene.hub.asked("register"),
        [started.failed[0].name.as_str()]
    );
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_slow_to_tell_holds_up_neither_a_signal_nor_the_time_limit_nor_a_runner() {
    let slow = |scene: &Scene| {
        doomed(scene, "a");
        scene
            .cloud
            .set("a", |place| place.doom_takes = 600 * SECOND);
    };
    let scene = Scene::new(1, &["a"]);
    slow(&scene);
    scene.hub.state().online_after = None;
    let started = scene.start_until(sleep(20 * SECOND)).await;
    assert!(started.interrupted, "{started:?}");
    assert!(scene.began.elapsed() < 24 * SECOND);
    scene.nothing_is_left();
    let mut scene = Scene::new(1, &["a"]);
    slow(&scene);
    scene.plan.timeout = 30 * SECOND;
    scene.hub.state().online_after = None;
    let started = scene.start().await;
    assert!(first_trouble(&started).contains("within the time limit"));
    assert!(scene.began.elapsed() < 36 * SECOND);
    let scene = Scene::new(1, &["a"]);
    slow(&scene);
    assert_eq!(scene.start().await.up.len(), 1);
    assert!(scene.began.elapsed() < 15 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_wants_to_be_paid_is_warned_of_and_the_next_one_is_asked() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.fails("a", Verb::Launch, ErrorKind::PaymentRequired);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    let machines = scene.cloud.machines();
    assert_eq!(machines[0].instance.id.location.as_deref(), Some("b"));
    let told = scene.ear.events();
    let warned = told.iter().any(|event| {
        matches!(event, Event::Warning(why) if chain(why).starts_with("`a` did not launch"))
    });
    assert!(warned, "{told:?}");

    // Where no other one is named, it is the failure.
    let scene = Scene::new(1, &["a"]);
    scene.fails("a", Verb::Launch, ErrorKind::PaymentRequired);
    let started = scene.start().await;
    let trouble = first_trouble(&started);
    assert!(trouble.starts_with("`a` did not launch it"), "{trouble}");
    let told = scene.ear.events();
    assert!(
        !told.iter().any(|event| matches!(event, Event::Warning(_))),
        "{told:?}"
    );
}

/// A place that tells `told` after a launch that the machine costs too much. Runners are online after 10 s.
fn dear(place: &str, told: Duration) -> Scene {
    let scene = Scene::new(1, &["a", "b"]);
    scene.cloud.set(place, |place| place.dear_from = Some(told));
    scene
}

/// The warnings of a scene that say something, with their hints.
fn warnings(scene: &Scene, what: &str) -> Vec<String> {
    let told = |event| match event {
        Event::Warning(why) => Some(format!("{}: {}", chain(&why), why.hints().join("; "))),
        _ => None,
    };
    let told = scene.ear.events().into_iter().filter_map(told);
    told.filter(|told| told.contains(what)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_runner_whose_price_is_told_too_high_once_it_is_online_is_ended_and_goes_elsewhere() {
    let scene = dear("a", 18 * SECOND);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(started.left.is_empty(), "{:?}", started.left);
    let machines = scene.cloud.machines();
    assert_eq!(machines.len(), 1, "the dear one is gone");
    assert_eq!(machines[0].instance.id.location.as_deref(), Some("b"));
    assert_eq!(scene.hub.names(), [machines[0].instance.tags.name.as_str()]);
    let told = warnings(&scene, "$9 an hour");
    assert_eq!(told.len(), 1, "{:?}", scene.ear.events());
}

#[tokio::test(start_paused = true)]
async fn a_runner_with_a_job_stays_whatever_it_costs_and_the_user_is_told_how_to_end_it() {
    for (told, said) in [(5, "$9 an hour"), (600, "could not compare the price")] {
        let scene = dear("a", told * SECOND);
        let works = async {
            let (_, name) = scene.machine_of(0).await;
            sleep(6 * SECOND).await;
            scene.hub.state().busy.insert(name);
        };
        let started = scene.start_while(works).await;
        assert_eq!((started.up.len(), started.failed.len()), (1, 0));
        let machines = scene.cloud.machines();
        assert_eq!(machines.len(), 1);
        assert_eq!(machines[0].instance.id.location.as_deref(), Some("a"));
        assert!(scene.cloud.asked(Verb::Terminate).is_empty());
        let told = warnings(&scene, said);
        assert_eq!(told.len(), 1, "{:?}", scene.ear.events());
        let reference = format!("a:{}", machines[0].instance.id);
        assert!(
            told[0].contains(&format!("`gharun stop {reference}`")),
            "{told:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_gets_a_job_while_its_dear_machine_is_to_be_ended_stays() {
    let scene = dear("a", 18 * SECOND);
    // Its place tells so wherever it is asked.
    scene.cloud.set("a", |place| {
        place.boot_takes = 600 * SECOND;
        place.gives_up = Some(18 * SECOND);
    });
    let works = async {
        let (_, name) = scene.machine_of(0).await;
        sleep(15 * SECOND).await;
        // GitHub's list does not say so before the registration is to be deleted.
        scene.hub.state().listing_fails = true;
        scene.hub.state().busy.insert(name);
        while scene.hub.asked("deregister").is_empty() {
            sleep(SECOND / 10).await;
        }
        sleep(10 * SECOND).await;
        scene.hub.state().listing_fails = false;
    };
    let started = scene.start_while(works).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(scene.cloud.asked(Verb::Terminate).is_empty());
    assert_eq!(scene.hub.asked("deregister").len(), 1, "nobody tries again");
    let told = warnings(&scene, "is kept because it has a job");
    assert_eq!(told.len(), 1, "{:?}", scene.ear.events());
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_a_price_that_is_not_told_for_no_long_time() {
    let scene = dear("a", 3600 * SECOND);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 0));
    assert!(started.up[0].online_after < 60 * SECOND);
    assert!(scene.cloud.asked(Verb::Terminate).is_empty());
    let told = warnings(&scene, "`max_price`");
    assert_eq!(told.len(), 1, "{:?}", scene.ear.events());
}
