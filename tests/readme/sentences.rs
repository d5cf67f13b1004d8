//! The documents are short and plain: the README fits, sentences are short, and none stands there twice.

use std::collections::BTreeMap;

use crate::documents::{Document, all};

/// How many lines the README may have.
const LONGEST: usize = 250;
/// More words than this make a sentence long.
const LONG: usize = 30;
/// One sentence in so many may be long.
const ONE_IN: usize = 20;

/// The sentences of a document: without code, headings, tables and quotes.
fn sentences(document: &Document) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    let mut last = 0;
    for (number, line) in document.prose() {
        let line = line.trim();
        let bare = line.trim_start_matches(|c: char| c.is_ascii_digit() || "*-. ".contains(c));
        let is_apart = line.is_empty() || line.starts_with(['#', '|', '>', '[', '!']);
        if is_apart
            || number != last + 1
            || line.starts_with(['*', '-'])
            || line.len() != bare.len()
        {
            paragraphs.push(String::new());
        }
        last = number;
        if !is_apart {
            let paragraph = paragraphs.last_mut().expect("there is one");
            paragraph.push_str(bare);
            paragraph.push(' ');
        }
    }
    let mut found = Vec::new();
    for paragraph in paragraphs {
        let parts = paragraph.split('`').enumerate();
        let text: String = parts
            .map(|(at, part)| if at % 2 == 0 { part } else { "CODE" })
            .collect();
        let mut sentence = String::new();
        for word in text.split_whitespace() {
            sentence.push_str(word);
            if word.ends_with(['.', ':', '?', '!']) {
                found.push(std::mem::take(&mut sentence));
            } else {
                sentence.push(' ');
            }
        }
        if !sentence.is_empty() {
            found.push(sentence);
        }
    }
    found
}

#[test]
fn the_readme_is_short() {
    let lines = Document::read("README.md").text.lines().count();
    assert!(lines <= LONGEST, "README.md has {lines} lines");
}

#[test]
fn sentences_are_short() {
    let (mut all_of_them, mut long) = (0, Vec::new());
    for document in all() {
        for sentence in sentences(&document) {
            all_of_them += 1;
            if sentence.split_whitespace().count() > LONG {
                long.push(format!("{}: {sentence}", document.name));
            }
        }
    }
    assert!(all_of_them > 500, "only {all_of_them} sentences were seen");
    assert!(
        long.len() * ONE_IN <= all_of_them,
        "{} of {all_of_them} are long:\n{}",
        long.len(),
        long.join("\n")
    );
}

#[test]
fn no_sentence_stands_there_twice() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut twice = Vec::new();
    for document in all() {
        for sentence in sentences(&document) {
            if sentence.split_whitespace().count() < 8 {
                continue;
            }
            if let Some(other) = seen.insert(sentence.clone(), document.name.clone()) {
                twice.push(format!("{} and {other}: {sentence}", document.name));
            }
        }
    }
    assert!(twice.is_empty(), "{}", twice.join("\n"));
}
