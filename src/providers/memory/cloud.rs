//! The cloud behind [`InMemoryProvider`]: places, their machines, and the controls that tests hold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::InMemoryProvider;
use crate::model::{Condition, Instance, InstanceId, Name, Order, Price, Rental, Secret};
use crate::providers::ErrorKind;
use crate::providers::contract::{self, Mood};

/// What a provider is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Check,
    InUse,
    Launch,
    List,
    Logs,
    Terminate,
}

/// One call that reached the cloud, in the order of their coming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) place: String,
    pub(crate) verb: Verb,
    /// The name that was launched, or the machine that was asked about; empty for `check` and `list`.
    pub(crate) about: String,
    pub(crate) at: Instant,
}

/// What goes wrong with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out, and its answer gets lost.
    AnswerLost,
    /// It is refused, and nothing is done.
    Error(ErrorKind),
    /// It leaves out what is there. Only a listing does.
    Gap,
    /// It is never answered, and nothing is done.
    Hang,
    /// It is accepted, and nothing is done. Only an end is.
    Ignored,
    /// It is carried out, and then the place says that it did nothing. Only a launch is.
    RefusedAfterTheDeed(ErrorKind),
    /// It is carried out twice. Only a launch is.
    Twice,
}

/// A machine of the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// As a listing shows it, with the state of this moment.
    pub(crate) instance: Instance,
    /// What it was told to run.
    pub(crate) boot: Secret,
    /// Whether gharun did not make it; its tags are then nobody's.
    pub(crate) stranger: bool,
    pub(super) shown_from: Instant,
    pub(super) launched: Instant,
    ready_at: Instant,
    ends: Option<(Instant, String)>,
    pub(super) busy: Option<bool>,
    pub(super) log: String,
    /// The tags that can still be read, where some were damaged.
    pub(super) keeps: Option<Vec<&'static str>>,
}

impl Machine {
    fn state(&self, now: Instant) -> Condition {
        match &self.ends {
            Some((at, how)) if *at <= now => Condition::Ended(how.clone()),
            _ if now < self.ready_at => Condition::Pending,
            _ => Condition::Running,
        }
    }

    pub(super) fn now(&self) -> Self {
        let mut machine = self.clone();
        machine.instance.state = self.state(Instant::now());
        machine
    }
}

