//! `gharun providers`: what is configured, with where each setting came from, and which kinds there are besides.

use crate::actions::AnnotationLevel;
use crate::commands::Context;
use crate::commands::opening::is_spoken_of;
use crate::error::{Exit, Failure};
use crate::report::{ProviderRow, ProviderSetting, ProvidersReport};
use crate::settings::{self, ProviderSettings};
use crate::ui::{Column, Line, Overflow, Row, Tone, folded, laid_out};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let tables = &context.settings.tables;
    let named = tables.named();
    let mut used = Vec::new();
    let mut providers = Vec::new();
    for (name, settings) in tables.each(&tables.known())? {
        let is_set_up =
            |settings: &ProviderSettings| !settings.secrets.is_empty() || is_spoken_of(settings);
        let is_used = named.contains(&name) || settings.as_ref().map_or(true, is_set_up);
        used.push(is_used);
        providers.push(shown(context, name, settings));
    }
    let outcome = ProvidersReport {
        providers,
        error: None,
    };
    let lines = |room| lines(&outcome, &used, room);
    if let Some(room) = context.ui.data_width() {
        context.screen.drawn(&outcome, || lines(room))?;
    } else {
        let text = lines(usize::MAX);
        let text = text.iter().map(|line| line.text(false) + "\n");
        context.screen.data(&outcome, text.collect())?;
    }
    for provider in &outcome.providers {
        let Some(error) = &provider.error else {
            continue;
        };
        if context.screen.annotates() {
            // The table has it; the page of a run shows annotations alone.
            let error = error.clone().while_trying(format!("`{}`", provider.name));
            context.screen.tell(AnnotationLevel::Error, &error);
            continue;
        }
        for hint in error.hints() {
            context.ui.hint(&format!("`{}`: {hint}", provider.name));
        }
    }
    Ok(outcome.exit())
}

/// What is used, each with its settings below it, and the kinds that are not in one line.
fn lines(outcome: &ProvidersReport, used: &[bool], room: usize) -> Vec<Line> {
    let all = outcome.providers.iter().zip(used);
    let (used, unused): (Vec<_>, Vec<_>) = all.partition(|(_, used)| **used);
    let mut lines = Vec::new();
    if !used.is_empty() {
        let columns = [
            Column::whole("NAME"),
            Column::whole("KIND").spare(1),
            Column::whole("ABOUT").at_least(20).spare(2),
        ];
        let row = |(one, _): &(&ProviderRow, &bool)| {
            let about = match &one.error {
                Some(_) => (Tone::Bad, "cannot be used".to_owned()),
                None => (Tone::Plain, one.about.clone().unwrap_or_default()),
            };
            let kind = one.kind.clone().unwrap_or_else(|| "-".to_owned());
            let name = (Tone::Strong, one.name.clone());
            Row {
                cells: vec![name, (Tone::Plain, kind), about],
                ..Row::default()
            }
        };
        let rows: Vec<Row> = used.iter().map(row).collect();
        let mut table = laid_out(&columns, &rows, room, Overflow::LeftOut).into_iter();
        lines.extend(table.next());
        for ((one, _), line) in used.iter().zip(table) {
            lines.push(line);
            let error = one.error.iter();
            let error = error.flat_map(|error| folded(&crate::model::chain(error), 4, room));
            lines.extend(error);
            let settings = one.settings.iter();
            lines.extend(settings.flat_map(|set| setting(set, room)));
        }
    }
    if !unused.is_empty() {
        let gap = (!lines.is_empty()).then(Line::default);
        // A kind that a table uses needs no name of its own.
        let of_table = |name: &str| {
            used.iter()
                .any(|(one, _)| one.kind.as_deref() == Some(name))
        };
        let names = unused.iter().map(|(one, _)| one.name.as_str());
        let names = names.filter(|name| !of_table(name));
        let names: Vec<&str> = names.collect();
        if names.is_empty() {
            return lines;
        }
        lines.extend(gap);
        let told = format!(
            "Not configured: {} (see `gharun providers show KIND`)",
            names.join(", ")
        );
        lines.extend(folded(&told, 0, room));
    }
    lines
}

fn setting(set: &ProviderSetting, room: usize) -> Vec<Line> {
    // A secret is named by its source alone.
    let value = match &set.value {
        Some(value) => value.to_string(),
        None => "***".to_owned(),
    };
    folded(&format!("{} = {value}  ({})", set.key, set.origin), 4, room)
}

/// One provider, as far as it can be read.
fn shown(
    context: &Context,
    name: String,
    settings: settings::Result<ProviderSettings>,
) -> ProviderRow {
    let kind = context.settings.tables.kind_of(&name).ok();
    let (set, error) = match settings {
        Ok(settings) => (set(&settings), None),
        Err(error) => (Vec::new(), Some(error.any())),
    };
    ProviderRow {
        kind: kind.map(|kind| kind.name.to_owned()),
        about: kind.map(|kind| kind.about.to_owned()),
        settings: set,
        error,
        name,
    }
}

fn set(settings: &ProviderSettings) -> Vec<ProviderSetting> {
    let set = settings
        .origins
        .iter()
        .map(|(key, origin)| ProviderSetting {
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
