//! What candidates cost: Nebius's calculator tells it live, and a dated list where that does not answer.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::candidates::{Candidate, Market, Priced, candidates};
use super::prices::{LISTED, disk_alone, estimate, resources, rounded};
use super::wire::PresetResources;
use super::{Nebius, jobs};
use crate::model::{Price, chain, lock};
use crate::providers::{Quote, Result};

/// The hourly price in what the calculator answers.
const COST: &str = "/hourlyCost/general/total/cost";

impl Nebius {
    /// What a candidate costs an hour with its disk; `None` where neither the calculator nor the list tells.
    pub(super) async fn price(&self, candidate: &Candidate) -> Option<Price> {
        let priced = Priced::by(&self.config, candidate);
        if let Some(known) = self.known_price(&priced) {
            return Some(known);
        }
        match self.calculated(candidate).await {
            Some(price) => {
                let price = Price::live(rounded(price + disk_alone(priced.disk)));
                lock(&self.prices).insert(priced, price);
                Some(price)
            }
            None => self.listed_price(candidate, resources(&candidate.preset)),
        }
    }

    /// What several candidates cost. The first answer tells whether it is worth asking for the others.
    pub(super) async fn prices(&self, all: &[Candidate]) -> Vec<Option<Price>> {
        let Some((first, rest)) = all.split_first() else {
            return Vec::new();
        };
        let mut prices = vec![self.price(first).await];
        prices.extend(join_all(rest.iter().map(|one| self.price(one))).await);
        prices
    }

    /// What a launch would try, with its prices.
    pub(super) async fn quoted(&self) -> Result<Vec<Quote>> {
        let all = candidates(&self.config, None);
        let prices = self.prices(&all).await;
        let quotes = all.iter().zip(prices).map(|(candidate, price)| Quote {
            candidate: candidate.to_string(),
            price,
            stock: None,
        });
        Ok(quotes.collect())
    }

    /// The price that the calculator told before, for the very same terms and disk: a machine that other settings
    /// launched has a price of its own.
    pub(super) fn known_price(&self, priced: &Priced) -> Option<Price> {
        lock(&self.prices).get(priced).copied()
    }

    /// The price of the dated list.
    pub(super) fn listed_price(
        &self,
        candidate: &Candidate,
        resources: Option<PresetResources>,
    ) -> Option<Price> {
        let (market, disk) = (Market::of(&self.config), self.config.disk.size);
        let listed = estimate(&candidate.platform, resources?, market, disk.into())?;
        Some(Price::listed(listed, LISTED))
    }

    /// What the calculator says of a candidate without its disk. Once it did not answer, it is not asked again: a price
    /// is worth no wait.
    async fn calculated(&self, candidate: &Candidate) -> Option<f64> {
        if self.memory().calculator_is_silent {
            return None;
        }
        let mut spec = json!({
            "resources": { "platform": candidate.platform, "preset": candidate.preset },
        });
        if self.config.preemptible {
            spec["preemptible"] = json!({ "onPreemption": "STOP" });
            if let Value::Object(model) = jobs::pricing(&self.config) {
                for (key, value) in model {
                    spec[key] = value;
                }
            }
        }
        let project = self.project().ok()?;
        let body = json!({ "resourceSpec": { "computeInstanceSpec": {
            "metadata": { "parentId": project }, "spec": spec,
        } } });
        let told = match self.api.price(&body).await {
            Ok(told) => told,
            Err(refusal) => {
                let is_wrong = matches!(refusal.status(), Some(400));
                let error = refusal.explain(format!("could not ask for the price of {candidate}"));
                tracing::debug!("{}", chain(&error));
                self.memory().calculator_is_silent |= !is_wrong;
                return None;
            }
        };
        let cost = told.pointer(COST)?;
        let cost = cost.as_f64().or_else(|| cost.as_str()?.parse().ok())?;
        Some(cost).filter(|cost| cost.is_finite() && *cost > 0.0)
    }
}
