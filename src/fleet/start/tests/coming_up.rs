//! How runners come up, or do not.

use super::*;

#[tokio::test(start_paused = true)]
async fn sixteen_runners_come_up_at_once() {
    let scene = Scene::new(16, &["a"]);
    scene.hub.state().latency = SECOND / 20;
    scene
        .cloud
        .set("a", |place| place.launch_takes = 3 * SECOND);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (16, 0));
    let took = scene.began.elapsed();
    assert!(took < 13 * SECOND, "{took:?}");
    assert!(started.left.is_empty() && !started.interrupted);
    for (index, up) in started.up.iter().enumerate() {
        let prefix = format!("gharun-7-1-{index}-");
        assert!(up.name.as_str().starts_with(&prefix), "{}", up.name);
        assert_eq!(up.labels, [up.name.as_str()]);
        assert!(up.launched_after >= 3 * SECOND && up.online_after >= 10 * SECOND);
    }
    assert_eq!(scene.ear.mapping().map_or(0, |mapping| mapping.0.len()), 16);
}

#[tokio::test(start_paused = true)]
async fn one_failure_leaves_nothing_behind() {
    let scene = Scene::new(3, &["a"]);
    scene.cloud.set("a", |place| place.capacity = 2);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (0, 1));
    assert!(started.left.is_empty(), "{:?}", started.left);
    let trouble = first_trouble(&started);
    let words = "no provider could launch it: `a`: could not launch";
    assert!(trouble.starts_with(words), "{trouble}");
    scene.nothing_is_left();
    assert_eq!(scene.ear.mapping(), Some(Mapping::default()));
}

