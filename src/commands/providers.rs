//! `gharun providers`.

use std::fmt::Write as _;
use std::path::Path;

use futures_util::future::{join, join_all};

use super::Desk;
use crate::actions::Level;
use crate::cli::Format;
use crate::error::{Exit, Failure};
use crate::model::Error;
use crate::providers::{KINDS, Kind};
use crate::report::{self, Check, Checks, Status, Table as _, Text as _};
use crate::settings::{self, ProviderSettings, Providers};
use crate::ui;

mod github;
mod offers;

pub(super) async fn run(desk: &Desk, command: &Providers) -> Result<Exit, Failure> {
    match command {
        Providers::Check(settings) => check(desk, settings).await,
        Providers::Init(path) => init(desk, path).await,
        Providers::List => list(desk),
        Providers::Offers(settings) => offers::run(desk, settings).await,
        Providers::Show(kind) => show(desk, kind),
    }
}

fn list(desk: &Desk) -> Result<Exit, Failure> {
    let tables = &desk.settings.tables;
    let all = tables.each(&tables.known())?.into_iter();
    let outcome = report::Providers {
        providers: all.map(|(name, one)| shown(desk, name, one)).collect(),
        error: None,
    };
    let mut text = ui::table(report::Providers::HEADER, &outcome.rows());
    let providers = outcome.providers.iter();
    for provider in providers.filter(|provider| !provider.settings.is_empty()) {
        writeln!(text, "\n{}:", provider.name).expect("a text takes what is written");
        for set in &provider.settings {
            let value = set
                .value
                .as_ref()
                .map_or_else(|| "***".to_owned(), ToString::to_string);
            writeln!(text, "  {} = {value}  ({})", set.key, set.origin)
                .expect("a text takes what is written");
        }
    }
    desk.screen.data(&outcome, text)?;
    for provider in &outcome.providers {
        for hint in provider.error.iter().flat_map(Error::hints) {
            desk.ui.hint(&format!("`{}`: {hint}", provider.name));
        }
    }
    Ok(outcome.exit())
}

/// One provider, as far as it can be read.
fn shown(
    desk: &Desk,
    name: String,
    settings: settings::Result<ProviderSettings>,
) -> report::Provider {
    let kind = desk.settings.tables.kind_of(&name).ok();
    let (set, error) = match settings {
        Ok(settings) => (set(&settings), None),
        Err(error) => (Vec::new(), Some(error.any())),
    };
    report::Provider {
        kind: kind.map(|kind| kind.name.to_owned()),
        about: kind.map(|kind| kind.about.to_owned()),
        settings: set,
        error,
        name,
    }
}

fn set(settings: &ProviderSettings) -> Vec<report::Set> {
    let set = settings.origins.iter().map(|(key, origin)| report::Set {
        key: key.clone(),
        // A secret is named by its source alone.
        value: settings
            .values
            .get(key)
            .filter(|_| !settings.secrets.contains_key(key))
            .cloned(),
        origin: origin.to_string(),
    });
    set.collect()
}

async fn check(desk: &Desk, wanted: &settings::Check) -> Result<Exit, Failure> {
    let settings = desk.settings.tables.each(&wanted.providers)?.into_iter();
    let places = join_all(settings.map(|(name, one)| place(desk, name, one)));
    let (mut checks, github) = join(places, github::check(desk)).await;
    checks.extend(github);
    let outcome = Checks {
        checks,
        error: None,
    };
    let screen = &desk.screen;
    screen.summarise(|actions| actions.summarise_checks(&outcome));
    if desk.settings.format == Format::Json {
        screen.data(&outcome, String::new())?;
    }
    for check in &outcome.checks {
        if desk.settings.format == Format::Text {
            // A step's log shows the annotation that follows.
            let brief = screen.annotates() && check.error.is_some();
            let row = if brief { check.brief() } else { check.text() };
            screen.data(&(), row)?;
        }
        for warning in &check.warnings {
            let what = format!("`{}`", check.name);
            screen.warn(&warning.clone().while_trying(what));
        }
        if let Some(error) = &check.error {
            say_failed(desk, &outcome.checks, check, error);
        }
    }
    Ok(outcome.exit())
}

