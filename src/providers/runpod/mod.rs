//! Pods at RunPod.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::Instant as Moment;

use super::common::once::Once;
use super::common::rest;
use super::common::{shown, unless_lasting};
use super::{
    Error, Health, Lookup, Needs, Offer, Provider, ProviderFuture, ProviderKind, Quote, Result,
};
use crate::http::Bounds;
use crate::model::{BootCause, Condition, Instance, InstanceId, JobUser, Order, lock};
use crate::providers::{Listing, PriceVerdict, Termination, Unjudged};
use launch::RunPodPaces;
use pod::Pod;
use pods::RunPodApi;
use watching::PodMemory;

mod candidates;
mod catalog;
mod check;
mod config;
mod container;
mod ending;
mod failure;
mod launch;
mod logs;
mod pod;
mod pods;
mod price;
mod remedies;
mod request;
mod size;
mod tier;
mod volume;
mod watching;
mod words;

#[cfg(test)]
mod tests;

pub use config::{Cloud, RunPodConfig};

/// A disk smaller than this was seen to find no machine, in GB.
const SMALL_DISK: u32 = 20;

/// Pods at RunPod.
#[derive(Debug)]
pub struct RunPod {
    config: RunPodConfig,
    api: RunPodApi,
    paces: RunPodPaces,
    /// What this process launched, and when: RunPod may not show it yet when it is asked.
    fresh: Mutex<BTreeMap<String, Moment>>,
    /// What a list showed with our tags.
    ours: Mutex<BTreeSet<String>>,
    /// How a list said that one gets into them.
    ways: Mutex<BTreeMap<String, String>>,
    memory: Mutex<PodMemory>,
    said: Once,
}

impl ProviderKind for RunPod {
    const KIND: &'static str = "runpod";
    const ABOUT: &'static str = "Pods with GPUs at RunPod";
    const REHEARSES: bool = false;
    type Config = RunPodConfig;

    fn fits(config: &RunPodConfig) -> Result<()> {
        config
            .check()
            .map(drop)
            .map_err(|error| shown(error, Self::KIND))
    }

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        [
            ("RUNPOD_API_KEY", "api_key"),
            ("RUNPOD_REST_V2_API_URL", "endpoint"),
        ]
        .into_iter()
        .filter_map(|(variable, key)| {
            let value = env(variable).filter(|value| !value.trim().is_empty())?;
            Some((variable, key, Value::from(value.trim())))
        })
        .collect()
    }

    fn needs(config: &RunPodConfig) -> Needs {
        match candidates::asked(config) {
            Ok(_) => &[],
            Err(_) => &[("gpu", "L40S"), ("cpu", "cpu5c")],
        }
    }

    fn secrets_in_env() -> &'static [&'static str] {
        // RunPod puts it into every pod, and it may do all that a pod's owner may with pods.
        &["RUNPOD_API_KEY"]
    }

    async fn open(config: RunPodConfig) -> Result<Self> {
        Self::with(config, pods::BOUNDS, RunPodPaces::default())
    }

    fn called(mut self, table: String) -> Self {
        self.config.table = table;
        self
    }
}

