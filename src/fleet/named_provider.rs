//! A provider under the name that the user gave it, and the listings that all who ask it share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use crate::model::{InstanceId, Reference, chain, lock};
use crate::providers::{Attempt, Error, ErrorKind, Listing, Provider};

/// How long a provider may take to tell where it launches.
const TELLS: Duration = Duration::from_secs(3);

/// A provider under the name that the user gave it. Clones are the same place.
#[derive(Clone, Debug)]
pub struct NamedProvider {
    /// A table of providers.toml, or a kind.
    pub name: String,
    /// What rents machines there.
    pub provider: Arc<dyn Provider>,
    listed: Arc<Attempt<Arc<Listed>>>,
    /// The machines that were looked for, and since when.
    wanted: Arc<Mutex<BTreeMap<InstanceId, Instant>>>,
    places: Arc<OnceCell<Vec<String>>>,
}

/// A listing, and when it was begun.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) begun: Instant,
    pub(super) listing: Listing,
}

impl NamedProvider {
    /// Gives a provider a name.
    pub fn new(name: impl Into<String>, provider: Arc<dyn Provider>) -> Self {
        Self {
            name: name.into(),
            provider,
            listed: Arc::default(),
            wanted: Arc::default(),
            places: Arc::default(),
        }
    }

    /// The reference of one of its machines.
    pub fn reference(&self, id: &InstanceId) -> Reference {
        Reference {
            provider: self.name.clone(),
            id: id.clone(),
        }
    }

    /// See [`Provider::places`]; asked once for all runners of a start. Empty where it does not tell in time.
    pub(super) async fn places(&self) -> &[String] {
        let ask = async || match timeout(TELLS, self.provider.places()).await {
            Ok(Ok(places)) => places,
            // It is not needed for a launch, which will say what is wrong.
            Ok(Err(error)) => {
                tracing::debug!(
                    "`{}` does not tell where it launches: {}",
                    self.name,
                    chain(&error)
                );
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        self.places.get_or_init(ask).await
    }

    /// A listing that was begun at `since` or later: one that is there already, or the one that all
    /// who wait for one share. A provider that fails, or takes longer than `within`, is unread as a
    /// whole. It is of the places where launches may create machines, and of those of the machines that were ever looked
    /// for, `machine` among them.
    pub(super) async fn listing(
        &self,
        machine: Option<&InstanceId>,
        since: Instant,
        within: Duration,
    ) -> Arc<Listed> {
        let begun = Instant::now();
        let since = machine.map_or(since, |machine| since.max(self.wants(machine)));
        let list = self.listed.since(since, async || {
            let begun = Instant::now();
            let wanted: Vec<InstanceId> = lock(&self.wanted).keys().cloned().collect();
            let listing = self.provider.list_near(&wanted).await;
            let listing = listing.unwrap_or_else(Listing::unread);
            Ok(Arc::new(Listed { begun, listing }))
        });
        let late = || {
            let message = format!("`{}` did not list its machines in time", self.name);
            Error::new(ErrorKind::Unavailable, message)
        };
        let answer = timeout(within, list).await;
        answer
            .unwrap_or_else(|_| Err(late()))
            .unwrap_or_else(|error| {
                let listing = Listing::unread(error);
                Arc::new(Listed { begun, listing })
            })
    }

    /// Since when listings look for a machine.
    fn wants(&self, machine: &InstanceId) -> Instant {
        let mut wanted = lock(&self.wanted);
        let begun = wanted.iter().find_map(|(one, since)| {
            // What is in one place is looked for together.
            (one.location == machine.location).then_some(*since)
        });
        let since = begun.unwrap_or_else(Instant::now);
        *wanted.entry(machine.clone()).or_insert(since)
    }
}
