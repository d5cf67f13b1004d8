//! What a command says beside its outcome: on the screen, or in a step as annotations, which the step's log
//! shows as well. Causes and hints are said once.

use std::cell::RefCell;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::explain::sections;
use crate::actions::{Actions, AnnotationLevel};
use crate::cli::FormatArg;
use crate::error::Failure;
use crate::model::{Error, causes, chain};
use crate::report;
use crate::ui::{FailureCard, Line, Ui};

/// Where a command speaks, and what it has said.
#[derive(Debug)]
pub(super) struct Screen {
    ui: Ui,
    actions: Arc<Actions>,
    format: FormatArg,
    said: RefCell<Said>,
}

#[derive(Debug, Default)]
struct Said {
    /// Whole chains of causes.
    causes: Vec<String>,
    hints: Vec<String>,
    /// Whether the outcome was written.
    outcome: bool,
}

impl Screen {
    pub(super) fn new(ui: &Ui, actions: &Arc<Actions>, format: FormatArg) -> Self {
        Self {
            ui: ui.clone(),
            actions: Arc::clone(actions),
            format,
            said: RefCell::default(),
        }
    }

    /// Begins anew: who looks now has not seen what was said before.
    pub(super) fn clear(&self) {
        let mut said = self.said.borrow_mut();
        let outcome = said.outcome;
        *said = Said {
            outcome,
            ..Said::default()
        };
    }

    /// Writes an outcome to standard output in the form that was asked for.
    pub(super) fn data(&self, outcome: &impl Serialize, text: String) -> Result<(), Failure> {
        self.written(|| report::to_json(outcome), text)
    }

    /// Writes an outcome whose text is lines, no wider than a terminal, and below them a text as it is.
    pub(super) fn data_lines(
        &self,
        outcome: &impl Serialize,
        lines: &[Line],
        below: &str,
    ) -> Result<(), Failure> {
        if self.format == FormatArg::Json {
            return self.json(outcome);
        }
        self.said.borrow_mut().outcome = true;
        self.ui.data_lines(lines)?;
        Ok(self.ui.data(below)?)
    }

    /// Writes an outcome to a terminal, for whose width its lines are made, or as JSON.
    pub(super) fn drawn(
        &self,
        outcome: &impl Serialize,
        lines: impl FnOnce() -> Vec<Line>,
    ) -> Result<(), Failure> {
        self.data_lines(outcome, &lines(), "")
    }

    /// Writes what has no other form than JSON.
    pub(super) fn json(&self, outcome: &impl Serialize) -> Result<(), Failure> {
        self.data(outcome, String::new())
    }

    /// Writes one of many outcomes: in JSON each is one line.
    pub(super) fn line(&self, outcome: &impl Serialize, text: String) -> Result<(), Failure> {
        self.written(|| report::to_json_line(outcome), text)
    }

    /// Whether an outcome was written, or was to be.
    pub(super) fn has_outcome(&self) -> bool {
        self.said.borrow().outcome
    }

    fn written(&self, json: impl FnOnce() -> String, text: String) -> Result<(), Failure> {
        self.said.borrow_mut().outcome = true;
        let json = (self.format == FormatArg::Json).then(json);
        Ok(self.ui.data(&json.unwrap_or(text))?)
    }

