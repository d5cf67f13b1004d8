//! Every link within the repository leads to a file that is there, and to a heading that it has.

use std::collections::BTreeSet;
use std::path::Path;

use crate::documents::{Document, repository, with_those_for_contributors};

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn anchors(document: &Document) -> BTreeSet<String> {
    let lines = document.prose().into_iter();
    let headings = lines.filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

/// The targets of links and pictures, outside of blocks and of code.
fn links(document: &Document) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in document.prose() {
        for part in line.split("](").skip(1) {
            let target = part.split(')').next().expect("there is a first part");
            found.push((number, target.to_owned()));
        }
    }
    found
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut seen = 0;
    for document in with_those_for_contributors() {
        let own = anchors(&document);
        let folder = Path::new(&document.name).parent().expect("it is a file");
        for (number, target) in links(&document) {
            let place = format!("{}:{number}: {target}", document.name);
            if target.starts_with("https://") {
                continue;
            }
            seen += 1;
            let (file, wanted) = target.split_once('#').unwrap_or((&target, ""));
            let path = repository("").join(folder).join(file);
            if file.is_empty() {
                assert!(own.contains(wanted), "{place}");
                continue;
            }
            let path = path.canonicalize();
            let path = path.unwrap_or_else(|error| panic!("{place}: {error}"));
            let root = repository("").canonicalize().expect("it is there");
            let name = path
                .strip_prefix(&root)
                .expect("it stays in the repository");
            if !wanted.is_empty() {
                let other = Document::read(&name.display().to_string());
                assert!(anchors(&other).contains(wanted), "{place}");
            }
        }
    }
    assert!(seen > 20, "only {seen} links were seen");
}

#[test]
fn every_document_can_be_reached_from_the_readme() {
    let mut reached = BTreeSet::new();
    let mut next = vec!["README.md".to_owned()];
    while let Some(name) = next.pop() {
        if !reached.insert(name.clone())
            || Path::new(&name)
                .extension()
                .is_none_or(|ending| ending != "md")
        {
            continue;
        }
        let folder = repository(&name);
        let folder = folder.parent().expect("it is a file").to_owned();
        for (_, target) in links(&Document::read(&name)) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.starts_with("https://") {
                continue;
            }
            let path = folder
                .join(file)
                .canonicalize()
                .expect("the links are checked");
            let root = repository("").canonicalize().expect("it is there");
            let name = path
                .strip_prefix(&root)
                .expect("it stays in the repository");
            if path.is_file() {
                next.push(name.display().to_string());
            }
        }
    }
    for document in with_those_for_contributors() {
        assert!(
            reached.contains(&document.name),
            "no way to {}",
            document.name
        );
    }
}

#[test]
fn headings_become_anchors_as_on_github() {
    assert_eq!(anchor("Why `exec`?"), "why-exec");
    assert_eq!(anchor("404: not found"), "404-not-found");
}
