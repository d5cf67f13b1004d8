//! One pod for one name, whatever became of the answers.

use super::*;

#[tokio::test]
async fn a_pod_whose_answer_was_lost_is_found_even_where_the_list_is_late() {
    for lost in [
        Deed::lost(),
        Deed::After(Box::new(Deed::html(502))),
        Deed::After(Box::new(Deed::html(200))),
        // It is accepted, and made when it has been looked for twice.
        Deed::Later(Lag::Looks(2), Box::new(Deed::html(504))),
    ] {
        let account = Account::open();
        account.standin.rule(|rules| rules.unlisted = Lag::Looks(3));
        account.standin.once("POST", "/v2/pods", lost.clone());
        let launch = account.with(two()).launch(&order("k3x9")).await;
        let machine = launch.unwrap_or_else(|error| panic!("{lost:?}: {}", chain(&error)));
        assert_eq!(account.alive(), [machine.id.id], "{lost:?}");
        assert_eq!(account.tried().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn a_creation_that_was_lost_before_it_was_done_gives_way_to_the_next_candidate() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried().len(), 2);
    assert_eq!(account.alive(), [machine.id.id]);

    // Where there is no other, nobody knows.
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let error = account.fails(json!({ "gpu": "L40S" })).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    // What is heard after it does not make it certain.
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    account
        .standin
        .once("POST", "/v2/pods", Deed::no_capacity());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
}

#[tokio::test]
async fn nothing_is_tried_after_a_lost_answer_that_no_list_explains() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let runpod = account.with(two());
    let order = order("k3x9");
    let launch = runpod.launch(&order);
    let spoil = async {
        let asked = until(SOON, async || {
            (!account.standin.bodies().is_empty()).then_some(())
        });
        asked.await.expect("a creation");
        account
            .standin
            .times(u32::MAX, "GET", "/v2/pods", Deed::html(503));
    };
    let (launch, ()) = futures_util::future::join(launch, spoil).await;
    // A list may have come between: then the second candidate was tried, and that is right.
    match launch {
        Err(error) => assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error)),
        Ok(machine) => assert_eq!(account.alive(), [machine.id.id]),
    }
}

#[tokio::test]
async fn of_two_pods_of_one_name_the_older_stays() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let runpod = account.with(two());
    let one = order("k3x9");
    let first = runpod.launch(&one).await.unwrap();
    let twin = account.standin.bodies().pop().expect("a body");
    account.standin.create(&twin);
    account.standin.create(&twin);
    assert_eq!(account.alive().len(), 3);
    let again = account.with(two()).launch(&one).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(account.alive(), [first.id.id]);
    assert_eq!(account.tried().len(), 1);
    account.is_clean();
}

#[tokio::test]
async fn a_second_pod_of_one_name_that_runs_is_not_deleted_since_it_may_have_the_job() {
    let account = Account::open();
    let runpod = account.with(two());
    let one = order("k3x9");
    let first = runpod.launch(&one).await.unwrap();
    let twin = account.standin.bodies().pop().expect("a body");
    account.standin.create(&twin);
    let again = account.with(two()).launch(&one).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(account.alive().len(), 2);
    let listed = runpod.list().await.unwrap().instances;
    assert_eq!(listed.len(), 2, "whoever stops the runner ends both");
    account.is_clean();
}

#[tokio::test]
async fn a_strangers_pod_of_that_name_is_left_alone() {
    let account = Account::open();
    let one = order("k3x9");
    account.standin.create(&json!({
        "name": one.name, "image": "x", "gpu": { "id": "NVIDIA L40S", "count": 1 }, "disk": 20,
    }));
    let error = account
        .with(two())
        .launch(&one)
        .await
        .expect_err("it is taken");
    assert_eq!(error.kind, ErrorKind::Unexpected, "{error}");
    assert_eq!(account.alive().len(), 1);
}

#[tokio::test]
async fn many_launches_share_their_lists_and_the_catalog() {
    let account = Account::open();
    let runpod = account.with(two());
    let orders: Vec<Order> = (0..16).map(|_| order("k3x9")).collect();
    let launches = join_all(orders.iter().map(|order| runpod.launch(order))).await;
    assert!(launches.iter().all(Result::is_ok), "{launches:?}");
    assert_eq!(account.alive().len(), 16);
    assert_eq!(
        account.standin.asked_for("GET", "/v2/catalog/gpus").len(),
        1
    );
    account.is_clean();
}
