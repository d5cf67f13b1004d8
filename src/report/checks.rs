//! What `providers check` puts on stdout.

use serde::{Serialize, Serializer};

use super::on_a_line;
use crate::model::{Error, Exit, chain};

/// What came of checking one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It can be used.
    Ok,
    /// It cannot be used.
    Failed,
    /// Nobody has named or configured it, and it cannot be used as it is.
    #[serde(rename = "not_set_up")]
    NotSetUp,
    /// Nobody could look, and a start does without it.
    Unknown,
}

impl CheckStatus {
    /// As it is shown: `works`, `broken`, `not set up` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "works",
            Self::Failed => "broken",
            Self::NotSetUp => "not set up",
            Self::Unknown => "unknown",
        }
    }
}

/// The check of one provider, or of GitHub.
#[derive(Clone, Debug)]
pub struct CheckRow {
    /// The provider, or `github`.
    pub name: String,
    /// What came of it.
    pub status: CheckStatus,
    /// What was found.
    pub facts: Vec<String>,
    /// What will not work well.
    pub warnings: Vec<Error>,
    /// Why it cannot be used, or could not be looked at.
    pub error: Option<Error>,
}

impl Serialize for CheckRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a str,
            ok: bool,
            facts: &'a [String],
            warnings: Vec<String>,
            error: Option<String>,
            status: CheckStatus,
            hints: Vec<&'a String>,
            request_id: Option<&'a str>,
            setting: Option<&'a str>,
        }
        let (error, warnings) = (self.error.as_ref(), self.warnings.iter());
        let all = error.into_iter().chain(warnings.clone());
        let row = Row {
            name: &self.name,
            ok: self.status == CheckStatus::Ok,
            facts: &self.facts,
            warnings: warnings.map(|warning| chain(warning)).collect(),
            error: error.map(|error| chain(error)),
            status: self.status,
            hints: all.flat_map(Error::hints).collect(),
            request_id: error.and_then(Error::request_id),
            setting: error.and_then(Error::key),
        };
        row.serialize(serializer)
    }
}

impl CheckRow {
    /// Its line in a step's log: what is annotated, and stands below it, is left out.
    pub fn log_line(&self) -> String {
        let facts = self.facts.join("; ");
        let what = match (&self.error, self.status) {
            (None, _) => facts,
            (Some(error), CheckStatus::NotSetUp) => chain(error),
            (Some(_), _) => String::new(),
        };
        let line = format!("{}\t{}\t{what}", self.name, self.status.word());
        line.trim_end().to_owned() + "\n"
    }

    /// What was found, a line a fact: first why it cannot be used, and below each what would help.
    fn lines(&self) -> Vec<String> {
        let hinted = |what: String, error: &Error| {
            let hints = error.hints().iter();
            let hints = hints.map(|hint| format!("  hint: {hint}"));
            std::iter::once(what).chain(hints).collect::<Vec<_>>()
        };
        let error = self.error.iter();
        let error = error.flat_map(|error| hinted(chain(error), error));
        let warnings = self.warnings.iter();
        let warnings =
            warnings.flat_map(|warning| hinted(format!("warning: {}", chain(warning)), warning));
        let facts = self.facts.iter().cloned();
        error.chain(facts).chain(warnings).collect()
    }
}

impl Checks {
    /// One line a fact, with its hints under it; what it is a fact of stands before the first of them.
    pub fn text(&self) -> String {
        const WORD: usize = "not set up".len();
        let names = self.checks.iter().map(|check| check.name.chars().count());
        let name_width = names.max().unwrap_or_default();
        let indent = name_width + 2 + WORD + 2;
        let mut text = String::new();
        for check in &self.checks {
            let word = check.status.word();
            let mut head = format!("{:name_width$}  {word:WORD$}  ", check.name);
            let lines = check.lines();
            if lines.is_empty() {
                text.push_str(head.trim_end());
                text.push('\n');
            }
            for line in lines {
                text.push_str(&head);
                text.push_str(&on_a_line(&line));
                text.push('\n');
                head = " ".repeat(indent);
            }
        }
        text
    }
}

/// What `providers check` found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checks {
    /// One row each.
    pub checks: Vec<CheckRow>,
    /// What ended the check before anything was looked at.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

impl Checks {
    /// How the program ends: with a failure where a start could not work.
    pub fn exit(&self) -> Exit {
        let failed = |check: &CheckRow| check.status == CheckStatus::Failed;
        if let Some(error) = &self.error {
            error.kind
        } else if self.checks.iter().any(failed) {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}
