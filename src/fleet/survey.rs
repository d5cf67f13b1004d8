//! The one look at everything: state file, places and GitHub, joined by the runners' names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use tokio::time::{Instant, sleep, timeout};

use super::answer::in_time;
use super::end::is_permanent;
use super::verdict::{Facts, MachineState, RegistrationState, Verdict};
use super::{Fleet, NamedProvider, Unopened, chain};
use crate::github::{self, GitHubApi, Runner};
use crate::model::{Condition, Error, InstanceId, Name, REHEARSAL, Reference, Run, json};
use crate::poll::{Backoff, chance};
use crate::providers;
use crate::providers::{Listing, Silence, Unjudged};
use crate::state::{RunnerRecord, StateContents};

mod inquiry;
mod join;

pub(super) use inquiry::{Inquiry, NoAnswer};
use join::Join;

/// What the state file is called as a source.
pub const STATE_FILE: &str = "state file";

/// How long a place may take to list its machines, all its regions and pages included.
const LISTING: Duration = Duration::from_mins(1);
/// How often a place is asked that fails to answer.
const TRIES: usize = 3;
/// The pauses between these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(1));
/// A place that took longer than this to fail is not asked again.
const QUICK: Duration = Duration::from_secs(5);

/// What is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// `github.com`, or the host of a GHES.
    pub server: String,
    /// The scope as tags spell it; `None` where none is known, and then only rehearsals are ours.
    pub scope: Option<String>,
    /// Also what belongs to other servers and scopes, as far as it can be judged.
    pub all_scopes: bool,
    /// What is younger than this is within the grace.
    pub older_than: Option<Duration>,
    /// Only records of these providers; empty: of all.
    pub providers: Vec<String>,
}

impl View {
    /// Whether a machine is of this server and scope. GitHub's names know no case.
    pub(super) fn is_ours(&self, server: &str, scope: &str) -> bool {
        let same = |wanted: &str| wanted.eq_ignore_ascii_case(scope);
        self.server.eq_ignore_ascii_case(server) && self.scope.as_deref().is_some_and(same)
    }

    /// Whether a record is of a machine that may be touched at all, at one of the providers that are looked at.
    pub fn covers(&self, record: &RunnerRecord) -> bool {
        let ours = self.is_ours(&record.server, &record.scope) || record.scope == REHEARSAL;
        ours && (self.providers.is_empty() || self.providers.contains(&record.provider))
    }
}

/// One runner: what is known of its machine, its registration and its record.
#[derive(Clone, Debug)]
pub struct SurveyRow {
    /// The runner.
    pub name: Name,
    /// Its machine, as its place or the record has it.
    pub instance: Option<Reference>,
    /// The provider that has the machine, or was to have it.
    pub provider: Option<String>,
    /// The kind of that provider, where it was asked.
    pub kind: Option<&'static str>,
    /// What the machine is doing, as its place tells.
    pub condition: Option<Condition>,
    /// Its row at GitHub, as GitHub tells.
    pub runner: Option<Runner>,
    /// GitHub's number of it, from its row, its tags or its record.
    pub runner_id: Option<u64>,
    /// `github.com`, or the host of a GHES.
    pub server: String,
    /// The scope as tags spell it.
    pub scope: String,
    /// `owner/name` of the repository whose run started it.
    pub repository: Option<String>,
    /// The run that started it.
    pub run: Option<Run>,
    /// The `start` process that made it; unknown where there is but a registration.
    pub start: Option<String>,
    /// What pairs its `start` with its `stop`.
    pub group: Option<String>,
    /// When its machine was made, or its intent written.
    pub created: Option<Timestamp>,
    /// When it ends itself.
    pub expires: Option<Timestamp>,
    /// US dollars an hour.
    pub price_per_hour: Option<f64>,
    /// US dollars so far.
    pub cost: Option<f64>,
    /// Whether the state file has a record of it.
    pub recorded: bool,
    /// Whether that says that no machine of it is there, or will come.
    pub(super) machineless: bool,
    /// Where its record says that a machine may have been created, while it has none.
    pub(super) at: Vec<String>,
    /// What the verdict was made of.
    pub facts: Facts,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: String,
    pub(super) place: Option<NamedProvider>,
    pub(super) ours: bool,
    /// What could not be found out of it.
    pub(super) doubts: Doubts,
}

