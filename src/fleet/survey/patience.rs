//! Asking again what failed for a moment.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::fleet::end::is_permanent;
use crate::poll::{Backoff, chance};
use crate::providers;

/// How often a source is asked that fails to answer.
const TRIES: usize = 3;
/// The pauses between these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// A source that took longer than this to fail is not asked again.
const QUICK: Duration = Duration::from_secs(5);

/// Asks, and asks again where an error is of a kind that may pass.
pub(super) async fn again<T, E>(
    mut ask: impl AsyncFnMut() -> Result<T, E>,
    is_short: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begun = Instant::now();
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
    let mut tries = 0;
    loop {
        let answer = ask().await;
        tries += 1;
        let may_heal = answer.as_ref().is_err_and(&is_short);
        if !may_heal || tries == TRIES || begun.elapsed() > QUICK {
            return answer;
        }
        sleep(pauses.next(chance())).await;
    }
}

/// Asks a place, and asks again where it failed for a moment: the answer comes with what was wrong with it.
pub(super) async fn patiently<T>(mut ask: impl AsyncFnMut() -> (T, Option<providers::Error>)) -> T {
    let begun = Instant::now();
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
    let mut tries = 0;
    loop {
        let (answer, error) = ask().await;
        tries += 1;
        let may_heal = error.is_some_and(|error| !is_permanent(&error));
        if !may_heal || tries == TRIES || begun.elapsed() > QUICK {
            return answer;
        }
        sleep(pauses.next(chance())).await;
    }
}
