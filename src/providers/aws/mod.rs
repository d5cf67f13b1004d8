//! EC2 instances.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::Instant as Moment;

use super::common::attempt::Attempt;
use super::common::once::Once;
use super::{
    Error, ErrorKind, Health, Lookup, Needs, Provider, ProviderFuture, ProviderKind, Result,
};
use crate::model::{BootCause, Instance, InstanceId, JobUser, Name, Order, lock};
use crate::providers::{Listing, Termination};
use aws_sdk_ec2::types::{Instance as Found, Reservation};
use candidates::Candidate;
use clients::{Clients, Server};
use doomed::{Reason, Wanting};
use image::Images;
use listing::Breadth;
use machine::{Known, Launcher};
use pace::Pacer;
use places::RegionOfAccount;

mod account;
mod advice;
mod ambient;
mod candidates;
mod check;
mod clients;
mod config;
mod console;
mod credentials;
mod disks;
mod doomed;
mod ending;
mod failure;
mod image;
mod interfaces;
mod launch;
mod listing;
mod machine;
mod pace;
mod places;
mod process;
mod quota;
mod request;
mod sources;
mod template;

#[cfg(test)]
mod tests;

pub use config::AwsConfig;

/// EC2 instances.
#[derive(Debug)]
pub struct Aws {
    config: AwsConfig,
    wait: Duration,
    clients: Clients,
    images: Images,
    pacer: Pacer,
    enabled: Attempt<Vec<String>>,
    account: Attempt<String>,
    memory: Mutex<LaunchMemory>,
    said: Once,
}

/// What this process knows of instances that EC2 shows late, or for longer than they are there.
#[derive(Debug, Default)]
struct LaunchMemory {
    /// What it launched.
    launched: BTreeMap<String, Launched>,
    /// What it found out about its candidates.
    wanting: Wanting,
    /// The names that it ordered machines under: nobody else knows them before those are there.
    ordered: BTreeSet<Name>,
    /// What is so old that EC2 shows it, if it is there.
    old: BTreeSet<String>,
    /// What was not shown when its end was asked for, and since when.
    missed: BTreeMap<String, Moment>,
    /// What a listing showed as ours and there.
    shown: BTreeMap<InstanceId, Shown>,
    /// What was shown, and was ended or gone: it stays to be seen for an hour.
    ended: BTreeSet<String>,
    /// What ended without being asked to, and of which nothing is left.
    spent: BTreeSet<InstanceId>,
    /// The account of the instances that were shown.
    owner: Option<String>,
    /// The regions in which an end was asked for: they are looked at, too, whatever the settings say.
    asked: BTreeSet<String>,
}

/// An instance that this process launched.
#[derive(Debug)]
struct Launched {
    at: Moment,
    candidate: Candidate,
    /// Why it ended, as EC2 showed it last.
    reason: Option<Reason>,
}

/// An instance that a listing showed as ours, and not as gone.
#[derive(Clone, Debug)]
struct Shown {
    at: Moment,
    spot_request: Option<String>,
}

impl Shown {
    fn now(found: &Found) -> Self {
        Self {
            at: Moment::now(),
            spot_request: found.spot_instance_request_id.clone(),
        }
    }
}

impl LaunchMemory {
    fn known(&self, server: Server) -> Known<'_> {
        Known {
            memory: self,
            server,
        }
    }

    /// Whether this process launched an instance, and did not ask for its end.
    fn awaits(&self, found: &Found) -> bool {
        let id = found.instance_id.as_ref();
        id.is_some_and(|id| self.launched.contains_key(id) && !self.ended.contains(id))
    }

    /// Whether this process launched an instance, or ordered one under the name that its tags say.
    fn is_own(&self, found: &Found) -> bool {
        let id = found.instance_id.as_ref();
        let name = machine::tag(found, "gharun-name").and_then(|name| name.parse().ok());
        id.is_some_and(|id| self.launched.contains_key(id))
            || name.is_some_and(|name| self.ordered.contains(&name))
    }
}

impl ProviderKind for Aws {
    const KIND: &'static str = "aws";
    const ABOUT: &'static str = "EC2 instances, on demand or spot";
    const REHEARSES: bool = false;
    type Config = AwsConfig;

    fn fits(config: &AwsConfig) -> Result<()> {
        config.check()
    }

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        // The rest of the AWS tools' variables is read by the SDK; these two are, too, but they tell
        // the candidates of a dry run.
        ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .filter_map(|name| {
                let region = env(name).filter(|value| !value.is_empty())?;
                Some((name, "region", Value::from(region)))
            })
            .collect()
    }

    fn needs(config: &AwsConfig) -> Needs {
        if config.named_regions().is_empty() {
            &[("region", "us-east-1")]
        } else {
            &[]
        }
    }

    /// Under the names that workflows of machulav/ec2-github-runner read.
    fn outputs(machine: Option<&InstanceId>) -> Vec<(&'static str, String)> {
        let region = machine
            .and_then(|machine| RegionOfAccount::read(machine.location.as_deref()?))
            .map(|place| place.region);
        let id = machine.map(|machine| machine.id.clone());
        vec![
            ("ec2-instance-id", id.unwrap_or_default()),
            ("region", region.unwrap_or_default()),
        ]
    }

    async fn open(config: AwsConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            wait: config.capacity_wait.get(),
            clients: Clients::new(&config),
            images: Images::default(),
            pacer: Pacer::default(),
            enabled: Attempt::default(),
            account: Attempt::default(),
            memory: Mutex::default(),
            said: Once::default(),
            config,
        })
    }
}

