//! The end of a pod: asked for once.

use tokio::time::Instant as Moment;

use super::RunPod;
use crate::model::InstanceId;
use crate::providers::common::rest::CallFailure;
use crate::providers::{Error, ErrorKind, Result, Termination};

impl RunPod {
    /// Asks for the end of a pod that is ours; what RunPod does not have is gone.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<Termination> {
        let id = pod_id(id)?;
        // Neither a look that costs a request of few, nor one that does not show it yet, is to come between.
        if self.is_ours(id) {
            return self.delete(id).await;
        }
        let look =
            |failure: CallFailure| failure.explain(format!("could not look at the pod `{id}`"));
        let Some(pod) = self.api.pod_at_once(id).await.map_err(look)? else {
            return Ok(Termination::Gone);
        };
        if !pod.marked {
            return Err(Error::new(
                ErrorKind::Denied,
                format!("gharun did not create the pod `{id}`"),
            )
            .hinted("delete it yourself at https://console.runpod.io/pods"));
        }
        let said = self.delete(id).await?;
        if pod.tags.is_none() {
            // No listing shows it, so that the next look at it is the proof.
            return Err(still_there(
                id,
                "its tags cannot be read, so no list shows it",
            ));
        }
        Ok(said)
    }

    /// Asks for the end of a pod once.
    pub(super) async fn delete(&self, id: &str) -> Result<Termination> {
        let deleted = self.api.delete(id).await;
        let was_there = deleted.map_err(|failure| failure.explain(doing(id)))?;
        if was_there {
            return Ok(Termination::Accepted);
        }
        if self.is_fresh(id) || self.is_shown(id).await? {
            return Err(still_there(id, "RunPod does not know it yet"));
        }
        Ok(Termination::Gone)
    }

    /// Whether a list still shows a pod that it showed before, though RunPod does not know its ID.
    async fn is_shown(&self, id: &str) -> Result<bool> {
        if !self.is_listed(id) {
            return Ok(false);
        }
        let pods = self.api.pods_since(Moment::now()).await;
        let pods = pods.map_err(|error| error.while_trying(doing(id)))?;
        Ok(pods.iter().any(|pod| pod.id == id && !pod.is_gone()))
    }
}

fn doing(id: &str) -> String {
    format!("could not delete the pod `{id}`")
}

pub(super) fn still_there(id: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, doing(id)).because(why)
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
    if id.location.is_none() && fine(&id.id) {
        return Ok(&id.id);
    }
    Err(
        Error::new(ErrorKind::Config, format!("`{id}` is not a pod ID"))
            .hinted("write a reference as `gharun list` shows it: `runpod:7h9k2m4n6p`"),
    )
}
