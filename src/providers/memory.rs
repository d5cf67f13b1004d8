//! A provider in memory, which proves the contract suite and serves the tests of `fleet`.
//!
//! Time is tokio's, so that a paused clock carries it; there is no socket and no thread in it.

use std::time::Duration;

use tokio::time::Instant;

use super::contract::Mood;
use super::{Error, ErrorKind, ProviderKind, Result};
use crate::model::{InstanceId, Order, Secret};

mod answers;
mod cloud;
mod flaw;
mod tests;

use cloud::OnLaunch;
pub(crate) use cloud::{Call, Fault, InMemoryCloud, Machine, Place, Verb};
pub(crate) use flaw::Flaw;

/// As many machines as a place tells of in one answer.
const PAGE: usize = 100;

/// What references call places whose ids are their own.
const HERE: &str = "here";

/// The settings of [`InMemoryProvider`]: none, it is opened on a [`InMemoryCloud`].
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {}

/// A provider on one place of a [`InMemoryCloud`].
#[derive(Clone, Debug)]
pub(crate) struct InMemoryProvider {
    cloud: InMemoryCloud,
    place: String,
    mood: Option<Mood>,
    flaw: Option<Flaw>,
}

impl InMemoryProvider {
    /// An empty cloud.
    pub(crate) fn cloud() -> InMemoryCloud {
        InMemoryCloud::default()
    }

    /// The same provider, in a mood that the others on its place do not share.
    pub(crate) fn in_mood(mut self, mood: Mood) -> Self {
        self.mood = Some(mood);
        self
    }

