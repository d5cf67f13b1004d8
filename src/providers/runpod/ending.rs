//! The end of a pod, and the proof of it.

use tokio::time::Instant as Moment;

use super::RunPod;
use super::pods::Pod;
use crate::model::{InstanceId, chain};
use crate::poll::until;
use crate::providers::common::rest::Failure;
use crate::providers::{Error, ErrorKind, Result};

impl RunPod {
    /// Ends a pod that is ours; what RunPod does not have is gone.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<()> {
        let id = pod_id(id)?;
        // Neither a look that costs a request of few, nor one that does not show it yet, is to come between.
        if self.is_ours(id) {
            return self.delete(id).await;
        }
        let look = |failure: Failure| failure.explain(format!("could not look at the pod `{id}`"));
        let Some(pod) = self.api.pod_at_once(id).await.map_err(look)? else {
            return Ok(());
        };
        if !pod.marked {
            return Err(Error::new(
                ErrorKind::Denied,
                format!("gharun did not create the pod `{id}`"),
            )
            .hinted("delete it yourself at https://console.runpod.io/pods"));
        }
        self.delete(id).await
    }

    /// Deletes a pod, and looks until RunPod does not know it any more: in the list, which all share who
    /// end something, and then by its id.
    pub(super) async fn delete(&self, id: &str) -> Result<()> {
        let doing = || format!("could not delete the pod `{id}`");
        let mut granted = self.asked(id).await?;
        let mut last = None;
        let begun = Moment::now();
        let gone = until(self.paces.proof, async || {
            let listed = self.api.pods_since(Moment::now()).await;
            let shown = |pods: &[Pod]| pods.iter().any(|pod| pod.id == id && !pod.is_gone());
            let there = match listed {
                Ok(pods) if shown(&pods) => true,
                // What is late in the list may be known by its id, and the other way round.
                Ok(_) | Err(_) => match self.api.pod(id).await {
                    Ok(None) if granted || !self.is_fresh(id) => return Some(Ok(())),
                    // It is there, and not known by its id yet.
                    Ok(_) => true,
                    Err(failure) if failure.kind() == ErrorKind::Denied => {
                        return Some(Err(failure.explain(doing())));
                    }
                    Err(failure) => {
                        last = Some(failure.explain(doing()));
                        false
                    }
                },
            };
            if there {
                last = None;
            }
            if there && !granted {
                match self.asked(id).await {
                    Ok(answer) => granted = answer,
                    Err(error) => return Some(Err(error)),
                }
            }
            None
        });
        match (gone.await, last) {
            (Some(proof), _) => proof,
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Unavailable, doing())
                .because(format!(
                    "it still exists {} s after the request to delete it",
                    begun.elapsed().as_secs()
                ))
                .hinted("see https://console.runpod.io/pods")),
        }
    }

    /// Asks for the end of a pod: whether it was granted. Where it was not, the pod may be gone, or not known
    /// yet, or nobody has heard.
    async fn asked(&self, id: &str) -> Result<bool> {
        let failure = match self.api.delete(id).await {
            Ok(granted) => return Ok(granted),
            Err(failure) => failure,
        };
        let unheard = matches!(
            failure.kind(),
            ErrorKind::Ambiguous | ErrorKind::Unavailable
        );
        let error = failure.explain(format!("could not delete the pod `{id}`"));
        if unheard {
            tracing::debug!("{}", chain(&error));
            return Ok(false);
        }
        Err(error)
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
        Error::new(ErrorKind::Config, format!("`{id}` is not a pod ID"))
            .hinted("write a reference as `gharun list` shows it: `runpod:7h9k2m4n6p`"),
    )
}
