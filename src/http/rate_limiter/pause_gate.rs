//! The wish of a server to be left alone, and when it is over: pure.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::http::Limit;
use crate::model::later;

/// Two answers that put the end of one pause a little apart do not make two pauses of it.
const SAME: Duration = Duration::from_secs(10);

/// Who wants to get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiter {
    Change,
    Read,
}

/// What was known when a request got through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Admission {
    sort: Waiter,
    /// How many pauses had begun by then.
    pauses: u64,
    /// It goes first after a pause, and the others wait for what it meets.
    pub(super) first: bool,
}

/// What a request finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GateState {
    /// The way is free.
    Free,
    /// Nobody goes until then.
    Shut(Instant),
    /// The pause is over, and another has gone first to see whether it is.
    Awaits,
}

/// A pause.
#[derive(Clone, Debug)]
pub(super) struct ActivePause {
    pub(super) reason: String,
    pub(super) opens: Instant,
    /// The same, by the server's clock.
    pub(super) until: Timestamp,
    /// Whether reading was refused, too; a limit on changes leaves reading alone.
    all: bool,
    /// Whether somebody has gone first since.
    first: bool,
    /// The end that was last told to whoever listens.
    told: Option<Instant>,
}

/// The pause that all requests of a client keep to.
#[derive(Debug, Default)]
pub(super) struct PauseGate {
    shut: Option<ActivePause>,
    pauses: u64,
    /// How many pauses there were in a row, with nothing let through between them.
    strikes: u32,
}

impl PauseGate {
    pub(super) fn find(&self, sort: Waiter, now: Instant) -> GateState {
        let Some(shut) = &self.shut else {
            return GateState::Free;
        };
        if now < shut.opens {
            // While it lasts it is for all: who goes on asking may be shut out for good.
            return GateState::Shut(shut.opens);
        }
        let concerned = shut.all || sort == Waiter::Change;
        if concerned && shut.first {
            GateState::Awaits
        } else {
            GateState::Free
        }
    }

    pub(super) fn shut(&self) -> Option<&ActivePause> {
        self.shut.as_ref()
    }

    /// Lets one through that found the way free.
    pub(super) fn enter(&mut self, sort: Waiter) -> Admission {
        let first = match &mut self.shut {
            Some(shut) if shut.all || sort == Waiter::Change => {
                !std::mem::replace(&mut shut.first, true)
            }
            _ => false,
        };
        Admission {
            sort,
            pauses: self.pauses,
            first,
        }
    }

    /// Lets one through whatever there is; nobody waits for what it meets.
    pub(super) fn bypass(&self) -> Admission {
        Admission {
            sort: Waiter::Change,
            pauses: self.pauses,
            first: false,
        }
    }

    /// One was let through by the server.
    pub(super) fn served(&mut self, entry: Admission) {
        if entry.first {
            self.shut = None;
            self.strikes = 0;
        }
    }

    /// One that went first met nothing: it failed on its way, or was given up.
    pub(super) fn lost(&mut self, entry: Admission) {
        if let (true, Some(shut)) = (entry.first, &mut self.shut) {
            shut.first = false;
        }
    }

    /// One was refused for now. `server` is the server's clock, `least` the least pause.
    pub(super) fn refused(
        &mut self,
        entry: Admission,
        limit: Limit,
        least: Duration,
        now: Instant,
        server: Timestamp,
    ) {
        // Those that were under way when the pause began tell nothing new by being refused.
        let known = self.shut.is_some() && entry.pauses != self.pauses;
        if !known {
            self.pauses += 1;
            self.strikes = self.strikes.saturating_add(1);
        }
        let pause = limit.pause.length(self.strikes).max(least);
        let opens = moment(now, pause);
        let all = entry.sort == Waiter::Read;
        match &mut self.shut {
            Some(shut) if known => {
                shut.all |= all;
                if limit.pause.is_told() && opens > shut.opens {
                    shut.opens = opens;
                    shut.until = later(server, pause);
                }
            }
            _ => {
                self.shut = Some(ActivePause {
                    reason: limit.reason,
                    opens,
                    until: later(server, pause),
                    all: all || self.shut.as_ref().is_some_and(|shut| shut.all),
                    first: false,
                    told: None,
                });
            }
        }
    }

    /// The pause, if its end has not been told yet.
    pub(super) fn news(&mut self) -> Option<&ActivePause> {
        let shut = self.shut.as_mut()?;
        let known = shut.told.is_some_and(|told| shut.opens <= told + SAME);
        if known {
            return None;
        }
        shut.told = Some(shut.opens);
        Some(shut)
    }
}

/// A moment so much later, or one that nobody lives to see.
fn moment(now: Instant, pause: Duration) -> Instant {
    const FAR: Duration = Duration::from_hours(24 * 365);
    now + pause.min(FAR)
}
