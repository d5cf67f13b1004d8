//! Said once: how often a cause and what helps with it stand on the last screen, in a step's log, and in all
//! forms of what fails before it has an outcome.

use crate::world::{Said, World};

/// A daemon that nobody runs.
const DEAD: &str = "--set host=tcp://127.0.0.1:9";
/// What it fails with, at the very bottom.
const CAUSE: &str = "connection refused";
/// What helps with it.
const HINT: &str = "check that the daemon is running";

impl Said {
    /// Both streams, as a terminal or a step's log shows them.
    fn screen(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    fn says_once(&self, what: &str) {
        let screen = self.screen();
        assert_eq!(screen.matches(what).count(), 1, "`{what}` in:\n{screen}");
    }
}

/// Commands at a dead daemon, and how they end.
fn commands() -> Vec<(String, i32)> {
    let start = format!("start docker {DEAD} --timeout 30s");
    vec![
        (start.clone(), 1),
        (format!("{start} --count 3"), 1),
        (format!("{start} --count 3 --allow-partial"), 1),
        (format!("stop docker:abcdefabcdef/x --timeout 8s {DEAD}"), 3),
        (
            format!("stop docker:abcdefabcdef/x docker:abcdefabcdef/y --timeout 8s {DEAD}"),
            3,
        ),
        (
            format!("stop --all --yes --timeout 8s --provider docker {DEAD}"),
            1,
        ),
        (format!("stop --all --dry-run --provider docker {DEAD}"), 1),
        (format!("list --provider docker {DEAD}"), 1),
        (format!("providers check docker {DEAD}"), 1),
    ]
}

#[test]
fn a_cause_and_what_helps_are_said_once() {
    let world = World::new();
    for (command, code) in commands() {
        let said = world.run(&command).exits(code);
        said.says_once(CAUSE);
        said.says_once(HINT);
    }
}

#[test]
fn quiet_is_told_the_cause_all_the_same() {
    let world = World::new();
    let stop = format!("-q stop docker:abcdefabcdef/x --timeout 8s {DEAD}");
    let said = world.run(&stop).exits(3);
    said.says_once(CAUSE);
    assert!(!said.stderr.contains("as above"), "{}", said.stderr);
}

/// A run's page shows each annotation by itself.
#[test]
fn an_annotation_that_fails_a_step_has_the_cause_and_what_helps() {
    let world = World::step();
    for (command, code) in commands() {
        let said = world.run(&command).exits(code).stderr;
        let errors = said.lines().filter(|line| line.starts_with("::error "));
        for annotation in errors.clone() {
            assert!(!annotation.contains("as above"), "{command}: {annotation}");
            assert!(annotation.matches(CAUSE).count() <= 1, "{annotation}");
        }
        let whole = |line: &str| line.contains(CAUSE) && line.contains(HINT);
        let annotations = said.lines().filter(|line| line.starts_with("::"));
        assert!(annotations.into_iter().any(whole), "{command}: {said}");
    }
}

#[test]
fn a_step_is_told_nothing_twice() {
    let world = World::step();
    for (command, code) in commands() {
        let said = world.run(&command).exits(code).stderr;
        let plain = |line: &&str| line.starts_with("warning: ") || line.starts_with("error: ");
        // That a runner failed is said at once, and why at the end.
        let at_once = |line: &&str| line.starts_with("error: runner `");
        let twice: Vec<&str> = said
            .lines()
            .filter(plain)
            .filter(|line| !at_once(line) && line.contains(CAUSE))
            .collect();
        assert!(twice.is_empty(), "{command}: {twice:?} in:\n{said}");
        assert!(
            said.contains("::error title=gharun::") || said.contains("::warning title=gharun::")
        );
    }
}
