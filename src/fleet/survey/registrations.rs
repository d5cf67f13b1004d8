//! The registrations that GitHub has, asked for as long as there is time.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::looking::{LISTING, Looking};
use super::patience::patiently;
use crate::fleet::Fleet;
use crate::fleet::answer::in_time;
use crate::github::{self, GitHubApi, Runner};
use crate::model::Name;

/// How long GitHub may want to be left alone, in one look.
const LONGEST: Duration = Duration::from_mins(5);
/// How long GitHub may take where machines that were named are ended whatever it says: where it wants to be left alone,
const AT_ONCE: Duration = Duration::from_millis(2500);
/// and how much longer where it is merely silent.
const SILENCE: Duration = Duration::from_millis(7500);
/// How long GitHub may take once there is little time, where what is ended depends on its answer.
const LAST: Duration = Duration::from_millis(1700);
/// What is said of GitHub's silence.
const LATE: &str = "GitHub did not list the runners in time";

/// The registrations that bear a name of ours.
pub(super) enum Registrations {
    /// GitHub was given up early, for this reason.
    GivenUp(&'static str),
    Read(BTreeMap<Name, Runner>),
    /// It is not asked at all.
    Unasked,
}

/// Asks GitHub for the registrations that bear a name of ours, and asks again where it failed for a moment.
pub(super) async fn registrations<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    looking: Looking<'_>,
) -> github::Result<Registrations> {
    let Some(api) = fleet.github else {
        return Ok(Registrations::Unasked);
    };
    let late = || github::Error::new(github::ErrorKind::Unavailable, LATE);
    let is_short = |error: &github::Error| {
        matches!(
            error.kind,
            github::ErrorKind::Unexpected | github::ErrorKind::Unavailable
        )
    };
    let read = patiently(
        async || api.runners().await,
        |answer| answer.as_ref().is_err_and(is_short),
    );
    let read = timeout(
        looking.within(LONGEST),
        in_time(api, looking.within(LISTING), read),
    );
    let spared = async {
        if looking.spare_github {
            sleep(AT_ONCE).await;
            if api.wait_now().is_zero() {
                sleep(SILENCE).await;
            }
        } else {
            std::future::pending::<()>().await;
        }
    };
    let rest = if looking.spare_github {
        Duration::ZERO
    } else {
        LAST
    };
    let rows = tokio::select! {
        read = read => match read {
            Ok(Ok(rows)) => rows?,
            Ok(Err(_)) | Err(_) => return Err(late()),
        },
        () = spared => return Ok(Registrations::GivenUp(LATE)),
        () = looking.hurried(rest) => {
            return Ok(Registrations::GivenUp("interrupted before GitHub listed the runners"));
        }
    };
    let named = rows
        .into_iter()
        .filter_map(|row| Some((row.name.parse().ok()?, row)));
    Ok(Registrations::Read(named.collect()))
}

/// Whether GitHub may answer another time.
pub(super) fn heals(error: &github::Error) -> bool {
    matches!(
        error.kind,
        github::ErrorKind::Ambiguous
            | github::ErrorKind::RateLimited
            | github::ErrorKind::Unavailable
            | github::ErrorKind::Unexpected
    )
}
