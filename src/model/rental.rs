//! What was rented: machine type, GPU, market, place, and the price an hour with its basis.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};

/// What is known of a rented machine, in the words of its place; nothing of it is needed to find or end the machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "RentalKeys", into = "RentalKeys")]
pub struct Rental {
    /// The machine type (`g6.xlarge`, `gpu-l40s-a 1gpu-8vcpu-32gb`).
    pub machine_type: Option<String>,
    /// The GPUs (`NVIDIA A40`, `2x NVIDIA A40`), where the machine type does not say it.
    pub gpu: Option<String>,
    /// On which terms: `spot`, `on-demand`, `preemptible`, `secure`, `community`.
    pub market: Option<String>,
    /// Where it is (`us-east-1a`, `EU-SE-1`, `pi@pi4.local`), for people.
    pub place: Option<String>,
    /// What it costs.
    pub price: Option<Price>,
}

/// US dollars an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// US dollars an hour; 0 where the place says that nothing is billed.
    pub per_hour: f64,
    /// Where the number comes from; unknown in records of earlier versions.
    pub basis: Option<PriceBasis>,
}

/// Where a price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceBasis {
    /// The place told it of this machine, or in its catalog, just now.
    Live,
    /// A list of that day: without what was agreed with the place, and what has changed since.
    Listed(Date),
    /// The most that the settings allow it to cost.
    Limit,
}

impl PriceBasis {
    /// As outputs spell it: `live`, `listed` or `limit`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Listed(_) => "listed",
            Self::Limit => "limit",
        }
    }

    /// The day of the list.
    pub fn listed_on(self) -> Option<Date> {
        match self {
            Self::Listed(on) => Some(on),
            Self::Live | Self::Limit => None,
        }
    }
}

impl Price {
    /// A price that the place told just now.
    pub fn live(per_hour: f64) -> Self {
        Self::with(per_hour, PriceBasis::Live)
    }

    /// A price of a dated list.
    pub fn listed(per_hour: f64, on: Date) -> Self {
        Self::with(per_hour, PriceBasis::Listed(on))
    }

    /// The most that it may cost.
    pub fn limit(per_hour: f64) -> Self {
        Self::with(per_hour, PriceBasis::Limit)
    }

    fn with(per_hour: f64, basis: PriceBasis) -> Self {
        Self {
            per_hour,
            basis: Some(basis),
        }
    }
}

impl fmt::Display for Price {
    /// `$0.40/h`, `about $0.80/h (list price of 2026-10-01)`, `at most $0.25/h`; without the day in the alternate form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = Rate(self.per_hour);
        match self.basis {
            None | Some(PriceBasis::Live) => rate.fmt(f),
            Some(PriceBasis::Listed(_)) if f.alternate() => write!(f, "about {rate}"),
            Some(PriceBasis::Listed(on)) => write!(f, "about {rate} (list price of {on})"),
            Some(PriceBasis::Limit) => write!(f, "at most {rate}"),
        }
    }
}

/// Dollars an hour with as many digits as matter.
struct Rate(f64);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            price if price > 0.0 && price < 0.01 => write!(f, "${price:.4}/h"),
            price if price > 0.0 && price < 0.1 => write!(f, "${price:.3}/h"),
            price => write!(f, "${price:.2}/h"),
        }
    }
}

impl Rental {
    /// A machine of which nothing but its place is known: no price, as of a host or a container.
    pub fn at(place: impl Into<String>) -> Self {
        Self {
            place: Some(place.into()),
            ..Self::default()
        }
    }

    /// US dollars an hour, where a price is known.
    pub fn price_per_hour(&self) -> Option<f64> {
        self.price.map(|price| price.per_hour)
    }

    /// The same with what another source knows besides; what is known here wins.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            machine_type: self.machine_type.or_else(|| other.machine_type.clone()),
            gpu: self.gpu.or_else(|| other.gpu.clone()),
            market: self.market.or_else(|| other.market.clone()),
            place: self.place.or_else(|| other.place.clone()),
            price: self.price.or(other.price),
        }
    }

    /// What is known but the price, with commas between; nothing where nothing is known.
    pub fn terms(&self) -> String {
        let gpu = self.gpu.as_ref().filter(|gpu| {
            let named = self.machine_type.as_deref().unwrap_or_default();
            !named.contains(gpu.as_str())
        });
        let market = self.market.as_ref();
        let parts = [self.machine_type.as_ref(), gpu, market, self.place.as_ref()];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(", ")
    }

    /// Writes what is known, and no key of what is not: for the state file.
    ///
    /// # Errors
    ///
    /// As the serializer.
    pub fn known<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        KnownKeys(RentalKeys::from(self.clone())).serialize(serializer)
    }
}

