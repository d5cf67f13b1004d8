//! How fast changes may be asked for: a token bucket and a sliding window, pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How fast changes (anything but reading) may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may be asked for one right after the other, when none was for a while.
    pub burst: u32,
    /// After that, one so often.
    pub every: Duration,
    /// How many there may be within any [`Rate::window`].
    pub in_window: u32,
    /// The length of that window.
    pub window: Duration,
    /// How many may be under way at a time. It is also how many are refused, at most, when a limit
    /// that nobody could know of is met.
    pub at_once: u32,
}

impl Default for Rate {
    /// What GitHub asks for: at most 80 changes a minute, and a second between them where there are
    /// many ("Rate limits for the REST API", "Best practices for using the REST API"). It would like
    /// them one at a time; eight at a time bring 64 runners on their way within a few seconds.
    fn default() -> Self {
        Self {
            burst: 64,
            every: Duration::from_secs(1),
            in_window: 80,
            window: Duration::from_mins(1),
            at_once: 8,
        }
    }
}

/// Tokens, kept as the moment at which the bucket is full again.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    full: Option<Instant>,
    /// The last changes, oldest first, as many as the window may hold.
    taken: VecDeque<Instant>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            full: None,
            taken: VecDeque::new(),
        }
    }

    /// When the next change may be asked for; not before `now`.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.after(now, 0)
    }

    /// When one may be asked for that `ahead` others go before; a lower bound, as they may come late.
    pub(super) fn after(&self, now: Instant, ahead: u32) -> Instant {
        let burst = self.rate.every * self.rate.burst.saturating_sub(1);
        let full = self.full.map_or(now, |full| full.max(now)) + self.rate.every * ahead;
        let by_tokens = full.checked_sub(burst).unwrap_or(now);
        // The one that has to be out of the window before this one is in it.
        let most = self.rate.in_window.max(1);
        let (windows, place) = (ahead / most, (ahead % most) as usize);
        let oldest = (self.taken.len() + place).checked_sub(most as usize);
        let by_window = match oldest {
            Some(oldest) => self.taken.get(oldest).copied().unwrap_or(now) + self.rate.window,
            None => now,
        };
        by_tokens
            .max(by_window + self.rate.window * windows)
            .max(now)
    }

    /// Takes a token, whether there is one or not: what is owed, those who come later wait for.
    pub(super) fn take(&mut self, now: Instant) {
        let full = self.full.map_or(now, |full| full.max(now));
        self.full = Some(full + self.rate.every);
        self.taken.push_back(now);
        while self.taken.len() > self.rate.in_window.max(1) as usize {
            self.taken.pop_front();
        }
    }

    /// Pours everything out: there is a token at `at`, and from then on one at a time.
    pub(super) fn empty_until(&mut self, at: Instant) {
        let full = at + self.rate.every * self.rate.burst.saturating_sub(1);
        self.full = Some(self.full.map_or(full, |known| known.max(full)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds after which each of so many changes is asked for, each as soon as it may.
    fn course(bucket: &mut Bucket, begin: Instant, changes: usize) -> Vec<u64> {
        let mut now = begin;
        let each = (0..changes).map(|_| {
            now = bucket.next(now);
            bucket.take(now);
            now.duration_since(begin).as_secs()
        });
        each.collect()
    }

    #[test]
    fn a_burst_goes_at_once_and_then_one_a_second_up_to_eighty_in_any_minute() {
        let course = course(&mut Bucket::new(Rate::default()), Instant::now(), 150);
        assert!(course[..64].iter().all(|at| *at == 0), "{course:?}");
        let paced: Vec<u64> = (1..=16).collect();
        assert_eq!(course[64..80], paced);
        // The window of the burst is over after a minute, and by then a minute's tokens are there.
        assert!(course[80..124].iter().all(|at| *at == 60), "{course:?}");
        for (index, at) in course.iter().enumerate() {
            let within = course.iter().filter(|other| (*at..at + 60).contains(other));
            assert!(within.count() <= 80, "after {index}: {course:?}");
        }
    }

    #[test]
    fn what_is_foretold_for_one_behind_others_is_when_its_turn_comes() {
        for before in [0, 10, 64, 80] {
            let begin = Instant::now();
            let mut bucket = Bucket::new(Rate::default());
            let so_far = course(&mut bucket, begin, before);
            let now = begin + Duration::from_secs(so_far.last().copied().unwrap_or(0));
            let foretold: Vec<u64> = (0..100)
                .map(|ahead| bucket.after(now, ahead).duration_since(begin).as_secs())
                .collect();
            let mut later = now;
            let came = (0..100).map(|_| {
                later = bucket.next(later);
                bucket.take(later);
                later.duration_since(begin).as_secs()
            });
            for (foretold, came) in foretold.into_iter().zip(came) {
                assert!(foretold <= came, "{foretold} is later than {came}");
            }
        }
    }

    #[test]
    fn a_bucket_fills_up_again_and_no_further() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(Rate::default());
        course(&mut bucket, begin, 64);
        let later = begin + Duration::from_hours(1);
        let again = course(&mut bucket, later, 65);
        assert_eq!((again[63], again[64]), (0, 1));
    }

    #[test]
    fn debts_are_paid_by_those_who_come_later() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(Rate::default());
        (0..70).for_each(|_| bucket.take(begin));
        assert_eq!(bucket.next(begin).duration_since(begin).as_secs(), 7);
    }

    #[test]
    fn after_a_limit_there_is_no_burst() {
        let begin = Instant::now();
        let mut bucket = Bucket::new(Rate::default());
        bucket.empty_until(begin + Duration::from_mins(1));
        let course = course(&mut bucket, begin, 4);
        assert_eq!(course, [60, 61, 62, 63]);
    }
}
