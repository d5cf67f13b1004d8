//! What a launch tries, in order: pure.

use std::cmp::Ordering;
use std::fmt;

use super::catalog::{Catalog, Stock};
use super::config::{Cloud, RunPodConfig};
use super::tier::Tier;
use super::words::{cpus, gpus};
use crate::model::{Price, Rental, chain};
use crate::providers::{Error, ErrorKind, OneOrMany, Result};

/// What a pod computes with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chip {
    /// A CPU flavor.
    Cpu(String),
    /// A GPU type.
    Gpu(String),
}

impl Chip {
    /// RunPod's id of it.
    pub(super) fn id(&self) -> &str {
        let (Self::Cpu(id) | Self::Gpu(id)) = self;
        id
    }
}

/// One request that may yield a pod.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) chip: Chip,
    /// How many GPUs, or virtual CPUs.
    pub(super) count: u32,
    pub(super) cloud: Tier,
    /// Where it may be; empty is anywhere.
    pub(super) data_centers: Vec<String>,
    /// US dollars an hour by the list, where it was read.
    pub(super) price: Option<f64>,
    /// What the catalog says of its stock, where it was read.
    pub(super) stock: Option<Stock>,
}

impl Candidate {
    /// What the settings ask for of this id, in each cloud that they mean.
    fn of(config: &RunPodConfig, id: &str) -> impl Iterator<Item = Self> {
        let (chip, count) = match config.cpu {
            Some(_) => (Chip::Cpu(id.to_owned()), config.vcpus()),
            None => (Chip::Gpu(id.to_owned()), config.count()),
        };
        Tier::of(config).iter().map(move |cloud| Self {
            chip: chip.clone(),
            count,
            cloud: *cloud,
            data_centers: config.centers(),
            price: None,
            stock: None,
        })
    }
}

impl Candidate {
    /// What is rented by it.
    pub(super) fn rental(&self) -> Rental {
        let (gpu, cpu) = match &self.chip {
            Chip::Gpu(id) => (Some(gpus(self.count, id)), None),
            Chip::Cpu(id) => (None, Some(cpus(self.count, id))),
        };
        Rental {
            machine_type: cpu,
            gpu,
            market: Some(self.cloud.name().to_owned()),
            place: None,
            price: self.price.map(Price::live),
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.chip {
            Chip::Cpu(id) => write!(f, "`{id}` with {} vCPUs", self.count)?,
            Chip::Gpu(id) if self.count == 1 => write!(f, "`{id}`")?,
            Chip::Gpu(id) => write!(f, "{} x `{id}`", self.count)?,
        }
        write!(f, ", {} cloud", self.cloud.name())?;
        if !self.data_centers.is_empty() {
            write!(f, ", {}", self.data_centers.join(" or "))?;
        }
        Ok(())
    }
}

/// What the settings mean, by name: for those who may not ask anybody.
pub(super) fn named(config: &RunPodConfig) -> Vec<Candidate> {
    // Where nothing is asked for, nothing is tried.
    let names = asked(config).unwrap_or_default();
    let all = names.iter().flat_map(|name| Candidate::of(config, name));
    all.collect()
}

/// Why a candidate cannot be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) cause: DropCause,
    /// Why.
    pub(super) text: String,
}

/// What keeps a candidate from being tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DropCause {
    /// It costs more than `max_price`.
    Price,
    /// A setting, which no time will mend.
    Setting(&'static str),
    /// There is none of it now.
    Stock,
    /// Nothing tells its price, so `max_price` cannot be kept.
    Unpriced,
}

/// What can be tried now, best first, and why the rest cannot.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) candidates: Vec<Candidate>,
    pub(super) dropped: Vec<(Candidate, Dropped)>,
}

