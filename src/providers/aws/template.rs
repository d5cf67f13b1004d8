//! What a launch template says, as far as a launch has to know of it.

use aws_sdk_ec2::types::{
    HttpTokensState, InstanceNetworkInterfaceSpecification, LaunchTemplateBlockDeviceMapping,
    ResponseLaunchTemplateData, SpotInstanceType,
};

use super::clients::Clients;
use super::config::{Market, Template};
use super::failure::{ApiError, ErrorClass};
use super::interfaces;
use crate::providers::{Error, Result};

/// What a launch template says of image, type, disks and metadata.
#[derive(Clone, Debug, Default)]
pub(super) struct FromTemplate {
    /// The version that was read: a launch is to take no other, whatever the default becomes meanwhile.
    pub(super) version: Option<i64>,
    pub(super) image: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) disks: Vec<LaunchTemplateBlockDeviceMapping>,
    pub(super) hop_limit: Option<i32>,
    pub(super) tokens: Option<HttpTokensState>,
    /// The interfaces that a request has to repeat.
    pub(super) interfaces: Vec<InstanceNetworkInterfaceSpecification>,
}

/// Reads the version that the settings name. A template whose machines would leave something behind
/// that no request can change is refused.
pub(super) async fn read_template(
    clients: &Clients,
    region: &str,
    template: &Template,
    market: Market,
) -> Result<FromTemplate> {
    let name = template.id.as_ref().or(template.name.as_ref());
    let name = name.map_or("", String::as_str);
    let doing = format!("could not read the launch template `{name}` in `{region}`");
    let answer = clients
        .ec2(region)
        .await?
        .describe_launch_template_versions()
        .set_launch_template_id(template.id.clone())
        .set_launch_template_name(template.name.clone())
        .versions(template.version.as_deref().unwrap_or("$Default"))
        .send()
        .await
        .map_err(|error| {
            let said = ApiError::of(&error).sent_with(clients.origin(region));
            let error = said.explain(&doing, "ec2:DescribeLaunchTemplateVersions");
            match said.action() {
                ErrorClass::Setting(_) => error.about("launch_template"),
                _ => error,
            }
        })?;
    let versions = answer.launch_template_versions.unwrap_or_default();
    let read = versions
        .into_iter()
        .next()
        .ok_or_else(|| Error::setting("launch_template", format!("{doing}: no such version")))?;
    let version = read.version_number;
    let Some(data) = read.launch_template_data else {
        return Ok(FromTemplate {
            version,
            ..FromTemplate::default()
        });
    };
    let interfaces = interfaces::read(data.network_interfaces());
    if let Some(index) = interfaces.stays {
        return Err(Error::setting(
            "launch_template",
            format!(
                "the launch template `{name}` does not delete the network interface {index} when \
                 the instance is terminated"
            ),
        )
        .hinted("set `DeleteOnTermination` of that interface to `true` in the template"));
    }
    if is_persistent(&data) && market != Market::Spot {
        return Err(Error::setting(
            "launch_template",
            format!(
                "the launch template `{name}` makes persistent spot requests: EC2 would launch \
                 another instance whenever gharun terminates one"
            ),
        )
        .hinted("set `market = \"spot\"`, or remove the market options from the template"));
    }
    let metadata = data.metadata_options;
    Ok(FromTemplate {
        version,
        image: data.image_id,
        kind: data.instance_type.map(|kind| kind.as_str().to_owned()),
        disks: data.block_device_mappings.unwrap_or_default(),
        hop_limit: metadata
            .as_ref()
            .and_then(|options| options.http_put_response_hop_limit),
        tokens: metadata
            .and_then(|options| options.http_tokens)
            .map(|tokens| HttpTokensState::from(tokens.as_str())),
        interfaces: interfaces.wanted,
    })
}

fn is_persistent(data: &ResponseLaunchTemplateData) -> bool {
    let market = data.instance_market_options.as_ref();
    let spot = market.and_then(|market| market.spot_options.as_ref());
    spot.is_some_and(|spot| spot.spot_instance_type == Some(SpotInstanceType::Persistent))
}