/// Why the verdict on a runner may be less than the truth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Doubts {
    /// Its machine is recorded at a place that its provider does not look at.
    pub(super) elsewhere: bool,
    /// Its machine may be one that is there and cannot be judged.
    pub(super) unjudged: bool,
    /// It would be an orphan, and no source could tell that no job runs on it.
    pub(super) undecided: bool,
}

impl SurveyRow {
    /// What the column RUNNER says: `online`, `offline`, `busy`, `absent` or `unknown`.
    pub fn runner_state(&self) -> &'static str {
        match (&self.runner, self.facts.registration) {
            (Some(runner), _) if runner.busy => "busy",
            (Some(runner), _) if runner.status == "online" => "online",
            (Some(_), _) => "offline",
            (None, RegistrationState::Unread) => "unknown",
            (None, _) => "absent",
        }
    }

    /// What the column STATE says: `pending`, `running`, `ended`, `gone` or `unknown`.
    pub fn machine_state(&self) -> &'static str {
        match (&self.condition, self.facts.machine) {
            (Some(Condition::Pending), _) => "pending",
            (Some(Condition::Running), _) => "running",
            (Some(Condition::Ended(_)), _) => "ended",
            (None, MachineState::Gone) => "gone",
            (None, _) => "unknown",
        }
    }

    /// How long it has cost money; `None` without a machine.
    pub fn age(&self) -> Option<Duration> {
        let created = self.created?;
        Some(Duration::try_from(self.facts.now.duration_since(created)).unwrap_or_default())
    }

    /// Whether no job can find the runner but one that names it.
    pub fn unique_label_only(&self) -> bool {
        self.runner.as_ref().is_some_and(|runner| {
            let ours = |label: &str| label.eq_ignore_ascii_case(self.name.as_str());
            !runner.labels.is_empty() && runner.labels.iter().all(|label| ours(&label.name))
        })
    }

    /// Why an intent says nothing: its machine was to come where nobody looks.
    pub(super) fn elsewhere(&self) -> Error {
        let provider = self.provider.as_deref().unwrap_or("its provider");
        Error::from(format!(
            "its machine may have been created in `{}`, which `{provider}` does not show with the credentials \
             and settings in use here",
            self.at.join("`, `")
        ))
        .hinted("use the credentials and the settings that it was started with")
    }

    pub(super) fn is_rehearsal(&self) -> bool {
        self.scope == REHEARSAL
    }

    /// Until when its machine may still be created though nothing shows one: an intent, or a registration,
    /// whose start may still be at work. `now` is the earlier of the clocks where they do not agree.
    pub(super) fn may_still_come(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.name.ready_by();
        let is_there = matches!(
            self.facts.machine,
            MachineState::There | MachineState::Ended
        );
        let may_come = !is_there && self.instance.is_none() && !self.machineless;
        (may_come && now <= until).then_some(until)
    }

    /// Whether it should have ended by now, by the servers' clock and by ours.
    pub(super) fn is_past_its_lifetime(&self) -> bool {
        let over = |expires| self.facts.at_least > expires;
        self.expires.is_some_and(over)
    }

    /// Whether what its place sees says anything: the name of a process can be forged by a job, and counts no
    /// more once GitHub has no registration and its lifetime is over.
    pub(super) fn believes_its_place(&self) -> bool {
        self.facts.registration != RegistrationState::Absent || !self.is_past_its_lifetime()
    }

    fn price(&mut self) {
        let there = matches!(
            self.facts.machine,
            MachineState::There | MachineState::Ended
        );
        let hours = self.age().map(|age| age.as_secs_f64() / 3600.0);
        let price = self.price_per_hour.filter(|_| there);
        self.cost = price.zip(hours).map(|(price, hours)| price * hours);
    }
}

