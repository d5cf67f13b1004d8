//! Nebius AI Cloud: jobs and virtual machines with GPUs, over its REST gateway.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, join3};
use serde_json::Value;
use tokio::time::Instant as Moment;

use super::common::attempt::Attempt;
use super::common::once::Once;
use super::common::rest::is_open;
use super::common::{shown, unless_lasting};
use super::{
    Error, Health, Lookup, Needs, Offer, Provider, ProviderFuture, ProviderKind, Quote, Result,
};
use crate::http::Bounds;
use crate::model::{
    BootCause, Condition, Instance, InstanceId, JobUser, Name, Order, Price, digest, lock,
};
use crate::poll::Pace;
use crate::providers::{Listing, Termination};
use api::{Collection, NebiusApi};
use candidates::{Candidate, Priced};
use credentials::{CallerIdentity, CredentialSource, TokenProvider};
use failure::OrderFault;
use wire::{Operation, Platform, Project};

mod api;
mod candidates;
mod check;
mod config;
mod credentials;
mod disks;
mod doom;
mod ending;
mod failure;
mod home;
mod jobs;
mod labels;
mod launch;
mod listing;
mod machine;
mod offers;
mod prices;
mod pricing;
mod remedies;
mod vms;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{NebiusConfig, Product};

/// How a VM without a service account ends, for those who read about it.
const LEAVES_DISK: &str = "a VM without `service_account` powers itself off, and its disk is billed until `gharun stop` removes it";

/// How long what is asked for may take here.
#[derive(Clone, Copy, Debug)]
struct NebiusPaces {
    http: Bounds,
    /// How a name is looked for whose launch got no answer; `fleet` goes on after that.
    shown: Pace,
    /// How the end of what an order that failed at once has made is awaited.
    gone: Pace,
    /// How long a machine that was ordered may not be shown yet. Nebius says nowhere how late it may be.
    settles: Duration,
    /// A VM that is not shown for longer may have run and stopped meanwhile. Listings of a start are 4 s apart.
    unseen: Duration,
    /// How long a start waits for what it only shows: the region and the prices.
    shows: Duration,
}

impl Default for NebiusPaces {
    fn default() -> Self {
        Self {
            http: Bounds {
                operation: Duration::from_mins(1),
                ..Bounds::default()
            },
            shown: Pace {
                every: Duration::from_secs(1),
                at_most: Duration::from_secs(8),
            },
            // What was never seen is looked for until it has settled.
            gone: Pace {
                every: Duration::from_secs(2),
                at_most: Duration::from_mins(1),
            },
            settles: Duration::from_secs(20),
            unseen: Duration::from_secs(20),
            shows: Duration::from_secs(3),
        }
    }
}

/// Nebius AI Cloud.
#[derive(Debug)]
pub struct Nebius {
    config: NebiusConfig,
    identity: CallerIdentity,
    start_deadline: Duration,
    api: NebiusApi,
    paces: NebiusPaces,
    subnet: Attempt<String>,
    platforms: Attempt<Arc<Vec<Platform>>>,
    home: Attempt<Arc<Project>>,
    prices: Mutex<BTreeMap<Priced, Price>>,
    memory: Mutex<OrderMemory>,
    said: Once,
}

/// What this process has ordered, and found out about it.
#[derive(Debug, Default)]
struct OrderMemory {
    /// By the place's id.
    orders: BTreeMap<String, Ordered>,
    /// The names of VMs that were seen or made, by the place's id: their disks have the same.
    names: BTreeMap<String, String>,
    /// The ends that were accepted, by the place's id.
    ends: BTreeMap<String, Operation>,
    /// Names whose order may have been accepted and is not shown yet, and since when.
    unanswered: BTreeMap<Name, Moment>,
    /// What has no room although it took an order.
    full: BTreeMap<Candidate, Error>,
    /// The public addresses of VMs, by the place's id.
    addresses: BTreeMap<String, String>,
    /// The project's region, where it was told.
    region: Option<String>,
    /// Whether the calculator of prices did not answer.
    calculator_is_silent: bool,
}

/// Whether a machine has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HasRun {
    /// It was shown again and again, and never as running.
    No,
    /// It was not shown for so long that it may have.
    Unknown,
    /// It was shown so, or what makes it is done, which is so when it runs.
    Yes,
}

