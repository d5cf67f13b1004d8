//! What is found out, refused and said before anything is rented.

use crate::bootstrap;
use crate::commands::Desk;
use crate::error::Failure;
use crate::fleet::Place;
use crate::github::{Client, Standing};
use crate::model::{Error, RunnerVersion};
use crate::settings::Proxies;

/// What machines are to trust beside what they trust anyway: what gharun itself is told to.
pub(super) fn authorities(github: &crate::settings::GitHub) -> Result<Option<String>, Failure> {
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
pub(super) fn warn_of(desk: &Desk, places: &[Place]) {
    for (place, warning) in places.iter().flat_map(|place| {
        place
            .provider
            .warnings()
            .into_iter()
            .map(move |w| (place, w))
    }) {
        desk.ui.warning(&format!("`{}`: {warning}", place.name));
    }
}

/// A proxy on this computer is nobody's but its own: only machines that are this computer use it.
pub(super) fn warn_of_proxies(desk: &Desk, proxies: &Proxies, places: &[Place]) {
    if proxies.only_here.is_empty() {
        return;
    }
    let elsewhere: Vec<String> = places
        .iter()
        .filter(|place| !place.provider.is_here())
        .map(|place| format!("`{}`", place.name))
        .collect();
    if !elsewhere.is_empty() {
        desk.ui.warning(&format!(
            "machines of {} will not use the proxy in {}, which only this computer can reach",
            elsewhere.join(", "),
            proxies.only_here.join(" and ")
        ));
    }
}

/// Refuses a pinned version that GitHub does not take, before anything is rented.
pub(super) async fn approve(
    desk: &Desk,
    github: &Client,
    version: &RunnerVersion,
) -> Result<(), Failure> {
    let RunnerVersion::Exact(version) = version else {
        return Ok(());
    };
    match github.standing(version).await? {
        Standing::Good => {}
        Standing::Doubtful(why) => {
            let hint = "leave `--runner-version` out to use the version that GitHub offers";
            desk.screen.warn(&Error::from(why).hinted(hint));
        }
        Standing::Refused(why) => {
            return Err(Failure::usage(why)
                .hinted("leave `--runner-version` out to use the version that GitHub offers"));
        }
    }
    Ok(())
}
