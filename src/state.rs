//! The JSON state file: intents and mapping, locked, atomic, durable.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::model::{Name, Reference, Rental, Run, lock};

mod document;
mod file;
#[cfg(test)]
mod tests;

/// How long another process may hold the lock before we give up: a change takes milliseconds, a
/// slow disk with two hundred writers in front of us takes seconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// What one runner is known by, from the intent on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerRecord {
    /// The provider that was, or is about to be, asked for its machine.
    pub provider: String,
    /// `github.com`, or a GHES host.
    pub server: String,
    /// The scope, or `rehearsal`.
    pub scope: String,
    /// The repository whose run started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The run that started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// The id of the `start` process.
    pub start: String,
    /// What pairs a `start` with its `stop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// When the intent was written.
    pub created: Timestamp,
    /// When its machine ends itself.
    pub expires: Timestamp,
    /// GitHub's number of it, from the registration on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_id: Option<u64>,
    /// The places where its machine may be created, as references spell them, from before the launch on. Empty where
    /// they are not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// Its machine, from the launch on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Reference>,
    /// What was rented, from the launch on.
    #[serde(flatten, serialize_with = "Rental::known")]
    pub rental: Rental,
    /// Whether its start has proved that no machine of it is there, or will come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machineless: bool,
    /// What its place said to its launch, where no list there proves that a machine is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch: Option<DoubtfulLaunch>,
}

/// What a place said to a launch, where no list there proves that a machine is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtfulLaunch {
    /// That it made no machine, and its list agreed: it is looked for once more before the record is forgotten.
    Refused,
    /// Nothing yet, or nothing that tells: a machine may be there until the end of its lifetime.
    Unanswered,
}

/// All that the file knows, by runner name.
pub type Entries = BTreeMap<Name, RunnerRecord>;

/// What went wrong with the file. Each kind means an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Mend the permissions of the file or its folder, or name another one.
    Denied,
    /// Make room on the disk.
    Full,
    /// It is no state file any more: see to what only it knew, then move it away.
    Damaged,
    /// Another process keeps the lock: wait, or end it.
    Locked,
    /// A newer gharun wrote it: use that one.
    Newer,
    /// Name a file: this is a folder, a device or a pipe.
    NotAFile,
    /// Something else that the system said.
    Unexpected,
}

/// Why the file could not be used. Nothing in it has changed.
pub type Error = crate::model::Error<ErrorKind>;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateContents {
    /// The entries that could be read.
    pub entries: Entries,
    /// Those that could not: machines may be known there and nowhere else.
    pub unreadable: Vec<Unreadable>,
}

/// An entry that could not be read. It stays in the file as it is, and is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its key in the file: foreign text.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        write!(f, "the entry `{name}` could not be read ({reason})")
    }
}

/// A damaged file that a change moved aside, and of which the user must hear: machines may be known there and
/// nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedAside {
    /// The file.
    pub path: PathBuf,
    /// Where it lies now.
    pub moved_to: PathBuf,
    /// Why it could not be read.
    pub reason: String,
}

impl fmt::Display for MovedAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the state file `{}` could not be read ({}) and was moved to `{}` \u{2014} its \
             machines still have their tags: see them with `gharun list`, and stop those that no runner uses with \
             `gharun stop --orphans`",
            self.path.display(),
            self.reason,
            self.moved_to.display()
        )
    }
}

/// The file, or none (`--no-state`).
///
/// Clones share one queue: changes that wait at the same time become one write, in the order in
/// which they came. Other processes are kept out by an advisory lock on `<path>.lock`, a file that
/// is never renamed and never removed. Readers take no lock: a rename is all or nothing.
#[derive(Clone, Debug)]
pub struct Store {
    path: Option<PathBuf>,
    patience: Duration,
    queue: Arc<Queue>,
}

type Change = Box<dyn FnOnce(&mut Entries) + Send>;

