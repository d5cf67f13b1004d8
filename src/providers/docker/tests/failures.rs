//! Failures of a real daemon, some of them a proxy's doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::model::Condition;
use crate::providers::contract::{Fake as _, chain, ends, order, uphold};
use crate::providers::docker::tests::proxy::{Deed, proxy};
use crate::providers::docker::tests::share::Share;
use crate::providers::{ErrorKind, Provider as _};

const BROKEN: Deed = Deed::Answer(500, "application/json", r#"{"message":"it is broken"}"#);

#[tokio::test]
async fn failures_name_the_setting_and_what_to_type() {
    uphold::<Share>(async |share| {
        for (settings, key) in [
            (json!({ "image": "gharun-test-no-such:1" }), "image"),
            (json!({ "gpus": "all" }), "gpus"),
            (json!({ "runtime": "gharun-none" }), "runtime"),
            (json!({ "network": "gharun-none" }), "network"),
            (json!({ "devices": ["/dev/gharun-none"] }), "devices"),
        ] {
            let docker = share.with(settings.clone()).await;
            let error = docker
                .launch(&order(share.tag()))
                .await
                .expect_err("it cannot work");
            let said = chain(&error);
            assert_eq!(error.kind, ErrorKind::Config, "{settings}: {said}");
            assert_eq!(error.key(), Some(key), "{settings}: {said}");
            assert!(!error.hints().is_empty(), "{settings}");
            assert_eq!(share.census().await, [], "{settings}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_cannot_be_reached_is_told_with_the_image() {
    uphold::<Share>(async |share| {
        // Nothing listens there.
        let image = "127.0.0.1:1/gharun/none:1";
        let docker = share
            .with(json!({ "image": image, "pull": "missing" }))
            .await;
        let launches = (0..4).map(|_| order(share.tag())).collect::<Vec<_>>();
        let launches = launches.iter().map(|order| docker.launch(order));
        for launch in futures_util::future::join_all(launches).await {
            let error = launch.expect_err("no such registry");
            assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
            assert!(error.to_string().contains(image), "{error}");
            let hint = error.hints().join("\n");
            assert!(
                hint.contains("docker pull") && hint.contains("never"),
                "{hint}"
            );
        }
        let health = docker.check().await.unwrap();
        assert!(
            health
                .facts
                .iter()
                .any(|fact| fact.contains("pulled by the first")),
            "{health:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_creation_that_never_arrived_is_no_machine() {
    uphold::<Share>(async |share| {
        let host = proxy(|request| {
            if request.contains("/containers/create") {
                Deed::Drop
            } else {
                Deed::Forward
            }
        });
        let docker = share.with(json!({ "host": host.await })).await;
        let error = docker.launch(&order(share.tag())).await;
        let error = error.expect_err("nothing was made");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_start_that_never_arrived_leaves_nothing() {
    uphold::<Share>(async |share| {
        for step in ["/start", "PUT "] {
            for deed in [Deed::Drop, BROKEN] {
                let host = proxy(move |request| {
                    if request.contains(step) {
                        deed
                    } else {
                        Deed::Forward
                    }
                });
                let docker = share.with(json!({ "host": host.await })).await;
                let error = docker.launch(&order(share.tag())).await;
                let error = error.expect_err("it was not started");
                assert_ne!(
                    error.kind,
                    ErrorKind::Ambiguous,
                    "{step}: {}",
                    chain(&error)
                );
                assert_eq!(share.census().await, [], "{step}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_launch_leaves_nothing_though_its_removal_is_not_carried_out_at_once() {
    const UNDER_WAY: &str = r#"{"message":"removal of container x is already in progress"}"#;
    uphold::<Share>(async |share| {
        for first in [
            BROKEN,
            Deed::Answer(204, "application/json", ""),
            Deed::Answer(409, "application/json", UNDER_WAY),
        ] {
            let asked = AtomicBool::new(false);
            let host = proxy(move |request| match request {
                _ if request.contains("/start") => BROKEN,
                _ if request.starts_with("DELETE ") && !asked.swap(true, Ordering::SeqCst) => first,
                _ => Deed::Forward,
            });
            let docker = share.with(json!({ "host": host.await })).await;
            let error = docker.launch(&order(share.tag())).await;
            let error = error.expect_err("it was not started");
            assert_ne!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
            assert_eq!(share.census().await, []);
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_launch_that_cannot_be_undone_is_ambiguous_and_can_be_carried_on() {
    uphold::<Share>(async |share| {
        let host = proxy(|request| match request {
            _ if request.starts_with("DELETE ") || request.contains("/start") => BROKEN,
            _ => Deed::Forward,
        });
        let docker = share.with(json!({ "host": host.await })).await;
        let order = order(share.tag());
        let error = docker.launch(&order).await.expect_err("neither works");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert!(chain(&error).contains("it is broken"), "{}", chain(&error));
        let hint = error.hints().join("\n");
        assert!(hint.contains(order.name.as_str()), "{hint}");
        let left = share.census().await;
        assert_eq!(left.len(), 1);
        let machine = share
            .open()
            .await
            .launch(&order)
            .await
            .expect("the same order");
        assert_eq!(
            (left, machine.state),
            (vec![machine.id], Condition::Running)
        );
    })
    .await;
}

#[tokio::test]
async fn an_end_whose_answer_was_lost_is_proved() {
    uphold::<Share>(async |share| {
        let host = proxy(|request| {
            if request.starts_with("DELETE ") {
                Deed::Lose
            } else {
                Deed::Forward
            }
        });
        let docker = Arc::new(share.with(json!({ "host": host.await })).await);
        let machine = docker.launch(&order(share.tag())).await.unwrap();
        let end = ends(&docker, &machine.id).await;
        assert!(end.is_ok(), "{}", chain(&end.unwrap_err()));
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn an_end_that_cannot_be_proved_is_a_failure() {
    uphold::<Share>(async |share| {
        let host = proxy(|request| {
            if request.starts_with("DELETE ") {
                BROKEN
            } else {
                Deed::Forward
            }
        });
        let docker = share.with(json!({ "host": host.await })).await;
        let machine = docker.launch(&order(share.tag())).await.unwrap();
        let error = docker.terminate(&machine.id).await.expect_err("it refused");
        assert!(chain(&error).contains("it is broken"), "{}", chain(&error));
        assert_eq!(share.census().await, [machine.id]);
    })
    .await;
}

#[tokio::test]
async fn a_container_that_cannot_be_looked_at_is_not_listed_as_running() {
    uphold::<Share>(async |share| {
        let machine = share
            .open()
            .await
            .launch(&order(share.tag()))
            .await
            .unwrap();
        share.end(&machine.id).await;
        let host = proxy(|request| {
            if request.contains("/containers/json") || !request.contains("/containers/") {
                Deed::Forward
            } else {
                BROKEN
            }
        });
        let docker = share.with(json!({ "host": host.await })).await;
        let how = crate::poll::until(super::SOON, async || {
            let listing = docker.list().await.expect("a listing");
            let mut all = listing.instances.into_iter();
            match all.find(|found| found.id == machine.id)?.state {
                Condition::Ended(how) => Some(how),
                _ => None,
            }
        });
        let how = how.await.expect("it ended");
        assert!(how.starts_with("Exited (143)"), "{how}");
    })
    .await;
}
