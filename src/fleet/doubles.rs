//! GitHub and the one who is told, in memory, on tokio's clock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::survey;
use super::verdict::{self, Facts, MachineState, Verdict};
use crate::github::{
    Deregistration, Error, ErrorKind, GitHubApi, Label, Registration, RegistrationToken, Result,
    Runner, RunnerCredential, WorkflowJob, WorkflowRun,
};
use crate::model::{Condition, Event, Mapping, Name, Rental, Run, Secret, Sink};
use crate::providers::memory::InMemoryCloud;

/// What becomes of a request to register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out after a while, though its answer was lost at once.
    AnswerLost(Duration),
    /// It is refused.
    Error(ErrorKind),
    /// It is never answered, and nothing is done.
    Hang,
    /// gharun itself is wrong.
    Panic,
}

/// A row, as it will be when its time comes.
#[derive(Clone, Debug)]
struct Row {
    runner: Runner,
    shown_from: Instant,
    online_from: Option<Instant>,
    vanishes: Option<Instant>,
}

/// What this GitHub is like; all of it may be changed while it is in use.
#[derive(Debug, Default)]
pub(crate) struct State {
    rows: Vec<Row>,
    next_id: u64,
    /// From a request to its answer.
    pub(crate) latency: Duration,
    /// What goes wrong with the next registrations, the last one first.
    pub(crate) register_faults: Vec<Fault>,
    /// From its machine's launch until a runner is online; `None` is never.
    pub(crate) online_after: Option<Duration>,
    /// Runners whose label ends so vanish so long after their machine's launch.
    pub(crate) vanish_after: Option<Duration>,
    /// Where machines register their runners themselves: so long after their launch.
    pub(crate) enrols_after: Option<Duration>,
    /// The names that tokens were given for.
    ordered: BTreeSet<String>,
    /// How many runners a list has at most: it misses the others.
    pub(crate) lists_at_most: Option<usize>,
    /// Whether listings fail.
    pub(crate) listing_fails: bool,
    /// Whether gharun itself is wrong about listings.
    pub(crate) listing_panics: bool,
    /// Whether nothing is answered.
    pub(crate) silent: bool,
    /// The requests that are not answered, by their verb.
    pub(crate) deaf_to: Option<&'static str>,
    /// Until then requests wait for room.
    pub(crate) room_from: Option<Instant>,
    /// Names with a job on them.
    pub(crate) busy: BTreeSet<String>,
    /// Every request so far, in the order of their coming: the verb, and what it is about.
    pub(crate) requests: Vec<(&'static str, String)>,
}

/// GitHub for one scope. Clones are the same GitHub.
#[derive(Clone, Debug, Default)]
pub(crate) struct InMemoryGitHub(Arc<Mutex<State>>);

impl InMemoryGitHub {
    /// One whose runners come online so long after the launch of their machines at `cloud`.
    pub(crate) fn beside(cloud: &InMemoryCloud, online_after: Duration) -> Self {
        let hub = Self::default();
        hub.state().online_after = Some(online_after);
        let there = hub.clone();
        cloud.on_launch(move |machine| there.boots(machine.tags.name.as_str()));
        hub
    }

    /// What it is like.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds this")
    }

