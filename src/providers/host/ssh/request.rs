//! What is asked of the thread that drives a connection.

use std::os::unix::net::UnixStream;

use tokio::sync::oneshot;

use super::super::{Broken, Output};

/// What is asked of the thread; some of it is secret.
pub(super) enum Request {
    /// Runs a command, feeds it, and tells what it said.
    Run {
        command: &'static str,
        input: Vec<u8>,
        reply: oneshot::Sender<Result<Output, Broken>>,
    },
    /// Connects a socket with a port that the host can reach.
    Bridge {
        host: String,
        port: u16,
        stream: UnixStream,
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Lets the host listen at a port of its own loopback, and carries what connects there to a port
    /// of ours.
    Listen {
        remote: u16,
        local: u16,
        reply: oneshot::Sender<Result<(), String>>,
    },
}
