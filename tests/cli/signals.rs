//! Signals that come while a command only looks around: it hears them, and says how it ended.

use gharun_worlds::github::{Fault, Kind};
use serde_json::{Value, json};

use crate::world::{Said, World, signal, wait_for};

/// Runs a command until it has asked GitHub something that is never answered, and ends it by a signal.
fn interrupted(world: &World, args: &str, name: &str) -> Said {
    world.github.forget_requests();
    let silence = Fault::once("GET", "/", Kind::Hang).times(u32::MAX);
    world.github.fault(silence);
    let child = world.spawn(args);
    wait_for("a question to GitHub", || {
        (!world.github.requests().is_empty()).then_some(())
    });
    signal(&child, name);
    let said = Said::of(child.wait_with_output().expect("it ends"), world);
    world.github.heal();
    said
}

#[test]
fn every_command_hears_a_signal_from_its_first_request_on() {
    for name in ["TERM", "INT"] {
        for (args, code) in [
            ("start local --output json", 130),
            ("list --output json", 130),
            ("providers check local --output json", 130),
            ("stop --all --yes --output json", 1),
            ("stop --orphans --yes --output json", 1),
            ("stop --run 7 --output json", 1),
            ("stop gharun-abcdefabcdefgh --output json", 3),
        ] {
            let said = interrupted(&World::new(), args, name);
            assert_eq!(said.code, Some(code), "{name} {args}: {}", said.stderr);
            let json: Value = serde_json::from_str(&said.stdout)
                .unwrap_or_else(|error| panic!("{name} {args}: {error}: {}", said.stdout));
            assert!(json.is_object(), "{name} {args}");
            assert!(
                said.stderr.contains("interrupted"),
                "{name} {args}: {}",
                said.stderr
            );
        }
    }
}

#[test]
fn what_was_named_and_not_looked_at_is_in_the_list() {
    let world = World::new();
    world.run("start local").exits(0);
    let listed = world.run("list --output json").exits(0).json();
    let machine = listed["machines"][0]["instance"].as_str();
    let machine = machine.expect("a machine").to_owned();
    let said = interrupted(&world, &format!("stop {machine} --output json"), "TERM");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(json["failed"][0]["instance"], json!(machine));
    assert_eq!(
        json["failed"][0]["command"],
        json!(format!("gharun stop {machine}"))
    );
    world.run(&format!("stop {machine}")).exits(0);
}

#[test]
fn a_step_that_is_cancelled_while_it_looks_around_ends_what_it_finds() {
    let world = World::step();
    world.run("start local").exits(0);
    // The answer comes a moment after the signal.
    let late = Kind::Delay(std::time::Duration::from_millis(1500));
    world.github.fault(Fault::once("GET", "/runners", late));
    world.github.forget_requests();
    let child = world.spawn("stop --output json");
    wait_for("a process that listens", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find(|line| line.starts_with("SigCgt"))?;
        let mask = u64::from_str_radix(caught.split_whitespace().nth(1)?, 16).ok()?;
        (mask & (1 << 14) != 0).then_some(())
    });
    signal(&child, "TERM");
    let said = Said::of(child.wait_with_output().expect("it ends"), &world);
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(json["stopped"][0]["terminated"], json!(true), "{json}");
}
