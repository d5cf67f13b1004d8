//! Where the project is: its region, and its tenant.

use std::sync::Arc;

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

    /// Finds out where the project is and what its candidates cost; nobody needs to know either.
    pub(super) async fn look_home(&self) {
        let prices = async {
            let all = self.chosen().await.unwrap_or_default();
            drop(self.prices(&all).await);
        };
        let (home, ()) = futures_util::future::join(self.home(), prices).await;
        match home {
            Ok(home) => {
                let region = &home.spec.region;
                if !region.is_empty() {
                    self.memory().region = Some(region.clone());
                }
            }
            Err(error) => tracing::debug!("{}", chain(&error)),
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
            "the project `{id}` is {place}: use credentials of that tenant, or set `project` to one of your own"
        ))
    }

    /// The tenant of the settings, where the project belongs to another one.
    pub(super) fn misplaced(&self, home: &Project) -> Option<String> {
        let (named, own) = (self.identity.tenant.as_deref()?, &home.metadata.parent_id);
        (named != own && !own.is_empty()).then(|| {
            format!(
                "`tenant` is `{named}`, and the project `{}` belongs to `{own}`: the stock that is shown is not that of the project",
                home.metadata.id
            )
        })
    }
}

/// Where a project is; nothing where Nebius does not tell.
pub(super) fn told(home: &Project) -> Option<String> {
    let (region, tenant) = (&home.spec.region, &home.metadata.parent_id);
    match (region.as_str(), tenant.as_str()) {
        ("", "") => None,
        (region, "") => Some(format!("in the region `{region}`")),
        ("", tenant) => Some(format!("of the tenant `{tenant}`")),
        (region, tenant) => Some(format!(
            "of the tenant `{tenant}`, in the region `{region}`"
        )),
    }
}
