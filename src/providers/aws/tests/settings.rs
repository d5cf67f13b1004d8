//! What settings become on the wire, and what is refused.

use super::*;

fn refused(table: serde_json::Value) -> Option<String> {
    let config: AwsConfig = serde_json::from_value(table).expect("a table");
    let error = config.check().expect_err("it cannot be meant");
    assert_eq!(error.kind, ErrorKind::Config);
    error.key().map(str::to_owned)
}

#[test]
fn what_cannot_be_meant_is_refused_by_its_key() {
    for (table, key) in [
        (json!({ "region": "us-east-1a" }), "region"),
        (json!({ "regions": ["Frankfurt"] }), "regions[0]"),
        (json!({ "search_regions": "some" }), "search_regions"),
        (json!({ "search_regions": ["x"] }), "search_regions[0]"),
        (json!({ "image": "ubuntu" }), "image"),
        (json!({ "image": "resolve:ssm:" }), "image"),
        (
            json!({ "image": { "owner": "self", "name": "x", "arch": "amd64" } }),
            "image.arch",
        ),
        (json!({ "image": ["ami-1"] }), "image[0]"),
        (json!({ "image": ["us-east-1/subnet-1"] }), "image[0]"),
        (
            json!({ "region": "us-east-1", "regions": ["us-west-2"], "image": ["us-east-1/ami-1"] }),
            "image",
        ),
        (json!({ "subnets": ["vpc-1"] }), "subnets[0]"),
        (
            json!({ "security_groups": ["default"] }),
            "security_groups[0]",
        ),
        (json!({ "instance_types": [""] }), "instance_types[0]"),
        (json!({ "max_price": 0.1 }), "max_price"),
        (json!({ "max_price": 0.0, "market": "spot" }), "max_price"),
        (
            json!({ "capacity_reservation": "x" }),
            "capacity_reservation",
        ),
        (json!({ "volume": { "size": 0 } }), "volume.size"),
        (
            json!({ "tags": { "gharun-name": "x" } }),
            "tags.gharun-name",
        ),
        (json!({ "tags": { "Managed-By": "x" } }), "tags.Managed-By"),
        (json!({ "tags": { "aws:x": "x" } }), "tags.\"aws:x\""),
        (json!({ "tags": { "x": "y".repeat(257) } }), "tags.x"),
        (json!({ "user": "a b" }), "user"),
        (json!({ "metadata_hop_limit": 0 }), "metadata_hop_limit"),
        (
            json!({ "launch_template": { "version": "1" } }),
            "launch_template",
        ),
        (
            json!({ "region": "us-east-1", "regions": ["us-west-2"], "image": "ami-1" }),
            "image",
        ),
        (
            json!({ "region": "us-east-1", "regions": ["us-west-2"], "subnets": ["subnet-1"] }),
            "subnets[0]",
        ),
    ] {
        assert_eq!(refused(table.clone()).as_deref(), Some(key), "{table}");
    }
    let many: serde_json::Map<String, Value> =
        (0..36).map(|n| (format!("t{n}"), json!("x"))).collect();
    assert_eq!(refused(json!({ "tags": many })).as_deref(), Some("tags"));
}

#[test]
fn the_region_of_the_surroundings_is_a_setting() {
    let env = |name: &str| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_DEFAULT_REGION" => Some("us-east-1".to_owned()),
        _ => None,
    };
    let found = Aws::env_defaults(&env);
    assert_eq!(found[0], ("AWS_REGION", "region", json!("eu-west-1")));
}

