//! The end of a machine: asked for, asked for again, and proved. Nothing else ends one.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::NamedProvider;
use super::watch::MISSES;
use crate::model::{Condition, Instance, InstanceId, chain};
use crate::poll::{Backoff, chance};
use crate::providers::{Error, ErrorKind, Result, Silence, Termination};

#[cfg(test)]
mod tests;

/// The pauses between two requests for the end, while the place only wants time.
const ASKS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// The pauses between two looks at the listing, after the end was accepted.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));
/// How long an end that was accepted may go unseen before it is asked for again; twice as long each
/// time.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(30));
/// How long one request for the end may take: an answer that is lost on a connection that stays open would use
/// up all the time otherwise. Every kind can be asked again while it is still at it.
const ASK: Duration = Duration::from_secs(25);
/// How long a listing may take, all regions and pages included.
const LISTS: Duration = Duration::from_secs(30);
/// Of little time that is left, one answer gets half, but so long at least.
const LEAST: Duration = Duration::from_secs(5);
/// How often a listing may fail before it says nothing of whether a machine has ended.
const READS: usize = 2;
/// What is said of a machine that may still be there.
const UNPROVED: &str = "the removal of its machine is not confirmed yet";

/// How far a machine is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until its place accepted its end.
    Accepted,
    /// Until it is proved gone.
    Gone,
}

/// What became of a machine that was to end.
#[derive(Debug)]
pub enum Ended {
    /// Its place accepted its end, and more was not wanted.
    Accepted,
    /// Its place accepted its end, or has nothing left of it, and no listing that was begun afterwards
    /// shows it.
    Gone,
    /// Its place never accepted its end: it refused it to the last, or did not answer.
    Refused(Error),
    /// Its end was accepted, and this is why nobody knows whether it is gone.
    Unproved(Error),
}

impl Ended {
    /// Whether the machine is gone.
    ///
    /// # Errors
    ///
    /// It may still be there, for the reason that the error tells.
    pub fn proved(self) -> Result<(), Error> {
        match self {
            Self::Gone => Ok(()),
            Self::Accepted => Err(unproved("its termination was requested, but not confirmed")),
            Self::Refused(error) | Self::Unproved(error) => Err(error),
        }
    }
}

/// What a listing says of one machine.
enum MachinePresence {
    /// Its part of the place was read, and does not have it.
    Absent,
    /// It is listed, in this condition.
    There(Condition),
    /// Nothing is known of its part of the place.
    Unread(Error),
}

/// Ends a machine, and proves that it is gone where that is wanted.
///
/// The place is asked until it accepts, the listing is looked at until it shows nothing of the
/// machine, and what is still there after a while is asked for again. A refusal that no repetition
/// mends ends it at once; everything else the deadline.
pub async fn end(
    place: &NamedProvider,
    machine: &InstanceId,
    until: Until,
    deadline: Instant,
) -> Ended {
    let mut asks = Backoff::new(ASKS.0, ASKS.1);
    let mut patience = PATIENCE.0;
    let mut canonical = None;
    // Once it was accepted, that holds, whatever is answered later.
    let mut outcome: fn(Error) -> Ended = Ended::Refused;
    let mut refused = None;
    loop {
        let end = Instant::now() + one_answer(ASK, deadline);
        let asked = timeout_at(end, ask(place, machine, &mut canonical)).await;
        let why = match asked {
            Ok(Ok((_, Termination::Accepted))) if until == Until::Accepted => {
                return Ended::Accepted;
            }
            Ok(Ok((id, said))) => {
                outcome = Ended::Unproved;
                match proof(place, &id, said, deadline, patience).await {
                    Ok(()) => return Ended::Gone,
                    Err(_) if until == Until::Accepted => return Ended::Accepted,
                    Err(why) => {
                        patience = (patience * 2).min(PATIENCE.1);
                        why
                    }
                }
            }
            Ok(Err(why)) => refused.insert(why).clone(),
            // What it said before tells more than that there was no time for another answer.
            Err(_) => refused
                .clone()
                .unwrap_or_else(|| unproved(format!("`{}` did not answer in time", place.name))),
        };
        let told = why.retry_after().unwrap_or_default();
        let pause = asks.next(chance()).max(told);
        if is_permanent(&why) || Instant::now() + pause >= deadline {
            return outcome(why);
        }
        let name = &place.name;
        tracing::debug!("asking `{name}:{machine}` to end again: {}", chain(&why));
        sleep(pause).await;
    }
}

/// How long one answer may take, so that it can be asked for again before `deadline`.
fn one_answer(at_most: Duration, deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    at_most.min(left.min((left / 2).max(LEAST)))
}

/// Asks once, by the id that a listing shows, and tells that, too.
async fn ask(
    place: &NamedProvider,
    machine: &InstanceId,
    canonical: &mut Option<InstanceId>,
) -> Result<(InstanceId, Termination)> {
    let id = if let Some(id) = canonical {
        id.clone()
    } else {
        let id = place.provider.canonical(machine).await?;
        canonical.insert(id).clone()
    };
    let said = place.provider.terminate(&id).await?;
    Ok((id, said))
}

/// Whether no repetition mends it.
pub fn is_permanent(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Config | ErrorKind::Denied | ErrorKind::Elsewhere | ErrorKind::NotFound
    )
}

