//! A page of Markdown that keeps within its room, and what its cells hold.

use std::fmt::Write as _;

use super::REGISTRATIONS;
use crate::fleet::Left;
use crate::fleet::survey::Unknown;
use crate::model::{Error, Name, chain};

/// Markdown that keeps within its room.
pub(super) struct SummaryPage {
    text: String,
    end: String,
    room: usize,
}

impl SummaryPage {
    /// Longer than "and 4294967295 more".
    const REST: usize = 40;

    pub(super) fn new(room: usize, end: &str) -> Option<Self> {
        let room = room.checked_sub(end.len())?;
        Some(Self {
            text: String::new(),
            end: end.to_owned(),
            room,
        })
    }

    /// A heading and a table, if it has rows; those that find no room are counted.
    pub(super) fn table(
        &mut self,
        title: &str,
        header: &[&str],
        rows: impl ExactSizeIterator<Item = Vec<String>>,
    ) {
        let count = rows.len();
        let mut head = format!("### {title}\n\n| {} |\n|", header.join(" | "));
        for _ in header {
            head.push_str(" --- |");
        }
        head.push('\n');
        if count == 0 || !self.fits(&head) {
            return;
        }
        self.text.push_str(&head);
        for (number, row) in rows.enumerate() {
            let line = format!("| {} |\n", row.join(" | "));
            if !self.fits(&line) {
                write!(self.text, "\nand {} more\n", count - number).expect("a string takes all");
                break;
            }
            self.text.push_str(&line);
        }
        self.text.push('\n');
    }

    /// What still costs money comes first, so that it is there when the room ends.
    pub(super) fn left(&mut self, left: &[Left]) {
        let (registrations, may_run): (Vec<_>, Vec<_>) =
            left.iter().partition(|left| left.registration_only);
        self.table(
            "Machines that may still be running",
            &["Runner", "Machine", "Reason", "End it with"],
            may_run.into_iter().map(|row| {
                vec![
                    runner(Some(&row.name)),
                    maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                    reason(&row.why),
                    code(&row.command),
                ]
            }),
        );
        self.table(
            REGISTRATIONS,
            &["Runner", "Reason", "Remove it with"],
            registrations.into_iter().map(|row| {
                vec![
                    runner(Some(&row.name)),
                    reason(&row.why),
                    code(&row.command),
                ]
            }),
        );
    }

    /// What could not be read, and may hide machines.
    pub(super) fn unknown(&mut self, unknown: &[Unknown]) {
        self.table(
            "What could not be read",
            &["Source", "Error"],
            unknown
                .iter()
                .map(|one| vec![code(&one.source), reason(&one.error)]),
        );
    }

    fn fits(&self, more: &str) -> bool {
        self.text.len() + more.len() + Self::REST <= self.room
    }

    pub(super) fn finish(self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text + &self.end)
    }
}

pub(super) fn runner(name: Option<&Name>) -> String {
    code(name.map(Name::as_str).unwrap_or_default())
}

/// Why something failed, with its causes, and below it what helps.
pub(super) fn reason<K: std::fmt::Debug + 'static>(error: &Error<K>) -> String {
    let hints = error.hints().iter();
    let lines = std::iter::once(chain(error)).chain(hints.map(|hint| format!("hint: {hint}")));
    lines
        .map(|line| cell(&line))
        .collect::<Vec<_>>()
        .join("<br>")
}

pub(super) fn maybe<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or(String::new(), write)
}

/// What is to be copied, in the type of a terminal. Not with backticks: within them nothing can be
/// escaped.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", cell(text))
}

/// Text in a cell that means nothing but itself: no markup, no HTML, no line end.
pub(super) fn cell(text: &str) -> String {
    /// Longer errors belong into the log.
    const LONGEST: usize = 2000;
    let text = crate::model::text::plain(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(' '),
            '\\' | '`' | '|' | '*' | '_' | '~' | '[' | ']' | '!' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Neither a link nor a mention comes of foreign text.
            ':' => out.push_str("&#58;"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}
