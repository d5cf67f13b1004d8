//! Which of several voices holds, and what each error says.

use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::cli::{self, Cli, Command};
use crate::model::{Name, Scope, StopTarget};
use clap::Parser as _;

mod app;
mod forms;
mod hostile;
mod paths;
mod placed;
mod servers;
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

    fn start(&self) -> Result<StartSettings> {
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
    did you mean `timeout`?
    known: allow_partial, count, group, idle_timeout, keep_failed, labels, lifetime, older_than, poll_interval, providers, registration, runner_version, second_look, setup, timeout
    ");
    insta::assert_snapshot!(World::new("start a").file("[providers.a]\nkind = \"azure\"\n").error().lines().next().unwrap(), @"`providers.a.kind` (DIR/p.toml:2) must be the name of a kind, not `azure`");
    insta::assert_snapshot!(World::new("start local").file("[providers.a]\n[providers.a]\n").error(), @"DIR/p.toml:2: duplicate key");
}

#[test]
fn a_token_in_the_file_itself_is_refused() {
    insta::assert_snapshot!(World::new("start local").file("[github]\ntoken = \"ghp_x\"\n").error(), @r#"
    `github.token` (DIR/p.toml:2) must be `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARG"] }`, not the secret itself
    keep it in a variable, `{ env = "NAME" }`: this file may get committed
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
fn a_provider_that_a_setting_names_is_told_with_that_setting() {
    let first = |world: World| world.error().lines().next().unwrap_or_default().to_owned();
    let file = "[defaults]\nproviders = [\"local\",\n  \"nope\"]\n";
    insta::assert_snapshot!(first(World::new("start").file(file)), @"`defaults.providers[1]` (DIR/p.toml:3) must name providers, not `nope`");
    insta::assert_snapshot!(first(World::new("start").env("GHARUN_PROVIDERS", "local, nope")), @"`$GHARUN_PROVIDERS` must name providers, not `nope`");
    insta::assert_snapshot!(first(World::new("start nope")), @"the provider `nope` does not exist");
}

#[test]
fn a_lifetime_that_is_too_short_is_told_with_both_settings() {
    let first = |world: World| world.error().lines().next().unwrap_or_default().to_owned();
    insta::assert_snapshot!(first(World::new("start local --lifetime 5m")), @"`--lifetime` must be at least `defaults.timeout`, `15m`, not `5m`: machines would end before they are online");
    let file = "[defaults]\nlifetime = \"1h\"\n";
    insta::assert_snapshot!(first(World::new("start local").file(file).env("GHARUN_TIMEOUT", "2h")), @"`defaults.lifetime` (DIR/p.toml:2) must be at least `$GHARUN_TIMEOUT`, `2h`, not `1h`: machines would end before they are online");
}

#[test]
fn two_scopes_of_one_source_are_an_error() {
    let said = |world: World| {
        let error = world
            .settings()
            .expect_err("it must be refused")
            .to_string();
        error.replace(&world.file.path().display().to_string(), "DIR")
    };
    let file = "[github]\nrepo = \"octo/app\"\norg = \"octo\"\n";
    insta::assert_snapshot!(said(World::new("list").file(file)), @"`github.org` (DIR/p.toml:3) cannot be used: `github.repo` (DIR/p.toml:2) is set too");
    let both = World::new("list").env("GHARUN_ORG", "octo");
    insta::assert_snapshot!(said(both.env("GHARUN_ENTERPRISE", "octo")), @"`$GHARUN_ENTERPRISE` cannot be used: `$GHARUN_ORG` is set too");
    // Sources that go before others are none that contradict them.
    let one = World::new("list --repo a/b").file("[github]\norg = \"octo\"\n");
    one.settings().expect("it resolves");
}

#[test]
fn what_was_typed_for_a_provider_is_told_as_it_was_typed() {
    let said = |set: &str| {
        let mut world = World::new("start box").file("[providers.box]\nkind = \"local\"\n");
        world.args.extend(["--set".to_owned(), set.to_owned()]);
        let (settings, _) = world.settings()?;
        settings.tables.settings(&["box".to_owned()]).map(drop)
    };
    let mut table = String::new();
    for set in [
        "slots=two",
        "slots=",
        "slots=99999999999999999999",
        "box.slots=0",
        "grace=5",
        "env=[a",
        "env.A-B=1",
        "work_dir=slots",
        "sluts=3",
        "docker.host=x",
        "slots",
        "env.\"A=2",
    ] {
        let error = said(set).expect_err("it is refused");
        writeln!(table, "{error}").unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    `providers.box.slots` (--set slots) must be an integer, not `two`
    `providers.box.slots` (--set slots) must be an integer, not an empty string
    `providers.box.slots` (--set slots) must be an integer from 1 to 65535, not `99999999999999999999`
    `providers.box.slots` (--set slots) must be an integer from 1 to 65535, not `0`
    `providers.box.grace` (--set grace) must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `5`
    `providers.box.env` (--set env) must be a table of strings, not `[a`
    `providers.box.env.A-B` (--set env.A-B) cannot be used: `A-B` is not the name of a variable: use letters, digits and `_`, and no digit first
    `providers.box.work_dir` (--set work_dir) must be an absolute path, not `slots`
    `--set sluts`: unknown setting `sluts` in box
    `--set docker.host`: unknown setting `docker.host` in box
    `--set` must be `KEY=VALUE` or `NAME.KEY=VALUE`
    `--set` must be `KEY=VALUE` or `NAME.KEY=VALUE`
    "#);
    for set in [
        "env.\"A\"=2",
        "env.N=\"8\"",
        "grace=\"5m\"",
        "other.slots=x",
    ] {
        let fine = said(set);
        assert_eq!(fine.is_ok(), set != "other.slots=x", "{set}");
    }
}

#[test]
#[cfg(feature = "ssh")]
fn a_list_whose_quotes_the_shell_took_is_a_list_or_an_error() {
    let hosts = |set: &str| {
        let mut world = World::new("start ssh");
        world.args.extend(["--set".to_owned(), set.to_owned()]);
        let (settings, _) = world.settings()?;
        let all = settings.tables.settings(&["ssh".to_owned()])?;
        Ok::<_, Error>(all[0].values["hosts"].clone())
    };
    assert_eq!(
        hosts("hosts=[u@a,u@b]").expect("it is a list"),
        serde_json::json!(["u@a", "u@b"])
    );
    let error = hosts("hosts=[u@a").expect_err("it is none");
    insta::assert_snapshot!(error.describe(), @r#"
    `providers.ssh.hosts` (--set hosts) must be a list such as `["a", "b"]`, not `[u@a`
    hint: quote it for the shell: `--set 'hosts=["…", "…"]'`; one value needs no brackets
    "#);
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
        settings.stop(&args, None).expect("it resolves").target
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
            labels: vec![],
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
        let stop = settings.stop(&args, None).expect("they resolve");
        assert_eq!(
            (list.older_than, list.group, list.providers),
            (stop.older_than, stop.group, stop.providers),
            "{flags} {variable:?} {file}"
        );
    }
}
