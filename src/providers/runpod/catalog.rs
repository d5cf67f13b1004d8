//! RunPod's catalog: what there is, what it costs, how much of it is free. Pure.

use std::fmt;

use serde::Deserialize;

use super::candidates::{Candidate, Tier};
use super::config::Config;
use crate::providers::{Error, Offer, Result};

/// How many names an error shows.
const SHOWN: usize = 5;

/// How much of something is free, from nothing upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stock {
    None,
    Low,
    Medium,
    High,
}

impl Stock {
    /// Reads the API's word; another one says nothing.
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "NONE" => Self::None,
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            _ => return None,
        })
    }
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "NONE",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        })
    }
}

/// `GET /v2/catalog/gpus`, as much of it as is of use.
/// <https://docs.runpod.io/api-reference-v2/catalog/list-gpu-types>
#[derive(Debug, Deserialize)]
pub(super) struct Gpus {
    gpus: Vec<GpuType>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GpuType {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    secure: bool,
    #[serde(default)]
    community: bool,
    #[serde(default)]
    price: Both<f64>,
    #[serde(default)]
    max_count: Both<u32>,
    availability: Option<String>,
    data_centers: Option<Vec<Level>>,
}

/// A figure for each cloud.
#[derive(Debug, Deserialize)]
struct Both<T> {
    secure: Option<T>,
    community: Option<T>,
}

impl<T> Default for Both<T> {
    fn default() -> Self {
        Self {
            secure: None,
            community: None,
        }
    }
}

impl<T: Copy> Both<T> {
    fn of(&self, cloud: Tier) -> Option<T> {
        match cloud {
            Tier::Community => self.community,
            Tier::Secure => self.secure,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Level {
    id: String,
    availability: Option<String>,
}

/// `GET /v2/catalog/cpus`. <https://docs.runpod.io/api-reference-v2/catalog/list-cpu-types>
#[derive(Debug, Deserialize)]
pub(super) struct Cpus {
    cpus: Vec<CpuType>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CpuType {
    id: String,
    #[serde(default)]
    name: String,
    vcpu: Option<Range>,
    price: Option<CpuPrice>,
    availability: Option<String>,
    data_centers: Option<Vec<Level>>,
}

#[derive(Debug, Deserialize)]
struct Range {
    max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CpuPrice {
    secure_per_vcpu: Option<f64>,
}

/// All that there is, whether it is free or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    kinds: Vec<Kind>,
}

/// A GPU type or CPU flavor.
#[derive(Clone, Debug)]
struct Kind {
    id: String,
    name: String,
    shelves: Vec<Shelf>,
}

/// What one cloud has of it.
#[derive(Clone, Debug)]
struct Shelf {
    cloud: Tier,
    /// For one GPU, or one virtual CPU, in US dollars an hour.
    price: Option<f64>,
    /// The most that one machine has.
    most: Option<u32>,
    stock: Option<Stock>,
    /// Only those that have it at all.
    data_centers: Option<Vec<(String, Option<Stock>)>>,
}

/// Why a candidate cannot be tried now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    /// The setting that no time will mend.
    pub(super) key: Option<&'static str>,
    /// Why.
    pub(super) text: String,
}

impl Catalog {
    /// Adds what one cloud has.
    pub(super) fn add_gpus(&mut self, cloud: Tier, gpus: Gpus) {
        for gpu in gpus.gpus {
            let there = match cloud {
                Tier::Community => gpu.community,
                Tier::Secure => gpu.secure,
            };
            let stocked = there.then(|| Shelf {
                cloud,
                price: gpu.price.of(cloud).filter(|price| *price > 0.0),
                most: gpu.max_count.of(cloud),
                stock: gpu.availability.as_deref().and_then(Stock::read),
                data_centers: gpu.data_centers.map(levels),
            });
            self.put(gpu.id, gpu.name, stocked);
        }
    }

    /// Adds the CPU flavors.
    pub(super) fn add_cpus(&mut self, cpus: Cpus) {
        for cpu in cpus.cpus {
            let stock = cpu.availability.as_deref().and_then(Stock::read);
            let centers = cpu.data_centers.map(levels);
            let price = cpu.price.and_then(|price| price.secure_per_vcpu);
            let most = cpu.vcpu.and_then(|range| range.max);
            // The list tells prices and stock of the secure cloud only.
            let secure = Shelf {
                cloud: Tier::Secure,
                price: price.filter(|price| *price > 0.0),
                most,
                stock,
                data_centers: centers,
            };
            let community = Shelf {
                cloud: Tier::Community,
                price: None,
                most,
                stock: None,
                data_centers: None,
            };
            self.put(cpu.id.clone(), cpu.name.clone(), Some(secure));
            self.put(cpu.id, cpu.name, Some(community));
        }
    }

    fn put(&mut self, id: String, name: String, stocked: Option<Shelf>) {
        let at = self.kinds.iter().position(|kind| kind.id == id);
        let at = at.unwrap_or_else(|| {
            self.kinds.push(Kind {
                id,
                name,
                shelves: Vec::new(),
            });
            self.kinds.len() - 1
        });
        self.kinds[at].shelves.extend(stocked);
    }

    /// The ids that a name means: that of an id or whole name; else all that have it as a part made of
    /// whole words, however they are joined: `4090`, `rtx4090`, `A100 SXM`.
    ///
    /// # Errors
    ///
    /// Nothing bears the name: a `Config` error with the names that are near.
    pub(super) fn find(&self, name: &str) -> Result<Vec<String>> {
        let wanted = squeezed(name);
        let ids = |fits: &dyn Fn(&Kind) -> bool| -> Vec<String> {
            let found = self.kinds.iter().filter(|kind| fits(kind));
            found.map(|kind| kind.id.clone()).collect()
        };
        let whole = ids(&|kind| squeezed(&kind.id) == wanted);
        let named = ids(&|kind| squeezed(&kind.name) == wanted);
        let parts = ids(&|kind| {
            runs(&kind.id)
                .chain(runs(&kind.name))
                .any(|run| run == wanted)
        });
        [whole, named, parts]
            .into_iter()
            .find(|ids| !ids.is_empty() && !wanted.is_empty())
            .ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let wanted = squeezed(name);
        let near = |kind: &Kind| {
            let all = runs(&kind.id).chain(runs(&kind.name));
            all.map(|run| distance(&run, &wanted)).min()
        };
        let mut kinds: Vec<_> = self.kinds.iter().map(|kind| (near(kind), kind)).collect();
        kinds.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.id.cmp(&other.id)));
        let names: Vec<String> = kinds
            .iter()
            .take(SHOWN)
            .map(|(_, kind)| format!("`{}`", kind.id))
            .collect();
        let key = if self.kinds.iter().any(|kind| kind.id.starts_with("cpu")) {
            "cpu"
        } else {
            "gpu"
        };
        Error::setting(
            key,
            format!(
                "RunPod has nothing that is called `{name}`; near it: {}",
                names.join(", ")
            ),
        )
        .hinted("`gharun providers offers runpod` shows what there is")
    }

    /// Adds price and stock to a candidate, or says why it cannot be tried now.
    pub(super) fn judge(&self, config: &Config, mut one: Candidate) -> Result<Candidate, Dropped> {
        let never = |key, text| Dropped {
            key: Some(key),
            text,
        };
        let now = |text| Dropped { key: None, text };
        let kind = self.kinds.iter().find(|kind| kind.id == one.chip.id());
        let shelves = kind.map(|kind| kind.shelves.as_slice()).unwrap_or_default();
        let Some(stocked) = shelves.iter().find(|stocked| stocked.cloud == one.cloud) else {
            let cloud = one.cloud.name();
            return Err(never(
                "cloud",
                format!("the {cloud} cloud does not have it"),
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
                format!("no machine has {} of them, at most {most}", one.count),
            ));
        }
        one.price = stocked.price.map(|price| price * f64::from(one.count));
        one.stock = stocked.stock;
        if let (Some(price), Some(most)) = (one.price, config.max_price)
            && price > most
        {
            return Err(now(format!(
                "it costs ${price:.2} an hour, and `max_price` is ${most:.2}"
            )));
        }
        if one.price.is_none() && config.max_price.is_some() {
            let text = "its price is not told, and `max_price` is set".to_owned();
            return Err(now(text));
        }
        if one.stock == Some(Stock::None) {
            return Err(now("its stock is NONE".to_owned()));
        }
        // Without a list nothing is known of data centers; one that is not in the list does not have it.
        if let Some(levels) = &stocked.data_centers
            && !one.data_centers.is_empty()
        {
            let level = |name: &String| levels.iter().find(|(id, _)| id == name)?.1;
            one.stock = one.data_centers.iter().filter_map(level).max();
            one.data_centers
                .retain(|name| level(name).is_some_and(|stock| stock > Stock::None));
            if one.data_centers.is_empty() {
                let text = "its stock in `data_centers` is NONE".to_owned();
                return Err(now(text));
            }
        }
        Ok(one)
    }

    /// Everything with its price for so many of it.
    pub(super) fn offers(&self, count: u32) -> Vec<Offer> {
        let mut offers = Vec::new();
        for kind in &self.kinds {
            for shelf in &kind.shelves {
                if shelf.most.is_some_and(|most| count > most)
                    || (shelf.price.is_none() && shelf.stock.is_none())
                {
                    continue;
                }
                let cloud = shelf.cloud.name();
                let stock = shelf.stock.map(|stock| format!("{stock} ({cloud})"));
                offers.push(Offer {
                    name: kind.id.clone(),
                    price_per_hour: shelf.price.map(|price| price * f64::from(count)),
                    stock: stock.or_else(|| Some(format!("({cloud})"))),
                });
            }
        }
        offers
    }

    /// How many kinds there are.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }
}

fn levels(all: Vec<Level>) -> Vec<(String, Option<Stock>)> {
    let read = |level: Level| {
        (
            level.id,
            level.availability.as_deref().and_then(Stock::read),
        )
    };
    all.into_iter().map(read).collect()
}

/// Letters and digits only, in lower case.
fn squeezed(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Every run of whole words, joined.
fn runs(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let bounds: Vec<(usize, usize)> = (0..words.len())
        .flat_map(|from| (from + 1..=words.len()).map(move |to| (from, to)))
        .collect();
    bounds
        .into_iter()
        .map(move |(from, to)| words[from..to].concat())
}

/// How many letters have to be added, removed or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let change = before + usize::from(a != b);
            before = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::super::candidates::{choose, named};
    use super::*;

    /// `(id, name, secure price, community price, stock, data centers)`; a price of 0 is "not there".
    type Row = (
        &'static str,
        &'static str,
        f64,
        f64,
        &'static str,
        &'static [(&'static str, &'static str)],
    );

    const ROWS: &[Row] = &[
        (
            "NVIDIA GeForce RTX 4090",
            "RTX 4090",
            0.69,
            0.34,
            "HIGH",
            &[("EU-RO-1", "HIGH"), ("US-TX-3", "NONE")],
        ),
        ("NVIDIA L40S", "L40S", 0.86, 0.79, "LOW", &[]),
        ("NVIDIA L40", "L40", 0.99, 0.69, "NONE", &[]),
        ("NVIDIA A40", "A40", 0.4, 0.0, "MEDIUM", &[]),
        ("NVIDIA A100 80GB PCIe", "A100 PCIe", 1.64, 1.19, "LOW", &[]),
        ("NVIDIA A100-SXM4-80GB", "A100 SXM", 1.89, 0.0, "HIGH", &[]),
    ];

    fn gpus() -> Gpus {
        let gpus: Vec<Value> = ROWS
            .iter()
            .map(|(id, name, secure, community, stock, centers)| {
                let centers: Vec<Value> = centers
                    .iter()
                    .map(|(id, level)| json!({ "id": id, "name": id, "availability": level }))
                    .collect();
                let mut gpu = json!({
                    "id": id, "name": name, "pool": null, "manufacturer": "NVIDIA", "memory": 48,
                    "secure": secure > &0.0, "community": community > &0.0,
                    "price": { "secure": secure, "community": community },
                    "maxCount": { "secure": 8, "community": 4 }, "availability": stock,
                });
                if !centers.is_empty() {
                    gpu["dataCenters"] = centers.into();
                }
                gpu
            })
            .collect();
        serde_json::from_value(json!({ "gpus": gpus })).expect("a catalog")
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        catalog.add_gpus(Tier::Secure, gpus());
        catalog.add_gpus(Tier::Community, gpus());
        catalog
    }

    fn config(settings: Value) -> Config {
        let mut table = json!({ "api_key": "key" });
        let Value::Object(settings) = settings else {
            panic!("settings are a table")
        };
        table.as_object_mut().expect("a table").extend(settings);
        serde_json::from_value(table).expect("settings")
    }

    fn tried(settings: Value) -> String {
        let choice = choose(&config(settings), &catalog()).expect("a choice");
        let tried = choice.candidates.iter().map(|one| {
            let price = one.price.map_or("?".into(), |price| format!("{price:.2}"));
            format!("{one} ${price}\n")
        });
        let dropped = choice
            .dropped
            .iter()
            .map(|(one, why)| format!("not {one}: {}\n", why.text));
        tried.chain(dropped).collect()
    }

    #[test]
    fn a_name_is_an_id_a_name_or_whole_words_of_one() {
        let catalog = catalog();
        for (name, ids) in [
            ("NVIDIA L40S", &["NVIDIA L40S"][..]),
            ("l40s", &["NVIDIA L40S"]),
            ("L40", &["NVIDIA L40"]),
            ("4090", &["NVIDIA GeForce RTX 4090"]),
            ("RTX4090", &["NVIDIA GeForce RTX 4090"]),
            ("rtx-4090", &["NVIDIA GeForce RTX 4090"]),
            ("A100", &["NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB"]),
            ("a100 sxm", &["NVIDIA A100-SXM4-80GB"]),
        ] {
            assert_eq!(catalog.find(name).unwrap(), ids, "{name}");
        }
    }

    #[test]
    fn a_name_that_nothing_bears_is_told_with_those_near_it() {
        let error = catalog().find("L40X").expect_err("there is none");
        assert_eq!(error.key.as_deref(), Some("gpu"));
        insta::assert_snapshot!(error, @"RunPod has nothing that is called `L40X`; near it: `NVIDIA L40`, `NVIDIA L40S`, `NVIDIA A40`, `NVIDIA A100 80GB PCIe`, `NVIDIA A100-SXM4-80GB`");
        assert!(catalog().find(" - ").is_err());
    }

    #[test]
    fn the_users_order_comes_first_and_then_the_price() {
        insta::assert_snapshot!(tried(json!({ "gpu": ["L40S", "4090", "L40"], "cloud": "any" })), @"
        `NVIDIA L40S`, community cloud $0.79
        `NVIDIA L40S`, secure cloud $0.86
        `NVIDIA GeForce RTX 4090`, community cloud $0.34
        `NVIDIA GeForce RTX 4090`, secure cloud $0.69
        not `NVIDIA L40`, secure cloud: its stock is NONE
        not `NVIDIA L40`, community cloud: its stock is NONE
        ");
        insta::assert_snapshot!(tried(json!({ "gpu": "A100", "cloud": "any", "gpu_count": 2 })), @"
        2 x `NVIDIA A100 80GB PCIe`, community cloud $2.38
        2 x `NVIDIA A100 80GB PCIe`, secure cloud $3.28
        2 x `NVIDIA A100-SXM4-80GB`, secure cloud $3.78
        not 2 x `NVIDIA A100-SXM4-80GB`, community cloud: the community cloud does not have it
        ");
    }

    #[test]
    fn what_costs_more_than_it_may_and_what_no_machine_has_is_dropped() {
        insta::assert_snapshot!(tried(json!({ "gpu": ["4090", "A40"], "cloud": "any", "max_price": 0.6 })), @"
        `NVIDIA GeForce RTX 4090`, community cloud $0.34
        `NVIDIA A40`, secure cloud $0.40
        not `NVIDIA GeForce RTX 4090`, secure cloud: it costs $0.69 an hour, and `max_price` is $0.60
        not `NVIDIA A40`, community cloud: the community cloud does not have it
        ");
        insta::assert_snapshot!(tried(json!({ "gpu": "4090", "cloud": "any", "gpu_count": 6 })), @"
        6 x `NVIDIA GeForce RTX 4090`, secure cloud $4.14
        not 6 x `NVIDIA GeForce RTX 4090`, community cloud: no machine has 6 of them, at most 4
        ");
    }

    #[test]
    fn data_centers_without_stock_are_left_out() {
        insta::assert_snapshot!(tried(json!({ "gpu": "4090", "data_centers": ["US-TX-3", "EU-RO-1", "EU-SE-1"] })), @"`NVIDIA GeForce RTX 4090`, secure cloud, EU-RO-1 $0.69");
        insta::assert_snapshot!(tried(json!({ "gpu": "4090", "data_centers": ["US-TX-3"] })), @"not `NVIDIA GeForce RTX 4090`, secure cloud, US-TX-3: its stock in `data_centers` is NONE");
        // The list says nothing of the data centers of this one.
        insta::assert_snapshot!(tried(json!({ "gpu": "A40", "data_centers": ["US-TX-3"] })), @"`NVIDIA A40`, secure cloud, US-TX-3 $0.40");
    }

    #[test]
    fn cpu_flavors_are_priced_by_their_virtual_cpus() {
        let cpus = json!({ "cpus": [{
            "id": "cpu5c", "name": "Compute-Optimized", "group": "Gen 5", "vcpu": { "min": 2, "max": 16 },
            "ramGbPerVcpu": 2.0, "price": { "securePerVcpu": 0.04, "serverlessPerVcpu": 0.03 },
            "availability": "MEDIUM",
        }] });
        let mut catalog = Catalog::default();
        catalog.add_cpus(serde_json::from_value(cpus).expect("a catalog"));
        let config = config(json!({ "cpu": "cpu5c", "vcpus": 8, "cloud": "any" }));
        let choice = choose(&config, &catalog).unwrap();
        assert_eq!(choice.candidates.len(), 1);
        assert_eq!(choice.candidates[0].price, Some(0.32));
        assert_eq!(
            choice.candidates[0].to_string(),
            "`cpu5c` with 8 vCPUs, secure cloud"
        );
        // The list has no price of the other cloud, and so no limit could be kept.
        let mut elsewhere = config.clone();
        elsewhere.cloud = super::super::config::Cloud::Community;
        assert_eq!(choose(&elsewhere, &catalog).unwrap().candidates.len(), 1);
        elsewhere.max_price = Some(9.0);
        assert_eq!(choose(&elsewhere, &catalog).unwrap().candidates, []);
        let offers = catalog.offers(8);
        assert_eq!(offers.len(), 1);
        assert_eq!(offers[0].stock.as_deref(), Some("MEDIUM (secure)"));
        assert_eq!(
            catalog.find("cpu9").unwrap_err().key.as_deref(),
            Some("cpu")
        );
    }

    #[test]
    fn offers_tell_the_price_of_all_gpus_of_a_pod() {
        let offers = catalog().offers(2);
        let found = offers
            .iter()
            .find(|offer| offer.name == "NVIDIA A40")
            .unwrap();
        assert_eq!(found.price_per_hour, Some(0.8));
        assert_eq!(found.stock.as_deref(), Some("MEDIUM (secure)"));
        // 8 are in no machine of the community cloud.
        let many = catalog().offers(8);
        assert!(
            many.iter()
                .all(|offer| offer.stock.as_deref().unwrap().contains("secure"))
        );
    }

    #[test]
    fn without_a_catalog_candidates_are_as_they_are_written() {
        let config =
            config(json!({ "gpu": ["L40S", "A40"], "cloud": "any", "data_centers": ["EU-RO-1"] }));
        let named: Vec<String> = named(&config).iter().map(ToString::to_string).collect();
        assert_eq!(
            named,
            [
                "`L40S`, secure cloud, EU-RO-1",
                "`L40S`, community cloud, EU-RO-1",
                "`A40`, secure cloud, EU-RO-1",
                "`A40`, community cloud, EU-RO-1",
            ]
        );
    }
}
