//! What a launch template says, as far as a launch has to know of it.

use super::clients::Clients;
use super::config::Template;
use super::failure::{ApiError, ErrorClass};
use crate::providers::{Error, Result};

/// What a launch template says of image and type.
#[derive(Clone, Debug, Default)]
pub(super) struct FromTemplate {
    pub(super) image: Option<String>,
    pub(super) kind: Option<String>,
}

/// Reads the version that the settings name.
pub(super) async fn read_template(
    clients: &Clients,
    region: &str,
    template: &Template,
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
            let said = ApiError::of(&error);
            let error = said.explain(&doing, "ec2:DescribeLaunchTemplateVersions");
            match said.action() {
                ErrorClass::Setting(_) => error.about("launch_template"),
                _ => error,
            }
        })?;
    let versions = answer.launch_template_versions.unwrap_or_default();
    let data = versions
        .into_iter()
        .next()
        .ok_or_else(|| Error::setting("launch_template", format!("{doing}: no such version")))?;
    let data = data.launch_template_data;
    Ok(FromTemplate {
        image: data.as_ref().and_then(|data| data.image_id.clone()),
        kind: data.and_then(|data| Some(data.instance_type?.as_str().to_owned())),
    })
}