    /// The names that are registered now, or will be.
    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.state();
        state
            .rows
            .iter()
            .map(|row| row.runner.name.clone())
            .collect()
    }

    /// What was asked of one verb.
    pub(crate) fn asked(&self, verb: &str) -> Vec<String> {
        let state = self.state();
        let asked = state.requests.iter().filter(|(asked, _)| *asked == verb);
        asked.map(|(_, about)| about.clone()).collect()
    }

    /// Takes a runner away, as GitHub does with one that was idle too long or did its job.
    pub(crate) fn drop_runner(&self, name: &str) {
        self.state().rows.retain(|row| row.runner.name != name);
    }

    /// A machine of that name has come up.
    pub(crate) fn boots(&self, name: &str) {
        let enrols = self.state().ordered.remove(name);
        if enrols {
            let after = self.state().enrols_after.unwrap_or_default();
            self.add(name, &[name.to_owned()], after);
        }
        let (mut state, now) = (self.state(), Instant::now());
        let (online, vanish) = (state.online_after, state.vanish_after);
        for row in &mut state.rows {
            if row.runner.name == name {
                row.online_from = online.map(|after| now + after);
                row.vanishes = vanish.map(|after| now + after);
            }
        }
    }

    fn add(&self, name: &str, labels: &[String], after: Duration) -> u64 {
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        let labels = labels.iter().map(|name| Label { name: name.clone() });
        let runner = Runner {
            id,
            name: name.to_owned(),
            status: "offline".into(),
            busy: false,
            labels: labels.collect(),
        };
        state.rows.push(Row {
            runner,
            shown_from: Instant::now() + after,
            online_from: None,
            vanishes: None,
        });
        id
    }

    fn rows(&self) -> Vec<Runner> {
        let (mut state, now) = (self.state(), Instant::now());
        state
            .rows
            .retain(|row| row.vanishes.is_none_or(|at| now < at));
        let shown = state.rows.iter().filter(|row| row.shown_from <= now);
        let rows = shown.map(|row| {
            let mut runner = row.runner.clone();
            runner.busy = state.busy.contains(&runner.name);
            if row.online_from.is_some_and(|at| at <= now) {
                runner.status = "online".into();
            }
            runner
        });
        rows.collect()
    }

    async fn ask(&self, verb: &'static str, about: &str) {
        let (latency, silent) = {
            let mut state = self.state();
            state.requests.push((verb, about.to_owned()));
            let is_deaf = state.deaf_to == Some(verb);
            (state.latency, state.silent || is_deaf)
        };
        if silent {
            std::future::pending::<()>().await;
        }
        sleep(latency).await;
    }

    fn listing(&self) -> Result<Vec<Runner>> {
        let (fails, panics) = {
            let state = self.state();
            (state.listing_fails, state.listing_panics)
        };
        assert!(!panics, "a flaw in gharun");
        if fails {
            return Err(Error::new(ErrorKind::Unavailable, "could not list"));
        }
        Ok(self.rows())
    }
}

impl GitHubApi for InMemoryGitHub {
    async fn register(&self, name: &Name, labels: &[String]) -> Result<Registration> {
        self.ask("register", name.as_str()).await;
        let error = |kind| Err(Error::new(kind, format!("could not register `{name}`")));
        if self.names().iter().any(|other| other == name.as_str()) {
            return error(ErrorKind::NameTaken);
        }
        let fault = self.state().register_faults.pop();
        match fault {
            Some(Fault::AnswerLost(after)) => {
                self.add(name.as_str(), labels, after);
                return error(ErrorKind::Ambiguous);
            }
            Some(Fault::Error(kind)) => return error(kind),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("a flaw in gharun"),
            None => {}
        }
        if self.state().enrols_after.is_some() {
            let url = "https://ghes.example.com/acme/app";
            self.state().ordered.insert(name.to_string());
            return Ok(Registration {
                runner_id: None,
                credential: RunnerCredential::Token(RegistrationToken {
                    token: Secret::new("a-token-to-register"),
                    url: url.parse().expect("a URL"),
                    group: None,
                }),
            });
        }
        let runner_id = self.add(name.as_str(), labels, Duration::ZERO);
        Ok(Registration {
            runner_id: Some(runner_id),
            credential: RunnerCredential::Jit(Secret::new(format!("jit-{name}"))),
        })
    }

    async fn label(&self, id: u64, labels: &[String]) -> Result<()> {
        self.ask("label", &id.to_string()).await;
        let labels = labels.iter().map(|name| Label { name: name.clone() });
        let mut state = self.state();
        let row = state.rows.iter_mut().find(|row| row.runner.id == id);
        let row = row.expect("it was registered");
        row.runner.labels.extend(labels);
        Ok(())
    }

    async fn runners(&self) -> Result<Vec<Runner>> {
        self.ask("runners", "").await;
        let mut rows = self.listing()?;
        rows.truncate(self.state().lists_at_most.unwrap_or(usize::MAX));
        Ok(rows)
    }

    async fn runner(&self, id: u64) -> Result<Option<Runner>> {
        self.ask("runner", &id.to_string()).await;
        Ok(self.listing()?.into_iter().find(|row| row.id == id))
    }

    async fn find(&self, name: &Name) -> Result<Option<Runner>> {
        self.ask("find", name.as_str()).await;
        let rows = self.listing()?;
        Ok(rows.into_iter().find(|row| row.name == name.as_str()))
    }

