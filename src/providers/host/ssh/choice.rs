//! Which of several hosts gets a machine.

use std::collections::BTreeSet;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::config::Prefer;
use super::failure::unreached;
use super::{Member, Ssh, is_of_the_host};
use crate::model::{Instance, Order, chain, lock};
use crate::poll::chance;
use crate::providers::{Error, ErrorKind, Result};

/// How long hosts that do not answer are waited for when others have.
const STRAGGLERS: Duration = Duration::from_secs(3);

/// How long it may take to give a place in a queue back, which is forgotten before long anyway.
const LEAVING: Duration = Duration::from_secs(2);

/// How many ports are tried for a way back: each has to be free on every host.
const PORTS: usize = 3;

/// What hosts said when they were last asked, for all launches that began before they were.
#[derive(Debug, Default)]
pub(super) struct HostSurvey(Mutex<Option<(Instant, Vec<HostStatus>)>>);

/// What a host said.
#[derive(Clone, Debug)]
enum HostStatus {
    /// The names of its machines.
    Names(Vec<String>),
    /// It cannot be used, and why.
    Failed(Error),
    /// It has not answered yet.
    Nothing,
}

/// Launches on the first host that has room, in the order that is preferred.
///
/// A name that is on a host already is found there, so that it is never launched twice.
pub(super) async fn launch(ssh: &Ssh, order: &Order) -> Result<Instance> {
    let name = order.name.as_str();
    let seen = match ssh.members.as_slice() {
        [_] => vec![HostStatus::Names(Vec::new())],
        _ => survey(ssh).await,
    };
    let rank: Vec<f64> = ssh.members.iter().map(|_| chance()).collect();
    let mut left: Vec<usize> = (0..ssh.members.len()).collect();
    let mut refused = Vec::new();
    while let Some(at) = next(ssh, &left, &seen, &rank, name) {
        left.retain(|other| *other != at);
        let member = &ssh.members[at];
        if ssh.reached.load(Ordering::Relaxed) && !member.reaches.load(Ordering::Relaxed) {
            let message = format!("{} cannot reach this computer", member.name());
            refused.push(Error::new(ErrorKind::Unavailable, message));
            continue;
        }
        if let HostStatus::Failed(why) = &seen[at] {
            refused.push(
                why.clone()
                    .while_trying(format!("{} was skipped", member.name())),
            );
            continue;
        }
        let held = Reservation::of(member, name);
        if !ssh.config.wait_for_slot.get().is_zero() {
            queued(member).insert(order.queue_key.clone());
        }
        match member.host.launch(order).await {
            Ok(machine) => {
                held.keep();
                queued(member).remove(&order.queue_key);
                if let Err(error) = leave_queue(ssh, &order.queue_key).await {
                    // It counts no more before long, and the machine is there.
                    tracing::debug!("{}", chain(&error));
                }
                return Ok(machine);
            }
            Err(error) if is_of_the_host(&error) => {
                if error.kind != ErrorKind::NoCapacity {
                    skip(ssh, member, &error);
                }
                refused.push(error);
            }
            Err(error) => {
                // It may be there.
                held.keep();
                return Err(error);
            }
        }
    }
    let doing = format!("could not launch `{name}` on any host");
    let error = if ssh.members.len() == 1 {
        refused.pop().expect("the one host was asked")
    } else {
        worst(refused, doing)
    };
    Err(match error.kind {
        ErrorKind::NoCapacity if !ssh.config.wait_for_slot.get().is_zero() => {
            error.waiting(ssh.config.wait_for_slot.get())
        }
        _ => error,
    })
}

fn queued(member: &Member) -> MutexGuard<'_, BTreeSet<String>> {
    lock(&member.queued)
}

/// Leaves all queues in which this process got a place under this key.
pub(super) async fn leave_queue(ssh: &Ssh, queue_key: &str) -> Result<()> {
    let there = ssh
        .members
        .iter()
        .filter(|member| queued(member).remove(queue_key));
    let left = there.map(async |member| {
        let left = timeout(LEAVING, member.host.leave_queue(queue_key)).await;
        left.unwrap_or_else(|_| {
            let message = format!("could not leave the queue of {}", member.name());
            let cause = format!("it took more than {} s", LEAVING.as_secs());
            Err(Error::new(ErrorKind::Unavailable, message).because(cause))
        })
    });
    join_all(left).await.into_iter().collect()
}

/// Says once that a host is skipped.
fn skip(ssh: &Ssh, member: &Member, error: &Error) {
    if ssh.members.len() > 1 && !member.said.swap(true, Ordering::Relaxed) {
        tracing::warn!("skipping {}: {}", member.name(), chain(error));
    }
}

