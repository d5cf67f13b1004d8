//! Waiting for GitHub's answers: the time in which it wants to be left alone is not its silence.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::github::GitHubApi;

/// It did not answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timeout;

/// Waits for an answer, for `within` at most. While requests wait for room, that time does not run;
/// how long that may be is the client's to say.
pub(super) async fn in_time<G: GitHubApi, T>(
    github: &G,
    within: Duration,
    asked: impl Future<Output = T>,
) -> Result<T, Timeout> {
    let mut asked = std::pin::pin!(asked);
    let mut end = Instant::now() + within;
    loop {
        tokio::select! {
            biased;
            answer = &mut asked => return Ok(answer),
            () = sleep_until(end) => {
                let room = github.wait_now();
                if room.is_zero() {
                    return Err(Timeout);
                }
                end = Instant::now() + room + within;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::doubles::InMemoryGitHub;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn silence_ends_and_waiting_for_room_is_none() {
        let hub = InMemoryGitHub::default();
        let answer = async |after: u32| {
            let asked = async {
                sleep(after * SECOND).await;
                after
            };
            in_time(&hub, 5 * SECOND, asked).await
        };
        assert_eq!(answer(4).await, Ok(4));
        assert_eq!(answer(6).await, Err(Timeout));
        hub.state().room_from = Some(Instant::now() + 60 * SECOND);
        assert_eq!(answer(62).await, Ok(62));
        hub.state().room_from = Some(Instant::now() + 60 * SECOND);
        let begun = Instant::now();
        assert_eq!(answer(100).await, Err(Timeout));
        assert_eq!(begun.elapsed(), 65 * SECOND);
    }
}
