//! What RunPod refuses, and the candidates that are tried after it.

use super::*;
use crate::model::Instance;
use gharun_worlds::runpod::Answer;

#[tokio::test]
async fn candidates_without_room_are_passed_by_in_order() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::High, 0);
    let settings = json!({ "gpu": ["L40S", "A4000"], "cloud": "any" });
    let machine = account.with(settings).launch(&order("k3x9")).await.unwrap();
    assert_eq!(
        account.tried(),
        [
            "NVIDIA L40S COMMUNITY",
            "NVIDIA L40S SECURE",
            "NVIDIA RTX A4000 COMMUNITY"
        ]
    );
    assert_eq!(machine.rental.price_per_hour(), Some(0.17));
    assert_eq!(account.alive(), [machine.id.id]);
    account.is_clean();
}

#[tokio::test]
async fn a_lack_of_room_everywhere_is_told_with_what_to_add() {
    let account = Account::open();
    account.standin.stock("*", "*", "*", Level::High, 0);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(!error.hints().is_empty());
    insta::assert_snapshot!(account.told(&error), @"RunPod has no capacity for it: `NVIDIA L40S` and `NVIDIA RTX A4000`, secure cloud: There are no longer any instances available with the requested specifications");
    assert_eq!(account.tried().len(), 2);
}

#[tokio::test]
async fn what_the_catalog_has_none_of_is_not_asked_for() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::None, u32::MAX);
    account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried(), ["NVIDIA RTX A4000 SECURE"]);
    account.standin.stock("*", "*", "*", Level::None, u32::MAX);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("it is out of stock"), "{error}");
    assert_eq!(account.tried().len(), 1);
}

#[tokio::test]
async fn a_400_that_no_candidate_passes_is_the_requests_fault() {
    let account = Account::open();
    let rule = Deed::refuse(400, "ports: 22/tcp is reserved here");
    account.standin.times(2, "POST", "/v2/pods", rule.clone());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(chain(&error).contains("22/tcp is reserved here"));
    assert_eq!(account.tried().len(), 2);

    // One that another candidate passes was a lack of room in words that are new.
    account.standin.once("POST", "/v2/pods", rule.clone());
    account.with(two()).launch(&order("k3x9")).await.unwrap();

    // Nor is it the request's fault where another one has no room.
    account.standin.once("POST", "/v2/pods", rule);
    account
        .standin
        .once("POST", "/v2/pods", Deed::no_capacity());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
}

#[tokio::test]
async fn what_no_candidate_would_mend_stops_the_launch_at_the_first() {
    for (status, kind, words) in [
        (401, ErrorKind::Denied, "api_key"),
        (402, ErrorKind::PaymentRequired, "funds"),
        (404, ErrorKind::Config, "registry"),
        (410, ErrorKind::Config, "runpod.io/v2"),
        (422, ErrorKind::Config, ""),
        (429, ErrorKind::RateLimited, ""),
    ] {
        let account = Account::open();
        let deed = match status {
            429 => Deed::limit(3600),
            status => Deed::refuse(status, "that is so"),
        };
        account.standin.times(u32::MAX, "POST", "/v2/pods", deed);
        let error = account.fails(two()).await;
        assert_eq!(error.kind, kind, "{status}: {}", chain(&error));
        let hint = error.hints().join("\n");
        assert!(hint.contains(words), "{status}: {hint}");
        assert_eq!(account.tried().len(), 1, "{status}");
        assert_eq!(account.alive(), [""; 0], "{status}");
    }
}

#[tokio::test]
async fn a_balance_that_does_not_cover_it_is_told_in_words() {
    let account = Account::open();
    account.standin.rule(|rules| rules.balance = Some(0.01));
    let error = account.fails(two()).await;
    insta::assert_snapshot!(account.told(&error), @"could not create the pod `NAME` (`NVIDIA L40S`, secure cloud): the account's balance is too low: `POST HOST/v2/pods` answered 402 Payment Required: Your balance is too low to deploy this pod. Please add funds.");
}

#[tokio::test]
async fn a_machine_that_the_account_may_not_have_is_passed_by() {
    let account = Account::open();
    let deed = Deed::refuse(403, "no access to this pool");
    account.standin.once("POST", "/v2/pods", deed.clone());
    account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried().len(), 2);
    account.standin.times(2, "POST", "/v2/pods", deed);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
}

#[tokio::test]
async fn a_short_wish_to_be_left_alone_is_waited_for() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::limit(1));
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.alive(), [machine.id.id]);
}

