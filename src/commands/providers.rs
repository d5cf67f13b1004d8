//! `gharun providers`.

use std::fmt::Write as _;
use std::path::Path;

use futures_util::future::{join, join_all};

use super::Desk;
use crate::cli::Format;
use crate::error::{Exit, Failure};
use crate::model::chain;
use crate::providers::{KINDS, Kind};
use crate::report::{self, Check, Checks, Status, Text as _};
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
    let mut providers = Vec::new();
    for settings in desk
        .settings
        .tables
        .settings(&desk.settings.tables.known())?
    {
        let set: Vec<report::Set> = settings
            .origins
            .iter()
            .map(|(key, origin)| report::Set {
                key: key.clone(),
                // A secret is named by its source alone.
                value: settings
                    .values
                    .get(key)
                    .filter(|_| !settings.secrets.contains_key(key))
                    .cloned(),
                origin: origin.to_string(),
            })
            .collect();
        providers.push(report::Provider {
            name: settings.name,
            kind: settings.kind.name.to_owned(),
            about: settings.kind.about.to_owned(),
            settings: set,
        });
    }
    let rows: Vec<Vec<String>> = providers
        .iter()
        .map(|p| vec![p.name.clone(), p.kind.clone(), p.about.clone()])
        .collect();
    let mut text = ui::table(&["NAME", "KIND", "ABOUT"], &rows);
    for provider in providers
        .iter()
        .filter(|provider| !provider.settings.is_empty())
    {
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
    desk.data(&report::Providers { providers }, text)?;
    Ok(Exit::Done)
}

async fn check(desk: &Desk, wanted: &settings::Check) -> Result<Exit, Failure> {
    let settings = desk.settings.tables.each(&wanted.providers)?.into_iter();
    let places = join_all(settings.map(|(name, one)| place(desk, name, one)));
    let (mut checks, github) = join(places, github::check(desk)).await;
    checks.extend(github);
    let outcome = Checks { checks };
    if desk.settings.format == Format::Json {
        desk.data(&outcome, String::new())?;
    }
    // One cause often fails several parts, and is mended once.
    let mut said: Vec<&String> = Vec::new();
    for check in &outcome.checks {
        if desk.settings.format == Format::Text {
            desk.ui.data(&check.text())?;
        }
        for warning in &check.warnings {
            if said.contains(&warning) {
                continue;
            }
            said.push(warning);
            let text = format!("`{}`: {warning}", check.name);
            match check.status {
                Status::Ok => desk.ui.warning(&text),
                Status::Failed | Status::Unknown => desk.ui.hint(&text),
            }
        }
    }
    Ok(outcome.exit())
}

/// Checks one place.
async fn place(desk: &Desk, name: String, settings: settings::Result<ProviderSettings>) -> Check {
    let health = async {
        let place = desk.open(settings).await?;
        let health = place.provider.check().await;
        health.map_err(|error| Failure::of_provider(error, &name, |_| String::new()))
    };
    match health.await {
        Ok(health) => Check {
            name,
            status: Status::Ok,
            facts: health.facts,
            warnings: health.warnings,
            error: None,
        },
        Err(failure) => Check {
            name,
            status: Status::Failed,
            facts: vec![],
            error: Some(chain(&failure)),
            warnings: failure.hints().to_vec(),
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
    desk.data(&kind.schema(), text)?;
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
