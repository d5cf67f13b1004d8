//! From an address to a session that is let in. All of this blocks, within time limits.

use std::collections::BTreeSet;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use ssh2::{ErrorCode, MethodType, Session};

use super::answers::{Voice, explained};
use super::auth::{LoginError, log_in};
use super::config::HostKeyCheck;
use super::failure::unavailable;
use super::known_hosts::{HostKey, KnownKeys};
use super::link::Link;
use super::proxy::ProxyProcess;
use super::target::HostTarget;
use crate::model::{Secret, lock};
use crate::providers::Error;

/// How long a connection may say nothing before the system asks, and then gives it up.
const IDLE: Duration = Duration::from_secs(10);
const ASKS: u32 = 3;

/// How we go about reaching hosts.
#[derive(Clone, Debug)]
pub(super) struct SessionOptions {
    /// Who is told of hosts whose key is added.
    pub(super) newcomers: Newcomers,
    /// The text of a private key, where the settings give one.
    pub(super) key: Option<Secret>,
    pub(super) check: HostKeyCheck,
}

/// The hosts whose keys this process added to the known ones: nothing proves that they are those of before. Clones are
/// the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Newcomers(Arc<Mutex<BTreeSet<(String, u16)>>>);

impl Newcomers {
    fn add(&self, target: &HostTarget) {
        lock(&self.0).insert((target.host.clone(), target.port));
    }

    pub(super) fn has(&self, target: &HostTarget) -> bool {
        lock(&self.0).contains(&(target.host.clone(), target.port))
    }
}

