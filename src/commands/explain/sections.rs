//! The sections of docs/trouble.md, each of which is about some hints of the program.
//!
//! A section names its hints by their words, and is found by them, as a reader finds it who searches the page for
//! what is on the screen. `tests/readme/trouble.rs` holds that each hint is found, and that no section is about a
//! hint that the program no longer gives.

use serde::Serialize;

/// What the program prints of: the page itself.
const PAGE: &str = include_str!("../../../docs/trouble.md");
/// Where the other pages are.
const DOCS: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/");
/// A word that is shorter may stand anywhere.
const SHORT: usize = 8;
/// How long a line may be.
const WIDTH: usize = 78;
/// Stands for anything in the words of a hint: a name, a number, a place of settings.
const ANYTHING: char = '…';

/// A section of the page.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Section {
    pub(in crate::commands) name: &'static str,
    /// The heading that it stands under.
    pub(in crate::commands) group: &'static str,
    /// The words of its hints.
    hints: Vec<&'static str>,
    /// What causes it and what to do, a paragraph each.
    text: Vec<String>,
}

/// The section about a hint, by its name.
pub fn name_of(hint: &str) -> Option<&'static str> {
    let sections = sections();
    about(&sections, hint).map(|found| sections[found].name)
}

/// The section about the first of these hints that has more to say than the hint; what `--help` says is enough for
/// whoever mistyped a command.
pub(in crate::commands) fn about_first(hints: &[String]) -> Option<&'static str> {
    let mut names = hints.iter().filter_map(|hint| name_of(hint));
    names.next().filter(|name| *name != "usage")
}

/// Reads the page.
pub(in crate::commands) fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut group = "";
    let mut is_open = false;
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            (group, is_open) = (heading, false);
        } else if let Some(name) = line.strip_prefix("### ") {
            is_open = true;
            sections.push(Section {
                name,
                group,
                hints: Vec::new(),
                text: Vec::new(),
            });
        } else if let Some(section) = sections.last_mut().filter(|_| is_open) {
            match (line.strip_prefix("> "), section.text.last_mut()) {
                (Some(hint), _) => section.hints.push(hint),
                (None, _) if line.is_empty() => {}
                (None, Some(text)) if !line.starts_with("**") => {
                    text.push(' ');
                    text.push_str(line);
                }
                (None, _) => section.text.push(line.to_owned()),
            }
        }
    }
    for section in &mut sections {
        for text in &mut section.text {
            *text = plain(text);
        }
    }
    sections
}

/// The section with the words that say most about a hint; the first of several. A shell may have taken the marks out of it.
pub(super) fn about(sections: &[Section], hint: &str) -> Option<usize> {
    let as_it_is = most_of(sections, |words| holds(hint, words));
    let bare = bare(hint);
    as_it_is.or_else(|| most_of(sections, |words| holds(&bare, &self::bare(words))))
}

fn most_of(sections: &[Section], is_about: impl Fn(&str) -> bool) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (at, section) in sections.iter().enumerate() {
        for words in &section.hints {
            let length = words.chars().filter(|c| *c != ANYTHING).count();
            if is_about(words) && best.is_none_or(|(_, most)| length > most) {
                best = Some((at, length));
            }
        }
    }
    best.map(|(at, _)| at)
}

/// The sections that have some words of a hint, one after the other; none for a single short one.
pub(super) fn part_of(sections: &[Section], words: &str) -> Vec<usize> {
    let words = bare(words);
    if !words.contains(' ') && words.len() < SHORT {
        return Vec::new();
    }
    let has = |section: &Section| section.hints.iter().any(|hint| bare(hint).contains(&words));
    let found = sections.iter().enumerate();
    found
        .filter(|(_, one)| has(one))
        .map(|(at, _)| at)
        .collect()
}

/// A text without case, marks, and what stands for anything at its ends.
fn bare(text: &str) -> String {
    let plain = text.to_lowercase().replace(['`', '"', '\'', '\\'], "");
    plain.trim_matches(ANYTHING).trim().to_owned()
}