/// How a place behaves; all of it may be changed while it is in use.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own")]
pub(crate) struct Place {
    /// How many machines it has room for, ended ones included.
    pub(crate) capacity: usize,
    /// How long it is worth waiting for room.
    pub(crate) worth_waiting: Duration,
    /// The turns of those who were told so, and have neither come in nor gone since.
    pub(crate) queue: Vec<String>,
    /// From the request to its answer; the machine exists from the request on.
    pub(crate) launch_takes: Duration,
    /// From the launch until it is `Running`.
    pub(crate) boot_takes: Duration,
    /// How long a launched machine lives, and how it ends.
    pub(crate) dies: Option<(Duration, String)>,
    /// It takes orders that find no room so long after their launch, unless they run by then; once that is
    /// noticed, it takes no more.
    pub(crate) gives_up: Option<Duration>,
    /// What it says then.
    pub(crate) gives_up_as: ErrorKind,
    /// How long it takes to say so.
    pub(crate) doom_takes: Duration,
    /// Its machines cost too much, which it tells so long after their launch.
    pub(crate) dear_from: Option<Duration>,
    /// Whether it tells that of a machine whose runner is not online as the reason why that will never start.
    pub(crate) dooms_dear: bool,
    /// What a look before a launch finds.
    pub(crate) broken: Option<ErrorKind>,
    /// Whether it removes what has failed.
    pub(crate) keeps_nothing: bool,
    /// From the launch until a listing shows it.
    pub(crate) listing_lags: Duration,
    /// From the request to its answer; the machine is gone from the request on.
    pub(crate) terminate_takes: Duration,
    /// From the question where it launches to its answer.
    pub(crate) places_take: Duration,
    /// From the request for a log to its answer.
    pub(crate) logs_take: Duration,
    /// Whether its machines reach this computer, as if they were on it.
    pub(crate) reaches_us: bool,
    /// How long it may take to show a machine, where it does not say at once that it lacks one.
    pub(crate) shows_within: Option<Duration>,
    /// What it was asked to end and lacks, and since when.
    pub(super) missed: BTreeMap<InstanceId, Instant>,
    /// What it was told is older than that.
    pub(super) old: Vec<InstanceId>,
    /// What is rented.
    pub(crate) rental: Rental,
    /// What runners get for being here.
    pub(crate) labels: Vec<String>,
    /// Whether a listing that does not show a machine proves nothing.
    pub(crate) lists_in_doubt: bool,
    /// Whether its ids are its own, and mean nothing in another table, though that may spell them alike; its next machines
    /// are called so, in turn.
    pub(crate) own_ids: Option<Vec<&'static str>>,
    /// How earlier versions wrote it, when references did not tell whose place it is.
    pub(crate) vague: Option<String>,
    /// Whether launches create machines in its far part, which only a whole listing looks at, and one near a machine there.
    pub(crate) launches_far: bool,
    /// The mood it is in.
    pub(crate) mood: Option<Mood>,
    /// What goes wrong with single verbs, on top of the mood.
    pub(crate) faults: BTreeMap<Verb, Fault>,
    /// What goes wrong with the next calls, one each, before all else.
    pub(super) next: Vec<(Verb, Fault)>,
    pub(super) machines: Vec<Machine>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            capacity: usize::MAX,
            worth_waiting: Duration::ZERO,
            queue: Vec::new(),
            launch_takes: Duration::ZERO,
            boot_takes: Duration::ZERO,
            dies: None,
            gives_up: None,
            gives_up_as: ErrorKind::NoCapacity,
            dear_from: None,
            dooms_dear: false,
            doom_takes: Duration::ZERO,
            broken: None,
            keeps_nothing: false,
            listing_lags: Duration::ZERO,
            terminate_takes: Duration::ZERO,
            places_take: Duration::ZERO,
            logs_take: Duration::ZERO,
            reaches_us: false,
            shows_within: None,
            missed: BTreeMap::new(),
            old: Vec::new(),
            rental: Rental::default(),
            labels: Vec::new(),
            lists_in_doubt: false,
            own_ids: None,
            vague: None,
            launches_far: false,
            mood: None,
            faults: BTreeMap::new(),
            next: Vec::new(),
            machines: Vec::new(),
        }
    }
}

pub(super) type OnLaunch = Arc<dyn Fn(&Instance) + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) places: BTreeMap<String, Place>,
    pub(super) calls: Vec<Call>,
    pub(super) on_launch: Vec<OnLaunch>,
}

/// Places that share one log of calls. Clones are the same cloud.
#[derive(Clone, Default)]
pub(crate) struct InMemoryCloud(Arc<Mutex<State>>);

impl fmt::Debug for InMemoryCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.state().places).finish()
    }
}