/// A change with the place where its outcome is awaited.
struct PendingUpdate {
    change: Change,
    outcome: oneshot::Sender<Result<(), Error>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Vec<PendingUpdate>>,
    moved_aside: Mutex<Vec<MovedAside>>,
    /// Held by the one who writes. Fair, so that nobody waits behind those who came later.
    writer: Arc<tokio::sync::Mutex<()>>,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl Store {
    /// Uses a file; nothing is read or made yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::none()
        }
    }

    /// Keeps nothing.
    pub fn none() -> Self {
        Self {
            path: None,
            patience: LOCK_PATIENCE,
            queue: Arc::default(),
        }
    }

    /// Reads the entries of the file: see [`Store::contents`].
    pub async fn read(&self) -> Result<Entries, Error> {
        self.contents().await.map(|contents| contents.entries)
    }

    /// Reads the file, and changes nothing; a missing one is empty.
    ///
    /// # Errors
    ///
    /// A damaged file, one of a newer version, and one that may not be read.
    pub async fn contents(&self) -> Result<StateContents, Error> {
        let Some(path) = self.path.clone() else {
            return Ok(StateContents::default());
        };
        blocking(move || file::read(&path)).await
    }

    /// Changes the file under its lock; on disk when it returns.
    ///
    /// A damaged file is moved aside first, and taken to be empty; [`Store::moved_aside`] tells.
    ///
    /// When the future is dropped before the writing began, nothing of the change is done. An error
    /// means that the old content stands, complete.
    pub async fn update(
        &self,
        change: impl FnOnce(&mut Entries) + Send + 'static,
    ) -> Result<(), Error> {
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        let (outcome, mut done) = oneshot::channel();
        lock(&self.queue.waiting).push(PendingUpdate {
            change: Box::new(change),
            outcome,
        });
        let turn = Arc::clone(&self.queue.writer).lock_owned().await;
        // The one before us may have taken our change along.
        if let Ok(outcome) = done.try_recv() {
            return outcome;
        }
        let (queue, patience) = (Arc::clone(&self.queue), self.patience);
        blocking(move || {
            queue.write(&path, patience);
            drop(turn);
        })
        .await;
        done.await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Unexpected,
                "another change of the state file failed",
            ))
        })
    }

    /// The damaged files that changes have moved aside since this was last asked.
    pub fn moved_aside(&self) -> Vec<MovedAside> {
        mem::take(&mut *lock(&self.queue.moved_aside))
    }

    /// Damaged files that were moved aside, now or in an earlier call, and that nobody has removed
    /// yet: while there are any, "nothing in the state file" does not mean "nothing is running".
    pub async fn set_aside(&self) -> Result<Vec<PathBuf>, Error> {
        let Some(path) = self.path.clone() else {
            return Ok(Vec::new());
        };
        blocking(move || file::set_aside(&path)).await
    }
}

impl Queue {
    /// Makes all waiting changes in one write and tells each its outcome.
    fn write(&self, path: &Path, patience: Duration) {
        let wanted = || {
            lock(&self.waiting)
                .iter()
                .any(|one| !one.outcome.is_closed())
        };
        let mut outcomes = Vec::new();
        let written = file::write(path, patience, &wanted, |entries| {
            let waiting = mem::take(&mut *lock(&self.waiting));
            for PendingUpdate { change, outcome } in waiting {
                if !outcome.is_closed() {
                    change(entries);
                    outcomes.push(outcome);
                }
            }
        });
        if written.is_err() {
            // Those that were still in the queue would meet the same obstacle; who wants to try
            // again says so.
            let rest = mem::take(&mut *lock(&self.waiting));
            outcomes.extend(rest.into_iter().map(|one| one.outcome));
        }
        let outcome = written.map(|moved| lock(&self.moved_aside).extend(moved));
        for waiting in outcomes {
            // Nobody awaits it any more: then nobody needs to know.
            let _ = waiting.send(outcome.clone());
        }
    }
}

/// Runs what blocks on a thread that may; a panic there is a panic here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that is shutting down cancels it, and then nobody polls this future.
            Err(_) => std::future::pending().await,
        },
    }
}
