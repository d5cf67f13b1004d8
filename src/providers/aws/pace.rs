//! Requests at the pace that EC2 answers to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Mutex as Queue, Notify};
use tokio::time::{Instant, sleep};

use super::failure::{ApiError, Delivery, ErrorClass};
use crate::model::lock;

/// What EC2 counts in a bucket of its own, for each account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Paced {
    /// `RunInstances`
    Launch,
    /// `TerminateInstances`
    End,
}

impl Paced {
    /// How many requests EC2's bucket holds, and how often one more comes into it, where the account has no other limits.
    /// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
    fn documented(self) -> (f64, Duration) {
        match self {
            Self::Launch => (5.0, Duration::from_millis(500)),
            Self::End => (100.0, Duration::from_millis(200)),
        }
    }
}

/// The shortest pause between two requests: a hundred a second.
const SHORTEST: Duration = Duration::from_millis(10);
/// The longest.
const LONGEST: Duration = Duration::from_secs(4);
/// After so many requests that were let through the pause becomes shorter by the first factor, and by the second once EC2
/// has refused one.
const TAKEN: (u32, f64) = (3, 0.6);
const TAKEN_WITH_CARE: (u32, f64) = (4, 0.7);
/// What is in the bucket when EC2 has just refused a request: less than one.
const REFUSED: f64 = 0.5;

/// Lets requests pass as fast as EC2 takes them: it begins with the documented bucket, goes faster while EC2 takes
/// everything, and slower when EC2 refuses. All runners of a start share it.
#[derive(Debug, Default)]
pub(super) struct Pacer(Mutex<BTreeMap<(Paced, String), Arc<Gate>>>);

/// The way to one bucket of EC2's.
#[derive(Debug)]
struct Gate {
    /// Whoever has it passes next.
    queue: Queue<()>,
    bucket: Mutex<Bucket>,
    /// The documented pause between two requests.
    documented: Duration,
    changed: Notify,
}

/// What is known of a bucket of EC2's.
#[derive(Debug)]
struct Bucket {
    holds: f64,
    level: f64,
    /// When the level was that.
    at: Instant,
    /// One more comes after this long.
    every: Duration,
    /// How many requests EC2 took since the pause changed.
    taken: u32,
    /// When EC2 refused one last.
    refused: Option<Instant>,
}

impl Gate {
    fn new(paced: Paced) -> Self {
        let (holds, every) = paced.documented();
        Self {
            queue: Queue::default(),
            documented: every,
            bucket: Mutex::new(Bucket {
                holds,
                level: holds,
                at: Instant::now(),
                every,
                taken: 0,
                refused: None,
            }),
            changed: Notify::new(),
        }
    }

    /// Takes a token from the bucket, or tells how long to wait for the next one.
    fn take(&self) -> Option<Duration> {
        let mut bucket = lock(&self.bucket);
        bucket.fill();
        if bucket.level >= 1.0 {
            bucket.level -= 1.0;
            return None;
        }
        Some(
            bucket
                .every
                .mul_f64(1.0 - bucket.level)
                .max(Duration::from_millis(1)),
        )
    }
}

impl Bucket {
    fn fill(&mut self) {
        let now = Instant::now();
        let more = now.duration_since(self.at).as_secs_f64() / self.every.as_secs_f64();
        (self.level, self.at) = ((self.level + more).min(self.holds), now);
    }
}

impl Pacer {
    /// Waits for the turn of one request in a region, and tells when that was.
    pub(super) async fn turn(&self, paced: Paced, region: &str) -> Turn {
        let gate = {
            let mut gates = lock(&self.0);
            let gate = gates.entry((paced, region.to_owned()));
            Arc::clone(gate.or_insert_with(|| Arc::new(Gate::new(paced))))
        };
        let next = gate.queue.lock().await;
        loop {
            let changed = gate.changed.notified();
            let Some(pause) = gate.take() else {
                break;
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = changed => {}
            }
        }
        drop(next);
        Turn {
            gate,
            at: Instant::now(),
        }
    }
}

/// The turn of one request.
#[derive(Debug)]
pub(super) struct Turn {
    gate: Arc<Gate>,
    at: Instant,
}