#[tokio::test(start_paused = true)]
async fn what_each_provider_without_room_advises_is_told() {
    let scene = Scene::new(1, &["a", "b"]);
    for place in ["a", "b"] {
        scene.cloud.set(place, |place| place.capacity = 0);
    }
    let started = scene.start().await;
    let error = started.failed[0].trouble.error();
    assert_eq!(error.hints(), ["see to `a`", "see to `b`"]);
    assert_eq!(error.request_id(), Some("a-1"));
    let told = chain(&error);
    assert_eq!(told, chain(&started.failed[0].trouble));
    assert!(told.contains("`b`: could not launch"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn partial_success_is_kept_when_allowed() {
    let mut scene = Scene::new(3, &["a"]);
    scene.plan.allow_partial = true;
    let died = async {
        let (machine, _) = scene.machine_of(1).await;
        sleep(SECOND).await;
        scene.cloud.end(&machine, "exit code 4");
    };
    let started = scene.start_while(died).await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 1));
    let there = (scene.cloud.machines().len(), scene.hub.names().len());
    assert_eq!(there, (2, 2));
    let up: Vec<_> = started.up.iter().map(|up| up.name.clone()).collect();
    let told = scene.ear.mapping().expect("a mapping");
    let told: Vec<_> = told.0.into_iter().map(|(_, name)| name).collect();
    assert_eq!(told, up, "nobody waits for a label that does not come");
}

#[tokio::test(start_paused = true)]
async fn no_room_moves_on_to_the_next_provider() {
    let scene = Scene::new(3, &["a", "b"]);
    scene.cloud.set("a", |place| place.capacity = 1);
    let started = scene.start().await;
    let mut at: Vec<_> = started
        .up
        .iter()
        .map(|up| up.instance.provider.as_str())
        .collect();
    at.sort_unstable();
    assert_eq!(at, ["a", "b", "b"]);
    let registered = scene.hub.asked("register").len();
    assert_eq!(registered, 3, "a registration serves on");
}

#[tokio::test(start_paused = true)]
async fn denied_does_not_move_on() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.fails("a", Verb::Launch, ErrorKind::Denied);
    let started = scene.start().await;
    let trouble = first_trouble(&started);
    let words = "`a` did not launch it: could not launch";
    assert!(trouble.starts_with(words), "{trouble}");
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 1);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_wants_time_is_asked_again() {
    let scene = Scene::new(1, &["a"]);
    scene.fails("a", Verb::Launch, ErrorKind::RateLimited);
    let healed = async {
        sleep(5 * SECOND).await;
        scene.cloud.heal("a");
    };
    assert_eq!(scene.start_while(healed).await.up.len(), 1);
    assert_eq!(scene.hub.asked("register").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_early_death_is_reported_before_the_timeout_with_the_end_of_the_log() {
    let scene = Scene::new(2, &["a"]);
    let died = async {
        let (machine, _) = scene.machine_of(1).await;
        scene.cloud.say(&machine, "no space for the runner\n");
        scene.cloud.end(&machine, "exit code 4");
    };
    let started = scene.start_while(died).await;
    let took = scene.began.elapsed();
    assert!(took < 10 * SECOND, "{took:?}");
    assert_eq!(
        first_trouble(&started),
        "its machine ended before the runner was online: exit code 4"
    );
    let log = scene
        .ear
        .events()
        .into_iter()
        .find_map(|event| match event {
            Event::Failed { log, .. } => log,
            _ => None,
        });
    assert!(log.expect("a log").contains("no space for the runner"));
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_gone_is_dead() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().online_after = None;
    let gone = async {
        let (machine, _) = scene.machine_of(0).await;
        sleep(9 * SECOND).await;
        scene.cloud.vanish(&machine);
    };
    let started = scene.start_while(gone).await;
    assert!(scene.began.elapsed() < 30 * SECOND);
    let trouble = first_trouble(&started);
    assert!(
        trouble.ends_with("its provider no longer lists it"),
        "{trouble}"
    );
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_lags_is_no_death() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().online_after = Some(40 * SECOND);
    scene
        .cloud
        .set("a", |place| place.listing_lags = 17 * SECOND);
    assert_eq!(scene.start().await.up.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listing_may_lag_as_long_as_its_place_says() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().online_after = Some(40 * SECOND);
    scene.cloud.set("a", |place| {
        place.shows_within = Some(120 * SECOND);
        place.listing_lags = 37 * SECOND;
    });
    assert_eq!(scene.start().await.up.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_is_unknown_not_absent() {
    let scene = Scene::new(2, &["a"]);
    scene.fails("a", Verb::List, ErrorKind::Unavailable);
    scene.hub.state().listing_fails = true;
    let healed = async {
        sleep(90 * SECOND).await;
        scene.hub.state().listing_fails = false;
    };
    let started = scene.start_while(healed).await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
    let events = scene.ear.events();
    let warnings = events.iter().filter(|e| matches!(e, Event::Warning(_)));
    assert_eq!(warnings.count(), 2, "each source is named once");
}

#[tokio::test(start_paused = true)]
async fn a_place_that_hangs_does_not_hide_what_github_says() {
    let scene = Scene::new(2, &["a"]);
    scene.cloud.fault("a", Verb::List, Fault::Hang);
    assert_eq!(scene.start().await.up.len(), 2);
    assert!(scene.began.elapsed() < 13 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_github_that_hangs_does_not_hide_a_death() {
    let scene = Scene::new(2, &["a"]);
    let died = async {
        let (machine, _) = scene.machine_of(1).await;
        scene.hub.state().silent = true;
        scene.cloud.end(&machine, "exit code 4");
    };
    scene.start_while(died).await;
    let failed = scene
        .ear
        .when(|event| matches!(event, Event::Failed { .. }));
    assert!(failed.expect("it failed") - scene.began < 10 * SECOND);
    assert_eq!(scene.cloud.machines().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_launch_answer_is_adopted() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.cloud.fault("a", Verb::Launch, Fault::AnswerLost);
    scene
        .cloud
        .set("a", |place| place.listing_lags = 7 * SECOND);
    assert_eq!(scene.start().await.up.len(), 1);
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 1);
    assert_eq!(scene.cloud.machines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_launch_that_is_proved_absent_is_asked_for_again() {
    let scene = Scene::new(3, &["a"]);
    let lost = Fault::Error(ErrorKind::Ambiguous);
    scene.cloud.once("a", Verb::Launch, lost);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (3, 0));
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 4);
    assert_eq!(scene.cloud.machines().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn launches_that_are_always_lost_end_with_the_time_limit() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.timeout = 120 * SECOND;
    scene.fails("a", Verb::Launch, ErrorKind::Ambiguous);
    let started = scene.start().await;
    let asked = scene.cloud.asked(Verb::Launch).len();
    assert!((3..8).contains(&asked), "{asked}");
    assert_eq!((started.failed.len(), started.left.len()), (1, 0));
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn the_next_provider_is_not_tried_before_absence_is_proved() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.fails("a", Verb::Launch, ErrorKind::Ambiguous);
    assert_eq!(scene.start().await.up.len(), 1);
    let calls = scene.cloud.calls();
    let launch = calls
        .iter()
        .position(|call| call.place == "b" && call.verb == Verb::Launch)
        .expect("the next one is tried");
    assert!(calls[launch].at - scene.began >= 20 * SECOND);
    assert_eq!(calls[launch - 1].place, "a");
    assert_eq!(calls[launch - 1].verb, Verb::List);
}

#[tokio::test(start_paused = true)]
async fn a_lost_launch_that_cannot_be_told_is_named_and_not_repeated() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.cloud.fault("a", Verb::Launch, Fault::AnswerLost);
    scene.fails("a", Verb::List, ErrorKind::Unavailable);
    let started = scene.start().await;
    let words = "no answer from `a`: the machine may have been launched: could not";
    let trouble = first_trouble(&started);
    assert!(trouble.starts_with(words), "{trouble}");
    let [left] = started.left.as_slice() else {
        panic!("{:?}", started.left);
    };
    assert!(
        chain(&left.why).starts_with(words) && !left.kept,
        "{left:?}"
    );
    assert_eq!(left.command, format!("gharun stop {}", left.name));
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_launch_that_hangs_does_not_outlast_the_time_limit_unnoticed() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.cloud.fault("a", Verb::Launch, Fault::Hang);
    let started = scene.start().await;
    assert!(scene.began.elapsed() < 60 * SECOND + UNDOING);
    assert!(!started.failed.is_empty());
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_never_comes_online_ends_with_the_time_limit() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().online_after = None;
    let started = scene.start().await;
    assert_eq!(
        first_trouble(&started),
        "it did not come online within the time limit (its machine reached the phase `run`)"
    );
    assert!(scene.began.elapsed() <= 62 * SECOND);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_did_its_job_between_two_looks_is_no_failure() {
    let scene = Scene::new(2, &["a"]);
    let done = async {
        let (machine, name) = scene.machine_of(0).await;
        sleep(5 * SECOND).await;
        scene.cloud.say(
            &machine,
            "gharun: phase=job t=1795507200\ngharun: phase=end t=1795507201 code=0\n",
        );
        scene.cloud.end(&machine, "exit code 0");
        scene.hub.drop_runner(&name);
    };
    let started = scene.start_while(done).await;
    assert_eq!((started.up.len(), started.failed.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_mapping_is_told_after_each_launch_and_before_waiting() {
    let scene = Scene::new(2, &["a"]);
    assert_eq!(scene.start().await.up.len(), 2);
    let launched = scene
        .ear
        .when(|event| matches!(event, Event::Launched { .. }));
    let online = scene
        .ear
        .when(|event| matches!(event, Event::Online { .. }));
    let between = online.expect("online") - launched.expect("launched");
    assert!(between >= 10 * SECOND);
    let events = scene.ear.events();
    let sizes = events.iter().filter_map(|event| match event {
        Event::Launched { mapping, .. } => Some(mapping.0.len()),
        _ => None,
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_told_before_it_is_used() {
    let scene = Scene::new(1, &["a"]);
    assert_eq!(scene.start().await.up.len(), 1);
    let events = scene.ear.events();
    let at = |is: fn(&Event) -> bool| events.iter().position(is).expect("it was told");
    let told = at(|event| matches!(event, Event::Secret(_)));
    assert!(told < at(|event| matches!(event, Event::Launching { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_boots_within_seconds_is_seen_soon_after_it_is_online() {
    for (boots, at_most) in [(3, 500), (5, 700), (8, 1000), (60, 2000)] {
        let scene = Scene::new(1, &["a"]);
        scene.hub.state().online_after = Some(boots * SECOND);
        let started = scene.start().await;
        let late = started.up[0].online_after.saturating_sub(boots * SECOND);
        assert!(late.as_millis() <= at_most, "{boots}: {late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_tells_where_it_launches_while_github_registers() {
    let scene = Scene::new(3, &["a"]);
    scene.hub.state().latency = SECOND;
    scene.cloud.set("a", |place| place.places_take = SECOND);
    let started = scene.start().await;
    assert_eq!(started.up.len(), 3);
    for up in &started.up {
        assert!(up.launched_after < 2 * SECOND, "{:?}", up.launched_after);
    }
}

#[tokio::test(start_paused = true)]
async fn a_minutes_wait_costs_few_requests() {
    let scene = Scene::new(16, &["a"]);
    scene.hub.state().online_after = Some(60 * SECOND);
    assert_eq!(scene.start().await.up.len(), 16);
    let requests = scene.hub.state().requests.len();
    assert!(requests <= 16 + 40, "{requests}");
}

#[tokio::test]
async fn the_intent_is_on_disk_before_any_creation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let mut scene = Scene::new(3, &["a"]);
    scene.plan.poll_interval = Duration::from_millis(10);
    scene.hub.state().online_after = Some(Duration::ZERO);
    scene.store = Store::at(&path);
    let on_disk = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&on_disk);
    scene.cloud.on_launch(move |machine| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let intent = text.contains(machine.tags.name.as_str());
        seen.lock().unwrap().push(intent);
    });
    let started = scene.start().await;
    assert_eq!(*on_disk.lock().unwrap(), [true; 3]);
    let entries = scene.store.read().await.unwrap();
    assert_eq!((entries.len(), started.up.len()), (3, 3));
    for up in &started.up {
        let entry = &entries[&up.name];
        assert_eq!(entry.instance.as_ref(), Some(&up.instance));
        assert_eq!(entry.runner_id, up.runner_id);
    }
}

#[tokio::test]
async fn what_is_undone_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(3, &["a"]);
    scene.store = Store::at(folder.path().join("state.json"));
    scene.cloud.set("a", |place| place.capacity = 1);
    assert_eq!(scene.start().await.up.len(), 0);
    assert_eq!(scene.store.read().await.unwrap().len(), 0);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_start_that_github_kept_from_seeing_its_runners_names_what_github_said() {
    for fails in [true, false] {
        let mut scene = Scene::new(1, &["a"]);
        scene.plan.timeout = 60 * SECOND;
        scene.hub.state().online_after = None;
        // What failed only for a while is not the reason.
        scene.hub.state().listing_fails = true;
        let heals = async {
            sleep(20 * SECOND).await;
            scene.hub.state().listing_fails = fails;
        };
        let started = scene.start_while(heals).await;
        let trouble = first_trouble(&started);
        let expected = if fails {
            "could not tell within the time limit whether it came online (its machine reached the phase \
             `run`): could not list"
        } else {
            "it did not come online within the time limit (its machine reached the phase `run`)"
        };
        assert_eq!(trouble, expected);
        assert_eq!(chain(&started.failed[0].trouble.error()), expected);
        let hints = started.failed[0].trouble.hints();
        let of_github = hints
            .iter()
            .any(|hint| hint.contains("https://www.githubstatus.com"));
        let of_time = hints.iter().any(|hint| hint.contains("--timeout 15m"));
        assert_eq!((of_github, of_time), (fails, !fails), "{hints:?}");
        assert!(hints.len() == if fails { 1 } else { 2 }, "{hints:?}");
        scene.nothing_is_left();
    }
}
