//! Whose an instance is: its account, its tags, the token of its creation.

use super::*;
use crate::providers::Silence;

fn vague(id: &InstanceId) -> InstanceId {
    InstanceId {
        location: Some("us_east_1".into()),
        id: id.id.clone(),
    }
}

#[tokio::test]
async fn another_accounts_credentials_prove_nothing_gone() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        let aws = share.stranger().open().await;
        let error = aws.terminate(&machine.id).await.expect_err("it runs");
        assert_eq!(error.kind, ErrorKind::Elsewhere, "{}", chain(&error));
        assert!(error.to_string().contains("of account …"), "{error}");
        assert!(aws.in_use(&machine.id).await.is_err());
        let listing = aws.list().await.unwrap();
        let said = listing.silence(machine.id.location.as_deref());
        assert!(matches!(said, Some(Silence::Elsewhere)), "{said:?}");
        assert_eq!(share.census().await, [machine.id]);
    })
    .await;
}

#[tokio::test]
async fn a_reference_of_earlier_versions_is_ended_where_it_is_and_not_gone_where_it_is_not() {
    uphold::<Share>(async |share| {
        let aws = share.open().await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let old = vague(&machine.id);
        let stranger = Arc::new(share.stranger().open().await);
        let listing = stranger.list().await.unwrap();
        let said = listing.silence(old.location.as_deref());
        assert!(matches!(said, Some(Silence::Vague(_))), "{said:?}");
        let error = ends(&stranger, &old).await.expect_err("it runs");
        assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
        let bare = InstanceId {
            location: None,
            id: machine.id.id.clone(),
        };
        let error = ends(&stranger, &bare).await.expect_err("it runs");
        assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
        let said = error.to_string();
        assert!(
            said.contains("was not found in account …") && said.contains(REGION),
            "{said}"
        );
        assert!(aws.is_same(&machine.id, &old));
        assert_eq!(aws.canonical(&old).await.unwrap(), machine.id);
        ends(&Arc::new(aws), &old).await.expect("it is there");
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn an_instance_whose_tags_were_forged_is_named_and_never_ended() {
    uphold::<Share>(async |share| {
        let tags = order(share.tag()).tags.pairs();
        let forged = share.run(&tags);
        let aws = share.open().await;
        let listing = aws.list().await.unwrap();
        assert!(listing.instances.is_empty(), "{listing:?}");
        let found = listing.unjudged(&forged).expect("it is named");
        assert!(!found.is_ours, "{found:?}");
        let error = aws
            .terminate(&forged)
            .await
            .expect_err("it is a stranger's");
        assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
        assert_eq!(share.census().await, [forged]);
    })
    .await;
}

#[tokio::test]
async fn a_spot_instance_whose_token_is_not_shown_is_named_and_ended_by_who_names_it() {
    uphold::<Share>(async |share| {
        let tags = order(share.tag()).tags.pairs();
        let spot = share.run(&tags);
        let as_spot = |asked: &Asked| match asked.action.as_str() {
            "DescribeInstances" => Deed::Edit(
                "<instanceId>",
                "<spotInstanceRequestId>sir-0123abcd</spotInstanceRequestId><instanceId>".into(),
            ),
            _ => Deed::Forward,
        };
        let (aws, _) = share.behind(as_spot).await;
        let listing = aws.list().await.unwrap();
        assert!(listing.instances.is_empty(), "{listing:?}");
        let found = listing.unjudged(&spot).expect("it is named");
        assert!(!found.is_ours && found.by_name, "{found:?}");
        assert!(found.name.is_some() && found.scope.is_some());
        aws.terminate(&spot).await.expect("who names it ends it");
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_this_process_ordered_is_its_own_whatever_token_is_shown() {
    uphold::<Share>(async |share| {
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "DescribeInstances" => Deed::Edit("<clientToken>", "<clientToken>x".into()),
                _ => Deed::Forward,
            })
            .await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let listing = aws.list().await.unwrap();
        let listed: Vec<_> = listing.instances.iter().map(|one| &one.id).collect();
        assert_eq!(listed, [&machine.id], "{listing:?}");
        aws.terminate(&machine.id).await.expect("it is its own");
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_machine_is_ended_and_listed_though_sts_does_not_answer() {
    uphold::<Share>(async |share| {
        // Nor does EC2 show it yet, where it is asked for by its id.
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "GetCallerIdentity" => Deed::Refuse(403, "AccessDenied"),
                "DescribeInstances" if asked.value("InstanceId.1").is_some() => {
                    Deed::Refuse(400, "InvalidInstanceID.NotFound")
                }
                _ => Deed::Forward,
            })
            .await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let listing = aws.list().await.unwrap();
        assert!(listing.unread.is_empty(), "{:?}", listing.unread);
        aws.terminate(&machine.id)
            .await
            .expect("it was launched here");
        assert_eq!(share.census().await, []);

        // Whose it is, the look for it tells.
        let kept = share.launched().await;
        let (aws, _) = share
            .behind(|asked| match asked.action.as_str() {
                "GetCallerIdentity" => Deed::Refuse(403, "AccessDenied"),
                _ => Deed::Forward,
            })
            .await;
        let aws = Arc::new(aws);
        ends(&aws, &vague(&kept.id)).await.expect("it is shown");
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn an_instance_under_a_changed_name_is_not_taken_for_another() {
    uphold::<Share>(async |share| {
        let aws = share.open().await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let other = order(share.tag()).name;
        share.tag_as(&machine.id, "gharun-name", other.as_str());
        let listing = share.open().await.list().await.unwrap();
        assert!(listing.instances.is_empty(), "{listing:?}");
        assert!(listing.unjudged(&machine.id).is_some());
    })
    .await;
}

#[tokio::test]
async fn an_instance_with_a_tag_that_cannot_be_read_is_named_and_can_be_ended() {
    uphold::<Share>(async |share| {
        let machine = share.launched().await;
        share.tag_as(&machine.id, "gharun-expires", "never");
        let aws = share.open().await;
        let listing = aws.list().await.unwrap();
        let found = listing.unjudged(&machine.id).expect("it is named");
        assert!(found.is_ours && found.name.as_ref() == Some(&machine.tags.name));
        assert_eq!(found.scope.as_ref(), Some(&machine.tags.scope));
        aws.terminate(&machine.id).await.expect("it is gharun's");
        assert_eq!(share.census().await, []);
    })
    .await;
}
