//! What bad input gets: one clear error, a hint, exit code 2, and nothing is created.

use crate::world::{Said, World};

fn refused(world: &World, args: &str) -> String {
    let said = world.run(args).exits(2);
    assert_eq!(said.stdout, "", "a refusal prints no data");
    assert_eq!(
        world.stage.world().count("generate-jitconfig"),
        0,
        "something was created"
    );
    said.stderr
}

#[test]
fn an_unknown_provider_lists_the_known_ones() {
    let said = refused(&World::new(), "start azure");
    assert!(
        said.starts_with("error: there is no provider `azure`\n\nhint: known here: "),
        "{said}"
    );
}

#[test]
fn no_provider_at_all_says_how_to_name_one() {
    let said = refused(&World::new(), "start");
    assert!(
        said.starts_with("error: no provider is given\n\nhint: name one or more"),
        "{said}"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let world = World::new();
    std::fs::write(
        world.path("providers.toml"),
        "[providers.box]\nkind = \"local\"\nslot = 2\n",
    )
    .expect("a file");
    let said = refused(&world, "start box");
    assert!(
        said.contains("`slot` of `box` (providers.toml:3)"),
        "{said}"
    );
}

#[test]
fn two_tables_of_one_name_are_refused() {
    let world = World::new();
    std::fs::write(
        world.path("providers.toml"),
        "[providers.a]\nkind = \"local\"\n[providers.a]\nkind = \"local\"\n",
    )
    .expect("a file");
    insta::assert_snapshot!(refused(&world, "start a"), @"error: providers.toml:3: duplicate key");
}

#[test]
fn wrong_values_say_what_to_type_instead() {
    for (args, error) in [
        (
            "start local --timeout soon",
            "error: `--timeout` cannot be `soon`\n\nhint: write a duration such as `90s`, `15m` or `1h 30m`\n",
        ),
        (
            "start local --count 0",
            "error: `--count` cannot be `0`\n\nhint: write a number from 1 to 256\n",
        ),
        (
            "start local --label a,b",
            "error: `--label` cannot be `a,b`\n\nhint: write a label of letters, digits, `.`, `_` and `-`, one for each `--label`\n",
        ),
        (
            "start local --group ThisNameIsFarTooLongForATagAtAnyPlaceInTheWorld",
            "error: `--group` cannot be `ThisNameIsFarTooLongForATagAtAnyPlaceInTheWorld`\n\nhint: write a name of at most 40 lower-case letters, digits, `-` and `_`\n",
        ),
    ] {
        assert_eq!(refused(&World::new(), args), error);
    }
}

#[test]
fn a_token_in_the_file_is_refused() {
    let world = World::new().env("GH_PAT", "");
    std::fs::write(
        world.path("providers.toml"),
        "[github]\ntoken = \"ghp_x\"\n",
    )
    .expect("a file");
    let said = refused(&world, "start local");
    assert!(
        said.starts_with("error: providers.toml:2: `token` must not stand in the file itself"),
        "{said}"
    );
}

#[test]
fn no_scope_and_no_token_name_what_is_read() {
    let said = refused(&World::new().env("GHARUN_REPO", ""), "start local");
    assert!(
        said.contains("no repository, organization or enterprise is given"),
        "{said}"
    );
    let said = refused(&World::new().env("GH_PAT", ""), "start local");
    assert!(said.contains("$GHARUN_GITHUB_TOKEN or $GH_PAT"), "{said}");
}

#[test]
fn a_wrong_flag_is_claps_to_explain() {
    let said = refused(&World::new(), "start local --tiemout 5m");
    assert!(
        said.contains("a similar argument exists: '--timeout'"),
        "{said}"
    );
}

#[test]
fn a_token_that_github_refuses_is_exit_code_one() {
    let world = World::new().env("GH_PAT", "ghp_wrong");
    let said = world.run("start local").exits(1);
    assert!(said.stderr.contains("GH_PAT"), "{}", said.stderr);
    assert!(!said.stderr.contains("ghp_wrong"), "{}", said.stderr);
}

#[test]
fn a_damaged_state_file_is_said_and_is_not_taken_for_nothing_to_stop() {
    let world = World::new();
    std::fs::write(world.path("state.json"), "{ half").expect("a file");
    let said = world.run("stop --yes --state state.json").exits(1);
    assert!(said.stderr.contains("state.json"), "{}", said.stderr);
    assert!(
        said.stderr.contains("state file could not be read"),
        "{}",
        said.stderr
    );
}

#[test]
#[cfg(feature = "docker")]
fn a_daemon_that_was_named_and_does_not_answer_is_not_passed_over() {
    let world = World::step().env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let said = world.run("stop").exits(1);
    assert!(
        said.stderr.contains("docker could not be read"),
        "{}",
        said.stderr
    );
}

#[test]
#[cfg(target_os = "linux")]
fn data_that_cannot_be_written_is_a_failure_that_says_so() {
    let world = World::new();
    let mut command = world.command("providers");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    command.stdout(full.expect("Linux has it"));
    let said = Said::of(command.output().expect("it runs"), &world).exits(1);
    assert_eq!(
        said.stderr,
        "error: could not write to standard output: No space left on device (os error 28)\n"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_program_needs_no_zlib_of_the_computer_it_runs_on() {
    let program = std::fs::read(assert_cmd::cargo::cargo_bin("gharun")).expect("the program");
    let needed = b"libz.so";
    assert!(!program.windows(needed.len()).any(|part| part == needed));
}
