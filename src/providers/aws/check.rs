//! Whether the credentials and the settings work, changing nothing.

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use super::candidates::{Candidate, candidates};
use super::failure::{ApiError, ErrorClass, Origin};
use super::launch::user_data;
use super::{Aws, request};
use crate::model::RunAs;
use crate::providers::{Error, ErrorKind, Health, Result};

/// An id that no instance has.
const NOBODY: &str = "i-00000000000000000";

impl Aws {
    /// Asks who the caller is, and tries every request that a runner's life takes.
    pub(super) async fn examine(&self) -> Result<Health> {
        let regions = self.clients.regions().await?;
        let mut health = Health::default();
        let mut missing = Vec::new();
        let caller = self.caller(&regions[0]).await?;
        health.facts.push(format!(
            "{} of account {}",
            caller.arn.as_deref().unwrap_or("an unknown user"),
            caller.account.as_deref().unwrap_or("unknown"),
        ));
        let all = candidates(&self.config, &regions);
        for region in &regions {
            let Some(candidate) = all.iter().find(|one| one.region == *region) else {
                health.warnings.push(format!(
                    "none of the `subnets` is in `{region}`: no machine will be launched there"
                ));
                continue;
            };
            self.try_region(region, candidate, &mut health, &mut missing)
                .await?;
        }
        health.facts.push(self.job_fact());
        if all.len() > 1 {
            health.facts.push(format!("{} candidates", all.len()));
        }
        match missing.len() {
            0 => Ok(health),
            1 => Err(missing.remove(0)),
            _ => Err(all_missing(&missing)),
        }
    }

    /// Looks for what every launch would fail with: credentials, region, type and image. Nothing is created, and what
    /// was found out is not asked for again by the launches.
    pub(super) async fn look_ahead(&self) -> Result<()> {
        let regions = self.clients.regions().await?;
        self.clients.encrypted().await?;
        for candidate in candidates(&self.config, &regions) {
            let chosen =
                Box::pin(self.images.choose(&self.clients, &self.config, &candidate)).await;
            match chosen.map_err(|error| (error.kind, error)) {
                // The type is not offered in that region: the next candidate has another one.
                Err((ErrorKind::NoCapacity, _)) => {}
                // A launch waits until it may ask.
                Ok(_) | Err((ErrorKind::RateLimited, _)) => return Ok(()),
                Err((_, error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tries in one region all that a machine's life takes there.
    async fn try_region(
        &self,
        region: &str,
        candidate: &Candidate,
        health: &mut Health,
        missing: &mut Vec<Error>,
    ) -> Result<()> {
        let client = self.clients.ec2(region).await?;
        let ours = match self.ours(region).await {
            Ok(ours) => ours,
            Err(error) if error.kind == ErrorKind::Denied => {
                missing.push(error);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        self.try_launch(&client, candidate, health, missing).await?;
        // A policy that goes by our tag refuses what has none, and so an instance that there is not:
        // only one of ours gives proof.
        let proof = ours.first().and_then(|found| found.instance_id.clone());
        let id = proof.as_deref().unwrap_or(NOBODY);
        let ends = client.terminate_instances().instance_ids(id).dry_run(true);
        let tells = client.get_console_output().instance_id(id).dry_run(true);
        let mut refused = Vec::new();
        let origin = self.clients.origin(region);
        let end = ends.send().await;
        note(end, "ec2:TerminateInstances", &origin, &mut refused)?;
        let told = tells.send().await;
        note(told, "ec2:GetConsoleOutput", &origin, &mut refused)?;
        match &proof {
            Some(_) => missing.extend(refused),
            None => health.warnings.extend(refused.iter().map(|error| {
                format!(
                    "{error}, or allowed only on gharun's own machines, and none is running \
                         to test that on"
                )
            })),
        }
        Ok(())
    }

    /// Tries a launch that makes nothing.
    async fn try_launch(
        &self,
        client: &aws_sdk_ec2::Client,
        candidate: &Candidate,
        health: &mut Health,
        missing: &mut Vec<Error>,
    ) -> Result<()> {
        let chosen = self
            .images
            .choose(&self.clients, &self.config, candidate)
            .await;
        match chosen {
            Ok(chosen) => {
                health
                    .facts
                    .push(format!("{candidate} with `{}` {}", chosen.id, chosen.name));
                let tags = request::tags(&self.config, None);
                let trial = request::run_instances(client, &self.config, candidate, &chosen, &tags)
                    .user_data(user_data("#!/bin/sh\n")?)
                    .dry_run(true);
                let origin = self.clients.origin(&candidate.region);
                note(trial.send().await, "ec2:RunInstances", &origin, missing)?;
            }
            Err(error) if error.kind == ErrorKind::NoCapacity => {
                health.warnings.push(error.to_string());
            }
            Err(error) if error.kind == ErrorKind::Denied => missing.push(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whom jobs run as, and what that lets them do.
    fn job_fact(&self) -> String {
        let who = match &self.config.run_as {
            RunAs::Root => "jobs run as `root`".to_owned(),
            user => format!("jobs run as `{user}` with `sudo`"),
        };
        format!(
            "{who}: a job can undo the machine's own limit on its lifetime; `gharun stop --orphans` from cron \
             ends such a machine"
        )
    }
}

/// Takes an answer to a trial: a permission that is missing is noted, any other failure ends the check.
fn note<T, E>(
    answer: std::result::Result<T, SdkError<E, HttpResponse>>,
    permission: &str,
    origin: &Origin,
    missing: &mut Vec<Error>,
) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Err(error) = answer else {
        return Ok(());
    };
    let said = ApiError::of(&error).sent_with(origin.clone());
    let region = origin.region.as_deref().unwrap_or_default();
    let error = said.explain(format!("a trial in `{region}` failed"), permission);
    match said.action() {
        // It was let through: nobody has that id, or there is no room just now.
        ErrorClass::WouldWork | ErrorClass::Missing | ErrorClass::Next => Ok(()),
        _ if said.lacks_permission() => {
            missing.push(error);
            Ok(())
        }
        _ => Err(error),
    }
}

/// One error for all permissions that are missing.
fn all_missing(missing: &[Error]) -> Error {
    let mut names: Vec<String> = missing
        .iter()
        .filter_map(|error| {
            let text = error.to_string();
            let name = text
                .split('`')
                .find(|part| part.contains(':') && !part.contains(' '))?;
            Some(format!("`{name}`"))
        })
        .collect();
    names.sort();
    names.dedup();
    // Each says to allow what it lacks, and the policy has it all.
    let causes = missing.iter().cloned().map(Error::unhinted);
    Error::new(
        ErrorKind::Denied,
        format!("missing permissions: {}", names.join(", ")),
    )
    .because_each(causes)
    .hinted("see the minimal IAM policy in docs/providers/aws.md")
}
