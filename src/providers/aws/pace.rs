//! Launches at EC2's own pace.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// EC2's bucket of `RunInstances` requests, for each account and region.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
const BURST: u32 = 5;
/// One more comes into it after this long: two a second.
const EVERY: Duration = Duration::from_millis(500);

/// Lets requests pass as fast as EC2 takes them, so that a burst of 64 is not thrown back.
#[derive(Debug, Default)]
pub(super) struct Pacer(Mutex<BTreeMap<String, Instant>>);

impl Pacer {
    /// Waits for the turn of one request in a region.
    pub(super) async fn turn(&self, region: &str) {
        let now = Instant::now();
        let turn = {
            let mut due = self.0.lock().await;
            // When the bucket would be full again; a request moves that back by one.
            let full = due.entry(region.to_owned()).or_insert(now);
            let begin = (*full).max(now);
            *full = begin + EVERY;
            let burst = EVERY * (BURST - 1);
            begin.checked_sub(burst).unwrap_or(now).max(now)
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_the_rest_at_two_a_second() {
        let pacer = Pacer::default();
        let begun = Instant::now();
        let turns = join_all((0..64).map(async |_| {
            pacer.turn("us-east-1").await;
            begun.elapsed().as_millis()
        }))
        .await;
        assert_eq!(turns[..7], [0, 0, 0, 0, 0, 500, 1000]);
        assert_eq!(turns[63], 29_500);
    }

    #[tokio::test(start_paused = true)]
    async fn each_region_has_its_own() {
        let pacer = Pacer::default();
        let begun = Instant::now();
        for _ in 0..BURST {
            pacer.turn("us-east-1").await;
            pacer.turn("eu-west-1").await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