/// A row as `list` writes it: what the columns say, and not what they were made of.
impl Serialize for SurveyRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 15)?;
        row.serialize_field("name", &self.name)?;
        row.serialize_field("instance", &self.instance)?;
        row.serialize_field("provider", &self.provider)?;
        row.serialize_field("kind", &self.kind)?;
        row.serialize_field("state", self.machine_state())?;
        row.serialize_field("runner", self.runner_state())?;
        row.serialize_field("runner_id", &self.runner_id)?;
        row.serialize_field("scope", &self.scope)?;
        row.serialize_field("run_id", &self.run.map(|run| run.id))?;
        row.serialize_field("created_at", &self.created.map(json::rounded))?;
        row.serialize_field("expires_at", &self.expires.map(json::rounded))?;
        row.serialize_field("price_per_hour", &self.price_per_hour)?;
        row.serialize_field("cost", &self.cost.map(json::hundredths_of_cents))?;
        row.serialize_field("verdict", &self.verdict)?;
        row.serialize_field("why", &self.why)?;
        row.end()
    }
}

/// A source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// A provider, one of its places, `GitHub`, or the state file.
    pub source: String,
    /// Why.
    #[serde(flatten)]
    pub error: Error,
}

impl Unknown {
    fn of(unopened: &Unopened) -> Self {
        Self::new(&unopened.name, unopened.error.clone())
    }

    pub(super) fn new(source: impl Into<String>, error: impl Into<Error>) -> Self {
        Self {
            source: source.into(),
            error: error.into(),
        }
    }

    fn sort(all: &mut [Self]) {
        all.sort_by_cached_key(|one| (one.source.clone(), chain(&one.error)));
    }

    /// Sorts them and leaves one of each source: the same trouble is met at every look, and differs in
    /// the number of its request only.
    pub(super) fn tidy(all: &mut Vec<Self>) {
        Self::sort(all);
        all.dedup_by(|later, first| later.source == first.source);
    }
}

/// Everything that was seen.
#[derive(Clone, Debug)]
pub struct Survey {
    /// One row a runner, by name.
    pub rows: Vec<SurveyRow>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
    /// The servers' clock.
    pub now: Timestamp,
}

/// Looks at everything. A source that cannot be read is named, and says nothing about its machines.
pub async fn survey<G: GitHubApi>(fleet: &Fleet<'_, G>, view: &View) -> Survey {
    let FullSurvey {
        mut survey,
        unjudged,
        ..
    } = look(fleet, view, false).await;
    survey.rows.extend(unjudged);
    survey
        .rows
        .sort_by(|a, b| (&a.name, &a.instance).cmp(&(&b.name, &b.instance)));
    survey
        .rows
        .retain(|row| view.all_scopes || row.ours || row.is_rehearsal());
    survey
}

/// A survey of all scopes, with what else `stop` needs to know of its sources.
pub(super) struct FullSurvey {
    pub(super) survey: Survey,
    /// Rows of machines that are there and cannot be judged: to be shown, and never acted upon.
    unjudged: Vec<SurveyRow>,
    places: Vec<SourceListing>,
    all_opened: bool,
    pub(super) github_read: bool,
}

impl FullSurvey {
    /// Whether nothing kept a listing from showing a machine with this reference.
    pub(super) fn was_read(&self, reference: &Reference) -> bool {
        let read = self
            .places
            .iter()
            .find(|read| read.place.name == reference.provider);
        let place = reference.id.location.as_deref();
        read.is_some_and(|read| !matches!(read.listing.silence(place), Some(Silence::Unread(_))))
    }

    /// Whether nothing kept the listings from showing a machine of this name.
    pub(super) fn all_read(&self, name: &Name) -> bool {
        let read =
            |listing: &Listing| listing.unread.is_empty() && listing.hides(None, name).is_none();
        self.all_opened && self.places.iter().all(|one| read(&one.listing))
    }

