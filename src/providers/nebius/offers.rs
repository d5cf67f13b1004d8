//! What can be rented, at what price, and how much there is of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join;

use super::candidates::{Candidate, Market, is_for_keeps};
use super::prices::LISTED;
use super::wire::{Advice, Availability, Platform};
use super::{Nebius, api};
use crate::model::chain;
use crate::providers::{Error, ErrorKind, Offer, Result};

impl Nebius {
    /// Every preset of every platform, with its live price where the calculator tells it, else that of a dated list.
    pub(super) async fn offered(&self) -> Result<Vec<Offer>> {
        let (platforms, stock) = join(self.known_platforms(), self.stock()).await;
        let platforms = platforms?;
        let stock = stock.unwrap_or_else(|error| {
            // Offers without stock are worth showing.
            self.said
                .warn(format!("showing no stock: {}", chain(&error)));
            BTreeMap::new()
        });
        let preemptible = self.config.preemptible;
        let mut rows = Vec::new();
        for platform in platforms.iter() {
            for preset in &platform.spec.presets {
                let candidate = Candidate {
                    platform: platform.metadata.name.clone(),
                    preset: preset.name.clone(),
                };
                if !(preemptible && is_for_keeps(&candidate, &platforms)) {
                    rows.push((platform, preset, candidate));
                }
            }
        }
        let all: Vec<Candidate> = rows.iter().map(|(.., one)| one.clone()).collect();
        let prices = self.prices(&all).await;
        let mut unpriced: Vec<&str> = Vec::new();
        let mut offers = Vec::new();
        for ((platform, preset, candidate), price) in rows.iter().zip(prices) {
            let name = platform.metadata.name.as_str();
            let price = price.or_else(|| self.listed_price(candidate, Some(preset.resources)));
            if price.is_none() && !unpriced.contains(&name) {
                unpriced.push(name);
            }
            let of = preset.resources;
            let known = |number: u32| (number > 0).then(|| f64::from(number));
            let found = stock.get(&(candidate.platform.clone(), candidate.preset.clone()));
            offers.push(Offer {
                name: format!("{name}/{}", preset.name),
                market: candidate.rental(Market::of(&self.config)).market,
                gpu: gpu(platform, of.gpu_count),
                gpu_memory_gib: known(platform.spec.gpu_memory_gigabytes),
                vcpus: known(of.vcpu_count),
                memory_gib: known(of.memory_gibibytes),
                places: found.map(|found| found.places.clone()).unwrap_or_default(),
                price,
                stock: found.map(|found| found.told.clone()),
            });
        }
        if !unpriced.is_empty() {
            let spot = if preemptible { " as preemptible" } else { "" };
            self.said.warn(format!(
                "no price for {}{spot}: neither Nebius's calculator nor the price list of {LISTED} has one",
                unpriced.join(", ")
            ));
        }
        Ok(offers)
    }

    /// What the project can be given; read once.
    pub(super) async fn known_platforms(&self) -> Result<Arc<Vec<Platform>>> {
        let list = async || {
            let found = self.api.list(api::PLATFORMS, self.project()?).await;
            let found = found.map_err(|refusal| refusal.explain("could not list the platforms"));
            found.map(Arc::new)
        };
        self.platforms.get(list).await
    }

    /// The tenant, whose stock is told: that of the settings, else the project's parent.
    async fn tenant(&self) -> Result<String> {
        if let Some(tenant) = &self.identity.tenant {
            return Ok(tenant.clone());
        }
        let id = self.project()?;
        let doing = format!("could not look up the tenant of the project `{id}`");
        let hint = "set `tenant`";
        let project = self.home().await;
        let project = project.map_err(|error| error.while_trying(doing.clone()).hinted(hint))?;
        let tenant = project.metadata.parent_id.clone();
        if tenant.is_empty() {
            let error =
                Error::new(ErrorKind::Unexpected, doing).because("the answer holds no tenant");
            return Err(error.hinted(hint));
        }
        Ok(tenant)
    }

    /// The stock by platform and preset, of the project's region where that is known: a project has machines of its own
    /// region only.
    pub(super) async fn stock(&self) -> Result<BTreeMap<(String, String), StockOf>> {
        let tenant = self.tenant().await?;
        let advices: Vec<Advice> = self
            .api
            .list(api::ADVICES, &tenant)
            .await
            .map_err(|refusal| refusal.explain("could not read the stock"))?;
        let home = self.memory().region.clone();
        let is_here = |advice: &&Advice| {
            let region = &advice.spec.region;
            region.is_empty() || home.as_ref().is_none_or(|home| home == region)
        };
        let mut all: BTreeMap<(String, String), BTreeSet<(String, String)>> = BTreeMap::new();
        for advice in advices.iter().filter(is_here) {
            let status = &advice.status;
            let availability = if self.config.preemptible {
                &status.preemptible
            } else {
                &status.on_demand
            };
            let machine = &advice.spec.compute_instance;
            if let Some(told) = availability.as_ref().and_then(describe) {
                all.entry((machine.platform.clone(), machine.preset.name.clone()))
                    .or_default()
                    .insert((told, advice.spec.region.clone()));
            }
        }
        Ok(all
            .into_iter()
            .map(|(key, told)| (key, StockOf::of(&told)))
            .collect())
    }
}

/// How much there is of a preset, and where.
#[derive(Clone, Debug, Default)]
pub(super) struct StockOf {
    /// In words; with the region where there are several.
    pub(super) told: String,
    /// The regions that have some.
    pub(super) places: Vec<String>,
}

impl StockOf {
    fn of(all: &BTreeSet<(String, String)>) -> Self {
        let regions: BTreeSet<&String> = all.iter().map(|(_, region)| region).collect();
        let line = |(told, region): &(String, String)| match region.as_str() {
            _ if regions.len() == 1 => told.clone(),
            "" => told.clone(),
            region => format!("{told} in {region}"),
        };
        let told: Vec<String> = all.iter().map(line).collect();
        let places = regions.into_iter().filter(|region| !region.is_empty());
        Self {
            told: told.join(", "),
            places: places.cloned().collect(),
        }
    }
}

/// The GPUs of a machine, by the name that Nebius shows to people.
fn gpu(platform: &Platform, count: u32) -> Option<String> {
    let spec = &platform.spec;
    let names = [&spec.short_human_readable_name, &spec.human_readable_name];
    let own = &platform.metadata.name;
    let bare = own.trim_start_matches("gpu-").split('-').next();
    let shown = names
        .into_iter()
        .find(|name| !name.is_empty() && *name != own);
    let name = shown.cloned().or_else(|| bare.map(str::to_uppercase))?;
    match count {
        0 => None,
        1 => Some(name),
        many => Some(format!("{many}x {name}")),
    }
}

/// A level, and the number where it is told.
fn describe(availability: &Availability) -> Option<String> {
    let level = availability
        .level
        .strip_prefix("AVAILABILITY_LEVEL_")
        .filter(|level| !matches!(*level, "UNSPECIFIED" | "UNKNOWN"))
        .map(|level| level.to_ascii_lowercase().replace('_', " "));
    let stale = match availability.data_state.as_str() {
        "DATA_STATE_STALE" => ", some time ago",
        "DATA_STATE_UNKNOWN" => return level,
        _ => "",
    };
    match (level, availability.available) {
        (Some(level), Some(number)) => Some(format!("{level} ({number}{stale})")),
        (Some(level), None) => Some(format!("{level}{stale}")),
        (None, Some(number)) => Some(format!("{number}{stale}")),
        (None, None) => None,
    }
}
