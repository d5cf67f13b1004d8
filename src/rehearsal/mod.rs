//! A stub of GitHub on loopback: `--rehearse` registers its runners with it.
//!
//! [`StubServer`] keeps runners of one job each and their jobs, and nothing else of GitHub. What it answers follows
//! GitHub's own description, and where that is silent what GitHub was seen to send. The runner that it
//! hands out is a stub, too, but it is fetched, verified, unpacked and run as the real one is.
//!
//! It has no more than a rehearsal asks for. What else of GitHub the tests need stands before it, as an
//! [`Interceptor`], in a crate of theirs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle as Runtime};
use tokio::sync::oneshot;
use url::Url;

mod answer;
mod archive;
mod call;
mod interceptor;
mod jit;
mod jobs;
mod options;
mod registrations;
mod routes;
mod rows;
mod server;
mod sessions;
mod shared;
mod state;
mod work;

pub use jobs::{JobRow, StubJobStatus};
pub use options::StubOptions;
pub use rows::RunnerRow;

use interceptor::Interceptor;
use shared::Shared;

/// A running stub. Dropping it stops the server; connections that are open are closed.
#[derive(Debug)]
pub struct StubServer {
    address: SocketAddr,
    shared: Shared,
    handler: server::Answering,
    runtime: Runtime,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StubServer {
    /// Listens on a free port of 127.0.0.1 and serves on a thread of its own, so that a caller may
    /// block its thread. Fails where no port, thread or archive can be had.
    pub fn open(options: StubOptions) -> io::Result<Self> {
        Self::start(options, None)
    }

    /// The same with something before it that may answer in its place: tests have the rest of GitHub there.
    pub fn open_behind(options: StubOptions, interceptor: Interceptor) -> io::Result<Self> {
        Self::start(options, Some(interceptor))
    }

    fn start(options: StubOptions, interceptor: Option<Interceptor>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let listener = server::listen((Ipv4Addr::LOCALHOST, 0).into(), &handle)?;
        let address = listener.local_addr()?;
        let shared = Shared::new(options, &format!("http://{address}"))?;
        let handler = server::Answering::new(shared.clone(), interceptor);
        let (stop, stopped) = oneshot::channel();
        let serving = server::serve(listener, handler.clone());
        let thread = std::thread::Builder::new()
            .name("rehearsal".to_owned())
            .spawn(move || {
                runtime.spawn(serving);
                // A sender that was dropped means the same as one that has sent.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            address,
            shared,
            handler,
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
            .spawn(server::serve(listener, self.handler.clone()));
        Ok(())
    }

    /// The same on an address that will be this computer's (a bridge that is made with the first container in it).
    pub fn also_listen_ahead(&self, address: IpAddr) -> io::Result<()> {
        let listener = server::listen_ahead((address, self.port()).into(), &self.runtime)?;
        self.runtime
            .spawn(server::serve(listener, self.handler.clone()));
        Ok(())
    }

    /// Says by which base machines reach this stub: it goes into just-in-time configurations
    /// and download addresses from now on. Without it they get [`StubServer::url`].
    pub fn machines_reach_it_at(&self, base: &Url) {
        let base = base.as_str().trim_end_matches('/');
        self.shared.change(|state| base.clone_into(&mut state.base));
    }

    /// All rows of all scopes, in the order of their numbers.
    pub fn runners(&self) -> Vec<RunnerRow> {
        self.shared.read(|state| state.runner_rows())
    }

    /// Queues a job for the first runner that bears the label; its number. It runs `script` with `-e`, in its
    /// workspace.
    pub fn queue_job(&self, label: &str, script: &str) -> u64 {
        self.shared.change(|state| state.queue(label, script))
    }

    /// All jobs ever queued, in the order of their numbers.
    pub fn jobs(&self) -> Vec<JobRow> {
        self.shared.read(|state| state.job_rows())
    }
}

impl Drop for StubServer {
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