#[tokio::test]
async fn a_pod_that_is_billed_at_more_than_it_may_is_ended_and_the_next_one_is_tried() {
    let account = Account::open();
    account.standin.rule(|rules| rules.dearer = 1.5);
    let runpod = account.with(json!({ "gpu": TWO, "max_price": 1.0 }));
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    assert_eq!(
        account.tried(),
        ["NVIDIA L40S SECURE", "NVIDIA RTX A4000 SECURE"]
    );
    assert_eq!(account.alive(), [machine.id.id], "the dear one is gone");
    assert_eq!(machine.rental.price_per_hour(), Some(0.375));
    // The next runner of the start knows.
    runpod.launch(&order("k3x8")).await.unwrap();
    assert_eq!(account.tried().len(), 3);
    account.is_clean();

    let account = Account::open();
    account.standin.rule(|rules| rules.dearer = 1.5);
    let error = account
        .fails(json!({ "gpu": "L40S", "max_price": 0.9 }))
        .await;
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    insta::assert_snapshot!(account.told(&error), @"RunPod offers none of what is set within `max_price`: `NVIDIA L40S`, secure cloud: RunPod bills $1.29 an hour, above the `max_price` of $0.90");
    let hints = error.hints().join("\n");
    assert!(hints.contains("raise `max_price`"), "{hints}");
    assert_eq!(account.alive(), [""; 0]);
}

#[tokio::test]
async fn a_bill_that_is_told_late_is_kept_as_well() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.dearer = 1.5;
        rules.billed_later = true;
    });
    let runpod = account.with(json!({ "gpu": TWO, "max_price": 1.0 }));
    runpod.launch(&order("k3x9")).await.unwrap();
    account.standin.bill();
    let machine = runpod.list().await.unwrap().instances.remove(0);
    let error = runpod.why_doomed(&machine).await.expect("it is too dear");
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("above the `max_price`"), "{error:?}");
    crate::providers::contract::ends(&Arc::new(account.with(two())), &machine.id)
        .await
        .expect("it ends");
    runpod.launch(&order("k3x8")).await.unwrap();
    assert_eq!(
        account.tried(),
        ["NVIDIA L40S SECURE", "NVIDIA RTX A4000 SECURE"]
    );
    account.is_clean();
}

/// What a pod that a list shows late is found to be, once it is shown, where its creation was not answered.
async fn late(account: &Account, runpod: &RunPod) -> Instance {
    account.standin.rule(|rules| {
        rules.unlisted = Lag::Time(Duration::from_millis(1500));
    });
    account.standin.once("POST", "/v2/pods", Deed::lost());
    let mut order = order("k3x9");
    order.keep_failed = true;
    let error = runpod.launch(&order).await.expect_err("nobody knows");
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    let found = until(SOON, async || {
        runpod.list().await.expect("a list").instances.pop()
    });
    found.await.expect("it is shown at last")
}

#[tokio::test]
async fn a_pod_whose_creation_was_not_answered_costs_no_more_than_it_may_either() {
    let account = Account::open();
    account.standin.rule(|rules| rules.dearer = 1.5);
    let runpod = account.with(json!({ "gpu": "L40S", "max_price": 1.0 }));
    let machine = late(&account, &runpod).await;
    assert!(runpod.keeps(&machine.id.id), "it stays when it fails");
    let error = runpod.why_doomed(&machine).await.expect("it is too dear");
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("$1.29 an hour"), "{error:?}");
    crate::providers::contract::ends(&Arc::new(account.with(two())), &machine.id)
        .await
        .expect("it ends");
    let error = runpod.launch(&order("k3x8")).await.expect_err("too dear");
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    assert_eq!(account.tried().len(), 1, "it is not asked for again");
    account.is_clean();
}

/// Where the creation of a pod was not answered and a list shows it now, it is taken, though it is too dear: its runner
/// may have a job, and whoever ends it asks GitHub first.
async fn is_taken(account: &Account, runpod: &RunPod) {
    let machine = runpod.launch(&order("k3x9")).await.expect("it is taken");
    let pods = account.standin.pods();
    assert_eq!(machine.id.id, pods[0].id, "the one that was not answered");
    assert_eq!(account.alive(), [machine.id.id.as_str()]);
    assert_eq!(machine.rental.gpu.as_deref(), Some("NVIDIA L40S"));
    let error = runpod.why_doomed(&machine).await.expect("it is too dear");
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("$1.29 an hour"), "{error:?}");
    account.is_clean();
}

#[tokio::test]
async fn a_dear_pod_that_a_list_shows_after_its_creation_was_not_answered_is_not_deleted_unasked() {
    for start in [Lag::None, Lag::Forever] {
        let account = Account::open();
        account.standin.rule(|rules| {
            rules.dearer = 1.5;
            rules.start = [Lag::None, Lag::None, start];
        });
        let lost = Deed::After(Box::new(Deed::Drop));
        account.standin.once("POST", "/v2/pods", lost);
        let runpod = account.with(json!({ "gpu": TWO, "max_price": 1.0 }));
        is_taken(&account, &runpod).await;
        let deleted = account.standin.asked_for("DELETE", "/v2/pods/{id}");
        assert_eq!(deleted.len(), 0, "{start:?}");
    }
}