/// Whether a hint has all parts of the words, in order.
fn holds(hint: &str, words: &str) -> bool {
    let mut rest = hint;
    words.split(ANYTHING).all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// A paragraph without marks: links name their section or the address of their page.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](");
        let Some((label, (target, end))) =
            link.and_then(|(label, after)| Some((label, after.split_once(')')?)))
        else {
            break;
        };
        plain.push_str(before);
        let named = match target.strip_prefix('#') {
            Some(name) => format!("`gharun explain {name}`"),
            None => format!("{label} ({DOCS}{target})"),
        };
        plain.push_str(&named);
        rest = end;
    }
    plain.push_str(rest);
    plain.replace("**", "")
}

impl Section {
    /// The section on a terminal; `hint` is the one that it was found by. Hints of which the program fills in a part are not
    /// among the others: they could not be typed.
    pub(super) fn text(&self, hint: Option<&str>) -> String {
        let mut lines = vec![format!("{} ({})", self.name, self.group)];
        let whole = self.hints.iter().copied();
        let whole = whole.filter(|words| {
            !words.contains(ANYTHING) && hint.is_none_or(|hint| bare(hint) != bare(words))
        });
        let hints: Vec<&str> = hint.into_iter().chain(whole).collect();
        if !hints.is_empty() {
            lines.push(String::new());
            lines.extend(hints.iter().map(|hint| format!("    {hint}")));
        }
        for text in &self.text {
            lines.push(String::new());
            lines.extend(filled(text));
        }
        lines.join("\n")
    }
}

/// A paragraph in lines.
fn filled(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_say_most_decide() {
        assert_eq!(name_of("set another `image`"), Some("aws-image"));
        assert_eq!(
            name_of(
                "set another `image` in `[providers.x]` (providers.toml:3), or upgrade the plan"
            ),
            Some("aws-account")
        );
        assert_eq!(
            name_of("name one or more, in order of preference: gpu, aws, docker"),
            Some("no-provider")
        );
        assert_eq!(
            name_of("set `hosts`; `gharun providers init ssh` asks for it"),
            Some("bad-setting")
        );
        assert_eq!(name_of("feed the cat"), None);
    }

    #[test]
    fn no_section_shows_a_hint_with_a_gap_as_something_to_type() {
        for section in sections() {
            let text = section.text(None);
            assert!(!text.contains(ANYTHING), "{text}");
            for hint in &section.hints {
                let said = hint.replace(ANYTHING, "x");
                let text = section.text(Some(&said));
                assert!(text.contains(&said), "{text}");
                let twice = text.lines().filter(|line| line.trim() == said);
                assert_eq!(twice.count(), 1, "{text}");
            }
        }
    }

    #[test]
    fn a_hint_is_found_as_a_shell_hands_it_on_and_by_a_part_of_it() {
        for section in sections() {
            for hint in &section.hints {
                let said = hint.replace(ANYTHING, "x");
                let bare = said.replace(['`', '"', '\''], "").to_uppercase();
                assert_eq!(name_of(&bare), name_of(&said), "{bare}");
            }
        }
        let of = |words: &str| {
            let sections = sections();
            let found = part_of(&sections, words);
            found
                .iter()
                .map(|at| sections[*at].name)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("the machines still have their tags"), ["state-file"]);
        assert_eq!(of("set"), [""; 0]);
        assert!(of("leave it out").len() > 1);
    }

    #[test]
    fn a_section_is_plain_text_that_fits_a_terminal() {
        let sections = sections();
        let section = &sections[sections
            .iter()
            .position(|one| one.name == "app-key")
            .unwrap()];
        let text = section.text(None);
        assert!(!text.contains("**") && !text.contains("]("), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 120),
            "{text}"
        );
        assert_eq!(
            plain("see [it](#no-token) or [GitHub](github.md#a)"),
            format!("see `gharun explain no-token` or GitHub ({DOCS}github.md#a)")
        );
    }
}
