//! A GitHub in memory, a cloud, a state file: what the tests of this folder are played on.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::fleet::stop::{Selection, StopOutcome, StopRequest, carry_out, select};
use crate::fleet::survey::{Survey, View, survey};
use crate::fleet::{CancellationToken, Fleet, NamedProvider, Unopened};
use crate::github::{
    Deregistration, Error, ErrorKind, GitHubApi, Label, Registration, Result, Runner, WorkflowJob,
    WorkflowRun,
};
use crate::model::{
    Event, Instance, Name, Order, Price, Reference, Rental, Run, Secret, Sink, StopTarget, Tags,
};
use crate::providers::Provider;
use crate::providers::memory::{InMemoryCloud, InMemoryProvider};
use crate::state::{RunnerRecord, Store};

/// The run that everything in these tests is of.
pub(super) const RUN: Run = Run { id: 7, attempt: 2 };

/// GitHub for one scope, on tokio's clock.
#[derive(Debug, Default)]
pub(super) struct FaultyGitHub {
    pub(super) rows: RefCell<BTreeMap<u64, Runner>>,
    /// Runners that GitHub calls busy until a moment.
    pub(super) busy_until: RefCell<BTreeMap<u64, Option<Instant>>>,
    /// The status and latest attempt of runs; a missing one cannot be told.
    pub(super) runs: RefCell<BTreeMap<u64, (String, u32)>>,
    /// The runners with a job in progress, from a moment on.
    pub(super) jobs: RefCell<Vec<(String, Instant)>>,
    /// The numbers of runners with a job in progress that does not tell their name.
    pub(super) nameless_jobs: RefCell<Vec<u64>>,
    pub(super) down: RefCell<BTreeSet<&'static str>>,
    /// Runners that its list misses: others leave it while its pages are read.
    pub(super) missed: RefCell<BTreeSet<u64>>,
    /// What is never answered.
    pub(super) silent: RefCell<BTreeSet<&'static str>>,
    /// Until then lists, and the removal of a registration, wait for room.
    pub(super) room_from: Cell<Option<Instant>>,
    /// Since when its clock runs; it stands still otherwise.
    pub(super) runs_from: Cell<Option<Instant>>,
    pub(super) asked: RefCell<Vec<(&'static str, u64)>>,
    /// How far its clock is ahead of ours.
    pub(super) ahead: Cell<SignedDuration>,
}

impl FaultyGitHub {
    fn ask(&self, verb: &'static str, about: u64) -> Result<()> {
        self.asked.borrow_mut().push((verb, about));
        if self.down.borrow().contains(verb) {
            let message = format!("could not {verb}");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        Ok(())
    }

    fn seen(&self, row: &Runner) -> Runner {
        let busy = self.busy_until.borrow();
        let busy = busy.get(&row.id).copied();
        Runner {
            busy: busy.is_some_and(|until| until.is_none_or(|until| Instant::now() < until)),
            ..row.clone()
        }
    }

    /// How often one thing was asked.
    pub(super) fn times(&self, verb: &str) -> usize {
        let asked = self.asked.borrow();
        asked.iter().filter(|(asked, _)| *asked == verb).count()
    }
}

impl GitHubApi for FaultyGitHub {
    async fn register(&self, _: &Name, _: &[String]) -> Result<Registration> {
        unreachable!("stop registers nothing")
    }

    async fn label(&self, _: u64, _: &[String]) -> Result<()> {
        unreachable!("stop labels nothing")
    }