/// Chooses from the catalog. The user's order comes first; within one name the cheaper comes first,
/// and of the same price what there is more of.
///
/// # Errors
///
/// A `Config` error: nothing is asked for, a name is not known, or none of what the catalog has can be
/// meant (no machine has so many GPUs, all cost more than `max_price`).
pub(super) fn choose(config: &RunPodConfig, catalog: &Catalog) -> Result<Choice> {
    let mut choice = Choice::default();
    for name in asked(config)? {
        let ids = catalog.find(name);
        let ids = ids.map_err(|error| error.hinted(list(&config.table)))?;
        let mut group = Vec::new();
        for id in ids {
            for candidate in Candidate::of(config, &id) {
                if !group.contains(&candidate) {
                    group.push(candidate);
                }
            }
        }
        let mut kept = Vec::new();
        for candidate in group {
            match catalog.judge(config, candidate.clone()) {
                Ok(judged) => kept.push(judged),
                Err(why) => choice.dropped.push((candidate, why)),
            }
        }
        kept.sort_by(better);
        for candidate in kept {
            let same = |one: &Candidate| one.chip == candidate.chip && one.cloud == candidate.cloud;
            if !choice.candidates.iter().any(same) {
                choice.candidates.push(candidate);
            }
        }
    }
    Ok(choice)
}

/// The names that are asked for.
pub(super) fn asked(config: &RunPodConfig) -> Result<&[String]> {
    match (&config.gpu, &config.cpu) {
        (Some(names), _) | (None, Some(names)) => Ok(names.all()),
        (None, None) => Err(Error::setting(
            "gpu",
            "set `gpu` or `cpu`, such as `gpu = \"L40S\"` or `cpu = \"cpu5c\"`",
        )
        .hinted(list(&config.table))),
    }
}

fn better(one: &Candidate, other: &Candidate) -> Ordering {
    let price = |candidate: &Candidate| candidate.price.unwrap_or(f64::INFINITY);
    price(one)
        .total_cmp(&price(other))
        .then(other.stock.cmp(&one.stock))
}

/// The command that shows what there is.
pub(super) fn list(table: &str) -> String {
    format!("list what is available with `gharun providers offers {table}`")
}

/// What helps where nothing has room.
pub(super) fn add(config: &RunPodConfig) -> String {
    format!("{}; {}", wider(config), list(&config.table))
}

/// The settings that let more hosts be asked, as they are written.
pub(super) fn wider(config: &RunPodConfig) -> String {
    let (key, what, asked, known) = match (&config.cpu, &config.gpu) {
        (Some(flavors), _) => (
            "cpu",
            "CPU flavors",
            flavors.all(),
            &["cpu5c", "cpu3c", "cpu5g"][..],
        ),
        (None, gpus) => (
            "gpu",
            "GPUs",
            gpus.as_ref().map_or(&[][..], OneOrMany::all),
            &["L40S", "A40", "RTX 4090", "H100"][..],
        ),
    };
    let more = known
        .iter()
        .find(|name| !asked.iter().any(|one| one.contains(**name)));
    let more = more.map_or("…", |name| *name).to_owned();
    let names: Vec<String> = asked.iter().cloned().chain([more]).collect();
    let mut ways = vec![format!("name more {what} (`{key} = {names:?}`)")];
    match config.cloud {
        // CPU flavors have a price list in that cloud only, and so have network volumes.
        Cloud::Community if config.cpu.is_some() => {
            ways.push("set `cloud = \"secure\"`".to_owned());
        }
        Cloud::Community | Cloud::Secure
            if config.cpu.is_none() && config.network_volume.is_none() =>
        {
            ways.push("set `cloud = \"any\"`".to_owned());
        }
        Cloud::Any | Cloud::Community | Cloud::Secure => {}
    }
    if config.network_volume.is_some() {
        ways.push("use a network volume in another data center".to_owned());
    } else if !config.data_centers.is_empty() {
        ways.push("remove `data_centers`".to_owned());
    }
    // Where the tag of `image` says it, a host with an older driver could not run the image.
    if let Some(version) = &config.min_cuda {
        ways.push(format!("set `min_cuda` below {version}"));
    }
    // No catalog tells how many hosts have so much: they show in refusals alone.
    let least = [
        ("min_vcpu_per_gpu", config.min_vcpu_per_gpu),
        ("min_ram_per_gpu", config.min_ram_per_gpu),
    ];
    for (key, _) in least.iter().filter(|(_, least)| least.is_some()) {
        ways.push(format!("lower `{key}`"));
    }
    ways.join(", or ")
}

