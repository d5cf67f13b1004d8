//! The pictures of the documents are screens of the program: docs/img/*.svg. `scripts/screens` makes them again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;

use crate::documents::repository;
use crate::world::{World, outer};
use screen::Screen;

mod screen;
#[allow(dead_code, reason = "only the pty is needed")]
#[path = "../failures/terminal.rs"]
mod terminal;

/// What differs from run to run, and what stands for it in a picture, in turn.
const DIFFERS: &[(&str, &[&str])] = &[
    (
        r"\bt[0-9a-z]{13}\b",
        &["tpa57ic7c7cl5v", "tpa57ie06m3rty", "tpa57imgdvddzo"],
    ),
    (r"127\.0\.0\.1:\d+", &["127.0.0.1:40000"]),
    (r"\blocal:[0-9a-f]{12}/", &["local:1a2b3c4d5e6f/"]),
    (
        r"\b[0-9a-f]{6}/[0-9a-z]{14}\b",
        &["3fa9c1/7h9k2m4n6p8q0r", "3fa9c1/2b5d8f1h4j7l0n"],
    ),
    (r"(on [-0-9]+ )?at \d\d:\d\d UTC", &["at 02:53 UTC"]),
    (r"\b\d:\d\d of\b", &["0:12 of"]),
    (r"\b\d+s\b", &["12s"]),
];

/// Seconds of a timeline, which go on from line to line.
const SECONDS: &str = r"\b\d+\.\ds\b";
const TIMELINE: [&str; 16] = [
    "0.1s", "0.2s", "0.2s", "0.3s", "0.3s", "0.4s", "0.4s", "0.5s", "0.5s", "0.8s", "0.8s", "0.8s",
    "2.1s", "2.2s", "2.8s", "3.1s",
];

/// The lines as a picture shows them. What stands for one thing stands for it everywhere.
fn settled(lines: &[String]) -> Vec<String> {
    let mut text = lines.join("\n");
    let mut at = 0;
    let times = Regex::new(SECONDS).expect("a pattern");
    // The seconds keep their place while others are settled.
    let times = times.replace_all(&text, |found: &regex::Captures<'_>| {
        let time = TIMELINE[at.min(TIMELINE.len() - 1)].replace('s', "\u{1}");
        at += 1;
        format!("{time:>width$}", width = found[0].len())
    });
    text = times.into_owned();
    for (pattern, instead) in DIFFERS {
        let pattern = Regex::new(pattern).expect("a pattern");
        let mut seen: Vec<String> = Vec::new();
        let settled = pattern.replace_all(&text, |found: &regex::Captures<'_>| {
            let found = found[0].to_owned();
            let at = seen.iter().position(|one| *one == found);
            let at = at.unwrap_or_else(|| {
                seen.push(found.clone());
                seen.len() - 1
            });
            let stands = instead[at % instead.len()];
            // Columns stay where they are.
            format!("{stands:>width$}", width = found.chars().count())
        });
        text = settled.into_owned();
    }
    let text = text.replace('\u{1}', "s");
    text.lines().map(str::to_owned).collect()
}

/// What two runs have in common: their lines in any order, since two things happen at once, without the phases, of which
/// a log may hold more or fewer, and without what differs.
fn common(svg: &str) -> BTreeSet<String> {
    let text =
        Regex::new("<text x=\"[^\"]*\" y=\"([^\"]*)\"[^>]*>([^<]*)</text>").expect("a pattern");
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for found in text.captures_iter(svg) {
        let line = lines.entry(found[1].to_owned()).or_default();
        line.push_str(&found[2]);
        line.push(' ');
    }
    let mut patterns = vec![SECONDS];
    patterns.extend(DIFFERS.iter().map(|(pattern, _)| *pattern));
    let bare = |line: &String| {
        let mut line = line.clone();
        for pattern in &patterns {
            let pattern = Regex::new(pattern).expect("a pattern");
            line = pattern.replace_all(&line, "…").into_owned();
        }
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let lines = lines.values().map(bare);
    lines.filter(|line| !line.contains("phase")).collect()
}

/// Compares a picture with what the program shows now, or makes it so.
fn hold(name: &str, title: &str, prompt: &str, written: &str) {
    let written = format!("\u{1b}[32m$\u{1b}[0m {prompt}\r\n{written}");
    let mut screen = Screen::after(80, &written);
    let lines = settled(&screen.lines());
    screen.relabel(&lines);
    let path = repository("docs/img").join(name);
    if outer("GHARUN_BLESS").is_some_and(|value| value == "1") {
        fs::create_dir_all(repository("docs/img")).expect("the folder can be made");
        fs::write(&path, screen.svg(title)).expect("the picture can be written");
        return;
    }
    let held = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(
        common(&held),
        common(&screen.svg(title)),
        "docs/img/{name} is not what the program shows now; run `scripts/screens` and look at the difference:\n{}",
        lines.join("\n")
    );
}

#[test]
fn the_picture_of_a_rehearsal_is_a_rehearsal() {
    let world = World::new()
        .env("COLUMNS", "")
        .env("TERM", "xterm-256color");
    let command = world.command("start local --rehearse");
    let (written, code) = terminal::run(command, || {});
    assert_eq!(code, 0, "{written}");
    hold(
        "rehearse.svg",
        "A rehearsal on this computer: a runner comes up, does a test job, and is gone",
        "gharun start local --rehearse",
        &written,
    );
}

#[cfg(feature = "runpod")]
#[test]
fn the_picture_of_a_start_is_a_start_at_runpod() {
    let standin = gharun_worlds::runpod::Standin::start();
    let world = World::new()
        .env("COLUMNS", "")
        .env("TERM", "xterm-256color")
        .env("RUNPOD_API_KEY", &standin.key);
    let table = format!(
        "[providers.gpu]\nkind = \"runpod\"\ngpu = [\"L40S\", \"A40\"]\nendpoint = \"{}/v2\"\n",
        standin.url
    );
    fs::write(world.path("providers.toml"), table).expect("a file");
    let command = world.command("start gpu --count 2");
    let (written, code) = terminal::run(command, || {
        for row in world.stub.runners().iter().filter(|row| !row.online) {
            world.github.bring_online(&row.name);
        }
    });
    assert_eq!(code, 0, "{written}");
    world.run("stop --yes").exits(0);
    hold(
        "start.svg",
        "Two runners come up at RunPod, and where they are now",
        "gharun start gpu --count 2",
        &written.replace(world.repo(), "octo/app"),
    );
}
