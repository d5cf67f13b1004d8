//! What becomes of a pod that was launched, as its log tells: a container that will never start, and a boot script
//! that has ended. RunPod's own state tells neither.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant as Moment;

use super::RunPod;
use super::candidates::{Candidate, Chip, cheaper, wider};
use super::container::{ContainerFault, ContainerVerdict, verdict};
use super::failure::{CreateRefusal, ErrorClass};
use super::logs::{LogLine, text};
use super::pod::{BROKEN, Pod};
use super::price::above;
use super::tier::Tier;
use crate::model::boot_exit::{BootEnd, explained};
use crate::model::{Condition, Instance, Name, Order, chain, lock};
use crate::providers::{Error, ErrorKind};

/// How many hosts a candidate may fail on, where another one may do.
const HOSTS: u8 = 2;

/// How often logs are read: RunPod counts 60 requests a minute, and lists need some of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogPaces {
    /// Between two looks at one pod.
    pub(super) each: Duration,
    /// Between two looks at any.
    pub(super) between: Duration,
}

impl Default for LogPaces {
    fn default() -> Self {
        Self {
            each: Duration::from_secs(10),
            between: Duration::from_secs(3),
        }
    }
}

/// What this process has launched, and found out about it.
#[derive(Debug, Default)]
pub(super) struct PodMemory {
    orders: BTreeMap<String, OrderedPod>,
    /// What was asked for by each name, answered or not: a pod that a list shows late is known by it.
    asked: BTreeMap<Name, Asked>,
    /// US dollars an hour that RunPod bills, by pod, where it has told so: no price of the catalog.
    bills: BTreeMap<String, f64>,
    /// What could not start, although RunPod had it.
    barred: Vec<Barred>,
    /// When any log was read last.
    looked: Option<Moment>,
}

#[derive(Debug, Default)]
struct Asked {
    candidates: Vec<Candidate>,
    keeps_failed: bool,
}

#[derive(Debug, Default)]
struct OrderedPod {
    candidate: Option<Candidate>,
    keeps_failed: bool,
    /// When somebody last wanted to know, and when its log was read.
    asked: Option<Moment>,
    looked: Option<Moment>,
    /// Its log, which outlives it here.
    log: Option<String>,
    /// How its boot script ended.
    ended: Option<String>,
    /// Why it will never be a runner: its candidate is blamed for it once.
    doom: Option<Error>,
}

#[derive(Debug)]
struct Barred {
    chip: Chip,
    cloud: Tier,
    hosts: u8,
    sort: ErrorClass,
    why: Error,
}

impl PodMemory {
    /// Holds something against a candidate: it failed on so many hosts more.
    fn blame(&mut self, candidate: Candidate, hosts: u8, sort: ErrorClass, why: &Error) {
        let same = |one: &&mut Barred| one.chip == candidate.chip && one.cloud == candidate.cloud;
        let why = why.clone();
        match self.barred.iter_mut().find(same) {
            Some(one) => {
                one.hosts = one.hosts.saturating_add(hosts);
                (one.sort, one.why) = (sort, why);
            }
            None => self.barred.push(Barred {
                chip: candidate.chip,
                cloud: candidate.cloud,
                hosts,
                sort,
                why,
            }),
        }
    }
}

impl RunPod {
    /// Remembers what is about to be asked for.
    pub(super) fn asks(&self, order: &Order, candidate: &Candidate) {
        let mut memory = lock(&self.memory);
        let asked = memory.asked.entry(order.name.clone()).or_default();
        asked.keeps_failed = order.keep_failed;
        asked.candidates.push(candidate.clone());
    }

    /// Remembers what a pod was made for that this process asked for, though no answer told so.
    pub(super) fn adopt(&self, pod: &Pod, name: &Name) {
        let mut memory = lock(&self.memory);
        if memory.orders.contains_key(&pod.id) {
            return;
        }
        let Some(asked) = memory.asked.get(name) else {
            return;
        };
        let made_it = |candidate: &&Candidate| pod.is_what(&candidate.rental());
        let ordered = OrderedPod {
            candidate: asked.candidates.iter().rfind(made_it).cloned(),
            keeps_failed: asked.keeps_failed,
            ..OrderedPod::default()
        };
        memory.orders.insert(pod.id.clone(), ordered);
    }

    /// What a pod was made for, where that is known.
    pub(super) fn candidate(&self, id: &str) -> Option<Candidate> {
        lock(&self.memory).orders.get(id)?.candidate.clone()
    }

