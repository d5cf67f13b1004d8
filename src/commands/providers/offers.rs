//! `gharun providers offers`: machine types of all places, cheapest first.

use futures_util::future::join_all;

use crate::commands::Desk;
use crate::error::{Exit, Failure};
use crate::model::chain;
use crate::providers::Offer;
use crate::report;
use crate::settings::{Offers, ProviderSettings};
use crate::ui;

/// What came of asking one place.
struct Asked {
    name: String,
    answer: Result<Vec<Offer>, Failure>,
}

/// Asks all places at the same time. One that does not answer is named, and hides no other.
pub(super) async fn run(desk: &Desk, wanted: &Offers) -> Result<Exit, Failure> {
    // Nobody asked for these: a kind that is not set up here is none that fails.
    let unasked = !wanted.wanted;
    let mut settings = desk.settings.tables.settings(&wanted.providers)?;
    settings.retain(|one| {
        let bare = one.secrets.is_empty() && one.kind.lacks_settings(&one.values);
        !(unasked && bare)
    });
    let asked = join_all(settings.into_iter().map(|one| ask(desk, one))).await;
    let mut offers = Vec::new();
    let mut failed = Vec::new();
    let mut silent = Vec::new();
    for Asked { name, answer } in asked {
        match answer {
            Ok(found) if found.is_empty() => silent.push(name),
            Ok(found) => offers.extend(found.into_iter().map(|offer| report::Offer {
                provider: name.clone(),
                name: offer.name,
                price_per_hour: offer.price_per_hour,
                stock: offer.stock,
            })),
            Err(failure) if unasked => {
                let why = chain(&failure);
                desk.ui.status(&format!("Not asked: `{name}`: {why}"));
            }
            Err(failure) => failed.push((name, failure)),
        }
    }
    offers.sort_by(|a, b| {
        let price = |offer: &report::Offer| offer.price_per_hour.unwrap_or(f64::MAX);
        price(a).total_cmp(&price(b))
    });
    if !silent.is_empty() && (offers.is_empty() || wanted.named) {
        let names = silent.join("`, `");
        desk.ui
            .status(&format!("No catalog of machine types: `{names}`"));
    }
    let unknown: Vec<report::Unknown> = failed
        .iter()
        .map(|(name, failure)| report::Unknown {
            source: name.clone(),
            error: chain(failure),
        })
        .collect();
    let text = table(&offers);
    desk.data(&report::Offers { offers, unknown }, text)?;
    for (name, failure) in &failed {
        let why = chain(failure);
        desk.ui
            .warning(&format!("`{name}` could not be asked: {why}"));
        for hint in failure.hints() {
            desk.ui.hint(hint);
        }
    }
    Ok(if failed.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

async fn ask(desk: &Desk, settings: ProviderSettings) -> Asked {
    let name = settings.name.clone();
    let answer = async {
        let place = desk.open(settings).await?;
        let offers = place.provider.offers().await;
        offers.map_err(|error| Failure::of_provider(error, &name, |_| String::new()))
    };
    Asked {
        answer: answer.await,
        name,
    }
}

fn table(offers: &[report::Offer]) -> String {
    if offers.is_empty() {
        return String::new();
    }
    let none = || "-".to_owned();
    let price = |price: f64| format!("${price:.3}");
    let rows: Vec<Vec<String>> = offers
        .iter()
        .map(|offer| {
            vec![
                offer.provider.clone(),
                offer.name.clone(),
                offer.price_per_hour.map_or_else(none, price),
                offer.stock.clone().unwrap_or_else(none),
            ]
        })
        .collect();
    ui::table(&["PROVIDER", "TYPE", "PRICE/H", "STOCK"], &rows)
}
