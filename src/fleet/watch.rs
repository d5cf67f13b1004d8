//! One pair of eyes for all runners of a start: GitHub and the providers, each at its own pace, so
//! that none of them keeps the others from being seen.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::answer::in_time;
use super::{Fleet, NamedProvider, chain};
use crate::github::{self, GitHubApi, Runner};
use crate::model::{Condition, Error, Event, Instance, Name};
use crate::providers::Listing;

/// Providers are asked less often than GitHub: what they tell is only whether a machine died.
const PLACES_EVERY: Duration = Duration::from_secs(4);
/// How long one look may take before it counts as failed.
const LOOK: Duration = Duration::from_secs(20);
/// After this, what GitHub has never shown is not there: it is eventually consistent, and says nowhere how late it may be.
/// A place has its own [`crate::providers::Provider::shows_within`].
pub(super) const SETTLES: Duration = Duration::from_secs(20);
/// From the end of a machine until GitHub shows what it has registered last.
pub(super) const SHOWS: Duration = Duration::from_secs(2);
/// How often those that are online are looked at, where that takes a request of its own.
const STANDING_EVERY: Duration = Duration::from_secs(10);
/// How many looks in a row have to miss what was seen before.
pub(super) const MISSES: u8 = 2;

/// Whom a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// Those that are online, too.
    All,
    /// Those that are waited for.
    Waiting,
}

/// What was seen last.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The runners waited for, by name.
    waiting: RefCell<BTreeMap<Name, PhaseWatch>>,
    seen: Notify,
    wanted: Notify,
    /// Why the last look at GitHub failed, where it did.
    unseen: RefCell<Option<Error>>,
    /// When all runners were looked at, those that are online, too.
    listed: Cell<Option<Instant>>,
    complained: RefCell<BTreeSet<String>>,
}

#[derive(Debug)]
struct PhaseWatch {
    /// GitHub's number of the runner; unknown until its machine has registered it.
    id: Option<u64>,
    place: String,
    /// How long its place may take to show its machine.
    shows_within: Duration,
    /// Whether a machine that its place lists no longer is gone.
    proves_absence: bool,
    since: Instant,
    /// It was online: it is looked at beside those that are waited for, and for nothing else.
    stands: bool,
    /// A job was seen on it.
    worked: bool,
    runner: AbsenceDetector<Runner>,
    machine: AbsenceDetector<Instance>,
}

/// Tells a gap in a listing from an absence. Only looks count that were begun after the thing was made.
#[derive(Debug)]
struct AbsenceDetector<T> {
    last: Option<T>,
    ever: bool,
    missed: u8,
}

impl<T> Default for AbsenceDetector<T> {
    fn default() -> Self {
        Self {
            last: None,
            ever: false,
            missed: 0,
        }
    }
}

impl<T> AbsenceDetector<T> {
    fn look(&mut self, found: Option<T>) {
        match found {
            Some(_) => (self.ever, self.missed) = (true, 0),
            None => self.missed = self.missed.saturating_add(1),
        }
        self.last = found;
    }

    fn is_gone(&self, since: Instant, shows_within: Duration) -> bool {
        self.missed >= MISSES && (self.ever || since.elapsed() >= shows_within)
    }
}

/// Whether something is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Absence {
    /// Nothing speaks for it.
    #[default]
    Unknown,
    /// It was there, and the last look missed it.
    Missed,
    /// So many looks missed it that it is gone.
    Gone,
}

/// What the last looks say of one runner.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RunnerSight {
    /// GitHub says that it is online, or at work.
    pub(super) online: bool,
    /// Whether a job was ever seen on it.
    pub(super) worked: bool,
    /// Whether GitHub has it no more.
    pub(super) absence: Absence,
    /// How its machine ended.
    pub(super) died: Option<String>,
    /// GitHub's number of it, once it is known.
    pub(super) runner_id: Option<u64>,
}

impl Watch {
    /// Watches for a runner from now on.
    pub(super) fn wait_for(&self, name: &Name, runner_id: Option<u64>, place: &NamedProvider) {
        let waiting = PhaseWatch {
            id: runner_id,
            place: place.name.clone(),
            shows_within: place.provider.shows_within(),
            proves_absence: place.provider.proves_absence(),
            since: Instant::now(),
            stands: false,
            worked: false,
            runner: AbsenceDetector::default(),
            machine: AbsenceDetector::default(),
        };
        self.waiting.borrow_mut().insert(name.clone(), waiting);
        self.wanted.notify_waiters();
    }

    /// It is online, and waited for no more; what is seen of it beside others is kept for a last look.
    pub(super) fn stand(&self, name: &Name) {
        if let Some(one) = self.waiting.borrow_mut().get_mut(name) {
            one.stands = true;
        }
    }

    /// Its machine tells that a job ran on it.
    pub(super) fn note_job(&self, name: &Name) {
        if let Some(one) = self.waiting.borrow_mut().get_mut(name) {
            one.worked = true;
        }
    }

    /// Watches for it no more.
    pub(super) fn leave(&self, name: &Name) {
        self.waiting.borrow_mut().remove(name);
    }

