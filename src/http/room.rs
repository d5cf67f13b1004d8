//! Room to send: one pause for all requests of a client, and a measured pace for changes.
//!
//! Everybody waits for the same end, nobody asks meanwhile whether it has come, and when it has one
//! goes first. Changes go a few at a time, so that a limit which nobody could know of refuses those
//! few and not all of them.
//!
//! What ends machines does not wait here ([`Room::barge`]). A machine that runs on costs money, and
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

use super::retry::Limit;
use super::term::Term;

mod bucket;
mod gate;
#[cfg(test)]
mod tests;

use crate::model::{later, lock};
use bucket::Bucket;
pub use bucket::Rate;
use gate::{Entry, Found, Gate, Shut, Sort};

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
pub type Hear = Arc<dyn Fn(&Wait<'_>) + Send + Sync>;

/// There is no room in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full {
    pub(super) reason: String,
    /// When there is, by the server's clock; never, when everything is being given up.
    pub(super) until: Timestamp,
}

impl From<&Shut> for Full {
    fn from(shut: &Shut) -> Self {
        Self {
            reason: shut.reason.clone(),
            until: shut.until,
        }
    }
}

/// What all clones of a client share.
pub(super) struct Room {
    state: Mutex<State>,
    changed: Notify,
    changes: Semaphore,
    barging: Semaphore,
    /// How many wait, and how many of them want to change something.
    waiting: AtomicU32,
    queued: AtomicU32,
    rate: Rate,
    hear: Option<Hear>,
}

#[derive(Debug)]
struct State {
    gate: Gate,
    bucket: Bucket,
    /// Until when the pace's own waits were told of.
    told: Option<Instant>,
    forgone: bool,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// The right to send one request. Dropped without a word, it says that the request met nothing.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    room: &'a Room,
    entry: Entry,
    told: bool,
    _turn: Option<SemaphorePermit<'a>>,
}

/// Counts one who waits.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn count(all: &'a AtomicU32) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one who wants to go has to do first.
enum Turn {
    Go(Entry),
    /// Wait until then.
    Until(Instant),
    /// Wait for a change.
    Change,
    Never(Full),
}

