//! What is guessed at a terminal, in a checkout and with a `gh` that is logged in; and where nothing is.

use std::process::Command;

use gharun_worlds::write_program;

use crate::life::slots;
use crate::pty::{Seen, Terminal};
use crate::world::{TOKEN, World};

/// A laptop whose folder is a checkout with these remotes, `NAME=OWNER/NAME`, at the server that is asked.
fn checkout(remotes: &[&str]) -> World {
    let world = World::new().env("GHARUN_REPO", "");
    let server = world.stub.url();
    let config = remotes.iter().map(|remote| {
        let (name, repo) = remote.split_once('=').expect("two parts");
        let url = if repo.contains("://") {
            repo.to_owned()
        } else {
            format!("{server}/{repo}.git")
        };
        format!("[remote \"{name}\"]\n\turl = {url}\n")
    });
    let config: String = config.collect();
    std::fs::create_dir(world.path(".git")).expect("a folder");
    std::fs::write(world.path(".git/HEAD"), "ref: refs/heads/main\n").expect("a file");
    std::fs::write(world.path(".git/config"), config).expect("a file");
    world
}

/// One without a token, where a `gh` is on the path: it writes down what it is asked, and gives a token for one host.
fn with_gh(world: World) -> World {
    let host = format!("127.0.0.1:{}", world.stub.port());
    let bin = world.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let script = format!(
        "#!/bin/sh\necho \"$* in $(pwd)\" >>'{}'\n[ \"$4\" = '{host}' ] && echo '{TOKEN}'\n",
        world.path("asked").display(),
    );
    write_program(&bin.join("gh"), &script, 0o755);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    world.env("PATH", &path).env("GH_PAT", "")
}

fn asked_of_gh(world: &World) -> String {
    std::fs::read_to_string(world.path("asked")).unwrap_or_default()
}

fn at_terminal(world: &World, args: &str) -> Seen {
    Terminal::run(&world.command(args)).ends()
}

#[test]
fn a_start_in_a_checkout_with_gh_needs_no_option() {
    let world = with_gh(checkout(&["origin=octo/app"]));
    let seen = at_terminal(&world, "start local");
    assert_eq!(seen.code, 0, "{seen:?}");
    let once = |text: &str| assert_eq!(seen.text.matches(text).count(), 1, "{text}: {seen:?}");
    once("For octo/app (git remote origin)\n");
    let host = format!("127.0.0.1:{}", world.stub.port());
    once(&format!("Using the token of `gh` for {host}\n"));
    // One question, and not in a folder that may be anybody's.
    assert_eq!(
        asked_of_gh(&world),
        format!("auth token --hostname {host} in /\n")
    );
    let seen = at_terminal(&world, "list");
    assert_eq!(seen.code, 0, "{seen:?}");
    assert!(seen.text.contains("gharun-t"), "{seen:?}");
    // `--yes` answers for what this computer has recorded.
    let seen = at_terminal(&world, "stop --yes");
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(slots(&world), 0);
    std::fs::remove_dir_all(world.path("bin")).expect("it is ours");
    world.keeps(&[TOKEN], &[]);
}

impl World {
    /// That a command guesses nothing, and says what is missing.
    #[track_caller]
    fn guesses_nothing(&self, command: &mut Command) {
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("no repository, organization or enterprise is set"),
            "{said}"
        );
        assert!(!said.contains("octo/app"), "{said}");
        assert_eq!(asked_of_gh(self), "");
    }
}

#[test]
fn nothing_is_guessed_without_a_terminal() {
    let world = with_gh(checkout(&["origin=octo/app"]));
    for args in ["start local", "list --orphans", "stop --orphans --yes"] {
        world.guesses_nothing(&mut world.command(args));
    }
    // A scope that is set does not let `gh` be asked either.
    let said = world.run("start local --repo octo/app").exits(2);
    assert!(
        said.stderr.contains("no GitHub token is set"),
        "{}",
        said.stderr
    );
    assert_eq!(asked_of_gh(&world), "");
}

