//! What goes round the channels of one connection.

use std::collections::VecDeque;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use ssh2::{Channel, ErrorCode, Listener};

use super::forward::{Pipe, Socket};
use super::job::{RemoteCommand, StepOutcome};
use super::link::{Dead, LOOK, Link, STUCK, attempt, wait};
use super::request::{ChannelRequest, DriverRequest};

/// How many commands run at a time: `sshd` allows ten by default (`MaxSessions`).
const MOST_JOBS: usize = 8;
/// How often a host is asked for a sign of life, and how long it may be silent while something is under way.
const ASKED: Duration = Duration::from_secs(5);
const SILENT: Duration = Duration::from_secs(25);
/// How long the farewell may take, in milliseconds.
const FAREWELL: u32 = 1000;
/// `LIBSSH2_ERROR_CHANNEL_FAILURE`, see `libssh2.h`.
const CHANNEL_FAILURE: i32 = -21;

/// A port at which the host listens for us.
struct ForwardListener {
    listener: Listener,
    local: u16,
}

/// The thread's own. Channels come before the session they belong to, and are dropped first.
pub(super) struct Driver {
    jobs: Vec<RemoteCommand>,
    pipes: Vec<Pipe>,
    listeners: Vec<ForwardListener>,
    link: Link,
    asked: Receiver<DriverRequest>,
    waker: UnixStream,
    usable: Arc<AtomicBool>,
    wanted: VecDeque<ChannelRequest>,
    /// libssh2 opens one channel at a time.
    opening: Option<ChannelRequest>,
    /// Nobody holds the line any more.
    left: bool,
    heard: Instant,
    pulse: Instant,
}

impl Driver {
    pub(super) fn new(
        link: Link,
        asked: Receiver<DriverRequest>,
        bell: UnixStream,
        usable: Arc<AtomicBool>,
    ) -> Self {
        link.session.set_keepalive(true, 1);
        Self {
            jobs: Vec::new(),
            pipes: Vec::new(),
            listeners: Vec::new(),
            link,
            asked,
            waker: bell,
            usable,
            wanted: VecDeque::new(),
            opening: None,
            left: false,
            heard: Instant::now(),
            pulse: Instant::now(),
        }
    }

    /// Goes on until nobody holds the line any more, or it is cut.
    pub(super) fn run(mut self) {
        self.link.session.set_blocking(false);
        let why = loop {
            if self.left && !self.jobs.iter().any(RemoteCommand::is_wanted) {
                break None;
            }
            match self.round() {
                Ok(true) => {}
                Ok(false) => {
                    if let Err(Dead(why)) = self.rest() {
                        break Some(why);
                    }
                }
                Err(Dead(why)) => break Some(why),
            }
        };
        self.usable.store(false, Ordering::Release);
        if let Some(why) = &why {
            tracing::debug!("a connection ended: {why}");
        }
        self.end(why.as_deref().unwrap_or("it is no longer needed"));
    }

    /// Looks once at everything; whether anything moved.
    fn round(&mut self) -> Result<bool, Dead> {
        self.take_requests()?;
        let mut moved = self.open_next()?;
        moved |= self.take_calls()?;
        let mut stuck = false;
        let mut step = |outcome: Result<StepOutcome, Dead>| -> Result<bool, Dead> {
            let outcome = outcome?;
            moved |= outcome != StepOutcome::Waits;
            stuck |= outcome == StepOutcome::Stuck;
            Ok(matches!(outcome, StepOutcome::Over | StepOutcome::Stuck))
        };
        let mut at = 0;
        while let Some(job) = self.jobs.get_mut(at) {
            if step(job.step(&self.link))? {
                self.jobs.swap_remove(at);
            } else {
                at += 1;
            }
        }
        let mut at = 0;
        while let Some(pipe) = self.pipes.get_mut(at) {
            if step(pipe.step(&self.link))? {
                self.pipes.swap_remove(at);
            } else {
                at += 1;
            }
        }
        if stuck {
            // The host holds on to a channel: the next command gets another connection.
            self.usable.store(false, Ordering::Release);
        }
        Ok(moved)
    }

