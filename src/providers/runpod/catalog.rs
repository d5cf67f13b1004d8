//! RunPod's catalog: what there is, what it costs, how much of it is free. Pure.

use std::fmt;

use super::tier::Tier;
use super::words::gpus;
use crate::model::Price;
use crate::providers::Offer;
use answer::StockLevel;

mod answer;
mod judge;
mod names;
#[cfg(test)]
mod tests;

pub(super) use answer::{Cpus, GpuCatalog};

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

/// All that there is, whether it is free or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    kinds: Vec<CatalogEntry>,
}

/// A GPU type or CPU flavor.
#[derive(Clone, Debug)]
struct CatalogEntry {
    id: String,
    name: String,
    memory: Memory,
    shelves: Vec<Shelf>,
}

/// How much memory, in GB.
#[derive(Clone, Copy, Debug)]
enum Memory {
    /// One GPU has.
    OfGpu(Option<f64>),
    /// Comes with one virtual CPU.
    OfVcpu(Option<f64>),
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

impl Catalog {
    /// Adds what one cloud has.
    pub(super) fn add_gpus(&mut self, cloud: Tier, gpus: GpuCatalog) {
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
            self.put(gpu.id, gpu.name, Memory::OfGpu(gpu.memory), stocked);
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
            let memory = Memory::OfVcpu(cpu.ram_gb_per_vcpu);
            self.put(cpu.id.clone(), cpu.name.clone(), memory, Some(secure));
            self.put(cpu.id, cpu.name, memory, Some(community));
        }
    }

    fn put(&mut self, id: String, name: String, memory: Memory, stocked: Option<Shelf>) {
        let at = self.kinds.iter().position(|kind| kind.id == id);
        let at = at.unwrap_or_else(|| {
            self.kinds.push(CatalogEntry {
                id,
                name,
                memory,
                shelves: Vec::new(),
            });
            self.kinds.len() - 1
        });
        self.kinds[at].shelves.extend(stocked);
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
                let centers = shelf.data_centers.iter().flatten();
                let has_some =
                    |level: &Option<Stock>| level.is_none_or(|level| level > Stock::None);
                let places = centers.filter(|(_, level)| has_some(level));
                let number = f64::from(count);
                let (gpu, gpu_memory_gib, vcpus, memory_gib) = match kind.memory {
                    Memory::OfGpu(memory) => (Some(gpus(count, &kind.id)), memory, None, None),
                    Memory::OfVcpu(memory) => {
                        (None, None, Some(number), memory.map(|each| each * number))
                    }
                };
                offers.push(Offer {
                    name: kind.id.clone(),
                    market: Some(shelf.cloud.name().to_owned()),
                    gpu,
                    gpu_memory_gib,
                    vcpus,
                    memory_gib,
                    places: places.map(|(id, _)| id.clone()).collect(),
                    price: shelf.price.map(|price| Price::live(price * number)),
                    stock: shelf.stock.map(|stock| stock.to_string()),
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

fn levels(all: Vec<StockLevel>) -> Vec<(String, Option<Stock>)> {
    let read = |level: StockLevel| {
        (
            level.id,
            level.availability.as_deref().and_then(Stock::read),
        )
    };
    all.into_iter().map(read).collect()
}
