//! A price that a place tells only after the runner of its machine is online.

use std::time::Duration;

use tokio::time::Instant;

use super::shared::StartContext;
use super::watch::RunnerSight;
use super::{NamedProvider, Trouble};
use crate::github::GitHubApi;
use crate::model::{Error, Event, Instance, Name};
use crate::providers::{self, PriceVerdict};

/// How long a runner that is online waits for its price. A start lists machines every 4 s, and no place documents when
/// it tells the price.
const BILLED: Duration = Duration::from_secs(20);

/// What is known of the price of a machine whose runner is online.
pub(super) enum PriceSight {
    /// It may be used.
    Accepted,
    /// The place may still tell the price.
    Awaited,
    /// It has no job, and costs more than the limit, as the error tells.
    Above(providers::Error),
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Whether a runner that is online may be used. A job is never ended for its price: somebody pays for its result,
    /// too. The user is warned, and told how to end it.
    pub(super) async fn judge_price(
        &self,
        name: &Name,
        place: &NamedProvider,
        machine: &Instance,
        sight: &RunnerSight,
        online_since: Instant,
    ) -> Result<PriceSight, Trouble> {
        let provider = &place.name;
        let reference = place.reference(&machine.id);
        let why = match place.provider.price_verdict(&machine.id) {
            PriceVerdict::Within => return Ok(PriceSight::Accepted),
            PriceVerdict::Above(why) if !sight.worked => return Ok(PriceSight::Above(why)),
            PriceVerdict::Above(why) => why.any().while_trying(format!(
                "`{name}` (`{reference}`) costs more than `max_price` of `{provider}`, and is kept because it has a job"
            )),
            PriceVerdict::Untold => {
                let is_over = Instant::now() >= self.deadline().min(online_since + BILLED);
                if !sight.worked && !is_over {
                    return Ok(PriceSight::Awaited);
                }
                Error::from(format!("`{provider}` has not told it yet")).while_trying(format!(
                    "could not compare the price of `{name}` (`{reference}`) with `max_price`"
                ))
            }
        };
        let told = why.hinted(format!("to end it, run `gharun stop {reference}`"));
        self.fleet.sink.tell(Event::Warning(told)).await?;
        Ok(PriceSight::Accepted)
    }
}
