//! Ends: of what is not shown yet, of one of several, of a spot machine.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::providers::contract::all_end;

#[tokio::test]
async fn what_was_launched_just_now_is_ended_though_ec2_does_not_show_it_yet() {
    uphold::<Share>(async |share| {
        let (aws, proxy) = share
            .behind(|asked| match asked.action.as_str() {
                "DescribeInstances" => Deed::Refuse(400, "InvalidInstanceID.NotFound"),
                _ => Deed::Forward,
            })
            .await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        aws.terminate(&machine.id).await.unwrap();
        assert_eq!(proxy.asked("TerminateInstances").len(), 1);
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn an_unknown_id_is_gone_and_keeps_no_other_alive() {
    uphold::<Share>(async |share| {
        let aws = Arc::new(share.open().await);
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let unknown = InstanceId {
            id: "i-0123456789abcdef0".into(),
            ..machine.id.clone()
        };
        aws.is_old(&unknown);
        let both = all_end(&aws, &[unknown, machine.id]).await;
        assert!(both.iter().all(Result::is_ok), "{both:?}");
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_shown_is_gone_only_after_the_time_that_ec2_may_take_to_show_it() {
    uphold::<Share>(async |share| {
        let aws = share.open().await;
        assert_eq!(aws.shows_within(), Duration::from_mins(2));
        let unknown = InstanceId {
            location: Some(share.place(REGION)),
            id: "i-0123456789abcdef0".into(),
        };
        let missed_for = |seconds| {
            let since = Moment::now().checked_sub(Duration::from_secs(seconds));
            let mut memory = lock(&aws.memory);
            memory.missed.insert(unknown.id.clone(), since.unwrap());
        };
        missed_for(100);
        let error = aws.terminate(&unknown).await.expect_err("it may be new");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
        missed_for(121);
        let said = aws.terminate(&unknown).await;
        assert_eq!(said.expect("it is gone"), Termination::Gone);
        // What its start has long made is gone sooner.
        aws.is_old(&unknown);
        missed_for(8);
        let said = aws.terminate(&unknown).await;
        assert_eq!(said.expect("it is gone"), Termination::Gone);
    })
    .await;
}

#[tokio::test]
async fn a_reference_that_cannot_be_one_is_a_failure() {
    uphold::<Share>(async |share| {
        let aws = share.open().await;
        for (place, id) in [
            (None, "i-0123456789abcdef0"),
            (Some("us_east_1"), "0123456789abcdef0"),
            (Some("us_east_1"), "i-XYZ"),
            (Some("us_east"), "i-0123456789abcdef0"),
        ] {
            let id = InstanceId {
                location: place.map(str::to_owned),
                id: id.to_owned(),
            };
            let error = aws.terminate(&id).await.expect_err("it is none");
            assert_eq!(error.kind, ErrorKind::Config, "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_spot_request_is_cancelled_with_its_machine() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let (aws, proxy) = share
            .behind(|asked| match asked.action.as_str() {
                "DescribeInstances" => Deed::Edit(
                    "<instanceId>",
                    "<spotInstanceRequestId>sir-0123abcd</spotInstanceRequestId><instanceId>"
                        .to_owned(),
                ),
                // Also where that fails: the machine is ended, and that is what counts.
                "CancelSpotInstanceRequests" => Deed::Refuse(403, "UnauthorizedOperation"),
                _ => Deed::Forward,
            })
            .await;
        aws.terminate(&machine.id).await.unwrap();
        let asked = proxy.asked("CancelSpotInstanceRequests").remove(0);
        assert_eq!(
            asked.value("SpotInstanceRequestId.1").as_deref(),
            Some("sir-0123abcd")
        );
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn the_region_of_an_end_is_looked_at_whatever_the_settings_say() {
    uphold::<Share>(async |share| {
        let proxy = share.proxy(|_| Deed::Forward);
        let there = serde_json::json!({ "region": share::FURTHER });
        let aws = share.with(&proxy, there).await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        // The first end is accepted, and nothing is done.
        let first = AtomicBool::new(true);
        let proxy = share.proxy(move |asked| match asked.action.as_str() {
            "TerminateInstances" if first.swap(false, Ordering::SeqCst) => {
                Deed::Answer(share::DONE)
            }
            _ => Deed::Forward,
        });
        let here = serde_json::json!({ "search_regions": [] });
        let aws = Arc::new(share.with(&proxy, here).await);
        let end = ends(&aws, &machine.id).await;
        assert!(end.is_ok(), "{}", chain(&end.unwrap_err()));
        assert_eq!(proxy.asked("TerminateInstances").len(), 2);
        let alive = gharun_worlds::moto::alive;
        let left = alive(&share.server, share::FURTHER, "gharun-start", share.tag());
        assert_eq!(left, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_no_proof_of_an_end() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "DescribeInstances" => Deed::Refuse(400, "Brandnew"),
                _ => Deed::Forward,
            })
            .await;
        let error = aws.terminate(&machine.id).await.expect_err("nobody knows");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
        for mood in [Mood::Html, Mood::Unavailable, Mood::Denied] {
            let aws = share.turn(mood).await.expect("a mood of this place");
            let error = aws.terminate(&machine.id).await.expect_err("nobody knows");
            assert_ne!(error.kind, ErrorKind::Unexpected, "{}", chain(&error));
        }
        assert_eq!(share.census().await, [machine.id]);
    })
    .await;
}
