//! Whether the key and the settings work, and what there is.

use super::RunPod;
use super::candidates;
use super::config::Cloud;
use super::tier::Tier;
use crate::model::{MANAGED_BY, Price};
use crate::providers::{Health, Offer, Quote, Result};

impl RunPod {
    /// Asks with the key, and looks the settings up in the catalog.
    pub(super) async fn examine(&self) -> Result<Health> {
        let pods = self.api.pods().await?;
        let ours = pods.iter().filter(|pod| pod.tags.is_some()).count();
        let mut health = Health {
            facts: vec![format!(
                "the API key works at {}: {} pods in its account, {ours} of them {}'s",
                self.api.base(),
                pods.len(),
                MANAGED_BY.1,
            )],
            warnings: Vec::new(),
        };
        let catalog = self
            .api
            .read_catalog(&self.config, Tier::of(&self.config))
            .await?;
        if self.config.gpu.is_none() && self.config.cpu.is_none() {
            health.facts.push(format!(
                "nothing can be launched until `gpu` or `cpu` is set; the catalog has {} GPUs",
                catalog.len()
            ));
            return Ok(health);
        }
        let pinned = self.pinned().await?;
        if let (Some(volume), Some(center)) = (&pinned.network_volume, &pinned.pinned) {
            let id = volume.parts().0;
            health.facts.push(format!(
                "the network volume `{id}` is in {center}: pods run there"
            ));
        }
        let choice = candidates::choose(&pinned, &catalog)?;
        for candidate in &choice.candidates {
            let price = candidate
                .price
                .map_or_else(String::new, |price| format!(", ${price:.2} an hour"));
            let stock = candidate
                .stock
                .map_or_else(String::new, |stock| format!(", stock {stock}"));
            health.facts.push(format!("{candidate}{price}{stock}"));
        }
        for (candidate, why) in &choice.dropped {
            health
                .warnings
                .push(format!("skipping {candidate}: {}", why.text));
        }
        if choice.candidates.is_empty() {
            let error = candidates::none_left(&choice.dropped, &self.config);
            if error.key().is_some() {
                return Err(error);
            }
            health.warnings.push(error.to_string());
        }
        health.facts.push(
            "only a launch can show whether the balance is enough, and whether the key may create pods"
                .to_owned(),
        );
        Ok(health)
    }

    /// What a launch would try by the catalog of now, with its prices.
    pub(super) async fn quoted(&self) -> Result<Vec<Quote>> {
        let tiers = Tier::of(&self.config);
        let catalog = self.api.read_catalog(&self.config, tiers).await?;
        let choice = candidates::choose(&self.pinned().await?, &catalog)?;
        if choice.candidates.is_empty() {
            return Err(candidates::none_left(&choice.dropped, &self.config));
        }
        let quotes = choice.candidates.iter().map(|candidate| Quote {
            candidate: candidate.to_string(),
            price: candidate.price.map(Price::live),
            stock: candidate.stock.map(|stock| stock.to_string()),
        });
        Ok(quotes.collect())
    }

    /// Everything in the catalog, with its price for as many as the settings ask for: a GPU that they do not name could
    /// be named. A table that says what it rents has it in its own clouds; else both are shown.
    pub(super) async fn everything(&self) -> Result<Vec<Offer>> {
        let rents = self.config.gpu.is_some() || self.config.cpu.is_some();
        let clouds = if rents || self.config.cloud != Cloud::default() {
            Tier::of(&self.config)
        } else {
            &[Tier::Secure, Tier::Community]
        };
        let catalog = self.api.read_catalog(&self.config, clouds).await?;
        let count = match self.config.cpu {
            Some(_) => self.config.vcpus(),
            None => self.config.count(),
        };
        Ok(catalog.offers(count))
    }
}
