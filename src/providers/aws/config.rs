//! The table of an aws provider, and what in it cannot be meant.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::places;
use crate::model::{HumanDuration, RunAs, is_reserved};
use crate::providers::common::words::PRICE;
use crate::providers::schema::{backticked, dotted};
use crate::providers::{Error, Result};

/// The instance type where neither the table nor a launch template names one: 2 processors, 8 GiB.
pub(super) const TYPE: &str = "t3.large";

/// What `image` must be.
const IMAGE: &str = "`\"ami-…\"`, `\"resolve:ssm:PARAMETER\"`, `{ owner = \"…\", name = \"…\" }` or, with several regions, `[\"REGION/ami-…\"]`";

/// EC2 takes 50 tags; 14 are gharun's own, and one is the name that the console shows.
const MOST_TAGS: usize = 35;

/// Settings of an aws provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AwsConfig {
    /// The region where machines are launched; else `$AWS_REGION`, `$AWS_DEFAULT_REGION`, the
    /// profile's, or that of the instance this runs on.
    #[schemars(extend("x-harmless" = true))]
    pub region: Option<String>,
    /// Further regions, tried in this order when the first has no room.
    #[schemars(extend("x-harmless" = true))]
    pub regions: Vec<String>,
    /// Where machines are looked for: `"all"` (every region that the account has enabled), or a list.
    /// The regions above are always among them.
    #[schemars(extend("x-harmless" = false))]
    pub search_regions: Search,
    /// The profile of `~/.aws/config` whose credentials and region are used; else the whole chain of
    /// the AWS tools: variables, profiles, SSO, OIDC, the roles of containers and instances.
    #[schemars(extend("x-harmless" = false))]
    pub profile: Option<String>,
    /// The address of all services, where it is not AWS's own; else `$AWS_ENDPOINT_URL`.
    #[schemars(extend("x-harmless" = false))]
    pub endpoint: Option<String>,
    /// Whether boot scripts may go to an endpoint unencrypted, by `http://`.
    #[schemars(extend("x-harmless" = false))]
    pub allow_plain_http: bool,
    /// Instance types, in order of preference; the launch template's when left out, else `t3.large`.
    #[schemars(extend("x-harmless" = true))]
    pub instance_types: Vec<String>,
    /// The image: `"ami-…"`, `"resolve:ssm:PARAMETER"`, or a table `{ owner, name, arch }`, of which the
    /// newest match is taken; Canonical's Ubuntu 24.04 for the type's architecture when left out. With several regions,
    /// a list of `REGION/ami-…`.
    #[schemars(extend("x-harmless" = false))]
    pub image: Option<Image>,
    /// Subnets, in order of preference; the default VPC's when left out. With several regions, write
    /// `REGION/subnet-…`.
    #[schemars(extend("x-harmless" = false))]
    pub subnets: Vec<String>,
    /// Security groups by their ids; the VPC's default group when left out. With several regions, write
    /// `REGION/sg-…`.
    #[schemars(extend("x-harmless" = false))]
    pub security_groups: Vec<String>,
    /// Whether machines get a public address; the subnet decides when left out.
    #[schemars(extend("x-harmless" = false))]
    pub public_ip: Option<bool>,
    /// The key pair for logging in.
    #[schemars(extend("x-harmless" = false))]
    pub key_name: Option<String>,
    /// The instance profile whose role jobs may use: its name, or its ARN.
    #[schemars(extend("x-harmless" = false))]
    pub instance_profile: Option<String>,
    /// How machines are bought: `on-demand`, `spot` or `spot-then-on-demand`.
    #[schemars(extend("x-harmless" = true))]
    pub market: Market,
    /// The most that a spot machine may cost, in US dollars an hour; the on-demand price when left out.
    #[schemars(extend("x-expected" = PRICE))]
    #[schemars(extend("x-harmless" = true))]
    pub max_price: Option<f64>,
    /// The capacity reservation that machines count against: `cr-…`, or `none` to use none.
    #[schemars(extend("x-harmless" = false))]
    pub capacity_reservation: Option<String>,
    /// The root disk: `{ size, type, iops, throughput, encrypted, kms_key }`, the size in GiB, the
    /// throughput in MiB/s; whatever is left out is as the launch template or the image
    /// has it.
    pub volume: Option<RootVolume>,
    /// Additional tags of instance, disks and network interface.
    #[schemars(extend("x-harmless" = false))]
    pub tags: BTreeMap<String, String>,
    /// The user to log in as, for the command that gets a person in; that of the image's maker when left
    /// out.
    #[schemars(extend("x-harmless" = false))]
    pub user: Option<String>,
    /// Whom the runner and its jobs run as: `runner` (made where it is missing; with `sudo`, and in the group `docker`,
    /// where the machine has them), `root`, or a user of the image.
    #[schemars(extend("x-harmless" = false))]
    pub run_as: RunAs,
    /// How many hops away the metadata service answers: 2 lets containers of a job use it, and with it the
    /// role of the instance profile; the launch template's when left out, else 1.
    #[schemars(extend("x-harmless" = false))]
    pub metadata_hop_limit: Option<u8>,
    /// How long to go on trying when no candidate has room (`"10m"`).
    #[schemars(extend("x-harmless" = true))]
    pub capacity_wait: HumanDuration,
    /// A launch template, `{ id | name, version }`, that gives what the other settings leave out.
    #[schemars(extend("x-harmless" = false))]
    pub launch_template: Option<Template>,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self {
            region: None,
            regions: Vec::new(),
            search_regions: Search::Text("all".to_owned()),
            profile: None,
            endpoint: None,
            allow_plain_http: false,
            instance_types: Vec::new(),
            image: None,
            subnets: Vec::new(),
            security_groups: Vec::new(),
            public_ip: None,
            key_name: None,
            instance_profile: None,
            market: Market::OnDemand,
            max_price: None,
            capacity_reservation: None,
            volume: None,
            tags: BTreeMap::new(),
            user: None,
            run_as: RunAs::default(),
            metadata_hop_limit: None,
            capacity_wait: HumanDuration::default(),
            launch_template: None,
        }
    }
}

