//! What can be rented, where, for how much, and how much of it is there.

use serde_json::{Value, json};

use super::wire::{Answer, Asked};
use super::world::World;

/// How much there is of something in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `NONE`
    None,
    /// `LOW`
    Low,
    /// `MEDIUM`
    Medium,
    /// `HIGH`
    High,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

/// The stock of one type in one cloud and one data center.
#[derive(Clone, Debug)]
pub(super) struct Stock {
    pub(super) what: &'static str,
    pub(super) cloud: &'static str,
    pub(super) place: &'static str,
    /// What the catalog says.
    pub(super) level: Level,
    /// How many pods there is room for: the catalog may say something else.
    pub(super) left: u32,
}

/// Id, name, country, region.
const PLACES: &[(&str, &str, &str, &str)] = &[
    ("EU-FR-1", "EU France 1", "FR", "EUROPE"),
    ("EU-RO-1", "EU Romania 1", "RO", "EUROPE"),
    ("US-KS-2", "US Kansas 2", "US", "NORTH_AMERICA"),
];

pub(super) struct Gpu {
    pub(super) id: &'static str,
    name: &'static str,
    pool: &'static str,
    maker: &'static str,
    memory: u32,
    /// US dollars an hour; 0 where that cloud has none.
    pub(super) secure: f64,
    pub(super) community: f64,
    most: u32,
}

const fn gpu(
    id: &'static str,
    name: &'static str,
    pool: &'static str,
    memory: u32,
    (secure, community): (f64, f64),
    most: u32,
) -> Gpu {
    Gpu {
        id,
        name,
        pool,
        maker: "NVIDIA",
        memory,
        secure,
        community,
        most,
    }
}

pub(super) const GPUS: &[Gpu] = &[
    gpu(
        "NVIDIA A100 80GB PCIe",
        "A100 PCIe",
        "AMPERE_80",
        80,
        (1.64, 1.19),
        8,
    ),
    gpu(
        "NVIDIA A100-SXM4-80GB",
        "A100 SXM",
        "AMPERE_80",
        80,
        (1.89, 0.0),
        8,
    ),
    gpu(
        "NVIDIA GeForce RTX 4090",
        "RTX 4090",
        "ADA_24",
        24,
        (0.69, 0.34),
        8,
    ),
    gpu(
        "NVIDIA H100 80GB HBM3",
        "H100 SXM",
        "ADA_80_PRO",
        80,
        (2.99, 2.69),
        8,
    ),
    gpu("NVIDIA L4", "L4", "ADA_24", 24, (0.43, 0.0), 8),
    gpu("NVIDIA L40", "L40", "ADA_48_PRO", 48, (0.99, 0.69), 8),
    gpu("NVIDIA L40S", "L40S", "ADA_48_PRO", 48, (0.86, 0.79), 8),
    gpu(
        "NVIDIA RTX A4000",
        "RTX A4000",
        "AMPERE_16",
        16,
        (0.25, 0.17),
        10,
    ),
    Gpu {
        maker: "AMD",
        ..gpu("AMD Instinct MI300X OAM", "MI300X", "", 192, (2.49, 0.0), 8)
    },
];

pub(super) struct Cpu {
    pub(super) id: &'static str,
    name: &'static str,
    group: &'static str,
    pub(super) most: i64,
    pub(super) memory_per_vcpu: i64,
    pub(super) price: f64,
}

pub(super) const CPUS: &[Cpu] = &[
    Cpu {
        id: "cpu3c",
        name: "3 GHz compute-optimized",
        group: "3GHz",
        most: 32,
        memory_per_vcpu: 2,
        price: 0.03,
    },
    Cpu {
        id: "cpu5c",
        name: "5 GHz compute-optimized",
        group: "5GHz",
        most: 32,
        memory_per_vcpu: 2,
        price: 0.035,
    },
];

/// The CUDA versions that machines have.
pub(super) const CUDA: &[&str] = &["12.4", "12.8", "13.0"];

/// The stock.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) stock: Vec<Stock>,
}

impl Default for Catalog {
    fn default() -> Self {
        let gpus = GPUS.iter().flat_map(|gpu| {
            let clouds = [("SECURE", gpu.secure), ("COMMUNITY", gpu.community)];
            let there = clouds.into_iter().filter(|(_, price)| *price > 0.0);
            there.map(|(cloud, _)| (gpu.id, cloud))
        });
        let cpus = CPUS.iter().map(|cpu| (cpu.id, "SECURE"));
        let stock = gpus.chain(cpus).flat_map(|(what, cloud)| {
            PLACES.iter().map(move |(place, ..)| Stock {
                what,
                cloud,
                place,
                level: Level::High,
                left: u32::MAX,
            })
        });
        Self {
            stock: stock.collect(),
        }
    }
}