impl Turn {
    /// EC2 counted the request, and did not call it too fast.
    pub(super) fn taken(self) {
        let mut bucket = lock(&self.gate.bucket);
        bucket.fill();
        bucket.taken += 1;
        let (after, factor) = if bucket.refused.is_some() {
            TAKEN_WITH_CARE
        } else {
            TAKEN
        };
        if bucket.taken >= after {
            bucket.taken = 0;
            bucket.every = bucket.every.mul_f64(factor).max(SHORTEST);
            self.gate.changed.notify_one();
        }
    }

    /// EC2 did not carry the request out, for this reason. One that was lost tells nothing of its pace.
    pub(super) fn answered(self, said: &ApiError) {
        match (said.action(), said.delivery) {
            (ErrorClass::Slower, _) => self.refused(),
            (_, Delivery::Rejected) => self.taken(),
            _ => {}
        }
    }

    /// EC2 called the request too fast. Of those that were on their way together one counts.
    fn refused(self) {
        let mut bucket = lock(&self.gate.bucket);
        if bucket.refused.is_some_and(|refused| self.at <= refused) {
            return;
        }
        let documented = self.gate.documented;
        bucket.every = if bucket.every < documented {
            documented
        } else {
            bucket.every.mul_f64(1.5).min(LONGEST)
        };
        let now = Instant::now();
        (bucket.level, bucket.at) = (REFUSED, now);
        (bucket.taken, bucket.refused) = (0, Some(now));
        self.gate.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures_util::future::join_all;

    use super::*;

    const REGION: &str = "us-east-1";

    /// A bucket as EC2 has it.
    struct Ec2 {
        holds: f64,
        every: f64,
        level: f64,
        at: Instant,
        refusals: u32,
    }

    impl Ec2 {
        fn takes(&mut self) -> bool {
            let more = self.at.elapsed().as_secs_f64() / self.every;
            self.level = (self.level + more).min(self.holds);
            self.at = Instant::now();
            let takes = self.level >= 1.0;
            if takes {
                self.level -= 1.0;
            } else {
                self.refusals += 1;
            }
            takes
        }
    }

    /// How long so many launches take at an EC2 with such a bucket, in seconds, and how many it refuses.
    async fn launches(count: u32, holds: f64, a_second: f64) -> (f64, u32) {
        let pacer = Pacer::default();
        let ec2 = RefCell::new(Ec2 {
            holds,
            every: 1.0 / a_second,
            level: holds,
            at: Instant::now(),
            refusals: 0,
        });
        let begun = Instant::now();
        join_all((0..count).map(async |_| {
            loop {
                let turn = pacer.turn(Paced::Launch, REGION).await;
                sleep(Duration::from_millis(25)).await;
                let takes = ec2.borrow_mut().takes();
                sleep(Duration::from_millis(25)).await;
                if takes {
                    return turn.taken();
                }
                turn.refused();
            }
        }))
        .await;
        (begun.elapsed().as_secs_f64(), ec2.into_inner().refusals)
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_documented_bucket_launches_take_little_longer_than_that_makes_them() {
        for count in [1, 5, 16, 64] {
            let (took, refusals) = launches(count, 5.0, 2.0).await;
            let least = f64::from(count.saturating_sub(5)) / 2.0;
            assert!(took <= least + 1.0, "{count}: {took} s, at least {least} s");
            assert!(refusals <= 2 + count / 6, "{count}: {refusals} refused");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn they_go_faster_where_the_account_may_and_slower_where_it_may_not() {
        let (fast, refusals) = launches(64, 1000.0, 1000.0).await;
        assert!(fast < 3.0 && refusals == 0, "{fast} s, {refusals} refused");
        let (some, _) = launches(64, 20.0, 10.0).await;
        assert!(some < 12.0, "{some} s");
        let (slow, refusals) = launches(16, 5.0, 0.5).await;
        assert!(
            slow < 22.0 + 6.0 && refusals < 16,
            "{slow} s, {refusals} refused"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_region_and_each_action_has_its_own() {
        let pacer = Pacer::default();
        let begun = Instant::now();
        for _ in 0..5 {
            for region in [REGION, "eu-west-1"] {
                pacer.turn(Paced::Launch, region).await;
                pacer.turn(Paced::End, region).await;
            }
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
