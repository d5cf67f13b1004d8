//! What fails before it has an outcome, and what each command tells in its JSON, its annotations and the job's
//! summary.

use super::*;
use crate::model::{Instance, InstanceId};
use crate::providers::memory::{Fault, Verb};
use crate::providers::{ErrorKind, Health, Listing, ProviderFuture, Termination};

/// A command, and a variable of its world; how it ends, the lists that its outcome always has, and what is
/// said.
type Early = (
    &'static str,
    (&'static str, &'static str),
    Exit,
    &'static [&'static str],
    &'static str,
);

/// Commands that fail before they have an outcome.
const EARLY: &[Early] = &[
    (
        "start gpu",
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
        Exit::Failed,
        &["runners", "failed", "left"],
        "could not list the runner downloads",
    ),
    (
        "start nowhere",
        ("", ""),
        Exit::Usage,
        &["runners", "failed", "left"],
        "nowhere",
    ),
    (
        "start nowhere --dry-run",
        ("", ""),
        Exit::Usage,
        &["runners", "failed", "left"],
        "nowhere",
    ),
    (
        "start nowhere --rehearse",
        ("", ""),
        Exit::Usage,
        &["runners", "failed", "left"],
        "nowhere",
    ),
    (
        "start gpu --rehearse --timeout never",
        ("", ""),
        Exit::Usage,
        &["runners", "failed", "left"],
        "--timeout",
    ),
    (
        "list",
        ("GH_PAT", ""),
        Exit::Usage,
        &["machines", "unknown", "not_searched"],
        "token",
    ),
    (
        "stop --orphans",
        ("GH_PAT", ""),
        Exit::Usage,
        &[
            "stopped",
            "kept",
            "failed",
            "pending",
            "unknown",
            "not_searched",
        ],
        "token",
    ),
    (
        "providers",
        ("GHARUN_CONFIG", "nowhere.toml"),
        Exit::Usage,
        &["providers"],
        "nowhere.toml",
    ),
    (
        "providers check nowhere",
        ("", ""),
        Exit::Usage,
        &["checks"],
        "nowhere",
    ),
    (
        "providers offers nowhere",
        ("", ""),
        Exit::Usage,
        &["offers", "unknown", "not_asked"],
        "nowhere",
    ),
    (
        "providers show nowhere",
        ("", ""),
        Exit::Usage,
        &[],
        "nowhere",
    ),
];

#[tokio::test]
async fn what_fails_before_its_outcome_writes_all_keys_and_the_error() {
    for (command, (name, value), exit, lists, told) in EARLY {
        let world = World::new("").with(name, value);
        let said = world.run(&format!("{command} --output json")).await;
        assert_eq!(said.exit, *exit, "{command}: {said:#?}");
        let json = said.json();
        for list in *lists {
            assert_eq!(json[list], serde_json::json!([]), "{command}: {json}");
        }
        let error = json["error"].as_str().unwrap_or_default();
        assert!(error.contains(told), "{command}: {json}");
        assert!(json["hints"].is_array(), "{command}: {json}");
        for key in ["request_id", "setting"] {
            assert!(json.get(key).is_some(), "{command}: {json}");
        }
        let said = world.run(command).await;
        assert_eq!((said.exit, said.stdout.as_str()), (*exit, ""), "{command}");
    }
}

#[tokio::test]
async fn what_fails_before_its_outcome_is_annotated_once_and_in_the_summary() {
    for (command, (name, value), exit, _, told) in EARLY {
        let world = World::step("").with(name, value);
        let said = world.run(command).await;
        assert_eq!(said.exit, *exit, "{command}: {said:#?}");
        assert_eq!(
            said.times("::error title=gharun::"),
            1,
            "{command}: {said:#?}"
        );
        let twice = said.stderr.lines().any(|line| line.starts_with("error: "));
        assert!(!twice, "{command}: {said:#?}");
        let summary = world.summary();
        assert!(summary.starts_with("### gharun "), "{command}: {summary}");
        assert!(summary.contains(" failed\n"), "{command}: {summary}");
        let escaped = told.replace('_', "\\_");
        assert!(summary.contains(&escaped), "{command}: {summary}");
    }
}

#[tokio::test]
async fn a_bad_file_is_an_error_in_all_forms() {
    let world = World::step("count = \n");
    let said = world.run("list --output json").await.exits(Exit::Usage);
    assert!(said.json()["error"].as_str().is_some(), "{said:#?}");
    assert_eq!(said.times("::error title=gharun::"), 1, "{said:#?}");
    assert!(world.summary().contains("gharun list failed"));
}

