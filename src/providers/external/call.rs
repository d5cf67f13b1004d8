//! One call of the program: a process group of its own, with bounds on its time and its output.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::model::text::{cut, one_line};
use crate::model::{Secret, child};

/// The most that a call may print.
const OUTPUT: usize = 1 << 20;
/// As much of what it complains about is kept, in bytes, and as much of that is told, in lines and in bytes.
const COMPLAINTS: usize = 16 << 10;
const TOLD_LINES: usize = 3;
const TOLD: usize = 400;
/// How long its output may stay open after its end: what left its process group may hold it.
const DRAINS: Duration = Duration::from_secs(1);
/// How long a program has to clear up after itself when it is told to end, before it is killed.
const PARTS: Duration = Duration::from_secs(5);
/// How often a program is started whose file is being written.
const BUSY: u32 = 50;
/// The shortest word of a boot script that is looked for in complaints: shorter ones are no secrets.
const LONG: usize = 20;

/// What a program sees of our environment, beside what its table names.
const PASSED: [&str; 12] = [
    "HOME",
    "LANG",
    "PATH",
    "TMPDIR",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// A program, with what every call of it has.
pub(super) struct Program {
    /// The program and its first arguments.
    pub(super) words: Vec<String>,
    /// Where it runs; else where gharun does. What is run in a folder that others wrote must not find its own files there.
    pub(super) folder: Option<PathBuf>,
    /// The variables that are its own.
    pub(super) env: Vec<(String, Secret)>,
    /// The variables of our environment that it may see.
    pub(super) passed: Vec<String>,
    /// What it must not say.
    pub(super) secrets: Vec<Secret>,
}

/// What is asked of it.
pub(super) struct Call<'a> {
    /// The verb and what belongs to it.
    pub(super) words: &'a [&'a str],
    /// Further variables.
    pub(super) env: Vec<(&'static str, String)>,
    /// What it reads; without it, nothing.
    pub(super) stdin: Option<&'a Secret>,
    /// How long it may take.
    pub(super) within: Duration,
}

/// A call that came to its end.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    /// How it ended, for people.
    status: ExitStatus,
    /// What it printed.
    pub(super) stdout: Vec<u8>,
    /// The end of what it complained about, on one line.
    pub(super) said: String,
    /// Whether it left some of its standard input unread.
    pub(super) unread: bool,
    /// What it must not say.
    hidden: Vec<Secret>,
}

impl Answer {
    /// A part of what it printed, without what must not be shown.
    pub(super) fn hide(&self, text: &str) -> String {
        hide(&self.hidden, text)
    }
}

impl fmt::Display for Answer {
    /// `failed with exit status: 1: no such image`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with {}", self.status)?;
        if self.said.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.said)
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// It never began.
    Unstarted(io::Error),
    /// It was ended, or got lost, and how far it came is unknown; why.
    Lost(String),
}

impl Program {
    /// Calls it. Whatever is left of its process group when this returns, or is dropped, is ended.
    ///
    /// # Errors
    ///
    /// See [`NoAnswer`].
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, NoAnswer> {
        let (program, first) = self.words.split_first().expect("it was checked");
        let passed = self.passed.iter().map(String::as_str);
        let passed: Vec<&str> = PASSED.into_iter().chain(passed).collect();
        let mut command = Command::new(program);
        child::pass_on(&mut command, &passed);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
            .args(first)
            .args(call.words)
            .env("GHARUN_PROTOCOL", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value.expose())))
            .envs(call.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for us, and what it starts ends with it.
            .process_group(0)
            .kill_on_drop(true);
        let unstarted = NoAnswer::Unstarted;
        let input = match call.stdin {
            Some(text) => Some((Input::of(&mut command).map_err(unstarted)?, text)),
            None => None,
        };
        let mut child = spawn(&mut command).await.map_err(unstarted)?;
        drop(command); // It holds the end of the pipe that the program reads.
        let group = Group::of(&child);
        let answer = self.answer(&mut child, &group, input, call.within).await;
        drop(group);
        answer
    }

    async fn answer(
        &self,
        child: &mut Child,
        group: &Group,
        input: Option<(Input, &Secret)>,
        within: Duration,
    ) -> Result<Answer, NoAnswer> {
        let (stdout, stderr) = (RefCell::default(), RefCell::default());
        let fed = Cell::new(false);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (sender, left, text) = match input {
            Some((Input { sender, left }, text)) => (Some(sender), Some(left), Some(text)),
            None => (None, None, None),
        };
        let feeding = async {
            if let Some((mut sender, text)) = sender.zip(text) {
                // One that reads no further says by its exit code what that means.
                fed.set(sender.write_all(text.expose().as_bytes()).await.is_ok());
            }
            Ok(())
        };
        let mut streams = pin!(async {
            let out = keep_begin(out, &stdout);
            tokio::try_join!(feeding, out, keep_end(err, &stderr)).map(drop)
        });
        let hidden = self.hidden(text);
        let mut open = true;
        let ended = timeout(within, async {
            tokio::select! {
                status = child.wait() => return Ok(status),
                flood = &mut streams => {
                    open = false;
                    flood?;
                }
            }
            Ok(child.wait().await)
        });
        let status = match ended.await {
            Ok(Ok(status)) => status.map_err(|error| NoAnswer::Lost(error.to_string()))?,
            Ok(Err(Flood)) => {
                group.signal(Signal::TERM);
                let _ = timeout(PARTS, child.wait()).await;
                return Err(flooded());
            }
            Err(_) => {
                // What it says meanwhile is still read, as it may wait for that.
                group.signal(Signal::TERM);
                let reads = async {
                    if open {
                        let _ = streams.await;
                    }
                    pending::<()>().await;
                };
                tokio::select! {
                    _ = timeout(PARTS, child.wait()) => {}
                    () = reads => {}
                }
                let said = told(&hidden, &stderr.borrow());
                let colon = if said.is_empty() { "" } else { ": " };
                let seconds = within.as_secs_f32();
                let why = format!("did not end within {seconds} s and was killed{colon}{said}");
                return Err(NoAnswer::Lost(why));
            }
        };
        group.end();
        if open {
            match timeout(DRAINS, &mut streams).await {
                Ok(Err(Flood)) => return Err(flooded()),
                Ok(Ok(())) => {}
                Err(_) => tracing::debug!("what the program started still holds its output"),
            }
        }
        let unread = left.is_some_and(|left| !fed.get() || holds_something(&left));
        let said = told(&hidden, &stderr.borrow());
        Ok(Answer {
            code: status.code(),
            status,
            stdout: stdout.take(),
            said,
            unread,
            hidden,
        })
    }

    /// What it must not say: its secrets, and the longer words of a boot script.
    fn hidden(&self, boot: Option<&Secret>) -> Vec<Secret> {
        let words = boot.map(Secret::expose).unwrap_or_default();
        let words = words.split(|c: char| c.is_whitespace() || "'\"=;".contains(c));
        let words = words.filter(|word| word.len() >= LONG).map(Secret::new);
        let whole = self.secrets.iter().map(Secret::expose);
        // Where only a part of a key is printed.
        let lines = whole.clone().flat_map(str::lines);
        let lines = lines.filter(|line| line.len() >= LONG);
        let secrets = whole.filter(|one| !one.is_empty()).chain(lines);
        secrets.map(Secret::new).chain(words).collect()
    }
}

