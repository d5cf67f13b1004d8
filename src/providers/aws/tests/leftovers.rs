//! What an image or a template adds to a machine goes with it.

use std::collections::BTreeSet;

use super::*;

/// The disks that are there in the region of all launches, of one machine or of all.
fn volumes(share: &Share, of: Option<&str>) -> BTreeSet<String> {
    let filter = of.map(|id| {
        [
            ("Filter.1.Name", "attachment.instance-id"),
            ("Filter.1.Value.1", id),
        ]
    });
    let more = filter.as_ref().map_or(&[][..], |filter| filter);
    let answer = ask(&share.server, REGION, "DescribeVolumes", more);
    texts(&answer, "volumeId").into_iter().collect()
}

/// A snapshot of 9 GiB.
fn snapshot(share: &Share) -> String {
    let more = [("Size", "9"), ("AvailabilityZone", "us-east-1a")];
    let made = ask(&share.server, REGION, "CreateVolume", &more);
    let volume = texts(&made, "volumeId").remove(0);
    let more = [("VolumeId", volume.as_str())];
    let made = ask(&share.server, REGION, "CreateSnapshot", &more);
    ask(&share.server, REGION, "DeleteVolume", &more);
    texts(&made, "snapshotId").remove(0)
}

/// Makes a launch template of these data, and tells its name.
fn template(share: &Share, data: &[(&str, &str)]) -> String {
    let name = format!("gharun-{}", crate::model::random(8));
    let data = data
        .iter()
        .map(|(key, value)| (format!("LaunchTemplateData.{key}"), *value));
    let data: Vec<_> = data.collect();
    let mut more = vec![("LaunchTemplateName", name.as_str())];
    more.extend(data.iter().map(|(key, value)| (key.as_str(), *value)));
    ask(&share.server, REGION, "CreateLaunchTemplate", &more);
    name
}

#[tokio::test]
async fn a_further_disk_of_an_image_goes_with_the_machine() {
    uphold::<Share>(async |share| {
        let snapshot = snapshot(share);
        let further = format!(
            "<item><deviceName>/dev/sdf</deviceName><ebs><snapshotId>{snapshot}</snapshotId>\
             <volumeSize>9</volumeSize><deleteOnTermination>false</deleteOnTermination>\
             <volumeType>gp2</volumeType></ebs></item></blockDeviceMapping>"
        );
        let (aws, proxy) = share
            .behind(move |asked| match asked.action.as_str() {
                "DescribeImages" => Deed::Edit("</blockDeviceMapping>", further.clone()),
                _ => Deed::Forward,
            })
            .await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances").remove(0);
        for (key, value) in [
            ("BlockDeviceMapping.1.DeviceName", "/dev/sda1"),
            ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
            ("BlockDeviceMapping.2.DeviceName", "/dev/sdf"),
            ("BlockDeviceMapping.2.Ebs.DeleteOnTermination", "true"),
            ("BlockDeviceMapping.2.Ebs.SnapshotId", snapshot.as_str()),
        ] {
            assert_eq!(asked.value(key).as_deref(), Some(value), "{key}");
        }
        let disks = volumes(share, Some(&machine.id.id));
        assert_eq!(disks.len(), 2, "{disks:?}");
        let end = ends(&Arc::new(aws), &machine.id).await;
        end.expect("it ends");
        let left = volumes(share, None);
        assert!(left.is_disjoint(&disks), "{left:?} {disks:?}");
    })
    .await;
}