#[test]
fn nothing_is_guessed_in_a_step_nor_where_it_could_not_be_said() {
    for (variable, args) in [("GITHUB_ACTIONS", "start local"), ("X", "-q start local")] {
        let world = with_gh(checkout(&["origin=octo/app"])).env(variable, "true");
        let seen = at_terminal(&world, args);
        assert_eq!(seen.code, 2, "{seen:?}");
        assert!(seen.text.contains("enterprise is set"), "{seen:?}");
        assert_eq!(asked_of_gh(&world), "");
    }
}

#[test]
fn what_is_set_is_not_guessed() {
    let world = with_gh(checkout(&["origin=octo/app"]))
        .env("GHARUN_REPO", "octo/other")
        .env("GH_TOKEN", TOKEN);
    let seen = at_terminal(&world, "list");
    assert_eq!(seen.code, 0, "{seen:?}");
    assert!(
        !seen.text.contains("octo/app") && !seen.text.contains("`gh`"),
        "{seen:?}"
    );
    assert_eq!(asked_of_gh(&world), "");
}

#[test]
fn a_remote_of_another_server_gives_neither_a_scope_nor_a_server() {
    let world = with_gh(checkout(&["origin=https://evil.test/octo/app"]));
    let seen = at_terminal(&world, "start local");
    assert_eq!(seen.code, 2, "{seen:?}");
    assert!(!seen.text.contains("evil.test"), "{seen:?}");
    assert_eq!(asked_of_gh(&world), "");
}

#[test]
fn two_repositories_are_both_named_and_neither_is_taken() {
    let world = with_gh(checkout(&[
        "origin=ann/app",
        "upstream=octo/app",
        "mirror=octo/app",
    ]));
    for args in ["start local", "list", "stop --orphans"] {
        let seen = at_terminal(&world, args);
        assert_eq!(seen.code, 2, "{seen:?}");
        // A line may be broken anywhere.
        let said = |text: &str| text.split_whitespace().collect::<String>();
        for told in [
            "the git remotes name several: `ann/app` (origin), `octo/app` (upstream)",
            "choose one: `--repo ann/app` or `--repo octo/app`",
        ] {
            assert!(said(&seen.text).contains(&said(told)), "{seen:?}");
        }
    }
    assert_eq!(asked_of_gh(&world), "");
    let seen = at_terminal(&world, "list --repo ann/app");
    assert_eq!(seen.code, 0, "{seen:?}");
}

#[test]
fn a_gh_that_gives_no_token_changes_nothing() {
    let world = with_gh(checkout(&["origin=octo/app"]));
    for script in [
        "echo 'not logged in' >&2; exit 1",
        "echo",
        "echo two words",
        "exec sleep 1000",
    ] {
        write_program(
            &world.path("bin/gh"),
            &format!("#!/bin/sh\n{script}\n"),
            0o755,
        );
        let seen = at_terminal(&world, "start local");
        assert_eq!(seen.code, 2, "{seen:?}");
        assert!(seen.text.contains("no GitHub token is set"), "{seen:?}");
        assert!(!seen.text.contains("Using the token"), "{seen:?}");
    }
}

#[test]
fn yes_does_not_answer_for_a_scope_that_was_guessed() {
    let world = checkout(&["origin=octo/app"]);
    let started = world.run("start local --repo octo/app").exits(0);
    let reference = started
        .stdout
        .trim()
        .split('\t')
        .nth(1)
        .expect("a reference")
        .to_owned();
    let mut terminal = Terminal::run(&world.command("stop --all --yes"));
    terminal
        .reads("Stop this machine of octo/app (git remote origin)?")
        .types("n");
    let seen = terminal.ends();
    assert_eq!(seen.code, 2, "{seen:?}");
    assert_eq!(slots(&world), 1);
    // A scope that is set is what `--yes` was typed for; and so is a machine that is named.
    let seen = at_terminal(&world, &format!("stop {reference}"));
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(slots(&world), 0);
    world.run("start local --repo octo/app").exits(0);
    let seen = at_terminal(&world, "stop --all --yes --repo octo/app");
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(slots(&world), 0);
    world.run("start local --repo octo/app").exits(0);
    let mut terminal = Terminal::run(&world.command("stop --all --yes"));
    terminal.reads("(git remote origin)?").types("y");
    let seen = terminal.ends();
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(slots(&world), 0);
}
