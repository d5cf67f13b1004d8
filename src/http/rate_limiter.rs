//! Room to send: one pause for all requests of a client, and a measured pace for changes.
//!
//! Everybody waits for the same end, nobody asks meanwhile whether it has come, and when it has one
//! goes first. Changes go a few at a time, so that a limit which nobody could know of refuses those
//! few and not all of them.
//!
//! What ends machines does not wait here ([`RateLimiter::bypass`]). A machine that runs on costs money, and
//! after a signal there are seconds until the process is killed; that an ending is refused, or
//! counts against us, costs nothing but a registration that is removed later: the machine is ended
//! all the same, its dead-man switch ends it if that fails too, and `stop --orphans` removes what
//! GitHub still lists. So such a request is sent at once, whatever the pause and the pace, and only
//! what it has taken is owed by those who come later.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::deadline::Deadline;
use super::retry::Limit;

mod bucket;
mod pause_gate;
#[cfg(test)]
mod tests;

use crate::model::{later, lock};
use bucket::Bucket;
pub use bucket::Rate;
use pause_gate::{ActivePause, Admission, GateState, PauseGate, Waiter};

/// GitHub refuses more than a hundred requests at a time ("Rate limits for the REST API").
const BARGING: usize = 64;
/// A wait of the pace that is shorter than this is not worth a word.
const UNSAID: Duration = Duration::from_secs(10);

/// A wait that began.
#[derive(Debug)]
pub struct Wait<'a> {
    /// Why, for people: half a sentence that names the limit.
    pub reason: &'a str,
    /// When it ends, by the server's clock.
    pub until: Timestamp,
    /// How long that is from now.
    pub lasts: Duration,
}

/// Who hears of waits, once of each.
pub type ObserveWait = Arc<dyn Fn(&Wait<'_>) + Send + Sync>;

/// There is no room in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LimitReached {
    pub(super) reason: String,
    /// When there is, by the server's clock; never, when everything is being given up.
    pub(super) until: Timestamp,
}

impl From<&ActivePause> for LimitReached {
    fn from(shut: &ActivePause) -> Self {
        Self {
            reason: shut.reason.clone(),
            until: shut.until,
        }
    }
}

/// What all clones of a client share.
pub(super) struct RateLimiter {
    state: Mutex<LimiterState>,
    changed: Notify,
    changes: Semaphore,
    barging: Semaphore,
    /// How many wait, and how many of them want to change something.
    waiting: AtomicU32,
    queued: AtomicU32,
    rate: Rate,
    hear: Option<ObserveWait>,
}

#[derive(Debug)]
struct LimiterState {
    pause_gate: PauseGate,
    bucket: Bucket,
    /// Until when the pace's own waits were told of.
    told: Option<Instant>,
    abandoned: bool,
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// The right to send one request. Dropped without a word, it says that the request met nothing.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    limiter: &'a RateLimiter,
    entry: Admission,
    told: bool,
    _turn: Option<SemaphorePermit<'a>>,
}

/// Counts one who waits.
struct WaiterCount<'a>(&'a AtomicU32);

impl<'a> WaiterCount<'a> {
    fn count(all: &'a AtomicU32) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all)
    }
}

impl Drop for WaiterCount<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one who wants to go has to do first.
enum Turn {
    Go(Admission),
    /// Wait until then.
    Until(Instant),
    /// Wait for a change.
    Change,
    Never(LimitReached),
}

impl RateLimiter {
    pub(super) fn new(rate: Rate, hear: Option<ObserveWait>) -> Self {
        Self {
            state: Mutex::new(LimiterState {
                pause_gate: PauseGate::default(),
                bucket: Bucket::new(rate),
                told: None,
                abandoned: false,
            }),
            changed: Notify::new(),
            changes: Semaphore::new(rate.at_once.max(1) as usize),
            barging: Semaphore::new(BARGING),
            waiting: AtomicU32::new(0),
            queued: AtomicU32::new(0),
            rate,
            hear,
        }
    }

