//! The word that something is to end: the creating of machines, or a look around.

use std::cell::Cell;

use tokio::sync::Notify;

/// Said once, heard by all: what is under way is finished, nothing is begun.
#[derive(Debug, Default)]
pub struct CancellationToken {
    said: Cell<bool>,
    notify: Notify,
}

impl CancellationToken {
    /// Says it.
    pub fn say(&self) {
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
