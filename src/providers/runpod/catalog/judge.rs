//! Whether a candidate can be tried now, by price and stock.

use super::super::candidates::{Candidate, DropCause, Dropped};
use super::super::config::RunPodConfig;
use super::super::price::above;
use super::{Catalog, Shelf, Stock};

impl Catalog {
    /// Adds price and stock to a candidate, or says why it cannot be tried now.
    pub(in crate::providers::runpod) fn judge(
        &self,
        config: &RunPodConfig,
        mut one: Candidate,
    ) -> Result<Candidate, Dropped> {
        let never = |key, text| Dropped {
            cause: DropCause::Setting(key),
            text,
        };
        let now = |cause, text: String| Dropped { cause, text };
        let kind = self.kinds.iter().find(|kind| kind.id == one.chip.id());
        let shelves = kind.map(|kind| kind.shelves.as_slice()).unwrap_or_default();
        let Some(stocked) = shelves.iter().find(|stocked| stocked.cloud == one.cloud) else {
            let cloud = one.cloud.name();
            return Err(never(
                "cloud",
                format!("the {cloud} cloud does not offer it"),
            ));
        };
        if let Some(most) = stocked.most
            && one.count > most
        {
            let key = if config.cpu.is_some() {
                "vcpus"
            } else {
                "gpu_count"
            };
            return Err(never(
                key,
                format!("a machine has at most {most} of them, not {}", one.count),
            ));
        }
        one.price = stocked.price.map(|price| price * f64::from(one.count));
        one.stock = stocked.stock;
        if let (Some(price), Some(most)) = (one.price, config.max_price)
            && price > most
        {
            let text = above(price, most);
            return Err(now(DropCause::Price, format!("it costs {text}")));
        }
        if one.price.is_none() && config.max_price.is_some() {
            let text = "its price is unknown, and `max_price` is set".to_owned();
            return Err(now(DropCause::Unpriced, text));
        }
        if one.stock == Some(Stock::None) {
            return Err(now(DropCause::Stock, "it is out of stock".to_owned()));
        }
        if let (Some(center), Some(levels)) = (&config.pinned, &stocked.data_centers)
            && !levels.is_empty()
            && !levels.iter().any(|(id, _)| id == center)
        {
            let text = format!("{center}, where the network volume is, does not offer it");
            return Err(never("network_volume", text));
        }
        narrow(&mut one, stocked, config).map_err(|text| now(DropCause::Stock, text))?;
        Ok(one)
    }
}

/// Leaves only the data centers that have some of it.
fn narrow(one: &mut Candidate, shelf: &Shelf, config: &RunPodConfig) -> Result<(), String> {
    // Without a list nothing is known of data centers; one that is not in the list does not have it.
    if let Some(levels) = &shelf.data_centers
        && !one.data_centers.is_empty()
    {
        let level = |name: &String| levels.iter().find(|(id, _)| id == name)?.1;
        one.stock = one.data_centers.iter().filter_map(level).max();
        one.data_centers
            .retain(|name| level(name).is_some_and(|stock| stock > Stock::None));
        if one.data_centers.is_empty() {
            return Err(match &config.pinned {
                Some(center) => {
                    format!("it is out of stock in {center}, where the network volume is")
                }
                None => "it is out of stock in `data_centers`".to_owned(),
            });
        }
    }
    Ok(())
}
