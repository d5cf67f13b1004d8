//! The catalog, as it is told.

use serde_json::{Value, json};

use super::stock::{CPUS, CUDA, Cpu, GPUS, Gpu, Level, PLACES, version};
use super::wire::{Answer, Asked};
use super::world::World;

fn availability(levels: &[(&'static str, Level)]) -> (Value, Value) {
    let best = levels.iter().map(|(_, level)| *level).max();
    let best = best.unwrap_or(Level::None);
    let places = levels.iter().map(|(place, level)| {
        let name = PLACES.iter().find(|known| known.0 == *place);
        json!({"id": place, "name": name.map(|known| known.1), "availability": level.name()})
    });
    (json!(best.name()), places.collect())
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
