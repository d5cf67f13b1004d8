//! GitHub before gharun's stub of it: tokens and apps, groups, runs, limits, renamed repositories, and bad days.
//!
//! The stub keeps runners and jobs, as a rehearsal needs it. [`GitHub::interceptor`] is handed to it, sees each
//! request, and answers it, or lets the stub answer and makes of that what GitHub would say.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

mod apps;
mod auth;
mod faults;
mod front;
mod jobs;
mod limits;
mod manners;
mod overheard;
mod places;
mod play;
mod record;
mod registration;
mod releases;
mod renames;
mod routes;
mod runners;
mod scope;
mod shared;
pub mod spec;
mod state;
mod talk;
mod wire;

pub use apps::{AppToken, Installation};
pub use auth::Standing;
pub use faults::{Fault, Kind, Page};
pub use limits::SecondaryLimit;
pub use places::{Group, Repository, Visibility};
pub use record::Exchange;
pub use wire::{Handler, Interceptor};

use jobs::Job;
use limits::Limiter;
use shared::Shared;

/// The first number of jobs that no stub has: those that a test makes up.
const MADE_UP: u64 = 1_000_000;

/// A handle on all that is known here: cheap to clone, usable from any thread.
#[derive(Clone, Default)]
pub struct GitHub {
    shared: Shared,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHub").finish_non_exhaustive()
    }
}

impl GitHub {
    /// What answers in place of the stub.
    pub fn interceptor(&self) -> Interceptor {
        let shared = self.shared.clone();
        Arc::new(move |request, stub| Box::pin(front::answer(shared.clone(), request, stub)))
    }

    // Runners without a machine behind them.

    /// Registers a runner that nobody here has asked for, with `acme/app`, `acme` or `enterprises/acme`.
    /// Where nothing was asked yet, the stub hears of it before the first question.
    pub fn add_runner(&self, scope: &str, name: &str, labels: &[&str]) {
        play::add(&self.shared, scope, name, labels);
    }

    /// Lets a runner be online, until [`GitHub::take_offline`]. False where there is no such runner.
    pub fn bring_online(&self, name: &str) -> bool {
        play::bring_online(&self.shared, name)
    }

    /// Lets a runner that [`GitHub::bring_online`] brought be offline; a job of it is in progress
    /// for good. False where it is not online.
    pub fn take_offline(&self, name: &str) -> bool {
        play::take_offline(&self.shared, name)
    }

    /// Removes a registration as GitHub at times does with idle runners. False where there is no such
    /// runner, or it has a job.
    pub fn remove_runner(&self, name: &str) -> bool {
        play::remove(&self.shared, name)
    }

    /// Lets a runner that is online take the next job that is queued for it; the job's number. `None`
    /// where it is not idle, or there is no job.
    pub fn begin_job(&self, name: &str) -> Option<u64> {
        play::begin_job(&self.shared, name)
    }

    /// Ends the job of a runner, as its machine would: the runner goes. False where it has none.
    pub fn end_job(&self, name: &str) -> bool {
        play::end_job(&self.shared, name)
    }

    // Jobs and runs.

    /// Makes a workflow run, or changes it: its latest attempt and its status (`in_progress`,
    /// `completed`). It is found under every repository.
    pub fn set_run(&self, id: u64, attempt: u32, status: &str) {
        self.shared
            .with(|state| state.jobs.set_run(id, attempt, status));
    }

    /// Makes up a job of a run's attempt that waits for a runner; its number.
    pub fn add_job(&self, run: u64, attempt: u32, label: &str) -> u64 {
        self.shared.with(|state| {
            let id = MADE_UP + run * 1000 + state.jobs.of(run, None).len() as u64;
            state.jobs.add(Job {
                id,
                name: "made up".to_owned(),
                run: (run, attempt),
                runner: None,
                labels: vec![label.to_owned()],
                conclusion: None,
                created: state.now(),
                ended: None,
            });
            id
        })
    }

    // Trouble.

    /// Lets something go wrong; of several that fit a request the one that came first is used.
    pub fn fault(&self, fault: Fault) {
        self.shared.with(|state| state.faults.push(fault));
    }

    /// Takes back all faults, and the secondary limit.
    pub fn heal(&self) {
        self.shared.with(|state| {
            state.faults.clear();
            state.limiter = None;
        });
    }

    /// Refuses changes beyond a limit that nobody is told of; an earlier one is forgotten.
    pub fn secondary_limit(&self, limit: SecondaryLimit) {
        self.shared
            .with(|state| state.limiter = Some(Limiter::new(limit)));
    }

    /// How many requests the secondary limit has refused.
    pub fn refused(&self) -> u64 {
        self.shared
            .with(|state| state.limiter.as_ref().map_or(0, Limiter::refused))
    }

    /// Requests an hour for each token, after which they are refused; 5000 where nothing is said.
    pub fn quota(&self, most: u32) {
        self.shared.with(|state| state.quota.most = most);
    }

