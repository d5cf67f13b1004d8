//! The look itself: all sources at once, each asked again where it fails for a moment, and none for too long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::join::Join;
use super::{Inquiry, Questions, STATE_FILE, Survey, SurveyRow, Unknown, View};
use crate::fleet::answer::in_time;
use crate::fleet::cancellation::CancellationToken;
use crate::fleet::end::is_permanent;
use crate::fleet::{Fleet, NamedProvider};
use crate::github::{self, GitHubApi, Runner};
use crate::model::{Error, InstanceId, Name, Reference};
use crate::poll::{Backoff, chance};
use crate::providers::{self, Listing, Silence, Unjudged};
use crate::state::StateContents;

/// How long a place may take to list its machines, all its regions and pages included.
const LISTING: Duration = Duration::from_mins(1);
/// How often a place is asked that fails to answer.
const TRIES: usize = 3;
/// The pauses between these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// A place that took longer than this to fail is not asked again.
const QUICK: Duration = Duration::from_secs(5);
/// How long all of a look may take whose end nobody limits.
const AROUND: Duration = Duration::from_mins(10);
/// How long GitHub may want to be left alone, in one look.
const LONGEST: Duration = Duration::from_mins(5);
/// How long GitHub may take where machines that were named are ended whatever it says: where it wants to be left alone,
const AT_ONCE: Duration = Duration::from_millis(2500);
/// and how much longer where it is merely silent.
const SILENCE: Duration = Duration::from_millis(7500);
/// How long the places may take once there is little time,
const SOON: Duration = Duration::from_millis(1500);
/// and GitHub, where what is ended hangs on its word.
const LAST: Duration = Duration::from_millis(1700);
/// What is said of GitHub's silence.
const LATE: &str = "GitHub did not list the runners in time";

/// A survey of all scopes, with what else `stop` needs to know of its sources.
pub(in crate::fleet) struct FullSurvey {
    pub(in crate::fleet) survey: Survey,
    /// Rows of machines that are there and cannot be judged: to be shown, and never acted upon.
    pub(super) unjudged: Vec<SurveyRow>,
    places: Vec<SourceListing>,
    all_opened: bool,
    pub(in crate::fleet) github_read: bool,
    pub(in crate::fleet) again: Again,
}

/// What another look may read, and this one could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::fleet) enum Again {
    #[default]
    Nothing,
    /// Nobody listens where it would be: a program that is not running may yet be started.
    Started,
    Something,
    /// GitHub was given up early, so that machines are ended before it is waited for.
    GitHub,
}

impl Again {
    /// Whether something that failed may be read another time.
    pub(in crate::fleet) fn of(may_heal: bool) -> Self {
        if may_heal {
            Self::Something
        } else {
            Self::Nothing
        }
    }
}

impl FullSurvey {
    /// Whether nothing kept a listing from showing a machine with this reference.
    pub(in crate::fleet) fn was_read(&self, reference: &Reference) -> bool {
        let read = self
            .places
            .iter()
            .find(|read| read.place.name == reference.provider);
        let place = reference.id.location.as_deref();
        read.is_some_and(|read| !matches!(read.listing.silence(place), Some(Silence::Unread(_))))
    }

    /// Whether a machine with this reference, which is in no listing, is proved not to be there.
    pub(in crate::fleet) fn is_absent(&self, reference: &Reference) -> bool {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider);
        let place = reference.id.location.as_deref();
        read.is_some_and(|read| read.listing.silence(place).is_none())
    }

    /// Whether nothing kept the listings from showing a machine of this name.
    pub(in crate::fleet) fn all_read(&self, name: &Name, view: &View) -> bool {
        let scope = view.scope.as_deref();
        let read = |listing: &Listing| listing.shows_all(name, &view.server, scope);
        self.all_opened && self.places.iter().all(|one| read(&one.listing))
    }

    /// The places that were looked at, each with whose it is where it tells.
    pub(in crate::fleet) fn asked(&self) -> Vec<String> {
        let places = self.places.iter();
        let asked = places.map(|read| {
            let name = &read.place.name;
            let mut vague = read.listing.vague.iter();
            match vague.find(|(place, _)| place.is_none()) {
                Some((_, whose)) => format!("`{name}` ({whose})"),
                None => format!("`{name}`"),
            }
        });
        asked.collect()
    }

    /// A reference's id, without its place where that does not tell whose it is: written as earlier versions did.
    pub(in crate::fleet) fn id(&self, reference: &Reference) -> InstanceId {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider);
        let silence = read.and_then(|read| read.listing.silence(reference.id.location.as_deref()));
        let is_vague = matches!(silence, Some(Silence::Vague(_)));
        InstanceId {
            location: reference.id.location.clone().filter(|_| !is_vague),
            id: reference.id.id.clone(),
        }
    }

    /// What cannot be told of machines that cannot be judged, and that none of these references means.
    pub(in crate::fleet) fn of_other_machines(&self, machines: &[Reference]) -> BTreeSet<String> {
        let named: Vec<&Unjudged> = machines
            .iter()
            .filter_map(|machine| self.unjudged(machine))
            .collect();
        let all = self.places.iter().flat_map(|read| {
            let unjudged = read.listing.unjudged.iter();
            unjudged.map(|one| (one, read.place.reference(&one.id).to_string()))
        });
        all.filter(|(one, _)| !named.iter().any(|named| named.id == one.id))
            .map(|(_, source)| source)
            .collect()
    }

    /// The machines that cannot be judged, and whose tags do not say that they are another scope's.
    pub(in crate::fleet) fn unjudged_of(&self, view: &View) -> Vec<(&Unjudged, Reference)> {
        let Some(scope) = view.scope.as_deref() else {
            return Vec::new();
        };
        let mut all: Vec<(&Unjudged, Reference)> = Vec::new();
        for read in &self.places {
            for one in &read.listing.unjudged {
                // Two tables may show one place.
                let is_new = !all.iter().any(|(other, _)| other.id == one.id);
                if is_new && !one.is_of_others(&view.server, Some(scope)) {
                    all.push((one, read.place.reference(&one.id)));
                }
            }
        }
        all
    }

    /// The machine that a reference means, where it is there and nobody can tell whose it is.
    pub(in crate::fleet) fn unjudged(&self, reference: &Reference) -> Option<&Unjudged> {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider)?;
        let (provider, id) = (&read.place.provider, self.id(reference));
        let mut unjudged = read.listing.unjudged.iter();
        unjudged.find(|one| provider.is_same(&one.id, &id))
    }
}

