//! The only printing: streams, bars, prompts, sanitising.
//!
//! Standard output is data, standard error is everything else. The role of a message is chosen
//! where it is said (`status`, `warning`, `error`, `hint`); stream, style and whether it is shown at
//! all are decided here.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex};

use dialoguer::console::{Style, Term};

pub use crate::cli::{ColorArg, FormatArg};
use crate::model::text::shown;
use crate::model::{Event, Price, causes, lock};

mod board;
mod columns;
mod event;
mod frame;
#[allow(
    dead_code,
    reason = "the tables and rows that are built on it come one by one"
)]
mod line;
mod log;
mod progress;
mod prompt;
mod text;

pub use columns::{Column, Overflow, Row, folded, laid_out};
pub use frame::Frame;
#[allow(unused_imports, reason = "as above")]
pub use line::{ATTENTION, DANGER, DONE, FAILED, Line, NOTHING, Tone, cut, width};
pub use log::Annotate;
pub use prompt::PromptError;

use progress::Progress;

/// A terminal that is narrower breaks lines itself.
const NARROWEST: usize = 20;

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

/// The last screen of what failed, for a person.
#[derive(Clone, Debug, Default)]
pub struct FailureCard {
    /// What failed, in one sentence without its end.
    pub headline: String,
    /// Why, a line each.
    pub causes: Vec<String>,
    /// What would help.
    pub tries: Vec<String>,
    /// What may still be there, and cost money.
    pub left: Vec<String>,
    /// What is left and what was spent, in sentences; may be empty.
    pub end: String,
}

/// The voice of the program. Clones speak through the same streams.
#[derive(Clone)]
pub struct Ui(Arc<UiInner>);

struct UiInner {
    look: UiOptions,
    stdout: Mutex<Box<dyn Write + Send>>,
    stderr: Mutex<Box<dyn Write + Send>>,
    progress: Option<Arc<Progress>>,
    /// Why runners failed whose boot log was shown.
    explained: Mutex<Vec<String>>,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui")
            .field("look", &self.0.look)
            .finish_non_exhaustive()
    }
}

