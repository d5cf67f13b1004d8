//! Who may end a command before its time.

use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Exit, Failure};

/// SIGINT, SIGTERM, SIGHUP, and in a workflow step the end of the shell that runs us.
pub(super) struct Interrupts {
    signals: Vec<Signal>,
    parent: Option<u32>,
    came: bool,
}

/// The failure of a command that a signal ended before it changed anything.
pub(super) fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted; nothing was changed")
}

impl Interrupts {
    /// Listens from now on. `in_actions`: GitHub signals only the step's shell, and a bash that
    /// does not `exec` passes nothing on; when it dies we get another parent.
    pub(super) fn listen(in_actions: bool) -> std::io::Result<Self> {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let signals = kinds.into_iter().map(signal).collect::<Result<_, _>>()?;
        Ok(Self {
            signals,
            parent: in_actions.then(parent_id),
            came: false,
        })
    }

    /// Whether one of them came.
    pub(super) fn came(&self) -> bool {
        self.came
    }

    /// What comes of work; once one of them came, for `within` at most.
    pub(super) async fn hurry<T>(
        &mut self,
        within: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        if !self.came {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.next() => {}
            }
        }
        tokio::time::timeout(within, work).await.ok()
    }

    /// What comes of work that changes nothing, unless one of them comes first.
    pub(super) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.next() => {
                Err(interrupted())
            }
        }
    }

    /// Yields when one of them comes.
    pub(super) async fn next(&mut self) {
        let parent = self.parent;
        let orphaned = async move {
            let Some(parent) = parent else {
                return std::future::pending().await;
            };
            while parent_id() == parent {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let any = futures_util::future::select_all(
            self.signals
                .iter_mut()
                .map(|signal| Box::pin(signal.recv())),
        );
        tokio::select! {
            _ = any => {}
            () = orphaned => {}
        }
        self.parent = None; // it is lost only once
        self.came = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_nothing_is_waited_for_without_an_end() {
        let mut interrupts = Interrupts {
            signals: Vec::new(),
            parent: None,
            came: true,
        };
        let within = Duration::from_secs(4);
        let begun = tokio::time::Instant::now();
        let never = interrupts.hurry(within, std::future::pending::<()>());
        assert_eq!((never.await, begun.elapsed()), (None, within));
        let done = interrupts.hurry(within, async { 3 });
        assert_eq!(done.await, Some(3));
    }
}
