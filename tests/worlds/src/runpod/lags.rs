//! What is not yet so.

use std::time::{Duration, Instant};

/// How long something is not yet so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// It is so at once.
    None,
    /// For so many looks.
    Looks(u32),
    /// For so long.
    Time(Duration),
    /// Until a test says otherwise.
    Forever,
}

/// A lag that runs.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    lag: Lag,
    looks: u32,
    since: Instant,
}

impl Wait {
    pub(super) fn new(lag: Lag) -> Self {
        Self {
            lag,
            looks: 0,
            since: Instant::now(),
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        match self.lag {
            Lag::None => true,
            Lag::Looks(n) => self.looks >= n,
            Lag::Time(time) => self.since.elapsed() >= time,
            Lag::Forever => false,
        }
    }

    /// Whether it was over before this look.
    pub(super) fn look(&mut self) -> bool {
        let over = self.is_over();
        self.looks += 1;
        over
    }
}