/// Looks until no listing shows a machine whose end was accepted just now, for as long as it is worth
/// looking before asking again.
///
/// A machine may be missed while the pages of a listing shift below others that go: it takes two listings,
/// of which the second was begun after the first was read, unless its place, too, says that it is gone.
async fn proof(
    place: &NamedProvider,
    machine: &InstanceId,
    said: Termination,
    deadline: Instant,
    patience: Duration,
) -> Result<(), Error> {
    let accepted = Instant::now();
    let end = deadline.min(accepted + patience);
    let mut looks = Backoff::new(LOOKS.0, LOOKS.1);
    let mut since = accepted;
    let mut missed = 0;
    loop {
        let (sight, begun) = sight(place, machine, since, deadline).await;
        missed = if let MachinePresence::Absent = sight {
            missed + 1
        } else {
            0
        };
        // Any later look of somebody else's is news.
        since = begun + Duration::from_nanos(1);
        let why = match sight {
            MachinePresence::Absent if missed >= MISSES || said == Termination::Gone => {
                return Ok(());
            }
            MachinePresence::Absent => {
                since = since.max(Instant::now());
                unproved("only one of two listings does not show it")
            }
            MachinePresence::There(condition) => {
                let after = accepted.elapsed().as_secs();
                let still = match condition {
                    Condition::Pending => "pending".to_owned(),
                    Condition::Running => "running".to_owned(),
                    Condition::Ended(how) => format!("listed ({how})"),
                };
                unproved(format!(
                    "it is still {still} {after} s after the request to end it"
                ))
            }
            MachinePresence::Unread(error) if is_permanent(&error) => return Err(error),
            MachinePresence::Unread(error) => error,
        };
        let pause = looks.next(0.0);
        if Instant::now() + pause >= end {
            return Err(why);
        }
        sleep(pause).await;
    }
}

/// Whether a machine has ended by itself, or is gone. One whose place cannot be read, also when it is asked again,
/// has not, nor has one that is missing from a listing that proves nothing.
pub(super) async fn has_ended(
    place: &NamedProvider,
    machine: &InstanceId,
    within: Duration,
) -> bool {
    let mut since = Instant::now();
    let deadline = since + within;
    let mut pauses = Backoff::new(LOOKS.0, LOOKS.1);
    let (mut missed, mut unread) = (0, 0);
    while missed < MISSES {
        if missed > 0 && !place.provider.proves_absence() {
            return false;
        }
        let (sight, begun) = sight(place, machine, since, deadline).await;
        since = Instant::now().max(begun + Duration::from_nanos(1));
        match sight {
            MachinePresence::There(condition) => return matches!(condition, Condition::Ended(_)),
            MachinePresence::Unread(error) => {
                unread += 1;
                let pause = pauses.next(0.0);
                let in_time = Instant::now() + pause < deadline;
                if unread == READS || is_permanent(&error) || !in_time {
                    return false;
                }
                sleep(pause).await;
                since = Instant::now();
            }
            MachinePresence::Absent => missed += 1,
        }
    }
    true
}

/// How a machine was seen last.
pub(super) enum LastSeen {
    /// Two listings do not show it, and that proves that it is gone.
    Gone,
    /// It is listed so.
    There(Box<Instance>),
    /// Its place could not be read.
    Unknown,
}

/// Looks at a machine, for `within` at most.
pub(super) async fn last_seen(
    place: &NamedProvider,
    machine: &Instance,
    within: Duration,
) -> LastSeen {
    let mut since = Instant::now();
    let deadline = since + within;
    for _ in 0..MISSES {
        let (sight, begun) = sight(place, &machine.id, since, deadline).await;
        since = Instant::now().max(begun + Duration::from_nanos(1));
        match sight {
            MachinePresence::Absent => {}
            MachinePresence::There(state) => {
                return LastSeen::There(Box::new(Instance {
                    state,
                    ..machine.clone()
                }));
            }
            MachinePresence::Unread(_) => return LastSeen::Unknown,
        }
    }
    if place.provider.proves_absence() {
        LastSeen::Gone
    } else {
        LastSeen::Unknown
    }
}

/// Looks at a machine, in a listing that was begun at `since` or later, and tells when it was.
async fn sight(
    place: &NamedProvider,
    machine: &InstanceId,
    since: Instant,
    deadline: Instant,
) -> (MachinePresence, Instant) {
    let listed = place
        .listing(Some(machine), since, one_answer(LISTS, deadline))
        .await;
    let listing = &listed.listing;
    let sight = match (
        listing.find(machine),
        listing.silence(machine.location.as_deref()),
    ) {
        (Some(found), _) => MachinePresence::There(found.state.clone()),
        (None, _) if listing.unjudged(machine).is_some() => {
            MachinePresence::Unread(unproved("it is still there"))
        }
        (None, None) => MachinePresence::Absent,
        (None, Some(Silence::Unread(why))) => {
            MachinePresence::Unread(why.clone().while_trying(UNPROVED))
        }
        // An id that does not tell its place is not proved gone by any listing.
        (None, Some(Silence::Vague(whose))) => {
            MachinePresence::Unread(unproved(format!("it is not in {whose}")))
        }
        (None, Some(Silence::Elsewhere)) => {
            let name = &place.name;
            let why = format!("`{name}` does not list machines in its location");
            MachinePresence::Unread(unproved(why))
        }
    };
    (sight, listed.begun)
}

fn unproved(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, UNPROVED).because(why.into())
}
