//! The main job on this very machine: start, online, list, a job, stop, and nothing is left.

use std::process::Child;

use gharun_worlds::random;

use crate::world::{DIFFERS, Said, TOKEN, World, signal, wait_for};

pub(crate) fn slots(world: &World) -> usize {
    std::fs::read_dir(world.path("home/.local/state/gharun/slots")).map_or(0, |entries| {
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("slot-"))
            .count()
    })
}

#[track_caller]
pub(crate) fn nothing_is_left(world: &World) {
    let rows: Vec<String> = world
        .stub
        .runners()
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert!(rows.is_empty(), "registrations are left: {rows:?}");
    // All tests, and others, share the Docker daemon.
    let listed = world
        .run("list --provider local --output json")
        .exits(0)
        .json();
    assert_eq!(listed["machines"], serde_json::json!([]), "{listed}");
    assert_eq!(slots(world), 0);
}

#[test]
fn a_runner_comes_up_is_listed_and_is_stopped() {
    let world = World::new();
    let started = world.run("start local --output json").exits(0).json();
    let (machine, label) = started["mapping"]
        .as_object()
        .expect("a mapping")
        .iter()
        .next()
        .expect("a machine");
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(listed["machines"][0]["name"], *label);
    assert_eq!(listed["machines"][0]["verdict"], "ready", "{listed}");
    let stopped = world
        .run(&format!("stop {machine} --output json"))
        .exits(0)
        .json();
    assert_eq!(
        stopped["stopped"][0]["instance"],
        machine.as_str(),
        "{stopped}"
    );
    assert_eq!(stopped["stopped"][0]["terminated"], true, "{stopped}");
    nothing_is_left(&world);
}

#[test]
fn a_steps_outputs_are_what_its_stop_takes() {
    let world = World::step();
    world.run("start local --set slots=2 --count 2").exits(0);
    let mapping = world.output("mapping").expect("an output");
    let labels: Vec<String> =
        serde_json::from_str(&world.output("instances").expect("an output")).expect("a list");
    assert_eq!(labels.len(), 2);
    assert_eq!(world.output("label").as_deref(), Some(labels[0].as_str()));
    let mut command = world.command("stop --output json");
    let said = Said::of(
        command
            .env("GHARUN_MAPPING", mapping)
            .output()
            .expect("it runs"),
        &world,
    )
    .exits(0);
    assert_eq!(
        said.json()["stopped"].as_array().map(Vec::len),
        Some(2),
        "{}",
        said.stdout
    );
    nothing_is_left(&world);
}

#[test]
fn a_job_runs_with_no_token_in_its_environment() {
    let world = World::step();
    let seen = world.path("environment");
    world.run("start local").exits(0);
    let label = world.output("label").expect("an output");
    world
        .stub
        .queue_job(&label, &format!("env >{}", seen.display()));
    let environment = wait_for("the job", || {
        std::fs::read_to_string(&seen)
            .ok()
            .filter(|text| text.contains("PATH="))
    });
    for secret in [TOKEN, "github_of_the_step", "GITHUB_OUTPUT", "GH_PAT"] {
        assert!(
            !environment.contains(secret),
            "{secret} is in the job's environment"
        );
    }
    wait_for("the runner's end", || {
        world.runner(&label).is_none().then_some(())
    });
    world.run("stop").exits(0);
    nothing_is_left(&world);
}

#[test]
fn no_secret_is_written_anywhere() {
    let world = World::step();
    let started = world.run("start local -vv").exits(0);
    let listed = world.run("list --output json -vv");
    let stopped = world.run("stop -vv").exits(0);
    let mut secrets = world.github.secrets();
    secrets.push(TOKEN.to_owned());
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
    world.keeps(&secrets, &[&started, &listed, &stopped]);
}

