//! A kind that nobody uses: it shows what another kind costs, which is this module, a row in
//! [`super::KINDS`] and a table in the example.

use std::sync::Mutex;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Error, ErrorKind, Health, Provider, ProviderFuture, ProviderKind, Result};
use crate::model::{Condition, Instance, InstanceId, Order, Rental, lock};
use crate::providers::{Listing, Termination};

mod tests;

/// Settings of a toy.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What the toy box is called.
    #[schemars(extend("x-harmless" = false))]
    name: String,
    /// How many machines it holds.
    #[serde(default = "two")]
    #[schemars(extend("x-harmless" = true))]
    room: usize,
}

fn two() -> usize {
    2
}

/// Machines of wood.
#[derive(Debug)]
pub(crate) struct Toy {
    config: Config,
    machines: Mutex<Vec<Instance>>,
}

impl ProviderKind for Toy {
    const KIND: &'static str = "toy";
    const ABOUT: &'static str = "Machines of wood, for nobody";
    const REHEARSES: bool = false;
    type Config = Config;

    fn secrets_in_env() -> &'static [&'static str] {
        &["TOY_KEY"]
    }

    async fn open(config: Config) -> Result<Self> {
        if config.room == 0 {
            return Err(Error::setting("room", "`room` must be at least 1"));
        }
        Ok(Self {
            config,
            machines: Mutex::default(),
        })
    }
}

impl Provider for Toy {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move {
            Ok(Health {
                facts: vec![format!("the box `{}` is open", self.config.name)],
                warnings: Vec::new(),
            })
        })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(async move {
            let mut machines = lock(&self.machines);
            if let Some(there) = machines.iter().find(|one| order.owns(&one.tags)) {
                return Ok(there.clone());
            }
            if machines.len() == self.config.room {
                return Err(Error::new(ErrorKind::NoCapacity, "the box is full"));
            }
            let machine = Instance {
                id: InstanceId {
                    location: Some(self.config.name.clone()),
                    id: order.name.to_string(),
                },
                state: Condition::Running,
                tags: order.tags.clone(),
                created: order.tags.created,
                ended: None,
                rental: Rental::default(),
            };
            machines.push(machine.clone());
            Ok(machine)
        })
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            Ok(Listing {
                instances: lock(&self.machines).clone(),
                read: vec![self.config.name.clone()],
                ..Listing::default()
            })
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            lock(&self.machines).retain(|machine| machine.id != *id);
            Ok(Termination::Gone)
        })
    }
}
