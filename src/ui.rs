//! The only printing: streams, bars, prompts, sanitising.
//!
//! Standard output is data, standard error is everything else. The role of a message is chosen
//! where it is said (`status`, `warning`, `error`, `hint`); stream, style and whether it is shown at
//! all are decided here.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use dialoguer::console::{Style, Term};

pub use crate::cli::{ColorArg, FormatArg};
use crate::model::text::shown;
use crate::model::{Event, lock};

mod board;
mod columns;
mod event;
mod failure;
mod frame;
mod line;
mod log;
mod options;
mod progress;
mod prompt;
mod text;

pub use columns::{Column, Overflow, Row, folded, laid_out};
pub use failure::FailureCard;
pub use frame::Frame;
pub use line::{ATTENTION, DONE, FAILED, Line, NOTHING, Tone, width};
pub use log::Annotate;
pub use options::{Terminals, UiOptions, Verbosity};
pub use prompt::PromptError;

use progress::Progress;

/// A terminal that is narrower breaks lines itself.
const NARROWEST: usize = 20;

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
