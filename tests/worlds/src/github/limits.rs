//! GitHub's limits: so many requests an hour for each token, and so many changes in a while.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use super::faults::Kind;

const HOUR: Duration = Duration::from_hours(1);
/// Requests an hour without a token.
const ANONYMOUS: u32 = 60;

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

/// The requests of each token within an hour.
#[derive(Debug)]
pub(super) struct Quota {
    /// After how many requests the others are refused.
    pub(super) most: u32,
    used: BTreeMap<String, u32>,
    window: SystemTime,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            most: 5000,
            used: BTreeMap::new(),
            window: SystemTime::now(),
        }
    }
}

impl Quota {
    pub(super) fn limit(&self, token: Option<&str>) -> u32 {
        token.map_or(ANONYMOUS.min(self.most), |_| self.most)
    }

    pub(super) fn used(&mut self, token: Option<&str>) -> u32 {
        if self.window.elapsed().is_ok_and(|age| age >= HOUR) {
            self.used.clear();
            self.window = SystemTime::now();
        }
        let known = self.used.get(token.unwrap_or_default());
        known.copied().unwrap_or(0)
    }

    /// Counts a request; how many there were then.
    pub(super) fn count(&mut self, token: Option<&str>) -> u32 {
        let (limit, mut used) = (self.limit(token), self.used(token));
        if used < limit {
            used += 1;
            self.used.insert(token.unwrap_or_default().to_owned(), used);
        }
        used
    }

    /// When it begins anew, in seconds of the epoch.
    pub(super) fn reset(&self) -> u64 {
        let end = self.window + HOUR;
        let since = end.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }
}
