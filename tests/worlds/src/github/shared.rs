//! What all handles on one GitHub share: its state behind a lock, and its stub.

use std::sync::{Arc, Mutex, PoisonError};

use super::state::State;
use super::wire::Handler;

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Shared {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Known from the first request on.
    stub: Mutex<Option<Handler>>,
}

impl Shared {
    /// Looks at the state, or changes it.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // What a thread that panicked has left is still the truth: each change is whole.
        let mut state = self
            .inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        act(&mut state)
    }

    pub(super) fn stub(&self) -> Option<Handler> {
        let stub = self.inner.stub.lock();
        stub.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_stub(&self, stub: &Handler) {
        let mut known = self
            .inner
            .stub
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_with(|| Arc::clone(stub));
    }
}
