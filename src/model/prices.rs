//! What several machines cost an hour together, and of which that is not known.

use std::collections::BTreeSet;

use super::{Price, PriceBasis};

/// The prices of rented machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices<'a> {
    known: Vec<Price>,
    unknown_at: BTreeSet<&'a str>,
}

impl<'a> Prices<'a> {
    /// Each machine has a provider, and a price where one is known.
    pub fn of(machines: impl IntoIterator<Item = (&'a str, Option<Price>)>) -> Self {
        let mut prices = Self::default();
        for (provider, price) in machines {
            match price {
                Some(price) => prices.known.push(price),
                None => {
                    prices.unknown_at.insert(provider);
                }
            }
        }
        prices
    }

    /// All that are known together, no more exact than the least exact of them: what is the most that it can be makes a
    /// most of it, and what is listed an estimate. `None` where none is known.
    pub fn sum(&self) -> Option<Price> {
        let told = || self.known.iter().filter_map(|price| price.basis);
        let limit = |basis: &PriceBasis| *basis == PriceBasis::Limit;
        let listed = |basis: &PriceBasis| matches!(basis, PriceBasis::Listed(_));
        let basis = told()
            .find(limit)
            .or_else(|| told().find(listed))
            .or_else(|| told().next());
        (!self.known.is_empty()).then(|| Price {
            per_hour: self.known.iter().map(|price| price.per_hour).sum(),
            basis,
        })
    }

    /// The providers of machines whose price is not known; empty where there are none.
    pub fn unknown_at(&self) -> String {
        let names: Vec<&str> = self.unknown_at.iter().copied().collect();
        names.join(", ")
    }

    /// The sum in words: `about $1.82/h without ec2`. `None` where no price is known.
    pub fn in_words(&self) -> Option<String> {
        let sum = self.sum()?;
        Some(match self.unknown_at().as_str() {
            "" => format!("{sum:#}"),
            without => format!("{sum:#} without {without}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_as_exact_as_its_least_exact_price_and_names_whom_it_leaves_out_once() {
        let live = Some(Price::live(0.5));
        let day = "2026-10-01".parse().expect("a day");
        let listed = Some(Price::listed(1.25, day));
        let limit = Some(Price::limit(0.25));
        for (machines, words) in [
            (vec![], None),
            (vec![("ec2", None)], None),
            (vec![("gpu", live), ("gpu", live)], Some("$1.00/h")),
            (
                vec![("gpu", live), ("nebius", listed)],
                Some("about $1.75/h"),
            ),
            (
                vec![("nebius", listed), ("spot", limit), ("gpu", live)],
                Some("at most $2.00/h"),
            ),
            (
                vec![("z", None), ("gpu", live), ("ec2", None), ("z", None)],
                Some("$0.50/h without ec2, z"),
            ),
        ] {
            assert_eq!(Prices::of(machines).in_words().as_deref(), words);
        }
    }
}
