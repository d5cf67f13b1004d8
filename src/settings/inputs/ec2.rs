//! What the inputs of the two other actions mean as settings of a table of the kind `aws`.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all readers of the table have one type"
)]

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::given::GivenInputs;
use super::reading::{Ec2Misfit, Ec2Setting, split};

type Read = Result<Vec<Ec2Setting>, Ec2Misfit>;

fn one(path: &'static [&'static str], value: impl Into<Value>) -> Ec2Setting {
    let value = value.into();
    Ec2Setting { path, value }
}

/// What these inputs name is of one zone; a list of zones is used instead of it where there is one.
fn unless_zones(given: &GivenInputs, setting: impl FnOnce() -> Ec2Setting) -> Read {
    let zones = given.text("availability-zones-config");
    // An empty list is as none.
    let replaced = zones.is_some_and(|zones| !zones.trim_matches(['[', ']', ' ', '\n']).is_empty());
    Ok(if replaced { vec![] } else { vec![setting()] })
}

fn list(text: &str) -> Value {
    split(text).collect()
}

pub(super) fn image(text: &str, given: &GivenInputs) -> Read {
    unless_zones(given, || one(&["image"], text))
}

pub(super) fn subnets(text: &str, given: &GivenInputs) -> Read {
    unless_zones(given, || one(&["subnets"], list(text)))
}

pub(super) fn security_groups(text: &str, given: &GivenInputs) -> Read {
    unless_zones(given, || one(&["security_groups"], list(text)))
}

pub(super) fn instance_types(text: &str, _: &GivenInputs) -> Read {
    Ok(vec![one(&["instance_types"], list(text))])
}

pub(super) fn instance_profile(text: &str, _: &GivenInputs) -> Read {
    Ok(vec![one(&["instance_profile"], text)])
}

pub(super) fn region(text: &str, _: &GivenInputs) -> Read {
    Ok(vec![one(&["region"], text)])
}

pub(super) fn run_as(text: &str, _: &GivenInputs) -> Read {
    Ok(vec![one(&["run_as"], text)])
}

pub(super) fn market(text: &str, _: &GivenInputs) -> Read {
    match text {
        "spot" => Ok(vec![one(&["market"], "spot")]),
        _ => Err(Ec2Misfit::Wrong("`spot`, or left out")),
    }
}

/// The word `latest` means the newest image of the name that stands in another input.
pub(super) fn image_or_latest(text: &str, given: &GivenInputs) -> Read {
    match text {
        "latest" if given.text("aws_image_name").is_none() => Err(Ec2Misfit::NoCounterpart(
            "`latest` needs the name of the image".to_owned(),
            "set the input `aws_image_name`, too".to_owned(),
        )),
        "latest" => Ok(vec![]),
        id => Ok(vec![one(&["image"], id)]),
    }
}

/// The newest of Amazon's images whose names begin like this; an ID goes before.
pub(super) fn image_by_name(text: &str, given: &GivenInputs) -> Read {
    match given.text("aws_image_id") {
        None | Some("latest") => {
            let newest = json!({ "owner": "amazon", "name": format!("{text}*") });
            Ok(vec![one(&["image"], newest)])
        }
        Some(_) => Ok(vec![]),
    }
}

/// A tag as AWS writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: String,
}

pub(super) fn tags(text: &str, _: &GivenInputs) -> Read {
    let tags: Vec<Tag> = serde_json::from_str(text)
        .map_err(|_| Ec2Misfit::Wrong("JSON such as `[{\"Key\": \"team\", \"Value\": \"a\"}]`"))?;
    if tags.is_empty() {
        return Ok(vec![]);
    }
    let tags: Map<String, Value> = tags
        .into_iter()
        .map(|tag| (tag.key, tag.value.into()))
        .collect();
    Ok(vec![one(&["tags"], tags)])
}

const SIZE: Ec2Misfit = Ec2Misfit::Wrong("a number of GiB");

pub(super) fn disk_size(text: &str, given: &GivenInputs) -> Read {
    let size: u32 = text.parse().map_err(|_| SIZE)?;
    // 0 is that of the image, with omsf/start-aws-gha-runner.
    let replaced = size == 0 || lists_disks(given);
    Ok(if replaced {
        vec![]
    } else {
        vec![one(&["volume", "size"], size)]
    })
}

pub(super) fn disk_type(text: &str, given: &GivenInputs) -> Read {
    Ok(if lists_disks(given) {
        vec![]
    } else {
        vec![one(&["volume", "type"], text)]
    })
}

/// A list of disks is used instead of a size and a type.
fn lists_disks(given: &GivenInputs) -> bool {
    let list = given.text("block-device-mappings");
    list.is_some_and(|list| disk_list(list).is_ok_and(|list| !list.is_empty()))
}

/// A disk as AWS writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Disk {
    ebs: Option<Map<String, Value>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

fn disk_list(text: &str) -> Result<Vec<Disk>, Ec2Misfit> {
    serde_json::from_str(text).map_err(|_| {
        Ec2Misfit::Wrong(
            "JSON such as `[{\"DeviceName\": \"/dev/sda1\", \"Ebs\": {\"VolumeSize\": 100}}]`",
        )
    })
}

/// How AWS calls what is said of a disk, and how a table does. A disk always ends with its machine.
const DISK: [(&str, &[&str]); 6] = [
    ("VolumeSize", &["volume", "size"]),
    ("VolumeType", &["volume", "type"]),
    ("Iops", &["volume", "iops"]),
    ("Throughput", &["volume", "throughput"]),
    ("Encrypted", &["volume", "encrypted"]),
    ("KmsKeyId", &["volume", "kms_key"]),
];