    /// Says what stops nothing. In a step it is an annotation, and a row of the summary.
    pub(super) fn warn<K: fmt::Debug + 'static>(&self, error: &Error<K>) {
        if self.actions.listens() {
            let (text, fresh) = (self.causes(error), self.hints(error.hints()));
            let text = with_hints(&text, &fresh);
            if let Err(error) = self.actions.warn(&text) {
                tracing::debug!("could not annotate: {error}");
            }
            return;
        }
        self.tell(AnnotationLevel::Warning, error);
    }

    /// Says what stops nothing, and has a row of its own in the summary.
    pub(super) fn warn_of_row<K: fmt::Debug + 'static>(&self, error: &Error<K>) {
        self.tell(AnnotationLevel::Warning, error);
    }

    /// Says that something is left, under a title of its own: what may cost money is to be seen among all else.
    pub(super) fn left(&self, title: &str, error: &Error) {
        if self.actions.listens() {
            let text = with_hints(&chain(error), error.hints());
            if let Err(error) = self
                .actions
                .annotate(AnnotationLevel::Warning, title, &text)
            {
                tracing::debug!("could not annotate: {error}");
            }
            return;
        }
        self.tell(AnnotationLevel::Warning, error);
    }

    /// Says what stops nothing, which a run's page is to show as loud as that.
    pub(super) fn tell<K: fmt::Debug + 'static>(&self, level: AnnotationLevel, error: &Error<K>) {
        if self.actions.listens() {
            return self.annotate_whole(level, error, error.hints());
        }
        if !self.ui.shows_warnings() {
            // What nobody saw was not said.
            return;
        }
        let (text, hints) = (self.causes(error), self.hints(error.hints()));
        self.ui.warning(&text);
        for hint in &hints {
            self.ui.hint(hint);
        }
    }

    /// Says why the command failed.
    pub(super) fn complain(&self, failure: &Failure) {
        self.ui.finish();
        if self.actions.listens() {
            return self.annotate_whole(AnnotationLevel::Error, failure, failure.hints());
        }
        let hints = self.hints(failure.hints());
        self.ui.error(failure, &hints);
        if let Some(name) = sections::about_first(&hints) {
            self.ui.more(&format!("`gharun explain {name}`"));
        }
    }

    /// Says why a start failed to whoever sits at a terminal.
    pub(super) fn failed(&self, card: &FailureCard) {
        self.ui.failed(card);
        if let Some(name) = sections::about_first(&card.tries) {
            self.ui.more(&format!("`gharun explain {name}`"));
        }
    }

    /// Annotates an error. The page of a run shows annotations apart from each other, errors first: one that
    /// fails the command has all of its causes, and a warning those that were not said yet.
    pub(super) fn annotate_whole(
        &self,
        level: AnnotationLevel,
        error: &(dyn StdError + 'static),
        hints: &[String],
    ) {
        let (text, fresh) = (self.causes(error), self.hints(hints));
        match level {
            AnnotationLevel::Error => self.annotate(level, &chain(error), hints),
            AnnotationLevel::Warning | AnnotationLevel::Notice => {
                self.annotate(level, &text, &fresh);
            }
        }
    }

    /// Whether what is said here is shown on a run's page.
    pub(super) fn annotates(&self) -> bool {
        self.actions.listens()
    }

    /// An error with those of its causes that were not said yet.
    pub(super) fn causes(&self, error: &(dyn StdError + 'static)) -> String {
        let mut said = self.said.borrow_mut();
        let mut text: Vec<String> = Vec::new();
        for cause in causes(error) {
            let whole = chain(cause);
            let ends = format!(": {whole}");
            let mut all = said.causes.iter();
            if !text.is_empty() && all.any(|said| *said == whole || said.ends_with(&ends)) {
                text.push("as above".to_owned());
                break;
            }
            let message = cause.to_string();
            // Some errors repeat their cause in their own words; reading it twice helps nobody.
            if !text.last().is_some_and(|last| last.ends_with(&message)) {
                text.push(message);
            }
        }
        said.causes.push(chain(error));
        text.join(": ")
    }

    /// A line for each cause that kept something from being done: whose it is, or of how many of what.
    pub(super) fn lines(&self, groups: &[Group], several: impl Fn(&[String]) -> String) -> String {
        let line = |group: &Group| {
            let mut why = self.causes(&group.error);
            if self.actions.listens() {
                why = chain(&group.error);
            }
            match group.names.as_slice() {
                [name] => format!("\n  {name}: {why}"),
                names => format!("\n  {}: {why}", several(names)),
            }
        };
        groups.iter().map(line).collect()
    }

    /// Those of the hints that were not given yet.
    pub(super) fn hints(&self, hints: &[String]) -> Vec<String> {
        let mut said = self.said.borrow_mut();
        let mut fresh = Vec::new();
        for hint in hints {
            if !said.hints.contains(hint) {
                said.hints.push(hint.clone());
                fresh.push(hint.clone());
            }
        }
        fresh
    }

    /// Shows something on the run's page and in the step's log. That it cannot be shown must not end the
    /// command.
    pub(super) fn annotate(&self, level: AnnotationLevel, text: &str, hints: &[String]) {
        let text = with_hints(text, hints);
        if let Err(error) = self.actions.annotate(level, "gharun", &text) {
            tracing::debug!("could not annotate: {error}");
        }
    }

    /// Adds to the job's summary. That it cannot be written must not end the command.
    pub(super) fn summarise(&self, write: impl FnOnce(&Actions) -> std::io::Result<()>) {
        if let Err(error) = write(&self.actions) {
            let error = Error::from("could not write the job summary").because(error);
            self.warn(&error);
        }
    }
}

/// A text with what helps, a line each.
fn with_hints(text: &str, hints: &[String]) -> String {
    let hints = hints.iter().map(|hint| format!("\nhint: {hint}"));
    text.to_owned() + &hints.collect::<String>()
}

/// Things that share a cause.
pub(super) struct Group {
    /// What they are called.
    pub(super) names: Vec<String>,
    /// Why; of several, in the words that fit all of them.
    pub(super) error: Error,
    cause: String,
}

impl Group {
    /// Puts together what shares a cause: that it names the thing itself, or the request, makes no other of it.
    pub(super) fn all(all: impl IntoIterator<Item = (String, Error)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (name, error) in all {
            let mut cause = chain(&error).replace(&name, "…");
            if let Some(id) = error.request_id() {
                cause = cause.replace(id, "…");
            }
            match groups.iter_mut().find(|group| group.cause == cause) {
                Some(group) => {
                    if chain(&group.error) != cause {
                        let hints = group.error.hints().to_vec();
                        group.error = Error::from(cause).hinted_all(hints);
                    }
                    group.error = group.error.clone().hinted_all(error.hints());
                    group.names.push(name);
                }
                None => groups.push(Self {
                    names: vec![name],
                    error,
                    cause,
                }),
            }
        }
        groups
    }
}
