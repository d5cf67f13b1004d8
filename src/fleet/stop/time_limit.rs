//! The time that a stop has, and how a signal shortens it.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fleet::answer::Timeout;

/// How long a stop may go on after a signal: GitHub sends the next one after 7.5 s, and what comes after the stop, as the
/// end of a token, is to be done 5 s after the first.
const AFTER_A_SIGNAL: Duration = Duration::from_millis(4400);

/// The moment at which a stop ends. A signal brings it nearer, a second one ends the stop.
#[derive(Debug)]
pub(super) struct TimeLimit(watch::Sender<Limit>);

#[derive(Clone, Copy, Debug)]
struct Limit {
    end: Instant,
    interrupted: bool,
}

impl TimeLimit {
    pub(super) fn new(end: Instant) -> Self {
        let interrupted = false;
        Self(watch::Sender::new(Limit { end, interrupted }))
    }

    /// When the stop ends, as far as is known now.
    pub(super) fn end(&self) -> Instant {
        self.0.borrow().end
    }

    pub(super) fn left(&self) -> Duration {
        self.end().saturating_duration_since(Instant::now())
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.0.borrow().interrupted
    }

    /// A signal came, at a moment that may be past.
    pub(super) fn interrupt(&self, at: Instant) {
        self.0.send_modify(|limit| {
            let more = if limit.interrupted {
                Duration::ZERO
            } else {
                AFTER_A_SIGNAL
            };
            limit.end = limit.end.min(at + more);
            limit.interrupted = true;
        });
    }

    /// Waits for a signal, or yields at once where one came already.
    pub(super) async fn interrupted(&self) {
        let mut changes = self.0.subscribe();
        // It fails only where nobody can send any more, and we can.
        let _ = changes.wait_for(|limit| limit.interrupted).await;
    }

    /// Waits for `work`, but not beyond the end.
    pub(super) async fn limit<T>(&self, work: impl Future<Output = T>) -> Result<T, Timeout> {
        let mut work = std::pin::pin!(work);
        let mut changes = self.0.subscribe();
        loop {
            let end = changes.borrow_and_update().end;
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = sleep_until(end) => return Err(Timeout),
                _ = changes.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_signal_shortens_what_is_waited_for_already_and_a_second_one_ends_it() {
        for (second_signal, lasts) in [
            (None, 10 * SECOND + AFTER_A_SIGNAL),
            (Some(2 * SECOND), 12 * SECOND),
        ] {
            let limit = TimeLimit::new(Instant::now() + 60 * SECOND);
            let begun = Instant::now();
            let signals = async {
                sleep(10 * SECOND).await;
                limit.interrupt(Instant::now());
                if let Some(after) = second_signal {
                    sleep(after).await;
                    limit.interrupt(Instant::now());
                }
            };
            let (ended, ()) = tokio::join!(limit.limit(std::future::pending::<()>()), signals);
            assert_eq!((ended, begun.elapsed()), (Err(Timeout), lasts));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_prolongs_nothing() {
        let limit = TimeLimit::new(Instant::now() + SECOND);
        limit.interrupt(Instant::now());
        assert_eq!(limit.left(), SECOND);
        limit.interrupted().await;
        assert_eq!(limit.limit(async { 3 }).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_used_of_the_time_after_a_signal_is_not_given_again() {
        let limit = TimeLimit::new(Instant::now() + 60 * SECOND);
        let heard = Instant::now();
        sleep(2 * SECOND).await;
        limit.interrupt(heard);
        assert_eq!(limit.left() + 2 * SECOND, AFTER_A_SIGNAL);
    }
}