/// Where machines are looked for.
#[derive(Clone, Debug, Deserialize, serde::Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = "`\"all\"` or an array of regions"))]
pub enum Search {
    /// `all`.
    Text(String),
    /// These.
    List(Vec<String>),
}

/// Which image.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = IMAGE))]
pub enum Image {
    /// An id, or a parameter that holds one.
    Text(String),
    /// The newest of those that match.
    Newest(Newest),
    /// One for each region, `REGION/…`.
    Each(Vec<String>),
}

/// The newest image of an owner.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    /// An account's number, `self`, `amazon` or `aws-marketplace`.
    pub owner: String,
    /// Its name; `*` stands for anything.
    pub name: String,
    /// `x86_64` or `arm64`; the type's when left out.
    pub arch: Option<String>,
}

/// How machines are bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// At the fixed price; nobody takes it away.
    OnDemand,
    /// From what is left over: cheap, and taken away at two minutes' notice.
    Spot,
    /// Spot where there is some, else on demand.
    SpotThenOnDemand,
}

/// The root disk.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RootVolume {
    /// In GiB.
    #[schemars(extend("x-harmless" = true))]
    pub size: Option<u32>,
    /// `gp3`, `gp2`, `io1`, `io2`, `st1`, `sc1` or `standard`.
    #[schemars(extend("x-harmless" = true))]
    pub r#type: Option<String>,
    /// Operations a second.
    #[schemars(extend("x-harmless" = true))]
    pub iops: Option<u32>,
    /// In MiB/s.
    #[schemars(extend("x-harmless" = true))]
    pub throughput: Option<u32>,
    /// Whether it is encrypted.
    #[schemars(extend("x-harmless" = false))]
    pub encrypted: Option<bool>,
    /// The key that encrypts it.
    #[schemars(extend("x-harmless" = false))]
    pub kms_key: Option<String>,
}