impl Ui {
    /// Speaks through the streams of this process.
    pub fn new(look: UiOptions) -> Self {
        Self::speaking_to(look, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// Speaks through any streams. Bars, where `look` has any, still go to the terminal.
    pub fn speaking_to(
        look: UiOptions,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
    ) -> Self {
        let bars = look.terminals.stderr && look.verbosity == Verbosity::Normal && !look.actions;
        let progress = bars.then(|| Progress::on_stderr(colored(look.color, true)));
        Self::with(look, stdout, stderr, progress)
    }

    fn with(
        look: UiOptions,
        stdout: Box<dyn Write + Send>,
        stderr: Box<dyn Write + Send>,
        progress: Option<Arc<Progress>>,
    ) -> Self {
        Self(Arc::new(UiInner {
            look,
            stdout: Mutex::new(stdout),
            stderr: Mutex::new(stderr),
            progress,
            explained: Mutex::default(),
        }))
    }

    /// Writes data to standard output and ends it with a line end.
    ///
    /// Text from outside in it is made harmless; in JSON by escapes, so that a program reads what it
    /// would have read.
    ///
    /// # Errors
    ///
    /// A reader that has gone away (`| head`) is no error. All others are: the data is lost.
    pub fn data(&self, data: &str) -> io::Result<()> {
        let UiOptions {
            format, actions, ..
        } = self.0.look;
        let mut data = match format {
            FormatArg::Json => text::harmless_json(data),
            FormatArg::Text if actions => text::defused(&shown(data)),
            FormatArg::Text => shown(data),
        };
        if !data.is_empty() && !data.ends_with('\n') {
            data.push('\n');
        }
        self.write_data(&data)
    }

    fn write_data(&self, data: &str) -> io::Result<()> {
        let written = self.aside(|| {
            let mut stdout = lock(&self.0.stdout);
            stdout
                .write_all(data.as_bytes())
                .and_then(|()| stdout.flush())
        });
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                let told = format!("could not write to standard output: {error}");
                Err(io::Error::new(error.kind(), told))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Writes lines to standard output, in colours where they are wanted there, and no wider than the terminal.
    ///
    /// # Errors
    ///
    /// As [`Self::data`].
    pub fn data_lines(&self, lines: &[Line]) -> io::Result<()> {
        let colors = colored(self.0.look.color, self.0.look.terminals.stdout);
        let width = self.data_width();
        let text = self.rendered(lines, colors, width);
        self.write_data(&text)
    }

    /// Says lines on standard error, in colours where they are wanted there, and no wider than the terminal. Not said
    /// with `-q`.
    pub fn lines(&self, lines: &[Line]) {
        if self.0.look.verbosity < Verbosity::Normal || lines.is_empty() {
            return;
        }
        let colors = colored(self.0.look.color, self.0.look.terminals.stderr);
        let text = self.rendered(lines, colors, self.width());
        self.write_aside(&text);
    }

    fn rendered(&self, lines: &[Line], colors: bool, width: Option<usize>) -> String {
        let mut text = String::new();
        for line in lines {
            let line = match width {
                Some(width) => line.clone().cut(width),
                None => line.clone(),
            };
            let line = line.text(colors);
            if self.0.look.actions {
                text.push_str(&text::defused(&line));
            } else {
                text.push_str(&line);
            }
            text.push('\n');
        }
        text
    }

    /// Says what happens. Not said with `-q`.
    pub fn status(&self, message: &str) {
        if self.0.look.verbosity >= Verbosity::Normal {
            self.say(&self.harmless(message));
        }
    }

    /// Says what nobody may miss, also with `-q`, though nothing has failed.
    pub fn notice(&self, message: &str) {
        self.say(&self.harmless(message));
    }

    /// Says what the user should know and that stops nothing. Not said with `-q`.
    pub fn warning(&self, message: &str) {
        if self.0.look.verbosity >= Verbosity::Normal {
            self.labelled("warning", &Style::new().yellow().bold(), message);
        }
    }

    /// Whether what gharun decides is told, too: from `-v` on.
    pub fn tells_details(&self) -> bool {
        self.0.look.verbosity >= Verbosity::Debug
    }

    /// Whether warnings and hints are shown: not with `-q`.
    pub fn shows_warnings(&self) -> bool {
        self.0.look.verbosity >= Verbosity::Normal
    }

    /// Says where more is told, to somebody who sits before a terminal. Not said with `-q`.
    pub fn more(&self, message: &str) {
        if self.0.look.terminals.stderr && self.0.look.verbosity >= Verbosity::Normal {
            self.labelled("more", &Style::new().dim(), message);
        }
    }

    /// Says what can be typed next. Not said with `-q`.
    pub fn hint(&self, message: &str) {
        if self.0.look.verbosity >= Verbosity::Normal {
            self.labelled("hint", &Style::new().cyan().bold(), message);
        }
    }

    /// Says that the program failed: what was tried, the causes, a blank line, and the hints, each
    /// once. All of it also with `-q`. Bars are taken away before.
    pub fn error(&self, error: &dyn StdError, hints: &[String]) {
        self.finish();
        let mut said = vec![error.to_string()];
        self.labelled("error", &Style::new().red().bold(), &said[0]);
        for error in error.source().into_iter().flat_map(causes) {
            let message = error.to_string();
            // Some errors repeat their cause in their own words; reading it twice helps nobody.
            if !said.iter().any(|earlier| earlier.ends_with(&message)) {
                let indented = self.harmless(&message).replace('\n', "\n    ");
                let label = self.styled(&Style::new().red().bold(), "caused by");
                self.say(&format!("  {label}: {indented}"));
                said.push(message);
            }
        }
        let mut given: Vec<&str> = Vec::new();
        for hint in hints {
            if !given.contains(&hint.as_str()) {
                if given.is_empty() {
                    self.say("");
                }
                self.labelled("hint", &Style::new().cyan().bold(), hint);
                given.push(hint);
            }
        }
    }

    /// Says that something failed, as one screen. Bars are taken away before.
    pub fn failed(&self, card: &FailureCard) {
        self.finish();
        let red = Style::new().red().bold();
        let headline = self.harmless(&card.headline);
        self.say(&format!("{} {headline}", self.styled(&red, FAILED)));
        for cause in &card.causes {
            self.say(&format!("    {}", self.harmless(cause)));
        }
        for left in &card.left {
            let sign = self.styled(&red, DANGER);
            self.say(&format!("  {sign} {}", self.harmless(left)));
        }
        for hint in &card.tries {
            let (label, hint) = match hint.strip_prefix("or ") {
                Some(other) => ("or ", other),
                None => ("try", hint.as_str()),
            };
            let label = self.styled(&Style::new().cyan().bold(), label);
            self.hanging(&format!("  {label}  "), &self.harmless(hint));
        }
        if !card.end.is_empty() {
            self.say(&format!("  {}", self.harmless(&card.end)));
        }
    }

    /// Says a text behind a label, under which its further lines do not go.
    fn hanging(&self, label: &str, text: &str) {
        let indent = line::width(label);
        let room = self.width().and_then(|width| width.checked_sub(indent));
        let text = match room {
            Some(room) if room >= NARROWEST => text::folded(text, room),
            _ => text.to_owned(),
        };
        let text = text.replace('\n', &format!("\n{}", " ".repeat(indent)));
        self.say(&format!("{label}{text}"));
    }

    /// Says what happened to a runner: on a terminal its spinner moves and what lasts becomes a
    /// line, elsewhere everything becomes a line.
    ///
    /// # Errors
    ///
    /// None today: what could not be said to the user must not end the work on machines.
    pub fn handle(&self, event: &Event) {
        event::tell(self, event);
    }

    /// Says that what was begun is being undone.
    pub fn undoing(&self, message: &str) {
        self.status(message);
        if let Some(progress) = &self.0.progress {
            progress.undo();
        }
    }

    /// Whether a person looks at standard error, to whom a whole screen can be shown: not in a workflow, and not with
    /// `-q`.
    pub fn shows_screens(&self) -> bool {
        let look = self.0.look;
        look.terminals.stderr && !look.actions && look.verbosity >= Verbosity::Normal
    }

    /// How wide a screen on standard error may be; as wide as most terminals are, where that is not known.
    pub fn screen_width(&self) -> usize {
        self.width().unwrap_or(80)
    }

    /// What prices come to together an hour.
    pub fn sum(prices: &[Price]) -> String {
        board::sum(prices)
    }

    /// Takes all bars away, as before the last words of a command.
    pub fn finish(&self) {
        if let Some(progress) = &self.0.progress {
            progress.clear();
        }
    }

    /// Says a message under a label. Its further lines are indented.
    fn labelled(&self, label: &str, style: &Style, message: &str) {
        let message = self.harmless(message).replace('\n', "\n  ");
        self.say(&format!("{}: {message}", self.styled(style, label)));
    }

    fn styled(&self, style: &Style, text: &str) -> String {
        let UiOptions {
            color, terminals, ..
        } = self.0.look;
        let style = style
            .clone()
            .force_styling(colored(color, terminals.stderr));
        style.apply_to(text).to_string()
    }

    /// Makes text from outside harmless for who reads standard error: a terminal or a runner.
    fn harmless(&self, message: &str) -> String {
        let message = shown(message);
        let message = message.trim_end_matches('\n');
        if self.0.look.actions {
            text::defused(message)
        } else {
            message.to_owned()
        }
    }

    /// How wide standard output is, where it is a terminal.
    pub fn data_width(&self) -> Option<usize> {
        let is_terminal = self.0.look.terminals.stdout && !self.0.look.actions;
        let (_, columns) = is_terminal
            .then(|| Term::stdout().size_checked())
            .flatten()?;
        Some(usize::from(columns)).filter(|columns| *columns >= NARROWEST)
    }

    /// How wide standard error is, where it is a terminal.
    fn width(&self) -> Option<usize> {
        let is_terminal = self.0.look.terminals.stderr && !self.0.look.actions;
        let (_, columns) = is_terminal
            .then(|| Term::stderr().size_checked())
            .flatten()?;
        Some(usize::from(columns)).filter(|columns| *columns >= NARROWEST)
    }

    /// Writes one line, or several, to standard error, past the bars.
    fn say(&self, line: &str) {
        let folded = self.width().map(|width| text::folded(line, width));
        let line = folded.as_deref().unwrap_or(line);
        self.write_aside(&format!("{line}\n"));
    }

    fn write_aside(&self, text: &str) {
        self.aside(|| {
            let mut stderr = lock(&self.0.stderr);
            // In one piece, so that other writers do not get between. When standard error is gone,
            // there is nobody left to tell, and machines still have to be looked after.
            let _ = stderr
                .write_all(text.as_bytes())
                .and_then(|()| stderr.flush());
        });
    }

    /// Does something while no bar is drawn.
    fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0.progress {
            Some(progress) => progress.suspend(write),
            None => write(),
        }
    }
}

fn colored(color: ColorArg, terminal: bool) -> bool {
    match color {
        ColorArg::Always => true,
        ColorArg::Auto => terminal,
        ColorArg::Never => false,
    }
}

#[cfg(test)]
mod tests;
