//! What decides how things are said: how much of it, in which form and colours, and who reads it.

use std::io::{self, IsTerminal as _};

use crate::cli::{ColorArg, FormatArg};

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors, and nothing else (`-q`).
    Quiet,
    /// What happens, with bars on a terminal.
    #[default]
    Normal,
    /// What gharun decides, too (`-v`).
    Debug,
    /// Everything gharun knows, and what the crates below it think important (`-vv`).
    Trace,
    /// What the crates below it decide, too (`-vvv`).
    Everything,
}

impl Verbosity {
    /// Counts flags; each `-q` takes one `-v` back.
    pub fn of(verbose: u8, quiet: u8) -> Self {
        match i16::from(verbose) - i16::from(quiet) {
            ..0 => Self::Quiet,
            0 => Self::Normal,
            1 => Self::Debug,
            2 => Self::Trace,
            _ => Self::Everything,
        }
    }
}

/// Which of the three streams are terminals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminals {
    /// Standard input: somebody can answer.
    pub stdin: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error: bars can be drawn, and questions be asked.
    pub stderr: bool,
}

impl Terminals {
    /// Asks the system about the streams of this process.
    pub fn of_this_process() -> Self {
        Self {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        }
    }
}

/// All that decides how things are said. `settings` and `cli` know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UiOptions {
    /// How much is said.
    pub verbosity: Verbosity,
    /// When colours are used.
    pub color: ColorArg,
    /// The form of data.
    pub format: FormatArg,
    /// Which streams are terminals.
    pub terminals: Terminals,
    /// Whether a runner listens to standard error: then nothing we print may look like a command,
    /// and warnings and failures are left to `actions`, which annotates the run with them.
    pub actions: bool,
}
