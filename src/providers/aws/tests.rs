//! The aws provider against a moto server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::model::{Condition, Rental};
use crate::providers::contract::{Fake as _, Mood, chain, contract, ends, order, uphold};
use gharun_worlds::moto::{self, Asked, Deed, ask, texts};
use share::{REGION, Share};

mod identity;
mod launches;
mod leftovers;
mod settings;
mod share;
mod terminations;

contract!(Share);

/// Judges the requests of an action by their number among them, from 0; all others are let through.
fn nth(
    action: &'static str,
    judge: impl Fn(usize) -> Deed + Send + Sync + 'static,
) -> impl Fn(&Asked) -> Deed + Send + Sync + 'static {
    let count = AtomicUsize::new(0);
    move |asked| {
        if asked.action == action {
            judge(count.fetch_add(1, Ordering::SeqCst))
        } else {
            Deed::Forward
        }
    }
}

#[tokio::test]
async fn a_check_tells_who_and_what() {
    uphold::<Share>(async |share| {
        let health = share.open().await.check().await.unwrap();
        let said = health.facts.join("\n");
        assert!(said.contains(&share.server.account), "{said}");
        assert!(
            said.contains("us-east-1 t3.large on-demand with `ami-00000000000000002`"),
            "{said}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_check_names_every_permission_that_is_missing() {
    uphold::<Share>(async |share| {
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "RunInstances" | "TerminateInstances" => Deed::Refuse(403, "UnauthorizedOperation"),
                _ => Deed::Forward,
            })
            .await;
        let error = aws.check().await.expect_err("one is missing for certain");
        assert!(
            error
                .to_string()
                .contains("`ec2:RunInstances` is not allowed"),
            "{error}"
        );
        share.launched().await;
        let error = aws.check().await.expect_err("two are missing");
        assert_eq!(error.kind, ErrorKind::Denied);
        assert_eq!(
            error.to_string(),
            "missing permissions: `ec2:RunInstances`, `ec2:TerminateInstances`"
        );
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_tried_is_a_warning() {
    uphold::<Share>(async |share| {
        let (aws, _) = share
            .behind(nth("TerminateInstances", |_| {
                Deed::Refuse(403, "UnauthorizedOperation")
            }))
            .await;
        let health = aws.check().await.unwrap();
        assert_eq!(health.warnings.len(), 1, "{:?}", health.warnings);
        assert!(health.warnings[0].contains("ec2:TerminateInstances"));
    })
    .await;
}

#[tokio::test]
async fn a_spot_machine_that_was_taken_away_says_so() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        ask(
            &share.server,
            REGION,
            "TerminateInstances",
            &[("InstanceId.1", &machine.id.id)],
        );
        let listing = share.open().await.list().await.unwrap();
        assert!(
            listing.instances.iter().all(|one| one.id != machine.id),
            "what was terminated at somebody's wish is gone"
        );
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "DescribeInstances" => Deed::Edit(
                    "<code>Client.UserInitiatedShutdown</code>",
                    "<code>Server.SpotInstanceTermination</code>".to_owned(),
                ),
                _ => Deed::Forward,
            })
            .await;
        let listing = aws.list().await.unwrap();
        let found = listing.instances.iter().find(|one| one.id == machine.id);
        let found = found.expect("it is listed, so that its end is told");
        assert_eq!(
            found.state,
            Condition::Ended("spot interruption (Server.SpotInstanceTermination)".into())
        );
        let end = ends(&Arc::new(aws), &machine.id).await;
        end.expect("there is nothing left to end, though it stays to be seen");
    })
    .await;
}

