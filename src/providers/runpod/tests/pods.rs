//! Pods as they are listed, told apart and ended.

use std::sync::Arc;

use super::*;
use crate::providers::contract::ends;

#[tokio::test]
async fn torn_tags_are_told_apart_from_machines() {
    let account = Account::open();
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    let mut torn = account.standin.bodies().pop().expect("a body");
    for tags in ["{\"managed-by\":\"gharun\"}", "{", ""] {
        torn["env"][TAGS] = tags.into();
        account.standin.create(&torn);
    }
    let listing = account.with(two()).list().await.unwrap();
    assert!(listing.unread.is_empty());
    assert_eq!(listing.unjudged.len(), 3, "{listing:?}");
    assert!(listing.unjudged.iter().all(|pod| pod.is_ours));
    let ids: Vec<_> = listing.instances.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, [machine.id]);
}

#[tokio::test]
async fn a_pod_is_pending_until_its_container_runs_and_ended_when_it_is_stopped() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.state, Condition::Pending);
    for (stage, expected) in [
        (Stage::Provisioning, "Pending"),
        (Stage::Unready, "Pending"),
        (Stage::Up, "Running"),
        (Stage::Broken, "Ended"),
        (Stage::Exited, "Ended"),
    ] {
        account.standin.put(&machine.id.id, stage);
        let listing = runpod.list().await.unwrap();
        let state = format!("{:?}", listing.instances[0].state);
        assert!(state.starts_with(expected), "{stage:?}: {state}");
    }
    account.standin.rule(|rules| rules.shown = Lag::Forever);
    runpod.terminate(&machine.id).await.unwrap();
    assert!(runpod.list().await.unwrap().instances.is_empty());
}

#[tokio::test]
async fn what_was_launched_a_moment_ago_is_deleted_though_its_id_is_not_known_yet() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.unfound = Lag::Looks(3);
        rules.shown = Lag::Looks(2);
    });
    let runpod = Arc::new(account.with(two()));
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    ends(&runpod, &machine.id).await.unwrap();
    assert_eq!(account.alive(), [""; 0]);
    account.is_clean();
}

#[tokio::test]
async fn a_404_of_somebody_else_is_no_proof() {
    let account = Account::open();
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    account
        .standin
        .once("GET", "/v2/pods/{id}", Deed::html(404));
    let end = account.with(two()).terminate(&machine.id).await;
    assert!(end.is_err(), "a page knows nothing of pods");
    assert_eq!(account.alive(), [machine.id.id]);
}

#[tokio::test]
async fn a_page_does_not_keep_a_pod_from_being_deleted() {
    for status in [401, 403, 404] {
        let account = Account::open();
        let runpod = Arc::new(account.with(two()));
        let machine = runpod.launch(&order("k3x9")).await.unwrap();
        account
            .standin
            .once("DELETE", "/v2/pods/{id}", Deed::html(status));
        ends(&runpod, &machine.id).await.unwrap();
        assert_eq!(account.alive(), [""; 0], "{status}");
        account.is_clean();
    }
}

#[test]
fn a_reference_is_a_pods_id_and_nothing_else() {
    let id = |place: Option<&str>, id: &str| InstanceId {
        location: place.map(str::to_owned),
        id: id.to_owned(),
    };
    for place in [None, Some("3fa9c1")] {
        assert!(ending::pod_id(&id(place, "7h9k2m4n6p")).is_ok());
    }
    for bad in [id(Some("x"), "7h9k"), id(None, "../account"), id(None, "")] {
        assert!(ending::pod_id(&bad).is_err(), "{bad}");
    }
}

#[test]
fn tags_survive_their_variable() {
    let one = order("k3x9");
    let tags = request::tags(&one.tags);
    let pod = json!({ "id": "x", "name": one.name, "env": { TAGS: tags } });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    assert_eq!(pod.tags, Some(one.tags));
    let other: Pod = serde_json::from_value(json!({ "id": "y" })).unwrap();
    assert_eq!((other.tags, other.marked), (None, false));
}

#[tokio::test]
async fn with_another_key_an_absent_pod_is_not_proved_gone() {
    let (account, other) = (Account::open(), Account::open());
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    let stranger = other.with(two());
    let bare = crate::model::InstanceId {
        location: None,
        ..machine.id.clone()
    };
    for id in [&machine.id, &bare] {
        let error = stranger.terminate(id).await.expect_err("it runs");
        assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
        assert!(error.hints().join("\n").contains("--force"), "{error:?}");
        assert!(stranger.in_use(id).await.is_err());
    }
    let listing = stranger.list().await.unwrap();
    assert!(listing.silence(machine.id.location.as_deref()).is_some());
    assert!(listing.silence(None).is_some());
    assert_eq!(account.alive(), std::slice::from_ref(&machine.id.id));
    // Where it is, its reference needs no place.
    let runpod = account.with(two());
    assert_eq!(runpod.canonical(&bare).await.unwrap(), machine.id);
    runpod.terminate(&bare).await.unwrap();
    assert_eq!(account.alive(), [""; 0]);
}
