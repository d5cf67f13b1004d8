//! What bad input gets: one clear error, a hint, exit code 2, and nothing is created.

use crate::world::{Said, TOKEN, World};

fn refused(world: &World, args: &str) -> String {
    let said = world.run(args).exits(2);
    assert_eq!(said.stdout, "", "a refusal prints no data");
    assert_eq!(
        world.github.count("generate-jitconfig"),
        0,
        "something was created"
    );
    said.stderr
}

#[test]
fn an_unknown_provider_lists_the_known_ones() {
    let said = refused(&World::new(), "start azure");
    assert!(
        said.starts_with("error: the provider `azure` does not exist\n\nhint: known providers: "),
        "{said}"
    );
}

#[test]
fn no_provider_at_all_says_how_to_name_one() {
    let said = refused(&World::new(), "start");
    assert!(
        said.starts_with("error: no provider is set\n\nhint: name one or more"),
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
        said.starts_with(
            "error: providers.toml:3: unknown key `slot` in [providers.box]\n\nhint: did you mean `slots`?\nhint: known: "
        ),
        "{said}"
    );
}

#[test]
fn a_misspelt_word_gets_the_nearest_right_one_first() {
    let world = World::new();
    for (args, near) in [
        ("start lcoal", "did you mean `local`?"),
        ("stop --all --provider locall", "did you mean `local`?"),
        ("providers show Local", "did you mean `local`?"),
        ("providers init lokal --yes", "did you mean `local`?"),
        ("start local --set slot=2", "did you mean `slots`?"),
        (
            "start local --set local.slot=2",
            "did you mean `local.slots`?",
        ),
        (
            "start local --set locl.slots=2",
            "did you mean `local.slots`?",
        ),
    ] {
        let said = refused(&world, args);
        let first = said.split("hint: ").nth(1).unwrap_or_default();
        assert_eq!(first.lines().next(), Some(near), "{args}: {said}");
    }
    for (args, near) in [
        ("start local --registration jitt", "did you mean `jit`?"),
        (
            "start --provider local",
            "write providers without an option: `gharun start PROVIDER`",
        ),
        (
            "providers check --provider=local",
            "write providers without an option: `gharun providers check PROVIDER`",
        ),
        (
            "start local --work-dir /tmp",
            "`work_dir` is a setting of `local`: `--set work_dir=VALUE`",
        ),
        (
            "start local --slot 2",
            "`slots` is a setting of `local`: `--set slots=VALUE`",
        ),
    ] {
        let said = refused(&world, args);
        let first = said.split("hint: ").nth(1).unwrap_or_default();
        let first = first.lines().next().unwrap_or_default();
        // Other kinds may have it, too.
        let (begin, end) = near.split_once("of `local`").unwrap_or((near, ""));
        assert!(
            first.starts_with(begin) && first.ends_with(end),
            "{args}: {said}"
        );
        assert!(!said.contains("'-- "), "{args}: {said}");
    }
    for (args, near) in [("strat", "'start'"), ("start --cuont 2", "'--count'")] {
        assert!(refused(&world, args).contains(near), "{args}");
    }
    for (file, near) in [
        ("[default]\n", "`defaults`"),
        ("[defaults]\ntimout = \"1m\"\n", "`timeout`"),
        ("[providers.box]\nkind = \"locale\"\n", "`local`"),
    ] {
        std::fs::write(world.path("providers.toml"), file).expect("a file");
        let said = refused(&world, "start box");
        assert!(
            said.contains(&format!("hint: did you mean {near}?\n")),
            "{file}: {said}"
        );
    }
}

#[test]
fn a_machine_of_a_misspelt_provider_gets_the_nearest_right_one_first() {
    let said = World::new().run("stop --yes locl:here/x").exits(3);
    let hints = "`locl` is not configured here";
    let (_, hints) = said.stderr.split_once(hints).expect(&said.stderr);
    let (_, first) = hints.split_once("hint: ").expect(hints);
    assert!(
        first.starts_with("did you mean `local`?\n"),
        "{}",
        said.stderr
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
            "error: `--timeout` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `soon`\n",
        ),
        (
            "start local --count 0",
            "error: `--count` must be an integer from 1 to 256, not `0`\n",
        ),
        (
            "start local --label a,b",
            "error: `--label` must be a label of letters, digits, `.`, `_` and `-`, not `a,b`\n",
        ),
        (
            "start local --group ThisNameIsFarTooLongForATagAtAnyPlaceInTheWorld",
            "error: `--group` must be a name of at most 40 lower-case letters, digits, `-` and `_`, not `ThisNameIsFarTooLongForATagAtAnyPlaceInTheWorld`\n",
        ),
    ] {
        assert_eq!(refused(&World::new(), args), error);
    }
}

#[test]
fn every_command_refuses_a_value_of_a_wrong_type_wherever_it_stands() {
    for (text, error) in [
        (
            "[github]\norg = [\"acme\"]\n",
            "error: `github.org` (providers.toml:2) must be a string, not an array\n",
        ),
        (
            "[github]\nrepo = 5\n",
            "error: `github.repo` (providers.toml:2) must be a string, not an integer\n",
        ),
        (
            "[github]\nenterprise = { slug = \"x\" }\n",
            "error: `github.enterprise` (providers.toml:2) must be a string, not a table\n",
        ),
        (
            "github = \"octo/app\"\n",
            "error: `github` (providers.toml:1) must be a table, not a string\n",
        ),
        (
            "[defaults]\nolder_than = 5\n",
            "error: `defaults.older_than` (providers.toml:2) must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not an integer\n",
        ),
        (
            "[defaults]\nproviders = \"local\"\n",
            "error: `defaults.providers` (providers.toml:2) must be an array of strings, not a string\n",
        ),
    ] {
        let world = World::new();
        std::fs::write(world.path("providers.toml"), text).expect("a file");
        for command in [
            "start local --dry-run",
            "start local --rehearse",
            "stop --orphans --dry-run",
            "stop local:0a0a0a0a0a0a/gharun-abcdefabcdefgh",
            "list --no-github",
            "providers",
            "providers check local",
            "providers show local",
            "providers offers local",
            "providers init",
        ] {
            assert_eq!(refused(&world, command), error, "{command}");
        }
    }
}