#[tokio::test]
async fn a_machine_that_ended_by_itself_is_told_to_the_process_that_launched_it_and_to_no_other() {
    uphold::<Share>(async |share| {
        let (aws, _) = share.behind(|_| Deed::Forward).await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let named = [("InstanceId.1", machine.id.id.as_str())];
        ask(&share.server, REGION, "TerminateInstances", &named);
        let listing = aws.list_near(&[]).await.unwrap();
        assert!(listing.is_partial, "other regions were not looked at");
        assert!(!aws.list().await.unwrap().is_partial);
        let found = listing.instances.iter().find(|one| one.id == machine.id);
        let state = found.map(|found| &found.state);
        assert!(
            matches!(state, Some(Condition::Ended(how)) if how.starts_with("terminated: ")),
            "{state:?}"
        );
        let other = share.open().await.list().await.unwrap();
        assert!(other.instances.is_empty(), "{other:?}");
        aws.terminate(&machine.id).await.expect("it is gone");
        let listing = aws.list_near(&[]).await.unwrap();
        assert!(listing.instances.is_empty(), "whoever ended it knows");
    })
    .await;
}

#[tokio::test]
async fn all_enabled_regions_are_searched_and_a_denied_one_is_left_out() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let proxy = share.proxy(
            |asked| match (asked.action.as_str(), asked.region.as_str()) {
                ("DescribeInstances", "eu-west-1") => Deed::Refuse(403, "UnauthorizedOperation"),
                ("DescribeInstances", "eu-west-2") => Deed::Refuse(503, "Unavailable"),
                _ => Deed::Forward,
            },
        );
        let aws = share.with(&proxy, json!({ "search_regions": "all" })).await;
        let listing = aws.list().await.unwrap();
        assert!(listing.instances.iter().any(|one| one.id == machine.id));
        let unread: Vec<_> = listing
            .unread
            .iter()
            .map(|one| one.location.as_deref())
            .collect();
        assert_eq!(unread, [Some(share.place("eu-west-2").as_str())]);
        let asked = proxy.asked("DescribeInstances");
        let mut regions: Vec<_> = asked.iter().map(|asked| asked.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        assert!(regions.len() > 10, "{regions:?}");
    })
    .await;
}

#[tokio::test]
async fn where_the_regions_may_not_be_listed_the_configured_ones_are() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let proxy = share.proxy(nth("DescribeRegions", |_| {
            Deed::Refuse(403, "UnauthorizedOperation")
        }));
        let aws = share.with(&proxy, json!({ "search_regions": "all" })).await;
        let listing = aws.list().await.unwrap();
        assert!(listing.unread.is_empty(), "{:?}", listing.unread);
        assert!(listing.instances.iter().any(|one| one.id == machine.id));
        // Where nobody answers, or somebody between, there may be more than is known.
        for page in [Deed::Html, Deed::Page(401), Deed::Page(403)] {
            let proxy = share.proxy(nth("DescribeRegions", move |_| page.clone()));
            let aws = share.with(&proxy, json!({ "search_regions": "all" })).await;
            let listing = aws.list().await.unwrap();
            assert_eq!(listing.unread.len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_of_somebody_between_hides_no_region_and_keeps_nothing_alive() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        for status in [401, 403, 404] {
            let (aws, _) = share
                .behind(move |asked| match asked.action.as_str() {
                    "DescribeInstances" if asked.region == share::FURTHER => Deed::Page(status),
                    _ => Deed::Forward,
                })
                .await;
            let listing = aws.list().await.unwrap();
            assert_eq!(listing.unread.len(), 1, "{status}: {listing:?}");
        }
        let first = AtomicUsize::new(0);
        let (aws, _) = share
            .behind(move |asked| match asked.action.as_str() {
                "TerminateInstances" if first.fetch_add(1, Ordering::SeqCst) == 0 => {
                    Deed::Page(403)
                }
                _ => Deed::Forward,
            })
            .await;
        let end = ends(&Arc::new(aws), &machine.id).await;
        assert!(end.is_ok(), "{}", chain(&end.unwrap_err()));
    })
    .await;
}

