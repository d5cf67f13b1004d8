//! `kill -9` at any moment of a start, or by a job against its machine's switch, and what finds everything afterwards.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use crate::docker;
use crate::life;
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

#[test]
#[cfg(target_os = "linux")]
fn a_machine_whose_job_killed_its_switch_is_swept() {
    let world = World::step();
    world.github.set_run(7, 1, "in_progress");
    world.run("start local").exits(0);
    let label = world.output("label").expect("an output");
    // As a job with `sudo` or root may do on any machine, whose switch runs as root: here it is the same user's. Whose
    // input is the runner's output only reads what it says.
    let (killed, left) = (world.path("killed"), world.path("left"));
    let machine = world
        .path("home/.local/state/gharun/slots/slot-1")
        .join(&label);
    world.stub.queue_job(
        &label,
        &format!(
            "set +e\ncd '{}'\n\
             for who in keeper watcher leader; do read -r pid _ <$who; eval $who=$pid; done\n\
             guard=$(ps -A -o pid= -o ppid= -o args= | while read -r pid up args; do\n\
             case $up:$args in $leader:*../boot) ;; *) continue ;; esac\n\
             case $(readlink /proc/$pid/fd/0) in */out) ;; *) echo $pid ;; esac\ndone)\n\
             RUNNER_TRACKING_ID= setsid sleep 1000 >/dev/null 2>&1 &\necho $! >'{}'\n\
             kill -KILL $keeper $watcher $leader $guard\n\
             echo $keeper $watcher $leader $guard >'{}'",
            machine.display(),
            left.display(),
            killed.display()
        ),
    );
    wait_for("the job", || killed.exists().then_some(()));
    wait_for("the runner's end", || {
        world.runner(&label).is_none().then_some(())
    });
    let killed = std::fs::read_to_string(killed).expect("numbers");
    assert_eq!(killed.split_whitespace().count(), 4, "{killed}");
    // Of one that has ended, and that nobody has waited for yet, no command is told.
    let runs = |pid: &str| {
        let command = std::fs::read(format!("/proc/{}/cmdline", pid.trim()));
        command.is_ok_and(|command| !command.is_empty())
    };
    assert!(!killed.split_whitespace().any(runs), "{killed}");
    let left = std::fs::read_to_string(left).expect("a number");
    assert!(runs(&left), "nothing ends it");
    world.github.set_run(7, 1, "completed");
    wait_for("a clean sweep", || {
        world.run("stop --orphans --yes --second-look 1s");
        (life::slots(&world) == 0).then_some(())
    });
    wait_for("its end", || (!runs(&left)).then_some(()));
    life::nothing_is_left(&world);
}
