//! What holds of all screens and annotations: a headline, a next step, no Rust, nothing twice, and every kind and stage.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use regex::Regex;

use crate::row::{Kind, Stage};
use crate::screens::{Section, all, blesses};
use crate::terminal::{COLUMNS, ROWS};

/// How many rows there are at least, and how many of them come from public threads; raise them as rows come.
const AT_LEAST: usize = 130;
const OF_THREADS: usize = 43;
/// How many rows have a next step that is run, and how many of each kind at least; raise them as steps come.
const STEPS: usize = 30;
const STEPS_OF_A_KIND: usize = 3;
/// Where no two different failures exist: this computer asks for no credentials; GitHub's machines and what is said before
/// a kind is known have no machine.
const DO_NOT_EXIST: &[(Kind, Stage)] = &[
    (Kind::Local, Stage::Credentials),
    (Kind::GitHub, Stage::Settings),
    (Kind::GitHub, Stage::Boot),
    (Kind::General, Stage::Credentials),
    (Kind::General, Stage::Place),
    (Kind::General, Stage::Room),
    (Kind::General, Stage::Boot),
    (Kind::General, Stage::Runner),
];

/// What a person never wants to see: Rust's way to print a value.
const DEBUG: &[&str] = &[
    r"\b(Some|Ok|Err|Once|Box)\(",
    r"\b[A-Z][A-Za-z]*(Error|Response|Kind|Body)?\(?[A-Z][A-Za-z]+ \{",
    r"\b[A-Z][A-Za-z]* \{ ?[a-z_]+:",
    r#"\\""#,
    r"\bNone[,)}]",
    r"\bsource: ",
    r"\\u\{",
];

/// What no screen and no annotation of a section may have, a sentence each.
fn complaints(section: &Section) -> Vec<String> {
    let mut wrong = Vec::new();
    let screen = &section.screen[1..];
    if screen.len() > ROWS - 1 {
        wrong.push(format!(
            "{} lines and a prompt are more than {ROWS}",
            screen.len()
        ));
    }
    if let Some(line) = screen.iter().find(|line| line.chars().count() > COLUMNS) {
        wrong.push(format!("a line is too long: {line}"));
    }
    let headline = |line: &&String| {
        ["error", "warning", "✗", "!"]
            .iter()
            .any(|begins| line.starts_with(begins))
    };
    if screen.iter().find(headline).is_none() {
        wrong.push("the headline is not on the screen".into());
    }
    if !steps(screen) {
        wrong.push("no next step on the screen".into());
    }
    if section.annotations.is_empty() {
        wrong.push("no annotation".into());
    }
    for annotation in &section.annotations {
        // On a screen a pair may stand on two lines.
        wrong.extend(annotation.lines().filter_map(unpaired));
        let lines: Vec<String> = annotation.lines().map(str::to_owned).collect();
        if annotation.starts_with("error") && !steps(&lines) {
            wrong.push(format!("no next step in: {annotation}"));
        }
    }
    // What was said while runners came up, and what their machines wrote, is above the last words.
    let is_last = |line: &String| line.starts_with("error") || line.starts_with('✗');
    let last = screen.iter().rposition(is_last);
    let last = screen[last.unwrap_or(0)..].join("\n");
    let texts = std::iter::once(last).chain(section.annotations.iter().cloned());
    for text in texts {
        for pattern in DEBUG {
            let pattern = Regex::new(pattern).expect("it is tested");
            if let Some(found) = pattern.find(&text) {
                wrong.push(format!(
                    "Rust's own words, `{}`, in: {text}",
                    found.as_str()
                ));
            }
        }
        wrong.extend(doubled(&text).map(|said| format!("said twice: {said}")));
    }
    wrong
}

/// A backtick that stands alone in a line, or two with nothing between them, as where a value in backticks holds another.
fn unpaired(line: &str) -> Option<String> {
    let parts: Vec<&str> = line.split('`').collect();
    let mut quoted = parts.iter().skip(1).step_by(2);
    let is_loose = |part: &&str| part.is_empty() || part.trim() != *part;
    let is_wrong = parts.len().is_multiple_of(2) || quoted.any(is_loose);
    is_wrong.then(|| format!("backticks that are not paired: {line}"))
}

/// Whether something can be done next.
fn steps(lines: &[String]) -> bool {
    // What a setting must be is what to type, and a line of the file is where.
    let step =
        r"^\s*(hint:|try\s|next:)| must (be|hold) |: keep one$|providers\.toml:\d+: |: write\b";
    let step = Regex::new(step).expect("it is tested");
    lines.iter().any(|line| step.is_match(line))
}