#[tokio::test]
async fn the_console_is_told_and_its_latest_where_the_type_has_it() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let (aws, proxy) = share
            .behind(|asked| match asked.value("Latest") {
                Some(_) => Deed::Refuse(400, "UnsupportedOperation"),
                None => Deed::Forward,
            })
            .await;
        let log = aws
            .logs(&machine.id)
            .await
            .unwrap()
            .expect("moto has a log");
        assert!(log.contains("Linux version"), "{log}");
        assert_eq!(proxy.asked("GetConsoleOutput").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_console_of_an_instance_that_has_no_latest_output_is_told() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let empty = "<GetConsoleOutputResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId></GetConsoleOutputResponse>";
        let (aws, _) = share
            .behind(move |asked| match asked.value("Latest") {
                Some(_) => Deed::Answer(empty),
                None => Deed::Forward,
            })
            .await;
        let log = aws.logs(&machine.id).await.unwrap();
        assert!(log.is_some_and(|log| log.contains("Linux version")));
    })
    .await;
}

#[tokio::test]
async fn the_ways_in_are_those_of_the_settings_and_of_the_state_that_the_machine_is_in() {
    let tags = order("x").tags;
    let machine = |state: Condition| Instance {
        id: InstanceId {
            location: Some("us_east_1_3fa9c1".to_owned()),
            id: "i-0123456789abcdef0".to_owned(),
        },
        state,
        created: tags.created,
        tags: tags.clone(),
        ended: None,
        rental: Rental::default(),
    };
    let ways = async |settings: serde_json::Value, state: Condition| {
        let config = serde_json::from_value(settings).unwrap();
        let aws = Aws::open(config).await.unwrap();
        aws.access(&machine(state)).join("\n")
    };
    let of = "--region us-east-1 --instance-id i-0123456789abcdef0";
    let plain = ways(json!({}), Condition::Running).await;
    assert_eq!(
        plain,
        format!(
            "aws ec2-instance-connect ssh {of} --os-user ubuntu\n\
             aws ec2 get-console-output {of} --output text --latest"
        )
    );
    let rich = json!({ "instance_profile": "p", "key_name": "ops", "user": "admin" });
    let rich = ways(rich, Condition::Running).await;
    for way in [
        "ssh --region us-east-1 --instance-id i-0123456789abcdef0 --os-user admin",
        "aws ssm start-session --region us-east-1 --target i-0123456789abcdef0",
        "ssh -i ops.pem admin@$(aws ec2 describe-instances",
    ] {
        assert!(rich.contains(way), "{rich}");
    }
    let ended = ways(json!({ "key_name": "ops" }), Condition::Ended("x".into())).await;
    assert_eq!(
        ended,
        format!("aws ec2 get-console-output {of} --output text")
    );
}

#[test]
fn jobs_run_as_whom_the_settings_say_with_the_rights_of_a_machine_of_their_own() {
    let user = |settings: serde_json::Value| {
        let config: AwsConfig = serde_json::from_value(settings).unwrap();
        let user = config.job_user();
        assert!(user.is_privileged, "the machine is this job's alone");
        user.run_as.to_string()
    };
    assert_eq!(user(json!({})), "runner");
    assert_eq!(user(json!({ "run_as": "ubuntu" })), "ubuntu");
    assert!(serde_json::from_value::<AwsConfig>(json!({ "run_as": "a b" })).is_err());
}

#[tokio::test]
async fn without_credentials_the_error_says_what_is_missing() {
    // A profile that is nowhere: the chain of the test run itself has some.
    let aws = Aws::open(
        serde_json::from_value(json!({
            "region": REGION, "profile": "gharun-none", "endpoint": "http://127.0.0.1:1",
        }))
        .unwrap(),
    )
    .await
    .unwrap();
    let resolved = aws.resolve().await.expect_err("nobody is that profile");
    let error = aws.check().await.expect_err("nobody is that profile");
    assert_eq!(chain(&resolved), chain(&error), "the same reason is told");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    let told = chain(&error);
    assert!(
        told.starts_with("the AWS profile `gharun-none` does not exist"),
        "{told}"
    );
    assert_eq!(error.key(), Some("profile"));
    assert_eq!(
        error.hints(),
        ["list the profiles with `aws configure list-profiles`"]
    );
}