#[tokio::test]
async fn settings_arrive_in_the_one_request() {
    uphold::<Share>(async |share| {
        let subnets = ask(&share.server, REGION, "DescribeSubnets", &[]);
        let subnet = texts(&subnets, "subnetId").remove(0);
        let proxy = share.proxy(|_| Deed::Forward);
        let aws = share
            .with(&proxy, json!({
                "subnets": [subnet], "public_ip": true, "market": "spot", "max_price": 0.25,
                "volume": { "size": 50, "type": "gp3", "iops": 4000, "throughput": 250, "encrypted": true },
                "tags": { "team": "x y" }, "metadata_hop_limit": 2, "key_name": "ops",
            }))
            .await;
        let order = order(share.tag());
        let machine = aws.launch(&order).await.unwrap();
        let rental = machine.rental.to_string();
        assert!(
            rental.starts_with("t3.large, spot, us-east-1") && rental.ends_with(", at most $0.25/h"),
            "{rental}"
        );
        let asked = proxy.asked("RunInstances").remove(0);
        for (key, value) in [
            ("InstanceInitiatedShutdownBehavior", "terminate"),
            ("MetadataOptions.HttpTokens", "required"),
            ("MetadataOptions.HttpPutResponseHopLimit", "2"),
            ("ImageId", "ami-00000000000000002"),
            ("InstanceType", "t3.large"),
            ("KeyName", "ops"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("NetworkInterface.1.AssociatePublicIpAddress", "true"),
            ("NetworkInterface.1.DeleteOnTermination", "true"),
            ("NetworkInterface.1.SubnetId", subnet.as_str()),
            ("BlockDeviceMapping.1.DeviceName", "/dev/sda1"),
            ("BlockDeviceMapping.1.Ebs.VolumeSize", "50"),
            ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
            ("BlockDeviceMapping.1.Ebs.Iops", "4000"),
            ("BlockDeviceMapping.1.Ebs.Throughput", "250"),
            ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
            ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
            ("InstanceMarketOptions.MarketType", "spot"),
            ("InstanceMarketOptions.SpotOptions.MaxPrice", "0.25"),
            ("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time"),
            ("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior", "terminate"),
        ] {
            assert_eq!(asked.value(key).as_deref(), Some(value), "{key}");
        }
        assert!(asked.value("ClientToken").unwrap().len() <= 64);
        // moto drops the tags of network interfaces: what was asked for counts.
        let tagged: Vec<String> = (1..=4)
            .map(|n| {
                let tags = asked.values(&format!("TagSpecification.{n}.Tag."));
                assert!(tags.contains(&order.name.to_string()) && tags.contains(&"x y".to_owned()));
                assert!(tags.len() / 2 <= 50);
                asked.value(&format!("TagSpecification.{n}.ResourceType")).unwrap()
            })
            .collect();
        assert_eq!(tagged, ["instance", "volume", "network-interface", "spot-instances-request"]);
    })
    .await;
}

#[tokio::test]
async fn the_newest_image_of_the_types_architecture_is_taken() {
    uphold::<Share>(async |share| {
        for (settings, image) in [
            (
                json!({ "instance_types": ["m6g.large"] }),
                "ami-00000000000000004",
            ),
            (
                json!({ "image": { "owner": "111122223333", "name": "acme/*" } }),
                "ami-00000000000000006",
            ),
            (
                json!({ "image": "ami-00000000000000001" }),
                "ami-00000000000000001",
            ),
        ] {
            let proxy = share.proxy(|_| Deed::Forward);
            let aws = share.with(&proxy, settings).await;
            aws.launch(&order(share.tag())).await.unwrap();
            let asked = proxy.asked("RunInstances").remove(0);
            assert_eq!(asked.value("ImageId").as_deref(), Some(image));
        }
    })
    .await;
}

#[tokio::test]
async fn a_parameter_tells_the_image() {
    uphold::<Share>(async |share| {
        let name = format!("/acme/{}", share.tag());
        put_parameter(&share.server, &name, "ami-00000000000000003").await;
        let proxy = share.proxy(|_| Deed::Forward);
        let image = format!("resolve:ssm:{name}");
        let aws = share.with(&proxy, json!({ "image": image })).await;
        aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances").remove(0);
        assert_eq!(
            asked.value("ImageId").as_deref(),
            Some("ami-00000000000000003")
        );
        let aws = share
            .with(&proxy, json!({ "image": "resolve:ssm:/acme/none" }))
            .await;
        let error = aws
            .launch(&order(share.tag()))
            .await
            .expect_err("no such parameter");
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("image"))
        );
    })
    .await;
}

