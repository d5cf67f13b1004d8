//! Module errors become exit codes and hints here.

use std::error::Error as StdError;
use std::fmt;

use crate::providers::{self, ErrorKind};
use crate::{github, settings, state};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed, and nothing of ours is left running (`list`: a source was unreadable).
    Failed,
    /// Interrupted, and proved swept.
    Interrupted,
    /// Machines were kept or may still be running; they are listed.
    Left,
    /// Wrong usage or settings; nothing was tried.
    Usage,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Left => 3,
            Self::Interrupted => 130,
        }
    }
}

/// What a command fails with: how to end, what to say, what to try next.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What was tried, with its causes.
    pub error: Box<dyn StdError>,
    /// What to type or to mend.
    pub hints: Vec<String>,
}

/// A sentence that has no other error behind it, or one that it puts into words.
#[derive(Debug)]
struct Sentence {
    text: String,
    cause: Option<Box<dyn StdError>>,
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Sentence {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref()
    }
}

impl Failure {
    /// A failure in one sentence.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self {
            exit,
            error: Box::new(Sentence {
                text: text.into(),
                cause: None,
            }),
            hints: Vec::new(),
        }
    }

    /// Wrong usage or settings.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// Adds something to type.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what was tried when it happened.
    #[must_use]
    pub fn while_trying(mut self, text: impl Into<String>) -> Self {
        self.error = Box::new(Sentence {
            text: text.into(),
            cause: Some(self.error),
        });
        self
    }

    /// A provider's failure; `origin` tells where a setting stands.
    pub fn of_provider(
        error: providers::Error,
        name: &str,
        origin: impl Fn(&str) -> String,
    ) -> Self {
        let exit = if error.kind == ErrorKind::Config {
            Exit::Usage
        } else {
            Exit::Failed
        };
        let mut hints = Vec::from_iter(error.hint.clone());
        let text = match &error.key {
            Some(key) => {
                let origin = Some(origin(key)).filter(|origin| !origin.is_empty());
                let origin = origin.map_or_else(String::new, |origin| format!(" ({origin})"));
                format!("`{key}` of `{name}`{origin} cannot be used")
            }
            None => format!("`{name}` cannot be used"),
        };
        match error.kind {
            ErrorKind::Config if error.key.is_some() => {
                hints.push(format!("see `gharun providers show {name}`"));
            }
            ErrorKind::Unexpected => {
                hints.push("this looks like a bug in gharun: please report it".to_owned());
            }
            _ => {}
        }
        Self {
            exit,
            error: Box::new(error),
            hints,
        }
        .while_trying(text)
    }
}

impl From<settings::Error> for Failure {
    fn from(error: settings::Error) -> Self {
        let hints = error.hints.clone();
        Self {
            exit: Exit::Usage,
            error: Box::new(error),
            hints,
        }
    }
}

impl From<github::Error> for Failure {
    fn from(error: github::Error) -> Self {
        let hints = error.hints.clone();
        Self {
            exit: Exit::Failed,
            error: Box::new(error),
            hints,
        }
    }
}

impl From<state::Error> for Failure {
    fn from(error: state::Error) -> Self {
        let hints = error.hints.clone();
        Self {
            exit: Exit::Failed,
            error: Box::new(error),
            hints,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self {
            exit: Exit::Failed,
            error: Box::new(error),
            hints: Vec::new(),
        }
    }
}