    /// Remembers what a pod was made for.
    pub(super) fn ordered(&self, id: &str, order: &Order, candidate: Option<&Candidate>) {
        let mut memory = lock(&self.memory);
        let pod = memory.orders.entry(id.to_owned()).or_default();
        pod.keeps_failed = order.keep_failed;
        pod.candidate = candidate.cloned().or(pod.candidate.take());
    }

    /// Remembers what RunPod bills for a pod, where it tells so. It tells 0 before it knows, and for a pod that ended.
    pub(super) fn note_bill(&self, pod: &Pod) {
        if let Some(cost) = pod.cost.filter(|cost| *cost > 0.0) {
            lock(&self.memory).bills.insert(pod.id.clone(), cost);
        }
    }

    /// US dollars an hour that RunPod bills for a pod, by what it told last.
    pub(super) fn bill(&self, id: &str) -> Option<f64> {
        lock(&self.memory).bills.get(id).copied()
    }

    /// Why a pod will never be a runner, where its host says so.
    pub(super) async fn find_doom(&self, machine: &Instance) -> Option<Error> {
        let id = machine.id.id.as_str();
        // What it costs may be told later than that it is there.
        if let Some(dear) = self.too_dear(id, machine.rental.price_per_hour()) {
            return Some(dear);
        }
        if let Condition::Ended(how) = &machine.state {
            let is_ours = lock(&self.memory).orders.contains_key(id);
            return (is_ours && how == BROKEN).then(|| {
                let (fault, line) = (ContainerFault::Host, how.clone());
                let cuda = None;
                self.condemn(id, &ContainerVerdict { fault, line, cuda })
            });
        }
        if !self.may_look(id) {
            return None;
        }
        let lines = match self.lines(id).await {
            Ok(lines) => lines,
            Err(error) => {
                tracing::debug!("{}", chain(&error));
                return None;
            }
        };
        self.note_log(id, &lines);
        if machine.state == Condition::Running {
            return None;
        }
        let system = lines.iter().filter(|line| line.is_of_host);
        let system: Vec<String> = system.map(|line| line.text.clone()).collect();
        let found = verdict(&system)?;
        Some(self.condemn(id, &found))
    }

    /// Whether it is a pod's turn to be looked at: who has waited longest goes first.
    fn may_look(&self, id: &str) -> bool {
        let paces = self.paces.logs;
        let now = Moment::now();
        let mut memory = lock(&self.memory);
        let Some(one) = memory.orders.get_mut(id) else {
            return false;
        };
        one.asked = Some(now);
        let mine = one.looked;
        let is_past = |at: Option<Moment>, span| at.is_none_or(|at: Moment| at.elapsed() >= span);
        let waits = |one: &OrderedPod| !is_past(one.asked, 2 * paces.each);
        let mut others = memory.orders.values();
        let is_turn = !others.any(|other| waits(other) && other.looked < mine);
        if !is_turn || !is_past(mine, paces.each) || !is_past(memory.looked, paces.between) {
            return false;
        }
        memory.looked = Some(now);
        if let Some(one) = memory.orders.get_mut(id) {
            one.looked = Some(now);
        }
        true
    }

    /// Keeps a log, and what it says of the end of the boot script: the pod is gone a moment later.
    fn note_log(&self, id: &str, lines: &[LogLine]) {
        let own = lines.iter().filter(|line| !line.is_of_host);
        let own: String = own.flat_map(|line| [line.text.as_str(), "\n"]).collect();
        let ended = BootEnd::find(&own).map(|end| {
            let bare = || explained(&format!("exit code {}", end.code));
            end.why.clone().unwrap_or_else(bare)
        });
        let mut memory = lock(&self.memory);
        if let Some(pod) = memory.orders.get_mut(id) {
            pod.log = text(lines).or(pod.log.take());
            pod.ended = ended.or(pod.ended.take());
        }
    }

    /// The log of a pod as it was read last.
    pub(super) fn kept_log(&self, id: &str) -> Option<String> {
        lock(&self.memory).orders.get(id)?.log.clone()
    }

    /// How the boot script of a pod ended that is still shown as running.
    pub(super) fn script_end(&self, id: &str) -> Option<String> {
        lock(&self.memory).orders.get(id)?.ended.clone()
    }

    /// Whether this process asked for a pod.
    pub(super) fn is_asked_for(&self, id: &str) -> bool {
        lock(&self.memory).orders.contains_key(id)
    }