#[test]
fn a_wrong_value_in_the_table_of_one_provider_is_the_end_of_that_one_alone() {
    let world = World::new();
    let text =
        "[providers.far]\nkind = \"local\"\nslots = \"lots\"\n[providers.box]\nkind = \"local\"\n";
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    insta::assert_snapshot!(refused(&world, "start far --dry-run"), @"error: `providers.far.slots` (providers.toml:3) must be an integer, not a string");
    world.run("start box --dry-run").exits(0);
    world.run("providers check box").exits(0);
    world.run("list --provider box").exits(0);
}

#[test]
#[cfg(feature = "runpod")]
fn a_value_of_the_surroundings_that_cannot_be_used_keeps_no_other_kind_from_being_searched() {
    let world = World::new()
        .env("RUNPOD_API_KEY", "rpa_x")
        .env("RUNPOD_REST_V2_API_URL", "nowhere");
    let told = "`providers.runpod.endpoint` ($RUNPOD_REST_V2_API_URL) must be the URL of a server";
    for args in ["list --no-github", "providers"] {
        let said = world.run(args);
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(all.contains(told), "{args}: {all}");
        assert_ne!(said.code, Some(2), "{args}: {all}");
    }
}

#[test]
fn a_file_of_a_setting_that_is_not_there_is_an_error_about_that_setting() {
    let world = World::new().env("GH_PAT", "");
    let text = "[github]\ntoken = { file = \"~/token\" }\n[defaults]\nsetup = \"~/setup.sh\"\n";
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    insta::assert_snapshot!(world.run("list --provider local").exits(2).stderr, @"
    error: could not read `github.token` (providers.toml:2)
      caused by: `[WORLD]/home/token`: No such file or directory (os error 2)

    hint: skip GitHub with `--no-github`
    ");
    insta::assert_snapshot!(refused(&world, "start local"), @"
    error: `defaults.setup` (providers.toml:4) cannot be `[WORLD]/home/setup.sh`: No such file or directory (os error 2)

    hint: name a readable shell script
    ");
    // Where they are, they are found.
    std::fs::write(world.path("home/token"), format!("{TOKEN}\n")).expect("a file");
    std::fs::write(world.path("home/setup.sh"), "echo").expect("a file");
    world.run("list --provider local").exits(0);
    world.run("start local --dry-run").exits(0);
}

#[test]
fn a_value_that_a_shell_cannot_quote_is_read_as_its_setting_wants() {
    let world = World::new();
    let shown = |set: &str| {
        let mut command = world.command("providers check local --output json");
        command.args(["--set", set]);
        Said::of(command.output().expect("it runs"), &world)
    };
    shown("env.N=8").exits(0);
    shown("env={ N = 8, M = true }").exits(0);
    shown("slots=2").exits(0);
    insta::assert_snapshot!(shown("slots=two").exits(2).stderr, @"error: `providers.local.slots` (--set slots) must be an integer, not `two`");
    insta::assert_snapshot!(shown("grace=5").exits(2).stderr, @"error: `providers.local.grace` (--set grace) must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `5`");
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
        said.starts_with("error: `github.token` (providers.toml:2) must be `{ env = \"NAME\" }`, ")
            && said.contains(", not the secret itself"),
        "{said}"
    );
}

#[test]
fn no_scope_and_no_token_name_what_is_read() {
    let said = refused(&World::new().env("GHARUN_REPO", ""), "start local");
    assert!(
        said.contains("no repository, organization or enterprise is set"),
        "{said}"
    );
    let said = refused(&World::new().env("GH_PAT", ""), "start local");
    assert!(
        said.contains("set `$GH_PAT`") && said.contains("GHARUN_APP_ID"),
        "{said}"
    );
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
fn without_a_command_the_help_is_printed_as_it_is() {
    let said = refused(&World::new(), "");
    assert!(said.starts_with("Ephemeral self-hosted GitHub"), "{said}");
    assert!(said.contains("\n\nCommands:\n  start "), "{said}");
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
        said.stderr.contains("could not read state file"),
        "{}",
        said.stderr
    );
}

#[test]
#[cfg(feature = "docker")]
fn a_daemon_that_was_named_and_does_not_answer_is_not_passed_over() {
    let world = World::step().env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let said = world.run("stop --timeout 8s").exits(1);
    assert!(
        said.stderr.contains("could not read docker"),
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

#[test]
fn the_version_names_the_target_and_the_commit() {
    let world = World::new();
    let said = world.run("--version").exits(0).stdout;
    let build = regex::Regex::new(
        r"^gharun \S+ \([a-z0-9_]+-[a-z0-9_-]+, (commit ([0-9a-f]{12}|unknown)|development build)\)\n$",
    );
    assert!(build.expect("a pattern").is_match(&said), "{said}");
    let short = world.run("-V").exits(0).stdout;
    assert_eq!(short, concat!("gharun ", env!("CARGO_PKG_VERSION"), "\n"));
}
