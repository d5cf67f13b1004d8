//! The daemon of another computer, over ssh: `docker system dial-stdio`, as the `docker` command
//! does it, see <https://docs.docker.com/engine/security/protect-access/>.
//!
//! `ssh` reads its own files, so that keys, hosts' aliases and jumps are those of the user. It asks
//! nobody: an unknown host or a locked key is a failure.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::model::{child, lock, text};
use crate::poll::{Backoff, chance};
use bollard::BollardRequest;
use bollard::errors::Error as Wire;
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

/// How many logins are under way at once: `sshd` turns away more than ten by default.
const LOGINS: usize = 4;

/// How long a host is tried again that hangs up before it says who it is.
const CROWDED: Duration = Duration::from_secs(20);

/// The pauses between these tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3));

/// What `ssh` says of a host that hung up so.
const HUNG_UP: [&str; 4] = [
    "exchange_identification",
    "during banner exchange",
    "Connection reset by",
    "Connection closed by",
];

/// How much of what `ssh` says is told, in bytes.
const SAID: u64 = 512;

/// An address without its socket, and the socket's path.
pub(super) fn split(address: &str) -> (&str, Option<&str>) {
    match address.find('/') {
        Some(at) => (&address[..at], Some(&address[at..])),
        None => (address, None),
    }
}

/// A way to a daemon, with the connections that are open and have nothing to do.
#[derive(Debug)]
pub(super) struct SshTransport {
    program: String,
    arguments: Vec<String>,
    idle: Mutex<Vec<SendRequest<Body>>>,
    logins: Semaphore,
}

/// What bollard's requests carry, a type that it does not name.
type Body = <BollardRequest as Carries>::Body;

trait Carries {
    type Body;
}

impl<T> Carries for hyper::Request<T> {
    type Body = T;
}

impl SshTransport {
    /// Prepares a way to `[USER@]HOST[:PORT][/SOCKET]`; nothing is started yet.
    pub(super) fn to(address: &str) -> Self {
        Self::by("ssh", address)
    }