/// Says what would mend a part, below its row. What mends several parts is said once, and names all of them.
fn say_failed(desk: &Desk, all: &[Check], check: &Check, error: &Error) {
    let shares = |hint: &String| {
        let has = |one: &&Check| {
            one.error
                .iter()
                .flat_map(Error::hints)
                .any(|one| one == hint)
        };
        let names = all.iter().filter(has).map(|one| format!("`{}`", one.name));
        names.collect::<Vec<_>>().join(", ")
    };
    let hints = desk.screen.hints(error.hints());
    let hints: Vec<String> = hints
        .iter()
        .map(|hint| format!("{}: {hint}", shares(hint)))
        .collect();
    if desk.screen.annotates() {
        let level = match check.status {
            Status::Failed => Level::Error,
            Status::Ok | Status::Unknown => Level::Warning,
        };
        let what = error.clone().while_trying(format!("`{}`", check.name));
        return desk
            .screen
            .annotate(level, &desk.screen.causes(&what), &hints);
    }
    for hint in &hints {
        desk.ui.hint(hint);
    }
}

/// Checks one place.
async fn place(desk: &Desk, name: String, settings: settings::Result<ProviderSettings>) -> Check {
    let health = async {
        let place = desk.open(settings).await?;
        let health = place.provider.check().await;
        health.map_err(|error| Failure::of_provider(error, &name, &desk.settings.tables))
    };
    match health.await {
        Ok(health) => Check {
            name,
            status: Status::Ok,
            facts: health.facts,
            warnings: health.warnings.into_iter().map(Error::from).collect(),
            error: None,
        },
        Err(failure) => Check {
            name,
            status: Status::Failed,
            facts: vec![],
            warnings: vec![],
            error: Some(failure.any()),
        },
    }
}

fn show(desk: &Desk, kind: &Kind) -> Result<Exit, Failure> {
    let mut text = format!("{}: {}\n", kind.name, kind.about);
    for setting in kind.settings() {
        let default = setting.default.map(|value| format!(", default {value}"));
        let (key, kind) = (setting.key, setting.kind);
        write!(text, "\n{key} ({kind}{})\n", default.unwrap_or_default())
            .expect("a text takes what is written");
        for line in setting.meaning.lines() {
            writeln!(text, "    {line}").expect("a text takes what is written");
        }
    }
    desk.screen.data(&kind.schema(), text)?;
    Ok(Exit::Done)
}

async fn init(desk: &Desk, path: &Path) -> Result<Exit, Failure> {
    let cannot = |error: ui::PromptError| {
        super::unanswered(&error, "`providers init` is interactive")
            .hinted("copy providers.toml.example instead")
    };
    if path.exists() {
        return Err(
            Failure::usage("providers.toml already exists").hinted("edit it, or move it first")
        );
    }
    let kinds: Vec<String> = KINDS
        .iter()
        .map(|kind| format!("{}: {}", kind.name, kind.about))
        .collect();
    let chosen = &KINDS[desk
        .ui
        .select("Where do your machines come from?", &kinds)
        .await
        .map_err(cannot)?];
    let name = desk
        .ui
        .input("What should this provider be called?", Some(chosen.name))
        .await
        .map_err(cannot)?;
    let repo = desk
        .ui
        .input(
            "Which repository should runners register with (OWNER/NAME)?",
            None,
        )
        .await
        .map_err(cannot)?;
    let text = format!(
        "[github]\nrepo = {repo:?}\ntoken = {{ env = \"GH_PAT\" }}\n\n[defaults]\nproviders = [{name:?}]\n\n# Every setting: gharun providers show {}\n[providers.{name}]\nkind = {:?}\n",
        chosen.name, chosen.name
    );
    crate::settings::File::parse(path, &text)?;
    std::fs::write(path, text)
        .map_err(|error| Failure::from(error).while_trying("could not write providers.toml"))?;
    desk.ui
        .status("Wrote providers.toml; try it with `gharun providers check`");
    Ok(Exit::Done)
}
