//! One command on a channel, from its opening to its end.

use std::io::{self, Read, Write as _};
use std::time::{Duration, Instant};

use ssh2::Channel;
use tokio::sync::oneshot;

use super::super::{Broken, Output};
use super::link::{Dead, Link, attempt, attempt_io};

/// More than any script says.
const MOST_SAID: usize = 4 * 1024 * 1024;

/// How long a host may take to close a channel that nobody wants any more.
const CLOSING: Duration = Duration::from_secs(5);

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandStage {
    Starting,
    Talking,
    Closing,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepOutcome {
    /// Nothing to do for now.
    Waits,
    Moved,
    /// It is over, and has told so.
    Over,
    /// The host does not give the channel up; the connection is good for nothing new.
    Stuck,
}

pub(super) struct RemoteCommand {
    channel: Channel,
    stage: CommandStage,
    command: &'static str,
    input: Vec<u8>,
    sent: usize,
    fed: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    reply: Option<oneshot::Sender<Result<Output, Broken>>>,
    /// Since when it is to be closed.
    closing: Option<Instant>,
}

impl RemoteCommand {
    pub(super) fn new(
        channel: Channel,
        command: &'static str,
        input: Vec<u8>,
        reply: oneshot::Sender<Result<Output, Broken>>,
    ) -> Self {
        Self {
            channel,
            stage: CommandStage::Starting,
            command,
            input,
            sent: 0,
            fed: false,
            stdout: Vec::new(),
            stderr: Vec::new(),
            reply: Some(reply),
            closing: None,
        }
    }

    fn tell(&mut self, outcome: Result<Output, Broken>) {
        if let Some(reply) = self.reply.take() {
            // Whoever asked may be gone by now.
            let _ = reply.send(outcome);
        }
    }

    /// Tells that the connection is gone.
    pub(super) fn lose(mut self, why: &str) {
        self.tell(Err(Broken::Lost(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            why,
        ))));
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Does what can be done without waiting.
    pub(super) fn step(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        if self.stage != CommandStage::Closing && !self.is_wanted() {
            self.close();
        }
        match self.stage {
            CommandStage::Starting => self.start(link),
            CommandStage::Talking => self.talk(link),
            CommandStage::Closing => self.end(link),
        }
    }

    fn close(&mut self) {
        self.stage = CommandStage::Closing;
        self.closing = Some(Instant::now());
    }

    fn start(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        match attempt(link, || self.channel.exec(self.command))? {
            None => Ok(StepOutcome::Waits),
            Some(Ok(())) => {
                self.stage = CommandStage::Talking;
                Ok(StepOutcome::Moved)
            }
            Some(Err(error)) => {
                let error =
                    io::Error::other(format!("it does not run commands: {}", error.message()));
                self.tell(Err(Broken::Refused(error)));
                self.close();
                Ok(StepOutcome::Moved)
            }
        }
    }

    fn talk(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        let mut moved = self.feed(link)?;
        moved |= listen(link, &mut self.channel.stream(0), &mut self.stdout)?;
        moved |= listen(link, &mut self.channel.stderr(), &mut self.stderr)?;
        if self.stdout.len() + self.stderr.len() > MOST_SAID {
            self.tell(Err(Broken::Lost(io::Error::other(
                "its output was too long",
            ))));
            self.close();
        } else if self.channel.eof() {
            self.close();
            moved = true;
        }
        Ok(if moved {
            StepOutcome::Moved
        } else {
            StepOutcome::Waits
        })
    }

    fn feed(&mut self, link: &Link) -> Result<bool, Dead> {
        if self.fed {
            return Ok(false);
        }
        if let Some(rest) = self.input.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let mut stream = self.channel.stream(0);
            return Ok(match attempt_io(link, || stream.write(rest))? {
                None | Some(Ok(0)) => false,
                Some(Ok(sent)) => {
                    self.sent += sent;
                    true
                }
                Some(Err(error)) => {
                    // A script that has failed does not read to the end; it says itself why. A
                    // connection that is gone is noticed by reading.
                    tracing::debug!("a script was not fed to the end: {error}");
                    self.fed = true;
                    true
                }
            });
        }
        match attempt(link, || self.channel.send_eof())? {
            None => Ok(false),
            Some(ended) => {
                if let Err(error) = ended {
                    tracing::debug!("the end of a script's input was not told: {error}");
                }
                self.fed = true;
                Ok(true)
            }
        }
    }

    fn end(&mut self, link: &Link) -> Result<StepOutcome, Dead> {
        let closed = attempt(link, || self.channel.close())?;
        if closed.is_none() {
            let since = self.closing.get_or_insert_with(Instant::now);
            if since.elapsed() < CLOSING {
                return Ok(StepOutcome::Waits);
            }
        }
        let status = match self.channel.exit_signal() {
            Ok(signal) if signal.exit_signal.is_some() => {
                format!("signal: {}", signal.exit_signal.unwrap_or_default())
            }
            // 0 is also what it is called when the host tells none; a script that ran to its end says so.
            _ => format!("exit status: {}", self.channel.exit_status().unwrap_or(-1)),
        };
        let output = Output {
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            status,
        };
        self.tell(Ok(output));
        Ok(if closed.is_some() {
            StepOutcome::Over
        } else {
            StepOutcome::Stuck
        })
    }
}

/// Reads what is there.
fn listen(link: &Link, stream: &mut impl Read, said: &mut Vec<u8>) -> Result<bool, Dead> {
    let mut moved = false;
    let mut buffer = [0; 16 * 1024];
    while said.len() <= MOST_SAID {
        match attempt_io(link, || stream.read(&mut buffer))? {
            None | Some(Ok(0)) => break,
            Some(Ok(read)) => {
                said.extend_from_slice(&buffer[..read]);
                moved = true;
            }
            Some(Err(error)) => return Err(Dead(error.to_string())),
        }
    }
    Ok(moved)
}
