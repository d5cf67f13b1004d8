//! `kill -9` at any moment of a start, and what finds everything afterwards on another machine.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use crate::docker;
use crate::world::{World, signal, wait_for};

/// How many moments are tried.
const MOMENTS: u64 = 10;

/// Moments spread over the whole of a start, by chance within each tenth of it.
fn moments() -> impl Iterator<Item = Duration> {
    let chance = u64::from(std::process::id());
    (0..MOMENTS).map(move |n| {
        Duration::from_millis(
            n * 180
                + (chance
                    .wrapping_mul(2_654_435_761)
                    .rotate_left(u32::try_from(n).expect("few"))
                    % 180),
        )
    })
}

/// The containers of run `run`, whoever asks.
fn containers(run: u64) -> BTreeSet<String> {
    let filter = format!("label=gharun-run-id={run}");
    let output = Command::new("docker")
        .args(["ps", "-aq", "--filter", &filter])
        .output()
        .expect("docker answers");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A step of a run that no other test has.
fn step(run: u64) -> World {
    docker::world(World::step().env("GITHUB_RUN_ID", &run.to_string()))
}

fn start_and_kill(world: &World, after: Duration) {
    let mut child = world.spawn("start docker --count 3");
    std::thread::sleep(after); // the moment itself: nothing is waited for here
    signal(&child, "KILL");
    child.wait().expect("it ends");
    // Another machine has neither the state file nor the outputs.
    for file in ["temp/gharun-state.json", "output"] {
        let path = world.path(file);
        if path.exists() {
            std::fs::remove_file(path).expect("it can be removed");
        }
    }
}

#[track_caller]
fn nothing_is_left(world: &World, run: u64, after: Duration) {
    assert_eq!(
        containers(run),
        BTreeSet::new(),
        "containers are left of a start that was killed after {after:?}"
    );
    let rows: Vec<String> = world
        .stub
        .runners()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert!(
        rows.is_empty(),
        "registrations are left of a start that was killed after {after:?}: {rows:?}"
    );
}

#[test]
fn the_always_job_finds_everything_by_its_run_alone() {
    if !docker::ready() {
        return;
    }
    for (n, after) in (1u64..).zip(moments()) {
        let run = u64::from(std::process::id()) * 1000 + n;
        let world = step(run);
        start_and_kill(&world, after);
        world
            .run("stop --timeout 8s --output json")
            .proves_or_names();
        nothing_is_left(&world, run, after);
    }
}

#[test]
fn the_sweep_finds_everything_once_the_run_is_over() {
    if !docker::ready() {
        return;
    }
    for (n, after) in (500u64..).zip(moments()) {
        let run = u64::from(std::process::id()) * 1000 + n;
        let world = step(run);
        start_and_kill(&world, after);
        world.github.set_run(run, 1, "completed");
        // A creation that was under way at the kill may show up a moment later: cron comes again.
        wait_for("a clean sweep", || {
            let args = "stop --orphans --yes --second-look 1s --timeout 6s --output json";
            world.run(args).proves_or_names();
            (containers(run).is_empty() && world.stub.runners().is_empty()).then_some(())
        });
        nothing_is_left(&world, run, after);
    }
}

#[test]
fn a_termination_leaves_no_container() {
    if !docker::ready() {
        return;
    }
    let run = u64::from(std::process::id()) * 1000 + 999;
    let world = step(run);
    std::fs::write(world.path("setup.sh"), "sleep 300\n").expect("a file");
    let child = world.spawn("start docker --count 3 --setup setup.sh");
    wait_for("three containers", || {
        (containers(run).len() == 3).then_some(())
    });
    signal(&child, "TERM");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        output.status.code(),
        Some(130),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    nothing_is_left(&world, run, Duration::ZERO);
}
