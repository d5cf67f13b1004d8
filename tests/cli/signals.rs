//! Signals that come while a command only looks around: it hears them, and says how it ended.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

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

/// Waits until a process hears SIGTERM.
fn listens(child: &Child) {
    wait_for("a process that listens", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find(|line| line.starts_with("SigCgt"))?;
        let mask = u64::from_str_radix(caught.split_whitespace().nth(1)?, 16).ok()?;
        (mask & (1 << 14) != 0).then_some(())
    });
}

#[test]
fn every_command_hears_a_signal_from_its_first_request_on() {
    for name in ["TERM", "INT"] {
        for (args, code) in [
            ("start local --output json", 130),
            ("list --output json", 130),
            ("providers check local --output json", 130),
            ("stop --all --yes --output json", 1),
            ("stop --all --dry-run --output json", 130),
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
    listens(&child);
    signal(&child, "TERM");
    let said = Said::of(child.wait_with_output().expect("it ends"), &world);
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(json["stopped"][0]["terminated"], json!(true), "{json}");
}

#[test]
fn a_stop_that_waits_for_its_mapping_hears_a_signal() {
    for name in ["TERM", "INT"] {
        let world = World::new();
        let mut command = world.command("stop --mapping - --output json");
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it runs");
        // Nobody writes, and nobody closes it.
        let input = child.stdin.take();
        listens(&child);
        signal(&child, name);
        wait_for("its end", || child.try_wait().expect("a child"));
        let said = Said::of(child.wait_with_output().expect("it ended"), &world);
        drop(input);
        assert_eq!(said.code, Some(130), "{}", said.stderr);
        assert!(
            said.stderr.contains("nothing was changed"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn what_the_state_file_names_is_in_the_list_though_nothing_could_be_looked_at() {
    let world = World::new();
    world.run("start local").exits(0);
    let said = interrupted(&world, "stop --yes --output json", "TERM");
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let machine = json["failed"][0]["instance"].as_str().expect("a machine");
    world.run(&format!("stop {machine}")).exits(0);
}

#[test]
fn a_plan_that_is_cut_short_is_a_plan() {
    let world = World::new();
    world.run("start local").exits(0);
    let said = interrupted(&world, "stop --dry-run --output json", "INT");
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    let json: Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(
        (&json["planned"], &json["failed"]),
        (&json!(true), &json!([]))
    );
    world.run("stop --yes").exits(0);
}

#[test]
fn a_list_that_is_watched_ends_as_it_was_shown_last() {
    for (fails, code) in [(false, 0), (true, 1)] {
        let world = World::new();
        if fails {
            let refusal = Kind::status(401, "Bad credentials");
            let fault = Fault::once("GET", "/runners", refusal).times(u32::MAX);
            world.github.fault(fault);
        }
        let mut child = world.spawn("list --watch --output json");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a document");
        signal(&child, "INT");
        let said = Said::of(child.wait_with_output().expect("it ends"), &world);
        assert_eq!(said.code, Some(code), "{fails}: {line}{}", said.stderr);
    }
}

#[test]
fn a_signal_at_the_question_lists_what_is_there() {
    let world = World::new();
    world.run("start local").exits(0);
    let mut command = world.script("script -q -e -c 'exec gharun stop --all' /dev/null\n");
    let command = command.env("TERM", "xterm").stdin(Stdio::piped());
    let mut child = command.spawn().expect("util-linux is here");
    let mut output = child.stdout.take().expect("its output");
    let mut screen = Vec::new();
    let mut byte = [0];
    // The cursor is hidden when the dialog has begun to listen.
    while !screen.ends_with(b"\x1b[?25l") && output.read(&mut byte).expect("a pipe") > 0 {
        screen.extend(byte);
    }
    let mut input = child.stdin.take().expect("its input");
    input.write_all(b"\x03").expect("it listens");
    output.read_to_end(&mut screen).expect("a pipe");
    let code = child.wait().expect("it ends").code();
    let screen = String::from_utf8_lossy(&screen);
    assert_eq!(code, Some(3), "{screen}");
    assert!(screen.contains("gharun stop local:"), "{screen}");
    world.run("stop --all --yes").exits(0);
}