    /// The same provider, with a mistake in it.
    pub(crate) fn with(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Logs the call, then fails or hangs as mood and faults want it; what is left of them is returned.
    async fn ask(&self, verb: Verb, about: &str) -> Result<Option<Fault>> {
        let fault = {
            let mut state = self.cloud.state();
            state.calls.push(Call {
                place: self.place.clone(),
                verb,
                about: about.to_owned(),
                at: Instant::now(),
            });
            let place = state.places.entry(self.place.clone()).or_default();
            let mood = self.mood.or(place.mood);
            let next = place.next.iter().position(|(of, _)| *of == verb);
            let next = next.map(|at| place.next.remove(at).1);
            let fault = next.or_else(|| place.faults.get(&verb).copied());
            fault.or_else(|| mood.and_then(|mood| of_mood(mood, verb)))
        };
        match fault {
            Some(Fault::Error(kind)) => Err(self.error(kind, verb)),
            Some(Fault::Hang) => std::future::pending().await,
            left => Ok(left),
        }
    }

    fn error(&self, kind: ErrorKind, verb: Verb) -> Error {
        let kind = match kind {
            ErrorKind::RateLimited if self.has(Flaw::WrongKind) => ErrorKind::Unavailable,
            kind => kind,
        };
        let message = format!("could not {verb:?} at `{}`", self.place).to_lowercase();
        Error::new(kind, message)
            .because(format!("it answered {kind:?}"))
            .hinted(format!("see to `{}`", self.place))
            .requested(Some(format!("{}-1", self.place)))
    }

    fn resolve(&self, id: &InstanceId) -> Result<()> {
        let location = id.location.as_deref();
        let is_here = location == Some(&self.here()) || location == Some(&self.far());
        if is_here || self.has(Flaw::AnyPlaceIsMine) {
            return Ok(());
        }
        let message = format!("`{id}` is not at `{}`", self.place);
        let kind = if self.is_vague(id) {
            ErrorKind::NotFound
        } else {
            ErrorKind::Config
        };
        Err(Error::new(kind, message))
    }

    /// Whether a machine that it lacks may be too new to be shown.
    fn may_show(&self, id: &InstanceId) -> bool {
        let mut state = self.cloud.state();
        let place = state.places.entry(self.place.clone()).or_default();
        let missed = place.missed.entry(id.clone()).or_insert_with(Instant::now);
        let since = missed.elapsed();
        !place.old.contains(id) && place.shows_within.is_some_and(|within| since < within)
    }

    /// What references call it.
    fn here(&self) -> String {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        let is_own = place.is_some_and(|place| place.own_ids.is_some());
        if is_own { HERE } else { &self.place }.to_owned()
    }

    /// The machine of an id, where this place has it.
    fn found(&self, id: &InstanceId) -> Option<Machine> {
        let state = self.cloud.state();
        let mut machines = state.places.get(&self.place)?.machines.iter();
        Some(machines.find(|one| one.instance.id == *id)?.now())
    }

    /// What references call its far part.
    fn far(&self) -> String {
        format!("{}-far", self.place)
    }

    /// Whether an id has its place as earlier versions wrote it.
    fn is_vague(&self, id: &InstanceId) -> bool {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        id.location.is_none() || place.is_some_and(|place| place.vague == id.location)
    }

    /// Makes the machine, or finds the one of that name.
    fn make(&self, order: &Order) -> Result<(Machine, Option<Vec<OnLaunch>>)> {
        let mut state = self.cloud.state();
        let tell = state.on_launch.clone();
        let place = state.places.entry(self.place.clone()).or_default();
        let ours = |m: &&Machine| !m.stranger && m.instance.tags.name == order.name;
        let same = place.machines.iter().find(ours);
        if let Some(machine) = same.filter(|_| !self.has(Flaw::NameIsNoKey)) {
            return Ok((machine.now(), None));
        }
        if place.machines.len() >= place.capacity {
            let full = self.error(ErrorKind::NoCapacity, Verb::Launch);
            if place.worth_waiting.is_zero() {
                return Err(full);
            }
            if !place.queue.contains(&order.queue_key) {
                place.queue.push(order.queue_key.clone());
            }
            return Err(full.waiting(place.worth_waiting));
        }
        place
            .queue
            .retain(|queue_key| *queue_key != order.queue_key);
        let own_ids = place.own_ids.as_mut();
        let id = if same.is_some() {
            format!("{}-again", order.name)
        } else if let Some(own) = own_ids.filter(|own| !own.is_empty()) {
            own.remove(0).to_owned()
        } else {
            order.name.to_string()
        };
        let location = if place.launches_far {
            self.far()
        } else if place.own_ids.is_some() {
            HERE.to_owned()
        } else {
            self.place.clone()
        };
        let id = InstanceId {
            location: Some(location),
            id,
        };
        let mut machine = place.machine(id, order);
        if self.has(Flaw::AltersScript) {
            machine.boot = Secret::new(machine.boot.expose().trim_end());
        }
        place.machines.push(machine.clone());
        Ok((machine.now(), Some(tell)))
    }

    /// One page, and where the next one begins.
    fn page(&self, from: usize) -> (Vec<Machine>, Option<usize>) {
        let now = Instant::now();
        let state = self.cloud.state();
        let machines = &state.places[&self.place].machines;
        let end = machines.len().min(from + PAGE);
        let page = machines[from.min(end)..end].iter();
        let page = page.filter(|machine| machine.shown_from <= now);
        let more = end < machines.len() && !self.has(Flaw::FirstPageOnly);
        (page.map(Machine::now).collect(), more.then_some(end))
    }

    fn is(&self, mood: Mood) -> bool {
        let place = self
            .cloud
            .state()
            .places
            .get(&self.place)
            .and_then(|p| p.mood);
        self.mood.or(place) == Some(mood)
    }

    fn takes(&self, of: impl Fn(&Place) -> Duration) -> Duration {
        self.cloud
            .state()
            .places
            .get(&self.place)
            .map_or(Duration::ZERO, of)
    }
}

fn of_mood(mood: Mood, verb: Verb) -> Option<Fault> {
    let kind = match (mood, verb) {
        (Mood::AnswerLost, Verb::Launch) => return Some(Fault::AnswerLost),
        (Mood::Denied, _) => ErrorKind::Denied,
        (Mood::Html, Verb::Launch) => ErrorKind::Ambiguous,
        (Mood::Html | Mood::Unavailable, _) => ErrorKind::Unavailable,
        (Mood::NoCapacity, Verb::Launch) => ErrorKind::NoCapacity,
        (Mood::RateLimited, _) => ErrorKind::RateLimited,
        // `launch` sees to it, `list` to the last.
        _ => return None,
    };
    Some(Fault::Error(kind))
}

impl ProviderKind for InMemoryProvider {
    const KIND: &'static str = "memory";
    const ABOUT: &'static str = "Machines that are not there";
    const REHEARSES: bool = false;
    type Config = Config;

    async fn open(_: Config) -> Result<Self> {
        Ok(Self::cloud().provider("memory"))
    }
}
