//! The one request that makes an instance, from settings, candidate and image.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    CapacityReservationPreference, CapacityReservationSpecification, CapacityReservationTarget,
    IamInstanceProfileSpecification, InstanceInterruptionBehavior, InstanceMarketOptionsRequest,
    InstanceMetadataEndpointState, InstanceMetadataOptionsRequest,
    InstanceNetworkInterfaceSpecification, InstanceType, LaunchTemplateSpecification, MarketType,
    ResourceType, ShutdownBehavior, SpotInstanceType, SpotMarketOptions, Tag, TagSpecification,
};

use super::candidates::{Candidate, PurchaseOption};
use super::config::AwsConfig;
use super::image::ChosenImage;
use super::places;
use crate::model::{MANAGED_BY, Order};

/// The tags of everything that a launch brings; without an order, those of a trial.
pub(super) fn tags(config: &AwsConfig, order: Option<&Order>) -> Vec<Tag> {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let mut tags: Vec<Tag> = config
        .tags
        .iter()
        .map(|(key, value)| tag(key, value))
        .collect();
    match order {
        Some(order) => {
            tags.extend(
                order
                    .tags
                    .pairs()
                    .iter()
                    .map(|(key, value)| tag(key, value)),
            );
            // What the console shows.
            if !config.tags.contains_key("Name") {
                tags.push(tag("Name", order.name.as_str()));
            }
        }
        None => tags.push(tag(MANAGED_BY.0, MANAGED_BY.1)),
    }
    tags
}

/// The request, all but its token and user data.
pub(super) fn run_instances(
    client: &Client,
    config: &AwsConfig,
    candidate: &Candidate,
    chosen: &ChosenImage,
    tags: &[Tag],
) -> RunInstancesFluentBuilder {
    let mut request = client
        .run_instances()
        .min_count(1)
        .max_count(1)
        .image_id(&chosen.id)
        .instance_type(InstanceType::from(chosen.kind.as_str()))
        // The dead-man switch powers the machine off, and that has to end the bill.
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
        .metadata_options(
            InstanceMetadataOptionsRequest::builder()
                // Whatever a template says: the boot script comes by it.
                .http_endpoint(InstanceMetadataEndpointState::Enabled)
                .http_tokens(chosen.tokens.clone())
                .http_put_response_hop_limit(chosen.hop_limit)
                .build(),
        )
        .set_key_name(config.key_name.clone())
        .set_block_device_mappings((!chosen.disks.is_empty()).then(|| chosen.disks.clone()));
    let mut tagged = vec![
        ResourceType::Instance,
        ResourceType::Volume,
        ResourceType::NetworkInterface,
    ];
    if candidate.bought == PurchaseOption::Spot {
        tagged.push(ResourceType::SpotInstancesRequest);
    }
    for of in tagged {
        let tags = TagSpecification::builder()
            .resource_type(of)
            .set_tags(Some(tags.to_vec()));
        request = request.tag_specifications(tags.build());
    }
    request = network(request, config, candidate, chosen);
    if let Some(profile) = &config.instance_profile {
        let spelled = IamInstanceProfileSpecification::builder();
        let spelled = if profile.starts_with("arn:") {
            spelled.arn(profile)
        } else {
            spelled.name(profile)
        };
        request = request.iam_instance_profile(spelled.build());
    }
    if candidate.bought == PurchaseOption::Spot {
        let spot = SpotMarketOptions::builder()
            .spot_instance_type(SpotInstanceType::OneTime)
            .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
            .set_max_price(config.max_price.map(|price| price.to_string()));
        let market = InstanceMarketOptionsRequest::builder()
            .market_type(MarketType::Spot)
            .spot_options(spot.build());
        request = request.instance_market_options(market.build());
    }
    if let Some(reservation) = &config.capacity_reservation {
        let spelled = CapacityReservationSpecification::builder();
        let spelled = if reservation == "none" {
            spelled.capacity_reservation_preference(CapacityReservationPreference::None)
        } else {
            let target = CapacityReservationTarget::builder().capacity_reservation_id(reservation);
            spelled.capacity_reservation_target(target.build())
        };
        request = request.capacity_reservation_specification(spelled.build());
    }
    if let Some(template) = &config.launch_template {
        let spelled = LaunchTemplateSpecification::builder()
            .set_launch_template_id(template.id.clone())
            .set_launch_template_name(template.name.clone())
            .set_version(chosen.template_version.map(|version| version.to_string()));
        request = request
            .launch_template(spelled.build())
            // It may protect its machines from being ended; protection from a stop does that, too. Nothing else can.
            // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html
            .disable_api_termination(false)
            .disable_api_stop(false);
    }
    request
}

/// Where it is connected. Without a word, EC2 takes the default VPC, or what the template says.
fn network(
    request: RunInstancesFluentBuilder,
    config: &AwsConfig,
    candidate: &Candidate,
    chosen: &ChosenImage,
) -> RunInstancesFluentBuilder {
    let groups: Vec<String> = places::within(&config.security_groups, &candidate.region)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let groups = (!groups.is_empty()).then_some(groups);
    match config.public_ip {
        // Only an interface that is described takes this.
        Some(public) => {
            // Those of a template are repeated, so that each of them is told to go.
            let (first, others): (Vec<_>, Vec<_>) = chosen
                .interfaces
                .iter()
                .cloned()
                .partition(|one| one.device_index() == Some(0));
            let mut first = first.into_iter().next().unwrap_or_else(|| {
                let first = InstanceNetworkInterfaceSpecification::builder();
                first.device_index(0).build()
            });
            first.delete_on_termination = Some(true);
            first.associate_public_ip_address = Some(public);
            first.subnet_id = candidate.subnet.clone().or(first.subnet_id);
            first.groups = groups.or(first.groups);
            let all = std::iter::once(first).chain(others).collect();
            request.set_network_interfaces(Some(all))
        }
        None if !chosen.interfaces.is_empty() => request
            .set_network_interfaces(Some(chosen.interfaces.clone()))
            .set_subnet_id(candidate.subnet.clone())
            .set_security_group_ids(groups),
        None => request
            .set_subnet_id(candidate.subnet.clone())
            .set_security_group_ids(groups),
    }
}