    /// Waits for the next look. No look is missed between two calls that have no `await` between them.
    pub(super) async fn looked(&self) {
        self.seen.notified().await;
    }

    /// What is known of a runner that is waited for.
    pub(super) fn sight(&self, name: &Name) -> RunnerSight {
        let waiting = self.waiting.borrow();
        let Some(one) = waiting.get(name) else {
            return RunnerSight::default();
        };
        let died = match &one.machine.last {
            Some(Instance {
                state: Condition::Ended(how),
                ..
            }) => Some(how.clone()),
            _ => (one.proves_absence && one.machine.is_gone(one.since, one.shows_within))
                .then(|| "its provider no longer lists it".to_owned()),
        };
        let row = one.runner.last.as_ref();
        RunnerSight {
            online: row.is_some_and(|row| row.busy || row.status == "online"),
            worked: one.worked,
            absence: match one.runner.missed {
                // What nobody has registered yet cannot have been dropped.
                _ if one.id.is_none() => Absence::Unknown,
                _ if one.runner.is_gone(one.since, SETTLES) => Absence::Gone,
                0 => Absence::Unknown,
                _ if one.runner.ever => Absence::Missed,
                _ => Absence::Unknown,
            },
            died,
            runner_id: one.id,
        }
    }

    /// The machine of a runner that is waited for, as its place showed it last.
    pub(super) fn machine(&self, name: &Name) -> Option<Instance> {
        let waiting = self.waiting.borrow();
        waiting.get(name)?.machine.last.clone()
    }

    /// Why GitHub could not be looked at last, where it could not: then nobody knows what is online.
    pub(super) fn unseen(&self) -> Option<Error> {
        self.unseen.borrow().clone()
    }

    /// Looks again and again while somebody waits. Never returns.
    pub(super) async fn run<G: GitHubApi>(
        &self,
        fleet: &Fleet<'_, G>,
        github: &G,
        every: Duration,
    ) {
        let at_github = async {
            loop {
                self.somebody_waits().await;
                sleep(self.pause(every)).await;
                let who = self.whom_to_look_at();
                self.look_at_github(fleet, github, who).await;
                self.seen.notify_waiters();
            }
        };
        let at_places = join_all(fleet.providers.iter().map(|place| async move {
            loop {
                self.somebody_waits().await;
                sleep(PLACES_EVERY.max(every)).await;
                self.look_at_place(fleet, place, Who::Waiting).await;
                self.seen.notify_waiters();
            }
        }));
        let ((), _): ((), Vec<()>) = tokio::join!(at_github, at_places);
    }

    /// How long to wait before the next look at GitHub. What boots within seconds is seen soon: from `every` after the last
    /// launch on, the pause is an eighth of that time, a quarter of `every` at least and `every` at most, which makes eight
    /// looks more in the first quarter of a minute.
    fn pause(&self, every: Duration) -> Duration {
        let waiting = self.waiting.borrow();
        let waited_for = waiting.values().filter(|one| !one.stands);
        match waited_for.map(|one| one.since.elapsed()).min() {
            Some(age) if age >= every => (age / 8).clamp(every / 4, every),
            _ => every,
        }
    }

    async fn somebody_waits(&self) {
        loop {
            let wanted = self.wanted.notified();
            if self.waiting.borrow().values().any(|one| !one.stands) {
                return;
            }
            wanted.await;
        }
    }

    /// Looks at GitHub and at all places for everybody, as often as it takes to tell a gap from an absence, and no
    /// longer than `within`.
    pub(super) async fn look_again<G: GitHubApi>(
        &self,
        fleet: &Fleet<'_, G>,
        github: &G,
        (every, within): (Duration, Duration),
    ) {
        let looks = async {
            for again in 0..MISSES {
                if again > 0 {
                    sleep(every).await;
                }
                let places = fleet.providers.iter();
                let places = places.map(|place| self.look_at_place(fleet, place, Who::All));
                tokio::join!(
                    self.look_at_github(fleet, github, Who::All),
                    join_all(places)
                );
                let waiting = self.waiting.borrow();
                let is_missed = |one: &PhaseWatch| one.runner.missed > 0 || one.machine.missed > 0;
                if !waiting.values().any(is_missed) {
                    break;
                }
            }
        };
        // What was not seen in time is unknown.
        let _ = timeout(within, looks).await;
    }

    /// Those that are online are looked at where a list is taken anyway, and now and then where it is not.
    fn whom_to_look_at(&self) -> Who {
        let waiting = self.waiting.borrow();
        let waited_for = waiting.values().filter(|one| !one.stands).count();
        let since = self.listed.get().map(|listed| listed.elapsed());
        if waited_for > 1 || since.is_none_or(|since| since >= STANDING_EVERY) {
            Who::All
        } else {
            Who::Waiting
        }
    }

