//! The end of a pod, and the proof of it.

use tokio::time::{Instant as Moment, sleep};

use super::RunPod;
use crate::model::{InstanceId, chain};
use crate::poll::until;
use crate::providers::rest::Failure;
use crate::providers::{Error, ErrorKind, Result};

impl RunPod {
    /// Ends a pod that is ours; what RunPod does not have is gone.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<()> {
        let id = pod_id(id)?;
        let look = |failure: Failure| failure.explain(format!("could not look at the pod `{id}`"));
        let Some(pod) = self.api.pod(id).await.map_err(look)? else {
            // What this process made is there, though RunPod may not show it yet.
            return if self.is_fresh(id) {
                self.delete(id).await
            } else {
                Ok(())
            };
        };
        if !pod.marked {
            return Err(Error::new(
                ErrorKind::Denied,
                format!("the pod `{id}` is not one that gharun made"),
            )
            .hinted("https://console.runpod.io/pods deletes it all the same"));
        }
        self.delete(id).await
    }

    /// Deletes a pod, and looks until RunPod does not know it any more.
    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        let doing = || format!("could not delete the pod `{id}`");
        let deleted = loop {
            let deleted = self.api.delete(id).await;
            // It is there, and not known by its id yet.
            if !matches!(deleted, Ok(false)) || !self.is_fresh(id) {
                break deleted;
            }
            sleep(self.paces.proof.every).await;
        };
        if let Err(failure) = deleted {
            let sure = !matches!(
                failure.kind(),
                ErrorKind::Ambiguous | ErrorKind::Unavailable
            );
            let error = failure.explain(doing());
            if sure {
                return Err(error);
            }
            // The look below tells.
            tracing::debug!("{}", chain(&error));
        }
        let mut last = None;
        let begun = Moment::now();
        let gone = until(self.paces.proof, async || match self.api.pod(id).await {
            Ok(None) => Some(Ok(())),
            Ok(Some(_)) => {
                last = None;
                None
            }
            Err(failure) if failure.kind() == ErrorKind::Denied => {
                Some(Err(failure.explain(doing())))
            }
            Err(failure) => {
                last = Some(failure.explain(doing()));
                None
            }
        });
        match (gone.await, last) {
            (Some(proof), _) => proof,
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Unavailable, doing())
                .because(format!(
                    "it is still there {} s after its end was asked for",
                    begun.elapsed().as_secs()
                ))
                .hinted("https://console.runpod.io/pods shows it")),
        }
    }
}

/// The pod's id, if a reference is one of this kind.
///
/// # Errors
///
/// It cannot be the id of a pod, or names a place: RunPod has but one, the key's account.
pub(super) fn pod_id(id: &InstanceId) -> Result<&str> {
    let fine = |id: &str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if id.place.is_none() && fine(&id.id) {
        return Ok(&id.id);
    }
    Err(
        Error::new(ErrorKind::Config, format!("`{id}` is no id of a pod"))
            .hinted("write a reference as `gharun list` shows it: `runpod:7h9k2m4n6p`"),
    )
}