/// An order that was accepted.
#[derive(Clone, Debug)]
struct Ordered {
    candidate: Candidate,
    since: Moment,
    /// What is at work on it, and the machine as it was ordered: should it fail before it is shown.
    operation: Option<String>,
    machine: Instance,
    /// Whether the place has shown it.
    shown: bool,
    /// The last state that the place told.
    stage: String,
    /// Since when a job has a machine that runs.
    placed: Option<Moment>,
    ran: HasRun,
    /// Whether what makes it was still at work when it was looked at last.
    is_making: bool,
    /// When it was shown last.
    seen: Moment,
    /// Why it comes to nothing.
    fault: Option<OrderFault>,
}

impl ProviderKind for Nebius {
    const KIND: &'static str = "nebius";
    const ABOUT: &'static str = "Nebius AI Cloud: jobs and virtual machines with GPUs";
    const REHEARSES: bool = false;
    type Config = NebiusConfig;

    fn fits(config: &NebiusConfig) -> Result<()> {
        config.check().map_err(|error| shown(error, Self::KIND))
    }

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut found = Vec::new();
        for (variable, key) in [
            ("NEBIUS_IAM_TOKEN", "iam_token"),
            ("NEBIUS_PROFILE", "profile"),
        ] {
            found.extend(set(variable).map(|value| (variable, key, Value::from(value))));
        }
        if let Some(home) = set("HOME") {
            let file = format!("{}/.nebius/config.yaml", home.trim_end_matches('/'));
            found.push(("HOME", "config_file", Value::from(file)));
        }
        found
    }

    fn named_in_files(env: Lookup<'_>) -> Result<Vec<String>> {
        let found = Self::env_defaults(env).into_iter();
        let found: BTreeMap<_, _> = found.map(|(_, key, value)| (key, value)).collect();
        let text = |key: &str| found.get(key).and_then(Value::as_str);
        CallerIdentity::profile(text("config_file").map(Path::new), text("profile"))
            .map(|name| name.into_iter().collect())
    }

    fn needs(config: &NebiusConfig) -> Needs {
        match CallerIdentity::project(config) {
            Some(_) => &[],
            None => &[("project", "project-…")],
        }
    }

    async fn open(config: NebiusConfig) -> Result<Self> {
        Self::at(config, NebiusPaces::default())
    }

    fn called(mut self, table: String) -> Self {
        self.config.table = table;
        self
    }
}

