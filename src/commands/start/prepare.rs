//! What is found out, refused and said before anything is rented.

use crate::bootstrap;
use crate::commands::Context;
use crate::error::Failure;
use crate::fleet::NamedProvider;
use crate::github::{Client, VersionSupport};
use crate::model::{Error, RunnerVersion};
use crate::settings::Proxies;

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
        context.ui.warning(&format!("`{}`: {warning}", place.name));
    }
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
        context.ui.warning(&format!(
            "machines of {} will not use the proxy in {}, which only this computer can reach",
            elsewhere.join(", "),
            proxies.only_here.join(" and ")
        ));
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