    /// The same by another program.
    pub(super) fn by(program: &str, address: &str) -> Self {
        let mut arguments: Vec<String> = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
            .map(str::to_owned)
            .to_vec();
        let (address, socket) = split(address);
        let (user, host) = match address.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, address),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (host, None),
        };
        for (option, value) in [("-l", user), ("-p", port)] {
            arguments.extend(
                value
                    .map(|value| [option.to_owned(), value.to_owned()])
                    .into_iter()
                    .flatten(),
            );
        }
        let host = host.trim_matches(['[', ']']).to_owned();
        // The other side's shell reads them.
        let socket = socket.map(|path| text::quoted(&format!("unix://{path}")));
        let socket = socket.into_iter().flat_map(|path| ["-H".to_owned(), path]);
        let remote = std::iter::once("docker".to_owned()).chain(socket);
        let remote = remote.chain(["system", "dial-stdio"].map(str::to_owned));
        arguments.extend(["--".to_owned(), host]);
        arguments.extend(remote);
        Self {
            program: program.to_owned(),
            arguments,
            idle: Mutex::default(),
            logins: Semaphore::new(LOGINS),
        }
    }

    /// A client that goes this way.
    pub(super) fn client(self, seconds: u64) -> Result<bollard::Docker, Wire> {
        let way = Arc::new(self);
        bollard::Docker::connect_with_custom_transport(
            move |request: BollardRequest| {
                let way = Arc::clone(&way);
                async move { way.send(request).await }
            },
            Some("http://docker"),
            seconds,
            bollard::API_DEFAULT_VERSION,
        )
    }

    async fn send(&self, mut request: BollardRequest) -> Result<Response<Incoming>, Wire> {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = path.parse()?;
        request
            .headers_mut()
            .insert(HOST, HeaderValue::from_static("docker"));
        let (mut sender, errors) = if let Some(sender) = self.idle() {
            (sender, None)
        } else {
            let (sender, errors) = self.open().await?;
            (sender, Some(errors))
        };
        let answer = match sender.ready().await {
            Ok(()) => sender.send_request(request).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(response) => {
                self.lock().push(sender);
                Ok(response)
            }
            Err(error) => Err(match errors {
                Some(errors) => self.failed(errors, &error).await,
                None => error.into(),
            }),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SendRequest<Body>>> {
        lock(&self.idle)
    }

    /// A connection whose last answer was read to its end.
    fn idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.lock();
        idle.retain(|sender| !sender.is_closed());
        let ready = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(ready))
    }

    /// Opens a connection on which the daemon has answered: only then is a login over that counts against the
    /// bound. A host that hangs up before is crowded, and is tried again: nothing was asked of it yet.
    async fn open(&self) -> Result<(SendRequest<Body>, ChildStderr), Wire> {
        // Nobody closes it; and if so, there is no bound.
        let _login = self.logins.acquire().await;
        let end = Instant::now() + CROWDED;
        let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
        loop {
            let (mut sender, errors) = self.dial().await?;
            let answer = match sender.ready().await {
                Ok(()) => sender.send_request(ping()?).await,
                Err(error) => Err(error),
            };
            let error = match answer {
                Ok(_) => return Ok((sender, errors)),
                Err(error) => self.failed(errors, &error).await,
            };
            let pause = pauses.next(chance());
            let said = error.to_string();
            let is_crowded = HUNG_UP.iter().any(|words| said.contains(words));
            if !is_crowded || Instant::now() + pause >= end {
                return Err(error);
            }
            tracing::debug!("the host closed the connection, trying again: {said}");
            sleep(pause).await;
        }
    }

    async fn dial(&self) -> Result<(SendRequest<Body>, ChildStderr), Wire> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        child::withhold_tokens(&mut command);
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("could not run `{}`: {error}", self.program),
            )
        })?;
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let input = child.stdin.take().ok_or_else(broken)?;
        let output = child.stdout.take().ok_or_else(broken)?;
        let errors = child.stderr.take().ok_or_else(broken)?;
        let stream = TokioIo::new(tokio::io::join(output, input));
        let (sender, connection) = handshake(stream).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // Whoever waits for an answer on it is told the same.
                tracing::debug!("a connection over ssh ended: {error}");
            }
            reap(child).await;
        });
        Ok((sender, errors))
    }

    /// Says why a connection ended: in `ssh`'s own words, if it has any.
    async fn failed(&self, errors: ChildStderr, error: &hyper::Error) -> Wire {
        let mut said = Vec::new();
        let mut errors = errors.take(SAID);
        let reading = errors.read_to_end(&mut said);
        let limit = std::time::Duration::from_secs(2);
        // What was said until then is what there is to tell.
        let _ = tokio::time::timeout(limit, reading).await;
        let said = text::one_line(&String::from_utf8_lossy(&said));
        Wire::from(io::Error::other(match said.as_str() {
            "" => format!("`{}` ended: {error}", self.program),
            said => format!("`{}` said: {said}", self.program),
        }))
    }
}

/// A question that any daemon answers, and that has an answer without a body.
fn ping() -> Result<BollardRequest, Wire> {
    let request = hyper::Request::head("/_ping").header(HOST, "docker");
    Ok(request.body(bollard::body_full(hyper::body::Bytes::default()))?)
}

/// Lets `ssh` end by itself, as its input is closed, and then makes it.
async fn reap(mut child: Child) {
    let limit = std::time::Duration::from_secs(2);
    if tokio::time::timeout(limit, child.wait()).await.is_err()
        && let Err(error) = child.kill().await
    {
        tracing::debug!("could not end `ssh`: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_arguments() {
        for (address, expected) in [
            ("build", "-- build docker"),
            ("me@build", "-l me -- build docker"),
            ("me@build:2222", "-l me -p 2222 -- build docker"),
            ("[::1]:22", "-p 22 -- ::1 docker"),
            ("[::1]", "-- ::1 docker"),
            (
                "me@build:22/run/user/1000/docker.sock",
                "-l me -p 22 -- build docker -H 'unix:///run/user/1000/docker.sock'",
            ),
        ] {
            let arguments = SshTransport::to(address).arguments.join(" ");
            let (_, told) = arguments.split_once("ConnectTimeout=20 ").unwrap();
            assert_eq!(told, format!("{expected} system dial-stdio"));
        }
    }
}
