//! The look itself: all sources at once, each asked again where it fails for a moment, and none for too long.

use futures_util::future::join_all;

use super::full::FullSurvey;
use super::inquiry::Inquiry;
use super::join::Join;
use super::looking::Looking;
use super::registrations::{Registrations, heals, registrations};
use super::sources::{Again, SourceListing};
use super::{STATE_FILE, Survey, Unknown, View};
use crate::fleet::Fleet;
use crate::github::GitHubApi;
use crate::model::Error;
use crate::state::StateContents;

/// Looks at all scopes.
pub(in crate::fleet) async fn look<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    looking: Looking<'_>,
) -> FullSurvey {
    let (places, entries, runners) = tokio::join!(
        join_all(
            fleet
                .providers
                .iter()
                .map(|place| SourceListing::of(place, looking))
        ),
        fleet.store.contents(),
        registrations(fleet, looking)
    );
    let mut unknown: Vec<Unknown> = places.iter().flat_map(|read| read.unknown(view)).collect();
    unknown.extend(fleet.unopened.iter().map(Unknown::of));
    let mut fail = |source: &str, error: Error| unknown.push(Unknown::new(source, error));
    let entries = entries.unwrap_or_else(|error| {
        fail(STATE_FILE, error.any());
        StateContents::default()
    });
    if !entries.unreadable.is_empty() {
        let all = entries.unreadable.iter().map(ToString::to_string);
        fail(STATE_FILE, all.collect::<Vec<_>>().join("; ").into());
    }
    let mut again = places
        .iter()
        .map(SourceListing::again)
        .max()
        .unwrap_or_default();
    let runners = match runners {
        Ok(Registrations::Read(runners)) => Some(runners),
        Ok(Registrations::Unasked) => None,
        Ok(Registrations::GivenUp(why)) => {
            again = Again::GitHub;
            fail("GitHub", why.into());
            None
        }
        Err(error) => {
            again = again.max(Again::of(heals(&error)));
            fail("GitHub", error.any());
            None
        }
    };
    let join = Join {
        view,
        now: fleet.now(),
        at_least: fleet.at_least(),
        places: &places,
        unopened: fleet.unopened,
        entries: entries.entries,
        runners,
    };
    let (now, github_read) = (join.now, join.runners.is_some());
    let mut rows = join.rows();
    let unjudged = join.unjudged(&rows);
    let inquiry = Inquiry::new(fleet, looking.questions).until(looking.end);
    join_all(rows.iter_mut().map(|row| inquiry.examine(row))).await;
    again = again.max(Again::of(inquiry.may_heal()));
    unknown.extend(inquiry.unknown());
    Unknown::sort(&mut unknown);
    unknown.dedup();
    FullSurvey {
        survey: Survey { rows, unknown, now },
        unjudged,
        places,
        all_opened: fleet.unopened.is_empty(),
        github_read,
        again,
    }
}
