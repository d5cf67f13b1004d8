//! Reads a configuration file of git, as far as it stands in that one file: `include` is ignored.
//!
//! The syntax is that of git-config(1), "CONFIGURATION FILE".

use std::iter::Peekable;
use std::str::Chars;

/// One line of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The section, in lower case.
    section: String,
    /// The subsection, as it is written; that of `[section.subsection]` in lower case.
    subsection: Option<String>,
    /// The key, in lower case.
    key: String,
    /// The value; `None` where there is a key alone, which means yes.
    pub(super) value: Option<String>,
}

impl Entry {
    /// The subsection of an entry of a section with a key.
    pub(super) fn of(&self, section: &str, key: &str) -> Option<&str> {
        let is_one = self.section == section && self.key == key;
        self.subsection.as_deref().filter(|_| is_one)
    }
}

/// All entries in order; `None` for what git would refuse.
pub(super) fn entries(text: &str) -> Option<Vec<Entry>> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut rest = text.chars().peekable();
    let (mut section, mut subsection) = (None, None);
    let mut found = Vec::new();
    while let Some(&first) = rest.peek() {
        match first {
            c if c.is_whitespace() => {
                rest.next();
            }
            '#' | ';' => skip_line(&mut rest),
            '[' => {
                rest.next();
                let (name, below) = head(&mut rest)?;
                (section, subsection) = (Some(name), below);
            }
            c if c.is_ascii_alphabetic() => {
                let key = word(&mut rest, |c| c.is_ascii_alphanumeric() || c == '-');
                found.push(Entry {
                    section: section.clone()?,
                    subsection: subsection.clone(),
                    key: key.to_ascii_lowercase(),
                    value: assigned(&mut rest).ok()?,
                });
            }
            _ => return None,
        }
    }
    Some(found)
}

fn skip_line(rest: &mut Peekable<Chars<'_>>) {
    for c in rest.by_ref() {
        if c == '\n' {
            return;
        }
    }
}

fn word(rest: &mut Peekable<Chars<'_>>, fits: impl Fn(char) -> bool) -> String {
    let mut word = String::new();
    while let Some(c) = rest.next_if(|c| fits(*c)) {
        word.push(c);
    }
    word
}

/// What stands between brackets: `remote "origin"]`.
fn head(rest: &mut Peekable<Chars<'_>>) -> Option<(String, Option<String>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let name = word(rest, is_name).to_ascii_lowercase();
    let blank = word(rest, |c| c == ' ' || c == '\t');
    match rest.next()? {
        ']' if blank.is_empty() => Some(match name.split_once('.') {
            Some((section, below)) => (section.to_owned(), Some(below.to_owned())),
            None => (name, None),
        }),
        '"' if !blank.is_empty() => {
            let mut below = String::new();
            loop {
                match rest.next()? {
                    '"' => break,
                    '\n' => return None,
                    '\\' => below.push(rest.next().filter(|c| *c != '\n')?),
                    c => below.push(c),
                }
            }
            (rest.next()? == ']').then_some((name, Some(below)))
        }
        _ => None,
    }
}

/// What git refuses.
struct Malformed;

/// What follows a key: ` = value`, or nothing.
fn assigned(rest: &mut Peekable<Chars<'_>>) -> Result<Option<String>, Malformed> {
    word(rest, |c| c == ' ' || c == '\t');
    match rest.peek() {
        None | Some('\n') => Ok(None),
        Some('#' | ';') => {
            skip_line(rest);
            Ok(None)
        }
        Some('=') => {
            rest.next();
            value(rest).map(Some).ok_or(Malformed)
        }
        Some(_) => Err(Malformed),
    }
}

/// A value to the end of its line, which a `\` moves on.
fn value(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let (mut value, mut blanks) = (String::new(), String::new());
    let mut quoted = false;
    loop {
        let c = rest.next().unwrap_or('\n');
        match c {
            '\n' if quoted => return None,
            '\n' => return Some(value),
            c if c.is_whitespace() && !quoted => {
                // Only those between words count.
                if !value.is_empty() {
                    blanks.push(c);
                }
                continue;
            }
            '#' | ';' if !quoted => {
                skip_line(rest);
                return Some(value);
            }
            _ => value.push_str(&std::mem::take(&mut blanks)),
        }
        match c {
            '\\' => match rest.next()? {
                '\n' => {}
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'b' => value.push('\u{8}'),
                c @ ('\\' | '"') => value.push(c),
                _ => return None,
            },
            '"' => quoted = !quoted,
            c => value.push(c),
        }
    }
}