/// The next host to ask: where the name is, else one with room, else one that may have room. Those
/// that did not answer come last.
fn next(ssh: &Ssh, left: &[usize], seen: &[HostStatus], rank: &[f64], name: &str) -> Option<usize> {
    let order = |&at: &usize| {
        let member = &ssh.members[at];
        let ours = lock(&member.ours);
        let (names, silent): (&[String], bool) = match &seen[at] {
            HostStatus::Names(names) => (names, false),
            HostStatus::Failed(..) | HostStatus::Nothing => (&[], true),
        };
        let there = names.iter().any(|other| other == name);
        let more = ours.iter().filter(|one| !names.contains(*one)).count();
        let taken = names.len() + more;
        let slots = usize::from(member.slots.get());
        let preferred = match ssh.config.prefer {
            Prefer::Order => 0.0,
            #[expect(clippy::cast_precision_loss, reason = "there are few slots")]
            Prefer::LeastUsed => taken as f64 / slots as f64,
            Prefer::Random => rank[at],
        };
        (!there, silent, taken >= slots, preferred, at)
    };
    let mut orders: Vec<_> = left.iter().map(order).collect();
    orders.sort_by(|a, b| {
        let (one, other) = ((a.0, a.1, a.2), (b.0, b.1, b.2));
        one.cmp(&other)
            .then(a.3.total_cmp(&b.3))
            .then(a.4.cmp(&b.4))
    });
    orders.first().map(|(.., at)| *at)
}

/// Asks all hosts side by side. Launches that come together share the answers.
async fn survey(ssh: &Ssh) -> Vec<HostStatus> {
    let came = Instant::now();
    let mut last = ssh.survey.0.lock().await;
    if let Some((began, seen)) = last.as_ref().filter(|(began, _)| *began >= came) {
        tracing::trace!("hosts were asked {:?} ago", began.elapsed());
        return seen.clone();
    }
    let began = Instant::now();
    let mut seen = vec![HostStatus::Nothing; ssh.members.len()];
    let mut asked: FuturesUnordered<_> = ssh
        .members
        .iter()
        .enumerate()
        .map(async |(at, member)| (at, member.host.list().await))
        .collect();
    let mut end: Option<Instant> = None;
    loop {
        let answer = match end {
            None => asked.next().await,
            Some(end) => timeout(end - Instant::now(), asked.next())
                .await
                .unwrap_or(None),
        };
        let Some((at, listing)) = answer else {
            break;
        };
        match listing {
            Ok(listing) => {
                let names = listing.instances.into_iter();
                seen[at] = HostStatus::Names(names.map(|machine| machine.id.id).collect());
                end.get_or_insert(Instant::now() + STRAGGLERS);
            }
            Err(error) => {
                skip(ssh, &ssh.members[at], &error);
                seen[at] = HostStatus::Failed(error);
            }
        }
    }
    *last = Some((began, seen.clone()));
    seen
}

/// A place in a host's count, given up when the launch fails.
struct Reservation<'a>(Option<(&'a Member, &'a str)>);

impl<'a> Reservation<'a> {
    fn of(member: &'a Member, name: &'a str) -> Self {
        let mut ours = lock(&member.ours);
        ours.push(name.to_owned());
        Self(Some((member, name)))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if let Some((member, name)) = self.0 {
            forget(member, name);
        }
    }
}

/// Counts a machine no more.
pub(super) fn forget(member: &Member, name: &str) {
    let mut ours = lock(&member.ours);
    ours.retain(|other| other != name);
}

/// One error for several: full beats all others, since then waiting or another provider helps.
pub(super) fn worst(errors: Vec<Error>, doing: String) -> Error {
    let mut errors = errors;
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let of = |kind: ErrorKind| errors.iter().find(|error| error.kind == kind);
    let kinds = [
        ErrorKind::NoCapacity,
        ErrorKind::Config,
        ErrorKind::Denied,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
    ];
    let first = kinds.into_iter().find_map(of);
    let kind = first.map_or(ErrorKind::Unavailable, |first| first.kind);
    let key = first.and_then(Error::key).map(str::to_owned);
    let error = Error::new(kind, doing).because_each(errors);
    match key {
        Some(key) => error.about(key),
        None => error,
    }
}

/// Lets one port of every host that answers lead to a port of ours; the same one, since machines on
/// all of them are told the same address.
pub(super) async fn forward(ssh: &Ssh, local: u16) -> Result<u16> {
    let mut errors = Vec::new();
    for _ in 0..PORTS {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number below 28000"
        )]
        let remote = 32_000 + (chance() * 28_000.0) as u16;
        let asked = ssh
            .members
            .iter()
            .map(|member| member.way.forward(remote, local));
        let answers = join_all(asked).await;
        errors.clear();
        for (member, answer) in ssh.members.iter().zip(answers) {
            member.reaches.store(answer.is_ok(), Ordering::Relaxed);
            errors.extend(answer.err().map(|failure| match failure.kind {
                ErrorKind::Denied => {
                    let doing = format!("could not forward a port of {}", member.name());
                    (member, failure.while_trying(doing))
                }
                _ => (member, unreached(failure, member.name())),
            }));
        }
        if errors.len() < ssh.members.len() {
            for (member, error) in &errors {
                skip(ssh, member, error);
            }
            return Ok(remote);
        }
        // That it is forbidden and that the port is taken look the same from here.
        if errors
            .iter()
            .all(|(_, error)| error.kind != ErrorKind::Denied)
        {
            break;
        }
    }
    let errors = errors.into_iter().map(|(_, error)| error).collect();
    Err(worst(errors, "no host can reach this computer".into()))
}