impl Provider for Aws {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(self.examine())
    }

    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move { Box::pin(self.clients.resolve()).await })
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move {
            let regions = Box::pin(self.clients.regions()).await?;
            let account = self.account(&regions[0]).await?;
            let places = regions.iter().map(|region| places::place(region, &account));
            Ok(places.collect())
        })
    }

    fn encrypts(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move { Box::pin(self.clients.encrypted()).await })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(self.order(order))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move { Ok(Box::pin(self.look(Breadth::Everywhere)).await) })
    }

    fn list_near<'a>(&'a self, machines: &'a [InstanceId]) -> ProviderFuture<'a, Listing> {
        Box::pin(async move { Ok(Box::pin(self.look(Breadth::Near(machines))).await) })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(self.whole(id))
    }

    fn is_same(&self, listed: &InstanceId, given: &InstanceId) -> bool {
        account::is_same(listed, given)
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(self.end(id))
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            // EC2 knows nothing of jobs; whether this account can have the machine, it knows.
            let place = place_of(id)?;
            self.is_of_account(&place, id).await?;
            let is_vague = place.account.is_none();
            if is_vague && self.found(&place.region, id).await?.is_none() {
                return Err(self
                    .not_found(std::slice::from_ref(&place.region), id)
                    .await?);
            }
            Ok(None)
        })
    }

    fn shows_within(&self) -> Duration {
        ending::CONSISTENT
    }

    fn is_spent(&self, machine: &Instance) -> bool {
        lock(&self.memory).spent.contains(&machine.id)
    }

    fn is_old(&self, id: &InstanceId) {
        lock(&self.memory).old.insert(id.id.clone());
    }

    fn takes(&self, boot: &str) -> Result<()> {
        launch::user_data(boot).map(drop)
    }

    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        Box::pin(std::future::ready(self.why_ended(machine)))
    }

    fn job_user(&self) -> JobUser {
        self.config.job_user()
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        self.config.remedy(cause)
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move { Box::pin(self.look_ahead()).await })
    }

    fn shutdown_command(&self) -> &'static str {
        // The instance is told to terminate when it is shut down, which ends the bill.
        "poweroff || shutdown -P now || systemctl poweroff --force"
    }

    fn candidates(&self) -> Vec<String> {
        let mut regions = self.config.named_regions();
        if regions.is_empty() {
            regions.push("(the default region)".to_owned());
        }
        let all = candidates::candidates(&self.config, &regions);
        all.iter().map(ToString::to_string).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.instance_profile.is_some() && self.config.metadata_hop_limit > Some(1) {
            warnings.push(
                "`metadata_hop_limit` lets containers of every job take the role of `instance_profile`"
                    .to_owned(),
            );
        }
        warnings
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(self.console(id))
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        self.ways_in(machine)
    }
}

impl Aws {
    /// Remembers whose the instances are that EC2 shows: some networks do not reach STS.
    fn note_owner(&self, shown: &[Reservation]) {
        if let Some(owner) = shown.iter().find_map(|one| one.owner_id.clone()) {
            lock(&self.memory).owner = Some(owner);
        }
    }

    /// See [`machine::launcher`].
    async fn launcher(&self, found: &Found) -> Result<Launcher> {
        let server = self.clients.server().await?;
        Ok(machine::launcher(found, lock(&self.memory).known(server)))
    }

    /// Remembers what was launched just now.
    fn launched(&self, id: &InstanceId, candidate: &Candidate) {
        let launched = Launched {
            at: Moment::now(),
            candidate: candidate.clone(),
            reason: None,
        };
        let mut memory = lock(&self.memory);
        memory.launched.insert(id.id.clone(), launched);
    }
}

/// The region of a machine, and as far as its reference tells its account, if it is one of this kind.
fn place_of(id: &InstanceId) -> Result<RegionOfAccount> {
    let bad = |what: String| {
        Error::new(ErrorKind::Config, what)
            .hinted("write a reference as `gharun list` shows it: `aws:us_east_1_3fa9c1/i-…`")
    };
    let hex = |id: &str| {
        id.len() >= 8
            && id
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    if !id.id.strip_prefix("i-").is_some_and(hex) {
        return Err(bad(format!("`{}` is not an instance ID", id.id)));
    }
    let place = id.location.as_deref().ok_or_else(|| {
        bad(format!(
            "the reference to the instance `{}` lacks its region",
            id.id
        ))
    })?;
    RegionOfAccount::read(place).ok_or_else(|| bad(format!("`{place}` is not an AWS region")))
}

fn region_of(id: &InstanceId) -> Result<String> {
    place_of(id).map(|place| place.region)
}
