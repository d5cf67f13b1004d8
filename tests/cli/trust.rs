//! A providers.toml that is found in the current folder: what it may say, and who is believed.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::world::{Said, World};

/// A laptop in a folder with a file of settings that nobody named.
fn found(text: &str) -> World {
    let world = World::new();
    write(&world, text);
    world
}

fn write(world: &World, text: &str) {
    std::fs::write(world.path("providers.toml"), text).expect("a file");
}

/// Runs a command that has to find the file.
fn run(world: &World, args: &str) -> Said {
    let mut command = world.command(args);
    let output = command.env_remove("GHARUN_CONFIG").output();
    Said::of(output.expect("it runs"), world)
}

fn unknown(said: &Said) -> Vec<Value> {
    said.json()["unknown"].as_array().expect("a list").clone()
}

/// A table that needs trust.
fn boxed(world: &World) -> String {
    let work_dir = world.path("jobs").display().to_string();
    format!("[providers.box]\nkind = \"local\"\nslots = 2\nwork_dir = \"{work_dir}\"\n")
}

/// A laptop in a folder with such a table.
fn found_box() -> World {
    let world = World::new();
    write(&world, &boxed(&world));
    world
}

/// The user's own file.
fn write_own(world: &World, text: &str) {
    let folder = world.path("home/.config/gharun");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("providers.toml"), text).expect("a file");
}

const HINT: &str =
    "if the file is yours, type `gharun providers trust`, or name it: `--config providers.toml`";

#[test]
fn what_is_harmless_needs_no_trust_and_the_file_is_named_once() {
    let world =
        found("[defaults]\nlifetime = \"2h\"\n[providers.local]\nkind = \"local\"\nslots = 2\n");
    let said = run(&world, "list").exits(0);
    let named = said.stderr.matches("providers.toml").count();
    assert_eq!(named, 1, "{}", said.stderr);
    let said = run(&world, "start local --dry-run").exits(0);
    assert!(said.stdout.contains("2h in all"), "{}", said.stdout);
    // One that is named is not: whoever typed it knows.
    let said = world.run("list").exits(0);
    assert!(!said.stderr.contains("providers.toml"), "{}", said.stderr);
}

#[test]
fn a_table_that_is_not_trusted_is_unknown_and_everything_else_goes_on() {
    let world = World::new();
    let text = boxed(&world) + "[providers.local]\nslots = 1\n";
    write(&world, &text);
    let said = run(&world, "list --output json").exits(1);
    let unknown = unknown(&said);
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    let error = unknown[0]["error"].as_str().expect("a text");
    assert_eq!(
        error,
        "`providers.box.kind`, `providers.box.work_dir` (providers.toml:2) need trust: the file was found in the current folder, not named"
    );
    assert_eq!(unknown[0]["hints"][0], HINT);
    run(&world, "stop --all --yes").exits(1);
    let said = run(&world, "start box").exits(2);
    assert!(said.stderr.contains(HINT), "{}", said.stderr);
    run(&world, "start local --dry-run").exits(0);
}

#[test]
fn a_known_machine_of_a_table_that_is_not_trusted_may_still_be_running() {
    let world = found_box();
    let started = world.run("start box --output json").exits(0).json();
    let machines = started["mapping"].as_object().expect("a mapping");
    let machine = machines.keys().next().expect("a machine").clone();
    for stop in ["stop --yes".to_owned(), format!("stop {machine}")] {
        let said = run(&world, &stop).exits(3);
        assert!(
            said.stderr.contains("gharun providers trust"),
            "{stop}: {}",
            said.stderr
        );
    }
    run(&world, "list").exits(1);
    assert!(world.path("jobs/slot-1").exists(), "it is still there");
    run(&world, "providers trust").exits(0);
    run(&world, "stop --yes").exits(0);
    assert!(!world.path("jobs/slot-1").exists(), "it was ended");
}

