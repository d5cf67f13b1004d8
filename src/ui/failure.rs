//! How a failure is said: as an error with its causes and hints, or as one screen.

use std::error::Error as StdError;

use dialoguer::console::Style;

use super::line::{self, DANGER, FAILED};
use super::{NARROWEST, Ui, text};
use crate::model::causes;

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

impl Ui {
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
}
