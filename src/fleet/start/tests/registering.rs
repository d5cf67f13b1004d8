//! How runners are registered, and what comes of registrations that are lost, refused or dropped.

use super::*;
use crate::fleet::doubles::Fault as HubFault;

#[tokio::test(start_paused = true)]
async fn a_registration_that_hangs_ends_with_the_time_limit() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().register_faults = vec![HubFault::Hang];
    let started = scene.start().await;
    let trouble = first_trouble(&started);
    assert!(trouble.contains("timed out registering"), "{trouble}");
    assert!(scene.began.elapsed() < 60 * SECOND + UNDOING);
    assert!(started.left.is_empty(), "{:?}", started.left);
}

#[tokio::test(start_paused = true)]
async fn a_lost_registration_is_removed_and_another_name_taken() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().register_faults = vec![
        HubFault::AnswerLost(15 * SECOND),
        HubFault::AnswerLost(Duration::ZERO),
    ];
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.left.len()), (1, 0));
    // Each lost name is asked for once more, and is taken.
    assert_eq!(scene.hub.asked("register").len(), 5);
    assert_eq!(scene.hub.names(), [started.up[0].name.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn a_github_that_fails_for_a_while_is_asked_for_the_same_name_with_pauses() {
    let scene = Scene::new(1, &["a"]);
    let fails = HubFault::Error(github::ErrorKind::Ambiguous);
    scene.hub.state().register_faults = vec![fails; 8];
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.left.len()), (1, 0));
    let asked = scene.hub.asked("register");
    assert_eq!(asked, [started.up[0].name.as_str(); 9]);
    assert!(scene.began.elapsed() > 20 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn registrations_that_were_all_lost_are_removed_though_they_turn_up_late() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().register_faults = vec![HubFault::AnswerLost(9 * SECOND); 100];
    let started = scene.start().await;
    let trouble = first_trouble(&started);
    let words = "GitHub did not register it: could not register";
    assert!(trouble.starts_with(words), "{trouble}");
    assert_eq!(scene.cloud.asked(Verb::Launch).len(), 0);
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_lost_registration_that_a_list_misses_is_removed() {
    let mut scene = Scene::new(1, &["a"]);
    scene.plan.timeout = 60 * SECOND;
    scene.hub.state().register_faults = vec![HubFault::AnswerLost(9 * SECOND); 100];
    scene.hub.state().lists_at_most = Some(0);
    let started = scene.start().await;
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_given_up() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().register_faults = vec![HubFault::Error(github::ErrorKind::NameTaken)];
    assert_eq!(scene.start().await.up.len(), 1);
    let registered = scene.hub.asked("register");
    assert!(registered.len() == 2 && registered[0] != registered[1]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_is_not_repeated() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().register_faults = vec![HubFault::Error(github::ErrorKind::Forbidden)];
    let started = scene.start().await;
    let asked = scene.hub.asked("register").len();
    assert_eq!((started.failed.len(), asked), (1, 1));
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_is_not_repeated_either() {
    use github::ErrorKind::{Ambiguous, Forbidden, Invalid, NotFound, Unauthorized};
    for refusal in [Forbidden, Invalid, NotFound, Unauthorized] {
        let scene = Scene::new(1, &["a"]);
        let mut faults = vec![HubFault::Error(refusal); 50];
        faults.push(HubFault::Error(Ambiguous));
        scene.hub.state().register_faults = faults;
        let started = scene.start().await;
        let asked = scene.hub.asked("register").len();
        assert_eq!((started.failed.len(), asked), (1, 2), "{refusal:?}");
        let Trouble::Register(told) = &started.failed[0].trouble else {
            panic!("{:?}", started.failed)
        };
        assert_eq!(told.kind, refusal);
        scene.nothing_is_left();
    }
}

#[tokio::test(start_paused = true)]
async fn a_runner_gets_few_names_though_every_answer_is_lost() {
    let scene = Scene::new(1, &["a"]);
    scene.hub.state().register_faults = vec![HubFault::AnswerLost(Duration::ZERO); 1000];
    let started = scene.start().await;
    let mut names = scene.hub.asked("register");
    names.dedup();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(started.left.is_empty(), "{:?}", started.left);
    scene.nothing_is_left();
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_waited_too_long_for_room_is_replaced() {
    let scene = Scene::new(1, &["a", "b"]);
    scene.cloud.set("a", |place| {
        place.capacity = 0;
        place.launch_takes = 130 * SECOND;
    });
    let started = scene.start().await;
    let registered = scene.hub.asked("register");
    assert_eq!((started.up.len(), registered.len()), (1, 2));
    assert_eq!(scene.hub.names(), [registered[1].as_str()]);
    assert_eq!(started.up[0].name.as_str(), registered[1]);
    let machine = scene.cloud.machines().remove(0).instance;
    assert_eq!(machine.tags.runner_id, started.up[0].runner_id);
}

#[tokio::test(start_paused = true)]
async fn a_registration_dropped_by_github_is_a_failure_of_that_runner_only() {
    let mut scene = Scene::new(2, &["a"]);
    scene.plan.allow_partial = true;
    // The time left is too short for another machine.
    scene.plan.timeout = 40 * SECOND;
    scene.hub.state().online_after = Some(30 * SECOND);
    let dropped = async {
        let (_, name) = scene.machine_of(0).await;
        sleep(20 * SECOND).await;
        scene.hub.drop_runner(&name);
    };
    let started = scene.start_while(dropped).await;
    assert_eq!((started.up.len(), started.failed.len()), (1, 1));
    let trouble = &started.failed[0].trouble;
    assert!(matches!(trouble, Trouble::Vanished(_)), "{trouble:?}");
    let hints = trouble.hints();
    assert!(hints[0].contains("`--registration token`"), "{hints:?}");
    assert_eq!(scene.cloud.machines().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_registration_dropped_while_its_machine_boots_gets_another_machine_once() {
    for drops in [1, 2] {
        let scene = Scene::new(1, &["a"]);
        scene.hub.state().online_after = Some(30 * SECOND);
        let dropped = async {
            let mut before = String::new();
            for _ in 0..drops {
                let name = loop {
                    let (_, name) = scene.machine_of(0).await;
                    if name != before {
                        break name;
                    }
                    sleep(SECOND / 10).await;
                };
                sleep(10 * SECOND).await;
                scene.hub.drop_runner(&name);
                before = name;
            }
        };
        let started = scene.start_while(dropped).await;
        assert_eq!(scene.cloud.asked(Verb::Launch).len(), 2);
        assert!(started.left.is_empty(), "{:?}", started.left);
        if drops == 1 {
            assert_eq!(scene.hub.names(), [started.up[0].name.as_str()]);
            assert_eq!(scene.cloud.machines().len(), 1, "the first one is ended");
        } else {
            assert!(first_trouble(&started).contains("dropped its registration"));
            scene.nothing_is_left();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_given_up_has_no_machine_and_its_record_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::new(1, &["a"]);
    scene.store = Store::at(folder.path().join("state.json"));
    scene.hub.state().register_faults = vec![HubFault::AnswerLost(Duration::ZERO)];
    scene.cloud.fault("a", Verb::Launch, Fault::Hang);
    // Killed while the launch is under way.
    let killed = tokio::time::timeout(60 * SECOND, scene.start()).await;
    assert!(killed.is_err(), "{killed:?}");
    let records = scene.store.read().await.expect("it is read");
    let mut machineless: Vec<bool> = records.values().map(|one| one.machineless).collect();
    machineless.sort_unstable();
    assert_eq!(machineless, [false, true], "{records:?}");
}
