//! The end of an instance: asked for once.

use std::time::Duration;

use aws_sdk_ec2::types::{Instance as Found, InstanceStateName};
use tokio::time::Instant as Moment;

use super::failure::{ApiError, ErrorClass};
use super::machine::Launcher;
use super::pace::Paced;
use super::{Aws, Shown, machine, place_of};
use crate::model::{InstanceId, chain, lock};
use crate::providers::{Error, ErrorKind, Result, SHOWS_AT_MOST, Termination};

/// How long EC2 may take to show an instance to everybody who asks for it.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
pub(super) const CONSISTENT: Duration = SHOWS_AT_MOST;
/// How long an instance that is older than that is asked about before it counts as unknown to its region: one that is
/// gone is shown for an hour yet.
const SHOWS: Duration = Duration::from_secs(7);

/// How long what a listing showed of an instance is enough to end it: nobody changes who launched it.
const FRESH: Duration = Duration::from_mins(1);

/// What is needed to end an instance.
const TERMINATE: &str = "ec2:TerminateInstances";

impl Aws {
    /// Asks for the end of an instance that is ours, and of its spot request; what its region does not
    /// have is gone.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<Termination> {
        let place = place_of(id)?;
        let region = place.region.clone();
        lock(&self.memory).asked.insert(region.clone());
        if let Some(said) = self.end_shown(&region, id).await? {
            return Ok(said);
        }
        let Some(found) = self.found(&region, id).await? else {
            // What another account has, this one does not know; what was launched here is this one's.
            if !lock(&self.memory).launched.contains_key(&id.id) {
                self.is_of_account(&place, id).await?;
            }
            // Without an account it is of an earlier version.
            let is_old = place.account.is_none() || lock(&self.memory).old.contains(&id.id);
            let shows = if is_old { SHOWS } else { CONSISTENT };
            return match self.end_unseen(&region, id, shows).await? {
                Termination::Gone if place.account.is_none() => {
                    Err(self.not_found(std::slice::from_ref(&region), id).await?)
                }
                said => Ok(said),
            };
        };
        if machine::is_ours(&found) && self.launcher(&found).await? == Launcher::Other {
            return Err(machine::foreign().while_trying(doing(id)));
        }
        if !machine::is_ours(&found) {
            return Err(Error::new(
                ErrorKind::Denied,
                format!("gharun did not create the instance `{}`", id.id),
            )
            .hinted(format!(
                "end it yourself with `aws ec2 terminate-instances --region {region} \
                 --instance-ids {}`",
                id.id
            )));
        }
        let said = if machine::is_gone(&found) {
            Termination::Gone
        } else {
            match self.ask_to_end(&region, id).await? {
                Ok(said) => said,
                Err(said) if said.action() == ErrorClass::Missing => Termination::Accepted,
                Err(said) => return Err(refused(&said, id)),
            }
        };
        self.ended(&region, id, found.spot_instance_request_id.as_deref())
            .await?;
        Ok(said)
    }

    /// Asks for the end of an instance that a listing has just shown as ours: who it is need not be asked once more.
    async fn end_shown(&self, region: &str, id: &InstanceId) -> Result<Option<Termination>> {
        // Where the end is asked for again, it is looked at.
        let shown = lock(&self.memory).shown.remove(id);
        let Some(Shown { spot_request, .. }) = shown.filter(|shown| shown.at.elapsed() < FRESH)
        else {
            return Ok(None);
        };
        let Ok(said) = self.ask_to_end(region, id).await? else {
            return Ok(None);
        };
        self.ended(region, id, spot_request.as_deref()).await?;
        Ok(Some(said))
    }

    /// Notes that EC2 accepted an end, and cancels the spot request that the instance was for.
    async fn ended(&self, region: &str, id: &InstanceId, spot_request: Option<&str>) -> Result<()> {
        if let Some(request) = spot_request {
            self.cancel(region, request).await?;
        }
        lock(&self.memory).ended.insert(id.id.clone());
        Ok(())
    }

    /// Looks for an instance; `None` when its region says that it does not have it.
    pub(super) async fn found(&self, region: &str, id: &InstanceId) -> Result<Option<Found>> {
        let client = self.clients.ec2(region).await?;
        let answer = client
            .describe_instances()
            .instance_ids(&id.id)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let said = ApiError::of(&error).sent_with(self.clients.origin(region));
                if said.action() == ErrorClass::Missing {
                    return Ok(None);
                }
                let doing = format!("could not look at the instance `{id}`");
                return Err(passing(said.explain(doing, "ec2:DescribeInstances")));
            }
        };
        let reservations = answer.reservations.unwrap_or_default();
        self.note_owner(&reservations);
        let reservations = reservations.into_iter();
        let mut all = reservations.filter_map(|one| one.instances).flatten();
        Ok(all.find(|found| found.instance_id.as_ref() == Some(&id.id)))
    }

    /// Asks once. An instance that EC2 shows in its answer as shutting down cannot be kept from that any more.
    async fn ask_to_end(
        &self,
        region: &str,
        id: &InstanceId,
    ) -> Result<Result<Termination, ApiError>> {
        let client = self.clients.ec2(region).await?;
        let asked = client.terminate_instances().instance_ids(&id.id);
        let turn = self.pacer.turn(Paced::End, region).await;
        let answer = match asked.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let said = ApiError::of(&error).sent_with(self.clients.origin(region));
                turn.answered(&said);
                return Ok(Err(said));
            }
        };
        turn.taken();
        let mut changes = answer.terminating_instances().iter();
        let change = changes.find(|change| change.instance_id() == Some(&id.id));
        let state = change.and_then(|change| change.current_state()?.name());
        Ok(Ok(match state {
            Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated) => {
                Termination::Gone
            }
            _ => Termination::Accepted,
        }))
    }

    /// Ends what EC2 does not show, and may show yet: by its id what this process launched. The others
    /// are gone when they are not shown for as long as EC2 may take to show them.
    async fn end_unseen(
        &self,
        region: &str,
        id: &InstanceId,
        shows: Duration,
    ) -> Result<Termination> {
        let launched = lock(&self.memory).launched.get(&id.id).map(|one| one.at);
        let Some(launched) = launched else {
            let now = Moment::now();
            let missed = *lock(&self.memory)
                .missed
                .entry(id.id.clone())
                .or_insert(now);
            return if missed.elapsed() < shows {
                Err(unseen(id))
            } else {
                Ok(Termination::Gone)
            };
        };
        match self.ask_to_end(region, id).await? {
            Ok(said) => {
                self.ended(region, id, None).await?;
                Ok(said)
            }
            Err(said) if said.action() != ErrorClass::Missing => Err(refused(&said, id)),
            Err(_) if launched.elapsed() > CONSISTENT => Ok(Termination::Gone),
            Err(_) => Err(unseen(id)),
        }
    }

    /// Cancels a spot request. It was for one instance, which is ended: EC2 closes it by itself, too.
    async fn cancel(&self, region: &str, request: &str) -> Result<()> {
        let client = self.clients.ec2(region).await?;
        let asked = client
            .cancel_spot_instance_requests()
            .spot_instance_request_ids(request);
        if let Err(error) = asked.send().await {
            let doing = format!("could not cancel the spot request `{request}`");
            let error = ApiError::of(&error).explain(doing, "ec2:CancelSpotInstanceRequests");
            tracing::warn!("{}", chain(&error));
        }
        Ok(())
    }
}

/// The error for an end that was refused.
fn refused(said: &ApiError, id: &InstanceId) -> Error {
    passing(said.explain(doing(id), TERMINATE))
}

/// The error of a request that no setting can have spoiled: what is not a matter of rights may work another
/// time.
fn passing(error: Error) -> Error {
    error.map(|kind| match kind {
        ErrorKind::Config => ErrorKind::Unavailable,
        kind => kind,
    })
}

fn unseen(id: &InstanceId) -> Error {
    let why = "EC2 does not show it, but may show it later";
    Error::new(ErrorKind::Unavailable, doing(id)).because(why)
}

fn doing(id: &InstanceId) -> String {
    format!("could not end the instance `{id}`")
}