#[tokio::test]
async fn a_setting_at_fault_is_named() {
    let world = World::new("");
    for (command, setting) in [
        ("start gpu --timeout never", "defaults.timeout"),
        ("start gpu --setup nowhere.sh", "defaults.setup"),
        ("start gpu --poll-interval 1h", "defaults.poll_interval"),
        ("start gpu --lifetime 1m", "defaults.lifetime"),
        ("start gpu --set grace=5", "providers.gpu.grace"),
        ("list --org no/org", "github.org"),
        ("stop --older-than never", "defaults.older_than"),
        ("start gpu --count many", "defaults.count"),
    ] {
        let said = world.run(&format!("{command} --output json")).await;
        let json = said.exits(Exit::Usage).json();
        assert_eq!(json["setting"], setting, "{command}: {json}");
    }
    // What its kind alone can judge has the same name.
    let world = World::new("[providers.big]\nkind = \"docker\"\nmemory = \"lots\"\n");
    let said = world.run("start big --output json").await;
    let json = said.exits(Exit::Usage).json();
    assert_eq!(json["setting"], "providers.big.memory", "{json}");
    for (name, value, setting) in [
        ("GHARUN_TIMEOUT", "never", "defaults.timeout"),
        ("GHARUN_CA_BUNDLE", "/nonexistent/pem", "github.ca_bundle"),
        ("GHARUN_RUNNER_GROUP", " ", "github.runner_group"),
        ("GH_PAT", "", "github.token"),
    ] {
        let world = World::new("").with(name, value);
        let said = world.run("start gpu --output json").await;
        let json = said.exits(Exit::Usage).json();
        assert_eq!(json["setting"], setting, "{name}: {json}");
    }
}

#[tokio::test]
async fn what_a_step_could_not_read_is_in_the_summary() {
    let world = World::step("");
    let fault = Fault::Error(ErrorKind::Unavailable);
    world.cloud.fault("gpu", Verb::List, fault);
    for command in ["stop --all", "list"] {
        std::fs::remove_file(world.folder.path().join("summary")).ok();
        let said = world.run(command).await.exits(Exit::Failed);
        let summary = world.summary();
        assert!(summary.contains("### What could not be read"), "{summary}");
        assert!(summary.contains("<code>gpu</code>"), "{summary}");
        // Each annotation stands alone: what was not read, and why the command failed for it.
        let annotations = if command == "list" { 1 } else { 2 };
        assert_eq!(said.times("could not list at"), annotations, "{said:#?}");
        assert_eq!(said.times("warning: "), 0, "{said:#?}");
    }
}

#[tokio::test]
async fn a_check_and_its_offers_are_annotated_and_in_the_summary() {
    let world = World::step("[providers.far]\nkind = \"local\"\n");
    let fault = Fault::Error(ErrorKind::Denied);
    world.cloud.fault("far", Verb::Check, fault);
    let said = world.run("providers check").await.exits(Exit::Failed);
    assert_eq!(said.times("::error title=gharun::`far`: "), 1, "{said:#?}");
    assert_eq!(said.both.matches("could not check").count(), 1, "{said:#?}");
    let summary = world.summary();
    assert!(
        summary.contains("<code>far</code> | broken | "),
        "{summary}"
    );
    assert!(summary.contains("<code>gpu</code> | works | "), "{summary}");
    let world = World::step("[providers.big]\nkind = \"nowhere\"\n");
    let said = world.run("providers").await.exits(Exit::Failed);
    assert_eq!(said.times("::error title=gharun::`big`: "), 1, "{said:#?}");
    let said = world.run("providers offers").await.exits(Exit::Failed);
    assert_eq!(said.times("::warning title=gharun::could not ask `big`"), 1);
    assert!(world.summary().contains("<code>big</code>"));
}

#[tokio::test]
async fn nothing_is_said_to_be_nowhere_where_nobody_could_look() {
    let world = World::new("");
    let fault = Fault::Error(ErrorKind::Unavailable);
    world.cloud.fault("gpu", Verb::List, fault);
    let said = world.run("list").await.exits(Exit::Failed);
    assert_eq!(said.times("No machines"), 0, "{said:#?}");
}

#[tokio::test]
async fn a_kind_that_was_not_searched_is_in_the_outcome() {
    let world = World::new("").with("DOCKER_HOST", "zzz");
    std::fs::write(world.folder.path().join("providers.toml"), "").expect("a file");
    for (command, exit) in [
        ("list --no-github", Exit::Done),
        ("stop --orphans --dry-run", Exit::Done),
    ] {
        let said = world.run(&format!("{command} --output json")).await;
        let json = said.exits(exit).json();
        let all = json["not_searched"].as_array().expect("a list");
        let docker = all.iter().find(|one| one["name"] == "docker");
        let docker = docker.unwrap_or_else(|| panic!("{json}"));
        assert!(docker["error"].is_string() && docker["hints"].is_array());
        assert_eq!(json["unknown"], serde_json::json!([]));
    }
}