#[test]
fn a_file_is_trusted_by_its_content_until_that_changes() {
    let world = found_box();
    let said = run(&world, "providers trust --output json").exits(0);
    let said = said.json();
    assert_eq!(
        said["settings"],
        serde_json::json!([
            "`providers.box.kind` (providers.toml:2)",
            "`providers.box.work_dir` (providers.toml:4)"
        ])
    );
    run(&world, "list").exits(0);
    write(&world, &boxed(&world).replace("jobs", "elsewhere"));
    let said = run(&world, "list").exits(1);
    assert!(
        said.stderr.contains("has changed since it was trusted"),
        "{}",
        said.stderr
    );
    run(&world, "list --config providers.toml").exits(0);
}

#[test]
fn one_in_the_users_own_folder_is_trusted_from_wherever_it_is_read() {
    let world = World::new();
    write_own(&world, &boxed(&world));
    let own = world.path("home/.config/gharun");
    for folder in [world.path("home"), own] {
        let mut command = world.command("start box --dry-run");
        let output = command.current_dir(&folder).output();
        let said = Said::of(output.expect("it runs"), &world).exits(0);
        assert!(!said.stderr.contains("Using"), "{}", said.stderr);
    }
}

#[test]
fn a_server_of_a_file_that_is_not_trusted_gets_no_token_from_any_command() {
    let world = World::new();
    let elsewhere = world.stub.url();
    let world = world.env("GITHUB_API_URL", "");
    write(&world, &format!("[github]\napi_url = \"{elsewhere}\"\n"));
    for command in [
        "list",
        "stop --all --yes",
        "providers check local",
        "start local",
    ] {
        let said = run(&world, command).exits(2);
        assert!(
            said.stderr
                .contains("`github.api_url` (providers.toml:2) needs trust"),
            "{command}: {}",
            said.stderr
        );
    }
    assert_eq!(world.stub.runners().len(), 0);
    run(&world, "providers trust").exits(0);
    run(&world, "list").exits(0);
}

#[test]
fn a_command_of_a_file_runs_only_when_it_and_the_program_are_as_they_were_trusted() {
    let world = World::new().env("GH_PAT", "");
    let program = world.path("token.sh");
    let script = |mark: &str| {
        let text = format!("#!/bin/sh\ntouch {mark}\necho {}\n", crate::world::TOKEN);
        gharun_worlds::write_program(&program, &text, 0o755);
    };
    script("first");
    write(&world, "[github]\ntoken = { command = [\"./token.sh\"] }\n");
    run(&world, "list").exits(2);
    assert!(!world.path("first").exists());
    let said = run(&world, "providers trust").exits(0);
    assert!(said.stdout.contains("file\t./token.sh"), "{}", said.stdout);
    run(&world, "list").exits(0);
    assert!(world.path("first").exists());
    script("second");
    run(&world, "list").exits(2);
    assert!(!world.path("second").exists());
}

#[test]
fn a_scope_of_a_file_that_is_not_trusted_is_asked_for_and_not_guessed() {
    let world = found("[github]\nrepo = \"octo/other\"\n")
        .env("GHARUN_REPO", "")
        .env("GITHUB_REPOSITORY", "octo/app");
    let said = run(&world, "list").exits(2);
    assert!(
        said.stderr
            .contains("`github.repo` (providers.toml:2) needs trust"),
        "{}",
        said.stderr
    );
    run(&world, "list --repo octo/app").exits(0);
}