fn hide(hidden: &[Secret], text: &str) -> String {
    let mut text = text.to_owned();
    for one in hidden.iter().map(Secret::expose) {
        if text.contains(one) {
            text = text.replace(one, "***");
        }
    }
    text
}

/// The last lines of what a program complained about, without what must not be shown.
fn told(hidden: &[Secret], stderr: &[u8]) -> String {
    let text = hide(hidden, &String::from_utf8_lossy(stderr));
    let lines: Vec<String> = text.lines().map(one_line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let said: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let last = &said[said.len().saturating_sub(TOLD_LINES)..];
    cut(&last.join("; "), TOLD)
}

/// Starts a program, and again where its file is still being written.
async fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                sleep(Duration::from_millis(20)).await;
            }
            spawned => return spawned,
        }
    }
    command.spawn()
}

/// What a program reads, with an end of ours that tells what it left.
struct Input {
    sender: pipe::Sender,
    left: io::PipeReader,
}

impl Input {
    fn of(command: &mut Command) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let left = reader.try_clone()?;
        command.stdin(Stdio::from(OwnedFd::from(reader)));
        Ok(Self {
            sender: pipe::Sender::from_owned_fd(OwnedFd::from(writer))?,
            left,
        })
    }
}

/// Whether something is left in a pipe.
fn holds_something(left: &io::PipeReader) -> bool {
    rustix::io::ioctl_fionread(left).is_ok_and(|bytes| bytes > 0)
}

/// It printed more than it may.
struct Flood;

fn flooded() -> NoAnswer {
    NoAnswer::Lost(format!(
        "printed more than {} MiB and was killed",
        OUTPUT >> 20
    ))
}

/// Keeps all that is printed, up to [`OUTPUT`].
async fn keep_begin(
    from: Option<impl AsyncRead + Unpin>,
    kept: &RefCell<Vec<u8>>,
) -> Result<(), Flood> {
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = vec![0; 8 << 10];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut kept = kept.borrow_mut();
        if kept.len() + read > OUTPUT {
            return Err(Flood);
        }
        kept.extend_from_slice(&chunk[..read]);
    }
    Ok(())
}

/// Keeps the last [`COMPLAINTS`] of what is printed.
async fn keep_end(
    from: Option<impl AsyncRead + Unpin>,
    kept: &RefCell<Vec<u8>>,
) -> Result<(), Flood> {
    let Some(mut from) = from else { return Ok(()) };
    let mut chunk = vec![0; 8 << 10];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        let mut kept = kept.borrow_mut();
        kept.extend_from_slice(&chunk[..read]);
        let more = kept.len().saturating_sub(COMPLAINTS);
        kept.drain(..more);
    }
    Ok(())
}

/// The process group of a call. It is ended when this is dropped.
struct Group(Cell<Option<Pid>>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(Cell::new(id.and_then(Pid::from_raw)))
    }

    /// Tells it something, as long as it was not ended.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0.get() {
            let _ = kill_process_group(group, signal);
        }
    }

    /// Ends it, once: its number may be another's later.
    fn end(&self) {
        if let Some(group) = self.0.take() {
            // That all of it is gone already is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}
