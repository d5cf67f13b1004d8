//! The way to a host: its one connection, opened when it is needed, and the shell at its end.

use std::fmt;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::super::{Broken, Output, Shell};
use super::answers::{Voice, explained};
use super::auth::too_many_keys;
use super::connection::Connection;
use super::failure::{denied, unavailable, unreached};
use super::session::{SessionError, SessionOptions, SessionStream, open};
use super::target::HostTarget;
use super::{offers, session};
use crate::model::{chain, lock, random};
use crate::poll::chance;
use crate::providers::{Error, Result};

/// How long a host is tried again that hangs up before it says who it is.
const CROWDED: Duration = Duration::from_secs(20);

/// How long a host is waited for that is being reached over the same connection.
const PATIENT: Duration = Duration::from_millis(500);

/// What the far side is asked to run, in any user's shell: words between single quotes, and of the
/// signs in them none that some shell would take for its own. All that matters comes by its input.
pub(super) const COMMAND: &str = "exec sh -c 'IFS= read -r line && eval \"$line\"'";
/// The same as root.
const COMMAND_AS_ROOT: &str = "exec sudo -n -H sh -c 'IFS= read -r line && eval \"$line\"'";

/// The first line: hands over to a shell with nothing of the login's environment but what a job may
/// see. Values go through a pipe, since arguments are for all to see. Whose `sudo` this is is for the script alone.
const SCRUB: &str = r#"exec 4<&0; { for name in HOME LANG LC_ALL LC_CTYPE LC_MESSAGES LOGNAME NODE_EXTRA_CA_CERTS SHELL SSL_CERT_DIR SSL_CERT_FILE TMPDIR TZ USER ALL_PROXY HTTPS_PROXY HTTP_PROXY NO_PROXY all_proxy https_proxy http_proxy no_proxy; do eval "printf '%s\n' \"\${$name+$name=\$$name}\""; done; printf '%s\n' "-${SUDO_UID-}"; } | env -i "PATH=${PATH-/usr/local/bin:/usr/bin:/bin}" sh -c 'while IFS= read -r line; do case $line in [A-Za-z]*=*) export "$line" ;; -*) SUDO_UID=${line#-} ;; esac; done <&3; exec 3<&-; IFS= read -r line && eval "$line"' 3<&0 <&4 4<&-"#;

/// The second line, before the mark: reads a script up to the mark, with `read`, which takes not a
/// byte more than a line, and leaves the rest of the input to the script. Before the script says anything, it tells that it
/// begins, in words that nobody else can know, on a line of their own.
const LOAD: &str = r#"line=$(printf '\nx'); newline=${line%x}; script=; while IFS= read -r line && [ "$line" != "$mark" ]; do script=$script$line$newline; done; [ "$line" = "$mark" ] || exit 1; printf '\n%s\n' "$mark-begins"; unset line newline mark; eval "$script""#;

/// How many keys that are not used here are told, the first ones.
const MOST_UNUSED: usize = 3;

/// The way to a host.
#[derive(Clone)]
pub(super) struct Route(Arc<RouteInner>);

struct RouteInner {
    target: HostTarget,
    manner: SessionOptions,
    sudo: bool,
    /// The way to the host on the way.
    jump: Option<Route>,
    /// Why it must not be asked.
    refusal: Option<Error>,
    state: Mutex<RouteState>,
    /// Held while a host behind this one is being reached over the connection: libssh2 opens one
    /// channel at a time, and a host that does not answer keeps it at that for minutes.
    bridging: Mutex<()>,
    /// A port of the host's loopback that leads to one of ours, on every connection.
    forward: Lock<Option<(u16, u16)>>,
}

#[derive(Default)]
struct RouteState {
    line: Option<Arc<Connection>>,
    /// What came of the last attempt that failed, and when it did.
    failed: Option<(Instant, Error)>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.0.target).finish()
    }
}

impl Route {
    /// The way to a host; nothing is opened yet. `jump` leads to the host on the way.
    pub(super) fn to(
        target: HostTarget,
        manner: SessionOptions,
        sudo: bool,
        jump: Option<Self>,
    ) -> Self {
        Self::of(target, manner, sudo, jump, None)
    }

    /// The way to a host that must not be asked, and why.
    pub(super) fn refused(target: HostTarget, manner: SessionOptions, why: Error) -> Self {
        Self::of(target, manner, false, None, Some(why))
    }

    fn of(
        target: HostTarget,
        manner: SessionOptions,
        sudo: bool,
        jump: Option<Self>,
        refusal: Option<Error>,
    ) -> Self {
        Self(Arc::new(RouteInner {
            target,
            manner,
            sudo,
            jump,
            refusal,
            state: Mutex::default(),
            bridging: Mutex::default(),
            forward: Lock::new(None),
        }))
    }

    pub(super) fn target(&self) -> &HostTarget {
        &self.0.target
    }

