//! An attempt that several wait for, made once, and its failure told to all of them.

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::providers::{Error, Result};

/// What was found once, or is still to be found.
///
/// Whoever waited while an attempt failed shares its failure: sixteen launches do not wait, one
/// after another, for a daemon or a registry that answers none of them.
#[derive(Debug)]
pub(crate) struct Attempt<T>(Mutex<AttemptState<T>>);

#[derive(Debug)]
enum AttemptState<T> {
    Open,
    /// It began then, and found this.
    Done(Instant, T),
    /// It failed then, for this reason.
    Failed(Instant, Error),
}

impl<T> Default for Attempt<T> {
    fn default() -> Self {
        Self(Mutex::new(AttemptState::Open))
    }
}

impl<T: Clone> Attempt<T> {
    /// Tells what was found, or attempts to find it.
    pub(crate) async fn get(&self, attempt: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        self.found(|_| true, attempt).await
    }

    /// Tells what was found by an attempt that began at `since` or later, or attempts it again: what
    /// is asked for by many at once is asked once for all of them.
    pub(crate) async fn since(
        &self,
        since: Instant,
        attempt: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        self.found(|begun| begun >= since, attempt).await
    }

    async fn found(
        &self,
        fresh: impl Fn(Instant) -> bool,
        attempt: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        let asked = Instant::now();
        let mut outcome = self.0.lock().await;
        match &*outcome {
            AttemptState::Done(begun, found) if fresh(*begun) => return Ok(found.clone()),
            AttemptState::Failed(at, error) if *at >= asked => return Err(error.clone()),
            AttemptState::Done(..) | AttemptState::Failed(..) | AttemptState::Open => {}
        }
        let begun = Instant::now();
        match attempt().await {
            Ok(found) => {
                *outcome = AttemptState::Done(begun, found.clone());
                Ok(found)
            }
            Err(error) => {
                *outcome = AttemptState::Failed(Instant::now(), error.clone());
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;

    const WAIT: std::time::Duration = std::time::Duration::from_secs(7);

    fn refused() -> Error {
        Error::setting("image", "could not ask")
            .because(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
            .hinted("do")
            .waiting(WAIT)
            .while_trying("no")
    }

    #[tokio::test]
    async fn what_was_found_before_one_asked_is_asked_for_again() {
        let attempt = Attempt::default();
        let tries = AtomicU32::new(0);
        let look = async |since: Instant| {
            let attempt = attempt.since(since, async || {
                tokio::task::yield_now().await;
                Ok(tries.fetch_add(1, Ordering::Relaxed))
            });
            attempt.await.unwrap()
        };
        let begin = Instant::now();
        assert_eq!(join_all((0..5).map(|_| look(begin))).await, [0; 5]);
        let now = Instant::now() + std::time::Duration::from_nanos(1);
        while Instant::now() < now {}
        assert_eq!(join_all((0..5).map(|_| look(now))).await, [1; 5]);
        assert_eq!(look(begin).await, 1);
    }

    #[tokio::test]
    async fn those_who_wait_share_a_failure_and_the_next_tries_again() {
        let attempt = Attempt::default();
        let tries = AtomicU32::new(0);
        let fail = async || {
            attempt
                .get(async || {
                    let before = tries.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    match before {
                        0 => Err(refused()),
                        _ => Ok(before),
                    }
                })
                .await
        };
        for failed in join_all((0..3).map(|_| fail())).await {
            let error = failed.expect_err("the first attempt fails");
            assert_eq!(error.key(), Some("image"));
            assert_eq!(error.hints(), ["do"]);
            assert_eq!(error.wait(), Some(WAIT));
            assert_eq!(
                crate::model::chain(&error),
                "no: could not ask: connection refused"
            );
        }
        assert_eq!(fail().await.unwrap(), 1);
        assert_eq!(fail().await.unwrap(), 1, "what was found is kept");
    }
}