pub(super) fn disks(text: &str, _: &GivenInputs) -> Read {
    let disks = disk_list(text)?;
    let template = "put the disks into a launch template, and write `set: launch_template={ name = \"NAME\" }`";
    let missing = |what: String| Ec2Misfit::NoCounterpart(what, template.to_owned());
    let disk = match disks.as_slice() {
        [] => return Ok(vec![]),
        [disk] => disk,
        _ => return Err(missing("gharun sets the root disk only".to_owned())),
    };
    if let Some(name) = disk.others.keys().find(|key| *key != "DeviceName") {
        return Err(missing(format!("gharun has no setting for `{name}`")));
    }
    let mut settings = Vec::new();
    for (name, value) in disk.ebs.iter().flatten() {
        let found = DISK.iter().find(|(aws, _)| aws == name);
        match (found, name.as_str()) {
            (Some((_, path)), _) => settings.push(one(path, number(value))),
            (None, "DeleteOnTermination") if *value == Value::Bool(true) => {}
            (None, name) => return Err(missing(format!("gharun has no setting for `{name}`"))),
        }
    }
    Ok(settings)
}

/// A number that was written as a text.
fn number(value: &Value) -> Value {
    let text = value.as_str().and_then(|text| text.parse::<u32>().ok());
    text.map_or_else(|| value.clone(), Value::from)
}

pub(super) fn metadata(text: &str, _: &GivenInputs) -> Read {
    let options: Map<String, Value> = serde_json::from_str(text)
        .map_err(|_| Ec2Misfit::Wrong("JSON such as `{\"HttpPutResponseHopLimit\": 2}`"))?;
    let mut settings = Vec::new();
    for (name, value) in &options {
        match (name.as_str(), value.as_str()) {
            ("HttpPutResponseHopLimit", _) => {
                settings.push(one(&["metadata_hop_limit"], number(value)));
            }
            // As it is without.
            ("HttpTokens", Some("required"))
            | ("HttpEndpoint", Some("enabled"))
            | ("HttpProtocolIpv6" | "InstanceMetadataTags", Some("disabled")) => {}
            _ => {
                let what = format!("gharun has no setting for `{name}: {value}`");
                let instead = "put it into a launch template, and write `set: launch_template={ name = \"NAME\" }`";
                return Err(Ec2Misfit::NoCounterpart(what, instead.to_owned()));
            }
        }
    }
    Ok(settings)
}

/// One of several zones, as the input writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Zone {
    image_id: String,
    subnet_id: String,
    security_group_id: String,
    region: Option<String>,
}

/// Zones in order: regions, and the subnets of each.
pub(super) fn zones(text: &str, given: &GivenInputs) -> Read {
    let mut zones: Vec<Zone> = serde_json::from_str(text).map_err(|_| {
        Ec2Misfit::Wrong(
            "JSON such as `[{\"imageId\": \"ami-…\", \"subnetId\": \"subnet-…\", \"securityGroupId\": \"sg-…\"}]`",
        )
    })?;
    if zones.is_empty() {
        return Ok(vec![]);
    }
    let named = zones.iter().any(|zone| zone.region.is_some());
    for zone in &mut zones {
        zone.region = zone.region.take().or_else(|| given.region.clone());
    }
    let mut regions: Vec<String> = Vec::new();
    for region in zones.iter().map(|zone| zone.region.clone()) {
        let region = region.unwrap_or_default();
        if named && region.is_empty() {
            return Err(Ec2Misfit::NoCounterpart(
                "one of its zones has no region".to_owned(),
                "set `$AWS_REGION`, or `region` of each zone".to_owned(),
            ));
        }
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    let all_of = |of: fn(&Zone) -> &String| -> Vec<(String, String)> {
        let mut seen = BTreeSet::new();
        let pairs = zones.iter().map(|zone| {
            let region = zone.region.clone().unwrap_or_default();
            (region, of(zone).clone())
        });
        pairs.filter(|pair| seen.insert(pair.clone())).collect()
    };
    let images = all_of(|zone| &zone.image_id);
    let groups = all_of(|zone| &zone.security_group_id);
    if images.len() > regions.len() || groups.len() > regions.len() {
        return Err(Ec2Misfit::NoCounterpart(
            "zones of one region cannot differ in image or security group".to_owned(),
            "write a table of providers.toml for each of them, and name the tables in `provider`, in order".to_owned(),
        ));
    }
    let several = regions.len() > 1;
    let spelled = |pairs: Vec<(String, String)>| -> Value {
        let ids = pairs.into_iter().map(|(region, id)| {
            if several {
                format!("{region}/{id}")
            } else {
                id
            }
        });
        ids.collect()
    };
    let mut settings = vec![
        one(&["subnets"], spelled(all_of(|zone| &zone.subnet_id))),
        one(&["security_groups"], spelled(groups)),
    ];
    settings.push(if several {
        one(&["image"], spelled(images))
    } else {
        let (_, image) = images.into_iter().next().unwrap_or_default();
        one(&["image"], image)
    });
    if named {
        settings.push(one(&["region"], regions[0].clone()));
    }
    if several {
        settings.push(one(&["regions"], regions[1..].to_vec()));
    }
    Ok(settings)
}
