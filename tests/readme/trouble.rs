//! docs/trouble.md has a section for each hint that the program gives, and none about what it no longer says.

use std::fs;
use std::path::Path;

use gharun::inside::explained_in;

use crate::documents::{Document, repository};
use words::{closed, literals};

#[allow(dead_code, reason = "the layers' tests need the rest")]
#[path = "../layers/words.rs"]
mod words;

/// What makes hints of the literals that it is given.
const CALLS: &[&str] = &["hint(", "hinted(", "hinted_all(", "next("];

/// Literals in such calls that are parts of hints, or hints within something else.
const PARTS: &[&str] = &[
    " in {from}",
    "`{}`: {hint}",
    "{}; {}",
    " = …, ",
    "warning: {}",
];

/// Words of the page that no literal holds: another program's, or put together from several.
const NOT_OURS: &[&str] = &["a similar … exists: '…'"];

/// The files of the program with their text, without what only tests see.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    below(&repository("src"), &mut found);
    assert!(found.len() > 100, "only {} files were seen", found.len());
    found
}

fn below(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_test =
            name.starts_with("tests") || ["contract.rs", "memory.rs", "toy.rs"].contains(&&*name);
        if is_test {
            continue;
        }
        if path.is_dir() {
            below(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("the file can be read");
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            found.push((path.display().to_string(), text[..end].to_owned()));
        }
    }
}

/// What stands in the parentheses of each call of a function.
fn arguments<'a>(code: &'a str, call: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(call) {
        let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let begin = at + call.len();
        let (mut depth, mut end) = (1, begin);
        while is_whole && depth > 0 {
            let rest = &code[end..];
            let step = match rest.chars().next().expect("each call ends") {
                '"' => closed(rest),
                '\'' if rest.starts_with("'\"'") => 3,
                c => {
                    depth += i32::from(c == '(') - i32::from(c == ')');
                    c.len_utf8()
                }
            };
            end += step;
        }
        found.push(&code[begin..end]);
    }
    found
}

/// A literal as it may be on the screen: something stands where it has braces.
fn on_screen(literal: &str) -> String {
    let literal = literal.replace("\\\"", "\"").replace("\\\\", "\\");
    let literal = literal.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut text = String::new();
    let mut rest = literal.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let name = after.split_once('}');
        let is_name = |name: &str| {
            name.chars()
                .all(|c| c.is_alphanumeric() || "_.:?".contains(c))
        };
        (text, rest) = match name.filter(|(name, _)| is_name(name)) {
            Some((_, rest)) => (text + "X", rest),
            None => (text + "{", after),
        };
    }
    text.push_str(rest);
    text.replace('\u{1}', "{").replace('\u{2}', "}")
}

#[test]
fn every_hint_in_the_source_has_a_section() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (file, code) in sources() {
        for arguments in CALLS.iter().flat_map(|call| arguments(&code, call)) {
            for literal in literals(arguments) {
                if literal.split_whitespace().count() < 2 || PARTS.contains(&literal.as_str()) {
                    continue;
                }
                seen += 1;
                if explained_in(&on_screen(&literal)).is_none() {
                    wrong.push(format!("{file}: {literal}"));
                }
            }
        }
    }
    assert!(seen > 250, "only {seen} hints were seen");
    assert!(
        wrong.is_empty(),
        "docs/trouble.md has no section for\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_hint_that_was_ever_on_a_screen_has_a_section() {
    let screens = fs::read_to_string(repository("tests/failures/screens.md")).expect("it is there");
    // Annotations are not cut at the edge of a terminal; a line of theirs stands whole.
    let hints = screens
        .lines()
        .filter_map(|line| line.trim().strip_prefix("hint: "));
    let hints: Vec<&str> = hints.filter(|hint| hint.len() > 90).collect();
    assert!(hints.len() > 90, "only {} hints were seen", hints.len());
    let wrong: Vec<&str> = hints
        .into_iter()
        .filter(|hint| explained_in(hint).is_none())
        .collect();
    assert!(
        wrong.is_empty(),
        "docs/trouble.md has no section for\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_section_is_about_what_the_program_does_not_say() {
    let mut all = String::new();
    for (_, code) in sources() {
        for literal in literals(&code) {
            all.push_str(&on_screen(&literal));
            all.push('\n');
        }
    }
    let is_said = |words: &str| {
        all.lines().any(|line| {
            let mut rest = line;
            words.split('…').all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
        })
    };
    let page = Document::read("docs/trouble.md");
    let prose = page.prose().into_iter();
    let words = prose.filter_map(|(number, line)| Some((number, line.strip_prefix("> ")?)));
    let unsaid = words.filter(|(_, words)| !NOT_OURS.contains(words) && !is_said(words));
    let unsaid: Vec<String> = unsaid
        .map(|(number, words)| format!("{number}: {words}"))
        .collect();
    assert!(unsaid.is_empty(), "nothing says\n{}", unsaid.join("\n"));
}

#[test]
fn each_section_says_a_cause_and_what_to_do_under_a_name_of_its_own() {
    let page = Document::read("docs/trouble.md");
    let mut names = std::collections::BTreeSet::new();
    for section in page.text.split("\n### ").skip(1) {
        let (name, text) = section.split_once('\n').expect("it has lines");
        let text = text.split("\n## ").next().unwrap_or_default();
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.chars().all(fine), "{name}");
        assert!(names.insert(name.to_owned()), "{name} stands there twice");
        for part in ["\n> ", "\n**Cause.** ", "\n**Do.** "] {
            assert!(text.contains(part), "{name} has no `{}`", part.trim());
        }
    }
    assert!(names.len() > 60, "only {} sections", names.len());
}
