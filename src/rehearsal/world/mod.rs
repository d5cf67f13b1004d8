//! What is on the stage, and the controls over it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::auth::Standing;
use super::faults::{Fault, Kind};
use super::limits::{Limiter, SecondaryLimit};
use super::record::Exchange;
use super::{Lags, StageOptions};
use crate::model::{Scope, Secret};

mod jobs;
mod places;
mod rows;
mod scene;
mod sessions;

pub(super) use jobs::Job;
pub use jobs::{JobRow, JobSpec, JobStatus};
pub use places::{Group, Repository, Visibility};
use rows::Row;
pub use rows::RunnerRow;
pub(super) use rows::{Deletion, Registrant, folded};
pub(super) use scene::Scene;
pub(super) use sessions::{Errand, Held, Hello, Welcome};

/// A handle on all that the stand-in knows: cheap to clone, usable from any thread.
///
/// No call waits for the network, and none holds anything between two calls.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
}

struct Shared {
    scene: Mutex<Scene>,
    changed: Notify,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(options: StageOptions, base: &str) -> io::Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                scene: Mutex::new(Scene::new(options, base)?),
                changed: Notify::new(),
            }),
        })
    }

    /// Reads, after everything has happened that was due.
    pub(super) fn read<T>(&self, look: impl FnOnce(&mut Scene) -> T) -> T {
        // What a thread that panicked has left is still the truth: each change is whole.
        let mut scene = self
            .shared
            .scene
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        scene.settle(Instant::now());
        look(&mut scene)
    }

    /// Changes, and wakes whoever waits for a change.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut Scene) -> T) -> T {
        let done = self.read(|scene| {
            let done = act(scene);
            scene.settle(Instant::now());
            done
        });
        self.shared.changed.notify_waiters();
        done
    }

    /// Asks again at every change until there is an answer, or until `at_most` is over.
    pub(super) async fn hold<T>(
        &self,
        at_most: Duration,
        mut ask: impl FnMut(&mut Scene) -> Option<T>,
    ) -> Option<T> {
        let end = tokio::time::Instant::now() + at_most;
        loop {
            let mut changed = std::pin::pin!(self.shared.changed.notified());
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

    /// Looks until `look` yields something, blocking this thread; `None` when `at_most` is over.
    pub fn wait<T>(
        &self,
        at_most: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now() + at_most;
        loop {
            if let Some(found) = look(self) {
                return Some(found);
            }
            if Instant::now() >= end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    // Runners.

    /// All rows of all scopes, in the order of their numbers.
    pub fn runners(&self) -> Vec<RunnerRow> {
        self.read(|scene| scene.runner_rows())
    }

    /// One row by its name, whichever scope it is in.
    pub fn runner(&self, name: &str) -> Option<RunnerRow> {
        self.runners().into_iter().find(|row| row.name == name)
    }

    /// Adds a runner that nobody here has asked for, offline; its number.
    pub fn add_runner(&self, scope: &Scope, name: &str, labels: &[&str]) -> u64 {
        self.change(|scene| {
            scene.add_row(Registrant {
                scope: folded(scope),
                name: name.to_owned(),
                group: 1,
                labels: labels.iter().map(|label| label.to_lowercase()).collect(),
                work_folder: "_work".to_owned(),
                ephemeral: false,
            })
        })
    }

    /// Lets a runner be online without a machine behind it, until [`World::take_offline`]. False
    /// where there is no such runner.
    pub fn bring_online(&self, name: &str) -> bool {
        self.change(|scene| scene.play_online(name))
    }

    /// Lets a runner that [`World::bring_online`] brought be offline; a job of it is in progress
    /// until it is given up as lost. False where there is no such runner.
    pub fn take_offline(&self, name: &str) -> bool {
        self.change(|scene| scene.play_offline(name))
    }

    /// Gives a job to a runner without a machine behind it; the job's number. `None` where there is
    /// no such runner, or none that is online and idle.
    pub fn begin_job(&self, name: &str, spec: JobSpec) -> Option<u64> {
        self.change(|scene| scene.play_job(name, spec))
    }

    /// Ends the job of a runner, as its machine would: the runner goes. False where it has none.
    pub fn end_job(&self, name: &str) -> bool {
        self.change(|scene| scene.play_end(name))
    }

    /// Removes a row as GitHub at times does with idle runners, whatever it is doing. Its machine
    /// is told at its next question. False where there is no such runner.
    pub fn remove_runner(&self, name: &str) -> bool {
        self.change(|scene| scene.remove_by_name(name))
    }

    // Jobs and runs.

    /// Queues a job for the first runner that bears the label; its number.
    pub fn queue_job(&self, label: &str, spec: JobSpec) -> u64 {
        self.change(|scene| scene.queue(vec![label.to_lowercase()], None, spec))
    }

    /// All jobs ever queued, in the order of their numbers.
    pub fn jobs(&self) -> Vec<JobRow> {
        self.read(|scene| scene.job_rows())
    }

    /// Hands out no job until [`World::release_jobs`].
    pub fn hold_jobs(&self) {
        self.change(|scene| scene.held = true);
    }

    /// Hands out jobs again.
    pub fn release_jobs(&self) {
        self.change(|scene| scene.held = false);
    }

    /// Makes a workflow run, or changes it: its latest attempt and its status (`in_progress`,
    /// `completed`). It is found under every repository.
    pub fn set_run(&self, id: u64, attempt: u32, status: &str) {
        self.change(|scene| scene.set_run(id, attempt, status));
    }

    // Trouble.

    /// Lets something go wrong; of several that fit a request the one that came first is used.
    pub fn fault(&self, fault: Fault) {
        self.change(|scene| scene.faults.push(fault));
    }

    /// Takes back all faults, and the secondary limit.
    pub fn heal(&self) {
        self.change(|scene| {
            scene.faults.clear();
            scene.limiter = None;
        });
    }

    /// Refuses changes beyond a limit that nobody is told of; an earlier one is forgotten.
    pub fn secondary_limit(&self, limit: SecondaryLimit) {
        self.change(|scene| scene.limiter = Some(Limiter::new(limit)));
    }

    /// How many requests the secondary limit has refused.
    pub fn refused(&self) -> u64 {
        self.read(|scene| scene.limiter.as_ref().map_or(0, Limiter::refused))
    }

    /// Renames a repository (`owner/name`): from now on its old addresses lead on to
    /// `/repositories/{id}`, where all that it had is.
    pub fn rename_repository(&self, from: &str, id: u64) {
        self.change(|scene| scene.renames.add(from, id));
    }

    /// Answers every request to the API so much later.
    pub fn latency(&self, latency: Duration) {
        self.change(|scene| scene.latency = latency);
    }

    /// Changes how it behaves over time.
    pub fn tune(&self, change: impl FnOnce(&mut Lags)) {
        self.change(|scene| change(&mut scene.lags));
    }

    /// Sets its clock ahead of this computer's: the `Date` of its answers.
    pub fn clock_ahead(&self, ahead: SignedDuration) {
        self.change(|scene| scene.ahead = ahead);
    }

    // What the server is like.

    /// Knows no just-in-time configurations from now on, as GHES before 3.10: its runners are
    /// registered by their machines, with a token.
    pub fn without_jit(&self) {
        self.change(|scene| scene.has_jit = false);
    }

    /// Lets all tokens for registration be over, as they are after an hour.
    pub fn expire_registration_tokens(&self) {
        self.change(|scene| scene.tickets.clear());
    }

    /// Says from when on a version of the runner is not registered any more, and gets no jobs any
    /// more. Of other versions nothing is known.
    pub fn set_end_of(
        &self,
        version: &str,
        registration: Option<Timestamp>,
        jobs: Option<Timestamp>,
    ) {
        self.change(|scene| scene.ends.insert(version.to_owned(), (registration, jobs)));
    }

    // Tokens and groups.

    /// Accepts this token, and from now on no other that has not been made known.
    pub fn demand_token(&self, token: &str) {
        self.change(|scene| {
            scene.tokens.set(token, Standing::Full);
            scene.tokens.close();
        });
    }

    /// Says what a token is good for. Without a word about it every token is good for everything.
    pub fn set_token(&self, token: &str, standing: Standing) {
        self.change(|scene| scene.tokens.set(token, standing));
    }

    /// Gives a token scopes, which answers then tell: it is a classic one. What it is refused for is
    /// said by [`World::set_token`].
    pub fn set_scopes(&self, token: &str, scopes: &[&str]) {
        self.change(|scene| scene.tokens.set_scopes(token, scopes));
    }

    /// Adds a runner group beside `Default` (1) and GitHub's own (2), which takes no runners.
    pub fn add_group(&self, id: u64, name: &str) {
        self.set_group(id, Group::open(name));
    }

    /// Makes a runner group, or changes it.
    pub fn set_group(&self, id: u64, group: Group) {
        self.change(|scene| scene.groups.insert(id, group));
    }

    /// Says what is special about a repository (`owner/name`).
    pub fn set_repository(&self, name: &str, repository: Repository) {
        let name = name.to_lowercase();
        self.change(|scene| scene.repositories.insert(name, repository));
    }

    /// Everything secret that was handed out or sent here: just-in-time configurations and the
    /// keys in them, registration tokens, the tokens of requests.
    pub fn secrets(&self) -> Vec<Secret> {
        self.read(|scene| scene.secrets.clone())
    }

    // Requests.

    /// The requests to the API of late, the oldest first.
    pub fn requests(&self) -> Vec<Exchange> {
        self.read(|scene| scene.record.all())
    }

    /// How many requests there were of each sort (`GET /repos/{owner}/{repo}/actions/runners`).
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.read(|scene| scene.record.counts().clone())
    }

    /// How many requests there were of the sorts whose name holds `part` (`generate-jitconfig`).
    pub fn count(&self, part: &str) -> u64 {
        self.counts()
            .iter()
            .filter(|(sort, _)| sort.contains(part))
            .map(|(_, count)| count)
            .sum()
    }

    /// Forgets all requests and begins to count anew.
    pub fn forget_requests(&self) {
        self.change(|scene| scene.record.forget());
    }

    pub(super) fn set_base(&self, base: &str) {
        self.change(|scene| base.clone_into(&mut scene.base));
    }

    pub(super) fn latency_now(&self) -> Duration {
        self.read(|scene| scene.latency)
    }

    pub(super) fn take_fault(&self, method: &str, target: &str) -> Option<Kind> {
        self.read(|scene| scene.take_fault(method, target))
    }

    pub(super) fn keep(&self, exchange: Exchange) {
        self.read(|scene| scene.record.keep(exchange));
    }
}

/// A time as GitHub writes it.
pub(super) fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
