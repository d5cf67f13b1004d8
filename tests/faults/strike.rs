//! Which request of a flow is struck, by what, and what the gates have to do about it.

use std::fmt;
use std::process::Command;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::Spoil;

/// How late an answer comes that comes late: after the program is dead, and its cure has begun.
const LATE: Duration = Duration::from_millis(2500);

/// What happens at one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stroke {
    /// SIGKILL; the request is not carried out.
    Kill,
    /// SIGTERM; the request is answered.
    Term,
    /// The connection is closed, and for a while every new one.
    Refused,
    /// The connection breaks, and nothing was done.
    ResetBefore,
    /// It is carried out, and the connection breaks.
    ResetAfter,
    /// It is never answered, and nothing was done.
    Timeout,
    /// An error of the server's.
    Status500,
    /// A page of a proxy before the server.
    Html502,
    /// The server is overloaded.
    Status503,
    /// Too many requests.
    Status429,
    /// It is carried out, and half of the answer is missing, though all seems to be there.
    Malformed,
    /// It is carried out, and the answer has no body.
    Empty,
    /// It is carried out, and the connection breaks in the middle of the answer.
    Truncated,
    /// SIGKILL, and the request is carried out after that.
    Late,
    /// The place does not answer any more, until the command has ended.
    PlaceDown,
    /// GitHub does not answer any more, until the command has ended.
    GitHubDown,
    /// Nothing can be written any more, until the command has ended.
    DiskFull,
    /// The same command is started once more.
    Two,
}

impl Stroke {
    pub(crate) const ALL: [Self; 18] = [
        Self::Kill,
        Self::Term,
        Self::Refused,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Timeout,
        Self::Status500,
        Self::Html502,
        Self::Status503,
        Self::Status429,
        Self::Malformed,
        Self::Empty,
        Self::Truncated,
        Self::Late,
        Self::PlaceDown,
        Self::GitHubDown,
        Self::DiskFull,
        Self::Two,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Term => "term",
            Self::Refused => "refused",
            Self::ResetBefore => "reset-before",
            Self::ResetAfter => "reset-after",
            Self::Timeout => "timeout",
            Self::Status500 => "500",
            Self::Html502 => "502-html",
            Self::Status503 => "503",
            Self::Status429 => "429",
            Self::Malformed => "malformed",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Late => "late",
            Self::PlaceDown => "place-down",
            Self::GitHubDown => "github-down",
            Self::DiskFull => "disk-full",
            Self::Two => "two",
        }
    }

    /// Whether the program does not live to see the end of it.
    pub(crate) fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Late)
    }
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Stroke {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|stroke| stroke.word() == text);
        found.ok_or_else(|| format!("`{text}` is not a stroke"))
    }
}

/// Whose request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    GitHub,
    Place,
}

/// What a gate does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    /// Closes the connection.
    Drop,
    Answer(u16, &'static str),
    /// Never answers.
    Hang,
    /// Lets the server carry it out, and closes the connection.
    Lose,
    /// Lets the server carry it out after a while, for nobody.
    Later(Duration),
    /// Lets the server carry it out, and spoils its answer.
    Spoil(Spoil),
}

/// The stroke of a scenario, shared by all gates.
#[derive(Debug, Default)]
pub(crate) struct Strikes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whether requests are counted: while the command of the flow runs.
    counts: bool,
    plan: Option<(usize, Stroke)>,
    /// What was asked so far, in the order in which it came.
    asked: Vec<String>,
    struck: bool,
    down: Vec<Side>,
    /// The process of the command.
    process: Option<u32>,
    /// How many requests are still to be carried out.
    late: usize,
}

impl Strikes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts from now on, and strikes the request with that number.
    pub(crate) fn arm(&self, plan: Option<(usize, Stroke)>) {
        let late = self.state().late;
        *self.state() = State {
            counts: true,
            plan,
            late,
            ..State::default()
        };
    }

    /// Says which process is meant.
    pub(crate) fn aim(&self, process: u32) {
        self.state().process = Some(process);
    }

    /// Lets everything through again; what was asked meanwhile.
    pub(crate) fn disarm(&self) -> Vec<String> {
        let mut state = self.state();
        state.counts = false;
        state.plan = None;
        state.down.clear();
        std::mem::take(&mut state.asked)
    }

    /// Whether the stroke has come.
    pub(crate) fn has_struck(&self) -> bool {
        self.state().struck
    }

    /// Whether nothing is to be carried out any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state().late == 0
    }

    pub(crate) fn late_is_done(&self) {
        self.state().late -= 1;
    }

    pub(crate) fn is_down(&self, side: Side) -> bool {
        self.state().down.contains(&side)
    }

    /// Judges a request.
    pub(crate) fn judge(&self, side: Side, what: &str) -> Verdict {
        let stroke = {
            let mut state = self.state();
            if !state.counts {
                return Verdict::Pass;
            }
            let who = match side {
                Side::GitHub => "GitHub",
                Side::Place => "place",
            };
            state.asked.push(format!("{who}: {what}"));
            let number = state.asked.len();
            match state.plan {
                Some((k, stroke)) if k == number => {
                    state.struck = true;
                    if stroke == Stroke::Late {
                        state.late += 1;
                    }
                    let down = match stroke {
                        Stroke::PlaceDown => Some(Side::Place),
                        Stroke::GitHubDown => Some(Side::GitHub),
                        Stroke::Refused => Some(side),
                        _ => None,
                    };
                    state.down.extend(down);
                    stroke
                }
                _ if state.down.contains(&side) => return Verdict::Drop,
                _ => return Verdict::Pass,
            }
        };
        match stroke {
            Stroke::Kill => self.signal("KILL", Verdict::Drop),
            Stroke::Late => self.signal("KILL", Verdict::Later(LATE)),
            Stroke::Term => self.signal("TERM", Verdict::Pass),
            Stroke::Refused | Stroke::ResetBefore => Verdict::Drop,
            Stroke::ResetAfter => Verdict::Lose,
            Stroke::Timeout => Verdict::Hang,
            Stroke::Status500 => Verdict::Answer(500, "{\"message\":\"struck\"}"),
            Stroke::Html502 => Verdict::Answer(502, "<html><h1>502 Bad Gateway</h1></html>"),
            Stroke::Status503 => Verdict::Answer(503, "{\"message\":\"struck\"}"),
            Stroke::Status429 => Verdict::Answer(429, "{\"message\":\"struck\"}"),
            Stroke::Malformed => Verdict::Spoil(Spoil::Malformed),
            Stroke::Empty => Verdict::Spoil(Spoil::Empty),
            Stroke::Truncated => Verdict::Spoil(Spoil::Truncated),
            Stroke::PlaceDown if side == Side::Place => Verdict::Drop,
            Stroke::GitHubDown if side == Side::GitHub => Verdict::Drop,
            // Whoever plays the flow sees that it has struck, and acts.
            Stroke::PlaceDown | Stroke::GitHubDown | Stroke::DiskFull | Stroke::Two => {
                Verdict::Pass
            }
        }
    }

    /// Nobody refuses for ever.
    pub(crate) fn relent(&self) {
        let mut state = self.state();
        if matches!(state.plan, Some((_, Stroke::Refused))) {
            state.down.clear();
        }
    }

    /// Signals the process, which is known a moment after it was started.
    fn signal(&self, name: &str, then: Verdict) -> Verdict {
        let process = loop {
            if let Some(process) = self.state().process {
                break process;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let sent = Command::new("kill")
            .args([format!("-{name}"), process.to_string()])
            .status();
        sent.expect("`kill` runs");
        then
    }
}