#[test]
fn trust_that_cannot_be_remembered_says_so() {
    let world = found_box().env("HOME", "").env("GHARUN_NO_STATE", "");
    let said = run(&world, "providers trust --no-state").exits(2);
    assert!(
        said.stderr.contains("--config providers.toml"),
        "{}",
        said.stderr
    );
    let said = run(&world, "list --no-state").exits(1);
    assert!(
        said.stderr
            .contains("neither $XDG_STATE_HOME nor $HOME is set"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_step_trusts_what_it_finds_but_where_outsiders_can_trigger_it() {
    let world = World::step();
    write(&world, &boxed(&world));
    for event in ["push", "pull_request", "schedule", "workflow_dispatch"] {
        let mut command = world.command("list");
        let command = command
            .env_remove("GHARUN_CONFIG")
            .env("GITHUB_EVENT_NAME", event);
        Said::of(command.output().expect("it runs"), &world).exits(0);
    }
    // Who does not say which event it is.
    run(&world, "list").exits(1);
    for event in [
        "pull_request_target",
        "workflow_run",
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
    ] {
        let mut command = world.command("list");
        let command = command
            .env_remove("GHARUN_CONFIG")
            .env("GITHUB_EVENT_NAME", event);
        let said = Said::of(command.output().expect("it runs"), &world).exits(1);
        assert!(
            said.stderr
                .contains(&format!("outsiders can trigger `{event}`")),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn trust_covers_scripts_in_arguments_and_beside_the_folder_and_says_what_it_does_not() {
    let world = World::new().env("GH_PAT", "");
    let folder = world.path("ci");
    std::fs::create_dir_all(&folder).expect("a folder");
    let program = world.path("token.sh");
    std::fs::write(&program, "echo one\n").expect("a script");
    let text = "[github]\ntoken = { command = [\"sh\", \"-c\", \". ../token.sh; true\"] }\n";
    std::fs::write(folder.join("providers.toml"), text).expect("a file");
    let inside = |args: &str| {
        let mut command = world.command(args);
        let command = command.env_remove("GHARUN_CONFIG").current_dir(&folder);
        Said::of(command.output().expect("it runs"), &world)
    };
    let said = inside("providers trust").exits(0);
    assert!(said.stdout.contains("file\t../token.sh"), "{}", said.stdout);
    let told = "command\tsh -c . ../token.sh; true\twhat it reads by itself is not covered";
    assert!(said.stdout.contains(told), "{}", said.stdout);
    std::fs::write(&program, "touch ran; echo two\n").expect("a script");
    let said = inside("list").exits(2);
    assert!(said.stderr.contains("has changed since"), "{}", said.stderr);
    assert!(!folder.join("ran").exists());
}

#[test]
fn what_cannot_be_covered_is_not_trusted() {
    let world = found("[providers.local]\nenv = { A = \"x.sh\" }\n");
    std::fs::write(world.path("x.sh"), "true\n").expect("a script");
    let rights = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(world.path("x.sh"), rights).expect("rights");
    let said = run(&world, "providers trust").exits(2);
    assert!(
        said.stderr.contains("everybody may write to it"),
        "{}",
        said.stderr
    );
}

#[cfg(feature = "docker")]
#[test]
fn a_link_to_a_folder_is_not_covered() {
    let world = found("[providers.docker]\nconfig_dir = \"dc\"\n");
    std::fs::create_dir_all(world.path("dc")).expect("a folder");
    std::fs::write(world.path("dc/config.json"), "{}").expect("a file");
    run(&world, "providers trust").exits(0);
    std::fs::create_dir_all(world.path("elsewhere")).expect("a folder");
    std::os::unix::fs::symlink("../elsewhere", world.path("dc/contexts")).expect("a link");
    let said = run(&world, "providers trust").exits(2);
    assert!(
        said.stderr.contains("`dc/contexts` is a link to a folder"),
        "{}",
        said.stderr
    );
    run(&world, "list --provider docker").exits(1);
}

#[test]
fn the_name_of_a_folder_trusts_no_other_file() {
    let world = World::new();
    let forged = "0".repeat(64);
    let folder = world.path(&format!("a\n{forged}  b"));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("providers.toml"), boxed(&world)).expect("a file");
    let mut command = world.command("providers trust");
    let output = command
        .env_remove("GHARUN_CONFIG")
        .current_dir(&folder)
        .output();
    Said::of(output.expect("it runs"), &world).exits(0);
    let memory = world.path("home/.local/state/gharun/trusted");
    let memory = std::fs::read_to_string(memory).expect("a memory");
    assert_eq!(memory.lines().count(), 1, "{memory}");
}
