//! Questions: only on a terminal, and a terminal that is left as it was found.

use std::io;
use std::thread;

use dialoguer::console::Term;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Confirm, MultiSelect, Select};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::{Ui, colored};
use crate::model::text::shown;

mod line;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Ctrl-C.
    #[error("interrupted; nothing was changed")]
    Interrupted,
    /// The terminal failed.
    #[error("could not ask a question")]
    Io(#[source] io::Error),
    /// There is nobody to ask: a pipe, a workflow, cron.
    #[error("could not ask `{0}`: this is not a terminal")]
    NotATerminal(String),
}

impl Ui {
    /// Whether a question can be asked at all.
    pub fn can_ask(&self) -> bool {
        let terminals = self.0.look.terminals;
        terminals.stdin && terminals.stderr
    }

    /// Asks for yes or no; Enter alone is no.
    pub async fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        let theme = self.theme();
        self.ask(question, move |question| {
            Confirm::with_theme(&*theme)
                .with_prompt(question)
                .default(false)
                .interact()
        })
        .await
    }

    /// Asks for one of `choices`, which must not be empty, and returns its place in the list; the
    /// first is the default. Esc is an interruption.
    pub async fn select(&self, question: &str, choices: &[String]) -> Result<usize, PromptError> {
        let theme = self.theme();
        let choices: Vec<String> = choices.iter().map(|choice| one_line(choice)).collect();
        self.ask(question, move |question| {
            Select::with_theme(&*theme)
                .with_prompt(question)
                .items(&choices)
                .default(0)
                .interact_opt()
                .and_then(unless_left)
        })
        .await
    }

    /// Asks for one or more of `choices`, which must not be empty, and returns their places in the list. Esc is an
    /// interruption.
    pub async fn select_some(
        &self,
        question: &str,
        choices: &[String],
    ) -> Result<Vec<usize>, PromptError> {
        let theme = self.theme();
        let choices: Vec<String> = choices.iter().map(|choice| one_line(choice)).collect();
        self.ask(question, move |question| {
            loop {
                let some = MultiSelect::with_theme(&*theme)
                    .with_prompt(&question)
                    .items(&choices)
                    .interact_opt()
                    .and_then(unless_left)?;
                if !some.is_empty() {
                    return Ok(some);
                }
            }
        })
        .await
    }

    /// Asks for a line of text; Enter alone takes the default, if there is one. `check` says what is wrong with a text,
    /// which is then asked for again. It is shown while it is typed: for secrets ask for the name of the variable that
    /// holds them.
    pub async fn line(
        &self,
        question: &str,
        default: Option<&str>,
        check: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Result<String, PromptError> {
        let styled = colored(self.0.look.color, true);
        let default = default.map(str::to_owned);
        let check: line::Check = Box::new(check);
        self.ask(question, move |question| {
            line::line(&question, default.as_deref(), &check, styled)
        })
        .await
    }

    fn theme(&self) -> Box<dyn Theme + Send> {
        if colored(self.0.look.color, true) {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: &str,
        dialog: impl FnOnce(String) -> dialoguer::Result<T> + Send + 'static,
    ) -> Result<T, PromptError> {
        let question = shown(question);
        if !self.can_ask() {
            return Err(PromptError::NotATerminal(question));
        }
        self.finish();
        // From here on Ctrl-C does not kill us in the middle of a dialog, which hides the cursor.
        let mut interrupt = signal(SignalKind::interrupt()).map_err(PromptError::Io)?;
        let _cursor = Cursor;
        let (answer, answered) = oneshot::channel();
        // Not a thread of the runtime, whose end would wait for a key to be pressed.
        thread::Builder::new()
            .name("prompt".to_owned())
            .spawn(move || {
                // Nobody waits any more after an interruption.
                let _ = answer.send(dialog(question));
            })
            .map_err(PromptError::Io)?;
        tokio::select! {
            biased;
            answer = answered => match answer {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(dialoguer::Error::IO(error))) => Err(match error.kind() {
                    io::ErrorKind::Interrupted => PromptError::Interrupted,
                    _ => PromptError::Io(error),
                }),
                Err(_) => Err(PromptError::Io(io::Error::other("the dialog panicked"))),
            },
            _ = interrupt.recv() => {
                // The cursor stands behind the question. A terminal that is gone needs no new line.
                let _ = Term::stderr().write_line("");
                Err(PromptError::Interrupted)
            }
        }
    }
}

/// A choice that was left with Esc is an interruption.
fn unless_left<T>(chosen: Option<T>) -> dialoguer::Result<T> {
    chosen.ok_or_else(|| io::Error::from(io::ErrorKind::Interrupted).into())
}

fn one_line(choice: &str) -> String {
    shown(choice).replace('\n', " ")
}

/// Shows the cursor again, however the question ends.
struct Cursor;

impl Drop for Cursor {
    fn drop(&mut self) {
        // A terminal that is gone has no cursor.
        let _ = Term::stderr().show_cursor();
    }
}
