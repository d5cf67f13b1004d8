//! One connection to a host, and the thread that drives all that goes over it.
//!
//! libssh2 lets one thread at a time into a session, and a blocking call would keep all others
//! waiting. So the session does not block, and its thread goes round its channels. It is one of tokio's
//! blocking threads, which the program does not wait for at its end: what blocks in a library, or in an
//! agent that asks a person, must not keep it from ending.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};

use tokio::sync::oneshot;

use super::super::{Broken, Output};
use super::drive::Driver;
use super::failure::unavailable;
use super::link::Link;
use super::request::{ChannelRequest, DriverRequest};
use super::session::SessionError;

/// One connection to a host. It ends with the last one who holds it.
#[derive(Debug)]
pub(super) struct Connection {
    requests: Sender<DriverRequest>,
    bell: UnixStream,
    usable: Arc<AtomicBool>,
    /// The connection that this one goes over.
    _over: Option<Arc<Connection>>,
}

impl Connection {
    /// Opens a connection by `open`, in a thread of its own that drives it from then on.
    pub(super) async fn open(
        over: Option<Arc<Connection>>,
        open: impl FnOnce() -> Result<Link, SessionError> + Send + 'static,
    ) -> Result<Self, SessionError> {
        let failed = |error: io::Error| SessionError::Failed(unavailable(error.to_string()));
        let (bell, heard) = UnixStream::pair().map_err(failed)?;
        bell.set_nonblocking(true).map_err(failed)?;
        heard.set_nonblocking(true).map_err(failed)?;
        let (requests, asked) = mpsc::channel();
        let usable = Arc::new(AtomicBool::new(true));
        let (opened, opens) = oneshot::channel();
        let is_usable = Arc::clone(&usable);
        let work = move || match open() {
            Err(why) => {
                // Nobody waits for it any more, or else they hear why.
                let _ = opened.send(Err(why));
            }
            Ok(link) => {
                if opened.send(Ok(())).is_ok() {
                    Driver::new(link, asked, heard, is_usable).run();
                }
            }
        };
        // It ends by itself when nobody holds the line any more; `opens` tells of a panic.
        drop(tokio::task::spawn_blocking(work));
        let ended = || SessionError::Failed(unavailable("the attempt was interrupted"));
        opens.await.map_err(|_| ended())??;
        Ok(Self {
            requests,
            bell,
            usable,
            _over: over,
        })
    }

    /// Whether more can be asked of it.
    pub(super) fn is_usable(&self) -> bool {
        self.usable.load(Ordering::Acquire)
    }

    /// Lets nothing new go over it; what does goes on.
    pub(super) fn retire(&self) {
        self.usable.store(false, Ordering::Release);
    }

    fn ask(&self, request: DriverRequest) -> Result<(), io::Error> {
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        if !self.is_usable() {
            return Err(gone());
        }
        self.requests.send(request).map_err(|_| gone())?;
        self.ring();
        Ok(())
    }

    fn ring(&self) {
        // A bell that is full of rings is heard all the same, and one that nobody hears rings for a
        // thread that has ended.
        let _ = (&self.bell).write(&[0]);
    }

    /// Runs a command. Whoever drops this ends its channel.
    pub(super) async fn run(
        &self,
        command: &'static str,
        input: Vec<u8>,
    ) -> Result<Output, Broken> {
        let (reply, answer) = oneshot::channel();
        let request = DriverRequest::Channel(ChannelRequest::Job {
            command,
            input,
            reply,
        });
        self.ask(request).map_err(Broken::Refused)?;
        let ring = WakeOnDrop(self);
        let answer = answer.await;
        drop(ring);
        let ended = || Broken::Lost(io::Error::from(io::ErrorKind::ConnectionAborted));
        answer.unwrap_or_else(|_| Err(ended()))
    }

    /// Connects a socket with a port that the host can reach.
    pub(super) async fn bridge(
        &self,
        host: &str,
        port: u16,
        stream: UnixStream,
    ) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let host = host.to_owned();
        let request = DriverRequest::Channel(ChannelRequest::Pipe {
            host,
            port,
            stream,
            reply,
        });
        self.ask(request).map_err(|error| error.to_string())?;
        answer
            .await
            .unwrap_or_else(|_| Err("its connection ended".into()))
    }

    /// See [`DriverRequest::Listen`].
    pub(super) async fn listen(&self, remote: u16, local: u16) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let request = DriverRequest::Listen {
            remote,
            local,
            reply,
        };
        self.ask(request).map_err(|error| error.to_string())?;
        answer
            .await
            .unwrap_or_else(|_| Err("its connection ended".into()))
    }
}

/// Rings when whoever waits for an answer is gone, so that the thread looks whom it still works for.
struct WakeOnDrop<'a>(&'a Connection);

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}
