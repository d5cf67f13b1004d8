//! The end of a pod: asked for once.

use tokio::time::Instant as Moment;

use super::RunPod;
use super::failure::explain;
use super::pods::PLACE;
use crate::model::InstanceId;
use crate::providers::common::rest::CallFailure;
use crate::providers::{Error, ErrorKind, Result, Termination};

impl RunPod {
    /// Asks for the end of a pod that is ours; what RunPod does not have is gone.
    pub(super) async fn end(&self, whole: &InstanceId) -> Result<Termination> {
        let id = pod_id(whole)?;
        // Neither a look that costs a request of few, nor one that does not show it yet, is to come between.
        if self.is_ours(id) {
            return self.delete(id).await;
        }
        let look =
            |failure: CallFailure| explain(failure, format!("could not look at the pod `{id}`"));
        let Some(pod) = self.api.pod_at_once(id).await.map_err(look)? else {
            // Another account's pods it does not know, either.
            return if whole.location.as_ref() == Some(&self.api.place) {
                Ok(Termination::Gone)
            } else {
                Err(not_found(whole))
            };
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

    /// The id with the place of the key, where the key's account has the pod.
    pub(super) async fn whole(&self, id: &InstanceId) -> Result<InstanceId> {
        let pod = pod_id(id)?;
        let here = InstanceId {
            location: Some(self.api.place.clone()),
            id: pod.to_owned(),
        };
        if *id == here || self.is_ours(pod) {
            return Ok(here);
        }
        let look =
            |failure: CallFailure| explain(failure, format!("could not look at the pod `{pod}`"));
        let found = self.api.pod_at_once(pod).await.map_err(look)?;
        Ok(found.map_or_else(|| id.clone(), |_| here))
    }

    /// Asks for the end of a pod once.
    pub(super) async fn delete(&self, id: &str) -> Result<Termination> {
        let deleted = self.api.delete(id).await;
        let was_there = deleted.map_err(|failure| {
            explain(failure, doing(id)).hinted(
                "it is billed until it is gone: you can also delete it at https://console.runpod.io/pods",
            )
        })?;
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

/// Whose pods are asked for.
pub(super) const WHOSE: &str = "the account of this RunPod key";

/// The error for a pod that the account does not have, where nothing proves that this account had it.
pub(super) fn not_found(id: &InstanceId) -> Error {
    let pod = &id.id;
    let what = format!("the pod `{pod}` was not found in {WHOSE}, and may be in another");
    Error::new(ErrorKind::NotFound, what)
        .because(match id.location {
            Some(_) => "it was launched with another key, and RunPod does not tell whose a key is",
            None => "its reference does not tell with which key it was launched",
        })
        .hinted("use the key that it was launched with")
        .hinted("if that key was of the same account, accept it as gone with `gharun stop --force`")
}

/// The pod's id, if a reference is one of this kind.
///
/// # Errors
///
/// It cannot be the id of a pod, or names what is no place of this kind.
pub(super) fn pod_id(id: &InstanceId) -> Result<&str> {
    let fine = |id: &str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let place = |place: &String| {
        place.len() == PLACE
            && place
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    if id.location.as_ref().is_none_or(place) && fine(&id.id) {
        return Ok(&id.id);
    }
    Err(
        Error::new(ErrorKind::Config, format!("`{id}` is not a pod ID"))
            .hinted("write a reference as `gharun list` shows it: `runpod:3fa9c1/7h9k2m4n6p`"),
    )
}