    async fn deregister(&self, id: u64) -> Result<Deregistration> {
        self.ask("deregister", &id.to_string()).await;
        let row = self.rows().into_iter().find(|row| row.id == id);
        if row.is_some_and(|row| row.busy) {
            return Ok(Deregistration::Busy);
        }
        self.state().rows.retain(|row| row.runner.id != id);
        Ok(Deregistration::Gone)
    }

    async fn run(&self, _: &str, _: u64) -> Result<Option<WorkflowRun>> {
        Ok(None)
    }

    async fn jobs(&self, _: &str, _: Run) -> Result<Option<Vec<WorkflowJob>>> {
        Ok(None)
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait_now(&self) -> Duration {
        let from = self.state().room_from;
        from.map_or(Duration::ZERO, |from| {
            from.saturating_duration_since(Instant::now())
        })
    }
}

/// A sink that keeps every event, and may be unable to write one down.
#[derive(Debug, Default)]
pub(crate) struct RecordingSink {
    events: RefCell<Vec<(Instant, Event)>>,
    /// How many launches can be written down; `None` is all.
    pub(crate) room_for_launches: Cell<Option<usize>>,
}

impl RecordingSink {
    /// Everything it was told.
    pub(crate) fn events(&self) -> Vec<Event> {
        let events = self.events.borrow();
        events.iter().map(|(_, event)| event.clone()).collect()
    }

    /// When the first event of a sort was told.
    pub(crate) fn when(&self, is: impl Fn(&Event) -> bool) -> Option<Instant> {
        let events = self.events.borrow();
        events
            .iter()
            .find(|(_, event)| is(event))
            .map(|(at, _)| *at)
    }

    /// The mapping that outputs hold now.
    pub(crate) fn mapping(&self) -> Option<Mapping> {
        self.events()
            .into_iter()
            .rev()
            .find_map(|event| match event {
                Event::Launched { mapping, .. } | Event::Mapping(mapping) => Some(mapping),
                _ => None,
            })
    }
}

impl Sink for RecordingSink {
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async move {
            if let (Event::Launched { .. }, Some(room)) = (&event, self.room_for_launches.get()) {
                let Some(less) = room.checked_sub(1) else {
                    return Err(std::io::Error::other("the disk is full"));
                };
                self.room_for_launches.set(Some(less));
            }
            self.events.borrow_mut().push((Instant::now(), event));
            Ok(())
        }
        .boxed_local()
    }
}

/// A row as a list shows it: a machine with a job on it.
pub(crate) fn row() -> survey::SurveyRow {
    let time = |text: &str| -> Timestamp { text.parse().expect("a time") };
    let now = time("2026-11-24T09:30:05Z");
    let name: Name = "gharun-7-1-0-abcdefabcdefgh".parse().expect("a name");
    survey::SurveyRow {
        instance: "docker:1a2b3c4d5e6f/0123456789ab".parse().ok(),
        provider: Some("docker".to_owned()),
        kind: Some("docker"),
        condition: Some(Condition::Running),
        runner: Some(Runner {
            id: 42,
            name: name.to_string(),
            status: "online".to_owned(),
            busy: true,
            labels: Vec::new(),
        }),
        runner_id: Some(42),
        server: "github.com".to_owned(),
        scope: "octo/app".to_owned(),
        repository: Some("octo/app".to_owned()),
        run: name.run(),
        start: Some("a".to_owned()),
        group: None,
        created: Some(time("2026-11-24T09:00:00.4Z")),
        expires: Some(time("2026-11-24T16:00:00Z")),
        rental: Rental::default(),
        agreed: None,
        told: None,
        ended: None,
        cost: None,
        cost_at_most: false,
        recorded: true,
        machineless: false,
        refused: false,
        at: Vec::new(),
        facts: Facts {
            machine: MachineState::There,
            registration: verdict::RegistrationState::Busy,
            run_over: Some(false),
            now,
            at_least: now,
            grace: now,
            expires: None,
            idle_until: None,
        },
        verdict: Verdict::Working,
        why: "a job runs on it".to_owned(),
        place: None,
        ours: true,
        doubts: survey::Doubts::default(),
        name,
    }
}
