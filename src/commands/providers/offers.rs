//! `gharun providers offers`: machine types of all places, cheapest first.

use futures_util::future::join_all;

use crate::commands::Context;
use crate::error::{Exit, Failure};
use crate::fleet::Unopened;
use crate::fleet::survey::Unknown;
use crate::model::chain;
use crate::providers;
use crate::report::{OfferRow, OffersReport, Table as _, tabbed};
use crate::settings::{self, ProviderSettings};
use crate::ui::{Column, Line, Overflow, Row, Tone, laid_out};

/// What came of asking one place.
struct Asked {
    name: String,
    answer: Result<Vec<providers::Offer>, Failure>,
}

/// Asks all places at the same time. One that does not answer is named, and hides no other.
pub(super) async fn run(
    context: &Context,
    wanted: &settings::OffersSettings,
) -> Result<Exit, Failure> {
    // Nobody asked for these: a kind that is not set up here is none that fails.
    let unasked = !wanted.wanted;
    let mut settings = context.settings.tables.each(&wanted.providers)?;
    settings.retain(|(_, one)| {
        let bare = one
            .as_ref()
            .is_ok_and(|one| one.secrets.is_empty() && one.kind.lacks_settings(&one.values));
        !(unasked && bare)
    });
    let settings = settings.into_iter();
    let asked = join_all(settings.map(|(name, one)| ask(context, name, one))).await;
    let mut outcome = OffersReport::default();
    let mut silent = Vec::new();
    for Asked { name, answer } in asked {
        match answer {
            Ok(found) if found.is_empty() => silent.push(name),
            Ok(found) => outcome
                .offers
                .extend(found.into_iter().map(|offer| OfferRow {
                    provider: name.clone(),
                    offer,
                })),
            Err(failure) if unasked => {
                let why = chain(&failure);
                context.ui.status(&format!("Skipped `{name}`: {why}"));
                let error = failure.any();
                outcome.not_asked.push(Unopened { name, error });
            }
            Err(failure) => outcome.unknown.push(Unknown {
                source: name,
                error: failure.any(),
            }),
        }
    }
    outcome.offers.sort_by(|a, b| {
        let price = |one: &OfferRow| one.offer.price_per_hour().unwrap_or(f64::MAX);
        price(a).total_cmp(&price(b))
    });
    if !silent.is_empty() && (outcome.offers.is_empty() || wanted.named) {
        let names = silent.join("`, `");
        context
            .ui
            .status(&format!("Without a catalog of machine types: `{names}`"));
    }
    finish(context, &outcome)
}

/// Writes the outcome in all its forms, and decides how to end.
fn finish(context: &Context, outcome: &OffersReport) -> Result<Exit, Failure> {
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_offers(outcome));
    match context.ui.data_width() {
        _ if outcome.offers.is_empty() => screen.data(outcome, String::new())?,
        Some(room) => screen.drawn(outcome, || lines(outcome, room))?,
        None => screen.data(outcome, tabbed(OffersReport::HEADER, outcome.rows()))?,
    }
    for Unknown { source, error } in &outcome.unknown {
        let what = format!("could not ask `{source}`");
        screen.warn_of_row(&error.clone().while_trying(what));
    }
    Ok(outcome.exit())
}

/// The offers in so many columns: what it is and what it costs stay, the rest as far as it fits.
fn lines(outcome: &OffersReport, room: usize) -> Vec<Line> {
    let column = |title: &&'static str| {
        let whole = Column::whole(title);
        match *title {
            "TYPE" => whole.at_least(16),
            "PRICE/H" => whole,
            "PROVIDER" => whole.at_least(6).spare(1),
            "STOCK" => whole.at_least(6).spare(2),
            "MARKET" => whole.at_least(8).spare(3),
            "GPU" => whole.at_least(10).spare(4),
            "VCPU" => whole.spare(5),
            "RAM GIB" => whole.spare(6),
            "GPU GIB" => whole.spare(7),
            _ => whole.at_least(10).spare(8),
        }
    };
    let columns: Vec<Column> = OffersReport::HEADER.iter().map(column).collect();
    let plain = |cells: Vec<String>| cells.into_iter().map(|text| (Tone::Plain, text));
    let rows = outcome.rows().into_iter().map(|cells| Row {
        cells: plain(cells).collect(),
        ..Row::default()
    });
    let rows: Vec<Row> = rows.collect();
    laid_out(&columns, &rows, room, Overflow::LeftOut)
}

async fn ask(
    context: &Context,
    name: String,
    settings: settings::Result<ProviderSettings>,
) -> Asked {
    let answer = async {
        let place = context.open(settings).await?;
        let offers = place.provider.offers().await;
        offers.map_err(|error| Failure::of_provider(error, &name, &context.settings.tables))
    };
    Asked {
        answer: answer.await,
        name,
    }
}