#[test]
fn a_runner_that_never_comes_online_is_undone_and_explained() {
    let world = World::new();
    std::fs::write(
        world.path("setup.sh"),
        "echo from the setup script\nexit 3\n",
    )
    .expect("a file");
    let said = world
        .run("start local --setup setup.sh --timeout 60s")
        .exits(1);
    assert!(
        said.stderr
            .contains("the setup script failed with exit code 3"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("from the setup script"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("\n  nothing is left running\n"),
        "{}",
        said.stderr
    );
    nothing_is_left(&world);
}

#[test]
fn no_room_is_said_with_who_holds_it() {
    let world = World::new();
    world.run("start local").exits(0);
    let said = world.run("start local").exits(1);
    assert!(
        said.stderr.contains("no provider could launch it"),
        "{}",
        said.stderr
    );
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}

/// Starts something that cannot come online, and waits until its machine is there.
fn hanging(world: &World, mut start: impl FnMut() -> Child) -> Child {
    std::fs::write(world.path("setup.sh"), "sleep 300\n").expect("a file");
    let child = start();
    wait_for("a machine", || (slots(world) > 0).then_some(()));
    child
}

#[test]
fn a_signal_undoes_everything_and_says_so() {
    for name in ["INT", "TERM"] {
        let world = World::new();
        let child = hanging(&world, || world.spawn("start local --setup setup.sh"));
        signal(&child, name);
        let said = Said::of(child.wait_with_output().expect("it ends"), &world).exits(130);
        for told in ["Interrupted: undoing", "Nothing is left:"] {
            assert!(said.stderr.contains(told), "{}", said.stderr);
        }
        nothing_is_left(&world);
    }
}

#[test]
fn a_step_that_execs_is_undone_by_its_signal() {
    let world = World::step();
    let child = hanging(&world, || {
        world
            .script("exec gharun start local --setup setup.sh\n")
            .spawn()
            .expect("it runs")
    });
    signal(&child, "TERM");
    Said::of(child.wait_with_output().expect("it ends"), &world).exits(130);
    nothing_is_left(&world);
}

#[test]
fn a_step_whose_shell_dies_is_undone_too() {
    let world = World::step();
    let mut child = hanging(&world, || {
        world
            .script("gharun start local --setup setup.sh\necho never\n")
            .spawn()
            .expect("it runs")
    });
    signal(&child, "KILL");
    child.wait().expect("it ends");
    wait_for("the undoing", || {
        (slots(&world) == 0 && world.stub.runners().is_empty()).then_some(())
    });
}

#[test]
fn a_dry_run_is_the_plan_and_touches_nothing_and_shows_no_secret() {
    let world = World::new();
    let said = world
        .run("start local --dry-run --count 3 --set slots=3 --label big --color never")
        .exits(0);
    insta::with_settings!({filters => DIFFERS}, {
        insta::assert_snapshot!(said.stdout, @"
        Would start 3 runners (nothing is rented) for octo/app at [GITHUB]
          1  local  one of 3 slots of `[WORLD]/home/.local/state/gharun/slots`
             ! jobs run on this machine with all the rights of this user
        Labels: its name, big
        At most 15m to come up, 30m idle, 7h in all.
        ");
    });
    for flags in ["--dry-run=script", "--dry-run -v"] {
        let said = world.run(&format!("start local {flags}")).exits(0);
        assert!(
            said.stdout
                .starts_with("Would start 1 runner (nothing is rented) for ")
        );
        assert!(said.stdout.contains("gharun_jit='***'"), "{}", said.stdout);
        assert!(!said.stdout.contains(TOKEN));
    }
    // The word that follows is a provider, and no value.
    world.run("start --dry-run local").exits(0);
    world.run("start local --dry-run=all").exits(2);
    assert_eq!(world.github.requests().len(), 0);
    assert!(!world.path("home/.local").exists(), "something was written");
}

/// Rehearses without a token, and says what came of it: all phases, and that nothing is left.
#[track_caller]
pub(crate) fn rehearse(world: &World, args: &str, more: &[&str]) {
    let said = world.run(args).exits(0);
    let phases = [
        "phase arm",
        "phase download",
        "phase run",
        "online",
        "phase job",
    ];
    for phase in phases.iter().chain(more) {
        assert!(
            said.stdout.contains(phase),
            "{phase} is missing in:\n{}",
            said.stdout
        );
    }
    assert!(said.stderr.contains("Nothing is left"), "{}", said.stderr);
}

#[test]
fn a_rehearsal_needs_no_token_and_leaves_nothing() {
    let world = World::new()
        .env("GH_PAT", "")
        .env("GHARUN_REPO", "")
        .env("GITHUB_API_URL", "");
    rehearse(&world, "start local --rehearse", &["phase verify"]);
    assert_eq!(slots(&world), 0);
}

#[test]
fn what_died_is_an_orphan_and_is_swept() {
    let world = World::step();
    world.run("start local").exits(0);
    let label = world.output("label").expect("an output");
    world.stub.queue_job(&label, "sleep 0.1");
    wait_for("an ended machine", || {
        let listed = world.run("list --output json").json();
        (listed["machines"][0]["verdict"] == "orphan").then_some(())
    });
    world.run("stop --orphans --yes").exits(0);
    nothing_is_left(&world);
}

/// The names in one column of a report.
fn names(report: &serde_json::Value, column: &str) -> Vec<String> {
    let rows = report[column].as_array().expect("a list");
    let names = rows.iter().filter_map(|row| row["name"].as_str());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

/// A time as the names of runners have it.
fn base36(mut number: i64) -> String {
    let mut digits = String::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).expect("a digit");
        digits.insert(0, char::from_digit(digit, 36).expect("a digit"));
        number /= 36;
    }
    digits
}

#[test]
fn list_shows_the_orphans_that_stop_would_end_whoever_sets_their_age() {
    // Registrations without a machine, whose starts were over an hour and three days ago.
    let ghosts = |world: &World| {
        let chosen = [1, 72].map(|hours| {
            let ready_by = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
            let name = format!("gharun-{}{}", base36(ready_by.as_second()), random(8));
            world.github.add_runner(world.repo(), &name, &[&name]);
            name
        });
        chosen.to_vec()
    };
    let file = "[defaults]\nolder_than = \"24h\"\n";
    for (given, flag, expected) in [
        (None, "", 2),
        (Some("file"), "", 1),
        (Some("variable"), "", 1),
        (None, " --older-than 24h", 1),
        (Some("file"), " --older-than 100h", 0),
    ] {
        let mut world = World::new();
        let all = ghosts(&world);
        match given {
            Some("file") => std::fs::write(world.path("providers.toml"), file).expect("a file"),
            Some(_) => world = world.env("GHARUN_OLDER_THAN", "24h"),
            None => {}
        }
        let more = format!("--orphans --provider local --output json{flag}");
        let shown = world.run(&format!("list {more}")).exits(0).json();
        let chosen = world.run(&format!("stop --dry-run {more}")).exits(0).json();
        let (shown, chosen) = (names(&shown, "machines"), names(&chosen, "stopped"));
        assert_eq!(shown, chosen, "{given:?}{flag}");
        assert_eq!(shown.len(), expected, "{given:?}{flag}: {all:?}");
    }
}

#[test]
fn list_shows_the_orphans_of_the_group_that_stop_would_look_at() {
    let world = World::step();
    for group in ["a", "b"] {
        world
            .run(&format!("start local --group {group} --set slots=2"))
            .exits(0);
    }
    world.github.set_run(7, 1, "completed");
    let world = world.env("GHARUN_GROUP", "b");
    let shown = world.run("list --orphans --output json").exits(0).json();
    let chosen = world
        .run("stop --orphans --dry-run --output json")
        .exits(0)
        .json();
    assert_eq!(names(&shown, "machines"), names(&chosen, "stopped"));
    assert_eq!(names(&shown, "machines").len(), 1, "{shown}");
    let world = world.env("GHARUN_GROUP", "");
    world.run("stop --orphans --second-look 1s").exits(0);
    nothing_is_left(&world);
}

#[test]
fn a_result_that_cannot_be_written_is_not_taken_for_nothing_running() {
    let world = World::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut command = world.command("start local");
    let said = Said::of(command.stdout(full).output().expect("it runs"), &world).exits(3);
    assert!(
        said.stderr
            .contains("it is running: end it with `gharun stop local:"),
        "{}",
        said.stderr
    );
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}

#[test]
fn without_a_token_a_named_machine_is_ended_and_its_registration_is_not_called_removed() {
    let world = World::new();
    let started = world.run("start local --output json").exits(0).json();
    let machine = started["runners"][0]["instance"]
        .as_str()
        .expect("a machine");
    let world = world.env("GH_PAT", "");
    let said = world.run(&format!("stop {machine} --output json"));
    let stopped = &said.json()["stopped"][0];
    assert_eq!(stopped["terminated"], true, "{}", said.stdout);
    assert_eq!(stopped["deregistered"], false, "{}", said.stdout);
    assert!(
        said.stderr.contains("could not remove registrations"),
        "{}",
        said.stderr
    );
    assert_eq!(slots(&world), 0);
    assert_eq!(world.stub.runners().len(), 1);
    // Its name is enough for whoever has a token to find it again.
    let listed = world
        .env("GH_PAT", TOKEN)
        .run("list --output json")
        .exits(0)
        .json();
    assert_eq!(
        listed["machines"][0]["name"], started["runners"][0]["name"],
        "{listed}"
    );
}

/// Starts a runner here, and forgets that it was started.
fn unrecorded(world: &World) -> (String, std::path::PathBuf) {
    let started = world.run("start local --output json").exits(0).json();
    let mapping = started["mapping"].as_object().expect("a mapping");
    let (machine, name) = mapping.iter().next().expect("a machine");
    let slots = world.path("home/.local/state/gharun/slots");
    let name = name.as_str().expect("a label");
    let state = world.path("home/.local/state/gharun");
    for entry in std::fs::read_dir(&state).expect("it is there").flatten() {
        if entry.file_name() != "slots" {
            let path = entry.path();
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.expect("it is ours");
        }
    }
    (
        machine.clone(),
        slots.join("slot-1").join(name).join("meta"),
    )
}

#[test]
fn a_machine_here_with_damaged_tags_is_named_and_ended_by_its_reference() {
    let world = World::new();
    for (damage, is_forced) in [("gharun-expires=never\n", false), ("", true)] {
        let (machine, meta) = unrecorded(&world);
        let text = std::fs::read_to_string(&meta).expect("it is there");
        let lines = text.lines().map(|line| match line.split_once('=') {
            Some(("gharun-expires", _)) => damage.to_owned(),
            _ => format!("{line}\n"),
        });
        let text = if damage.is_empty() {
            String::new()
        } else {
            lines.collect()
        };
        std::fs::write(&meta, text).expect("it is ours");
        let listed = world.run("list --output json").exits(1);
        assert!(listed.stdout.contains(&machine), "{}", listed.stdout);
        if is_forced {
            let said = world.run(&format!("stop {machine}")).exits(3);
            let command = format!("gharun stop --force {machine}");
            assert!(said.stderr.contains(&command), "{}", said.stderr);
            assert_eq!(slots(&world), 1);
        }
        let force = if is_forced { "--force " } else { "" };
        world.run(&format!("stop {force}{machine}")).exits(0);
        assert_eq!(slots(&world), 0);
    }
}