async fn put_parameter(server: &moto::Server, name: &str, value: &str) {
    let answer = reqwest::Client::new()
        .post(server.url())
        .header("x-moto-account-id", &server.account)
        .header("x-amz-target", "AmazonSSM.PutParameter")
        .header("content-type", "application/x-amz-json-1.1")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0")
        .body(json!({ "Name": name, "Value": value, "Type": "String" }).to_string())
        .send()
        .await
        .expect("moto answers");
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test]
async fn what_does_not_fit_together_is_said_before_anything_is_rented() {
    uphold::<Share>(async |share| {
        for (settings, key) in [
            (json!({ "image": "ami-00000000000000004" }), "image"),
            (
                json!({ "image": { "owner": "self", "name": "none-*" } }),
                "image",
            ),
            (json!({ "image": "ami-0ffffffffffffffff" }), "image"),
            (json!({ "instance_types": ["x9.none"] }), "instance_types"),
            (
                json!({ "launch_template": { "name": "gharun-none" } }),
                "launch_template",
            ),
        ] {
            let proxy = share.proxy(|_| Deed::Forward);
            let aws = share.with(&proxy, settings.clone()).await;
            let error = aws
                .launch(&order(share.tag()))
                .await
                .expect_err("it cannot work");
            let said = chain(&error);
            assert_eq!(error.kind, ErrorKind::Config, "{settings}: {said}");
            assert_eq!(error.key(), Some(key), "{settings}: {said}");
            assert!(proxy.asked("RunInstances").is_empty(), "{settings}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_runs_no_linux_runner_is_refused_before_it_is_rented() {
    uphold::<Share>(async |share| {
        for (of, shown) in [
            (
                "Windows",
                "<platform>windows</platform><architecture>x86_64</architecture>",
            ),
            ("macOS", "<architecture>x86_64_mac</architecture>"),
            ("i386", "<architecture>i386</architecture>"),
        ] {
            let (aws, proxy) = share
                .behind(move |asked| match asked.action.as_str() {
                    "DescribeImages" => {
                        Deed::Edit("<architecture>x86_64</architecture>", shown.to_owned())
                    }
                    _ => Deed::Forward,
                })
                .await;
            for error in [
                aws.preflight().await.expect_err("it runs no runner"),
                aws.launch(&order(share.tag()))
                    .await
                    .expect_err("it runs no runner"),
            ] {
                let told = error.describe();
                assert_eq!(
                    (error.kind, error.key()),
                    (ErrorKind::Config, Some("image"))
                );
                assert!(told.contains(&format!("is for {of}")), "{told}");
            }
            assert!(proxy.asked("RunInstances").is_empty(), "{of}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_launch_template_gives_what_the_settings_leave_out() {
    uphold::<Share>(async |share| {
        let name = format!("gharun-{}", share.tag());
        ask(
            &share.server,
            REGION,
            "CreateLaunchTemplate",
            &[
                ("LaunchTemplateName", &name),
                ("LaunchTemplateData.ImageId", "ami-00000000000000001"),
                ("LaunchTemplateData.InstanceType", "m5.large"),
            ],
        );
        let proxy = share.proxy(|_| Deed::Forward);
        let aws = share
            .with(&proxy, json!({ "launch_template": { "name": name } }))
            .await;
        aws.launch(&order(share.tag())).await.unwrap();
        let aws = share
            .with(
                &proxy,
                json!({ "launch_template": { "name": name }, "instance_types": ["t3.large"] }),
            )
            .await;
        aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances");
        for (asked, kind) in asked.iter().zip(["m5.large", "t3.large"]) {
            assert_eq!(
                asked.value("LaunchTemplate.LaunchTemplateName").as_deref(),
                Some(name.as_str())
            );
            assert_eq!(
                asked.value("ImageId").as_deref(),
                Some("ami-00000000000000001")
            );
            assert_eq!(asked.value("InstanceType").as_deref(), Some(kind));
        }
    })
    .await;
}
