//! Which image a machine is made of, and whether its type can run it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_ec2::types::{
    ArchitectureValues, BlockDeviceMapping, Filter, HttpTokensState, Image as Found,
    InstanceNetworkInterfaceSpecification,
};

use super::candidates::Candidate;
use super::clients::Clients;
use super::config::{AwsConfig, Image, Newest, TYPE};
use super::disks::{ImageDisks, disks};
use super::failure::ApiError;
use super::places;
use super::template::{FromTemplate, read_template};
use crate::model::lock;
use crate::providers::common::attempt::Attempt;
use crate::providers::{Error, ErrorKind, Result};

/// Canonical's accounts, by the parts of AWS; of the others nothing is known.
/// <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>, "Ownership verification".
const CANONICAL: [(&str, &str); 3] = [
    ("aws", "099720109477"),
    ("aws-cn", "837727238323"),
    ("aws-us-gov", "513442679011"),
];
/// What the runner is built for; a Mac's architectures have other names.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html>
const ARCHITECTURES: [&str; 2] = ["x86_64", "arm64"];

/// All that a launch has to know of its image and its template.
#[derive(Clone, Debug)]
pub(super) struct ChosenImage {
    /// The version of the launch template, where there is one.
    pub(super) template_version: Option<i64>,
    pub(super) id: String,
    pub(super) name: String,
    /// The disks that have to be told how they end.
    pub(super) disks: Vec<BlockDeviceMapping>,
    /// How many hops away the metadata service answers.
    pub(super) hop_limit: i32,
    /// The interfaces of the template that have to be told how they end.
    pub(super) interfaces: Vec<InstanceNetworkInterfaceSpecification>,
    /// Whether the metadata service asks for a token.
    pub(super) tokens: HttpTokensState,
    /// The type that it is to run on.
    pub(super) kind: String,
}

/// An image as EC2 describes it.
#[derive(Clone, Debug)]
struct FoundImage {
    id: String,
    name: String,
    architecture: String,
    is_windows: bool,
    disks: ImageDisks,
}

/// What was found of types, images and templates: each is asked for once.
#[derive(Debug, Default)]
pub(super) struct Images {
    templates: AnswerCache<FromTemplate>,
    types: AnswerCache<BTreeMap<String, Vec<String>>>,
    found: AnswerCache<FoundImage>,
}

/// Answers by their question.
#[derive(Debug)]
struct AnswerCache<T>(Mutex<BTreeMap<String, Arc<Attempt<T>>>>);

impl<T> Default for AnswerCache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> AnswerCache<T> {
    async fn get(&self, question: &str, ask: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let attempt = {
            let mut kept = lock(&self.0);
            Arc::clone(kept.entry(question.to_owned()).or_default())
        };
        attempt.get(ask).await
    }
}

impl Images {
    /// The image for a candidate; [`ErrorKind::NoCapacity`] where its region does not have its type.
    pub(super) async fn choose(
        &self,
        clients: &Clients,
        config: &AwsConfig,
        candidate: &Candidate,
    ) -> Result<ChosenImage> {
        let region = candidate.region.as_str();
        let template = match &config.launch_template {
            None => FromTemplate::default(),
            Some(template) => {
                self.templates
                    .get(region, async || {
                        read_template(clients, region, template, config.market).await
                    })
                    .await?
            }
        };
        let kind = candidate.kind.clone().or(template.kind);
        let kind = kind.unwrap_or_else(|| TYPE.to_owned());
        let hop_limit = config.metadata_hop_limit.map(i32::from);
        let hop_limit = hop_limit.or(template.hop_limit).unwrap_or(1);
        let architectures = self.architectures(clients, config, region, &kind).await?;
        let wanted = wanted(
            region,
            config.image.as_ref(),
            template.image,
            &architectures,
        )?;
        let question = format!("{region} {wanted:?}");
        let image = self
            .found
            .get(&question, async || find(clients, region, &wanted).await)
            .await?;
        runs_linux(&image)?;
        if !architectures.contains(&image.architecture) {
            return Err(Error::setting(
                "image",
                format!(
                    "the image `{}` is for {}, and `{kind}` is {}",
                    image.id,
                    image.architecture,
                    architectures.join(" and ")
                ),
            )
            .hinted("choose an image for the type's architecture, or other `instance_types`"));
        }
        Ok(ChosenImage {
            disks: disks(&image.disks, &template.disks, config.volume.as_ref()),
            id: image.id,
            name: image.name,
            hop_limit,
            interfaces: template.interfaces,
            tokens: template.tokens.unwrap_or(HttpTokensState::Required),
            kind,
            template_version: template.version,
        })
    }

