//! What a place says of answers while they are given: what they cost, and whether they work.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::look::SHOWN;
use crate::commands::Context;
use crate::error::Failure;
use crate::model::chain;
use crate::model::text::{cut, one_line};
use crate::providers::Quote;
use crate::settings::Draft;

/// How long prices may take: a question is asked without them, too.
const PRICES_TAKE: Duration = Duration::from_secs(3);
/// How long a check may take.
const CHECK_TAKES: Duration = Duration::from_secs(20);

/// What the machines of a table cost that is filled in several ways: a price each, where one is known.
pub(super) async fn prices(context: &Context, drafts: &[Draft], name: &str) -> Vec<Option<String>> {
    let each = drafts.iter().map(async |draft| {
        let asked = timeout(PRICES_TAKE, quotes(context, draft, name));
        // What cannot be asked is told by the check, once all questions of this table are answered.
        told(&asked.await.ok()?.ok()?)
    });
    join_all(each).await
}

async fn quotes(context: &Context, draft: &Draft, name: &str) -> Result<Vec<Quote>, Failure> {
    let place = context.open(draft.settings(name)).await?;
    let quotes = place.provider.quotes().await;
    quotes.map_err(|error| Failure::of_provider(error, name, &context.settings.tables))
}

/// The price of what would be tried first, and how much there is of it.
fn told(quotes: &[Quote]) -> Option<String> {
    let quote = quotes.iter().find(|quote| quote.price.is_some())?;
    let price = format!("{:#}", quote.price?);
    Some(match &quote.stock {
        Some(stock) => format!("{price}, stock {}", stock.to_lowercase()),
        None => price,
    })
}

/// Says in a line whether a table that is filled can be used, and what its machines cost.
pub(super) async fn check(context: &Context, draft: &Draft, name: &str) {
    if !context.ui.shows_warnings() {
        return;
    }
    let asked = async {
        let place = context.open(draft.settings(name)).await?;
        let health = place.provider.check().await;
        let health =
            health.map_err(|error| Failure::of_provider(error, name, &context.settings.tables))?;
        // A place that works and tells no price works.
        let quotes = timeout(PRICES_TAKE, place.provider.quotes()).await;
        let price = quotes.ok().and_then(Result::ok).as_deref().and_then(told);
        Ok::<_, Failure>(price.into_iter().chain(health.facts).collect::<Vec<_>>())
    };
    let (sign, what) = match timeout(CHECK_TAKES, asked).await {
        Ok(Ok(facts)) => ('✓', facts.join("; ")),
        Ok(Err(failure)) => ('✗', chain(&failure)),
        Err(_) => ('✗', format!("no answer within {} s", CHECK_TAKES.as_secs())),
    };
    let what = cut(&one_line(&what), SHOWN);
    context.ui.status(&format!("  {sign} {name:<8} {what}"));
}