/// What a session speaks over.
pub(super) enum SessionStream {
    /// A connection to the host's port, or the command that is spoken to instead.
    Own,
    /// The end of a socket whose other end the connection to another host carries on.
    Bridge(UnixStream),
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum SessionError {
    /// The host hung up before it said who it is, as `sshd` does to some while many are logging in
    /// (`MaxStartups`): it is worth trying again soon.
    Dropped(Error),
    Failed(Error),
    /// The two sides have no algorithm in common; what the host offers may be asked for.
    NothingInCommon(Error),
    /// The connection was gone after so many keys were shown.
    LoginCut(usize, Error),
}

/// Codes of libssh2 for a peer that hung up: `LIBSSH2_ERROR_SOCKET_DISCONNECT`, `_SOCKET_RECV`,
/// `_SOCKET_SEND`, `_BANNER_RECV`, see `libssh2.h`.
const HUNG_UP: [i32; 4] = [-13, -43, -7, -2];
/// `LIBSSH2_ERROR_TIMEOUT`, `LIBSSH2_ERROR_SOCKET_TIMEOUT`.
const TIMED_OUT: [i32; 2] = [-9, -30];

/// What libssh2 says of a handshake in which nothing fits (`kex.c`).
const NOTHING_IN_COMMON: &str = "Unable to exchange encryption keys";

/// Opens a session: connects, makes sure that the host is the one that is known, and logs in.
pub(super) fn open(
    target: &HostTarget,
    manner: &SessionOptions,
    wire: SessionStream,
) -> Result<Link, SessionError> {
    let failed = SessionError::Failed;
    let known = KnownKeys::of(target).map_err(failed)?;
    let broken = |error: ssh2::Error| {
        SessionError::Failed(unavailable(format!("could not set up a session: {error}")))
    };
    let mut session = Session::new().map_err(broken)?;
    // libssh2 refuses a list in which it knows nothing, which this is not.
    session
        .method_pref(MethodType::HostKey, &known.methods())
        .map_err(broken)?;
    session.set_timeout(u32::try_from(target.patience.as_millis()).unwrap_or(u32::MAX));
    let (stream, mut proxy) = connected(target, wire).map_err(failed)?;
    let socket = stream
        .try_clone()
        .map_err(|error| failed(unavailable(format!("could not set up a session: {error}"))))?;
    session.set_tcp_stream(stream);
    session
        .handshake()
        .map_err(|error| unopened(&error, target, proxy.as_mut()))?;
    let Some((key, _)) = session.host_key() else {
        return Err(failed(unavailable("it presented no host key")));
    };
    if known.judge(key, manner.check).map_err(failed)? == HostKey::Added {
        manner.newcomers.add(target);
    }
    log_in(&session, target, manner.key.as_ref()).map_err(|error| match error {
        LoginError::Cut(keys, error) => SessionError::LoginCut(keys, error),
        LoginError::Refused(error) => SessionError::Failed(error),
    })?;
    Ok(Link {
        session,
        socket,
        _proxy: proxy,
    })
}

/// What a session speaks over, and the command at its other end, where there is one.
pub(super) fn connected(
    target: &HostTarget,
    wire: SessionStream,
) -> Result<(OwnedFd, Option<ProxyProcess>), Error> {
    match (wire, &target.proxy) {
        (SessionStream::Bridge(stream), _) => Ok((stream.into(), None)),
        (SessionStream::Own, None) => Ok((connect(target)?.into(), None)),
        (SessionStream::Own, Some(command)) => {
            let (proxy, stream) = ProxyProcess::start(command).map_err(|error| {
                unavailable(format!(
                    "could not run its `ProxyCommand` `{command}`: {error}"
                ))
            })?;
            Ok((stream.into(), Some(proxy)))
        }
    }
}

/// Tells what a handshake that failed means.
fn unopened(
    error: &ssh2::Error,
    target: &HostTarget,
    mut proxy: Option<&mut ProxyProcess>,
) -> SessionError {
    let said = error.message();
    let failed = |message: String| {
        let error = unavailable(message.clone());
        explained(error, Voice::Handshake, &message, target)
    };
    let (has_hung_up, has_timed_out) = match error.code() {
        ErrorCode::Session(code) => (HUNG_UP.contains(&code), TIMED_OUT.contains(&code)),
        ErrorCode::SFTP(_) => (false, false),
    };
    if has_hung_up
        && let Some(proxy) = proxy.as_deref_mut()
        && let Some(error) = proxy_failure(target, proxy)
    {
        return SessionError::Failed(error);
    }
    if has_hung_up {
        return SessionError::Dropped(unavailable(format!(
            "it closed the connection during the handshake: {said}"
        )));
    }
    if has_timed_out {
        let time = target.patience.as_secs_f32();
        if let Some(proxy) = proxy {
            let said = proxy.said_so_far();
            let said = said.map_or_else(|| "nothing".to_owned(), |said| format!("`{said}`"));
            let message = format!(
                "its `ProxyCommand` did not connect within {time} s; on standard error it said {said}"
            );
            return SessionError::Failed(unavailable(message).hinted(proxy_hint(target)));
        }
        return SessionError::Failed(failed(format!(
            "it accepted the connection and then did not respond for {time} s"
        )));
    }
    let failure = failed(format!("the handshake failed: {said}"));
    if said.contains(NOTHING_IN_COMMON) {
        SessionError::NothingInCommon(failure)
    } else {
        SessionError::Failed(failure)
    }
}

/// The error for a command that failed. One that ended well has been hung up on, as hosts do that are crowded.
fn proxy_failure(target: &HostTarget, proxy: &mut ProxyProcess) -> Option<Error> {
    let status = proxy.ended().filter(|status| !status.success())?;
    let said = proxy.said().unwrap_or_else(|| "it said nothing".to_owned());
    let error = unavailable(format!("its `ProxyCommand` failed ({status}): {said}"));
    Some(error.hinted(proxy_hint(target)))
}

fn proxy_hint(target: &HostTarget) -> String {
    let command = target.proxy.as_deref().unwrap_or_default();
    format!("`{command}` must connect to its sshd and then print a line `SSH-2.0-…`")
}

/// Connects to the first address that answers.
fn connect(target: &HostTarget) -> Result<TcpStream, Error> {
    let end = Instant::now() + target.patience;
    let (host, port) = (&target.host, target.port);
    let addresses = (host.as_str(), port).to_socket_addrs().map_err(|error| {
        let said = error.to_string();
        let error = unavailable(format!("could not resolve `{host}`: {said}"));
        explained(error, Voice::Resolver, &said, target)
    })?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        let left = end.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(100));
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                if let Err(error) = care_for(&stream) {
                    tracing::debug!("could not set keepalives on a connection: {error}");
                }
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    let said = last.to_string();
    let error = unavailable(format!("port {port} of `{host}` does not answer: {said}"));
    Err(explained(error, Voice::Network, &said, target))
}

/// Lets the system notice when the other side is cut off.
fn care_for(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(IDLE / 2);
    socket.set_tcp_keepalive(&keepalive.with_retries(ASKS))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(IDLE * 3))?;
    Ok(())
}