    async fn look_at_github<G: GitHubApi>(&self, fleet: &Fleet<'_, G>, github: &G, who: Who) {
        let asked: Vec<(Name, Option<u64>)> = self
            .waiting
            .borrow()
            .iter()
            .filter(|(_, one)| who == Who::All || !one.stands)
            .map(|(name, one)| (name.clone(), one.id))
            .collect();
        if who == Who::All {
            self.listed.set(Some(Instant::now()));
        }
        let look = async {
            match asked.as_slice() {
                [] => Ok(Vec::new()),
                [(_, Some(id))] => github.runner(*id).await.map(Vec::from_iter),
                [(name, None)] => github.find(name).await.map(Vec::from_iter),
                _ => github.runners().await,
            }
        };
        let failed = match in_time(github, LOOK, look).await {
            Ok(Ok(rows)) => {
                self.unseen.replace(None);
                let mut rows: BTreeMap<String, Runner> = rows
                    .into_iter()
                    .map(|row| (row.name.clone(), row))
                    .collect();
                let mut waiting = self.waiting.borrow_mut();
                for (name, id) in asked {
                    // It may have been left, and its name given up, meanwhile.
                    if let Some(one) = waiting.get_mut(&name).filter(|one| one.id == id) {
                        let row = rows.remove(name.as_str());
                        one.id = one.id.or(row.as_ref().map(|row| row.id));
                        one.worked |= row.as_ref().is_some_and(|row| row.busy);
                        one.runner.look(row);
                    }
                }
                return;
            }
            Ok(Err(error)) => error,
            Err(_) => {
                github::Error::new(github::ErrorKind::Unavailable, "it did not answer in time")
            }
        };
        let what = "could not list the runners at GitHub";
        let is_down = failed.kind == github::ErrorKind::Unavailable;
        let why = failed.any();
        self.unseen.replace(Some(why.clone()));
        if is_down {
            // Where it stays so, the failure of the start tells it whole.
            tracing::debug!("{what}: {}", chain(&why));
            let again = Error::from("GitHub did not answer properly, and is asked again");
            self.complain(fleet, what, again).await;
        } else {
            self.complain(fleet, what, why).await;
        }
    }

    async fn look_at_place<G: GitHubApi>(
        &self,
        fleet: &Fleet<'_, G>,
        place: &NamedProvider,
        who: Who,
    ) {
        let asked: Vec<Name> = {
            let waiting = self.waiting.borrow();
            let here = waiting.iter().filter(|(_, one)| one.place == place.name);
            let here: Vec<_> = here.collect();
            // Nobody lists a place for those alone that are online.
            if !here.iter().any(|(_, one)| who == Who::All || !one.stands) {
                return;
            }
            here.into_iter().map(|(name, _)| name.clone()).collect()
        };
        // The one under way was begun too early to tell, and is waited for.
        let listed = place.listing(None, Instant::now(), 2 * LOOK).await;
        let unread = unread(&listed.listing);
        {
            let machines = listed.listing.instances.iter();
            let machines: BTreeMap<&Name, &Instance> = machines
                .map(|machine| (&machine.tags.name, machine))
                .collect();
            let mut waiting = self.waiting.borrow_mut();
            for name in asked {
                let found = machines.get(&name).copied().cloned();
                // What is not in a listing with gaps may be in a gap, or what cannot be judged.
                let is_hidden = listed.listing.is_damaged(&name);
                if let Some(one) = waiting.get_mut(&name)
                    && (found.is_some() || unread.is_none() && !is_hidden)
                {
                    one.machine.look(found);
                }
            }
        }
        if let Some(why) = unread {
            let what = format!("could not list the machines of `{}`", place.name);
            self.complain(fleet, &what, why).await;
        }
    }

    /// What cannot be read is unknown, never empty; it is named once.
    async fn complain<G: GitHubApi>(&self, fleet: &Fleet<'_, G>, what: &str, why: Error) {
        if !self.complained.borrow_mut().insert(what.to_owned()) {
            tracing::debug!("{what}: {}", chain(&why));
            return;
        }
        let warning = Event::Warning(why.while_trying(what));
        // A warning that cannot be written must not end the watch; the next output will say so.
        if let Err(error) = fleet.sink.tell(warning).await {
            tracing::warn!("could not write a warning: {error}");
        }
    }
}

/// Why a listing is not whole.
pub(super) fn unread(listing: &Listing) -> Option<Error> {
    let errors = || listing.unread.iter().map(|unread| unread.error.clone());
    match listing.unread.len() {
        0 | 1 => errors().next().map(Error::any),
        parts => {
            let message = format!("could not read {parts} parts of it");
            Some(Error::from(message).because_each(errors()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_never_shown_is_gone_only_after_the_time_that_its_place_may_take() {
        let since = Instant::now();
        let mut unseen = AbsenceDetector::<()>::default();
        let mut seen = AbsenceDetector::default();
        seen.look(Some(()));
        for _ in 0..MISSES {
            unseen.look(None);
            seen.look(None);
        }
        sleep(Duration::from_secs(27)).await;
        let (short, long) = (Duration::from_secs(20), Duration::from_mins(2));
        assert!(unseen.is_gone(since, short) && !unseen.is_gone(since, long));
        assert!(seen.is_gone(since, long), "it was there before");
        sleep(long).await;
        assert!(unseen.is_gone(since, long));
    }
}
