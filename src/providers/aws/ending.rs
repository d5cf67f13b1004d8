//! The end of an instance, and the proof that there is none.

use std::time::Duration;

use aws_sdk_ec2::types::Instance as Found;
use tokio::time::{Instant as Moment, sleep};

use super::failure::{Action, Said};
use super::{Aws, machine, region_of};
use crate::model::{InstanceId, lock};
use crate::providers::{Error, ErrorKind, Result};

/// How long EC2 may take to show an instance to everybody who asks for it.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
const CONSISTENT: Duration = Duration::from_mins(2);

/// How often an instance is looked for before it counts as unknown to its region, and how long between.
/// One that is gone is shown for an hour yet, so that what is not shown is rare, or very new.
const LOOKS: u32 = 8;
const BETWEEN: Duration = Duration::from_secs(1);

impl Aws {
    /// Ends an instance that is ours, and its spot request; what its region does not have is gone.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<()> {
        let region = region_of(id)?;
        let doing = format!("could not end the instance `{id}`");
        // EC2 may not show yet what was made a moment ago. What this process made is ended by its id.
        let made = self.made(id);
        let looks = if made.is_some() { 1 } else { LOOKS };
        let Some(found) = self.found(&region, id, looks).await? else {
            return match made {
                Some(made) => self.end_fresh(&region, id, made).await,
                None => Ok(()),
            };
        };
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
        let client = self.clients.ec2(&region).await?;
        if !machine::is_gone(&found) {
            let answer = client
                .terminate_instances()
                .instance_ids(&id.id)
                .send()
                .await;
            if let Err(error) = answer {
                let said = Said::of(&error);
                if said.action() != Action::Missing {
                    return Err(said.explain(&doing, "ec2:TerminateInstances"));
                }
            }
        }
        if let Some(request) = &found.spot_instance_request_id {
            let cancelled = client
                .cancel_spot_instance_requests()
                .spot_instance_request_ids(request)
                .send()
                .await;
            // It was for one instance, which is ended: EC2 closes it by itself, too.
            if let Err(error) = cancelled {
                let doing = format!("could not cancel the spot request `{request}`");
                let error = Said::of(&error).explain(doing, "ec2:CancelSpotInstanceRequests");
                tracing::warn!("{}", crate::model::chain(&error));
            }
        }
        Ok(())
    }

    /// Looks for an instance; `None` when its region says that it does not have it.
    async fn found(&self, region: &str, id: &InstanceId, at_most: u32) -> Result<Option<Found>> {
        let client = self.clients.ec2(region).await?;
        let doing = format!("could not look at the instance `{id}`");
        let mut looks = 0;
        loop {
            let answer = client
                .describe_instances()
                .instance_ids(&id.id)
                .send()
                .await;
            let found = match answer {
                Ok(answer) => {
                    let reservations = answer.reservations.unwrap_or_default().into_iter();
                    let mut all = reservations.filter_map(|one| one.instances).flatten();
                    all.find(|found| found.instance_id.as_ref() == Some(&id.id))
                }
                Err(error) => {
                    let said = Said::of(&error);
                    if said.action() != Action::Missing {
                        return Err(said.explain(&doing, "ec2:DescribeInstances"));
                    }
                    None
                }
            };
            looks += 1;
            // What others made may have been made just now, too.
            if found.is_some() || looks >= at_most {
                return Ok(found);
            }
            sleep(BETWEEN).await;
        }
    }

    /// When this process made an instance.
    fn made(&self, id: &InstanceId) -> Option<Moment> {
        let fresh = lock(&self.fresh);
        fresh.get(id).copied()
    }

    /// Ends what this process made then and EC2 does not show.
    async fn end_fresh(&self, region: &str, id: &InstanceId, launched: Moment) -> Result<()> {
        let client = self.clients.ec2(region).await?;
        loop {
            let answer = client
                .terminate_instances()
                .instance_ids(&id.id)
                .send()
                .await;
            let said = match answer {
                Ok(_) => return Ok(()),
                Err(error) => Said::of(&error),
            };
            let doing = format!("could not end the instance `{id}`");
            match said.action() {
                Action::Missing if launched.elapsed() > CONSISTENT => return Ok(()),
                Action::Missing => sleep(BETWEEN).await,
                _ => return Err(said.explain(doing, "ec2:TerminateInstances")),
            }
        }
    }
}