    /// The architectures of a type.
    async fn architectures(
        &self,
        clients: &Clients,
        config: &AwsConfig,
        region: &str,
        kind: &str,
    ) -> Result<Vec<String>> {
        let mut kinds = config.instance_types.clone();
        if !kinds.iter().any(|known| known == kind) {
            kinds = vec![kind.to_owned()];
        }
        let question = format!("{region} {}", kinds.join(" "));
        let types = self
            .types
            .get(&question, async || {
                read_types(clients, region, &kinds).await
            })
            .await?;
        if types.is_empty() {
            return Err(Error::setting(
                "instance_types",
                format!(
                    "`{region}` does not offer the instance type {}",
                    spelled(&kinds)
                ),
            )
            .hinted(format!(
                "list them with `aws ec2 describe-instance-type-offerings --region {region}`"
            )));
        }
        types.get(kind).cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::NoCapacity,
                format!("`{region}` does not offer the instance type `{kind}`"),
            )
        })
    }
}

/// Refuses an image on which the boot script, or the runner, would not run.
fn runs_linux(image: &FoundImage) -> Result<()> {
    let of = match image.architecture.as_str() {
        _ if image.is_windows => "Windows",
        "x86_64_mac" | "arm64_mac" => "macOS",
        one if ARCHITECTURES.contains(&one) => return Ok(()),
        one => one,
    };
    let name = &image.name;
    let why = format!("the image `{}` ({name}) is for {of}", image.id);
    Err(Error::setting("image", why).hinted("set `image` to a Linux image for x86_64 or arm64"))
}

fn spelled(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// An image that is looked for.
#[derive(Clone, Debug)]
enum ImageQuery {
    Id(String),
    Parameter(String),
    Newest {
        owner: String,
        name: String,
        architecture: Option<String>,
    },
}

fn wanted(
    region: &str,
    setting: Option<&Image>,
    template: Option<String>,
    architectures: &[String],
) -> Result<ImageQuery> {
    let text = |text: &str| match text.strip_prefix("resolve:ssm:") {
        Some(name) => ImageQuery::Parameter(name.to_owned()),
        None => ImageQuery::Id(text.to_owned()),
    };
    let architecture = architectures
        .iter()
        .find(|one| ARCHITECTURES.contains(&one.as_str()))
        .cloned();
    Ok(match (setting, template) {
        (Some(Image::Text(id)), _) => text(id),
        (Some(Image::Each(list)), _) => match places::within(list, region).first() {
            Some(id) => text(id),
            None => {
                return Err(
                    Error::setting("image", format!("`image` names none for `{region}`"))
                        .hinted(format!("add `{region}/ami-…`")),
                );
            }
        },
        (Some(Image::Newest(Newest { owner, name, arch })), _) => ImageQuery::Newest {
            owner: owner.clone(),
            name: name.clone(),
            architecture: arch.clone().or(architecture),
        },
        (None, Some(id)) => text(&id),
        (None, None) => {
            // Canonical's spelling.
            let spelled = match architecture.as_deref() {
                Some("arm64") => "arm64",
                _ => "amd64",
            };
            ImageQuery::Newest {
                owner: canonical(region)?.to_owned(),
                name: format!("ubuntu/images/hvm-ssd*/ubuntu-noble-24.04-{spelled}-server-*"),
                architecture,
            }
        }
    })
}

/// Whose the default images of a region are.
fn canonical(region: &str) -> Result<&'static str> {
    let partition = places::partition(region);
    let owner = CANONICAL.iter().find(|(of, _)| *of == partition);
    owner.map(|(_, owner)| *owner).ok_or_else(|| {
        Error::setting("image", format!("no default image is known for `{region}`"))
            .hinted("set `image`")
    })
}

