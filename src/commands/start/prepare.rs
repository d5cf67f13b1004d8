//! What is found out, refused and said before anything is rented.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::bootstrap;
use crate::commands::Context;
use crate::error::Failure;
use crate::fleet::NamedProvider;
use crate::github::{Client, VersionSupport};
use crate::model::{Error, RunnerVersion};
use crate::plan::Plan;
use crate::providers::{self, ErrorKind};
use crate::settings::Proxies;

/// How long a place may take to tell what it knows; after that it is for the launch to find out.
const PREFLIGHT: Duration = Duration::from_secs(30);
/// The pauses before a place that does not answer is asked again: it may be a blip.
const PAUSES: [Option<Duration>; 3] = [
    Some(Duration::from_millis(500)),
    Some(Duration::from_secs(2)),
    None,
];

/// What machines are to trust beside what they trust anyway: what gharun itself is told to.
pub(super) fn authorities(
    github: &crate::settings::GitHubSettings,
) -> Result<Option<String>, Failure> {
    let Some(bundle) = &github.ca_bundle else {
        return Ok(None);
    };
    let found = bootstrap::certificates(bundle.value.pem());
    found.map(Some).map_err(|why| {
        let origin = &bundle.origin;
        Failure::usage(format!(
            "could not give `ca_bundle` ({origin}) to machines: {why}"
        ))
        .about("github.ca_bundle")
    })
}

/// What the user should know before anything is launched.
pub(super) fn warn_of(context: &Context, places: &[NamedProvider]) {
    for (place, warning) in places.iter().flat_map(|place| {
        place
            .provider
            .warnings()
            .into_iter()
            .map(move |w| (place, w))
    }) {
        let warning = Error::from(format!("`{}`: {warning}", place.name));
        context.screen.warn(&warning);
    }
}

/// What the user should know who wants to see what fails: a place that keeps nothing has nothing to show.
pub(super) fn warn_of_keeping(context: &Context, plan: &Plan, places: &[NamedProvider]) {
    for place in places.iter().filter(|_| plan.keep_failed) {
        if let Err(why) = place.provider.keeps_failed() {
            let what = format!("machines that fail at `{}` will not be kept", place.name);
            context.screen.warn(&why.any().while_trying(what));
        }
    }
}

/// Finds out what can be known of the places before anything is registered, and returns those that are worth asking.
/// As in a launch, only a place that does not answer is passed over for the next one; and a place that is asked
/// later, and is known not to work, fails nothing yet.
pub(super) async fn look_ahead(
    context: &Context,
    places: &[NamedProvider],
    within: Duration,
) -> Result<Vec<NamedProvider>, Failure> {
    let faults = join_all(places.iter().map(|place| fault(place, within))).await;
    let tables = &context.settings.tables;
    let failure = |place: &NamedProvider, why| Failure::of_provider(why, &place.name, tables);
    let mut worth = Vec::new();
    let mut silent = Vec::new();
    for (place, fault) in places.iter().zip(faults) {
        match fault {
            None => worth.push(place.clone()),
            Some(why) if why.kind == ErrorKind::Unavailable => silent.push((place, why)),
            Some(why) if worth.is_empty() => return Err(failure(place, why)),
            Some(why) => {
                context.screen.warn(&failure(place, why).any());
                worth.push(place.clone());
            }
        }
    }
    if worth.is_empty()
        && let Some((place, why)) = silent.first()
    {
        return Err(failure(place, why.clone()));
    }
    for (place, why) in silent {
        context.screen.warn(&failure(place, why).any());
    }
    Ok(worth)
}

/// What a launch at a place would fail with, for every runner; `None` where that is not known within this time.
async fn fault(place: &NamedProvider, within: Duration) -> Option<providers::Error> {
    let end = Instant::now() + within;
    for pause in PAUSES {
        let limit = PREFLIGHT.min(end.saturating_duration_since(Instant::now()));
        let looked = timeout(limit, place.provider.preflight()).await;
        let Ok(Err(why)) = looked else {
            return None;
        };
        match (why.kind, pause) {
            // What a launch waits for, or asks again for, it is for a launch to find out.
            (ErrorKind::Ambiguous | ErrorKind::NoCapacity | ErrorKind::RateLimited, _) => {
                return None;
            }
            (ErrorKind::Unavailable, Some(pause)) if Instant::now() + pause < end => {
                sleep(pause).await;
            }
            _ => return Some(why),
        }
    }
    None
}

/// A proxy on this computer is nobody's but its own: only machines that are this computer use it.
pub(super) fn warn_of_proxies(context: &Context, proxies: &Proxies, places: &[NamedProvider]) {
    if proxies.only_here.is_empty() {
        return;
    }
    let elsewhere: Vec<String> = places
        .iter()
        .filter(|place| !place.provider.is_local())
        .map(|place| format!("`{}`", place.name))
        .collect();
    if !elsewhere.is_empty() {
        context.screen.warn(&Error::from(format!(
            "machines of {} will not use the proxy in {}, which only this computer can reach",
            elsewhere.join(", "),
            proxies.only_here.join(" and ")
        )));
    }
}

/// Refuses a pinned version that GitHub does not take, before anything is rented.
pub(super) async fn approve(
    context: &Context,
    github: &Client,
    version: &RunnerVersion,
) -> Result<(), Failure> {
    let RunnerVersion::Exact(version) = version else {
        return Ok(());
    };
    match github.standing(version).await? {
        VersionSupport::Good => {}
        VersionSupport::Doubtful(why) => {
            let hint = "leave `--runner-version` out to use the version that GitHub offers";
            context.screen.warn(&Error::from(why).hinted(hint));
        }
        VersionSupport::Refused(why) => {
            return Err(Failure::usage(why)
                .hinted("leave `--runner-version` out to use the version that GitHub offers"));
        }
    }
    Ok(())
}