/// A launch template.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `lt-…`.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// A number, `$Latest` or `$Default`.
    pub version: Option<String>,
}

/// The items of a list, each with its key.
fn each<'a>(key: &str, list: &'a [String]) -> impl Iterator<Item = (String, &'a String)> {
    let list = list.iter().enumerate();
    list.map(move |(number, item)| (format!("{key}[{number}]"), item))
}

impl AwsConfig {
    /// The regions where machines are launched, as far as the table names them.
    pub(super) fn named_regions(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let named = self.region.iter().chain(&self.regions);
        named
            .filter(|region| seen.insert((*region).clone()))
            .cloned()
            .collect()
    }

    /// Refuses what cannot be meant; nothing is asked of AWS.
    ///
    /// # Errors
    ///
    /// A `Config` error that names the key and what to write.
    pub(super) fn check(&self) -> Result<()> {
        self.check_places()?;
        self.check_words()?;
        self.check_tags()?;
        if let Some(price) = self.max_price {
            if !(price.is_finite() && price > 0.0) {
                return Err(Error::unfit("max_price", PRICE, format!("`{price}`")));
            }
            if self.market == Market::OnDemand {
                return Err(Error::setting(
                    "max_price",
                    "`max_price` applies to spot machines only: set `market` to `spot` or \
                     `spot-then-on-demand`, or leave it out",
                ));
            }
        }
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsRequest.html
        if let Some(hops) = self.metadata_hop_limit
            && !(1..=64).contains(&hops)
        {
            let found = format!("`{hops}`");
            let expected = "an integer from 1 to 64";
            return Err(Error::unfit("metadata_hop_limit", expected, found));
        }
        if let Some(template) = &self.launch_template
            && template.id.is_some() == template.name.is_some()
        {
            return Err(Error::setting(
                "launch_template",
                "`launch_template` must hold either `id` or `name`",
            ));
        }
        Ok(())
    }

    fn check_places(&self) -> Result<()> {
        let searched = match &self.search_regions {
            Search::List(list) => list.as_slice(),
            Search::Text(_) => &[],
        };
        let one = self.region.iter();
        let one = one.map(|region| ("region".to_owned(), region));
        let all = one.chain(each("regions", &self.regions));
        for (key, region) in all.chain(each("search_regions", searched)) {
            if !places::is_region(region) {
                let expected = "a region such as `us-east-1`";
                return Err(Error::unfit(key, expected, backticked(region)));
            }
        }
        if let Search::Text(text) = &self.search_regions
            && text != "all"
        {
            let expected = "`\"all\"` or an array of regions";
            return Err(Error::unfit("search_regions", expected, backticked(text)));
        }
        self.check_ids()
    }

