//! What can be rented, where, for how much, and how much of it there is.

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
    pub(super) fn name(self) -> &'static str {
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
pub(super) const PLACES: &[(&str, &str, &str, &str)] = &[
    ("EU-FR-1", "EU France 1", "FR", "EUROPE"),
    ("EU-RO-1", "EU Romania 1", "RO", "EUROPE"),
    ("US-KS-2", "US Kansas 2", "US", "NORTH_AMERICA"),
];

pub(super) struct Gpu {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) pool: &'static str,
    pub(super) maker: &'static str,
    pub(super) memory: u32,
    /// US dollars an hour; 0 where that cloud has none.
    pub(super) secure: f64,
    pub(super) community: f64,
    pub(super) most: u32,
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
    gpu("NVIDIA A40", "A40", "AMPERE_48", 48, (0.4, 0.0), 9),
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
    pub(super) name: &'static str,
    pub(super) group: &'static str,
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

    pub(super) fn levels(
        &self,
        what: &str,
        cloud: &str,
        countries: &[&str],
    ) -> Vec<(&'static str, Level)> {
        let mine = self.stock.iter().filter(|stock| {
            stock.what == what
                && stock.cloud == cloud
                && (countries.is_empty() || countries.contains(&country(stock.place)))
        });
        mine.map(|stock| (stock.place, stock.level)).collect()
    }
}

pub(super) fn country(place: &str) -> &'static str {
    let known = PLACES.iter().find(|known| known.0 == place);
    known.map_or("", |known| known.2)
}

pub(super) fn is_place(place: &str) -> bool {
    PLACES.iter().any(|known| known.0 == place)
}

/// Numerically: 12.11 is above 12.2.
pub(super) fn version(text: &str) -> Vec<u32> {
    let parts = text.split('.');
    parts.map(|part| part.parse().unwrap_or_default()).collect()
}