impl fmt::Display for Rental {
    /// What is known, with commas between: `NVIDIA A40, secure, EU-SE-1, $0.40/h`; nothing where nothing is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = self.terms();
        f.write_str(&terms)?;
        match self.price {
            None => Ok(()),
            Some(price) if terms.is_empty() => price.fmt(f),
            Some(price) => write!(f, ", {price}"),
        }
    }
}

/// What is known of a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostBound {
    /// It is this.
    Exact,
    /// It may be less.
    AtMost,
}

impl From<bool> for CostBound {
    /// As outputs tell it: `cost_at_most`.
    fn from(cost_at_most: bool) -> Self {
        if cost_at_most {
            Self::AtMost
        } else {
            Self::Exact
        }
    }
}

/// US dollars that something cost, for people: `$0.17`, `less than $0.01`, `at most $0.17`.
pub fn cost_in_words(cost: f64, bound: impl Into<CostBound>) -> String {
    // A few seconds of a cheap machine are not nothing.
    match (bound.into(), cost > 0.0 && cost < 0.01) {
        (_, true) => "less than $0.01".to_owned(),
        (CostBound::AtMost, false) => format!("at most ${cost:.2}"),
        (CostBound::Exact, false) => format!("${cost:.2}"),
    }
}

/// A rental as files and outputs spell it: all keys on one level, beside others.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct RentalKeys {
    machine_type: Option<String>,
    gpu: Option<String>,
    market: Option<String>,
    place: Option<String>,
    price_per_hour: Option<f64>,
    /// `live`, `listed` or `limit`.
    price_basis: Option<String>,
    /// The day of the list.
    price_listed_on: Option<Date>,
}

/// Those of them that have a value.
struct KnownKeys(RentalKeys);

impl Serialize for KnownKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        let mut keys = value.as_object().cloned().unwrap_or_default();
        keys.retain(|_, value| !value.is_null());
        keys.serialize(serializer)
    }
}

impl From<RentalKeys> for Rental {
    fn from(keys: RentalKeys) -> Self {
        let basis = match (keys.price_basis.as_deref(), keys.price_listed_on) {
            (Some("live"), _) => Some(PriceBasis::Live),
            (Some("listed"), Some(on)) => Some(PriceBasis::Listed(on)),
            (Some("limit"), _) => Some(PriceBasis::Limit),
            // An earlier version wrote none, a later one may know more.
            _ => None,
        };
        let price = keys.price_per_hour;
        Self {
            machine_type: keys.machine_type,
            gpu: keys.gpu,
            market: keys.market,
            place: keys.place,
            price: price.map(|per_hour| Price { per_hour, basis }),
        }
    }
}

impl From<Rental> for RentalKeys {
    fn from(rental: Rental) -> Self {
        let basis = rental.price.and_then(|price| price.basis);
        Self {
            price_per_hour: rental.price_per_hour(),
            price_basis: basis.map(|basis| basis.word().to_owned()),
            price_listed_on: basis.and_then(PriceBasis::listed_on),
            machine_type: rental.machine_type,
            gpu: rental.gpu,
            market: rental.market,
            place: rental.place,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Rental {
        Rental {
            gpu: Some("NVIDIA A40".into()),
            market: Some("secure".into()),
            place: Some("EU-SE-1".into()),
            price: Some(Price::live(0.4)),
            ..Rental::default()
        }
    }

    fn listed() -> Price {
        Price::listed(1.6237, Date::constant(2026, 10, 1))
    }

    #[test]
    fn a_rental_reads_as_people_say_it() {
        assert_eq!(pod().to_string(), "NVIDIA A40, secure, EU-SE-1, $0.40/h");
        assert_eq!(Rental::default().to_string(), "");
        assert_eq!(
            listed().to_string(),
            "about $1.62/h (list price of 2026-10-01)"
        );
        assert_eq!(format!("{:#}", listed()), "about $1.62/h");
        assert_eq!(Price::limit(0.0416).to_string(), "at most $0.042/h");
        assert_eq!(Price::live(0.0097).to_string(), "$0.0097/h");
    }

    #[test]
    fn what_one_source_does_not_know_another_tells() {
        let seen = Rental {
            price: Some(Price::live(0.0)),
            ..Rental::default()
        };
        let both = seen.or(&pod());
        assert_eq!(both.price_per_hour(), Some(0.0), "it ended");
        assert_eq!(both.gpu.as_deref(), Some("NVIDIA A40"));
    }

    #[test]
    fn a_rental_reads_back_as_it_was_written() {
        for price in [None, Some(Price::live(0.4)), Some(listed())] {
            let rental = Rental { price, ..pod() };
            let written = serde_json::to_string(&rental).expect("it is written");
            let read: Rental = serde_json::from_str(&written).expect("it is read");
            assert_eq!(read, rental);
        }
        let earlier: Rental =
            serde_json::from_str(r#"{"price_per_hour": 0.79}"#).expect("it is read");
        assert_eq!(earlier.price_per_hour(), Some(0.79));
        assert_eq!(earlier.price.and_then(|price| price.basis), None);
    }
}
