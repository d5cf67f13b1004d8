//! Asking again what failed for a moment.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::poll::{Backoff, chance};

/// How often a source is asked that fails to answer.
const TRIES: usize = 3;
/// The pauses between these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// A source that took longer than this to fail is not asked again.
const QUICK: Duration = Duration::from_secs(5);

/// Asks, and asks again while an answer is one that another time may be better.
pub(super) async fn patiently<T>(
    mut ask: impl AsyncFnMut() -> T,
    may_heal: impl Fn(&T) -> bool,
) -> T {
    let begun = Instant::now();
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
    let mut tries = 0;
    loop {
        let answer = ask().await;
        tries += 1;
        if !may_heal(&answer) || tries == TRIES || begun.elapsed() > QUICK {
            return answer;
        }
        sleep(pauses.next(chance())).await;
    }
}
