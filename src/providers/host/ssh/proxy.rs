//! A command that is spoken to instead of a port: `ProxyCommand`.

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::text::{cut, one_line};
use crate::model::{child, lock};

/// Runs a command with the socket as its input and output. A second process waits until we are gone, however we end, and
/// then ends the whole group: its input is a pipe to us.
const RUN: &str = r#"exec 3<&0 0<&1
(trap '' HUP INT TERM; exec 0</dev/null 1>/dev/null 2>&1; cat <&3; kill -TERM 0; sleep 1; kill -KILL 0) &
exec 3<&-
eval "exec $1""#;

/// How much of what it says on standard error is kept, in bytes.
const KEPT: usize = 4096;

/// How long its end, and then its last words, are waited for once it has hung up.
const ENDING: Duration = Duration::from_secs(2);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A command that runs, in a process group of its own, which ends with this.
#[derive(Debug)]
pub(super) struct ProxyProcess {
    child: Child,
    /// Its other end notices when this is gone.
    watch: Option<ChildStdin>,
    said: Arc<Mutex<Vec<u8>>>,
    /// Ends when nobody can say more.
    listener: JoinHandle<()>,
}

impl ProxyProcess {
    /// Starts a command, as `sh` reads it; the socket is its input and output.
    pub(super) fn start(command: &str) -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut shell = tokio::process::Command::new("sh");
        child::withhold_tokens(&mut shell);
        shell.args(["-c", RUN, "sh", command]);
        let mut shell = shell.into_std();
        shell
            .stdin(Stdio::piped())
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = shell.spawn()?;
        // It holds our copy of the other end.
        drop(shell);
        let watch = child.stdin.take();
        let mut errors = child.stderr.take().expect("it was asked for");
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let listener = std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(read) = errors.read(&mut buffer) {
                if read == 0 {
                    break;
                }
                let mut kept = lock(&kept);
                kept.extend_from_slice(&buffer[..read]);
                let more = kept.len().saturating_sub(KEPT);
                kept.drain(..more);
            }
        });
        Ok((
            Self {
                child,
                watch,
                said,
                listener,
            },
            ours,
        ))
    }

    /// How it ended, if it has, or does so soon.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        let end = Instant::now() + ENDING;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < end => std::thread::sleep(LOOK),
                Ok(status) => return status,
                Err(error) => {
                    tracing::debug!("could not look at a proxy command: {error}");
                    return None;
                }
            }
        }
    }

    /// The last line that it said on standard error.
    pub(super) fn said(&self) -> Option<String> {
        let end = Instant::now() + ENDING;
        while !self.listener.is_finished() && Instant::now() < end {
            std::thread::sleep(LOOK);
        }
        self.said_so_far()
    }

    /// The same of a command that goes on.
    pub(super) fn said_so_far(&self) -> Option<String> {
        let said = lock(&self.said);
        let text = String::from_utf8_lossy(&said);
        let mut lines = text.lines().rev().map(str::trim);
        let last = lines.find(|line| !line.is_empty())?;
        Some(cut(&one_line(last), 200))
    }
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        // As long as it was not waited for, its number is nobody else's.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            && matches!(self.child.try_wait(), Ok(None))
            && let Err(error) = kill_process_group(group, Signal::TERM)
        {
            tracing::debug!("could not end a proxy command: {error}");
        }
        // Who watches ends what is left of the group.
        drop(self.watch.take());
        if let Err(error) = self.child.wait() {
            tracing::debug!("could not wait for a proxy command: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_command_speaks_through_the_socket_and_its_group_ends_with_it() {
        let (proxy, mut stream) =
            ProxyProcess::start("sh -c 'sleep 300 & echo $!; trap \"\" TERM; cat; wait'").unwrap();
        stream.write_all(b"hello\n").unwrap();
        let mut said = Vec::new();
        let mut byte = [0];
        while !said.ends_with(b"hello\n") {
            stream.read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        let said = String::from_utf8(said).unwrap();
        let sleeper: i32 = said.lines().next().unwrap().parse().unwrap();
        let sleeper = Pid::from_raw(sleeper).unwrap();
        rustix::process::test_kill_process(sleeper).expect("it runs");
        drop(proxy);
        let end = Instant::now() + Duration::from_secs(20);
        while rustix::process::test_kill_process(sleeper).is_ok() {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", sleeper.as_raw_nonzero()));
            if stat.is_ok_and(|stat| stat.contains(") Z ")) {
                break;
            }
            assert!(Instant::now() < end, "it runs on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn what_a_command_says_when_it_fails_is_kept() {
        let (mut proxy, _stream) = ProxyProcess::start("/no/such/program 'a b'").unwrap();
        assert_eq!(proxy.ended().unwrap().code(), Some(127));
        let said = proxy.said().unwrap();
        assert!(said.contains("/no/such/program"), "{said}");
    }
}
