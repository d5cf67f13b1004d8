//! A price that a place tells only after the runner of its machine is online.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::Trouble;
use super::runner_progress::RunnerProgress;
use super::shared::StartContext;
use super::watch::RunnerSight;
use crate::github::GitHubApi;
use crate::model::{Error, Event, Name, Reference};
use crate::providers::{self, PriceVerdict};

/// How long a runner that is online waits for its price. A start lists machines every 4 s, and no place documents when
/// it tells the price. One that is told later is heard by the last look, while others are still coming up, and by nobody
/// after the report.
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
        progress: &RefCell<RunnerProgress>,
        sight: &RunnerSight,
        online_since: Instant,
    ) -> Result<PriceSight, Trouble> {
        let is_over = Instant::now() >= self.deadline().min(online_since + BILLED);
        match verdict(progress) {
            PriceVerdict::Within => {}
            PriceVerdict::Above(why) if !sight.worked => return Ok(PriceSight::Above(why)),
            PriceVerdict::Above(why) => {
                if let Some(warning) = is_kept(progress, why) {
                    self.fleet.sink.tell(warning).await?;
                }
            }
            PriceVerdict::Untold if !sight.worked && !is_over => return Ok(PriceSight::Awaited),
            PriceVerdict::Untold => {
                let (name, reference, provider) = told(progress);
                let what = format!(
                    "could not compare the price of `{name}` (`{reference}`) with `max_price`"
                );
                let why = Error::from(format!("`{provider}` has not told it yet"));
                let warning = warning(why.while_trying(what), &reference);
                self.fleet.sink.tell(warning).await?;
            }
        }
        Ok(PriceSight::Accepted)
    }

    /// Why a runner that is up costs more than its table allows, by what its place has told meanwhile, where it has no
    /// job and the user was not told that it stays. Of one that has a job, the user is told.
    pub(super) async fn is_dear(
        &self,
        progress: &RefCell<RunnerProgress>,
        sight: &RunnerSight,
    ) -> Option<providers::Error> {
        let PriceVerdict::Above(why) = verdict(progress) else {
            return None;
        };
        let (has_job, is_told) = {
            let progress = progress.borrow();
            (sight.worked || progress.has_job, progress.is_dear)
        };
        if !has_job && !is_told {
            return Some(why);
        }
        self.say_price(progress, why).await;
        None
    }

    /// Tells once that a runner costs too much and is kept all the same.
    pub(super) async fn say_price(
        &self,
        progress: &RefCell<RunnerProgress>,
        why: providers::Error,
    ) {
        if let Some(warning) = is_kept(progress, why) {
            self.say(warning).await;
        }
    }
}

/// What is told once of a runner that costs too much and is kept all the same.
fn is_kept(progress: &RefCell<RunnerProgress>, why: providers::Error) -> Option<Event> {
    if std::mem::replace(&mut progress.borrow_mut().is_dear, true) {
        return None;
    }
    let (name, reference, provider) = told(progress);
    let what = format!(
        "`{name}` (`{reference}`) costs more than `max_price` of `{provider}`, and is kept because it has a job"
    );
    Some(warning(why.any().while_trying(what), &reference))
}

fn warning(why: Error, machine: &Reference) -> Event {
    let hint = format!("to end it, run `gharun stop {machine}`");
    Event::Warning(why.hinted(hint))
}

/// What the place of a runner says of its price.
fn verdict(progress: &RefCell<RunnerProgress>) -> PriceVerdict {
    let progress = progress.borrow();
    let machine = progress.machine.there();
    machine.map_or(PriceVerdict::Within, |(place, machine)| {
        place.provider.price_verdict(&machine.id)
    })
}

/// A runner, its machine and its provider, as they are told.
fn told(progress: &RefCell<RunnerProgress>) -> (Name, Reference, String) {
    let progress = progress.borrow();
    let (place, machine) = progress.machine.there().expect("it was launched");
    let reference = place.reference(&machine.id);
    (progress.name.clone(), reference, place.name.clone())
}
