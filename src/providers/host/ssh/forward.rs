//! A socket here and a channel there, each of which gets what the other says.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use ssh2::Channel;

use super::job::StepOutcome;
use super::link::{Dead, Link, attempt, attempt_io};

/// What is kept of one direction while the other side is slow, in bytes.
const KEPT: usize = 64 * 1024;
/// How long a host may take to close a channel.
const CLOSING: Duration = Duration::from_secs(5);

/// A socket of this computer.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    fn shut(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }
}

/// A socket and a channel that carry each other's bytes.
#[expect(
    clippy::struct_excessive_bools,
    reason = "two ends, each of which speaks and is told"
)]
pub(super) struct Pipe {
    channel: Channel,
    socket: Socket,
    /// What the socket said and the channel has not taken, and the other way round.
    out: Vec<u8>,
    back: Vec<u8>,
    /// Whether the socket, and whether the channel, has said all.
    socket_done: bool,
    channel_done: bool,
    /// Whether the channel, and whether the socket, was told so.
    channel_told: bool,
    socket_told: bool,
    closing: Option<Instant>,
}

impl Pipe {
    /// The socket must not block.
    pub(super) fn new(channel: Channel, socket: Socket) -> Self {
        Self {
            channel,
            socket,
            out: Vec::new(),
            back: Vec::new(),
            socket_done: false,
            channel_done: false,
            channel_told: false,
            socket_told: false,
            closing: None,
        }
    }

    /// What is waited for at the socket.
    pub(super) fn waits_for(&self) -> (BorrowedFd<'_>, PollFlags) {
        let mut flags = PollFlags::empty();
        if !self.socket_done && self.out.len() < KEPT {
            flags |= PollFlags::IN;
        }
        if !self.back.is_empty() {
            flags |= PollFlags::OUT;
        }
        let socket = match &self.socket {
            Socket::Tcp(stream) => stream.as_fd(),
            Socket::Unix(stream) => stream.as_fd(),
        };
        (socket, flags)
    }

    /// Does what can be done without waiting.
    pub(super) fn step(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        if self.closing.is_some() {
            return self.end(link);
        }
        let mut moved = self.outward(link)?;
        moved |= self.homeward(link)?;
        if self.channel_told && self.socket_told {
            self.closing = Some(Instant::now());
            moved = true;
        }
        Ok(if moved {
            StepOutcome::Moved
        } else {
            StepOutcome::Waits
        })
    }

    /// From the socket to the channel.
    fn outward(&mut self, link: &Link) -> Result<bool, Dead> {
        let mut moved = false;
        if !self.socket_done && self.out.len() < KEPT {
            let mut buffer = [0; 16 * 1024];
            match self.socket.read(&mut buffer) {
                Ok(0) => self.socket_done = true,
                Ok(read) => {
                    self.out.extend_from_slice(&buffer[..read]);
                    moved = true;
                }
                Err(error) if waits(&error) => {}
                Err(_) => self.give_up(),
            }
        }
        if !self.out.is_empty() {
            let mut stream = self.channel.stream(0);
            let out = &self.out;
            match attempt_io(link, || stream.write(out))? {
                None | Some(Ok(0)) => {}
                Some(Ok(sent)) => {
                    self.out.drain(..sent);
                    moved = true;
                }
                Some(Err(_)) => self.give_up(),
            }
        }
        if self.socket_done && self.out.is_empty() && !self.channel_told {
            // A channel that is closed there needs no word.
            if attempt(link, || self.channel.send_eof())?.is_some() {
                self.channel_told = true;
                moved = true;
            }
        }
        Ok(moved)
    }

    /// From the channel to the socket.
    fn homeward(&mut self, link: &Link) -> Result<bool, Dead> {
        let mut moved = false;
        if !self.channel_done && self.back.len() < KEPT {
            let mut stream = self.channel.stream(0);
            let mut buffer = [0; 16 * 1024];
            match attempt_io(link, || stream.read(&mut buffer))? {
                None => {}
                Some(Ok(0)) => self.channel_done = self.channel.eof(),
                Some(Ok(read)) => {
                    self.back.extend_from_slice(&buffer[..read]);
                    moved = true;
                }
                Some(Err(error)) => return Err(Dead(error.to_string())),
            }
        }
        if !self.back.is_empty() {
            match self.socket.write(&self.back) {
                Ok(sent) => {
                    self.back.drain(..sent);
                    moved = true;
                }
                Err(error) if waits(&error) => {}
                Err(_) => self.give_up(),
            }
        }
        if self.channel_done && self.back.is_empty() && !self.socket_told {
            // It may be gone already.
            let _ = self.socket.shut();
            self.socket_told = true;
            moved = true;
        }
        Ok(moved)
    }

    /// One side is gone: there is nobody to carry anything for.
    fn give_up(&mut self) {
        self.closing = Some(Instant::now());
        self.out.clear();
        self.back.clear();
        self.socket_done = true;
    }

    fn end(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        if attempt(link, || self.channel.close())?.is_some() {
            return Ok(StepOutcome::Over);
        }
        let since = self.closing.get_or_insert_with(Instant::now);
        Ok(if since.elapsed() < CLOSING {
            StepOutcome::Waits
        } else {
            StepOutcome::Stuck
        })
    }
}

fn waits(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
