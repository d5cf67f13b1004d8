//! Waiting, on tokio's clock.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How often to look, and how long at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time from the end of one look to the next.
    pub every: Duration,
    /// The time after which the waiting ends.
    pub at_most: Duration,
}

/// Looks until `look` yields something, the first time at once; `None` when the time is over.
///
/// A look that has begun is awaited: what it does is bounded by its own time limit.
pub async fn until<T>(pace: Pace, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + pace.at_most;
    loop {
        if let Some(found) = look().await {
            return Some(found);
        }
        let next = Instant::now() + pace.every;
        if next > end {
            return None;
        }
        sleep_until(next).await;
    }
}

/// Tries until `attempt` succeeds, the first time at once; the last error when the time is over.
///
/// An attempt that has begun is awaited: what it does is bounded by its own time limit.
///
/// # Errors
///
/// What the last attempt failed with.
pub async fn until_ok<T, E>(
    pace: Pace,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut last = None;
    let found = until(pace, async || match attempt().await {
        Ok(found) => Some(Ok(found)),
        Err(error) => {
            last = Some(error);
            None
        }
    });
    match found.await {
        Some(found) => found,
        None => Err(last.expect("it was tried at least once")),
    }
}

/// The pauses between tries: twice as long each time, up to a cap, less up to half of it by chance
/// so that many processes do not knock together.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next: Duration,
    cap: Duration,
}

impl Backoff {
    /// Begins with `first` and never exceeds `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { next: first, cap }
    }

    /// The next pause; `chance` in 0..=1 decides how much of it is taken off, at most half.
    pub fn next(&mut self, chance: f64) -> Duration {
        let pause = self.next.min(self.cap);
        self.next = pause.saturating_mul(2);
        pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

/// A random number in 0..=1, for [`Backoff::next`].
pub fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        every: Duration::from_secs(2),
        at_most: Duration::from_secs(7),
    };

    #[tokio::test(start_paused = true)]
    async fn what_is_there_at_once_is_not_waited_for() {
        let begin = Instant::now();
        assert_eq!(until(PACE, async || Some(1)).await, Some(1));
        assert_eq!(begin.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_the_time_is_over() {
        let (begin, mut looks) = (Instant::now(), 0);
        let found = until(PACE, async || {
            looks += 1;
            None::<()>
        });
        assert_eq!(found.await, None);
        assert_eq!((looks, begin.elapsed()), (4, Duration::from_secs(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_and_its_last_error_is_told() {
        let mut tries = 0;
        let outcome = until_ok(PACE, async || {
            tries += 1;
            if tries < 3 { Err(tries) } else { Ok(tries) }
        });
        assert_eq!(outcome.await, Ok(3));
        let mut tries = 0;
        let outcome = until_ok(PACE, async || {
            tries += 1;
            Err::<(), _>(tries)
        });
        assert_eq!(outcome.await, Err(4));
    }

    #[test]
    fn pauses_double_up_to_their_cap_and_are_shortened_by_chance() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let pauses: Vec<u128> = [0.0, 1.0, 0.0, 0.0]
            .map(|chance| backoff.next(chance).as_millis())
            .into();
        assert_eq!(pauses, [1000, 1000, 4000, 5000]);
    }
}