    /// Renames a repository (`owner/name`): from now on its old addresses lead on to
    /// `/repositories/{id}`, where all that it had is.
    pub fn rename_repository(&self, from: &str, id: u64) {
        self.shared.with(|state| state.renames.add(from, id));
    }

    /// Answers every request to the API so much later.
    pub fn latency(&self, latency: Duration) {
        self.shared.with(|state| state.latency = latency);
    }

    /// Sets its clock ahead of this computer's: the `Date` of its answers, and what apps and tokens are judged by.
    pub fn clock_ahead(&self, ahead: SignedDuration) {
        self.shared.with(|state| state.ahead = ahead);
    }

    /// Its clock.
    pub fn now(&self) -> Timestamp {
        self.shared.with(|state| state.now())
    }

    // What the server is like.

    /// Knows no just-in-time configurations from now on, as GHES before 3.10: its runners are
    /// registered by their machines, with a token.
    pub fn without_jit(&self) {
        self.shared.with(|state| state.has_jit = false);
    }

    /// Lets all tokens for registration be over, as they are after an hour.
    pub fn expire_registration_tokens(&self) {
        self.shared.with(|state| {
            let good = std::mem::take(&mut state.tickets);
            state.over.extend(good);
        });
    }

    /// Says from when on a version of the runner is not registered any more, and gets no jobs any
    /// more. Of other versions nothing is known.
    pub fn set_end_of(
        &self,
        version: &str,
        registration: Option<Timestamp>,
        jobs: Option<Timestamp>,
    ) {
        self.shared
            .with(|state| state.ends.insert(version.to_owned(), (registration, jobs)));
    }

    // Tokens, apps and groups.

    /// Accepts this token, and from now on no other that has not been made known.
    pub fn demand_token(&self, token: &str) {
        self.shared.with(|state| {
            state.tokens.set(token, Standing::Full);
            state.tokens.close();
        });
    }

    /// Says what a token is good for. Without a word about it every token is good for everything.
    pub fn set_token(&self, token: &str, standing: Standing) {
        self.shared.with(|state| state.tokens.set(token, standing));
    }

    /// Gives a token scopes, which answers then tell: it is a classic one. What it is refused for is
    /// said by [`GitHub::set_token`].
    pub fn set_scopes(&self, token: &str, scopes: &[&str]) {
        self.shared
            .with(|state| state.tokens.set_scopes(token, scopes));
    }

    /// Installs an app, so that it can get tokens.
    pub fn install_app(&self, installation: Installation) {
        self.shared
            .with(|state| state.apps.installations.push(installation));
    }

    /// Changes an installation: what it may do, how long its tokens last. False where there is none.
    pub fn change_installation(&self, id: u64, change: impl FnOnce(&mut Installation)) -> bool {
        self.shared.with(|state| {
            let mut installations = state.apps.installations.iter_mut();
            installations.find(|one| one.id == id).map(change).is_some()
        })
    }

    /// All tokens that apps ever got, the oldest first.
    pub fn app_tokens(&self) -> Vec<AppToken> {
        self.shared.with(|state| state.apps.tokens.clone())
    }

    /// Takes back all tokens of apps, behind their backs.
    pub fn revoke_app_tokens(&self) {
        self.shared.with(|state| {
            for token in &mut state.apps.tokens {
                token.revoked = true;
            }
        });
    }

    /// Adds a runner group beside `Default` (1) and GitHub's own (2), which takes no runners.
    pub fn add_group(&self, id: u64, name: &str) {
        self.set_group(id, Group::open(name));
    }

    /// Makes a runner group, or changes it.
    pub fn set_group(&self, id: u64, group: Group) {
        self.shared.with(|state| state.groups.insert(id, group));
    }

    /// Says what is special about a repository (`owner/name`).
    pub fn set_repository(&self, name: &str, repository: Repository) {
        let name = name.to_lowercase();
        self.shared
            .with(|state| state.repositories.insert(name, repository));
    }

    /// The number of the group that a runner was registered in.
    pub fn group_of(&self, name: &str) -> Option<u64> {
        self.shared
            .with(|state| Some(state.runners.named(name)?.group))
    }

    /// The path of the scope's runners where a runner was registered just in time.
    pub fn path_of(&self, name: &str) -> Option<String> {
        self.shared
            .with(|state| state.runners.named(name)?.path.clone())
    }

    /// Everything secret that was handed out or sent here: just-in-time configurations,
    /// registration tokens, the tokens of requests.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.with(|state| state.secrets.clone())
    }

    // Requests.

    /// The requests to the API of late, the oldest first.
    pub fn requests(&self) -> Vec<Exchange> {
        self.shared.with(|state| state.record.all())
    }

    /// How many requests there were of each sort (`GET /repos/{owner}/{repo}/actions/runners`).
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.with(|state| state.record.counts().clone())
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
        self.shared.with(|state| state.record.forget());
    }
}
