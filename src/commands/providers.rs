//! `gharun providers`.

use std::path::Path;

use futures_util::future::{join, join_all};

use super::Context;
use crate::actions::AnnotationLevel;
use crate::cli::FormatArg;
use crate::error::{Exit, Failure};
use crate::model::{Error, JobUser, RunAs};
use crate::providers::Kind;
use crate::report::{CheckRow, CheckStatus, Checks, TextForm as _, TrustReport};
use crate::settings::{self, ProviderSettings, ProvidersSettings};
use crate::ui::{Line, Tone, folded, width};

mod checked;
mod github;
mod init;
mod listed;
mod offers;

pub(super) async fn run(context: &Context, command: &ProvidersSettings) -> Result<Exit, Failure> {
    match command {
        ProvidersSettings::Check(settings) => check(context, settings).await,
        ProvidersSettings::Init(settings) => Box::pin(init::run(context, settings)).await,
        ProvidersSettings::List => listed::run(context),
        ProvidersSettings::Offers(settings) => offers::run(context, settings).await,
        ProvidersSettings::Show(kind) => show(context, kind),
        ProvidersSettings::Trust(path) => trust(context, path),
    }
}

async fn check(context: &Context, wanted: &settings::CheckSettings) -> Result<Exit, Failure> {
    let settings = context.settings.tables.each(&wanted.providers)?.into_iter();
    let chosen = if wanted.wanted {
        PlaceChoice::User
    } else {
        PlaceChoice::Default
    };
    let places = join_all(settings.map(|(name, one)| place(context, name, one, chosen)));
    let (mut checks, github) = join(places, github::check(context)).await;
    checks.extend(github);
    let outcome = Checks {
        checks,
        error: None,
    };
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_checks(&outcome));
    if !screen.annotates() {
        match context.ui.data_width() {
            Some(room) => screen.drawn(&outcome, || checked::lines(&outcome, room))?,
            None => screen.data(&outcome, outcome.text())?,
        }
        return Ok(outcome.exit());
    }
    if context.settings.format == FormatArg::Json {
        screen.data(&outcome, String::new())?;
    }
    for check in &outcome.checks {
        if context.settings.format == FormatArg::Text {
            screen.data(&(), check.log_line())?;
        }
        for warning in &check.warnings {
            let what = format!("`{}`", check.name);
            screen.warn_of_row(&warning.clone().while_trying(what));
        }
        if let Some(error) = &check.error {
            annotate_failed(context, check, error);
        }
    }
    Ok(outcome.exit())
}

/// Annotates why a part cannot be used, and what would mend it. A part that is not set up is not annotated.
fn annotate_failed(context: &Context, check: &CheckRow, error: &Error) {
    let level = match check.status {
        CheckStatus::NotSetUp => return,
        CheckStatus::Failed => AnnotationLevel::Error,
        CheckStatus::Ok | CheckStatus::Unknown => AnnotationLevel::Warning,
    };
    let what = error.clone().while_trying(format!("`{}`", check.name));
    context.screen.annotate_whole(level, &what, error.hints());
}

/// Who chose the places that are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PlaceChoice {
    /// The user, who named or configured them.
    User,
    /// Nobody: they are all kinds that there are.
    Default,
}

/// Checks one place.
async fn place(
    context: &Context,
    name: String,
    settings: settings::Result<ProviderSettings>,
    chosen: PlaceChoice,
) -> CheckRow {
    let health = async {
        let place = context.open(settings).await?;
        let health = place.provider.check().await.map(|mut health| {
            health.facts.extend(told_of(&place.provider.job_user()));
            health
        });
        health.map_err(|error| Failure::of_provider(error, &name, &context.settings.tables))
    };
    match health.await {
        Ok(health) => {
            let unasked = format!("works without configuration: `gharun start {name}`");
            CheckRow {
                status: CheckStatus::Ok,
                facts: [
                    health.facts,
                    Vec::from_iter((chosen == PlaceChoice::Default).then_some(unasked)),
                ]
                .concat(),
                warnings: health.warnings.into_iter().map(Error::from).collect(),
                error: None,
                name,
            }
        }
        Err(failure) => CheckRow {
            name,
            status: match chosen {
                PlaceChoice::User => CheckStatus::Failed,
                PlaceChoice::Default => CheckStatus::NotSetUp,
            },
            facts: vec![],
            warnings: vec![],
            error: Some(failure.any()),
        },
    }
}

/// What somebody should know of the user that jobs run as.
fn told_of(user: &JobUser) -> Option<String> {
    let what = match (&user.run_as, user.is_privileged) {
        (RunAs::Root, _) => "jobs run as root",
        (_, true) => "jobs may use sudo",
        (_, false) => return None,
    };
    let risk =
        "one can keep its machine from ending itself; then only `gharun stop --orphans` ends it";
    Some(format!("{what}: {risk}"))
}

fn show(context: &Context, kind: &Kind) -> Result<Exit, Failure> {
    if let Some(room) = context.ui.data_width() {
        let lines = || settings_of(kind, room);
        context.screen.drawn(&kind.schema(), lines)?;
        return Ok(Exit::Done);
    }
    let lines = settings_of(kind, usize::MAX);
    let lines = lines.iter().map(|line| line.text(false) + "\n");
    context.screen.data(&kind.schema(), lines.collect())?;
    Ok(Exit::Done)
}

/// The settings of a kind, each with its type, default and meaning.
fn settings_of(kind: &Kind, room: usize) -> Vec<Line> {
    let mut lines = folded(&format!("{}: {}", kind.name, kind.about), 0, room);
    for setting in kind.settings() {
        let default = setting.default.map(|value| format!(", default {value}"));
        let about = format!(" ({}{})", setting.kind, default.unwrap_or_default());
        lines.push(Line::default());
        let key = Line::default().with(Tone::Strong, &setting.key);
        if key.width() + width(&about) <= room {
            lines.push(key.with(Tone::Plain, &about));
        } else {
            lines.extend(folded(&format!("{}{about}", setting.key), 0, room));
        }
        for line in setting.meaning.lines() {
            lines.extend(folded(line, 4, room));
        }
    }
    lines
}

fn trust(context: &Context, path: &Path) -> Result<Exit, Failure> {
    let outcome = TrustReport::from(context.settings.trust(path)?);
    context.screen.data(&outcome, outcome.text())?;
    Ok(Exit::Done)
}