    fn take_requests(&mut self) -> Result<(), Dead> {
        loop {
            match self.asked.try_recv() {
                Ok(DriverRequest::Channel(wanted @ ChannelRequest::Job { .. })) => {
                    self.wanted.push_back(wanted);
                }
                Ok(DriverRequest::Channel(wanted @ ChannelRequest::Pipe { .. })) => {
                    self.wanted.push_front(wanted);
                }
                Ok(DriverRequest::Listen {
                    remote,
                    local,
                    reply,
                }) => {
                    let outcome = self.listen(remote, local)?;
                    // Whoever asked may be gone; then it listens in vain, until the end of the line.
                    let _ = reply.send(outcome);
                }
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => {
                    self.left = true;
                    return Ok(());
                }
            }
        }
    }

    fn listen(&mut self, remote: u16, local: u16) -> Result<Result<(), String>, Dead> {
        let end = Instant::now() + STUCK;
        let session = self.link.session.clone();
        loop {
            let asked = attempt(&self.link, || {
                session.channel_forward_listen(remote, Some("127.0.0.1"), None)
            })?;
            match asked {
                Some(Ok((listener, _))) => {
                    self.listeners.push(ForwardListener { listener, local });
                    return Ok(Ok(()));
                }
                Some(Err(error)) => return Ok(Err(error.message().to_owned())),
                None if Instant::now() >= end => return Err(Dead("it did not answer".into())),
                None => wait(&mut [PollFd::new(&self.link.socket, PollFlags::IN)], LOOK)?,
            }
        }
    }

    /// Opens the next channel, when there is room for it.
    fn open_next(&mut self) -> Result<bool, Dead> {
        if self.opening.is_none() {
            let open = |wanted: &ChannelRequest| match wanted {
                ChannelRequest::Job { reply, .. } => !reply.is_closed(),
                ChannelRequest::Pipe { reply, .. } => !reply.is_closed(),
            };
            self.wanted.retain(open);
            let room = self.jobs.len() < MOST_JOBS;
            let next = self.wanted.front();
            if next.is_some_and(|next| room || matches!(next, ChannelRequest::Pipe { .. })) {
                self.opening = self.wanted.pop_front();
            }
        }
        let Some(wanted) = &self.opening else {
            return Ok(false);
        };
        let session = &self.link.session;
        let opened = attempt(&self.link, || match wanted {
            ChannelRequest::Job { .. } => session.channel_session(),
            ChannelRequest::Pipe { host, port, .. } => {
                session.channel_direct_tcpip(host, *port, None)
            }
        })?;
        match (opened, self.opening.take()) {
            (None, wanted) => {
                self.opening = wanted;
                return Ok(false);
            }
            (Some(Ok(channel)), Some(wanted)) => self.begin(channel, wanted),
            // It allows fewer than we would take: then one has to end first.
            (Some(Err(error)), Some(wanted @ ChannelRequest::Job { .. }))
                if error.code() == ErrorCode::Session(CHANNEL_FAILURE) && !self.jobs.is_empty() =>
            {
                self.wanted.push_front(wanted);
                return Ok(false);
            }
            (Some(Err(error)), Some(wanted)) => {
                if matches!(wanted, ChannelRequest::Job { .. }) {
                    // It holds on to channels that were closed; with another connection it may do.
                    self.usable.store(false, Ordering::Release);
                }
                wanted.refuse(error.message());
            }
            (Some(_), None) => {}
        }
        Ok(true)
    }

    fn begin(&mut self, channel: Channel, wanted: ChannelRequest) {
        match wanted {
            ChannelRequest::Job {
                command,
                input,
                reply,
            } => self
                .jobs
                .push(RemoteCommand::new(channel, command, input, reply)),
            ChannelRequest::Pipe { stream, reply, .. } => {
                let ready = stream.set_nonblocking(true);
                let ready = ready.map_err(|error| error.to_string());
                let fine = ready.is_ok();
                if reply.send(ready).is_ok() && fine {
                    self.pipes.push(Pipe::new(channel, Socket::Unix(stream)));
                }
            }
        }
    }

