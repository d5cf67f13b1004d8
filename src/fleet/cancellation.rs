//! The word that nothing more is to be created.

use std::cell::Cell;

use tokio::sync::Notify;

/// Said once, heard by all: creations under way are finished, none is begun.
#[derive(Debug, Default)]
pub(super) struct CancellationToken {
    said: Cell<bool>,
    notify: Notify,
}

impl CancellationToken {
    /// Says it.
    pub(super) fn say(&self) {
        self.said.set(true);
        self.notify.notify_waiters();
    }

    /// Whether it was said.
    pub(super) fn is_said(&self) -> bool {
        self.said.get()
    }

    /// Waits until it is said.
    pub(super) async fn requested(&self) {
        let notified = self.notify.notified();
        if !self.said.get() {
            notified.await;
        }
    }
}