    async fn runners(&self) -> Result<Vec<Runner>> {
        self.ask("runners", 0)?;
        if self.silent.borrow().contains("runners") {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(self.wait_now()).await;
        let (rows, missed) = (self.rows.borrow(), self.missed.borrow());
        let shown = rows.values().filter(|row| !missed.contains(&row.id));
        Ok(shown.map(|row| self.seen(row)).collect())
    }

    async fn runner(&self, id: u64) -> Result<Option<Runner>> {
        self.ask("runner", id)?;
        let rows = self.rows.borrow();
        Ok(rows.get(&id).map(|row| self.seen(row)))
    }

    async fn find(&self, name: &Name) -> Result<Option<Runner>> {
        self.ask("find", 0)?;
        let rows = self.rows.borrow();
        let row = rows.values().find(|row| row.name == name.as_str());
        Ok(row.map(|row| self.seen(row)))
    }

    async fn deregister(&self, id: u64) -> Result<Deregistration> {
        self.ask("deregister", id)?;
        if self.silent.borrow().contains("deregister") {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(self.wait_now()).await;
        let row = self.rows.borrow().get(&id).cloned();
        if row.is_some_and(|row| self.seen(&row).busy) {
            return Ok(Deregistration::Busy);
        }
        self.rows.borrow_mut().remove(&id);
        Ok(Deregistration::Gone)
    }

    async fn deregister_at_once(&self, id: u64) -> Result<Deregistration> {
        if self.wait_now().is_zero() {
            return self.deregister(id).await;
        }
        Err(Error::new(ErrorKind::RateLimited, "a secondary rate limit"))
    }

    async fn run(&self, _: &str, id: u64) -> Result<Option<WorkflowRun>> {
        self.ask("run", id)?;
        let runs = self.runs.borrow();
        Ok(runs.get(&id).map(|(status, run_attempt)| WorkflowRun {
            status: Some(status.clone()),
            run_attempt: *run_attempt,
        }))
    }

    async fn jobs(&self, _: &str, run: Run) -> Result<Option<Vec<WorkflowJob>>> {
        self.ask("jobs", run.id)?;
        let (jobs, now) = (self.jobs.borrow(), Instant::now());
        let at_work = jobs.iter().filter(|(_, from)| *from <= now);
        let jobs = at_work.map(|(name, _)| WorkflowJob {
            status: "in_progress".into(),
            runner_id: None,
            runner_name: Some(name.clone()),
        });
        let nameless = self.nameless_jobs.borrow();
        let nameless = nameless.iter().map(|id| WorkflowJob {
            status: "in_progress".into(),
            runner_id: Some(*id),
            runner_name: None,
        });
        Ok(Some(jobs.chain(nameless).collect()))
    }

    fn now(&self) -> Timestamp {
        let runs = self.runs_from.get().map(|from| from.elapsed());
        now() + self.ahead.get() + runs.unwrap_or_default()
    }

    fn ahead(&self) -> SignedDuration {
        self.ahead.get()
    }

    fn wait_now(&self) -> Duration {
        let from = self.room_from.get();
        from.map_or(Duration::ZERO, |from| {
            from.saturating_duration_since(Instant::now())
        })
    }
}

/// "Now" at GitHub: the second in which the tests began, since the fleet has this computer's clock
/// where it has no GitHub.
pub(super) fn now() -> Timestamp {
    static NOW: LazyLock<Timestamp> =
        LazyLock::new(|| Timestamp::from_second(Timestamp::now().as_second()).expect("a second"));
    *NOW
}

/// Who is told.
#[derive(Debug, Default)]
pub(super) struct Ear(pub(super) RefCell<Vec<Event>>);

impl Sink for Ear {
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async move {
            self.0.borrow_mut().push(event);
            Ok(())
        }
        .boxed_local()
    }
}

/// Everything there is.
pub(super) struct Scene {
    pub(super) cloud: InMemoryCloud,
    pub(super) hub: FaultyGitHub,
    pub(super) ear: Ear,
    pub(super) places: Vec<NamedProvider>,
    pub(super) unopened: Vec<Unopened>,
    pub(super) store: Store,
    pub(super) view: View,
    pub(super) without_github: bool,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// A provider `gpu`, no machine, a run that goes on.
    pub(super) fn new() -> Self {
        let cloud = InMemoryProvider::cloud();
        let folder = tempfile::tempdir().expect("a folder");
        let hub = FaultyGitHub::default();
        hub.runs
            .borrow_mut()
            .insert(RUN.id, ("in_progress".into(), RUN.attempt));
        let scene = Self {
            store: Store::at(folder.path().join("state.json")),
            hub,
            ear: Ear::default(),
            places: Vec::new(),
            unopened: Vec::new(),
            view: View {
                server: "github.com".into(),
                scope: Some("acme/app".into()),
                ..View::default()
            },
            without_github: false,
            _folder: folder,
            cloud,
        };
        scene.with_place("gpu")
    }

