//! What `providers offers` puts on stdout.

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::{Table, or_dash};
use crate::fleet::Unopened;
use crate::fleet::survey::Unknown;
use crate::model::{Error, Exit, PriceBasis};
use crate::providers;

/// A machine type on offer.
#[derive(Clone, Debug)]
pub struct OfferRow {
    /// The provider.
    pub provider: String,
    /// What it offers.
    pub offer: providers::Offer,
}

impl Serialize for OfferRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            provider: &'a str,
            name: &'a str,
            price_per_hour: Option<f64>,
            stock: Option<&'a str>,
            price_basis: Option<&'static str>,
            price_listed_on: Option<Date>,
            market: Option<&'a str>,
            gpu: Option<&'a str>,
            gpu_memory_gib: Option<f64>,
            vcpus: Option<f64>,
            memory_gib: Option<f64>,
            places: &'a [String],
        }
        let Self { provider, offer } = self;
        let basis = offer.price.and_then(|price| price.basis);
        let row = Row {
            provider,
            name: &offer.name,
            price_per_hour: offer.price_per_hour(),
            stock: offer.stock.as_deref(),
            price_basis: basis.map(PriceBasis::word),
            price_listed_on: basis.and_then(PriceBasis::listed_on),
            market: offer.market.as_deref(),
            gpu: offer.gpu.as_deref(),
            gpu_memory_gib: offer.gpu_memory_gib,
            vcpus: offer.vcpus,
            memory_gib: offer.memory_gib,
            places: &offer.places,
        };
        row.serialize(serializer)
    }
}

/// What `providers offers` found, cheapest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OffersReport {
    /// One row each.
    pub offers: Vec<OfferRow>,
    /// Places that could not be asked.
    pub unknown: Vec<Unknown>,
    /// Kinds that nobody named and that could not be asked.
    pub not_asked: Vec<Unopened>,
    /// What ended it before anybody was asked.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

impl OffersReport {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match &self.error {
            Some(error) => error.kind,
            None if self.unknown.is_empty() => Exit::Done,
            None => Exit::Failed,
        }
    }
}

impl Table for OffersReport {
    const HEADER: &'static [&'static str] = &[
        "PROVIDER", "TYPE", "PRICE/H", "STOCK", "MARKET", "GPU", "GPU GIB", "VCPU", "RAM GIB",
        "PLACES",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &OfferRow| {
            let OfferRow { provider, offer } = one;
            let price = offer.price_per_hour();
            let price = price.map(|price| format!("${price:.3}"));
            let places = Some(offer.places.join(", ")).filter(|places| !places.is_empty());
            vec![
                provider.clone(),
                offer.name.clone(),
                or_dash(price.as_ref()),
                or_dash(offer.stock.as_ref()),
                or_dash(offer.market.as_ref()),
                or_dash(offer.gpu.as_ref()),
                or_dash(offer.gpu_memory_gib.as_ref()),
                or_dash(offer.vcpus.as_ref()),
                or_dash(offer.memory_gib.as_ref()),
                or_dash(places.as_ref()),
            ]
        };
        self.offers.iter().map(row).collect()
    }
}