impl InMemoryCloud {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }

    /// A provider on the place of that name; each call is a new "process".
    pub(crate) fn provider(&self, place: &str) -> InMemoryProvider {
        self.state().places.entry(place.to_owned()).or_default();
        InMemoryProvider {
            cloud: self.clone(),
            place: place.to_owned(),
            mood: None,
            flaw: None,
        }
    }

    /// Changes how a place behaves from now on:
    /// `cloud.set("gpu", |place| place.boot_takes = Duration::from_secs(30))`.
    pub(crate) fn set(&self, place: &str, change: impl FnOnce(&mut Place)) {
        change(self.state().places.entry(place.to_owned()).or_default());
    }

    /// The turns in the queue of a place.
    pub(crate) fn queue(&self, place: &str) -> Vec<String> {
        self.state().places[place].queue.clone()
    }

    /// Puts a place in a mood, or out of it.
    pub(crate) fn mood(&self, place: &str, mood: Option<Mood>) {
        self.set(place, |place| place.mood = mood);
    }

    /// Lets one verb go wrong at a place until `heal`.
    pub(crate) fn fault(&self, place: &str, verb: Verb, fault: Fault) {
        self.set(place, |place| {
            place.faults.insert(verb, fault);
        });
    }

    /// Lets the next call of a verb go wrong at a place, after those that are to go wrong already.
    pub(crate) fn once(&self, place: &str, verb: Verb, fault: Fault) {
        self.set(place, |place| place.next.push((verb, fault)));
    }

    /// Lets everything work again at a place.
    pub(crate) fn heal(&self, place: &str) {
        self.set(place, |place| {
            place.mood = None;
            place.faults.clear();
            place.next.clear();
        });
    }

    /// Calls back when a machine comes into being, before its launch is answered.
    pub(crate) fn on_launch(&self, tell: impl Fn(&Instance) + Send + Sync + 'static) {
        self.state().on_launch.push(Arc::new(tell));
    }

    /// All machines of all places, strangers included.
    pub(crate) fn machines(&self) -> Vec<Machine> {
        let state = self.state();
        let machines = state.places.values().flat_map(|place| &place.machines);
        machines.map(Machine::now).collect()
    }

    /// The machine of a name, wherever it is.
    pub(crate) fn machine(&self, name: &Name) -> Option<Machine> {
        let ours = |m: &Machine| !m.stranger && m.instance.tags.name == *name;
        self.machines().into_iter().find(ours)
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// What the calls of one verb were about, in the order of their coming.
    pub(crate) fn asked(&self, verb: Verb) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls
            .filter(|call| call.verb == verb)
            .map(|call| call.about)
            .collect()
    }

    /// Adds a machine that gharun did not make.
    pub(crate) fn add_stranger(&self, place: &str) -> InstanceId {
        let order = contract::plain_order("nobody");
        let id = InstanceId {
            location: Some(place.to_owned()),
            id: format!("pet-{}", crate::model::random(8)),
        };
        self.set(place, |there| {
            let mut machine = there.machine(id.clone(), &order);
            machine.stranger = true;
            there.machines.push(machine);
        });
        id
    }

    /// Lets a machine end by itself; it is listed as ended until it is terminated.
    pub(crate) fn end(&self, id: &InstanceId, how: &str) {
        self.change(id, |machine| {
            machine.ends = Some((Instant::now(), how.to_owned()));
        });
    }

    /// Takes a machine away without a trace, as a place does that somebody else works on.
    pub(crate) fn vanish(&self, id: &InstanceId) {
        let mut state = self.state();
        for place in state.places.values_mut() {
            place.machines.retain(|machine| machine.instance.id != *id);
        }
    }

    /// The same at one place, where others may have one with that id.
    pub(crate) fn vanish_at(&self, place: &str, id: &InstanceId) {
        self.set(place, |place| {
            place.machines.retain(|machine| machine.instance.id != *id);
        });
    }

    /// Damages the tags of a machine, all but some.
    pub(crate) fn damage(&self, id: &InstanceId, keeps: &[&'static str]) {
        self.change(id, |machine| machine.keeps = Some(keeps.to_vec()));
    }

    /// Says whether a job's process runs on a machine; before that the place cannot tell.
    pub(crate) fn busy(&self, id: &InstanceId, busy: bool) {
        self.change(id, |machine| machine.busy = Some(busy));
    }

    /// What the place charges for a machine from now on.
    pub(crate) fn charges(&self, id: &InstanceId, price: Price) {
        self.change(id, |machine| machine.instance.rental.price = Some(price));
    }

    /// Adds to a machine's boot log.
    pub(crate) fn say(&self, id: &InstanceId, text: &str) {
        self.change(id, |machine| machine.log.push_str(text));
    }

    fn change(&self, id: &InstanceId, change: impl Fn(&mut Machine)) {
        let mut state = self.state();
        let machines = state.places.values_mut().flat_map(|p| &mut p.machines);
        let found = machines.filter(|machine| machine.instance.id == *id);
        let found = found.map(change).count();
        assert!(found > 0, "a test speaks of a machine that is there");
    }
}

impl Place {
    pub(super) fn machine(&self, id: InstanceId, order: &Order) -> Machine {
        let now = Instant::now();
        Machine {
            instance: Instance {
                id,
                state: Condition::Pending,
                tags: order.tags.clone(),
                created: order.tags.created,
                ended: None,
                rental: self.rental.clone(),
            },
            boot: order.boot.clone(),
            stranger: false,
            shown_from: now + self.listing_lags,
            launched: now,
            ready_at: now + self.boot_takes,
            ends: self.dies.clone().map(|(after, how)| (now + after, how)),
            busy: None,
            log: "gharun: phase=run t=1795507200\n".into(),
            keeps: None,
        }
    }
}