async fn find(clients: &Clients, region: &str, wanted: &ImageQuery) -> Result<FoundImage> {
    let doing = match wanted {
        ImageQuery::Id(id) => format!("could not look at the image `{id}` in `{region}`"),
        ImageQuery::Parameter(name) => {
            format!("could not read the parameter `{name}` in `{region}`")
        }
        ImageQuery::Newest { owner, name, .. } => {
            format!("could not look for images `{name}` of `{owner}` in `{region}`")
        }
    };
    let client = clients.ec2(region).await?;
    let request = client.describe_images();
    let request = match wanted {
        ImageQuery::Id(id) => request.image_ids(id),
        ImageQuery::Parameter(name) => {
            let id = parameter(clients, region, name, &doing).await?;
            request.image_ids(id)
        }
        ImageQuery::Newest {
            owner,
            name,
            architecture,
        } => {
            let filter = |key: &str, value: &str| Filter::builder().name(key).values(value).build();
            let request = request
                .owners(owner)
                .filters(filter("name", name))
                .filters(filter("state", "available"));
            match architecture {
                Some(architecture) => request.filters(filter("architecture", architecture)),
                None => request,
            }
        }
    };
    let answer = request.send().await.map_err(|error| {
        let said = ApiError::of(&error).sent_with(clients.origin(region));
        let error = said.explain(&doing, "ec2:DescribeImages");
        match error.kind {
            ErrorKind::Config => error.about("image"),
            _ => error,
        }
    })?;
    let newest = answer
        .images
        .unwrap_or_default()
        .into_iter()
        .max_by(|a, b| a.creation_date.cmp(&b.creation_date));
    let image = newest.ok_or_else(|| {
        Error::setting("image", format!("{doing}: not found")).hinted(
            "check with `aws ec2 describe-images` that it is in this region and that this \
                 account may use it",
        )
    })?;
    found(image).ok_or_else(|| {
        Error::new(
            ErrorKind::Unexpected,
            format!("{doing}: the answer lacks the ID or the architecture"),
        )
    })
}

/// The id of an image that a parameter of Systems Manager holds.
async fn parameter(clients: &Clients, region: &str, name: &str, doing: &str) -> Result<String> {
    let answer = clients
        .ssm(region)
        .await?
        .get_parameter()
        .name(name)
        .send()
        .await;
    let answer = answer.map_err(|error| {
        let said = ApiError::of(&error).sent_with(clients.origin(region));
        said.explain(doing, "ssm:GetParameter")
    })?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value
        .filter(|value| value.starts_with("ami-"))
        .ok_or_else(|| {
            Error::setting(
                "image",
                format!("the parameter `{name}` in `{region}` does not hold an image ID"),
            )
        })
}

fn found(image: Found) -> Option<FoundImage> {
    Some(FoundImage {
        id: image.image_id?,
        name: image.name.unwrap_or_default(),
        architecture: image
            .architecture
            .as_ref()
            .map(ArchitectureValues::as_str)?
            .to_owned(),
        // EC2 answers `windows`, and documents `Windows`.
        is_windows: image
            .platform
            .is_some_and(|of| of.as_str().eq_ignore_ascii_case("windows")),
        disks: ImageDisks {
            root: image.root_device_name,
            all: image.block_device_mappings.unwrap_or_default(),
        },
    })
}

async fn read_types(
    clients: &Clients,
    region: &str,
    kinds: &[String],
) -> Result<BTreeMap<String, Vec<String>>> {
    // A filter, since one unknown type among those asked for by name would fail them all.
    let filter = Filter::builder()
        .name("instance-type")
        .set_values(Some(kinds.to_vec()));
    let client = clients.ec2(region).await?;
    let pages = client
        .describe_instance_types()
        .filters(filter.build())
        .into_paginator()
        .items()
        .send();
    let found = pages
        .collect::<Result<Vec<_>, _>>()
        .await
        .map_err(|error| {
            let doing = format!(
                "could not look at the instance types {} in `{region}`",
                spelled(kinds)
            );
            ApiError::of(&error)
                .sent_with(clients.origin(region))
                .explain(doing, "ec2:DescribeInstanceTypes")
        })?;
    Ok(found
        .into_iter()
        .filter_map(|found| {
            let of = found.processor_info?.supported_architectures?;
            let of = of.iter().map(|one| one.as_str().to_owned()).collect();
            Some((found.instance_type?.as_str().to_owned(), of))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_image_is_the_one_of_its_part_of_aws() {
        let owner = |region: &str| {
            let kinds = ["x86_64".to_owned()];
            match wanted(region, None, None, &kinds) {
                Ok(ImageQuery::Newest { owner, .. }) => Ok(owner),
                Ok(other) => panic!("{other:?}"),
                Err(error) => Err(error.key().map(str::to_owned)),
            }
        };
        for (region, known) in [
            ("eu-west-1", "099720109477"),
            ("us-gov-west-1", "513442679011"),
            ("cn-north-1", "837727238323"),
        ] {
            assert_eq!(owner(region).as_deref(), Ok(known), "{region}");
        }
        for region in ["us-iso-east-1", "eusc-de-east-1"] {
            assert_eq!(owner(region), Err(Some("image".to_owned())), "{region}");
        }
    }
}
