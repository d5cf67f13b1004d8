//! The catalog as RunPod tells it.

use serde::Deserialize;

use super::super::tier::Tier;

/// `GET /v2/catalog/gpus`, as much of it as is of use.
/// <https://docs.runpod.io/api-reference-v2/catalog/list-gpu-types>
#[derive(Debug, Deserialize)]
pub(in crate::providers::runpod) struct GpuCatalog {
    pub(super) gpus: Vec<GpuType>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GpuType {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) memory: Option<f64>,
    #[serde(default)]
    pub(super) secure: bool,
    #[serde(default)]
    pub(super) community: bool,
    #[serde(default)]
    pub(super) price: Both<f64>,
    #[serde(default)]
    pub(super) max_count: Both<u32>,
    pub(super) availability: Option<String>,
    pub(super) data_centers: Option<Vec<StockLevel>>,
}

/// A figure for each cloud.
#[derive(Debug, Deserialize)]
pub(super) struct Both<T> {
    pub(super) secure: Option<T>,
    pub(super) community: Option<T>,
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
    /// That of one of them.
    pub(super) fn of(&self, cloud: Tier) -> Option<T> {
        match cloud {
            Tier::Community => self.community,
            Tier::Secure => self.secure,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct StockLevel {
    pub(super) id: String,
    pub(super) availability: Option<String>,
}

/// `GET /v2/catalog/cpus`. <https://docs.runpod.io/api-reference-v2/catalog/list-cpu-types>
#[derive(Debug, Deserialize)]
pub(in crate::providers::runpod) struct Cpus {
    pub(super) cpus: Vec<CpuType>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CpuType {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) vcpu: Option<Range>,
    pub(super) ram_gb_per_vcpu: Option<f64>,
    pub(super) price: Option<CpuPrice>,
    pub(super) availability: Option<String>,
    pub(super) data_centers: Option<Vec<StockLevel>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    pub(super) max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CpuPrice {
    pub(super) secure_per_vcpu: Option<f64>,
}