impl Room {
    pub(super) fn new(rate: Rate, hear: Option<Hear>) -> Self {
        Self {
            state: Mutex::new(State {
                gate: Gate::default(),
                bucket: Bucket::new(rate),
                told: None,
                forgone: false,
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

    /// Waits for room, as long as `term` allows; what was waited puts the term's end off. An end
    /// that comes too late is not waited for at all.
    pub(super) async fn enter(&self, changes: bool, term: &Term) -> Result<Pass<'_>, Full> {
        let begun = Instant::now();
        let waiting = Waiting::count(&self.waiting);
        let sort = if changes { Sort::Change } else { Sort::Read };
        let queued = changes.then(|| Waiting::count(&self.queued));
        let pass = self.wait(sort, term).await;
        drop((waiting, queued));
        term.waited(begun.elapsed());
        pass
    }

    async fn wait(&self, sort: Sort, term: &Term) -> Result<Pass<'_>, Full> {
        let late = || sleep_until(term.room());
        let turn = if sort == Sort::Change {
            // Those before us would have to be quicker than the pace allows.
            let ahead = self.queued.load(Ordering::Relaxed).saturating_sub(1);
            self.in_time(ahead, term)?;
            let turn = async { self.changes.acquire().await.ok() };
            Some(tokio::select! {
                biased;
                turn = turn => turn.ok_or_else(|| self.full())?,
                () = self.forgone(), if term.forgoes() => return Err(self.full()),
                () = late() => return Err(self.full()),
            })
        } else {
            None
        };
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let until = match self.turn(sort, term) {
                Turn::Go(entry) => {
                    return Ok(Pass {
                        room: self,
                        entry,
                        told: false,
                        _turn: turn,
                    });
                }
                Turn::Never(full) => return Err(full),
                Turn::Until(until) => until,
                Turn::Change => term.room(),
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
    pub(super) async fn barge(&self) -> Pass<'_> {
        // It is never closed; and if it were, that would keep nobody from ending machines.
        let turn = self.barging.acquire().await.ok();
        let mut state = self.lock();
        state.bucket.take(Instant::now());
        Pass {
            room: self,
            entry: state.gate.barge(),
            told: false,
            _turn: turn,
        }
    }

    /// Gives up what waits, and would wait from now on, and is not worth it then.
    pub(super) fn forgo(&self) {
        self.lock().forgone = true;
        self.changed.notify_waiters();
    }

    /// How long a request that came now would wait at least; zero where there is room.
    pub(super) fn wait_now(&self) -> Duration {
        let now = Instant::now();
        let shut = self.lock().gate.shut().map(|shut| shut.opens);
        let left = shut.map_or(Duration::ZERO, |opens| opens.saturating_duration_since(now));
        if left.is_zero() && self.waiting.load(Ordering::Relaxed) > 0 {
            return self.rate.every;
        }
        left
    }

    async fn forgone(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.lock().forgone {
                return;
            }
            changed.await;
        }
    }

    /// Whether the pace leaves any hope.
    fn in_time(&self, ahead: u32, term: &Term) -> Result<(), Full> {
        let now = Instant::now();
        let (next, shut) = {
            let state = self.lock();
            let shut = state.gate.shut().is_some_and(|shut| now < shut.opens);
            (state.bucket.after(now, ahead), shut)
        };
        if next <= now || next <= term.room() {
            return Ok(());
        }
        // During a pause there are no tokens because of the pause.
        Err(if shut {
            self.full()
        } else {
            self.paced(next.duration_since(now))
        })
    }

    fn turn(&self, sort: Sort, term: &Term) -> Turn {
        let now = Instant::now();
        let mut state = self.lock();
        if state.forgone && term.forgoes() {
            drop(state);
            return Turn::Never(self.full());
        }
        let free = match state.gate.find(sort, now) {
            Found::Shut(opens) if opens > term.room() => {
                let full = state.gate.shut().map(Full::from);
                drop(state);
                return Turn::Never(full.unwrap_or_else(|| self.full()));
            }
            Found::Shut(opens) => return Turn::Until(opens),
            Found::Awaits => return Turn::Change,
            Found::Free if sort == Sort::Read => now,
            Found::Free => state.bucket.next(now),
        };
        if free > now {
            if free > term.room() {
                drop(state);
                return Turn::Never(self.paced(free.duration_since(now)));
            }
            return Turn::Until(free);
        }
        if sort == Sort::Change {
            state.bucket.take(now);
        }
        Turn::Go(state.gate.enter(sort))
    }

    /// Says what is waited for, unless it was said.
    fn tell(&self, sort: Sort) {
        let Some(hear) = &self.hear else { return };
        let now = Instant::now();
        let mut state = self.lock();
        let shut = state.gate.shut().is_some_and(|shut| now < shut.opens);
        if shut {
            if let Some(shut) = state.gate.news() {
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
        if sort == Sort::Read || lasts < UNSAID || told {
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
    fn full(&self) -> Full {
        let now = Instant::now();
        let state = self.lock();
        let lasts = state.bucket.next(now).duration_since(now);
        state
            .gate
            .shut()
            .map_or_else(|| self.paced(lasts), Full::from)
    }

    fn paced(&self, lasts: Duration) -> Full {
        let (most, window) = (self.rate.in_window, self.rate.window.as_secs());
        Full {
            reason: format!("self-imposed limit: {most} writes per {window} s"),
            until: later(Timestamp::now(), lasts),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a thread that panicked has left is still a count of what was sent.
        lock(&self.state)
    }
}

impl Pass<'_> {
    /// The server has taken it.
    pub(super) fn served(mut self) {
        self.told = true;
        self.room.lock().gate.served(self.entry);
        if self.entry.first {
            self.room.changed.notify_waiters();
        }
    }

    /// The server wants to be left alone, by its own clock from `server` on; for `least` at least.
    /// What is known of the pause then is returned.
    pub(super) fn refused(
        mut self,
        limit: Limit,
        least: Duration,
        server: Timestamp,
    ) -> (Instant, Full) {
        self.told = true;
        let now = Instant::now();
        let mut state = self.room.lock();
        state.gate.refused(self.entry, limit, least, now, server);
        let known = state.gate.shut().map(|shut| (shut.opens, Full::from(shut)));
        if let Some((opens, _)) = &known {
            let opens = *opens;
            state.bucket.empty_until(opens);
        }
        drop(state);
        self.room.changed.notify_waiters();
        known.unwrap_or_else(|| (now, self.room.full()))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.told && self.entry.first {
            self.room.lock().gate.lost(self.entry);
            self.room.changed.notify_waiters();
        }
    }
}
