//! `gharun start`.

use jiff::Timestamp;

use super::Desk;
use super::hub::{packages, patient};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet;
use crate::plan::{Given, Plan};
use bring_up::start;
use outcome::finish;
use prepare::{approve, authorities, warn_of, warn_of_proxies};
pub(super) use rehearsed::RehearsalOutcome;

mod bring_up;
mod outcome;
mod prepare;
mod rehearse;
mod rehearsed;
mod timeline;

pub(super) async fn run(desk: &Desk, args: &cli::Start) -> Result<Exit, Failure> {
    let settings = desk.settings.start(args)?;
    for password in &settings.proxies.passwords {
        desk.actions.mask(password)?;
    }
    let ca = authorities(&desk.settings.github)?;
    if settings.rehearse {
        return rehearse::run(desk, &settings, ca).await;
    }
    let rehearsal = None;
    let plan = Plan::decide(&desk.settings, &settings, Given { ca, rehearsal })?;
    super::groups::fits(&desk.settings.github)?;
    let places = desk.places(&plan.providers).await?;
    for place in &places {
        let enough = place.provider.can_launch();
        enough.map_err(|error| Failure::of_provider(error, &place.name, &desk.settings.tables))?;
    }
    if settings.dry_run {
        let outcome = fleet::preview(&plan, &places, Timestamp::now());
        return finish(desk, &plan, &outcome);
    }
    warn_of(desk, &places);
    warn_of_proxies(desk, &settings.proxies, &places);
    let github = desk.github().await?.registering(plan.registration);
    let github = super::groups::choose(desk, github, &plan).await?;
    let github = patient(&github, plan.timeout);
    approve(desk, &github, &plan.version).await?;
    let packages = packages(&github, &plan.version).await?;
    let started = start(desk, &plan, &places, &github, &packages).await?;
    finish(desk, &plan, &started)
}