impl Catalog {
    /// Takes room for one pod; where that was. No places are any.
    pub(super) fn take(
        &mut self,
        what: &str,
        cloud: &str,
        places: &[&str],
    ) -> Option<&'static str> {
        let stock = self.stock.iter_mut().find(|stock| {
            stock.what == what
                && stock.cloud == cloud
                && stock.left > 0
                && (places.is_empty() || places.contains(&stock.place))
        })?;
        if stock.left != u32::MAX {
            stock.left -= 1;
        }
        Some(stock.place)
    }

    fn levels(&self, what: &str, cloud: &str, countries: &[&str]) -> Vec<(&'static str, Level)> {
        let mine = self.stock.iter().filter(|stock| {
            stock.what == what
                && stock.cloud == cloud
                && (countries.is_empty() || countries.contains(&country(stock.place)))
        });
        mine.map(|stock| (stock.place, stock.level)).collect()
    }
}

fn country(place: &str) -> &'static str {
    let known = PLACES.iter().find(|known| known.0 == place);
    known.map_or("", |known| known.2)
}

pub(super) fn is_place(place: &str) -> bool {
    PLACES.iter().any(|known| known.0 == place)
}

fn availability(levels: &[(&'static str, Level)]) -> (Value, Value) {
    let best = levels.iter().map(|(_, level)| *level).max();
    let best = best.unwrap_or(Level::None);
    let places = levels.iter().map(|(place, level)| {
        let name = PLACES.iter().find(|known| known.0 == *place);
        json!({"id": place, "name": name.map(|known| known.1), "availability": level.name()})
    });
    (json!(best.name()), places.collect())
}

/// Numerically: 12.11 is above 12.2.
pub(super) fn version(text: &str) -> Vec<u32> {
    let parts = text.split('.');
    parts.map(|part| part.parse().unwrap_or_default()).collect()
}

/// The items of a list that a query holds.
fn list<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    let value = asked.value(name).unwrap_or_default();
    value.split(',').filter(|part| !part.is_empty()).collect()
}

/// What a query of the catalog breaks.
fn broken(asked: &Asked, only_with: &[&str]) -> Option<Answer> {
    let stock = asked.value("include").is_some();
    let has = |name: &str| asked.value(name).is_some();
    let wrong = if stock != has("product") {
        "include=AVAILABILITY and product go together only".to_owned()
    } else if let (false, Some(name)) = (stock, only_with.iter().find(|name| has(name))) {
        format!("{name} is valid only with include=AVAILABILITY")
    } else if has("cudaVersions") && has("minCudaVersion") {
        "cudaVersions and minCudaVersion are mutually exclusive".to_owned()
    } else {
        return None;
    };
    Some(Answer::problem(400, &wrong))
}

impl World {
    fn gpu(&self, gpu: &Gpu, asked: &Asked) -> Value {
        let mut value = json!({
            "id": gpu.id, "name": gpu.name,
            "pool": if gpu.pool.is_empty() { Value::Null } else { json!(gpu.pool) },
            "manufacturer": gpu.maker, "memory": gpu.memory,
            "secure": gpu.secure > 0.0, "community": gpu.community > 0.0,
            "price": {"secure": gpu.secure, "community": gpu.community},
            "maxCount": {
                "secure": if gpu.secure > 0.0 { gpu.most } else { 0 },
                "community": if gpu.community > 0.0 { gpu.most } else { 0 },
            },
        });
        if asked.value("include").is_none() {
            return value;
        }
        let cloud = asked.value("cloud").unwrap_or("SECURE");
        let floor = asked.value("minCudaVersion").map(version);
        let exact = list(asked, "cudaVersions");
        let versions: Vec<&&str> = CUDA
            .iter()
            .filter(|known| exact.is_empty() || exact.contains(known))
            .filter(|known| floor.as_ref().is_none_or(|floor| version(known) >= *floor))
            .collect();
        let mut levels = self
            .catalog
            .levels(gpu.id, cloud, &list(asked, "countryCodes"));
        let count = asked.value("count").and_then(|count| count.parse().ok());
        if versions.is_empty() || count.unwrap_or(1) > gpu.most {
            for (_, level) in &mut levels {
                *level = Level::None;
            }
        }
        let (best, places) = availability(&levels);
        let there = best != "NONE";
        value["availability"] = best;
        if !levels.is_empty() {
            value["dataCenters"] = places;
        }
        value["cudaVersions"] = versions
            .iter()
            .map(|version| json!({"version": version, "available": there}))
            .collect();
        value
    }

    fn cpu(&self, cpu: &Cpu, asked: &Asked) -> Value {
        let mut value = json!({
            "id": cpu.id, "name": cpu.name, "group": cpu.group,
            "vcpu": {"min": 2, "max": cpu.most}, "ramGbPerVcpu": cpu.memory_per_vcpu,
            "price": {"securePerVcpu": cpu.price, "serverlessPerVcpu": cpu.price * 1.5},
        });
        if asked.value("include").is_some() {
            let (best, places) = availability(&self.catalog.levels(cpu.id, "SECURE", &[]));
            value["availability"] = best;
            value["dataCenters"] = places;
        }
        value
    }

    /// Answers what is below `/v2/catalog/`.
    pub(super) fn catalog(&self, rest: &str, asked: &Asked) -> Option<Answer> {
        const GPU: &[&str] = &[
            "count",
            "cloud",
            "countryCodes",
            "cudaVersions",
            "minCudaVersion",
        ];
        let (what, id) = rest.split_once('/').unwrap_or((rest, ""));
        let rules = match what {
            "gpus" => broken(asked, GPU),
            "cpus" => broken(asked, &["vcpuCount"]),
            _ => None,
        };
        if rules.is_some() {
            return rules;
        }
        let missing = || Answer::problem(404, &format!("`{id}` was not found"));
        let found =
            |value: Option<Value>| value.map_or_else(missing, |value| Answer::json(200, &value));
        Some(match (what, id) {
            ("gpus", "") => {
                let mut gpus: Vec<Value> = GPUS.iter().map(|gpu| self.gpu(gpu, asked)).collect();
                if asked.value("countryCodes").is_some() {
                    gpus.retain(|gpu| gpu.get("dataCenters").is_some());
                }
                Answer::json(200, &json!({"gpus": gpus}))
            }
            ("gpus", id) => {
                let gpu = GPUS.iter().find(|gpu| gpu.id == id);
                found(gpu.map(|gpu| self.gpu(gpu, asked)))
            }
            ("cpus", "") => {
                let cpus: Vec<Value> = CPUS.iter().map(|cpu| self.cpu(cpu, asked)).collect();
                Answer::json(200, &json!({"cpus": cpus}))
            }
            ("cpus", id) => {
                let cpu = CPUS.iter().find(|cpu| cpu.id == id);
                found(cpu.map(|cpu| self.cpu(cpu, asked)))
            }
            ("datacenters", "") => {
                let wanted: Vec<&str> = values(asked, "regions");
                let all = PLACES
                    .iter()
                    .filter(|place| wanted.is_empty() || wanted.contains(&place.3));
                let all: Vec<Value> = all.map(|place| self.place(place, asked)).collect();
                Answer::json(200, &json!({"dataCenters": all}))
            }
            ("datacenters", id) => {
                let place = PLACES.iter().find(|place| place.0 == id);
                found(place.map(|place| self.place(place, asked)))
            }
            ("templates", "") => Answer::json(200, &json!({"templates": []})),
            _ => return None,
        })
    }

    fn place(&self, place: &(&'static str, &str, &str, &str), asked: &Asked) -> Value {
        let mut value = json!({
            "id": place.0, "name": place.1, "region": place.3,
            "networkVolumeTypes": ["STANDARD"], "compliance": [], "globalNetwork": true,
        });
        let names = GPUS.iter().map(|gpu| (gpu.id, gpu.name));
        let names: Vec<_> = names
            .chain(CPUS.iter().map(|cpu| (cpu.id, cpu.name)))
            .collect();
        for include in values(asked, "include") {
            let (key, cpus) = match include {
                "GPU_AVAILABILITY" => ("gpuAvailability", false),
                _ => ("cpuAvailability", true),
            };
            let mine = self.catalog.stock.iter().filter(|stock| {
                stock.place == place.0
                    && stock.cloud == "SECURE"
                    && stock.what.starts_with("cpu") == cpus
            });
            value[key] = mine
                .map(|stock| {
                    let name = names.iter().find(|(id, _)| *id == stock.what);
                    let name = name.map(|(_, name)| *name);
                    json!({"id": stock.what, "name": name, "availability": stock.level.name()})
                })
                .collect();
        }
        value
    }
}

/// The values of a parameter that may be there more than once.
fn values<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    let all = asked.query.iter().filter(|(key, _)| key == name);
    all.map(|(_, value)| value.as_str()).collect()
}