    /// Whether a pod was told to stay when it fails.
    pub(super) fn keeps(&self, id: &str) -> bool {
        let memory = lock(&self.memory);
        memory.orders.get(id).is_some_and(|pod| pod.keeps_failed)
    }

    /// Why a candidate is not asked for again; a candidate that failed on one host goes behind the others.
    pub(super) fn bar(&self, candidate: &Candidate) -> (u8, Option<CreateRefusal>) {
        let memory = lock(&self.memory);
        let mut barred = memory.barred.iter();
        let same = |one: &&Barred| one.chip == candidate.chip && one.cloud == candidate.cloud;
        match barred.rfind(same) {
            Some(one) if one.hosts >= HOSTS => {
                let (sort, error) = (one.sort, one.why.clone());
                (one.hosts, Some(CreateRefusal { sort, error }))
            }
            Some(one) => (one.hosts, None),
            None => (0, None),
        }
    }

    /// Why a pod costs more than it may, whoever launched it; its candidate, where it is known, is not tried again.
    pub(super) fn too_dear(&self, id: &str, cost: Option<f64>) -> Option<Error> {
        let (cost, most) = (cost?, self.config.max_price?);
        if cost <= most {
            return None;
        }
        let mut memory = lock(&self.memory);
        let candidate = memory.orders.get(id).and_then(|pod| pod.candidate.clone());
        let of = candidate
            .as_ref()
            .map_or_else(|| format!("the pod `{id}`"), ToString::to_string);
        let error = Error::new(ErrorKind::NoCapacity, of)
            .because(format!("RunPod bills {}", above(cost, most)))
            .hinted(cheaper(&self.config));
        if let Some(candidate) = candidate {
            memory.blame(candidate, HOSTS, ErrorClass::Dear, &error);
        }
        Some(error)
    }

    /// What a verdict means for the order, and for the candidate that it was given to.
    fn condemn(&self, id: &str, found: &ContainerVerdict) -> Error {
        let (image, said) = (&self.config.image, found.line.clone());
        match found.fault {
            ContainerFault::Image => {
                return Error::setting("image", format!("RunPod cannot run the image `{image}`"))
                    .because(said)
                    .hinted("check the name and the tag in `image`: it must be an image for linux/amd64 that has `/bin/sh`");
            }
            ContainerFault::Registry => {
                let error = Error::setting("image", format!("RunPod may not pull `{image}`"));
                return error.because(said).hinted(match self.config.registry {
                    Some(_) => "check the name in `image`, and that the credential in `registry` may read it",
                    None => "check the name in `image`; for a private image save its credential at https://console.runpod.io/user/settings and write its ID into `registry`",
                });
            }
            ContainerFault::Disk => {
                let disk = self.config.disk();
                let what = format!("a `disk` of {disk} GB is too small for the image `{image}`");
                let hint = format!("set `disk = {}`", u64::from(disk) * 2);
                return Error::setting("disk", what).because(said).hinted(hint);
            }
            ContainerFault::Driver | ContainerFault::Host => {}
        }
        let mut memory = lock(&self.memory);
        if let Some(doom) = memory.orders.get(id).and_then(|pod| pod.doom.clone()) {
            return doom;
        }
        let candidate = memory.orders.get(id).and_then(|pod| pod.candidate.clone());
        let of = candidate
            .as_ref()
            .map_or_else(|| format!("the pod `{id}`"), ToString::to_string);
        let what = match found.fault {
            ContainerFault::Driver => {
                format!("{of}: the driver of RunPod's host is too old for the image `{image}`")
            }
            _ => format!("{of}: RunPod's host could not start the container"),
        };
        let mut error = Error::new(ErrorKind::NoCapacity, what).because(said);
        if found.fault == ContainerFault::Driver {
            error = error.about("min_cuda").hinted(match &found.cuda {
                Some(version) => format!(
                    "set `min_cuda = \"{version}\"`: only hosts with a driver for it are asked then"
                ),
                None => "set `min_cuda` to the CUDA version of the image".to_owned(),
            });
        } else {
            error = error.hinted(format!(
                "start again, to get another host, or {}; if all hosts fail in the same way, check `image`",
                wider(&self.config)
            ));
        }
        if let Some(pod) = memory.orders.get_mut(id) {
            pod.doom = Some(error.clone());
        }
        if let Some(candidate) = candidate {
            let hosts = if found.fault == ContainerFault::Driver {
                HOSTS
            } else {
                1
            };
            memory.blame(candidate, hosts, ErrorClass::Broken, &error);
        }
        error
    }
}
