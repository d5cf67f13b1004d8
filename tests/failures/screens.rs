//! `screens.md`: a section for each row, in an order of its own, which each row reads and writes alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use crate::row::{Kind, Stage};
use crate::world::outer;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/failures/screens.md");

const HEAD: &str = "# How gharun fails\n\n\
    Every section is a failure that `tests/failures` seeds: what was typed, the last screen of a terminal of 80x24, and the annotations that the same\n\
    gives in a workflow step. It is written by `GHARUN_BLESS=1 cargo test --workspace --locked --test failures`; the words that differ from\n\
    run to run are replaced by others of the same length.\n";

/// A row's part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    pub(crate) stage: Stage,
    /// The test's name, which is the failure as a sentence.
    pub(crate) test: String,
    pub(crate) source: String,
    /// What was typed, and the lines below it.
    pub(crate) screen: Vec<String>,
    /// Each with its level and title in its first line.
    pub(crate) annotations: Vec<String>,
    pub(crate) exit: String,
    /// What is done next and what comes of it, if the row says so.
    pub(crate) next: String,
}

impl Section {
    fn sentence(&self) -> String {
        let sentence = self.test.replace('_', " ");
        let mut letters = sentence.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let (kind, stage) = (self.kind, self.stage);
        let annotations = self.annotations.join("\n\n");
        write!(
            text,
            "## {kind} / {stage} / {}\n\n{}\n\n```console\n{}\n```\n\n```text\n{}\n```\n\n{}\n{}",
            self.sentence(),
            self.source,
            self.screen.join("\n"),
            annotations.trim_end(),
            self.exit,
            match self.next.as_str() {
                "" => String::new(),
                next => format!("\n{next}\n"),
            }
        )
        .expect("a string takes all");
        text
    }

    /// Reads what `text` wrote.
    fn read(text: &str) -> Option<Self> {
        let (heading, rest) = text.strip_prefix("## ")?.split_once("\n\n")?;
        let mut parts = heading.splitn(3, " / ");
        let (kind, stage) = (parts.next()?, parts.next()?);
        let (source, rest) = rest.split_once("\n\n```console\n")?;
        let (screen, rest) = rest.split_once("\n```\n\n```text\n")?;
        let (annotations, rest) = rest.split_once("\n```\n\n")?;
        let (exit, next) = rest.trim_end().split_once("\n\n").unwrap_or((rest, ""));
        // An annotation begins with its level and its title.
        let mut found: Vec<String> = Vec::new();
        for line in annotations.lines() {
            let begins = ["error | ", "warning | ", "notice | "];
            if begins.iter().any(|begins| line.starts_with(begins)) {
                found.push(line.to_owned());
            } else if let Some(last) = found.last_mut() {
                last.push('\n');
                last.push_str(line);
            }
        }
        Some(Self {
            kind: Kind::ALL
                .into_iter()
                .find(|known| known.to_string() == kind)?,
            stage: Stage::ALL
                .into_iter()
                .find(|known| known.to_string() == stage)?,
            test: parts.next()?.to_lowercase().replace(' ', "_"),
            source: source.to_owned(),
            screen: screen.lines().map(str::to_owned).collect(),
            annotations: found.iter().map(|one| one.trim_end().to_owned()).collect(),
            exit: exit.trim_end().to_owned(),
            next: next.to_owned(),
        })
    }
}

/// Whether the file is written and not compared.
pub(crate) fn blesses() -> bool {
    outer("GHARUN_BLESS").is_some_and(|value| value == "1")
}

/// All sections, while nobody else writes.
pub(crate) fn all() -> Vec<Section> {
    let mut file = File::open(FILE).expect("screens.md is there");
    file.lock_shared().expect("a lock");
    parsed(&read(&mut file))
}

fn read(file: &mut File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

fn parsed(text: &str) -> Vec<Section> {
    // What a merge leaves is written again when both sides' rows are blessed.
    let conflict = ["<<<<<<< ", "=======", ">>>>>>> "];
    let lines = text.lines();
    let lines = lines.filter(|line| !conflict.iter().any(|mark| line.starts_with(mark)));
    let text = lines.collect::<Vec<_>>().join("\n");
    let sections = text.split("\n## ").skip(1);
    let read = |text: &str| {
        let text = format!("## {text}");
        Section::read(&text)
            .unwrap_or_else(|| panic!("screens.md has a section that cannot be read: {text}"))
    };
    sections.map(read).collect()
}

/// Compares what a row saw with its section of the file, or writes it there.
#[track_caller]
pub(crate) fn compare(seen: &Section) {
    // As it would be read back.
    let seen = Section::read(&seen.text()).expect("it is written to be read");
    if blesses() {
        bless(seen);
        return;
    }
    let known = all().into_iter().find(|section| section.test == seen.test);
    let known = known.map(|section| section.text()).unwrap_or_default();
    assert!(
        known == seen.text(),
        "tests/failures/screens.md has:\n{known}\n-- and this was seen (GHARUN_BLESS=1 writes it):\n{}",
        seen.text()
    );
}

fn bless(seen: Section) {
    let mut options = File::options();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(FILE)
        .expect("it can be written");
    file.lock().expect("a lock");
    let mut sections = parsed(&read(&mut file));
    sections.retain(|section| section.test != seen.test);
    sections.push(seen);
    sections.sort_by(|a, b| (a.kind, a.stage, &a.test).cmp(&(b.kind, b.stage, &b.test)));
    let texts = sections
        .iter()
        .map(|section| format!("\n{}", section.text()));
    let text = HEAD.to_owned() + &texts.collect::<String>();
    file.seek(SeekFrom::Start(0)).expect("it is a file");
    file.set_len(0).expect("it can be written");
    file.write_all(text.as_bytes()).expect("it can be written");
}