impl Provider for Nebius {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(self.examine())
    }

    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            self.project()?;
            // Who has credentials has a place, whether it answers just now or not.
            match self.api.tokens().source() {
                CredentialSource::Nowhere(why) => Err(CredentialSource::missing(why)),
                CredentialSource::Key(_)
                | CredentialSource::Token(_)
                | CredentialSource::TokenFile(_) => Ok(()),
            }
        })
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move { Ok(vec![self.place()?]) })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(self.order(order))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(self.look())
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(self.whole(id))
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            // Nebius knows nothing of jobs; whether this project can have the machine is known.
            self.here(id).await?;
            Ok(None)
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(self.end(id))
    }

    fn shutdown_command(&self) -> &'static str {
        match (self.config.product, &self.config.service_account) {
            // A job ends with its container, and the machine with the job.
            (Product::Job, _) => "exit",
            (Product::Vm, Some(_)) => vms::DELETE_ITSELF,
            (Product::Vm, None) => vms::POWER_OFF,
        }
    }

    fn takes(&self, boot: &str) -> Result<()> {
        match self.config.product {
            Product::Job => jobs::files(boot).map(drop),
            Product::Vm => {
                let key = self.config.ssh_key.as_deref();
                vms::user_data(boot, self.api.base(), key).map(drop)
            }
        }
    }

    fn validate(&self) -> Result<()> {
        self.project().map(drop)
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            // Credentials, project, subnet and platforms; none of that is asked again by a launch.
            self.api
                .tokens()
                .get(None)
                .await
                .map(drop)
                .or_else(unless_lasting)?;
            let (subnet, chosen, ()) = join3(self.subnet(), self.chosen(), self.look_home()).await;
            subnet.map(drop).or_else(unless_lasting)?;
            chosen.map(drop).or_else(unless_lasting)
        })
    }

    fn candidates(&self) -> Vec<String> {
        let all = candidates::candidates(&self.config, None);
        all.iter().map(ToString::to_string).collect()
    }

    fn quotes(&self) -> ProviderFuture<'_, Vec<Quote>> {
        Box::pin(self.quoted())
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.product == Product::Vm {
            warnings.push(match &self.config.service_account {
                Some(_) => {
                    "every job on a VM may act as its `service_account`: allow it to delete \
                            instances and nothing else"
                        .to_owned()
                }
                None => LEAVES_DISK.to_owned(),
            });
        }
        if is_open(self.api.base()) {
            warnings.push(
                "the connection to `endpoint` is not encrypted, and tokens and scripts go over it"
                    .to_owned(),
            );
        }
        warnings
    }

    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        Box::pin(std::future::ready(self.find_doom(machine)))
    }

    fn job_user(&self) -> JobUser {
        JobUser {
            run_as: self.config.run_as.clone(),
            // A VM is rented for this one job.
            is_privileged: self.config.product == Product::Vm,
            folders: Vec::new(),
        }
    }

    fn keeps_failed(&self) -> Result<()> {
        if self.config.product == Product::Vm {
            return Ok(());
        }
        let what =
            "`--keep-failed` cannot keep a job: Nebius removes its machine when its container ends";
        Err(Error::setting("product", what)
            .hinted("set `product = \"vm\"`, or leave `--keep-failed` out"))
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        remedies::remedy(&self.config, cause)
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        let mut ways = Vec::new();
        if self.config.ssh_key.is_some() && machine.state == Condition::Running {
            let memory = self.memory();
            let address = memory.addresses.get(&machine.id.id);
            ways.extend(address.map(|address| format!("ssh root@{address}")));
        }
        ways.push("https://console.nebius.com".to_owned());
        ways
    }

    fn offers(&self) -> ProviderFuture<'_, Vec<Offer>> {
        Box::pin(self.offered())
    }
}

impl Nebius {
    fn at(config: NebiusConfig, paces: NebiusPaces) -> Result<Self> {
        config.check()?;
        let identity = CallerIdentity::of(&config)?;
        let tokens = TokenProvider::new(identity.source.clone(), config.exchange()?, paces.http)?;
        Ok(Self {
            start_deadline: config.start_deadline.get(),
            api: NebiusApi::new(config.gateway()?, tokens, paces.http)?,
            identity,
            paces,
            subnet: Attempt::default(),
            platforms: Attempt::default(),
            home: Attempt::default(),
            prices: Mutex::default(),
            memory: Mutex::default(),
            said: Once::default(),
            config,
        })
    }

    /// The project that machines are in.
    fn project(&self) -> Result<&str> {
        self.identity.project.as_deref().ok_or_else(|| {
            Error::setting("project", "no Nebius project is set")
                .hinted("set `project = \"project-…\"`, or use a profile with a `parent-id`")
        })
    }

    /// How references spell the project: by a digest, since its id may be kept as a secret.
    fn place(&self) -> Result<String> {
        Ok(digest::place(self.project()?))
    }

    fn memory(&self) -> MutexGuard<'_, OrderMemory> {
        lock(&self.memory)
    }
}

/// Whose machines are asked for.
fn whose(place: &str) -> String {
    format!("the Nebius project in use (`{place}`)")
}

/// Which of the two services has a machine; the ids tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Jobs,
    Vms,
}

impl Service {
    /// By the prefix of an id, as Nebius's description has it.
    fn of(id: &str) -> Option<Self> {
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        match id.split_once('-') {
            Some(("aijob", rest)) if plain && !rest.is_empty() => Some(Self::Jobs),
            Some(("computeinstance", rest)) if plain && !rest.is_empty() => Some(Self::Vms),
            _ => None,
        }
    }

    fn collection(self) -> Collection {
        match self {
            Self::Jobs => api::JOBS,
            Self::Vms => api::INSTANCES,
        }
    }

    fn operations(self) -> Collection {
        match self {
            Self::Jobs => api::JOB_OPERATIONS,
            Self::Vms => api::OPERATIONS,
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Jobs => "job",
            Self::Vms => "VM",
        }
    }
}
