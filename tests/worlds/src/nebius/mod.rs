//! A stand-in for Nebius' REST gateway, for tests: it judges every request by Nebius' own description
//! of its messages, keeps jobs, VMs and disks, and has as bad a day as it is told to have.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

mod answer;
mod beyond;
mod calls;
mod catalog;
mod cloud_init;
mod conditions;
mod disks;
mod inner;
mod jobs;
mod launches;
mod lock;
mod machines;
mod metadata;
mod operations;
mod refusal;
mod rows;
mod running;
mod schema;
mod tokens;
mod values;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use calls::CALLS;
pub use catalog::{FOREIGN, PROJECT, REGION, SUBNET, TENANT};
pub use cloud_init::{Boot, read as read_user_data};
pub use conditions::{CancelPath, Conditions, Deed, Deletion, Ending, Stock};
pub use refusal::Refusal;
pub use rows::{Asked, Rented};
pub use schema::Schema;
pub use tokens::Account;
pub use values::EXPRESSIONS;

use inner::Inner;
use lock::lock;
use world::World;

/// A stand-in at work, until it is dropped; then nothing is left of it, no process either.
pub struct Standin {
    /// Where it listens, for the API and for tokens alike: `http://127.0.0.1:PORT`.
    pub url: String,
    inner: Arc<Inner>,
    threads: Vec<JoinHandle<()>>,
}

impl Standin {
    /// Starts one, in threads of its own, with a project that has a default subnet.
    ///
    /// Where the description of the messages is absent, that is said and requests are judged by
    /// `beyond`'s rules alone; with `GHARUN_STRICT=1` it panics.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            world: Mutex::new(World::new()),
            judge: Mutex::new(Box::new(|_| Deed::Answer)),
            schema: Schema::load(),
            over: AtomicBool::new(false),
            url: url.clone(),
        });
        let work = Arc::clone(&inner);
        let listener = std::thread::spawn(move || wire::listen(&listener, &work));
        let work = Arc::clone(&inner);
        let host = std::thread::spawn(move || running::host(&work));
        Self {
            url,
            inner,
            threads: vec![listener, host],
        }
    }

    /// Whether requests are judged by Nebius' description, too.
    pub fn describes(&self) -> bool {
        self.inner.schema.is_some()
    }

    /// Changes what the world is like.
    pub fn set(&self, change: impl FnOnce(&mut Conditions)) {
        change(&mut self.inner.world().conditions);
    }

    /// Judges all requests from now on.
    pub fn judge(&self, judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static) {
        *lock(&self.inner.judge) = Box::new(judge);
    }

    /// All requests so far, in the order in which they came.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.world().asked.clone()
    }

    /// The requests of a call so far: `jobs.create`, as in [`CALLS`].
    pub fn asked_for(&self, call: &str) -> Vec<Asked> {
        let world = self.inner.world();
        let asked = world.asked.iter().filter(|asked| asked.call == call);
        asked.cloned().collect()
    }

    /// The bodies of a call's requests so far.
    pub fn bodies(&self, call: &str) -> Vec<Value> {
        let asked = self.asked_for(call);
        asked.into_iter().map(|asked| asked.body).collect()
    }

    /// How many requests are not answered yet.
    pub fn open(&self) -> usize {
        self.inner.world().open
    }

    /// How many requests of a call were under way at one time.
    pub fn most_open(&self, call: &str) -> usize {
        let world = self.inner.world();
        world.most_open.get(call).copied().unwrap_or_default()
    }

    /// What was wrong with the requests so far, each with its call.
    pub fn violations(&self) -> Vec<String> {
        self.inner.world().violations.clone()
    }

    /// What was wrong with this stand-in's own answers.
    pub fn slips(&self) -> Vec<String> {
        self.inner.world().slips.clone()
    }

    /// All jobs that were not deleted, ended ones too.
    pub fn jobs(&self) -> Vec<Rented> {
        self.inner.world().rented_jobs()
    }

    /// All VMs that are there, those of jobs too.
    pub fn vms(&self) -> Vec<Rented> {
        self.inner.world().rented_vms()
    }

    /// All disks that are there, managed ones too.
    pub fn disks(&self) -> Vec<Rented> {
        self.inner.world().rented_disks()
    }

    /// Whatever costs money now: VMs that are not stopped, and all disks.
    pub fn billed(&self) -> Vec<Rented> {
        let world = self.inner.world();
        let vms = world.rented_vms().into_iter();
        let vms = vms.filter(|vm| vm.state != "STOPPED");
        vms.chain(world.rented_disks()).collect()
    }

    /// Waits until a condition holds.
    ///
    /// # Panics
    ///
    /// Panics when it does not hold within a minute.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while !holds(self) {
            assert!(Instant::now() < end, "{what}: not within a minute");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Makes a job of another that is none of ours; returns its id.
    pub fn add_job(&self, name: &str, labels: &[(&str, &str)]) -> String {
        self.inner.world().stranger_job(name, labels)
    }

    /// Makes a VM of another that is none of ours; returns its id.
    pub fn add_vm(&self, name: &str, labels: &[(&str, &str)]) -> String {
        self.inner.world().stranger_vm(name, labels)
    }

    /// Takes a preemptible VM away, as Nebius does when another pays for it; so goes a job's.
    ///
    /// # Panics
    ///
    /// Panics when there is no such VM or job.
    pub fn preempt(&self, id: &str) {
        self.inner.world().preempt(id);
    }

    /// A VM powers itself off.
    ///
    /// # Panics
    ///
    /// Panics when there is no such VM.
    pub fn power_off(&self, id: &str) {
        self.inner.world().power_off(id);
    }

    /// A job's container ends.
    ///
    /// # Panics
    ///
    /// Panics when there is no such job.
    pub fn end_job(&self, id: &str, ending: Ending) {
        self.inner.world().end_job(id, ending);
    }

    /// What a job's container or a VM's boot script has said so far, where it is really run.
    pub fn log(&self, id: &str) -> String {
        self.inner.world().running.log(id)
    }

    /// A service account with a key that may ask for tokens.
    pub fn account(&self) -> Account {
        let account = Account::make();
        lock(&self.inner.world)
            .tokens
            .accounts
            .push(account.public());
        account
    }

    /// A token that is good now (`NEBIUS_IAM_TOKEN`).
    pub fn token(&self) -> String {
        let mut world = self.inner.world();
        let lasts = world.conditions.token_lasts;
        world.tokens.issue(lasts, Instant::now())
    }

    /// No token that was issued so far is good any more.
    pub fn expire_tokens(&self) {
        self.inner.world().tokens.expire();
    }
}

impl std::fmt::Debug for Standin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standin")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::SeqCst);
        // Wakes the listener up.
        let address = self.url.trim_start_matches("http://");
        let _ = std::net::TcpStream::connect(address);
        for thread in self.threads.drain(..) {
            // What it panicked with is on stderr already.
            let _ = thread.join();
        }
    }
}