/// Says that nothing is left to be tried: for now, or for ever with these settings.
pub(super) fn none_left(dropped: &[(Candidate, Dropped)], config: &RunPodConfig) -> Error {
    let told = |(candidate, why): &(Candidate, Dropped)| {
        Error::new(ErrorKind::NoCapacity, candidate.to_string()).because(why.text.clone())
    };
    let key = |(_, why): &(Candidate, Dropped)| match why.cause {
        DropCause::Setting(key) => Some(key),
        DropCause::Price | DropCause::Stock | DropCause::Unpriced => None,
    };
    let keys: Option<Vec<&str>> = dropped.iter().map(key).collect();
    let any = |cause| dropped.iter().any(|(_, why)| why.cause == cause);
    let all = |cause| !dropped.is_empty() && dropped.iter().all(|(_, why)| why.cause == cause);
    let none = |what: &str| Error::new(ErrorKind::NoCapacity, what);
    let error = match keys.as_deref() {
        Some([key, ..]) => Error::setting(*key, "RunPod does not offer what is set"),
        _ if all(DropCause::Price) => none(NOTHING_WITHIN),
        _ if all(DropCause::Unpriced) => {
            none("RunPod shows no price for what is set, so `max_price` cannot be checked")
        }
        _ => none("RunPod has no capacity for what is set"),
    };
    let mut error = error.because_each(grouped(dropped.iter().map(told).collect()));
    if any(DropCause::Price) {
        error = error.hinted(cheaper(config));
    }
    if any(DropCause::Unpriced) {
        error =
            error.hinted("remove `max_price`, or set `cloud = \"secure\"`, which has a price list");
    }
    let is_priced = |(_, why): &(Candidate, Dropped)| {
        !matches!(why.cause, DropCause::Price | DropCause::Unpriced)
    };
    if dropped.is_empty() || dropped.iter().any(is_priced) {
        error = error.hinted(add(config));
    }
    error
}

/// What is said where all that is asked for is too dear.
pub(super) const NOTHING_WITHIN: &str = "RunPod offers none of what is set within `max_price`";

/// What helps where something costs more than it may.
pub(super) fn cheaper(config: &RunPodConfig) -> String {
    format!(
        "raise `max_price`, or name what costs less; {}",
        list(&config.table)
    )
}

/// Names in one list, and what stands behind each of them said once.
fn together(names: &[String]) -> String {
    let parts: Option<Vec<(&str, &str)>> = names.iter().map(|one| one.split_once(", ")).collect();
    let (heads, tail) = match parts.as_deref() {
        Some([(_, tail), ..]) if parts.iter().flatten().all(|(_, one)| one == tail) => {
            let heads = parts.iter().flatten().map(|(head, _)| (*head).to_owned());
            (heads.collect(), format!(", {tail}"))
        }
        _ => (names.to_vec(), String::new()),
    };
    match heads.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}{tail}", rest.join(", ")),
        _ => format!("{}{tail}", heads.concat()),
    }
}

/// The same refusals, each cause said once for all candidates that it holds for.
pub(super) fn grouped(errors: Vec<Error>) -> Vec<Error> {
    let mut groups: Vec<(String, Vec<Error>)> = Vec::new();
    for error in errors {
        let whole = chain(&error);
        let why = whole.strip_prefix(error.message()).unwrap_or(&whole);
        match groups.iter_mut().find(|(other, _)| other == why) {
            Some((_, group)) => group.push(error),
            None => groups.push((why.to_owned(), vec![error])),
        }
    }
    let told = |(_, mut group): (String, Vec<Error>)| {
        let names: Vec<String> = group.iter().map(|one| one.message().to_owned()).collect();
        group.swap_remove(0).saying(together(&names))
    };
    groups.into_iter().map(told).collect()
}
