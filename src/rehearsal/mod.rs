//! A stand-in for GitHub on loopback: `--rehearse`, and every test.
//!
//! [`Stage`] serves; [`World`] is what is on it: runners, jobs, faults, and the requests that came.
//! What it answers follows GitHub's own description, and where that is silent what GitHub was
//! seen to send. The runner that it hands out is a stub, but it is fetched, verified, unpacked and
//! run as the real one is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use url::Url;

mod answer;
mod apps;
mod archive;
mod auth;
mod faults;
mod jit;
mod limits;
mod record;
mod renames;
mod routes;
mod server;
#[cfg(test)]
mod tests;
mod world;

pub use apps::{AppToken, Installation};
pub use auth::Standing;
pub use faults::{Fault, Kind, Page};
pub use limits::SecondaryLimit;
pub use record::Exchange;
pub use world::{Group, JobRow, JobSpec, JobStatus, Repository, RunnerRow, Visibility, World};

/// How the stand-in behaves over time. GitHub's own times are named where they are known.
#[derive(Clone, Debug)]
pub struct Lags {
    /// From the assignment of a job until the runner is called busy; meanwhile it can be deleted.
    /// GitHub takes up to a minute.
    pub busy: Duration,
    /// From the end of a job until its runner is off the list; meanwhile it is called busy, cannot
    /// be deleted, and keeps its name. GitHub takes seconds to tens of seconds.
    pub gone: Duration,
    /// From the last sign of life of a runner until it is called offline.
    pub offline: Duration,
    /// From then until the job of a runner that died in its middle is given up. GitHub takes 10 to
    /// 15 minutes.
    pub lost: Duration,
    /// How long a runner's question for a job is held before it is told that there is none.
    pub hold: Duration,
}

impl Default for Lags {
    fn default() -> Self {
        Self {
            busy: Duration::ZERO,
            gone: Duration::ZERO,
            offline: Duration::from_secs(5),
            lost: Duration::from_mins(10),
            hold: Duration::from_secs(5),
        }
    }
}

/// What a [`Stage`] is opened with.
#[derive(Clone, Debug)]
pub struct StageOptions {
    /// The job that every runner is given once, as soon as it is online.
    pub auto_job: Option<JobSpec>,
    /// How it behaves over time.
    pub lags: Lags,
    /// The version of the runner that it names, without `v`.
    pub runner_version: String,
    /// Requests an hour for each token, after which they are refused.
    pub quota: u32,
    /// Bytes of past requests and answers that are kept; the oldest are dropped.
    pub memory: usize,
}

impl Default for StageOptions {
    fn default() -> Self {
        Self {
            auto_job: None,
            lags: Lags::default(),
            runner_version: "2.336.0".to_owned(),
            quota: 5000,
            memory: 16 << 20,
        }
    }
}

/// A running stand-in. Dropping it stops the server; connections that are open are closed.
#[derive(Debug)]
pub struct Stage {
    address: SocketAddr,
    world: World,
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stage {
    /// Listens on a free port of 127.0.0.1 and serves on a thread of its own, so that a caller may
    /// block its thread. Fails where no port, thread or archive can be had.
    pub fn open(options: StageOptions) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let listener = server::listen((Ipv4Addr::LOCALHOST, 0).into(), &handle)?;
        let address = listener.local_addr()?;
        let world = World::new(options, &format!("http://{address}"))?;
        let (stop, stopped) = oneshot::channel();
        let serving = server::serve(listener, world.clone());
        let thread = std::thread::Builder::new()
            .name("rehearsal".to_owned())
            .spawn(move || {
                runtime.spawn(serving);
                // A sender that was dropped means the same as one that has sent.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            address,
            world,
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The port, the same on every address.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The base of the API as this computer reaches it, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Listens on the same port of another address of this computer (a Docker bridge's), and fails
    /// as `bind` does: with `AddrNotAvailable` where the address is not this computer's.
    pub fn also_listen(&self, address: IpAddr) -> io::Result<()> {
        let listener = server::listen((address, self.port()).into(), &self.runtime)?;
        self.runtime
            .spawn(server::serve(listener, self.world.clone()));
        Ok(())
    }

    /// Says by which base machines reach this stand-in: it goes into just-in-time configurations
    /// and download addresses from now on. Without it they get [`Stage::url`].
    pub fn machines_reach_it_at(&self, base: &Url) {
        self.world.set_base(base.as_str().trim_end_matches('/'));
    }

    /// What is on the stage, to look at and to change. It outlives the stage.
    pub fn world(&self) -> &World {
        &self.world
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens where the thread has ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed; there is nobody to pass it to.
            let _ = thread.join();
        }
    }
}