    pub(super) fn with_place(mut self, name: &str) -> Self {
        let provider: Arc<dyn Provider> = Arc::new(self.cloud.provider(name));
        self.places.push(NamedProvider::new(name, provider));
        self
    }

    /// A provider that cannot be opened.
    pub(super) fn with_unopened(mut self, name: &str) -> Self {
        let error = crate::model::Error::new((), format!("could not read `api_key` of `{name}`"));
        self.unopened.push(Unopened {
            name: name.to_owned(),
            error: error.because("$GPU_KEY is not set").hinted("set $GPU_KEY"),
        });
        self
    }

    pub(super) fn fleet(&self) -> Fleet<'_, FaultyGitHub> {
        Fleet {
            github: (!self.without_github).then_some(&self.hub),
            providers: &self.places,
            unopened: &self.unopened,
            store: &self.store,
            sink: &self.ear,
        }
    }

    pub(super) async fn survey(&self) -> Survey {
        survey(&self.fleet(), &self.view).await
    }

    /// The verdict on the only row.
    pub(super) async fn verdict(&self) -> String {
        let survey = self.survey().await;
        let [row] = survey.rows.as_slice() else {
            panic!("one row: {:?}", survey.rows)
        };
        row.verdict.to_string()
    }

    pub(super) async fn select(&self, stop: &StopRequest) -> Selection {
        let hurry = CancellationToken::default();
        select(&self.fleet(), &self.view, stop, &hurry).await
    }

    pub(super) async fn stop(&self, stop: &StopRequest) -> StopOutcome {
        let selection = self.select(stop).await;
        self.carry_out(stop, selection).await
    }

    pub(super) async fn carry_out(&self, stop: &StopRequest, selection: Selection) -> StopOutcome {
        let never = std::future::pending;
        carry_out(&self.fleet(), &self.view, stop, selection, never).await
    }

    /// The same with a signal after a while.
    pub(super) async fn interrupted(&self, stop: &StopRequest, after: Duration) -> StopOutcome {
        let selection = self.select(stop).await;
        let mut signals = 0;
        let signals = async || {
            signals += 1;
            match signals {
                1 => tokio::time::sleep(after).await,
                _ => std::future::pending().await,
            }
            tokio::time::Instant::now()
        };
        carry_out(&self.fleet(), &self.view, stop, selection, signals).await
    }

    /// Launches the machine of these tags.
    pub(super) async fn machine(&self, tags: &Tags) -> (Instance, Reference) {
        self.machine_at("gpu", tags).await
    }

    pub(super) async fn machine_at(&self, place: &str, tags: &Tags) -> (Instance, Reference) {
        let order = Order {
            name: tags.name.clone(),
            boot: Secret::new("true"),
            queue_key: tags.name.to_string(),
            tags: tags.clone(),
            lifetime: Duration::from_hours(1),
            keep_failed: false,
        };
        let provider = self.cloud.provider(place);
        let machine = Provider::launch(&provider, &order)
            .await
            .expect("it launches");
        let reference = Reference {
            provider: place.to_owned(),
            id: machine.id.clone(),
        };
        (machine, reference)
    }