    /// A reference's id, without its place where that does not tell whose it is: written as earlier versions did.
    pub(super) fn id(&self, reference: &Reference) -> InstanceId {
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
    pub(super) fn of_other_machines(&self, machines: &[Reference]) -> BTreeSet<String> {
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

    /// The machine that a reference means, where it is there and nobody can tell whose it is.
    pub(super) fn unjudged(&self, reference: &Reference) -> Option<&Unjudged> {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider)?;
        let (provider, id) = (&read.place.provider, self.id(reference));
        let mut unjudged = read.listing.unjudged.iter();
        unjudged.find(|one| provider.is_same(&one.id, &id))
    }
}

/// Asks a place, and asks again where it failed for a moment: the answer comes with what was wrong with it.
async fn patiently<T>(mut ask: impl AsyncFnMut() -> (T, Option<providers::Error>)) -> T {
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
struct SourceListing {
    place: NamedProvider,
    listing: Listing,
}

impl SourceListing {
    async fn of(place: &NamedProvider) -> Self {
        let listing = timeout(LISTING, Self::listing(place)).await;
        let listing = listing.unwrap_or_else(|_| {
            let message = format!("`{}` did not list its machines in time", place.name);
            let kind = providers::ErrorKind::Unavailable;
            Listing::unread(providers::Error::new(kind, message))
        });
        Self {
            place: place.clone(),
            listing,
        }
    }

    /// One lost answer is no reason to know nothing of a place.
    async fn listing(place: &NamedProvider) -> Listing {
        patiently(async || {
            let listing = place.provider.list().await;
            let listing = listing.unwrap_or_else(Listing::unread);
            let mut errors = listing.unread.iter().map(|unread| &unread.error);
            let may_heal = errors.find(|error| !is_permanent(error)).cloned();
            (listing, may_heal)
        })
        .await
    }

    fn unknown(&self) -> impl Iterator<Item = Unknown> + '_ {
        let unread = self.listing.unread.iter().map(|unread| Unknown {
            source: unread.location.as_ref().map_or_else(
                || self.place.name.clone(),
                |part| format!("{}:{part}", self.place.name),
            ),
            error: unread.error.clone().any(),
        });
        unread.chain(self.listing.unjudged.iter().map(|unjudged| {
            let reference = self.place.reference(&unjudged.id);
            let error = unjudged.error.clone().any();
            Unknown::new(
                reference.to_string(),
                error.hinted(if unjudged.by_name {
                    format!("end it with `gharun stop --force {reference}`")
                } else {
                    "see who changed its tags: gharun leaves it alone".to_owned()
                }),
            )
        }))
    }
}

/// Looks at all scopes. With `busy_too` it is asked of busy runners, too, whether their run is over.
pub(super) async fn look<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    busy_too: bool,
) -> FullSurvey {
    let (places, entries, runners) = tokio::join!(
        join_all(fleet.providers.iter().map(SourceListing::of)),
        fleet.store.contents(),
        registrations(fleet)
    );
    let mut unknown: Vec<Unknown> = places.iter().flat_map(SourceListing::unknown).collect();
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
    let runners = runners.unwrap_or_else(|error| {
        fail("GitHub", error.any());
        None
    });
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
    let inquiry = Inquiry::new(fleet, busy_too);
    join_all(rows.iter_mut().map(|row| inquiry.examine(row))).await;
    unknown.extend(inquiry.unknown());
    Unknown::sort(&mut unknown);
    unknown.dedup();
    FullSurvey {
        survey: Survey { rows, unknown, now },
        unjudged,
        places,
        all_opened: fleet.unopened.is_empty(),
        github_read,
    }
}

/// Asks GitHub for the registrations that bear a name of ours; `None` where it is not asked at all.
async fn registrations<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
) -> github::Result<Option<BTreeMap<Name, Runner>>> {
    let Some(api) = fleet.github else {
        return Ok(None);
    };
    let rows = in_time(api, LISTING, api.runners()).await;
    let rows = rows.unwrap_or_else(|_| {
        let message = "GitHub did not list the runners in time";
        Err(github::Error::new(github::ErrorKind::Unavailable, message))
    })?;
    let named = rows
        .into_iter()
        .filter_map(|row| Some((row.name.parse().ok()?, row)));
    Ok(Some(named.collect()))
}

/// What GitHub says of a runner. A status that it has not had so far counts as offline.
pub(in crate::fleet) fn of_github(runner: &Runner) -> RegistrationState {
    match runner.status.as_str() {
        _ if runner.busy => RegistrationState::Busy,
        "online" => RegistrationState::Online,
        _ => RegistrationState::Offline,
    }
}