    /// Why it must not be asked, where that is so.
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.0.refusal.as_ref()
    }

    /// Lets a port of the host's loopback lead to one of ours, from now on.
    pub(super) async fn forward(&self, remote: u16, local: u16) -> Result<(), Error> {
        let line = self.line().await?;
        listen(&line, remote, local).await?;
        *self.wanted_forward() = Some((remote, local));
        Ok(())
    }

    fn wanted_forward(&self) -> std::sync::MutexGuard<'_, Option<(u16, u16)>> {
        lock(&self.0.forward)
    }

    /// The connection, opened if there is none. Whoever comes while one is being opened shares what
    /// comes of it; whoever leaves meanwhile does not spoil it for the others.
    async fn line(&self) -> Result<Arc<Connection>, Error> {
        let way = self.clone();
        let asked = Instant::now();
        let shared = tokio::spawn(async move {
            let mut state = way.0.state.lock().await;
            if let Some(line) = state.line.as_ref().filter(|line| line.is_usable()) {
                return Ok(Arc::clone(line));
            }
            if let Some((at, failure)) = state.failed.as_ref().filter(|(at, _)| *at >= asked) {
                tracing::trace!("an attempt failed {:?} ago", at.elapsed());
                return Err(failure.clone());
            }
            state.line = None;
            match way.connect().await {
                Ok(line) => {
                    let line = Arc::new(line);
                    state.line = Some(Arc::clone(&line));
                    state.failed = None;
                    Ok(line)
                }
                Err(failure) => {
                    state.failed = Some((Instant::now(), failure.clone()));
                    Err(failure)
                }
            }
        });
        let ended = |error: tokio::task::JoinError| unavailable(error.to_string());
        shared.await.map_err(ended)?
    }

    /// Opens a connection; tries again while the host is crowded.
    fn connect(&self) -> BoxFuture<'_, Result<Connection, Error>> {
        // In a box, since the way may lead over another one of its kind.
        Box::pin(async move {
            if let Some(why) = self.refusal() {
                return Err(why.clone());
            }
            let end = Instant::now() + CROWDED;
            let mut pause = Duration::from_millis(150);
            // After how many keys the login was cut.
            let mut cut_after = 0;
            loop {
                let failure = match self.attempt().await {
                    Ok(line) => break self.prepared(line).await,
                    Err(SessionError::Failed(failure)) => return Err(self.with_unused(failure)),
                    Err(SessionError::NothingInCommon(failure)) => {
                        let failure = self.with_offers(failure).await;
                        return Err(self.with_unused(failure));
                    }
                    Err(SessionError::Dropped(failure)) => failure,
                    // A net does not break after the same key twice.
                    Err(SessionError::LoginCut(keys, failure)) if keys > 1 && keys == cut_after => {
                        return Err(self.with_unused(too_many_keys(failure)));
                    }
                    Err(SessionError::LoginCut(keys, failure)) => {
                        cut_after = keys;
                        failure
                    }
                };
                let now = pause.mul_f64(0.5 + chance());
                if Instant::now() + now >= end {
                    return Err(self.with_unused(failure));
                }
                let (host, why) = (self.host(), chain(&failure));
                tracing::debug!("{host} closed the connection, trying again: {why}");
                sleep(now).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
        })
    }

    async fn prepared(&self, line: Connection) -> Result<Connection, Error> {
        let wanted = *self.wanted_forward();
        if let Some((remote, local)) = wanted {
            listen(&line, remote, local).await?;
        }
        Ok(line)
    }

    async fn attempt(&self) -> Result<Connection, SessionError> {
        let inner = &self.0;
        let (over, wire) = self.wire().await.map_err(SessionError::Failed)?;
        let (target, manner) = (inner.target.clone(), inner.manner.clone());
        let opening = Connection::open(over, move || open(&target, &manner, wire));
        // Each step has its own limit; an agent and a resolver have none.
        let limit = inner.target.patience * 4 + Duration::from_secs(5);
        timeout(limit, opening).await.unwrap_or_else(|_| {
            let message = format!("could not set up a session within {} s", limit.as_secs());
            Err(SessionError::Failed(unavailable(message)))
        })
    }

    /// What a session with the host can speak over, and the connection that carries it, where one does.
    async fn wire(&self) -> Result<(Option<Arc<Connection>>, SessionStream), Error> {
        let inner = &self.0;
        let Some(jump) = &inner.jump else {
            return Ok((None, SessionStream::Own));
        };
        let by = |failure: Error| failure.while_trying(format!("{} on the way", jump.host()));
        // Who would have to wait takes a connection of its own.
        let free = timeout(PATIENT, jump.0.bridging.lock()).await;
        let over = match &free {
            Ok(_) => jump.line().await,
            Err(_) => jump.connect().await.map(Arc::new),
        };
        let over = over.map_err(by)?;
        let pair = UnixStream::pair();
        let (ours, theirs) = pair.map_err(|error| unavailable(error.to_string()))?;
        let HostTarget { host, port, .. } = &inner.target;
        let bridged = timeout(inner.target.patience, over.bridge(host, *port, theirs)).await;
        if bridged.is_err() {
            // It goes on trying, and takes nothing new meanwhile.
            over.retire();
        }
        drop(free);
        let bridged = bridged.unwrap_or_else(|_| Err("nothing is listening there".into()));
        bridged.map_err(|why| {
            let message = format!("could not reach port {port} of `{host}` from there: {why}");
            by(unavailable(message))
        })?;
        Ok((Some(over), SessionStream::Bridge(ours)))
    }

    /// Adds what the host offers, which it says before anything is agreed on.
    async fn with_offers(&self, failure: Error) -> Error {
        let Ok((over, wire)) = self.wire().await else {
            return failure;
        };
        let target = self.0.target.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let (stream, _proxy) = session::connected(&target, wire).ok()?;
            offers::lacking(stream, target.patience)
        });
        let lacking = asked.await.ok().flatten();
        drop(over);
        match lacking {
            Some(lacking) => failure.because(lacking),
            None => failure,
        }
    }

    /// Adds what of the ssh configuration is not used here, and may be missed.
    fn with_unused(&self, failure: Error) -> Error {
        let unused = self.0.target.unused.iter().take(MOST_UNUSED);
        unused.fold(failure, |failure, unused| {
            failure.hinted(format!("gharun does not use {unused}"))
        })
    }
}

