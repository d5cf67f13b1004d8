//! The kind `external`: programs that launch containers, and programs that must not run, lie, or are killed with gharun.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::docker::{self, IMAGE};
use crate::world::{Said, World, outer, signal, wait_for};

/// The example whose machines are containers, as the documents have it.
const DOCKER: &str = include_str!("../../examples/providers/docker.sh");

/// Puts a program beside the file of settings.
fn program(world: &World, name: &str, text: &str) {
    let path = world.path(name);
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// A table of a program beside the file.
fn table(name: &str, program: &str) -> String {
    format!(
        "[providers.{name}]\nkind = \"external\"\ncommand = [\"./{program}\"]\nsettle = \"2s\"\n\
         settings = {{ image = \"{IMAGE}\", dir = \".\" }}\nenvironment = [\"DOCKER_HOST\"]\n"
    )
}

/// A world with the example, and perhaps with something that is done before each call.
fn world(world: World, first: &str) -> World {
    program(&world, "docker.sh", DOCKER);
    let text = format!("#!/bin/sh\n{first}\nexec ./docker.sh \"$@\"\n");
    program(&world, "box.sh", &text);
    let text = table("box", "box.sh");
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    match outer("DOCKER_HOST") {
        Some(host) => world.env("DOCKER_HOST", &host),
        None => world,
    }
}

/// The containers whose names begin so.
fn containers(name: &str) -> BTreeSet<String> {
    let filter = format!("name=^{name}");
    let output = Command::new("docker")
        .args(["ps", "-aq", "--filter", &filter])
        .output()
        .expect("docker answers");
    let ids = String::from_utf8_lossy(&output.stdout);
    ids.lines().map(str::to_owned).collect()
}

fn machines(said: &Said) -> Vec<Value> {
    said.json()["machines"].as_array().expect("a list").clone()
}

#[test]
fn a_program_launches_lists_and_ends_runners() {
    if !docker::ready() {
        return;
    }
    let world = world(World::new(), "");
    world.run("providers check box").exits(0);
    let started = world
        .run("start box --count 3 --output json")
        .exits(0)
        .json();
    let runners = started["runners"].as_array().expect("a list").clone();
    assert_eq!(runners.len(), 3, "{started}");
    let listed = machines(&world.run("list --output json").exits(0));
    assert_eq!(listed.len(), 3, "{listed:?}");
    for machine in &listed {
        assert_eq!(
            (&machine["kind"], &machine["verdict"]),
            (&"external".into(), &"ready".into())
        );
    }
    world.run("stop --yes").exits(0);
    for runner in runners {
        let name = runner["name"].as_str().expect("a name");
        assert_eq!(containers(name), BTreeSet::new(), "{name}");
    }
    assert!(world.stub.runners().is_empty());
    assert_eq!(
        machines(&world.run("list --output json").exits(0)),
        [Value::Null; 0]
    );
}

#[test]
fn a_program_without_room_is_passed_on_and_its_name_is_not_used_elsewhere() {
    if !docker::ready() {
        return;
    }
    let world = world(World::new(), "");
    program(
        &world,
        "full.sh",
        "#!/bin/sh\ncase $1 in launch) exit 69 ;; list) echo end ;; *) exit 64 ;; esac\n",
    );
    let mut text = std::fs::read_to_string(world.path("providers.toml")).expect("a file");
    text += &table("full", "full.sh");
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    let started = world.run("start full box --output json").exits(0);
    let started_json = started.json();
    assert_eq!(
        started_json["runners"][0]["provider"], "box",
        "{started_json}"
    );
    // What was refused is looked for once more, and neither awaited nor kept from being a success.
    let stopped = world.run("stop --yes --output json").exits(0).json();
    assert_eq!(stopped["pending"], serde_json::json!([]), "{stopped}");
    assert!(world.stub.runners().is_empty());
}

#[test]
fn a_program_of_a_file_that_is_not_trusted_never_runs() {
    let world = World::new();
    program(&world, "evil.sh", "#!/bin/sh\n: >ran\n");
    let text = format!(
        "{}[defaults]\nproviders = [\"evil\"]\n",
        table("evil", "evil.sh")
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    for args in [
        "list",
        "providers",
        "providers check",
        "providers check evil",
        "providers offers",
        "start",
        "start evil",
        "start evil --dry-run",
        "stop --orphans --yes",
        "stop --yes evil:x",
        "__complete start evil",
    ] {
        let mut command = world.command(args);
        let output = command
            .env_remove("GHARUN_CONFIG")
            .output()
            .expect("it runs");
        assert!(!world.path("ran").exists(), "{args}: {output:?}");
    }
    // It does where somebody has said so.
    world.run("providers check evil");
    assert!(world.path("ran").exists());
}

#[test]
fn a_program_sees_its_own_secret_and_no_other_and_says_none() {
    const OWN: &str = "own-secret-of-the-box";
    let world = World::new()
        .env("BOX_TOKEN", OWN)
        .env("OTHER", "other-secret");
    program(
        &world,
        "box.sh",
        "#!/bin/sh\nenv >>seen\necho \"$GHARUN_SET_TOKEN\" >&2\nexit 1\n",
    );
    let text = "[providers.box]\nkind = \"external\"\ncommand = [\"./box.sh\"]\n\
                settings = { token = { env = \"BOX_TOKEN\" } }\n";
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    let mut all = Vec::new();
    for args in [
        "providers check box",
        "start box",
        "list",
        "stop --orphans --yes",
    ] {
        let said = world.run(args);
        assert_ne!(said.code, Some(0), "{args}");
        all.push(said);
    }
    let seen = std::fs::read_to_string(world.path("seen")).expect("it ran");
    assert!(
        seen.contains(&format!("GHARUN_SET_TOKEN={OWN}\n")),
        "{seen}"
    );
    assert!(
        !seen.contains("other-secret") && !seen.contains(crate::world::TOKEN),
        "{seen}"
    );
    std::fs::remove_file(world.path("seen")).expect("it is there");
    let all: Vec<&Said> = all.iter().collect();
    world.keeps(&[OWN], &all);
}

#[test]
fn a_machine_that_a_program_hides_is_named_until_its_end_is_accepted() {
    if !docker::ready() {
        return;
    }
    let lies = "[ ! -e blind ] || case $1 in list) echo end && exit ;; terminate) exit 1 ;; esac";
    let world = world(World::new(), lies);
    world.run("start box").exits(0);
    std::fs::write(world.path("blind"), "").expect("a file");
    let listed = machines(&world.run("list --output json"));
    assert_eq!(listed[0]["state"], "unknown", "{listed:?}");
    let said = world.run("stop --yes --timeout 5s --output json").exits(3);
    let failed = said.json()["failed"].clone();
    assert_eq!(failed[0]["instance"], listed[0]["instance"], "{failed}");
    std::fs::remove_file(world.path("blind")).expect("it is there");
    world.run("stop --yes").exits(0);
    let name = listed[0]["name"].as_str().expect("a name");
    assert_eq!(containers(name), BTreeSet::new());
}

#[test]
fn gharun_killed_at_any_call_of_the_program_leaves_nothing_that_a_sweep_does_not_find() {
    if !docker::ready() {
        return;
    }
    for (n, moment) in (1..=6).chain([100, 101]).zip(0_u64..) {
        let run = u64::from(std::process::id()) * 1000 + 800 + moment;
        // Before its n-th call; or after its first launch, with and without the answer.
        let first = match n {
            100 => {
                "if [ $1 = launch ] && [ ! -e killed ]; then ./docker.sh \"$@\"; : >killed; kill -9 $PPID; exit; fi"
            }
            101 => "if [ $1 = launch ] && [ ! -e killed ]; then : >killed; kill -9 $PPID; fi",
            _ => {
                "echo >>calls; if [ ! -e killed ] && [ $(wc -l <calls) = @N ]; then : >killed; kill -9 $PPID; exit; fi"
            }
        };
        let first = first.replace("@N", &n.to_string());
        let world = World::step().env("GITHUB_RUN_ID", &run.to_string());
        let world = self::world(world, &first);
        let mut child = world.spawn("start box");
        wait_for("the kill", || {
            if child.try_wait().expect("it can be asked").is_some() {
                return Some(());
            }
            // Fewer calls were made.
            (world.stub.runners().iter().any(|row| row.online)).then(|| signal(&child, "KILL"))
        });
        child.wait().expect("it ends");
        // Another computer has neither the state file nor the outputs.
        for file in ["temp/gharun-state.json", "output"] {
            let _ = std::fs::remove_file(world.path(file));
        }
        std::fs::write(world.path("killed"), "").expect("a file");
        world.github.set_run(run, 1, "completed");
        let name = format!("gharun-{run}-");
        wait_for("a clean sweep", || {
            world.run("stop --orphans --yes --second-look 1s --timeout 6s --output json");
            (containers(&name).is_empty() && world.stub.runners().is_empty()).then_some(())
        });
    }
}

#[test]
fn a_program_and_its_files_are_those_beside_its_table_wherever_gharun_runs() {
    let world = World::new();
    for folder in ["own", "checkout"] {
        std::fs::create_dir(world.path(folder)).expect("a folder");
        program(
            &world,
            &format!("{folder}/box.sh"),
            "#!/bin/sh\n: >ran\ncase $1 in list) echo end ;; *) exit 64 ;; esac\n",
        );
    }
    for command in [
        "[\"sh\", \"./box.sh\"]",
        "[\"sh\", \"box.sh\"]",
        "[\"./box.sh\"]",
    ] {
        let text = format!("[providers.box]\nkind = \"external\"\ncommand = {command}\n");
        std::fs::write(world.path("own/providers.toml"), text).expect("a file");
        for file in [
            PathBuf::from("../own/providers.toml"),
            world.path("own/providers.toml"),
        ] {
            let mut gharun = world.command("providers check box");
            gharun.env("GHARUN_CONFIG", &file);
            gharun.current_dir(world.path("checkout"));
            let output = gharun.output().expect("it runs");
            let file = file.display();
            assert!(output.status.success(), "{command} of {file}: {output:?}");
            assert!(!world.path("checkout/ran").exists(), "{command} of {file}");
            std::fs::remove_file(world.path("own/ran")).expect("it ran there");
        }
    }
}