    /// Waits for room, as long as `deadline` allows; what was waited puts its end off. An end
    /// that comes too late is not waited for at all.
    pub(super) async fn enter(
        &self,
        changes: bool,
        deadline: &Deadline,
    ) -> Result<Permit<'_>, LimitReached> {
        let begun = Instant::now();
        let waiting = WaiterCount::count(&self.waiting);
        let sort = if changes {
            Waiter::Change
        } else {
            Waiter::Read
        };
        let queued = changes.then(|| WaiterCount::count(&self.queued));
        let permit = self.wait(sort, deadline).await;
        drop((waiting, queued));
        deadline.waited(begun.elapsed());
        permit
    }

    async fn wait(&self, sort: Waiter, deadline: &Deadline) -> Result<Permit<'_>, LimitReached> {
        let late = || sleep_until(deadline.room());
        let turn = if sort == Waiter::Change {
            // Those before us would have to be quicker than the pace allows.
            let ahead = self.queued.load(Ordering::Relaxed).saturating_sub(1);
            self.in_time(ahead, deadline)?;
            let turn = async { self.changes.acquire().await.ok() };
            Some(tokio::select! {
                biased;
                turn = turn => turn.ok_or_else(|| self.full())?,
                () = self.abandoned(), if deadline.is_abandonable() => return Err(self.full()),
                () = late() => return Err(self.full()),
            })
        } else {
            None
        };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let until = match self.turn(sort, deadline) {
                Turn::Go(entry) => {
                    return Ok(Permit {
                        limiter: self,
                        entry,
                        told: false,
                        _turn: turn,
                    });
                }
                Turn::Never(full) => return Err(full),
                Turn::Until(until) => until,
                Turn::Change => deadline.room(),
            };
            self.tell(sort);
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => {}
                () = late() => return Err(self.full()),
            }
        }
    }

    /// Goes at once, whatever there is; see the top of this file for who may.
    pub(super) async fn bypass(&self) -> Permit<'_> {
        // It is never closed; and if it were, that would keep nobody from ending machines.
        let turn = self.barging.acquire().await.ok();
        let mut state = self.lock();
        state.bucket.take(Instant::now());
        Permit {
            limiter: self,
            entry: state.pause_gate.bypass(),
            told: false,
            _turn: turn,
        }
    }

    /// Gives up what waits, and would wait from now on, and is not worth it then.
    pub(super) fn abandon_waits(&self) {
        self.lock().abandoned = true;
        self.changed.notify_waiters();
    }

    /// How long a request that came now would wait at least; zero where there is room.
    pub(super) fn wait_now(&self) -> Duration {
        let now = Instant::now();
        let shut = self.lock().pause_gate.shut().map(|shut| shut.opens);
        let left = shut.map_or(Duration::ZERO, |opens| opens.saturating_duration_since(now));
        if left.is_zero() && self.waiting.load(Ordering::Relaxed) > 0 {
            return self.rate.every;
        }
        left
    }

    async fn abandoned(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().abandoned {
                return;
            }
            changed.await;
        }
    }

    /// Whether the pace leaves any hope.
    fn in_time(&self, ahead: u32, deadline: &Deadline) -> Result<(), LimitReached> {
        let now = Instant::now();
        let (next, shut) = {
            let state = self.lock();
            let shut = state.pause_gate.shut().is_some_and(|shut| now < shut.opens);
            (state.bucket.after(now, ahead), shut)
        };
        if next <= now || next <= deadline.room() {
            return Ok(());
        }
        // During a pause there are no tokens because of the pause.
        Err(if shut {
            self.full()
        } else {
            self.paced(next.duration_since(now))
        })
    }

    fn turn(&self, sort: Waiter, deadline: &Deadline) -> Turn {
        let now = Instant::now();
        let mut state = self.lock();
        if state.abandoned && deadline.is_abandonable() {
            drop(state);
            return Turn::Never(self.full());
        }
        let free = match state.pause_gate.find(sort, now) {
            GateState::Shut(opens) if opens > deadline.room() => {
                let full = state.pause_gate.shut().map(LimitReached::from);
                drop(state);
                return Turn::Never(full.unwrap_or_else(|| self.full()));
            }
            GateState::Shut(opens) => return Turn::Until(opens),
            GateState::Awaits => return Turn::Change,
            GateState::Free if sort == Waiter::Read => now,
            GateState::Free => state.bucket.next(now),
        };
        if free > now {
            if free > deadline.room() {
                drop(state);
                return Turn::Never(self.paced(free.duration_since(now)));
            }
            return Turn::Until(free);
        }
        if sort == Waiter::Change {
            state.bucket.take(now);
        }
        Turn::Go(state.pause_gate.enter(sort))
    }

    /// Says what is waited for, unless it was said.
    fn tell(&self, sort: Waiter) {
        let Some(hear) = &self.hear else { return };
        let now = Instant::now();
        let mut state = self.lock();
        let shut = state.pause_gate.shut().is_some_and(|shut| now < shut.opens);
        if shut {
            if let Some(shut) = state.pause_gate.news() {
                let shut = shut.clone();
                drop(state);
                hear(&Wait {
                    reason: &shut.reason,
                    until: shut.until,
                    lasts: shut.opens.saturating_duration_since(now),
                });
            }
            return;
        }
        let lasts = state.bucket.next(now).saturating_duration_since(now);
        let told = state.told.is_some_and(|told| now < told);
        if sort == Waiter::Read || lasts < UNSAID || told {
            return;
        }
        state.told = Some(now + lasts);
        drop(state);
        let full = self.paced(lasts);
        hear(&Wait {
            reason: &full.reason,
            until: full.until,
            lasts,
        });
    }

    /// What is in the way just now.
    fn full(&self) -> LimitReached {
        let now = Instant::now();
        let state = self.lock();
        let lasts = state.bucket.next(now).duration_since(now);
        state
            .pause_gate
            .shut()
            .map_or_else(|| self.paced(lasts), LimitReached::from)
    }

    fn paced(&self, lasts: Duration) -> LimitReached {
        let (most, window) = (self.rate.in_window, self.rate.window.as_secs());
        LimitReached {
            reason: format!("self-imposed limit: {most} writes per {window} s"),
            until: later(Timestamp::now(), lasts),
        }
    }

    fn lock(&self) -> MutexGuard<'_, LimiterState> {
        // What a thread that panicked has left is still a count of what was sent.
        lock(&self.state)
    }
}

impl Permit<'_> {
    /// The server has taken it.
    pub(super) fn served(mut self) {
        self.told = true;
        self.limiter.lock().pause_gate.served(self.entry);
        if self.entry.first {
            self.limiter.changed.notify_waiters();
        }
    }

    /// The server wants to be left alone, by its own clock from `server` on; for `least` at least.
    /// What is known of the pause then is returned.
    pub(super) fn refused(
        mut self,
        limit: Limit,
        least: Duration,
        server: Timestamp,
    ) -> (Instant, LimitReached) {
        self.told = true;
        let now = Instant::now();
        let mut state = self.limiter.lock();
        state
            .pause_gate
            .refused(self.entry, limit, least, now, server);
        let known = state
            .pause_gate
            .shut()
            .map(|shut| (shut.opens, LimitReached::from(shut)));
        if let Some((opens, _)) = &known {
            let opens = *opens;
            state.bucket.empty_until(opens);
        }
        drop(state);
        self.limiter.changed.notify_waiters();
        known.unwrap_or_else(|| (now, self.limiter.full()))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.told && self.entry.first {
            self.limiter.lock().pause_gate.lost(self.entry);
            self.limiter.changed.notify_waiters();
        }
    }
}
