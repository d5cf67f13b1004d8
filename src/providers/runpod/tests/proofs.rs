//! What counts as proof that a pod is gone, or was never made, against the stand-in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::account::Account;
use crate::model::Order;
use crate::providers::contract::{all_end, chain, ends, order};
use crate::providers::runpod::RunPod;
use crate::providers::runpod::pods::{PAGE, Pagination};
use crate::providers::runpod::request::LONGEST_BODY;
use crate::providers::{ErrorKind, Provider as _};
use gharun_worlds::runpod::{Deed, Lag};

const ONE: &str = "/v2/pods/{id}";
const PODS: &str = "/v2/pods";

impl Account {
    fn fresh(&self) -> RunPod {
        self.with(json!({ "gpu": ["NVIDIA L40S", "NVIDIA RTX A4000"] }))
    }

    fn living(&self) -> Vec<String> {
        self.standin.alive().into_iter().map(|pod| pod.id).collect()
    }
}

#[tokio::test]
async fn a_list_that_was_begun_too_early_is_no_proof_however_late_it_is_answered() {
    let account = Account::open();
    let lost = Deed::Later(Lag::Time(Duration::from_millis(200)), Box::new(Deed::Drop));
    account.standin.once("POST", "/v2/pods", lost);
    // It shows what was there when it was asked for, and comes when the place has settled.
    let slow = Deed::After(Box::new(Deed::Delay(Duration::from_millis(700))));
    account.standin.times(2, "GET", "/v2/pods", slow);
    let machine = account.fresh().launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.standin.bodies().len(), 1);
    assert_eq!(account.living(), [machine.id.id]);
}

#[tokio::test]
async fn many_that_look_for_lost_pods_share_their_lists() {
    let account = Account::open();
    let lost = Deed::After(Box::new(Deed::Drop));
    account.standin.times(12, "POST", "/v2/pods", lost);
    account
        .standin
        .rule(|rules| rules.unlisted = Lag::Time(Duration::from_millis(200)));
    let runpod = account.fresh();
    let orders: Vec<Order> = (0..12).map(|_| order("k3x9")).collect();
    let launches = join_all(orders.iter().map(|order| runpod.launch(order))).await;
    assert!(launches.iter().all(Result::is_ok), "{launches:?}");
    assert_eq!(account.living().len(), 12);
    // Alone, each would look a dozen times.
    let looks = account.standin.asked_for("GET", "/v2/pods").len();
    assert!(looks < 60, "{looks}");
}

#[tokio::test]
async fn what_a_list_shows_is_deleted_though_it_is_not_known_by_its_id_yet() {
    let account = Account::open();
    account.standin.rule(|rules| rules.unfound = Lag::Looks(4));
    account.fresh().launch(&order("k3x9")).await.unwrap();
    // Another process, which has not made it.
    let other = Arc::new(account.fresh());
    let listed = other.list().await.unwrap().instances.remove(0);
    ends(&other, &listed.id).await.unwrap();
    assert_eq!(account.living(), [""; 0]);
}

#[tokio::test]
async fn a_pod_that_ended_by_itself_after_it_was_listed_is_gone() {
    let account = Account::open();
    account.fresh().launch(&order("k3x9")).await.unwrap();
    let other = Arc::new(account.fresh());
    let listed = other.list().await.unwrap().instances.remove(0);
    account.fresh().terminate(&listed.id).await.unwrap();
    ends(&other, &listed.id).await.unwrap();
    assert_eq!(account.living(), [""; 0]);
}

#[tokio::test]
async fn the_wish_to_be_left_alone_keeps_no_end_waiting() {
    let account = Account::open();
    account.fresh().launch(&order("k3x9")).await.unwrap();
    let other = account.fresh();
    let listed = other.list().await.unwrap().instances.remove(0);
    account
        .standin
        .once("GET", "/v2/catalog/gpus", Deed::limit(3600));
    let limited = other.check().await.expect_err("too many requests");
    assert_eq!(limited.kind, ErrorKind::RateLimited);
    // Whether it is gone cannot be asked now; that it is to go was.
    let end = other.terminate(&listed.id).await;
    assert_eq!(account.living(), [""; 0], "{end:?}");

    // Nor where nobody has listed it before.
    let machine = account.fresh().launch(&order("k3x9")).await.unwrap();
    let third = account.fresh();
    account
        .standin
        .once("GET", "/v2/catalog/gpus", Deed::limit(3600));
    third.check().await.expect_err("too many requests");
    let end = third.terminate(&machine.id).await;
    assert_eq!(account.living(), [""; 0], "{end:?}");
}

#[tokio::test]
async fn an_end_whose_request_was_lost_is_asked_for_again() {
    let account = Account::open();
    let runpod = Arc::new(account.fresh());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    // As many as one request is sent, and one more.
    account.standin.times(4, "DELETE", ONE, Deed::html(502));
    let end = ends(&runpod, &machine.id).await;
    assert!(end.is_ok(), "{}", chain(&end.unwrap_err()));
    assert_eq!(account.living(), [""; 0]);
}

#[tokio::test]
async fn the_ends_of_many_ask_little() {
    let account = Account::open();
    let runpod = Arc::new(account.fresh());
    let orders: Vec<Order> = (0..12).map(|_| order("k3x9")).collect();
    let launches = join_all(orders.iter().map(|order| runpod.launch(order))).await;
    let ids: Vec<_> = launches.into_iter().map(|one| one.unwrap().id).collect();
    account
        .standin
        .rule(|rules| rules.shown = Lag::Time(Duration::from_millis(300)));
    let listed = account.standin.asked_for("GET", PODS).len();
    let ends = all_end(&runpod, &ids).await;
    assert!(ends.iter().all(Result::is_ok), "{ends:?}");
    // A user has 60 requests a minute: a pod's end takes one, and all share the proof.
    let asked = |method| account.standin.asked_for(method, ONE).len();
    assert_eq!((asked("DELETE"), asked("GET")), (12, 0));
    let pages = account.standin.asked_for("GET", PODS).len() - listed;
    assert!(pages < 60, "as many pages of two: {pages}");
}

#[tokio::test]
async fn a_short_name_with_a_blank_is_no_whole_id() {
    let account = Account::open();
    account
        .standin
        .times(u32::MAX, "GET", "/v2/catalog/gpus", Deed::html(503));
    let runpod = account.with(json!({ "gpu": "RTX 4090" }));
    let error = runpod.launch(&order("k3x9")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
    assert_eq!(account.standin.bodies().len(), 0);
}

#[test]
fn a_page_that_names_the_next_one_is_not_the_last() {
    let next = |page| serde_json::from_value::<Pagination>(page).unwrap().next();
    assert_eq!(next(json!({ "nextCursor": "b" })), Ok(Some("b".into())));
    assert_eq!(
        next(json!({ "hasNextPage": true, "nextCursor": "b" })),
        Ok(Some("b".into()))
    );
    assert!(next(json!({ "hasNextPage": true })).is_err());
    for last in [
        json!({}),
        json!({ "hasNextPage": false, "nextCursor": null }),
        json!({ "hasNextPage": false, "nextCursor": "b" }),
        json!({ "nextCursor": "" }),
    ] {
        assert_eq!(next(last.clone()), Ok(None), "{last}");
    }
}

/// The client reads no answer that is longer.
#[test]
fn a_page_of_the_largest_pods_can_be_read() {
    assert!(usize::from(PAGE) * (LONGEST_BODY + 4096) < 16 << 20);
}