/// A part of a sentence that is said twice.
fn doubled(text: &str) -> Option<String> {
    let label = Regex::new(r"^\s*(caused by|error|hint|try|warning|why)\b|^  or   |^$")
        .expect("it is tested");
    let lines = text.lines().map(|line| {
        let begins = label.is_match(line);
        (if begins { ". " } else { "" }).to_owned() + line
    });
    let text = lines.collect::<Vec<_>>().join(" ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = Regex::new(r"(: |; |\. |, and )").expect("it is tested");
    let mut said = BTreeSet::new();
    let mut parts = parts.split(&text).map(|part| part.trim_matches([' ', '.']));
    let twice = parts.find(|part| part.split(' ').count() >= 4 && !said.insert(*part));
    twice.map(str::to_owned)
}

#[test]
fn every_screen_and_annotation_helps_whoever_sees_nothing_else() {
    if blesses() {
        return;
    }
    let sections = all();
    let mut wrong = Vec::new();
    for section in &sections {
        let complaints = complaints(section).into_iter();
        wrong.extend(complaints.map(|what| {
            format!(
                "{} / {} / {}: {what}",
                section.kind, section.stage, section.test
            )
        }));
    }
    assert!(
        wrong.is_empty(),
        "{} complaints:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_row_has_a_section_and_every_section_a_row() {
    if blesses() {
        return;
    }
    let listed = std::env::current_exe().expect("this program");
    let listed = Command::new(listed)
        .args(["--list", "--format=terse"])
        .output();
    let listed = listed.expect("it runs").stdout;
    let listed = String::from_utf8(listed).expect("UTF-8");
    let tests = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"));
    let tests: Vec<&str> = tests
        .filter_map(|test| test.strip_prefix("rows::"))
        .collect();
    let name = |test: &str| test.rsplit("::").next().unwrap_or_default().to_owned();
    let names: BTreeSet<String> = tests.iter().map(|test| name(test)).collect();
    assert_eq!(names.len(), tests.len(), "two rows have the same name");
    let sections: BTreeSet<String> = all().into_iter().map(|section| section.test).collect();
    assert_eq!(
        names, sections,
        "rows on the left, sections of screens.md on the right"
    );
}

#[test]
fn every_kind_fails_at_every_stage_and_a_third_is_from_public_threads() {
    if blesses() {
        return;
    }
    let sections = all();
    let threads = sections
        .iter()
        .filter(|section| section.source.starts_with("Thread: "));
    let threads = threads.count();
    let mut table = String::new();
    let mut few = Vec::new();
    for kind in Kind::ALL {
        let counts = Stage::ALL.map(|stage| {
            let of = |section: &&Section| (section.kind, section.stage) == (kind, stage);
            let count = sections.iter().filter(of).count();
            if count < 2 && !DO_NOT_EXIST.contains(&(kind, stage)) {
                few.push(format!("{kind} {stage}"));
            }
            format!("{stage} {count}")
        });
        write!(table, "\n{kind}: {}", counts.join(", ")).expect("a string takes all");
    }
    assert!(
        sections.len() >= AT_LEAST && threads >= OF_THREADS && few.is_empty(),
        "{} rows, {threads} of threads, too few: {few:?}{table}",
        sections.len()
    );
}

#[test]
fn the_next_steps_that_are_run_are_of_every_kind() {
    if blesses() {
        return;
    }
    let sections = all();
    let begins = |begins: &str| {
        let of = sections.iter().filter(|one| one.next.starts_with(begins));
        of.collect::<Vec<_>>()
    };
    let (run, not) = (begins("Next step, run: "), begins("Next step, not run ("));
    let kinds = Kind::ALL.map(|kind| {
        let run = run.iter().filter(|one| one.kind == kind).count();
        (kind, run)
    });
    let few = kinds.iter().any(|(_, run)| *run < STEPS_OF_A_KIND);
    assert!(
        run.len() >= STEPS && !few,
        "of {} rows {} have a next step that is run, {} one that cannot be run here: {kinds:?}",
        sections.len(),
        run.len(),
        not.len()
    );
}

#[test]
fn what_is_wrong_is_found() {
    let section = |screen: &[&str], annotation: &str| Section {
        kind: Kind::General,
        stage: Stage::End,
        test: String::new(),
        source: String::new(),
        screen: std::iter::once(&"$ gharun")
            .chain(screen)
            .map(|line| (*line).to_owned())
            .collect(),
        annotations: vec![annotation.to_owned()],
        exit: String::new(),
        next: String::new(),
    };
    let good = section(
        &["error: it is late", "", "hint: get up"],
        "error | gharun\nit is late\nhint: get up",
    );
    assert_eq!(complaints(&good), [""; 0]);
    for (screen, annotation) in [
        (
            &["it is late", "hint: get up"][..],
            "error | gharun\nhint: get up",
        ),
        (&["error: it is late"][..], "error | gharun\nhint: get up"),
        (
            &["error: it is late", "hint: get up"][..],
            "error | gharun\nit is late",
        ),
        (
            &["error: Os { code: 2 }", "hint: get up"][..],
            "error | gharun\nhint: get up",
        ),
        (
            &["error: it is late", "hint: get up"][..],
            "error | gharun\nit is `late``\nhint: get up",
        ),
        (
            &["error: it is late", "hint: get up"][..],
            "error | gharun\nit is `late\nhint: get up",
        ),
        (
            &["error: \\\"a\\\"", "hint: get up"][..],
            "error | gharun\nhint: get up",
        ),
        (
            &[
                "error: it is late in the day",
                "  caused by: it is late in the",
                "day",
                "hint: get up",
            ][..],
            "error | gharun\nhint: get up",
        ),
    ] {
        assert_eq!(
            complaints(&section(screen, annotation)).len(),
            1,
            "{screen:?} {annotation}"
        );
    }
}