    fn check_ids(&self) -> Result<()> {
        let several = self.named_regions().len() > 1;
        for (key, begins, values) in [
            ("subnets", "subnet-", &self.subnets),
            ("security_groups", "sg-", &self.security_groups),
        ] {
            for (key, value) in each(key, values) {
                let (region, id) = places::split(value);
                if !id.starts_with(begins) {
                    let expected = format!("an ID that begins with `{begins}`");
                    return Err(Error::unfit(key, &expected, backticked(value)));
                }
                if region.is_none() && several {
                    return Err(Error::setting(
                        key,
                        format!(
                            "`{value}` needs its region, since several are set: write `REGION/{id}`"
                        ),
                    ));
                }
            }
        }
        if several {
            let one = |key: &str, value: &str| {
                Err(Error::setting(
                    key,
                    format!(
                        "`{value}` is in one region, and several are set: use one table for each \
                         region"
                    ),
                ))
            };
            match (&self.image, &self.capacity_reservation) {
                (Some(Image::Text(id)), _) if id.starts_with("ami-") => return one("image", id),
                (_, Some(id)) if id.starts_with("cr-") => return one("capacity_reservation", id),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let words = [
            ("profile", &self.profile),
            ("endpoint", &self.endpoint),
            ("key_name", &self.key_name),
            ("instance_profile", &self.instance_profile),
            ("user", &self.user),
        ];
        let words = words.into_iter();
        let words = words.filter_map(|(key, word)| Some((key.to_owned(), word.as_ref()?)));
        for (key, word) in words.chain(each("instance_types", &self.instance_types)) {
            // Names of profiles and keys may have blanks in them.
            if word.trim().is_empty() {
                return Err(Error::unfit(key, "a name", "an empty string"));
            }
        }
        if let Some(user) = &self.user
            && !user
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        {
            let expected = "a user name of letters, digits, `.`, `_` and `-`";
            return Err(Error::unfit("user", expected, backticked(user)));
        }
        if let Some(reservation) = &self.capacity_reservation
            && reservation != "none"
            && !reservation.starts_with("cr-")
        {
            let expected = "a capacity reservation, `cr-…`, or `none`";
            let found = backticked(reservation);
            return Err(Error::unfit("capacity_reservation", expected, found));
        }
        if self
            .volume
            .as_ref()
            .is_some_and(|volume| volume.size == Some(0))
        {
            return Err(Error::unfit("volume.size", "at least 1 GiB", "`0`"));
        }
        self.check_image()
    }

    fn check_image(&self) -> Result<()> {
        if let Some(Image::Text(text)) = &self.image
            && !text.starts_with("ami-")
            && text
                .strip_prefix("resolve:ssm:")
                .is_none_or(|name| name.trim().is_empty())
        {
            return Err(Error::unfit("image", IMAGE, backticked(text)));
        }
        if let Some(Image::Each(list)) = &self.image {
            self.check_images(list)?;
        }
        if let Some(Image::Newest(newest)) = &self.image
            && let Some(arch) = &newest.arch
            && !["x86_64", "arm64"].contains(&arch.as_str())
        {
            let expected = "`x86_64` or `arm64`";
            return Err(Error::unfit("image.arch", expected, backticked(arch)));
        }
        Ok(())
    }

    /// Each region that is named has one image, and no other has any.
    fn check_images(&self, list: &[String]) -> Result<()> {
        let regions = self.named_regions();
        for (key, text) in each("image", list) {
            let (region, id) = places::split(text);
            let is_image = id.starts_with("ami-") || id.starts_with("resolve:ssm:");
            if !is_image || !region.is_some_and(places::is_region) {
                let expected = "`REGION/ami-…` or `REGION/resolve:ssm:PARAMETER`";
                return Err(Error::unfit(key, expected, backticked(text)));
            }
        }
        match regions
            .iter()
            .find(|region| places::within(list, region).len() != 1)
        {
            Some(region) => Err(Error::setting(
                "image",
                format!("`image` must hold one `{region}/ami-…`, since it is a list"),
            )),
            None => Ok(()),
        }
    }

    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>
    fn check_tags(&self) -> Result<()> {
        if self.tags.len() > MOST_TAGS {
            return Err(Error::setting(
                "tags",
                format!(
                    "{} tags are too many: EC2 allows 50, and gharun uses 15 of them",
                    self.tags.len()
                ),
            ));
        }
        for (key, value) in &self.tags {
            let at = dotted(&["tags".to_owned(), key.clone()]);
            let lower = key.to_ascii_lowercase();
            // Policies of IAM do not tell `Managed-By` from `managed-by`.
            if is_reserved(&lower) {
                return Err(Error::setting(
                    at,
                    format!(
                        "the tag `{key}` is reserved: gharun finds its machines by it; choose \
                         another"
                    ),
                ));
            }
            if key.is_empty() || key.chars().count() > 128 || lower.starts_with("aws:") {
                return Err(Error::setting(
                    at,
                    format!(
                        "`{key}` is not a valid tag key: it must have 1 to 128 characters and not \
                         begin with `aws:`"
                    ),
                ));
            }
            if value.chars().count() > 256 {
                return Err(Error::setting(
                    at,
                    "a tag's value must have at most 256 characters",
                ));
            }
        }
        Ok(())
    }
}
