//! What is asked of the thread that drives a connection.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::sync::oneshot;

use super::super::{Broken, Output};

/// What is asked of the thread; some of it is secret.
pub(super) enum DriverRequest {
    /// Opens a channel.
    Channel(ChannelRequest),
    /// Lets the host listen at a port of its own loopback, and carries what connects there to a port
    /// of ours.
    Listen {
        remote: u16,
        local: u16,
        reply: oneshot::Sender<Result<(), String>>,
    },
}

/// A channel that is to be opened, and for what.
pub(super) enum ChannelRequest {
    /// Runs a command, feeds it, and tells what it said.
    Job {
        command: &'static str,
        input: Vec<u8>,
        reply: oneshot::Sender<Result<Output, Broken>>,
    },
    /// Connects a socket with a port that the host can reach.
    Pipe {
        host: String,
        port: u16,
        stream: UnixStream,
        reply: oneshot::Sender<Result<(), String>>,
    },
}

impl ChannelRequest {
    /// Tells that nothing was begun.
    pub(super) fn refuse(self, why: &str) {
        // Whoever asked may be gone by now.
        match self {
            Self::Job { reply, .. } => {
                let _ = reply.send(Err(Broken::Refused(io::Error::other(why.to_owned()))));
            }
            Self::Pipe { reply, .. } => {
                let _ = reply.send(Err(why.to_owned()));
            }
        }
    }
}
