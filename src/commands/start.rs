//! `gharun start`.

use jiff::Timestamp;

use super::Context;
use super::github::{packages, patient};
use super::interrupt::Interrupts;
use crate::bootstrap::Package;
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::{self, NamedProvider};
use crate::github::Client;
use crate::plan::{Given, Plan};
use crate::providers::Error;
use bring_up::start;
use outcome::finish;
use prepare::{approve, authorities, look_ahead, warn_of, warn_of_keeping, warn_of_proxies};
pub(super) use rehearsed::RehearsalOutcome;

mod bring_up;
mod card;
mod outcome;
mod planned;
mod prepare;
mod rehearse;
mod rehearsed;
mod remains;
mod spending;
mod timeline;

pub(super) async fn run(
    context: &Context,
    args: &cli::StartArgs,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let settings = context.settings.start(args)?;
    for password in &settings.proxies.passwords {
        context.actions.mask(password)?;
    }
    let ca = authorities(&context.settings.github)?;
    if settings.rehearse {
        return Box::pin(rehearse::run(context, &settings, ca, interrupts)).await;
    }
    let rehearsal = None;
    let plan = Plan::decide(&context.settings, &settings, Given { ca, rehearsal })?;
    super::groups::fits(&context.settings.github)?;
    let places = context.open_providers(&plan.providers);
    let places = interrupts.unless(places).await?;
    validate(context, &places)?;
    fits(context, &plan, &places)?;
    has_room(context, &plan, &places)?;
    if let Some(wanted) = settings.dry_run {
        let preview = async { Ok(fleet::preview(&plan, &places, Timestamp::now()).await) };
        let outcome = interrupts.unless(preview).await?;
        return planned::show(context, outcome, wanted);
    }
    interrupts.unless(encrypts(context, &places)).await?;
    warn_of(context, &places);
    warn_of_proxies(context, &settings.proxies, &places);
    warn_of_keeping(context, &plan, &places);
    let ready = async {
        let prepared = prepare(context, &plan);
        tokio::try_join!(prepared, look_ahead(context, &places, plan.timeout))
    };
    let ((github, packages), places) = interrupts.unless(ready).await?;
    let started = start(context, &plan, &places, (&github, &packages), interrupts).await?;
    let (outcome, spent) = started;
    finish(context, &plan, &outcome, &spent)
}

/// Whether all places may launch with their settings: what they would send goes nowhere before.
fn validate(context: &Context, places: &[NamedProvider]) -> Result<(), Failure> {
    for place in places {
        let enough = place.provider.validate();
        enough
            .map_err(|error| Failure::of_provider(error, &place.name, &context.settings.tables))?;
    }
    Ok(())
}

/// Whether all places take boot scripts as long as these would be.
fn fits(context: &Context, plan: &Plan, places: &[NamedProvider]) -> Result<(), Failure> {
    for place in places {
        let fits = fleet::fits(plan, place, Timestamp::now());
        fits.map_err(|error| Failure::of_provider(error, &place.name, &context.settings.tables))?;
    }
    Ok(())
}

/// Refuses more runners than all places have slots, whoever else uses them: the last one could never come up.
fn has_room(context: &Context, plan: &Plan, places: &[NamedProvider]) -> Result<(), Failure> {
    let room: Option<u32> = places.iter().map(|place| place.provider.capacity()).sum();
    let Some((room, last)) = room.zip(places.last()) else {
        return Ok(());
    };
    let count = plan.count;
    if plan.allow_partial || u32::from(count.get()) <= room {
        return Ok(());
    }
    let has = match (room, places.len()) {
        (1, 1) => "there is one slot".to_owned(),
        (_, 1) => format!("there are {room} slots"),
        _ => format!("all providers together have {room} slots"),
    };
    let error = Error::setting("slots", format!("`--count` is {count}, and {has}")).hinted(
        format!("each runner of `--count` needs a slot: set `slots` higher, or `--count {room}`"),
    );
    Err(Failure::of_provider(
        error,
        &last.name,
        &context.settings.tables,
    ))
}

/// Refuses to start where boot scripts would go unencrypted.
async fn encrypts(context: &Context, places: &[NamedProvider]) -> Result<(), Failure> {
    for place in places {
        let encrypts = place.provider.encrypts().await;
        encrypts
            .map_err(|error| Failure::of_provider(error, &place.name, &context.settings.tables))?;
    }
    Ok(())
}

/// GitHub, where it lets this start have runners, and what their machines may need from it.
async fn prepare(context: &Context, plan: &Plan) -> Result<(Client, Vec<Package>), Failure> {
    let github = context.github().await?.registering(plan.registration);
    let ready = async {
        let github = super::groups::choose(context, github, plan).await?;
        let github = patient(&github, plan.timeout);
        approve(context, &github, &plan.version).await?;
        let packages = packages(&github, &plan.version).await?;
        for token in packages.iter().filter_map(|package| package.token.as_ref()) {
            context.actions.mask(token)?;
        }
        Ok((github, packages))
    };
    ready.await.map_err(|failure: Failure| {
        if failure.hints().is_empty() {
            failure.hinted("`gharun providers check` tells what GitHub lets this token do")
        } else {
            failure
        }
    })
}
