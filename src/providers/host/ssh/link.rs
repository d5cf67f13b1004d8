//! Working with a session that does not block.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, ErrorCode, Session};

use super::proxy::ProxyProcess;

/// How long at most nobody looks at the channels: libssh2 may have read something for one of them
/// while it worked for another, and then the socket does not tell.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// How long a connection may refuse to take what is sent.
pub(super) const STUCK: Duration = Duration::from_secs(25);
/// `LIBSSH2_ERROR_EAGAIN`, see `libssh2.h`.
const AGAIN: i32 = -37;

/// The connection is gone, and why.
#[derive(Debug)]
pub(super) struct Dead(pub(super) String);

impl From<io::Error> for Dead {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// A session that was let in, and the socket that it speaks over, to be waited for.
pub(super) struct Link {
    pub(super) session: Session,
    pub(super) socket: OwnedFd,
    /// The command that is spoken to, which ends with the session.
    pub(super) _proxy: Option<ProxyProcess>,
}

/// Does something that does not block; `None` means that it waits for the host.
///
/// What was sent in part has to be sent to its end before anything else is: so this waits until the
/// connection takes more. That never waits for the host to say something first.
pub(super) fn attempt<T>(
    link: &Link,
    mut work: impl FnMut() -> Result<T, ssh2::Error>,
) -> Result<Option<Result<T, ssh2::Error>>, Dead> {
    let end = Instant::now() + STUCK;
    loop {
        match work() {
            Err(error) if error.code() == ErrorCode::Session(AGAIN) => {}
            Err(error) if super::auth::is_gone(&error) => return Err(Dead(error.message().into())),
            done => return Ok(Some(done)),
        }
        if !wait_to_send(link, end)? {
            return Ok(None);
        }
    }
}

/// The same for reading and writing.
pub(super) fn attempt_io<T>(
    link: &Link,
    mut work: impl FnMut() -> io::Result<T>,
) -> Result<Option<io::Result<T>>, Dead> {
    let end = Instant::now() + STUCK;
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => return Ok(Some(done)),
        }
        if !wait_to_send(link, end)? {
            return Ok(None);
        }
    }
}

/// Waits until the rest of a packet can be sent; whether there is one.
fn wait_to_send(link: &Link, end: Instant) -> Result<bool, Dead> {
    if !matches!(
        link.session.block_directions(),
        BlockDirections::Outbound | BlockDirections::Both
    ) {
        return Ok(false);
    }
    if Instant::now() >= end {
        return Err(Dead(format!(
            "it accepted no data for {} s",
            STUCK.as_secs()
        )));
    }
    wait(&mut [PollFd::new(&link.socket, PollFlags::OUT)], LOOK)?;
    Ok(true)
}

pub(super) fn wait(fds: &mut [PollFd<'_>], at_most: Duration) -> io::Result<()> {
    let limit = Timespec::try_from(at_most).map_err(io::Error::other)?;
    match poll(fds, Some(&limit)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