/// What a kind with a flaw in it panics at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    Everything,
    Validation,
    Launch,
    End,
}

/// A kind with a flaw in it.
#[derive(Debug)]
struct Flawed(Flaw, InMemoryProvider);

impl Flawed {
    fn may(&self, flaws: &[Flaw]) {
        assert!(!flaws.contains(&self.0), "a flaw in gharun");
    }
}

impl Provider for Flawed {
    fn kind(&self) -> &'static str {
        self.1.kind()
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        self.may(&[Flaw::Everything]);
        self.1.check()
    }

    fn validate(&self) -> crate::providers::Result<()> {
        self.may(&[Flaw::Everything, Flaw::Validation]);
        Ok(())
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        self.1.places()
    }

    fn launch<'a>(&'a self, _: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(async { panic!("a flaw in gharun") })
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        self.may(&[Flaw::Everything]);
        self.1.list()
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        self.may(&[Flaw::Everything, Flaw::End]);
        self.1.terminate(id)
    }
}

impl World {
    async fn run_flawed(&self, flaw: Flaw, args: &str) -> (Exit, String) {
        let mut context = self.context();
        let errors = Stream::default();
        let (out, err) = (Box::new(Stream::default()), Box::new(errors.clone()));
        context.ui = Ui::speaking_to(UiOptions::default(), out, err);
        context.screen = Screen::new(&context.ui, &context.actions, FormatArg::Text);
        let flawed = Flawed(flaw, self.cloud.provider("gpu"));
        context.doubles.insert("gpu".to_owned(), Arc::new(flawed));
        let words = std::iter::once("gharun").chain(args.split_whitespace());
        let cli = Cli::try_parse_from(words).expect("a command line");
        (context.run(&cli.command).await, text(&errors.own))
    }
}

#[tokio::test]
async fn a_panic_in_any_command_ends_as_one_error() {
    for args in [
        "list",
        "list --no-github",
        "stop --orphans --yes",
        "stop --all --yes",
        "providers check gpu",
    ] {
        let world = World::new("");
        let (exit, said) = world.run_flawed(Flaw::Everything, args).await;
        assert_eq!(exit, Exit::Failed, "{args}");
        assert_eq!(said.matches("gharun itself failed").count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_panic_after_a_machine_was_asked_to_end_is_said_as_what_may_be_left() {
    for args in ["stop --orphans --yes --second-look 0s", "stop --all --yes"] {
        let world = World::new("");
        world.orphan().await;
        let (exit, said) = world.run_flawed(Flaw::End, args).await;
        assert_eq!(exit, Exit::Left, "{args}: {said}");
        assert_eq!(said.matches("gharun itself failed").count(), 1, "{said}");
        assert!(said.contains("`gharun list`"), "{said}");
        assert_eq!(world.cloud.machines().len(), 1);
        // Where nothing was to be ended, nothing is said to be left.
        let world = World::new("");
        let (exit, _) = world.run_flawed(Flaw::End, args).await;
        assert_eq!(exit, Exit::Done, "{args}");
    }
}

#[tokio::test]
async fn a_panic_before_a_machine_that_was_named_is_asked_to_end_is_said_as_what_may_be_left() {
    let world = World::new("");
    let machine = world.orphan().await;
    world.record("gpu").await;
    let named = format!("stop {machine}");
    let mapping = format!(r#"stop --mapping {{"{machine}":"gharun-x"}}"#);
    for args in [named.as_str(), mapping.as_str(), "stop"] {
        let (exit, said) = world.run_flawed(Flaw::Everything, args).await;
        assert_eq!(exit, Exit::Left, "{args}: {said}");
        assert_eq!(said.matches("gharun itself failed").count(), 1, "{said}");
        assert!(said.contains("`gharun list`"), "{said}");
        let (exit, said) = world
            .run_flawed(Flaw::Everything, &format!("{args} --dry-run"))
            .await;
        assert_eq!(exit, Exit::Failed, "{args}: {said}");
    }
}

#[tokio::test]
async fn a_panic_of_a_start_names_only_what_may_be_there() {
    let world = World::new("");
    let (exit, said) = world.run_flawed(Flaw::Validation, "start gpu").await;
    assert_eq!(exit, Exit::Failed, "{said}");
    assert_eq!(said.matches("gharun itself failed").count(), 1, "{said}");
    assert!(
        !said.contains("gharun-t"),
        "no machine was asked for: {said}"
    );
    // A launch was asked for, and its place shows that nothing came of it.
    let world = World::new("");
    let (exit, said) = world
        .run_flawed(Flaw::Launch, "start gpu --timeout 5s")
        .await;
    assert_eq!(exit, Exit::Failed, "{said}");
    assert!(said.contains("nothing is left running"), "{said}");
    assert!(world.cloud.machines().is_empty());
}
