//! What a workflow step speaks: outputs, masks, groups, annotations, summary.
//!
//! Workflow commands go to standard error: standard output is data for whoever runs us, and the
//! runner reads commands from both streams of a step alike. Who sends the step's standard error
//! elsewhere loses masks and annotations with it.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::fleet::StartOutcome;
use crate::fleet::list::ListOutcome;
use crate::fleet::stop::StopOutcome;
use crate::model::{Error, Event, Exit, Mapping, Secret, lock, random, text};
use crate::report::{Checks, OffersReport};

pub use summary::Rehearsed;

mod command;
mod output;
mod summary;

/// GitHub shows this many annotations of one type for a step, and drops the others in silence.
const ANNOTATIONS: usize = 10;

/// GitHub cuts an annotation's message here; so do we, at a character and with a sign of it.
const MESSAGE: usize = 4096;

/// Masking less than this would star half of every log.
const SHORTEST_MASK: usize = 4;

/// Random characters of a delimiter or a token: too many to be guessed by foreign text.
const TOKEN: usize = 32;

/// How loud an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnnotationLevel {
    /// Worth knowing.
    Notice,
    /// Worth looking after.
    Warning,
    /// Something failed.
    Error,
}

impl fmt::Display for AnnotationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Where a step's words go. `settings` reads it from the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepFiles {
    /// Whether a runner listens to the commands (`GITHUB_ACTIONS=true`). Where none does, no
    /// command is written, but outputs and summary are, if they have a file.
    pub listens: bool,
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_PATH`.
    pub path: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
}

/// The voice of one step.
pub struct Actions {
    step: StepFiles,
    commands: Mutex<Commands>,
}

struct Commands {
    stream: Box<dyn Write + Send>,
    annotated: HashMap<AnnotationLevel, usize>,
    /// What was warned of, and has no row of its own in the summary.
    warnings: Vec<String>,
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions")
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

impl Actions {
    /// Speaks through a step's standard error.
    pub fn new(step: StepFiles) -> Self {
        Self::speaking_to(step, Box::new(io::stderr()))
    }

    /// Speaks to any stream.
    pub fn speaking_to(step: StepFiles, stream: Box<dyn Write + Send>) -> Self {
        Self {
            step,
            commands: Mutex::new(Commands {
                stream,
                annotated: HashMap::new(),
                warnings: Vec::new(),
            }),
        }
    }

    /// Takes an event: masks a secret, rewrites the outputs when the machines change, folds the boot log
    /// of a runner that failed. All other events are for `ui`. Warnings and failures are annotated by the
    /// command, once and whole.
    ///
    /// # Errors
    ///
    /// An error names what could not be written; the operation must end, since a mask or a mapping
    /// that is not written cannot be made up for later.
    pub fn handle(&self, event: &Event) -> io::Result<()> {
        match event {
            Event::Secret(secret) => self.mask(secret),
            Event::Launched { mapping, .. } | Event::Mapping(mapping) => self.set_mapping(mapping),
            Event::Failed {
                name,
                log: Some(log),
                ..
            } => self.group(&format!("The end of the boot log of {name}"), log),
            _ => Ok(()),
        }
    }

    /// Whether a runner listens to what is written.
    pub fn listens(&self) -> bool {
        self.step.listens
    }

    /// Writes the outputs of `start`: `mapping`, `instances`, `label`, `matrix`.
    pub fn set_mapping(&self, mapping: &Mapping) -> io::Result<()> {
        let (machines, labels) = (mapping.to_json(), mapping.labels_json());
        let label = mapping.0.first().map_or("", |(_, name)| name.as_str());
        let matrix = format!("{{\"runner\": {labels}}}");
        self.set_outputs(&[
            ("mapping", &machines),
            ("instances", &labels),
            ("label", label),
            ("matrix", &matrix),
        ])
    }

    /// Writes outputs, all of them or none; the last value of a name wins. Without a file it is
    /// nobody's business.
    ///
    /// # Errors
    ///
    /// An error names the file, or the output whose name is none.
    pub fn set_outputs(&self, outputs: &[(&str, &str)]) -> io::Result<()> {
        let Some(path) = &self.step.output else {
            return Ok(());
        };
        output::append(path, &output::heredocs(outputs, &random(TOKEN))?)
            .map_err(|source| output::lost("the outputs of this step", path, source))
    }

    /// Lets the steps that come find programs in a folder. Without a file it is nobody's business.
    ///
    /// # Errors
    ///
    /// An error names the file.
    pub fn add_to_path(&self, folder: &Path) -> io::Result<()> {
        let Some(path) = &self.step.path else {
            return Ok(());
        };
        output::append(path, &format!("{}\n", folder.display()))
            .map_err(|source| output::lost("the path of the job", path, source))
    }

    /// Hides a value in the logs of this job from now on: the whole of it, and each of its lines.
    /// What is too short to be a secret is not masked.
    ///
    /// A job output that contains a masked value is dropped by GitHub, mapping and all. Hence only
    /// true secrets may be masked: a token, a key, a just-in-time configuration, never a whole boot
    /// script, whose lines are words like `done`.
    pub fn mask(&self, secret: &Secret) -> io::Result<()> {
        let whole = secret.expose().trim();
        let lines = whole.lines().map(str::trim);
        // A single line is its own only line.
        let parts = whole
            .contains('\n')
            .then_some(whole)
            .into_iter()
            .chain(lines);
        for part in parts.filter(|part| part.chars().count() >= SHORTEST_MASK) {
            self.say(&command::command("add-mask", &[], part))?;
        }
        Ok(())
    }

    /// Annotates the run. The title is ours, the message may be foreign.
    ///
    /// Beyond the tenth of a type it becomes an ordinary line of the log.
    pub fn annotate(&self, level: AnnotationLevel, title: &str, message: &str) -> io::Result<()> {
        if !self.step.listens {
            return Ok(());
        }
        let message = text::plain(message);
        let mut commands = self.lock();
        let annotated = commands.annotated.entry(level).or_default();
        if *annotated < ANNOTATIONS {
            *annotated += 1;
            let message = text::cut(&message, MESSAGE);
            let line = command::command(&level.to_string(), &[("title", title)], &message);
            return commands.write(&line);
        }
        commands.write(&command::fenced(
            &format!("{level}: {title}: {message}"),
            &random(TOKEN),
        ))
    }

    /// Annotates the run with a warning, which the summary is to have, too.
    pub fn warn(&self, message: &str) -> io::Result<()> {
        let message = text::plain(message);
        let mut commands = self.lock();
        if !commands.warnings.contains(&message) {
            commands.warnings.push(message.clone());
        }
        drop(commands);
        self.annotate(AnnotationLevel::Warning, "gharun", &message)
    }

    /// Adds what was warned of to the job's summary; where nothing was, nothing.
    pub fn summarise_warnings(&self) -> io::Result<()> {
        let warnings = std::mem::take(&mut self.lock().warnings);
        if warnings.is_empty() {
            return Ok(());
        }
        self.summarise(|room| summary::warnings(&warnings, room))
    }

    /// Folds foreign text under a title of ours.
    pub fn group(&self, title: &str, text: &str) -> io::Result<()> {
        let open = command::command("group", &[], title);
        let body = self.stop_commands(&text::plain(text));
        self.say(&format!("{open}{body}::endgroup::\n"))
    }

    /// Fences foreign text, so that nothing in it is taken for a command. Where no runner listens,
    /// the text is as it was.
    pub fn stop_commands(&self, text: &str) -> String {
        if self.step.listens {
            command::fenced(text, &random(TOKEN))
        } else {
            text.to_owned()
        }
    }

    /// Adds what `start` did to the job's summary, at most what GitHub shows of it; where it did nothing,
    /// nothing.
    pub fn summarise_start(&self, outcome: &StartOutcome) -> io::Result<()> {
        if outcome.planned.is_some() {
            return Ok(());
        }
        self.summarise(|room| summary::start(outcome, room))
    }

    /// Adds what `stop` did to the job's summary, and what it could not look at; where there was nothing
    /// to do, nothing.
    pub fn summarise_stop(&self, stop: &StopOutcome) -> io::Result<()> {
        if stop.is_empty() {
            return Ok(());
        }
        self.summarise(|room| summary::stop(stop, room))
    }

    /// Adds what `list` saw to the job's summary; where there was nothing to see, nothing.
    pub fn summarise_list(&self, list: &ListOutcome) -> io::Result<()> {
        if list.machines.is_empty() && list.unknown.is_empty() {
            return Ok(());
        }
        self.summarise(|room| summary::list(list, room))
    }

    /// Adds what `providers check` found to the job's summary.
    pub fn summarise_checks(&self, checks: &Checks) -> io::Result<()> {
        self.summarise(|room| summary::checks(checks, room))
    }

    /// Adds what `providers offers` found to the job's summary; where there is nothing, nothing.
    pub fn summarise_offers(&self, offers: &OffersReport) -> io::Result<()> {
        if offers.offers.is_empty() && offers.unknown.is_empty() {
            return Ok(());
        }
        self.summarise(|room| summary::offers(offers, room))
    }

    /// Adds what a rehearsal came to to the job's summary.
    pub fn summarise_rehearsal(&self, rehearsal: &Rehearsed<'_>) -> io::Result<()> {
        self.summarise(|room| summary::rehearsal(rehearsal, room))
    }

    /// Adds why a command (`stop`) failed before it had an outcome to the job's summary.
    pub fn summarise_failure(&self, command: &str, error: &Error<Exit>) -> io::Result<()> {
        self.summarise(|room| summary::failure(command, error, room))
    }

    fn summarise(&self, write: impl FnOnce(usize) -> Option<String>) -> io::Result<()> {
        let Some(path) = &self.step.summary else {
            return Ok(());
        };
        let used = std::fs::metadata(path).map_or(0, |about| about.len());
        let used = usize::try_from(used).unwrap_or(usize::MAX);
        let Some(markdown) = write(summary::MOST.saturating_sub(used)) else {
            // Too long a file is not shown at all: then others' part of it would be lost too.
            tracing::warn!("the job summary is full; leaving gharun's part out");
            return Ok(());
        };
        output::append(path, &markdown)
            .map_err(|source| output::lost("the job summary", path, source))
    }

    /// Writes lines of commands, if a runner listens.
    fn say(&self, lines: &str) -> io::Result<()> {
        if self.step.listens {
            self.lock().write(lines)?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Commands> {
        // A count and a stream are whole after every statement.
        lock(&self.commands)
    }
}

impl Commands {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        // In one piece: what others write to the same stream must not get between.
        self.stream.write_all(lines.as_bytes())?;
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests;