    /// Takes what connected to a port at which the host listens for us.
    fn take_calls(&mut self) -> Result<bool, Dead> {
        let mut moved = false;
        for ear in &mut self.listeners {
            match attempt(&self.link, || ear.listener.accept())? {
                None => {}
                Some(Ok(channel)) => {
                    moved = true;
                    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, ear.local));
                    let stream = stream.and_then(|stream| {
                        stream.set_nonblocking(true)?;
                        Ok(stream)
                    });
                    match stream {
                        Ok(stream) => self.pipes.push(Pipe::new(channel, Socket::Tcp(stream))),
                        // The channel closes, and whoever called sees that.
                        Err(error) => {
                            tracing::debug!("no listener for a forwarded connection: {error}");
                        }
                    }
                }
                Some(Err(error)) => return Err(Dead(error.message().to_owned())),
            }
        }
        Ok(moved)
    }

    fn is_at_work(&self) -> bool {
        !self.jobs.is_empty() || self.opening.is_some()
    }

    /// Waits until there is something to do.
    fn rest(&mut self) -> Result<(), Dead> {
        let now = Instant::now();
        if !self.is_at_work() {
            self.heard = now;
        } else if now.duration_since(self.heard) > SILENT {
            return Err(Dead(format!(
                "it did not respond for {} s",
                SILENT.as_secs()
            )));
        }
        let listens = self.is_at_work() || !self.pipes.is_empty() || !self.listeners.is_empty();
        let pulse = now.duration_since(self.pulse) >= ASKED;
        let mut flags = PollFlags::empty();
        if listens {
            flags |= PollFlags::IN;
        }
        if pulse {
            flags |= PollFlags::OUT;
        }
        let mut fds = vec![
            PollFd::new(&self.waker, PollFlags::IN),
            PollFd::new(&self.link.socket, flags),
        ];
        // One that waits for nothing is left out: that its other end is gone would wake us for ever.
        let pipes = self.pipes.iter().map(Pipe::waits_for);
        let pipes = pipes.filter(|(_, flags)| !flags.is_empty());
        fds.extend(pipes.map(|(socket, flags)| PollFd::from_borrowed_fd(socket, flags)));
        let at_most = if listens { LOOK } else { ASKED };
        wait(&mut fds, at_most)?;
        let (rung, wire) = (fds[0].revents(), fds[1].revents());
        drop(fds);
        if !rung.is_empty() {
            self.drain_wakeups();
        }
        if wire.contains(PollFlags::IN) {
            self.heard = Instant::now();
        }
        if !listens && wire.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Err(Dead("it closed the connection".into()));
        }
        // Only where it is sure to be taken whole: libssh2 does not say so when it is not.
        if pulse && wire.contains(PollFlags::OUT) {
            self.pulse = Instant::now();
            if let Err(error) = self.link.session.keepalive_send() {
                return Err(Dead(error.message().to_owned()));
            }
        }
        Ok(())
    }

    /// Takes all rings of the bell.
    fn drain_wakeups(&mut self) {
        let mut rings = [0; 64];
        while matches!(self.waker.read(&mut rings), Ok(read) if read > 0) {}
    }

    /// Tells everybody, and says goodbye.
    fn end(mut self, why: &str) {
        let waiting = self.opening.take().into_iter();
        for wanted in waiting.chain(std::mem::take(&mut self.wanted)) {
            wanted.refuse(why);
        }
        for job in self.jobs.drain(..) {
            job.lose(why);
        }
        while let Ok(request) = self.asked.try_recv() {
            match request {
                // Dropping the reply would say that it may have begun.
                DriverRequest::Channel(wanted) => wanted.refuse(why),
                DriverRequest::Listen { reply, .. } => {
                    let _ = reply.send(Err(why.to_owned()));
                }
            }
        }
        // From here on things may block, but not for long: channels close, ports are given back.
        self.link.session.set_timeout(FAREWELL);
        self.link.session.set_blocking(true);
        self.pipes.clear();
        self.listeners.clear();
        let bye = self.link.session.disconnect(None, "done", None);
        if let Err(error) = bye {
            tracing::debug!("no farewell: {error}");
        }
    }
}
