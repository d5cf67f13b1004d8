//! Which of several voices holds, and what each error says.

use std::path::Path;

use super::*;
use crate::cli::{self, Cli, Command};
use crate::model::{Name, Scope, StopTarget};
use clap::Parser as _;

mod app;
mod paths;
mod types;

/// A world of flags, variables and a file.
struct World {
    args: Vec<String>,
    env: Vec<(&'static str, &'static str)>,
    file: tempfile::TempDir,
}

impl World {
    fn new(args: &str) -> Self {
        let file = tempfile::tempdir().expect("a folder");
        Self {
            args: args.split_whitespace().map(str::to_owned).collect(),
            env: vec![("HOME", "/home/me")],
            file,
        }
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    fn file(self, text: &str) -> Self {
        std::fs::write(self.file.path().join("p.toml"), text).expect("a file");
        self
    }

    fn settings(&self) -> Result<(Settings, Cli)> {
        let cli =
            Cli::try_parse_from(std::iter::once("gharun".to_owned()).chain(self.args.clone()))
                .expect("it parses");
        let path = self.file.path().join("p.toml");
        let mut env: Vec<(String, String)> = self
            .env
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        if path.exists() {
            env.push(("GHARUN_CONFIG".to_owned(), path.display().to_string()));
        }
        let set = match &cli.command {
            Command::Start(start) => start.set.clone(),
            _ => Vec::new(),
        };
        Ok((
            Settings::resolve(&cli.global, &set, Env::from_iter(env))?,
            cli,
        ))
    }

    fn start(&self) -> Result<Start> {
        let (settings, cli) = self.settings()?;
        let Command::Start(args) = cli.command else {
            panic!("not start")
        };
        settings.start(&args)
    }

    fn error(&self) -> String {
        let error = self.start().expect_err("it must be refused");
        let text = std::iter::once(error.to_string())
            .chain(error.hints().iter().cloned())
            .collect::<Vec<_>>()
            .join("\n");
        text.replace(&self.file.path().display().to_string(), "DIR")
    }
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = "[defaults]\ntimeout = \"3m\"\nlabels = [\"a\"]\n";
    let timeout = |world: World| world.start().expect("it resolves").timeout.as_secs();
    assert_eq!(timeout(World::new("start local")), 900);
    assert_eq!(timeout(World::new("start local").file(file)), 180);
    assert_eq!(
        timeout(
            World::new("start local")
                .file(file)
                .env("GHARUN_TIMEOUT", "2m")
        ),
        120
    );
    assert_eq!(
        timeout(
            World::new("start local --timeout 1m")
                .file(file)
                .env("GHARUN_TIMEOUT", "2m")
        ),
        60
    );
}

#[test]
fn an_error_names_the_place_where_the_value_stands() {
    insta::assert_snapshot!(World::new("start local --timeout soon").error(), @"`--timeout` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `soon`");
    insta::assert_snapshot!(World::new("start local").env("GHARUN_COUNT", "0").error(), @"`$GHARUN_COUNT` must be an integer from 1 to 256, not `0`");
    insta::assert_snapshot!(World::new("start local").file("\n[defaults]\nlifetime = 7\n").error(), @"`defaults.lifetime` (DIR/p.toml:3) must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not an integer");
    insta::assert_snapshot!(World::new("start local --label a,b").error(), @"`--label` must be a label of letters, digits, `.`, `_` and `-`, not `a,b`");
}

#[test]
fn a_mistake_in_the_file_is_an_error_with_its_line() {
    insta::assert_snapshot!(World::new("start local").file("[defaults]\ntimeuot = \"3m\"\n").error(), @"
    DIR/p.toml:2: unknown key `timeuot` in [defaults]
    known: allow_partial, count, group, idle_timeout, keep_failed, labels, lifetime, older_than, poll_interval, providers, registration, runner_version, second_look, setup, timeout
    ");
    insta::assert_snapshot!(World::new("start a").file("[providers.a]\nkind = \"azure\"\n").error().lines().next().unwrap(), @"DIR/p.toml:2: the kind `azure` does not exist");
    insta::assert_snapshot!(World::new("start local").file("[providers.a]\n[providers.a]\n").error(), @"DIR/p.toml:2: duplicate key");
}

#[test]
fn a_token_in_the_file_itself_is_refused() {
    insta::assert_snapshot!(World::new("start local").file("[github]\ntoken = \"ghp_x\"\n").error(), @r#"
    `github.token` (DIR/p.toml:2) must be `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARG"] }`, not the secret itself
    a secret in a file gets committed one day
    "#);
}

#[test]
fn an_unknown_provider_lists_the_known_ones() {
    let world = World::new("start gpu").file("[providers.box]\nkind = \"local\"\n");
    assert!(
        world
            .error()
            .starts_with("the provider `gpu` does not exist\nknown providers: box, "),
        "{}",
        world.error()
    );
}

#[test]
fn our_own_token_beats_the_file_beats_the_workflows() {
    let token = |world: World| {
        world
            .settings()
            .expect("it resolves")
            .0
            .github
            .token
            .map(|t| t.origin.to_string())
    };
    let file = "[github]\ntoken = { env = \"MINE\" }\n";
    assert_eq!(token(World::new("list")), None);
    assert_eq!(
        token(World::new("list").env("GITHUB_TOKEN", "t")).as_deref(),
        Some("$GITHUB_TOKEN")
    );
    let with_file = World::new("list")
        .env("GITHUB_TOKEN", "t")
        .env("MINE", "m")
        .file(file);
    assert!(token(with_file).expect("a token").ends_with("p.toml:2"));
    let ours = World::new("list")
        .env("GH_PAT", "p")
        .env("MINE", "m")
        .file(file);
    assert_eq!(token(ours).as_deref(), Some("$GH_PAT"));
    assert_eq!(
        token(World::new("list").env("GITHUB_TOKEN", "t").file(file)).as_deref(),
        Some("$GITHUB_TOKEN")
    );
}

#[test]
fn the_scope_is_that_of_the_workflow_unless_said_otherwise() {
    let scope = |world: World| {
        world
            .settings()
            .expect("it resolves")
            .0
            .github
            .scope
            .map(|s| s.value)
    };
    let repo = |owner: &str, name: &str| {
        Some(Scope::Repo {
            owner: owner.into(),
            name: name.into(),
        })
    };
    let workflow = || World::new("list").env("GITHUB_REPOSITORY", "octo/app");
    assert_eq!(scope(workflow()), repo("octo", "app"));
    assert_eq!(
        scope(workflow().file("[github]\norg = \"acme\"\n")),
        Some(Scope::Org("acme".into()))
    );
    assert_eq!(
        scope(World::new("list --repo a/b").env("GITHUB_REPOSITORY", "octo/app")),
        repo("a", "b")
    );
}

#[test]
fn an_odd_scope_is_refused() {
    for text in ["a", "a/b/c", "/b", "a/", "a/..", "a/b?x"] {
        let args = format!("list --repo {text}");
        assert!(World::new(&args).settings().is_err(), "{text}");
    }
}

#[test]
fn set_reaches_the_providers_that_have_the_key() {
    let world = World::new("start box --set slots=3").file("[providers.box]\nkind = \"local\"\n");
    let (settings, _) = world.settings().expect("it resolves");
    let tables = settings
        .tables
        .settings(&["box".to_owned()])
        .expect("they resolve");
    assert_eq!(tables[0].values.get("slots"), Some(&serde_json::json!(3)));
    assert_eq!(tables[0].origin("slots").to_string(), "--set slots");
    let unknown = World::new("start local --set sluts=3")
        .settings()
        .expect("it resolves")
        .0;
    assert!(unknown.tables.settings(&["local".to_owned()]).is_err());
}

#[test]
fn the_state_file_follows_its_surroundings() {
    let state = |world: World| world.settings().expect("it resolves").0.state;
    assert_eq!(
        state(World::new("list")).as_deref(),
        Some(Path::new("/home/me/.local/state/gharun/state.json"))
    );
    let step = World::new("list")
        .env("GITHUB_ACTIONS", "true")
        .env("RUNNER_TEMP", "/tmp/r");
    assert_eq!(
        state(step).as_deref(),
        Some(Path::new("/tmp/r/gharun-state.json"))
    );
    assert_eq!(state(World::new("list --no-state")), None);
    assert_eq!(
        state(World::new("list --state s.json")).as_deref(),
        Some(Path::new("s.json"))
    );
}

#[test]
fn stop_in_a_workflow_means_this_run_and_elsewhere_the_state_file() {
    let target = |world: World| {
        let (settings, cli) = world.settings().expect("it resolves");
        let Command::Stop(args) = cli.command else {
            panic!("not stop")
        };
        settings.stop(&args).expect("it resolves").target
    };
    assert_eq!(target(World::new("stop")), StopTarget::State);
    let step = || {
        World::new("stop")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_RUN_ID", "7")
    };
    assert_eq!(
        target(step()),
        StopTarget::Run {
            id: 7,
            attempt: None
        }
    );
    assert_eq!(
        target(step().env("GHARUN_MAPPING", "{}")),
        StopTarget::Run {
            id: 7,
            attempt: None
        }
    );
    let name = "gharun-7-1-0-abcdefabcdefgh";
    let mapped = target(step().env(
        "GHARUN_MAPPING",
        r#"{"local:a/b": "gharun-7-1-0-abcdefabcdefgh"}"#,
    ));
    let names: Vec<Name> = vec![name.parse().expect("a name")];
    assert_eq!(
        mapped,
        StopTarget::Named {
            machines: vec!["local:a/b".parse().expect("a reference")],
            names,
            starts: true
        }
    );
}

#[test]
fn no_value_of_the_environment_is_ever_printed() {
    let (settings, _) = World::new("list")
        .env("GH_PAT", "hunter2")
        .settings()
        .expect("it resolves");
    assert!(!format!("{settings:?}").contains("hunter2"));
    let _: &cli::Global = &cli::Global::default();
}

#[test]
fn list_and_stop_read_the_same_settings_of_orphans() {
    let file = "[defaults]\nolder_than = \"24h\"\ngroup = \"a\"\n";
    for (flags, variable, file) in [
        ("", None, ""),
        ("", None, file),
        ("", Some(("GHARUN_OLDER_THAN", "2h")), file),
        ("", Some(("GHARUN_GROUP", "b")), file),
        (" --older-than 1h --provider local", None, file),
    ] {
        let resolved = |command: &str| {
            let mut world = World::new(&format!("{command} --orphans{flags}")).file(file);
            world.env.extend(variable);
            world.settings().expect("they resolve")
        };
        let (settings, cli) = resolved("list");
        let Command::List(args) = cli.command else {
            panic!("not list")
        };
        let list = settings.list(&args).expect("they resolve");
        let (settings, cli) = resolved("stop");
        let Command::Stop(args) = cli.command else {
            panic!("not stop")
        };
        let stop = settings.stop(&args).expect("they resolve");
        assert_eq!(
            (list.older_than, list.group, list.providers),
            (stop.older_than, stop.group, stop.providers),
            "{flags} {variable:?} {file}"
        );
    }
}
