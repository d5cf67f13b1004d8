//! Where the project is: its region, and its tenant.

use std::sync::Arc;

use futures_util::future::join;
use tokio::time::timeout;

use super::wire::Project;
use super::{Nebius, api};
use crate::model::chain;
use crate::providers::{Error, ErrorKind, Result};

impl Nebius {
    /// The project as Nebius has it; read once.
    pub(super) async fn home(&self) -> Result<Arc<Project>> {
        self.home.get(async || self.find_home().await).await
    }

    async fn find_home(&self) -> Result<Arc<Project>> {
        let id = self.project()?;
        let found = self.api.get::<Project>(api::PROJECTS, id).await;
        let doing = format!("could not look up the project `{id}`");
        found
            .map(Arc::new)
            .map_err(|refusal| refusal.explain(doing))
    }

    /// Finds out where the project is and what its candidates cost. A start shows both and needs neither, so it does not
    /// wait for them for long.
    pub(super) async fn look_home(&self) {
        let region = async {
            match self.home().await {
                Ok(home) => {
                    let region = &home.spec.region;
                    if !region.is_empty() {
                        self.memory().region = Some(region.clone());
                    }
                }
                Err(error) => tracing::debug!("{}", chain(&error)),
            }
        };
        let prices = async {
            let all = self.chosen().await.unwrap_or_default();
            drop(self.prices(&all).await);
        };
        let within = self.paces.shows;
        let (region, prices) = join(timeout(within, region), timeout(within, prices)).await;
        for (told, what) in [(region, "the region of the project"), (prices, "prices")] {
            if told.is_err() {
                tracing::debug!("Nebius did not tell {what} within {within:?}: going on without");
            }
        }
    }

    /// An error about what may not be seen in the project, with where the project is: credentials of another tenant may
    /// do nothing in it, whatever they may do at home.
    pub(super) async fn located(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Denied {
            return error;
        }
        let Ok(home) = self.home().await else {
            return error;
        };
        let Some(place) = told(&home) else {
            return error;
        };
        let id = &home.metadata.id;
        error.hinted(format!(
            "the project `{id}` {place}: use credentials of that tenant, or set `project` to one of your own"
        ))
    }

    /// The tenant of the settings, where the project belongs to another one.
    pub(super) fn misplaced(&self, home: &Project) -> Option<String> {
        let (named, own) = (self.identity.tenant.as_deref()?, &home.metadata.parent_id);
        (named != own && !own.is_empty()).then(|| {
            format!(
                "`tenant` is `{named}`, but the project `{}` belongs to `{own}`: the stock shown is that of the wrong tenant",
                home.metadata.id
            )
        })
    }
}

/// Where a project is, as the end of a sentence about it; nothing where Nebius does not tell.
pub(super) fn told(home: &Project) -> Option<String> {
    let (region, tenant) = (&home.spec.region, &home.metadata.parent_id);
    match (region.as_str(), tenant.as_str()) {
        ("", "") => None,
        (region, "") => Some(format!("is in the region `{region}`")),
        ("", tenant) => Some(format!("belongs to the tenant `{tenant}`")),
        (region, tenant) => Some(format!(
            "belongs to the tenant `{tenant}` and is in the region `{region}`"
        )),
    }
}
