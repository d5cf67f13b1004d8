//! What a user sees of GitHub's limits, and of a repository that was renamed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Duration;

use gharun_worlds::github::{Fault, Kind, SecondaryLimit};

use crate::world::{Said, World, signal};

const SECONDARY: &str = "GitHub's secondary rate limit: too many requests at once";

fn limit(world: &World, writes: u32, retry_after: u64) {
    world.github.secondary_limit(SecondaryLimit {
        writes,
        window: Duration::from_secs(2),
        retry_after: Some(Duration::from_secs(retry_after)),
    });
}

/// Times and numbers that differ from run to run, made the same.
fn steady(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(' ') {
        let time = word.len() >= 20 && word.starts_with("20") && word.contains('T');
        let name = word.contains("gharun-");
        let request = word.starts_with('`') && word.contains("127.0.0.1");
        words.push(match word {
            _ if time => format!("[TIME]{}", word.get(20..).unwrap_or_default()),
            _ if name => "[NAME]".to_owned(),
            _ if request => "`[REQUEST]`".to_owned(),
            word => word.to_owned(),
        });
    }
    words.join(" ")
}

#[test]
fn a_limit_is_waited_for_and_said_once() {
    let world = World::new();
    let kind = Kind::secondary_limit(Some(Duration::from_secs(3)));
    let fault = Fault::once("POST", "generate-jitconfig", kind);
    world.github.fault(fault);
    let said = world.run("start local --set slots=2 --count 2").exits(0);
    let waits: Vec<&str> = said
        .stderr
        .lines()
        .filter(|line| line.contains("Waiting until"))
        .collect();
    assert_eq!(waits.len(), 1, "{}", said.stderr);
    let told = waits[0];
    assert!(told.ends_with(&format!("Z, in 3s: {SECONDARY}")), "{told}");
    world.run("stop --yes").exits(0);
    assert!(world.stub.runners().is_empty());
}

#[test]
fn a_limit_that_ends_after_the_time_limit_fails_at_once_and_leaves_nothing() {
    let world = World::new();
    limit(&world, 0, 3600);
    let said = world.run("start local --timeout 30m").exits(1);
    assert_eq!(world.github.refused(), 1);
    assert!(!said.stderr.contains("Waiting"), "{}", said.stderr);
    let error = said.stderr.find("error: ").expect("an error");
    let told = steady(&said.stderr[error..]);
    for part in [
        "error: could not start the runner at `local`\n",
        "could not register [NAME]",
        "You have exceeded a secondary rate limit.",
        "\nhint: GitHub accepts requests again at [TIME]",
        "\n  nothing is left running\n",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    world.github.heal();
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(listed["machines"], serde_json::json!([]), "{listed}");
}

#[test]
fn what_a_limit_keeps_from_being_removed_is_named() {
    let world = World::new();
    limit(&world, 1, 3600);
    let said = world.run("start local --set slots=2 --count 2").exits(1);
    let left = "is still registered with GitHub; it has no machine";
    assert!(said.stderr.contains(left), "{}", said.stderr);
    assert!(!said.stderr.contains("billed"), "{}", said.stderr);
    let why = said.stderr.lines().find(|line| line.contains(left));
    let why = why.expect("it is there");
    assert!(
        why.contains("You have exceeded a secondary rate limit"),
        "{why}"
    );
    world.github.heal();
    let rows = world.stub.runners();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    world.run(&format!("stop {}", row.name)).exits(0);
    assert!(world.stub.runners().is_empty());
}

#[test]
fn a_signal_ends_a_wait() {
    let world = World::new();
    limit(&world, 0, 60);
    let mut child = world.spawn("start local");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("Waiting until") {
        line.clear();
        assert!(
            stderr.read_line(&mut line).expect("text") > 0,
            "it never waited"
        );
    }
    signal(&child, "TERM");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("text");
    let said = Said::of(child.wait_with_output().expect("it ends"), &world);
    assert_eq!(said.code, Some(130), "{rest}");
    assert_eq!(world.github.refused(), 1);
}

#[test]
fn a_step_reads_of_a_wait_in_a_plain_line() {
    let world = World::step();
    let kind = Kind::secondary_limit(Some(Duration::from_secs(1)));
    world.github.fault(Fault::once("GET", "/runners", kind));
    let said = world.run("list --provider local").exits(0);
    let line = said
        .stderr
        .lines()
        .find(|line| line.contains("Waiting until"));
    let line = line.unwrap_or_else(|| panic!("{}", said.stderr));
    assert_eq!(
        steady(line),
        format!("Waiting until [TIME] in 1s: {SECONDARY}").replace("[TIME]", "[TIME],")
    );
}

#[test]
fn a_renamed_repository_works_and_is_said_once() {
    let world = World::new();
    world.github.rename_repository(world.repo(), 1234);
    let said = world.run("start local").exits(0);
    let told = said.stderr.matches("was renamed or transferred").count();
    assert_eq!(told, 1, "{}", said.stderr);
    assert!(
        said.stderr
            .contains(&format!("warning: `{}` was renamed", world.repo()))
    );
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(listed["machines"][0]["verdict"], "ready", "{listed}");
    world.run("stop --yes").exits(0);
    assert!(world.stub.runners().is_empty());
}