/// Asks, and asks again where an error is of a kind that may pass.
async fn again<T, E>(
    mut ask: impl AsyncFnMut() -> Result<T, E>,
    is_short: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begun = Instant::now();
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
    let mut tries = 0;
    loop {
        let answer = ask().await;
        tries += 1;
        let may_heal = answer.as_ref().is_err_and(&is_short);
        if !may_heal || tries == TRIES || begun.elapsed() > QUICK {
            return answer;
        }
        sleep(pauses.next(chance())).await;
    }
}

/// Asks a place, and asks again where it failed for a moment: the answer comes with what was wrong with it.
pub(super) async fn patiently<T>(mut ask: impl AsyncFnMut() -> (T, Option<providers::Error>)) -> T {
    let begun = Instant::now();
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1);
    let mut tries = 0;
    loop {
        let (answer, error) = ask().await;
        tries += 1;
        let may_heal = error.is_some_and(|error| !is_permanent(&error));
        if !may_heal || tries == TRIES || begun.elapsed() > QUICK {
            return answer;
        }
        sleep(pauses.next(chance())).await;
    }
}

/// What a place said.
pub(super) struct SourceListing {
    pub(super) place: NamedProvider,
    pub(super) listing: Listing,
    /// The parts of it that were looked at for the sake of machines there.
    near: BTreeSet<String>,
}

impl SourceListing {
    async fn of(place: &NamedProvider, looking: Looking<'_>) -> Self {
        let listing = tokio::select! {
            listing = timeout(looking.within(LISTING), Self::listing(place, looking.near)) => listing.ok(),
            () = looking.hurried(SOON) => None,
        };
        let listing = listing.unwrap_or_else(|| {
            let message = format!("`{}` did not list its machines in time", place.name);
            let kind = providers::ErrorKind::Unavailable;
            Listing::unread(providers::Error::new(kind, message))
        });
        let near = looking.near.unwrap_or_default().iter();
        let near = near.filter(|one| one.provider == place.name);
        Self {
            place: place.clone(),
            listing,
            near: near.filter_map(|one| one.id.location.clone()).collect(),
        }
    }

    /// Whether a machine that is not listed was looked for wherever it may be.
    pub(super) fn was_looked_for(&self, id: Option<&InstanceId>) -> bool {
        let location = id.and_then(|id| id.location.as_ref());
        !self.listing.is_partial || location.is_some_and(|location| self.near.contains(location))
    }

    /// Lists the machines of a place, and asks again where the answer was lost.
    async fn listing(place: &NamedProvider, near: Option<&[Reference]>) -> Listing {
        let near = near.map(|near| {
            let near = near.iter().filter(|one| one.provider == place.name);
            near.map(|one| one.id.clone()).collect::<Vec<_>>()
        });
        patiently(async || {
            let listing = match &near {
                Some(near) => list_near(place, near).await,
                None => place.provider.list().await,
            };
            let listing = listing.unwrap_or_else(Listing::unread);
            let mut errors = listing.unread.iter().map(|unread| &unread.error);
            let may_heal = errors.find(|error| !is_permanent(error)).cloned();
            (listing, may_heal)
        })
        .await
    }

    /// What of what it could not read may be read another time.
    fn again(&self) -> Again {
        let errors = self.listing.unread.iter().map(|unread| &unread.error);
        let each = errors.map(|error| match is_permanent(error) {
            true => Again::Nothing,
            false if error.nobody_listens() => Again::Started,
            false => Again::Something,
        });
        each.max().unwrap_or_default()
    }

