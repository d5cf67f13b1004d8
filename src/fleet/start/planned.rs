//! What a start would do.

use jiff::civil::Date;
use serde::Serialize;

use crate::model::{Price, PriceBasis};
use crate::providers::Quote;

/// What a start would do.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// What runners would be registered with.
    pub scope: String,
    /// At which server.
    pub server: String,
    /// How many.
    pub count: u16,
    /// The labels of the first.
    pub labels: Vec<String>,
    /// The bound on the whole start.
    pub timeout_s: u64,
    /// How long a machine may live.
    pub lifetime_s: u64,
    /// How long it waits for a job; 0 is for ever.
    pub idle_timeout_s: u64,
    /// The providers in order of preference.
    pub providers: Vec<PlannedProvider>,
    /// The boot script, its secrets as `***`.
    pub boot_script: String,
}

/// Something that a provider of a plan would try.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedQuote {
    /// What it is.
    pub candidate: String,
    /// US dollars an hour for one machine, where that is known.
    pub price_per_hour: Option<f64>,
    /// `live`, `listed` or `limit`.
    pub price_basis: Option<&'static str>,
    /// The day of the list.
    pub price_listed_on: Option<Date>,
    /// What the place says about its stock.
    pub stock: Option<String>,
    /// The same as a price.
    #[serde(skip)]
    pub price: Option<Price>,
}

impl From<Quote> for PlannedQuote {
    fn from(quote: Quote) -> Self {
        let basis = quote.price.and_then(|price| price.basis);
        Self {
            candidate: quote.candidate,
            price_per_hour: quote.price.map(|price| price.per_hour),
            price_basis: basis.map(PriceBasis::word),
            price_listed_on: basis.and_then(PriceBasis::listed_on),
            stock: quote.stock,
            price: quote.price,
        }
    }
}

/// One provider of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedProvider {
    /// The provider's name.
    pub provider: String,
    /// The provider's kind.
    pub kind: String,
    /// What it would try, in order.
    pub candidates: Vec<String>,
    /// The same with prices, as they are just now.
    pub quotes: Vec<PlannedQuote>,
    /// Whether its machines are rented.
    #[serde(skip)]
    pub is_rented: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What to type or to mend, where the place would not tell its prices.
    pub hints: Vec<String>,
}