#[tokio::test]
async fn a_template_keeps_its_word_on_everything_but_the_end() {
    uphold::<Share>(async |share| {
        let name = template(
            share,
            &[
                ("ImageId", "ami-00000000000000001"),
                ("BlockDeviceMapping.1.DeviceName", "/dev/sda1"),
                ("BlockDeviceMapping.1.Ebs.VolumeSize", "200"),
                ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
                ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "false"),
                ("MetadataOptions.HttpPutResponseHopLimit", "2"),
                ("MetadataOptions.HttpTokens", "optional"),
                ("DisableApiTermination", "true"),
            ],
        );
        let proxy = share.proxy(|_| Deed::Forward);
        let settings = json!({ "launch_template": { "name": name } });
        let aws = share.with(&proxy, settings.clone()).await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let mut own = settings;
        own["metadata_hop_limit"] = json!(1);
        own["volume"] = json!({ "size": 50 });
        let other = share.with(&proxy, own).await;
        other.launch(&order(share.tag())).await.unwrap();
        for (asked, size, hops) in [(0, "200", "2"), (1, "50", "1")] {
            let asked = proxy.asked("RunInstances").remove(asked);
            for (key, value) in [
                ("BlockDeviceMapping.1.DeviceName", "/dev/sda1"),
                ("BlockDeviceMapping.1.Ebs.VolumeSize", size),
                ("BlockDeviceMapping.1.Ebs.VolumeType", "gp3"),
                ("BlockDeviceMapping.1.Ebs.DeleteOnTermination", "true"),
                ("MetadataOptions.HttpPutResponseHopLimit", hops),
                ("MetadataOptions.HttpTokens", "optional"),
                ("DisableApiTermination", "false"),
                ("DisableApiStop", "false"),
                ("LaunchTemplate.Version", "1"),
            ] {
                assert_eq!(asked.value(key).as_deref(), Some(value), "{key}");
            }
        }
        let end = ends(&Arc::new(aws), &machine.id).await;
        end.expect("it ends, whatever the template protects");
    })
    .await;
}

#[tokio::test]
async fn an_interface_of_a_template_goes_with_the_machine() {
    uphold::<Share>(async |share| {
        let subnets = ask(&share.server, REGION, "DescribeSubnets", &[]);
        let subnet = texts(&subnets, "subnetId").remove(0);
        let name = template(
            share,
            &[
                ("NetworkInterface.1.DeviceIndex", "0"),
                ("NetworkInterface.1.SubnetId", subnet.as_str()),
                ("NetworkInterface.1.AssociatePublicIpAddress", "true"),
                ("NetworkInterface.1.DeleteOnTermination", "false"),
            ],
        );
        let proxy = share.proxy(|_| Deed::Forward);
        let settings = json!({ "launch_template": { "name": name } });
        let aws = share.with(&proxy, settings).await;
        let machine = aws.launch(&order(share.tag())).await.unwrap();
        let asked = proxy.asked("RunInstances").remove(0);
        for (key, value) in [
            ("NetworkInterface.1.DeviceIndex", "0"),
            ("NetworkInterface.1.SubnetId", subnet.as_str()),
            ("NetworkInterface.1.AssociatePublicIpAddress", "true"),
            ("NetworkInterface.1.DeleteOnTermination", "true"),
        ] {
            assert_eq!(asked.value(key).as_deref(), Some(value), "{key}");
        }
        ends(&Arc::new(aws), &machine.id).await.expect("it ends");
    })
    .await;
}

#[tokio::test]
async fn a_template_whose_machines_would_leave_something_is_refused() {
    uphold::<Share>(async |share| {
        for (data, market, works) in [
            (
                vec![
                    ("InstanceMarketOptions.MarketType", "spot"),
                    (
                        "InstanceMarketOptions.SpotOptions.SpotInstanceType",
                        "persistent",
                    ),
                ],
                "on-demand",
                false,
            ),
            (vec![("InstanceType", "t3.large")], "on-demand", true),
        ] {
            let name = template(share, &data);
            let proxy = share.proxy(|_| Deed::Forward);
            let settings = json!({ "launch_template": { "name": name }, "market": market });
            let aws = share.with(&proxy, settings).await;
            let launched = aws.launch(&order(share.tag())).await;
            if works {
                launched.unwrap();
                continue;
            }
            let error = launched.expect_err("it would leave something");
            assert_eq!(
                (error.kind, error.key()),
                (ErrorKind::Config, Some("launch_template")),
                "{}",
                chain(&error)
            );
            assert!(proxy.asked("RunInstances").is_empty(), "{data:?}");
        }
    })
    .await;
}