    /// Registers a runner of that name.
    pub(super) fn runner(&self, name: &Name, status: &str) -> u64 {
        let mut rows = self.hub.rows.borrow_mut();
        let id = 100 + rows.len() as u64;
        let labels = vec![
            Label {
                name: name.to_string(),
            },
            Label { name: "gpu".into() },
        ];
        let row = Runner {
            id,
            name: name.to_string(),
            status: status.into(),
            busy: false,
            labels,
        };
        rows.insert(id, row);
        id
    }

    pub(super) fn busy(&self, id: u64, until: Option<Instant>) {
        self.hub.busy_until.borrow_mut().insert(id, until);
    }

    /// Writes the record of these tags down.
    pub(super) async fn record(&self, tags: &Tags, provider: &str, instance: Option<Reference>) {
        let entry = RunnerRecord {
            provider: provider.to_owned(),
            server: tags.server.clone(),
            scope: tags.scope.clone(),
            repository: tags.repository.clone(),
            run: tags.run,
            start: tags.start.clone(),
            group: tags.group.clone(),
            created: tags.created,
            expires: tags.expires,
            runner_id: tags.runner_id,
            at: Vec::new(),
            instance,
            rental: Rental {
                price: Some(Price::live(2.0)),
                ..Rental::default()
            },
            machineless: false,
            launch: None,
        };
        let name = tags.name.clone();
        let written = self
            .store
            .update(move |entries| {
                entries.insert(name, entry);
            })
            .await;
        written.expect("it is written");
    }

    pub(super) async fn records(&self) -> usize {
        self.store.read().await.expect("it is read").len()
    }

    /// The names of the machines that are there.
    pub(super) fn there(&self) -> Vec<String> {
        let machines = self.cloud.machines().into_iter();
        machines
            .map(|machine| machine.instance.tags.name.to_string())
            .collect()
    }

    pub(super) fn warnings(&self) -> usize {
        let events = self.ear.0.borrow();
        let warnings = events.iter().filter(|e| matches!(e, Event::Warning(_)));
        warnings.count()
    }
}

/// The tags of a machine ordered so many seconds ago, with a grace of fifteen minutes, an idle limit
/// of half an hour and a lifetime of seven hours.
pub(super) fn tags(start: &str, seconds_ago: i64) -> Tags {
    let created = now() - jiff::SignedDuration::from_secs(seconds_ago);
    let ready_by = created + Duration::from_mins(15);
    Tags {
        name: Name::choose(Some(RUN), 0, ready_by),
        server: "github.com".into(),
        scope: "acme/app".into(),
        repository: Some("acme/app".into()),
        runner_id: None,
        run: Some(RUN),
        start: start.into(),
        group: None,
        created,
        ready_by,
        expires: created + Duration::from_hours(7),
        idle_limit: Some(Duration::from_mins(30)),
    }
}

/// A stop with the defaults.
pub(super) fn stop(target: StopTarget) -> StopRequest {
    StopRequest {
        target,
        group: None,
        second_look: Duration::from_mins(1),
        force: false,
        wait: true,
        timeout: Duration::from_mins(2),
    }
}

/// What a mapping says.
pub(super) fn mapping(machines: &[&Reference]) -> StopTarget {
    StopTarget::Named {
        machines: machines.iter().map(|machine| (*machine).clone()).collect(),
        names: vec![],
        labels: vec![],
        starts: true,
    }
}

/// A reference that a mapping names with its runner.
pub(super) fn mapped(reference: &Reference, name: &Name) -> StopTarget {
    StopTarget::Named {
        machines: vec![reference.clone()],
        names: vec![name.clone()],
        labels: vec![],
        starts: true,
    }
}

/// References that were typed.
pub(super) fn named(machines: &[&Reference]) -> StopTarget {
    match mapping(machines) {
        StopTarget::Named {
            machines, names, ..
        } => StopTarget::Named {
            machines,
            names,
            labels: vec![],
            starts: false,
        },
        other => other,
    }
}
