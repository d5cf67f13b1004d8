//! Answers that are lost, late or wrong, when a test says so.

use super::*;

#[tokio::test]
async fn bad_days_are_as_bad_as_a_test_wants() {
    let account = Account::open();
    let standin = &account.standin;
    let pods = "/v2/pods";
    standin.once("POST", pods, Deed::Drop);
    standin.once("POST", pods, Deed::lost());
    standin.once("POST", pods, Deed::After(Box::new(Deed::html(502))));
    standin.once(
        "POST",
        pods,
        Deed::Later(Lag::Looks(1), Box::new(Deed::Drop)),
    );
    standin.once("POST", pods, Deed::limit(7));
    standin.once("POST", pods, Deed::no_capacity());
    standin.once("GET", "/v2/pods/{id}", Deed::refuse(500, "oh"));
    let create = async |name: &str| account.try_ask("POST /v2/pods", Some(&order(name))).await;
    assert!(create("dropped").await.is_err());
    assert!(standin.alive().is_empty());
    assert!(create("lost").await.is_err());
    assert_eq!(standin.alive().len(), 1);
    let page = create("page").await.unwrap();
    assert_eq!(page.status, 502);
    assert!(page.body.as_str().unwrap().contains("<html>"));
    assert_eq!(account.names().await, ["lost", "page"]);
    assert!(create("late").await.is_err());
    assert_eq!(standin.due(), 1);
    assert_eq!(account.names().await, ["lost", "page"]);
    until("the late one is there", || standin.alive().len() == 3).await;
    assert_eq!(account.names().await, ["lost", "page", "late"]);
    let limited = create("limited").await.unwrap();
    assert_eq!(limited.status, 429);
    assert_eq!(limited.headers["retry-after"], "7");
    assert!(limited.headers.contains_key("ratelimit"));
    assert_eq!(create("full").await.unwrap().body["detail"], NO_CAPACITY);
    assert_eq!(account.get("/v2/pods/x").await.status, 500);
    assert_eq!(account.get("/v2/pods/x").await.status, 404);
    assert_eq!(create("good").await.unwrap().status, 201);
    let statuses: Vec<u16> = standin
        .asked_for("POST", pods)
        .iter()
        .map(|asked| asked.status)
        .collect();
    assert_eq!(statuses, [0, 0, 502, 0, 429, 400, 201]);
    account.is_as_described();
}

#[tokio::test]
async fn a_pod_comes_up_and_is_seen_when_a_test_says() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.start = [Lag::Looks(1), Lag::Looks(1), Lag::Forever];
        rules.unlisted = Lag::Looks(2);
        rules.unfound = Lag::Looks(1);
        rules.shown = Lag::Looks(1);
    });
    let made = account.create(&order("slow")).await;
    assert_eq!(made.body["status"], "PROVISIONING");
    let path = format!("/v2/pods/{}", made.body["id"].as_str().unwrap());
    assert_eq!(account.get(&path).await.status, 404);
    let said = account.get(&path).await;
    assert_eq!(said.body["status"], "STARTING");
    assert_eq!(account.names().await, [""; 0]);
    assert_eq!(account.names().await, [""; 0]);
    assert_eq!(account.names().await, ["slow"]);
    let said = account.get(&path).await;
    assert_eq!(said.body["status"], "RUNNING");
    assert_eq!(said.body["runtime"], Value::Null);
    account
        .standin
        .put(made.body["id"].as_str().unwrap(), Stage::Up);
    assert!(account.get(&path).await.body["runtime"].is_object());
    account.ask(&format!("DELETE {path}"), None).await;
    assert_eq!(account.get(&path).await.body["status"], "TERMINATED");
    assert_eq!(account.get(&path).await.status, 404);
    account.is_as_described();
}
