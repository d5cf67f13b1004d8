//! A secondary limit: so many changes in a while, then a pause.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::faults::Kind;

/// What is refused before anybody could know of it: GitHub does not tell its secondary limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondaryLimit {
    /// How many changes (anything but reading) are taken within any window.
    pub writes: u32,
    /// The length of that window.
    pub window: Duration,
    /// What a refusal says on how long to wait, in whole seconds; nothing where `None`. As long, or
    /// for one window where nothing is said, every change is refused; then it is counted anew.
    pub retry_after: Option<Duration>,
}

/// A limit at work.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: SecondaryLimit,
    taken: VecDeque<Instant>,
    shut_until: Option<Instant>,
    refused: u64,
}

impl Limiter {
    pub(super) fn new(limit: SecondaryLimit) -> Self {
        Self {
            limit,
            taken: VecDeque::new(),
            shut_until: None,
            refused: 0,
        }
    }

    /// How many it has refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes a request, or refuses it.
    pub(super) fn take(&mut self, method: &str, now: Instant) -> Option<Kind> {
        let SecondaryLimit {
            writes,
            window,
            retry_after,
        } = self.limit;
        if matches!(method, "GET" | "HEAD" | "OPTIONS") {
            return None;
        }
        while self.taken.front().is_some_and(|at| now - *at >= window) {
            self.taken.pop_front();
        }
        let shut = self.shut_until.is_some_and(|until| now < until);
        if !shut && self.taken.len() < writes as usize {
            self.taken.push_back(now);
            return None;
        }
        if !shut {
            self.shut_until = Some(now + retry_after.unwrap_or(window));
            self.taken.clear();
        }
        self.refused += 1;
        Some(Kind::secondary_limit(retry_after))
    }
}
