//! What can be rented, at about what price, and how much there is of it.

use std::collections::BTreeMap;

use super::prices::{LISTED, estimate};
use super::wire::{Advice, Availability, Platform, Project};
use super::{Nebius, api};
use crate::model::{Price, chain};
use crate::providers::{Error, ErrorKind, Offer, Result};

impl Nebius {
    /// Every preset of every platform. Prices are estimates from a dated list.
    pub(super) async fn offered(&self) -> Result<Vec<Offer>> {
        let platforms = self.platforms().await?;
        let stock = match self.stock().await {
            Ok(stock) => stock,
            Err(error) => {
                // Offers without stock are worth showing.
                self.said.warn(format!("stock unknown: {}", chain(&error)));
                BTreeMap::new()
            }
        };
        let preemptible = self.config.preemptible;
        let disk = u64::from(self.config.disk.size);
        let mut offers = Vec::new();
        for platform in &platforms {
            if preemptible && !platform.status.allowed_for_preemptibles {
                continue;
            }
            let name = &platform.metadata.name;
            for preset in &platform.spec.presets {
                let key = (name.clone(), preset.name.clone());
                let price = estimate(name, preset.resources, preemptible, disk);
                offers.push(Offer {
                    name: format!("{name}/{}", preset.name),
                    price: price.map(|price| Price::listed(price, LISTED)),
                    stock: stock.get(&key).cloned(),
                    ..Offer::default()
                });
            }
        }
        Ok(offers)
    }

    /// What the project can be given.
    pub(super) async fn platforms(&self) -> Result<Vec<Platform>> {
        let found = self.api.list(api::PLATFORMS, self.project()?).await;
        found.map_err(|refusal| refusal.explain("could not list the platforms"))
    }

    /// The tenant, whose stock is told: that of the settings, else the project's parent.
    async fn tenant(&self) -> Result<String> {
        if let Some(tenant) = &self.identity.tenant {
            return Ok(tenant.clone());
        }
        let id = self.project()?;
        let doing = format!("could not look up the tenant of the project `{id}`");
        let hint = "set `tenant`";
        let found = self.api.get::<Project>(api::PROJECTS, id).await;
        let project = found.map_err(|refusal| refusal.explain(doing.clone()).hinted(hint))?;
        let tenant = project.metadata.parent_id;
        if tenant.is_empty() {
            let error =
                Error::new(ErrorKind::Unexpected, doing).because("the answer holds no tenant");
            return Err(error.hinted(hint));
        }
        Ok(tenant)
    }

    /// The stock by platform and preset.
    pub(super) async fn stock(&self) -> Result<BTreeMap<(String, String), String>> {
        let tenant = self.tenant().await?;
        let advices: Vec<Advice> = self
            .api
            .list(api::ADVICES, &tenant)
            .await
            .map_err(|refusal| refusal.explain("could not read the stock"))?;
        let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for advice in &advices {
            let status = &advice.status;
            let availability = if self.config.preemptible {
                &status.preemptible
            } else {
                &status.on_demand
            };
            let machine = &advice.spec.compute_instance;
            if let Some(told) = availability.as_ref().and_then(describe) {
                let region = match advice.spec.region.as_str() {
                    "" => String::new(),
                    region => format!(" in {region}"),
                };
                all.entry((machine.platform.clone(), machine.preset.name.clone()))
                    .or_default()
                    .push(format!("{told}{region}"));
            }
        }
        Ok(all
            .into_iter()
            .map(|(key, mut told)| {
                told.sort();
                told.dedup();
                (key, told.join(", "))
            })
            .collect())
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
