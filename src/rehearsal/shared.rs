//! The state behind its lock, and those who wait for it to change.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::options::StubOptions;
use super::state::StubState;

/// See the module. No call waits for the network, and none holds anything between two calls.
#[derive(Clone)]
pub(super) struct Shared {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<StubState>,
    changed: Notify,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(options: StubOptions, base: &str) -> io::Result<Self> {
        Ok(Self {
            inner: Arc::new(Inner {
                state: Mutex::new(StubState::new(options, base)?),
                changed: Notify::new(),
            }),
        })
    }

    /// Reads, after everything has happened that was due.
    pub(super) fn read<T>(&self, look: impl FnOnce(&mut StubState) -> T) -> T {
        // What a thread that panicked has left is still the truth: each change is whole.
        let mut state = self
            .inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.settle(Instant::now());
        look(&mut state)
    }

    /// Changes, and wakes whoever waits for a change.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut StubState) -> T) -> T {
        let done = self.read(|state| {
            let done = act(state);
            state.settle(Instant::now());
            done
        });
        self.inner.changed.notify_waiters();
        done
    }

    /// Asks again at every change until there is an answer, or until `at_most` is over.
    pub(super) async fn hold<T>(
        &self,
        at_most: Duration,
        mut ask: impl FnMut(&mut StubState) -> Option<T>,
    ) -> Option<T> {
        let end = tokio::time::Instant::now() + at_most;
        loop {
            let mut changed = std::pin::pin!(self.inner.changed.notified());
            changed.as_mut().enable();
            if let Some(answer) = self.read(&mut ask) {
                return Some(answer);
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(end) => return None,
            }
        }
    }
}
