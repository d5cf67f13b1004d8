//! Slots on machines that are already there, reached by ssh.
//!
//! What is done on a host is what `local` does: the scripts are the same, and so are the slots. This
//! is how they get there, and which of several hosts is asked.

use std::collections::BTreeSet;
use std::num::NonZeroU16;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use url::Url;

use super::{Host, not_found, remedy};
use crate::model::{BootCause, Instance, InstanceId, JobUser, Order, lock};
use crate::providers::{
    Error, ErrorKind, Health, Listing, Provider, ProviderFuture, ProviderKind, Result, Termination,
    Unread,
};

mod answers;
mod auth;
mod choice;
mod client_config;
mod config;
mod connection;
mod drive;
mod failure;
mod forward;
mod job;
mod keys;
mod known_hosts;
mod link;
mod offers;
mod open;
mod openssh;
mod proxy;
mod request;
mod route;
mod session;
mod target;
#[cfg(test)]
mod tests;

use choice::HostSurvey;
use config::HostKeyCheck;
pub use config::SshProviderConfig;
use route::Route;
use session::Newcomers;

/// Slots on machines that are already there, reached by ssh.
#[derive(Debug)]
pub struct Ssh {
    members: Vec<Member>,
    config: SshProviderConfig,
    survey: HostSurvey,
    /// The hosts whose keys were not known before.
    newcomers: Newcomers,
    /// Whether machines are to reach this computer: then only hosts count that let them.
    reached: AtomicBool,
}

/// One of the hosts.
#[derive(Debug)]
struct Member {
    host: Host<Route>,
    way: Route,
    /// The place of its machines in references.
    place: String,
    slots: NonZeroU16,
    /// The names that this process launches or has launched here.
    ours: Mutex<Vec<String>>,
    /// The names that were seen here, or launched.
    seen: Mutex<BTreeSet<String>>,
    /// The keys under which this process may have a place in its queue.
    queued: Mutex<BTreeSet<String>>,
    /// Whether its machines reach this computer.
    reaches: AtomicBool,
    /// Whether it was said that it does not answer.
    said: AtomicBool,
}

impl Member {
    fn name(&self) -> &str {
        &self.way.target().name
    }

    /// Whether a machine was seen here, or launched.
    fn knows(&self, id: &str) -> bool {
        lock(&self.seen).contains(id) || lock(&self.ours).iter().any(|name| name == id)
    }
}

impl Ssh {
    fn member(&self, id: &InstanceId) -> Result<&Member> {
        let of = |member: &&Member| Some(member.place.as_str()) == id.location.as_deref();
        self.members.iter().find(of).ok_or_else(|| {
            let places = self.members.iter();
            let places: Vec<String> = places
                .filter(|member| member.way.refusal().is_none())
                .map(|member| format!("{} is `{}`", member.name(), member.place))
                .collect();
            let message = format!("`{id}` is not on any host of this provider");
            Error::new(ErrorKind::Elsewhere, message)
                .because(format!("of `hosts`, {}", places.join(", ")))
                .hinted("add the host that has it to `hosts`")
        })
    }

    /// The id with its place, where it has none and a host has the machine; as it is where all hosts were read and none
    /// has it.
    async fn whole(&self, id: &InstanceId) -> Result<InstanceId> {
        if id.location.is_some() {
            return Ok(id.clone());
        }
        let asked = self.members.iter().map(|member| member.host.canonical(id));
        let (mut found, mut unread) = (None, None);
        for answer in join_all(asked).await {
            match answer {
                Ok(whole) if whole.location.is_some() => found = found.or(Some(whole)),
                Ok(_) => {}
                Err(error) => unread = unread.or(Some(error)),
            }
        }
        match (found, unread) {
            (Some(found), _) => Ok(found),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(id.clone()),
        }
    }

    /// The same; a host must have the machine.
    async fn here(&self, id: &InstanceId) -> Result<InstanceId> {
        let id = self.whole(id).await?;
        if id.location.is_some() {
            return Ok(id);
        }
        let names: Vec<&str> = self.members.iter().map(Member::name).collect();
        Err(not_found(&id, &names.join(", ")))
    }

    /// Whether a host may be another at the same address: its key was added just now, and no machine of ours has been seen
    /// there.
    fn is_doubtful(&self, member: &Member) -> bool {
        let is_known = !lock(&member.seen).is_empty() || !lock(&member.ours).is_empty();
        self.newcomers.has(member.way.target()) && !is_known
    }

    /// Makes sure that a machine which a host does not have may be taken for gone: a host whose key was added just now
    /// may be another at the same address, unless a machine of ours has been seen there.
    fn is_proved_gone(&self, member: &Member, id: &InstanceId) -> Result<()> {
        if member.knows(&id.id) || !self.newcomers.has(member.way.target()) {
            return Ok(());
        }
        let name = member.name();
        Err(not_found(id, name).because(format!(
            "the host key of {name} is new, so it may be another host"
        )))
    }
}

