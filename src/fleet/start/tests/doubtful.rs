//! Places whose lists prove nothing: what a start believes of them, and what it leaves in the record.

use tempfile::TempDir;

use super::*;
use crate::providers::memory::Fault;
use crate::state::{DoubtfulLaunch, Entries};

/// A start on such a place `a` and an honest one `b`, with a record on disk.
fn scene(count: u16) -> (Scene, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scene = Scene::new(count, &["a", "b"]);
    scene.store = Store::at(folder.path().join("state.json"));
    scene.cloud.set("a", |place| place.lists_in_doubt = true);
    (scene, folder)
}

async fn records(scene: &Scene) -> Entries {
    scene.store.read().await.expect("it is read")
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_an_answer_is_not_called_absent_by_a_list_that_lacks_it() {
    let (scene, _folder) = scene(1);
    scene.cloud.once("a", Verb::Launch, Fault::AnswerLost);
    scene.cloud.fault("a", Verb::List, Fault::Gap);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.failed.len()), (0, 1));
    let [left] = started.left.as_slice() else {
        panic!("it is named: {:?}", started.left)
    };
    assert!(!left.registration_only && !left.kept, "{left:?}");
    assert_eq!(
        scene.cloud.asked(Verb::Launch).len(),
        1,
        "no other place is asked"
    );
    let records = records(&scene).await;
    let record = records.get(&left.name).expect("its intent is kept");
    assert_eq!(record.launch, Some(DoubtfulLaunch::Unanswered));
    assert!(!record.machineless);
}

#[tokio::test(start_paused = true)]
async fn a_launch_without_an_answer_that_a_list_shows_comes_up() {
    let (scene, _folder) = scene(1);
    scene.cloud.once("a", Verb::Launch, Fault::AnswerLost);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.left.len()), (1, 0));
    let records = records(&scene).await;
    assert!(records.values().all(|record| record.launch.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_moves_on_under_another_name_and_its_intent_is_kept() {
    let (scene, _folder) = scene(2);
    scene.fails("a", Verb::Launch, ErrorKind::NoCapacity);
    let started = scene.start().await;
    assert_eq!(
        (started.up.len(), started.left.len()),
        (2, 0),
        "{started:?}"
    );
    let asked = scene.cloud.asked(Verb::Launch);
    let (at_a, at_b) = asked.split_at(2);
    assert!(at_a.iter().all(|name| !at_b.contains(name)), "{asked:?}");
    let mut up: Vec<String> = started.up.iter().map(|up| up.name.to_string()).collect();
    up.sort();
    let mut registered = scene.hub.names();
    registered.sort();
    assert_eq!(registered, up, "no registration of a name that was refused");
    let records = records(&scene).await;
    assert_eq!(records.len(), 4);
    for name in at_a {
        let record = &records[&name.parse().expect("a name")];
        assert_eq!(record.launch, Some(DoubtfulLaunch::Refused));
        assert_eq!((record.provider.as_str(), &record.instance), ("a", &None));
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_a_refusal_that_was_a_lie_shares_its_name_with_no_other() {
    let (scene, _folder) = scene(1);
    let lie = Fault::RefusedAfterTheDeed(ErrorKind::NoCapacity);
    scene.cloud.fault("a", Verb::Launch, lie);
    let started = scene.start().await;
    assert_eq!(
        (started.up.len(), started.left.len()),
        (1, 0),
        "{started:?}"
    );
    let machines = scene.cloud.machines();
    let names: Vec<_> = machines.iter().map(|one| &one.instance.tags.name).collect();
    let [at_a, at_b] = names.as_slice() else {
        panic!("{names:?}")
    };
    assert_ne!(at_a, at_b);
    let records = records(&scene).await;
    assert_eq!(records[*at_a].launch, Some(DoubtfulLaunch::Refused));
    assert_eq!(scene.hub.names(), [at_b.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_last_place_leaves_nothing_but_the_intent() {
    let (mut scene, _folder) = scene(1);
    scene.places.truncate(1);
    scene.fails("a", Verb::Launch, ErrorKind::NoCapacity);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.left.len()), (0, 0));
    scene.nothing_is_left();
    let records = records(&scene).await;
    let doubts: Vec<_> = records.values().map(|record| record.launch).collect();
    assert_eq!(doubts, [Some(DoubtfulLaunch::Refused)]);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_refuses_and_is_asked_again_gets_the_same_name() {
    let (mut scene, _folder) = scene(1);
    scene.places.truncate(1);
    let refused = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.once("a", Verb::Launch, refused);
    let started = scene.start().await;
    assert_eq!((started.up.len(), started.left.len()), (1, 0));
    let asked = scene.cloud.asked(Verb::Launch);
    assert_eq!(asked[0], asked[1], "{asked:?}");
    assert!(
        records(&scene)
            .await
            .values()
            .all(|record| record.launch.is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_its_place_lists_no_longer_is_waited_for_and_ended_by_its_id() {
    let (scene, _folder) = scene(1);
    let gap = async {
        scene.machine_of(0).await;
        scene.cloud.fault("a", Verb::List, Fault::Gap);
    };
    let started = scene.start_while(gap).await;
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (1, 0),
        "{started:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_undone_is_gone_only_after_its_place_accepted_its_end() {
    let (mut scene, _folder) = scene(1);
    scene.places.truncate(1);
    scene.hub.state().online_after = None;
    let lies = async {
        scene.machine_of(0).await;
        scene.cloud.fault("a", Verb::List, Fault::Gap);
        scene.fails("a", Verb::Terminate, ErrorKind::Unavailable);
    };
    let started = scene.start_while(lies).await;
    let [left] = started.left.as_slice() else {
        panic!("it is named: {:?}", started.left)
    };
    assert!(left.instance.is_some(), "{left:?}");
    assert_eq!(records(&scene).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn both_machines_of_a_place_that_launched_two_of_a_name_are_undone() {
    let (mut scene, _folder) = scene(1);
    scene.places.truncate(1);
    scene.hub.state().online_after = None;
    scene.cloud.once("a", Verb::Launch, Fault::Twice);
    let started = scene.start().await;
    assert_eq!(
        (started.up.len(), started.left.len()),
        (0, 0),
        "{started:?}"
    );
    scene.nothing_is_left();
}