    /// Whether a machine that is recorded, and that is not listed, is one that cannot be judged. A place that does not
    /// tell whose it is, as earlier versions wrote it, may be any.
    pub(super) fn hides_machine(&self, id: &InstanceId) -> bool {
        let is_vague = matches!(
            self.listing.silence(id.location.as_deref()),
            Some(Silence::Vague(_))
        );
        let bare = InstanceId {
            location: id.location.clone().filter(|_| !is_vague),
            id: id.id.clone(),
        };
        let provider = &self.place.provider;
        let mut unjudged = self.listing.unjudged.iter();
        unjudged.any(|one| one.id == *id || provider.is_same(&one.id, &bare))
    }

    /// What could not be read; of machines that cannot be judged those that may be of this scope.
    fn unknown<'a>(&'a self, view: &'a View) -> impl Iterator<Item = Unknown> + 'a {
        let unread = self.listing.unread.iter().map(|unread| Unknown {
            source: unread.location.as_ref().map_or_else(
                || self.place.name.clone(),
                |part| format!("{}:{part}", self.place.name),
            ),
            error: unread.error.clone().any(),
        });
        let of_others = |one: &Unjudged| one.is_of_others(&view.server, view.scope.as_deref());
        let unjudged = self.listing.unjudged.iter();
        let unjudged = unjudged.filter(move |one| view.all_scopes || !of_others(one));
        unread.chain(unjudged.map(move |unjudged| {
            let reference = self.place.reference(&unjudged.id);
            let error = unjudged.error.clone().any();
            let error = match (&unjudged.server, &unjudged.scope) {
                _ if !unjudged.by_name => {
                    error.hinted("see who changed its tags: gharun leaves it alone")
                }
                // Who names it has to work for its scope.
                _ if of_others(unjudged) => error,
                (Some(_), Some(_)) => {
                    error.hinted(format!("end it with `gharun stop {reference}`"))
                }
                _ => error.hinted(format!("end it with `gharun stop --force {reference}`")),
            };
            Unknown::new(reference.to_string(), error)
        }))
    }
}

/// Lists the machines near some, and all where one of these does not say where it is and is not shown.
async fn list_near(place: &NamedProvider, near: &[InstanceId]) -> providers::Result<Listing> {
    let listing = place.provider.list_near(near).await?;
    let shows = |id: &InstanceId| {
        let instances = listing.instances.iter().map(|machine| &machine.id);
        let mut all = instances.chain(listing.unjudged.iter().map(|one| &one.id));
        all.any(|listed| place.provider.is_same(listed, id))
    };
    let is_enough = |id: &InstanceId| id.location.is_some() || shows(id);
    if !listing.is_partial || near.iter().all(is_enough) {
        return Ok(listing);
    }
    place.provider.list().await
}

/// How a look is taken.
#[derive(Clone, Copy, Debug)]
pub(in crate::fleet) struct Looking<'a> {
    /// What is asked of single rows.
    pub(in crate::fleet) questions: Questions,
    /// When what has not answered counts as unread.
    pub(in crate::fleet) end: Instant,
    /// Once that is said what has not answered soon counts as unread; GitHub at once, where it is to be spared.
    pub(in crate::fleet) hurry: Option<&'a CancellationToken>,
    /// Whether no limit of GitHub's is waited for, and its silence not for long.
    pub(in crate::fleet) spare_github: bool,
    /// Where these machines are known to be what is looked for: their places, and those of launches, are enough. What does
    /// not say where it is, and is not there, is looked for everywhere.
    pub(in crate::fleet) near: Option<&'a [Reference]>,
}

impl Looking<'_> {
    /// The look of who only wants to see.
    pub(super) fn around() -> Self {
        Self {
            questions: Questions::Idle,
            end: Instant::now() + AROUND,
            hurry: None,
            spare_github: false,
            near: None,
        }
    }

    fn within(&self, at_most: Duration) -> Duration {
        at_most.min(self.end.saturating_duration_since(Instant::now()))
    }

    /// Waits until it is said that there is little time, and for as long as there is then.
    async fn hurried(&self, rest: Duration) {
        match self.hurry {
            Some(hurry) => hurry.requested().await,
            None => std::future::pending().await,
        }
        sleep(rest).await;
    }
}

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

/// The registrations that bear a name of ours.
enum Registrations {
    /// GitHub was given up early, for this reason.
    GivenUp(&'static str),
    Read(BTreeMap<Name, Runner>),
    /// It is not asked at all.
    Unasked,
}

/// Asks GitHub for the registrations that bear a name of ours, and asks again where it failed for a moment.
async fn registrations<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    looking: Looking<'_>,
) -> github::Result<Registrations> {
    let Some(api) = fleet.github else {
        return Ok(Registrations::Unasked);
    };
    let late = || github::Error::new(github::ErrorKind::Unavailable, LATE);
    let read = again(
        async || api.runners().await,
        |error| {
            matches!(
                error.kind,
                github::ErrorKind::Unexpected | github::ErrorKind::Unavailable
            )
        },
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