impl Provider for RunPod {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(self.examine())
    }

    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            // Whoever has a key has an account, and there may be pods in it, whatever it answers now.
            Ok(())
        })
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move { Ok(vec![self.api.place.clone()]) })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(self.order(order))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            let pods = match self.api.pods().await {
                Ok(pods) => pods,
                Err(error) => return Ok(Listing::unread(error)),
            };
            let mut listing = Listing {
                read: vec![self.api.place.clone()],
                // As earlier versions wrote it.
                vague: vec![(None, ending::WHOSE.to_owned())],
                ..Listing::default()
            };
            for pod in &pods {
                match self.judged(pod) {
                    Some(Ok(machine)) => listing.instances.push(machine),
                    Some(Err(unjudged)) => listing.unjudged.push(unjudged),
                    None => {}
                }
            }
            Ok(listing)
        })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(self.whole(id))
    }

    fn is_same(&self, listed: &InstanceId, given: &InstanceId) -> bool {
        // No two pods have one id, and the account may have got another key.
        listed.id == given.id
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            // RunPod knows nothing of jobs; whether this key can have the pod, it may tell.
            let whole = self.whole(id).await?;
            if whole.location.as_ref() == Some(&self.api.place) {
                return Ok(None);
            }
            Err(ending::not_found(id))
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(self.end(id))
    }

    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        Box::pin(self.find_doom(machine))
    }

    fn price_verdict(&self, machine: &InstanceId) -> PriceVerdict {
        if self.config.max_price.is_none() {
            return PriceVerdict::Within;
        }
        match self.bill(&machine.id) {
            None => PriceVerdict::Untold,
            bill => match self.too_dear(&machine.id, bill) {
                Some(dear) => PriceVerdict::Above(dear),
                None => PriceVerdict::Within,
            },
        }
    }

    fn job_user(&self) -> JobUser {
        let network = self.config.network_volume.as_ref();
        let paths = [
            self.config.volume.as_ref().map(|volume| volume.parts().1),
            network.map(|volume| volume.parts().1),
        ];
        JobUser {
            run_as: self.config.run_as.clone(),
            is_privileged: false,
            folders: paths.into_iter().flatten().map(str::to_owned).collect(),
        }
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        remedies::remedy(&self.config, cause)
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        let id = &machine.id.id;
        let mut ways = Vec::new();
        // Keys get into a pod only where it was made for that, and where its container runs.
        if self.keeps(id) && self.is_up(machine) {
            ways.extend(lock(&self.ways).get(id).cloned());
        }
        ways.push(format!("https://console.runpod.io/pods?id={id}"));
        ways
    }

    fn shutdown_command(&self) -> &'static str {
        request::ENDING.as_str()
    }

    fn takes(&self, boot: &str) -> Result<()> {
        request::takes(&self.config, boot)
    }

    fn validate(&self) -> Result<()> {
        candidates::asked(&self.config).map(drop)
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            // The key, and whether RunPod knows what is asked for; what has no room now may have some in a moment.
            match self.choose().await {
                Ok(choice) if choice.candidates.is_empty() => {
                    unless_lasting(candidates::none_left(&choice.dropped, &self.config))
                }
                Ok(_) => Ok(()),
                Err(error) => unless_lasting(error),
            }
        })
    }

    fn candidates(&self) -> Vec<String> {
        let named = candidates::named(&self.config);
        named.iter().map(ToString::to_string).collect()
    }

    fn quotes(&self) -> ProviderFuture<'_, Vec<Quote>> {
        Box::pin(self.quoted())
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.config.disk() < SMALL_DISK {
            warnings.push(format!(
                "a `disk` of {} GB may never be placed: RunPod places pods from {SMALL_DISK} GB up",
                self.config.disk()
            ));
        }
        if self.config.lacks_cuda() {
            warnings.push(
                "the tag of `image` does not tell its CUDA version, so a pod may get a host whose driver is too old for \
                 it: set `min_cuda`"
                    .to_owned(),
            );
        }
        if self.config.cloud != Cloud::Secure
            && self.config.network_volume.is_none()
            && !self.config.data_centers.is_empty()
        {
            warnings.push(
                "in the community cloud `data_centers` keeps RunPod from finding a pod: leave it out, or set \
                 `cloud = \"secure\"`"
                    .to_owned(),
            );
        }
        if rest::is_open(self.api.url()) {
            warnings.push(format!(
                "the connection to {} is not encrypted, and the API key and the runner's \
                 credentials go over it: use `https://`",
                self.api.base()
            ));
        }
        if self.config.cloud != Cloud::Secure {
            warnings.push(
                "pods in the community cloud run on other people's computers, whose owners can \
                 read what a job does"
                    .to_owned(),
            );
        }
        warnings
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(self.said(id))
    }

    fn offers(&self) -> ProviderFuture<'_, Vec<Offer>> {
        Box::pin(self.everything())
    }
}

impl RunPod {
    /// Whether a machine's container runs, also when its boot script has ended.
    fn is_up(&self, machine: &Instance) -> bool {
        match machine.state {
            Condition::Running => true,
            Condition::Pending => false,
            Condition::Ended(_) => self.script_end(&machine.id.id).is_some(),
        }
    }

    /// Remembers what was launched just now.
    fn launched(&self, id: &str) {
        let mut fresh = lock(&self.fresh);
        fresh.insert(id.to_owned(), Moment::now());
    }

    /// Whether this process launched a pod so lately that RunPod may not show it yet.
    fn is_fresh(&self, id: &str) -> bool {
        let fresh = lock(&self.fresh);
        let launched = fresh.get(id);
        launched.is_some_and(|at| at.elapsed() < self.paces.fresh)
    }

    /// Whether this process launched a pod, or saw in a list that it is ours.
    fn is_ours(&self, id: &str) -> bool {
        lock(&self.fresh).contains_key(id) || self.is_listed(id)
    }

    /// Whether this process saw in a list that a pod is ours.
    fn is_listed(&self, id: &str) -> bool {
        lock(&self.ours).contains(id)
    }

    fn with(config: RunPodConfig, bounds: Bounds, paces: RunPodPaces) -> Result<Self> {
        let endpoint = config.check()?;
        Ok(Self {
            api: RunPodApi::new(endpoint, config.api_key.clone(), bounds)?,
            config,
            paces,
            fresh: Mutex::default(),
            ours: Mutex::default(),
            ways: Mutex::default(),
            memory: Mutex::default(),
            said: Once::default(),
        })
    }

    /// A pod of a list as a machine, or that it cannot be judged; `None` if it is not ours.
    fn judged(&self, pod: &Pod) -> Option<Result<Instance, Unjudged>> {
        if pod.is_gone() {
            return None;
        }
        let place = &self.api.place;
        if let Some(tags) = &pod.tags {
            let mut ours = lock(&self.ours);
            ours.insert(pod.id.clone());
            drop(ours);
            self.adopt(pod, &tags.name);
            self.note_bill(pod);
            if self.is_asked_for(&pod.id) {
                self.warn_of_size(pod);
            }
            if let Some(ssh) = &pod.ssh {
                lock(&self.ways).insert(pod.id.clone(), ssh.clone());
            }
            let mut machine = pod.machine(place, tags.clone());
            if machine.state == Condition::Running
                && let Some(how) = self.script_end(&pod.id)
            {
                machine.state = Condition::Ended(how);
            }
            return Some(Ok(machine));
        }
        let is_marked = pod.marked || pod.is_named_by_us();
        if !is_marked {
            return None;
        }
        Some(Err(pod.unjudged(place)))
    }
}
