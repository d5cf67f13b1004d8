//! A provider under the name that the user gave it.

use std::sync::Arc;

use crate::model::{InstanceId, Reference};
use crate::providers::DynProvider;

/// A provider under the name that the user gave it.
#[derive(Clone, Debug)]
pub struct Place {
    /// A table of providers.toml, or a kind.
    pub name: String,
    /// What rents machines there.
    pub provider: Arc<dyn DynProvider>,
}

impl Place {
    /// The reference of one of its machines.
    pub fn reference(&self, id: &InstanceId) -> Reference {
        Reference {
            provider: self.name.clone(),
            id: id.clone(),
        }
    }
}