#[tokio::test]
async fn an_older_pod_that_is_too_dear_is_not_deleted_since_another_was_created_meanwhile() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.dearer = 1.5;
        // No list that was begun before the next candidate is asked for shows it.
        rules.unlisted = Lag::Time(Duration::from_millis(1200));
    });
    let lost = Deed::After(Box::new(Deed::Drop));
    account.standin.once("POST", "/v2/pods", lost);
    let runpod = account.with(json!({ "gpu": TWO, "max_price": 1.0 }));
    is_taken(&account, &runpod).await;
    assert_eq!(account.tried().len(), 2);
}

#[tokio::test]
async fn a_pod_that_a_list_shows_as_terminated_is_not_taken_for_there() {
    let account = Account::open();
    // What ends before its container runs is shown for ever.
    account
        .standin
        .rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let slow = Deed::After(Box::new(Deed::Delay(Duration::from_millis(300))));
    account.standin.once("POST", "/v2/pods", slow);
    let ended = async {
        let made = until(SOON, async || account.alive().pop());
        let made = made.await.expect("it is created");
        account.standin.put(&made, Stage::Gone);
    };
    let (runpod, order) = (account.with(two()), order("k3x9"));
    let (machine, ()) = futures_util::future::join(runpod.launch(&order), ended).await;
    let machine = machine.expect("the next one has room");
    assert_eq!(account.alive(), [machine.id.id]);
    assert_eq!(
        account.tried(),
        ["NVIDIA L40S SECURE", "NVIDIA RTX A4000 SECURE"]
    );
}

#[tokio::test]
async fn the_host_of_a_pod_whose_creation_was_not_answered_is_heard() {
    let account = Account::open();
    let line = "error creating container: layer does not exist".to_owned();
    account
        .standin
        .rule(|rules| rules.stuck = vec![("*".into(), line)]);
    let runpod = account.with(json!({ "gpu": "L40S" }));
    let machine = late(&account, &runpod).await;
    let doomed = until(SOON, async || runpod.why_doomed(&machine).await);
    let error = doomed.await.expect("it will never start");
    assert!(chain(&error).contains("layer does not exist"), "{error:?}");
}

#[tokio::test]
async fn a_dear_pod_is_not_taken_for_gone_since_a_late_list_does_not_show_it() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.dearer = 1.5;
        rules.unlisted = Lag::Time(Duration::from_secs(5));
    });
    let ignored = Deed::Answer(Answer::text(204, "", String::new()));
    account.standin.once("DELETE", "/v2/pods/{id}", ignored);
    let runpod = account.with(json!({ "gpu": TWO, "max_price": 1.0 }));
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.alive(), [machine.id.id], "the dear one is gone");
    assert_eq!(account.tried().len(), 2);
}

#[tokio::test]
async fn hints_are_true_of_the_settings() {
    let account = Account::open();
    let deed = Deed::refuse(403, "no access to this pool");
    account.standin.times(u32::MAX, "POST", "/v2/pods", deed);
    for (settings, hint) in [
        (json!({ "cpu": "cpu5c" }), "`cpu = \"cpu3c\"`"),
        (json!({ "gpu": "L40S" }), "`gpu = \"A40\"`"),
    ] {
        let error = account.fails(settings).await;
        let hints = error.hints().join("\n");
        assert!(hints.contains(hint), "{hints}");
    }
    account.standin.forgive();
    account.standin.stock("*", "*", "*", Level::High, 0);
    for (settings, hint) in [
        (
            json!({ "gpu": "L40S", "min_vcpu_per_gpu": 32 }),
            "or lower `min_vcpu_per_gpu`",
        ),
        (
            json!({ "gpu": "L40S", "min_cuda": "12.4" }),
            "or set `min_cuda` below 12.4",
        ),
        (
            json!({ "cpu": "cpu5c" }),
            "(`cpu = [\"cpu5c\", \"cpu3c\"]`); list",
        ),
    ] {
        let error = account.fails(settings).await;
        let hints = error.hints().join("\n");
        assert!(hints.contains(hint), "{hints}");
    }
    let image = "ghcr.io/acme/torch:2.8-cuda12.8";
    let error = account
        .fails(json!({ "gpu": "L40S", "image": image }))
        .await;
    let hints = error.hints().join("\n");
    assert!(!hints.contains("min_cuda"), "the user set none: {hints}");
    let settings = json!({ "cpu": "cpu5c", "cloud": "community", "max_price": 9.0 });
    let error = account.fails(settings).await;
    let hints = error.hints().join("\n");
    assert!(hints.contains("remove `max_price`"), "{hints}");
    assert!(!hints.contains("raise"), "{hints}");
}