async fn listen(line: &Connection, remote: u16, local: u16) -> Result<(), Error> {
    line.listen(remote, local).await.map_err(|why| {
        denied(format!("it refused to forward its port {remote}: {why}"))
            .hinted("set `AllowTcpForwarding yes` in its sshd_config")
    })
}

/// What a script is sent in; its own input comes after it.
pub(super) fn envelope(script: &str, mark: &str) -> Vec<u8> {
    format!("{SCRUB}\nmark={mark}; {LOAD}\n{script}\n{mark}\n").into_bytes()
}

/// Takes away what start-up files of the login's shell have said before a script began.
fn without_greeting(output: &mut Output, mark: &str) {
    let begins = format!("\n{mark}-begins\n");
    let mut windows = output.stdout.windows(begins.len());
    if let Some(at) = windows.position(|window| window == begins.as_bytes()) {
        output.stdout.drain(..at + begins.len());
    }
}

/// Whether `sudo` refused to run a script. What it says on standard error is no verdict, since it warns there,
/// too: a script that began has said so.
fn is_refused(output: &Output) -> bool {
    let mut said = output.stdout.split(|byte| *byte == b'\n');
    let by_sudo = output.stderr.windows(5).any(|word| word == b"sudo:");
    by_sudo && !said.any(|line| line == b"gharun")
}

impl Shell for Route {
    #[expect(clippy::misnamed_getters, reason = "people call it as they wrote it")]
    fn host(&self) -> &str {
        &self.0.target.name
    }

    fn explain(&self, error: Error, said: &str) -> Error {
        let error = explained(error, Voice::Shell, said, self.target());
        if !error.hints().is_empty() {
            return error;
        }
        let (ssh, user) = (self.target().log_in(), &self.target().user);
        error.hinted(format!(
            "`{ssh} echo ok` must print `ok`: see what the start-up files of `{user}` there do (`~/.bashrc`, `~/.profile`)"
        ))
    }

    async fn ready(&self) -> Result<()> {
        let line = self.line().await;
        line.map(drop)
            .map_err(|failure| unreached(failure, self.host()))
    }

    async fn run(&self, script: &str, stdin: &[u8]) -> Result<Output, Broken> {
        let mark = format!("gharun-{}", random(24));
        let mut input = envelope(script, &mark);
        input.extend_from_slice(stdin);
        let command = if self.0.sudo {
            COMMAND_AS_ROOT
        } else {
            COMMAND
        };
        let mut again = true;
        loop {
            let unreachable = |failure: Error| Broken::Unreachable(unreached(failure, self.host()));
            let line = self.line().await.map_err(unreachable)?;
            let mut answer = line.run(command, input.clone()).await;
            if let Ok(output) = &mut answer {
                without_greeting(output, &mark);
            }
            match answer {
                Ok(output) if self.0.sudo && is_refused(&output) => {
                    let said = String::from_utf8_lossy(&output.stderr);
                    let failure = denied(said.trim()).about("sudo");
                    let failure = explained(failure, Voice::Sudo, &said, self.target());
                    return Err(Broken::Unreachable(failure));
                }
                // Since it was last used, it was cut without anybody noticing.
                Err(Broken::Refused(_)) if again && !line.is_usable() => again = false,
                outcome => return outcome,
            }
        }
    }
}