impl Provider for Ssh {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    /// Hosts that cannot be used are warnings, as long as one can.
    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move {
            let checks = join_all(self.members.iter().map(|member| member.host.check())).await;
            let mut health = Health::default();
            let mut errors = Vec::new();
            for (member, check) in self.members.iter().zip(checks) {
                let of = |line: String| format!("{}: {line}", member.name());
                match check {
                    Ok(found) => {
                        health.facts.extend(found.facts.into_iter().map(of));
                        health.warnings.extend(found.warnings.into_iter().map(of));
                    }
                    Err(error) => errors.push(error),
                }
            }
            if health.facts.is_empty() {
                return Err(choice::worst(errors, "could not use any host".into()));
            }
            let lines = errors.iter().map(|error| crate::model::chain(error));
            health.warnings.extend(lines);
            Ok(health)
        })
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        let known = self.members.iter();
        let known = known.filter(|member| member.way.refusal().is_none());
        let places = known.map(|member| member.place.clone());
        Box::pin(std::future::ready(Ok(places.collect())))
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(choice::launch(self, order))
    }

    fn leave_queue<'a>(&'a self, queue_key: &'a str) -> ProviderFuture<'a, ()> {
        Box::pin(choice::leave_queue(self, queue_key))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            let listings = join_all(self.members.iter().map(|member| member.host.list())).await;
            let mut whole = Listing::default();
            for (member, listing) in self.members.iter().zip(listings) {
                match listing {
                    Ok(listing) => {
                        let names = listing.instances.iter();
                        lock(&member.seen).extend(names.map(|machine| machine.id.id.clone()));
                        whole.unread.extend(listing.unread);
                        if self.is_doubtful(member) {
                            let name = member.name().to_owned();
                            whole.vague.push((Some(member.place.clone()), name));
                        }
                        whole.read.extend(listing.read);
                        whole.unjudged.extend(listing.unjudged);
                        for machine in listing.instances {
                            // Two names of one host: names of machines serve once.
                            let known = |other: &Instance| other.tags.name == machine.tags.name;
                            if whole.instances.iter().any(known) {
                                whole.twins.push(machine);
                            } else {
                                whole.instances.push(machine);
                            }
                        }
                    }
                    Err(error) => whole.unread.push(Unread {
                        location: Some(member.place.clone()),
                        error,
                    }),
                }
            }
            let names: Vec<&str> = self.members.iter().map(Member::name).collect();
            whole.vague.push((None, names.join(", ")));
            Ok(whole)
        })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(self.whole(id))
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            let id = &self.here(id).await?;
            let member = self.member(id)?;
            // What is there now is that very machine; afterwards nobody could tell.
            let may_be_new = self.config.host_key_check == HostKeyCheck::AcceptNew;
            if may_be_new
                && !member.knows(&id.id)
                && member.host.canonical(&bare(id)).await?.location.is_some()
            {
                lock(&member.seen).insert(id.id.clone());
            }
            let said = member.host.terminate(id).await?;
            self.is_proved_gone(member, id)?;
            choice::forget(member, &id.id);
            Ok(said)
        })
    }

    fn candidates(&self) -> Vec<String> {
        let folder = &self.config.work_dir;
        let candidate = |member: &Member| match member.slots.get() {
            1 => format!("the slot of `{folder}` on {}", member.name()),
            slots => format!("one of {slots} slots of `{folder}` on {}", member.name()),
        };
        self.members.iter().map(candidate).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let whose = if self.config.sudo {
            "root's".to_owned()
        } else {
            "all the".to_owned()
        };
        let whom = if self.config.sudo {
            ""
        } else {
            " of the user who is logged in"
        };
        vec![format!("jobs run on these hosts with {whose} rights{whom}")]
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(async move { self.member(id)?.host.logs(id).await })
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            let id = &self.here(id).await?;
            self.member(id)?.host.in_use(id).await
        })
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        let Ok(member) = self.member(&machine.id) else {
            return Vec::new();
        };
        let ways = member.host.access(machine).into_iter();
        let there = ways.map(|look| {
            let run = if self.config.sudo {
                format!("sudo -H sh -c {}", crate::model::text::quoted(&look))
            } else {
                look
            };
            member.way.target().command(&run)
        });
        there.collect()
    }

    /// Where starts wait for slots, jobs that end make room for the next runner.
    fn capacity(&self) -> Option<u32> {
        let slots = self
            .members
            .iter()
            .map(|member| u32::from(member.slots.get()));
        self.config
            .wait_for_slot
            .get()
            .is_zero()
            .then(|| slots.sum())
    }

    /// One host that can be used is enough.
    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async move {
            let asked = self.members.iter().map(|member| member.host.preflight());
            let mut errors = Vec::new();
            for answer in join_all(asked).await {
                match answer {
                    Ok(()) => return Ok(()),
                    Err(error) => errors.push(error),
                }
            }
            Err(choice::worst(errors, "could not use any host".into()))
        })
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        let member = self.members.first()?;
        let there = match self.members.as_slice() {
            [only] => format!("on {}", only.name()),
            _ => "on the host".to_owned(),
        };
        remedy::of(member.host.layout(), &there, cause)
    }

    fn job_user(&self) -> JobUser {
        JobUser {
            run_as: self.config.run_as.clone().unwrap_or_default(),
            ..JobUser::default()
        }
    }

    fn labels(&self, id: &InstanceId) -> Vec<String> {
        let labels = self.member(id).ok();
        let labels = labels.and_then(|member| self.config.labels.get(member.name()));
        labels.cloned().unwrap_or_default()
    }

    fn reach(&self, port: u16) -> ProviderFuture<'_, Option<Url>> {
        Box::pin(async move {
            let remote = choice::forward(self, port).await?;
            self.reached.store(true, Ordering::Relaxed);
            let url = format!("http://127.0.0.1:{remote}");
            Ok(Some(url.parse().expect("a port makes a URL")))
        })
    }
}

/// An id without its place.
fn bare(id: &InstanceId) -> InstanceId {
    InstanceId {
        location: None,
        id: id.id.clone(),
    }
}

/// Whether a failure means that another host may still do it.
fn is_of_the_host(error: &Error) -> bool {
    error.kind != ErrorKind::Ambiguous
}
