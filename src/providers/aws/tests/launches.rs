//! Launches on bad days: no room, lost answers, throttling, a machine that is not shown yet.

use super::*;

#[tokio::test]
async fn the_next_candidate_is_tried_at_once_when_one_has_no_room() {
    uphold::<Share>(async |share| {
        let proxy = share.proxy(nth("RunInstances", |n| match n {
            0 => Deed::Refuse(500, "InsufficientInstanceCapacity"),
            1 => Deed::Refuse(400, "Unsupported"),
            _ => Deed::Forward,
        }));
        let settings =
            json!({ "instance_types": ["m5.large", "t3.large"], "market": "spot-then-on-demand" });
        let aws = share.with(&proxy, settings).await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances");
        let tried: Vec<_> = asked
            .iter()
            .map(|one| {
                (
                    one.value("InstanceType").unwrap(),
                    one.value("InstanceMarketOptions.MarketType").is_some(),
                )
            })
            .collect();
        assert_eq!(
            tried,
            [
                ("m5.large".to_owned(), true),
                ("m5.large".to_owned(), false),
                ("t3.large".to_owned(), true)
            ]
        );
        assert_eq!(share.census().await, [machine.id]);
    })
    .await;
}

#[tokio::test]
async fn what_no_other_candidate_would_mend_ends_the_launch() {
    uphold::<Share>(async |share| {
        for (status, code, kind) in [
            (400, "InvalidAMIID.NotFound", ErrorKind::Config),
            (403, "UnauthorizedOperation", ErrorKind::Denied),
            (401, "OptInRequired", ErrorKind::Denied),
            (400, "InvalidParameterValue", ErrorKind::Config),
        ] {
            let proxy = share.proxy(nth("RunInstances", move |_| Deed::Refuse(status, code)));
            let aws = share
                .with(
                    &proxy,
                    json!({ "instance_types": ["m5.large", "t3.large"] }),
                )
                .await;
            let error = aws.launch(&order(share.tag())).await.expect_err("refused");
            assert_eq!(error.kind, kind, "{code}: {}", chain(&error));
            assert!(chain(&error).contains(code), "{}", chain(&error));
            assert_eq!(proxy.asked("RunInstances").len(), 1, "{code}");
            assert_eq!(share.census().await, [], "{code}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_quota_moves_on_to_what_is_counted_apart_and_to_nothing_else() {
    uphold::<Share>(async |share| {
        let types = json!({ "instance_types": ["m5.large", "t3.large"] });
        let spot =
            json!({ "market": "spot-then-on-demand", "instance_types": ["m5.large", "t3.large"] });
        let families = json!({ "instance_types": ["g4dn.xlarge", "t3.large"] });
        let regions = json!({ "regions": ["us-west-2"] });
        for (settings, refused, asked_for, fits) in [
            (
                spot,
                "MaxSpotInstanceCountExceeded",
                vec!["m5.large", "m5.large"],
                true,
            ),
            (
                families,
                "VcpuLimitExceeded",
                vec!["g4dn.xlarge", "t3.large"],
                true,
            ),
            (
                regions,
                "VcpuLimitExceeded",
                vec!["t3.large", "t3.large"],
                true,
            ),
            (types, "VcpuLimitExceeded", vec!["m5.large"], false),
        ] {
            let proxy = share.proxy(nth("RunInstances", move |n| match n {
                0 => Deed::Refuse(400, refused),
                _ => Deed::Forward,
            }));
            let aws = share.with(&proxy, settings.clone()).await;
            let launched = aws.launch(&order(share.tag())).await;
            let asked = proxy.asked("RunInstances");
            let tried: Vec<_> = asked
                .iter()
                .filter_map(|one| one.value("InstanceType"))
                .collect();
            assert_eq!(tried, asked_for, "{settings}");
            if fits {
                launched.unwrap();
                continue;
            }
            let error = launched.expect_err("all are counted together");
            // So that the next place is asked.
            assert_eq!(error.kind, ErrorKind::NoCapacity);
            let told = error.describe();
            assert!(
                told.contains("the quota of the AWS account is used up"),
                "{told}"
            );
            assert!(told.contains("quotas/L-1216C47A"), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn where_every_quota_refuses_each_is_told() {
    uphold::<Share>(async |share| {
        let proxy = share.proxy(nth("RunInstances", |n| match n {
            0 => Deed::Refuse(400, "MaxSpotInstanceCountExceeded"),
            _ => Deed::Refuse(400, "VcpuLimitExceeded"),
        }));
        let settings = json!({ "market": "spot-then-on-demand" });
        let aws = share.with(&proxy, settings).await;
        let error = aws.launch(&order(share.tag())).await.expect_err("no quota");
        let told = chain(&error);
        assert!(
            told.starts_with("the quotas of the AWS account are used up"),
            "{told}"
        );
        for code in ["MaxSpotInstanceCountExceeded", "VcpuLimitExceeded"] {
            assert!(told.contains(code), "{told}");
        }
        assert!(!told.contains("capacity"), "{told}");
    })
    .await;
}

/// Shows every instance that was terminated as ended for another reason.
fn ended_for(reason: &'static str) -> impl Fn(&Asked) -> Deed + Send + Sync + 'static {
    move |asked| match asked.action.as_str() {
        "DescribeInstances" => Deed::Edit(
            "<code>Client.UserInitiatedShutdown</code>",
            format!("<code>{reason}</code>"),
        ),
        _ => Deed::Forward,
    }
}

/// Launches, ends the instance behind the provider's back, and shows it to the provider.
async fn launched_and_ended(share: &Share, aws: &Aws) -> Instance {
    let machine = aws.launch(&order(share.tag())).await.unwrap();
    assert!(aws.why_doomed(&machine).await.is_none(), "it has not ended");
    let more = [("InstanceId.1", machine.id.id.as_str())];
    ask(&share.server, REGION, "TerminateInstances", &more);
    let listing = aws.list().await.unwrap();
    let mut listed = listing.instances.into_iter();
    listed
        .find(|one| one.id == machine.id)
        .expect("it is shown")
}

#[tokio::test]
async fn an_accepted_machine_without_room_is_told_from_a_slow_one_and_not_ordered_again() {
    uphold::<Share>(async |share| {
        for reason in [
            "Server.InsufficientInstanceCapacity",
            "Server.SpotInstanceTermination",
        ] {
            let proxy = share.proxy(ended_for(reason));
            let types = json!({ "instance_types": ["m5.large", "t3.large"] });
            let aws = share.with(&proxy, types).await;
            for kind in ["m5.large", "t3.large"] {
                let ended = launched_and_ended(share, &aws).await;
                let why = aws.why_doomed(&ended).await.expect("EC2 says why");
                assert_eq!(why.kind, ErrorKind::NoCapacity, "{}", chain(&why));
                let told = chain(&why);
                assert!(told.contains(kind) && told.contains(reason), "{told}");
            }
            let error = aws
                .launch(&order(share.tag()))
                .await
                .expect_err("both lack room");
            assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
            assert_eq!(proxy.asked("RunInstances").len(), 2);
        }
    })
    .await;
}

#[tokio::test]
async fn a_limit_of_a_region_that_comes_late_leaves_the_other_regions() {
    uphold::<Share>(async |share| {
        let proxy = share.proxy(ended_for("Client.VolumeLimitExceeded"));
        let settings = json!({
            "regions": [share::FURTHER], "instance_types": ["m5.large", "t3.large"],
        });
        let aws = share.with(&proxy, settings).await;
        let ended = launched_and_ended(share, &aws).await;
        let why = aws.why_doomed(&ended).await.expect("EC2 says why");
        assert_eq!(why.kind, ErrorKind::NoCapacity, "{}", chain(&why));
        assert_eq!(why.key(), Some("volume.size"));
        let next = aws.launch(&order(share.tag())).await.unwrap();
        let region = share.place(share::FURTHER);
        assert_eq!(next.id.location, Some(region));
        assert_eq!(proxy.asked("RunInstances").len(), 2);
        aws.terminate(&next.id).await.expect("it is there");
    })
    .await;
}

#[tokio::test]
async fn an_order_that_is_wrong_names_its_setting_and_is_not_sent_again() {
    uphold::<Share>(async |share| {
        for (reason, key) in [
            ("Client.InternalError", "image"),
            ("Client.InvalidSnapshot.NotFound", "image"),
        ] {
            let (aws, proxy) = share.behind(ended_for(reason)).await;
            let ended = launched_and_ended(share, &aws).await;
            let why = aws.why_doomed(&ended).await.expect("EC2 says why");
            assert_eq!(why.kind, ErrorKind::Config, "{}", chain(&why));
            assert_eq!(why.key(), Some(key), "{}", chain(&why));
            assert!(!why.hints().is_empty(), "{}", chain(&why));
            let again = aws
                .launch(&order(share.tag()))
                .await
                .expect_err("it is as wrong");
            assert_eq!(chain(&again), chain(&why));
            assert_eq!(proxy.asked("RunInstances").len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_look_ahead_finds_what_every_launch_would_fail_with_and_creates_nothing() {
    uphold::<Share>(async |share| {
        for (settings, key) in [
            (json!({ "image": "ami-0ffffffffffffffff" }), "image"),
            (json!({ "instance_types": ["x9.none"] }), "instance_types"),
            (json!({ "profile": "gharun-none" }), "profile"),
        ] {
            let proxy = share.proxy(|_| Deed::Forward);
            let aws = share.with(&proxy, settings.clone()).await;
            let error = aws.preflight().await.expect_err("it cannot work");
            assert_eq!(error.key(), Some(key), "{settings}: {}", chain(&error));
        }
        let (aws, proxy) = share.behind(|_| Deed::Forward).await;
        aws.preflight().await.unwrap();
        assert_eq!(proxy.asked("RunInstances").len(), 0);
        aws.launch(&order(share.tag())).await.unwrap();
        assert_eq!(
            proxy.asked("DescribeImages").len(),
            1,
            "it is not asked twice"
        );
        let (aws, _) = share
            .behind(|_| Deed::Refuse(503, "RequestLimitExceeded"))
            .await;
        aws.preflight()
            .await
            .expect("what is only too fast is a launch's to wait for");
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_token() {
    uphold::<Share>(async |share| {
        for deed in [
            Deed::Lose,
            Deed::Drop,
            Deed::Html,
            Deed::Refuse(500, "InternalError"),
        ] {
            let before = share.census().await.len();
            let (aws, proxy) = share
                .behind(nth("RunInstances", {
                    let deed = deed.clone();
                    move |n| if n == 0 { deed.clone() } else { Deed::Forward }
                }))
                .await;
            aws.launch(&order(share.tag())).await.unwrap();
            let asked = proxy.asked("RunInstances");
            assert_eq!(asked.len(), 2, "{deed:?}");
            assert_eq!(asked[0].body, asked[1].body, "it is the same request");
            assert_eq!(share.census().await.len(), before + 1, "{deed:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn after_a_lost_answer_a_refusal_proves_nothing() {
    uphold::<Share>(async |share| {
        let (aws, _) = share
            .behind(nth("RunInstances", |n| match n {
                0 => Deed::Lose,
                _ => Deed::Refuse(403, "UnauthorizedOperation"),
            }))
            .await;
        let error = aws
            .launch(&order(share.tag()))
            .await
            .expect_err("nobody knows");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert_eq!(share.census().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_used_for_something_else_is_looked_up_by_its_name() {
    uphold::<Share>(async |share| {
        let order = order(share.tag());
        let first = share.open().await.launch(&order).await.unwrap();
        // The same name and candidate with another disk, in another process.
        let proxy = share.proxy(|_| Deed::Forward);
        let aws = share
            .with(&proxy, json!({ "volume": { "size": 99 } }))
            .await;
        let again = aws.launch(&order).await.unwrap();
        assert_eq!(again.id, first.id);
        assert_eq!(share.census().await, [first.id]);
    })
    .await;
}

#[tokio::test]
async fn throttling_is_waited_out() {
    uphold::<Share>(async |share| {
        let (aws, proxy) = share
            .behind(nth("RunInstances", |n| match n {
                0 | 1 => Deed::Refuse(503, "RequestLimitExceeded"),
                _ => Deed::Forward,
            }))
            .await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        assert_eq!(proxy.asked("RunInstances").len(), 3);
        assert_eq!(share.census().await, [machine.id]);
    })
    .await;
}

#[tokio::test]
async fn sixteen_launches_are_made_side_by_side_and_ask_for_image_and_type_once() {
    uphold::<Share>(async |share| {
        let proxy = moto::Proxy::start(&share.server, Duration::from_millis(50), |_| Deed::Forward);
        let aws = share.with(&proxy, json!({})).await;
        let orders: Vec<_> = (0..16).map(|_| order(share.tag())).collect();
        let launches = join_all(orders.iter().map(|order| aws.launch(order))).await;
        assert_eq!(launches.iter().filter(|launch| launch.is_ok()).count(), 16);
        assert_eq!(share.census().await.len(), 16);
        assert_eq!(proxy.asked("DescribeImages").len(), 1);
        assert_eq!(proxy.asked("DescribeInstanceTypes").len(), 1);
        // EC2's bucket holds five.
        let most = proxy.seen().most_launches;
        assert!(most >= 4, "{most} launches at a time");
    })
    .await;
}

#[tokio::test]
async fn when_all_candidates_are_out_they_are_tried_again_while_there_is_time() {
    uphold::<Share>(async |share| {
        let refuse = |n| {
            if n < 2 {
                Deed::Refuse(500, "InsufficientInstanceCapacity")
            } else {
                Deed::Forward
            }
        };
        let types = json!({ "instance_types": ["m5.large", "t3.large"] });
        let proxy = share.proxy(nth("RunInstances", refuse));
        let aws = share.with(&proxy, types).await;
        let error = aws
            .launch(&order(share.tag()))
            .await
            .expect_err("no room, and no time");
        assert_eq!(error.kind, ErrorKind::NoCapacity);
        let told = chain(&error);
        let both = "us-east-1 m5.large on-demand, us-east-1 t3.large on-demand: EC2 has no capacity for it: ";
        assert!(told.starts_with(both), "{told}");
        assert_eq!(told.matches("AWS answered").count(), 1, "{told}");
        let proxy = share.proxy(nth("RunInstances", refuse));
        let settings =
            json!({ "instance_types": ["m5.large", "t3.large"], "capacity_wait": "30s" });
        let aws = share.with(&proxy, settings).await;
        aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances");
        assert_eq!(asked.len(), 3);
        assert_ne!(asked[0].value("ClientToken"), asked[2].value("ClientToken"));
    })
    .await;
}
