//! Three sources joined by name: the state file, every provider, GitHub.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::verdict::{Facts, Machine, Registration, Verdict, judge};
use super::{Fleet, chain};
use crate::github::{Api, Runner};
use crate::model::{Condition, Instance, Name, REHEARSAL, Reference, Run};
use crate::state::Entry;

/// Whose machines are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The server whose machines are ours.
    pub server: String,
    /// The scope whose machines are ours; `None` when none is given: then every one is.
    pub scope: Option<String>,
    /// Show the machines of all other scopes too; they are never acted upon.
    pub all_scopes: bool,
    /// The grace lasts at least so long.
    pub older_than: Option<Duration>,
}

/// One runner with all that is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The runner.
    pub name: Name,
    /// Its machine, where a provider has it, or the state file remembers it.
    pub instance: Option<Reference>,
    /// The provider's name.
    pub provider: Option<String>,
    /// The provider's kind.
    pub kind: Option<&'static str>,
    /// What is known of the machine.
    pub machine: Machine,
    /// What its place says of it.
    pub condition: Option<Condition>,
    /// What is known of the registration.
    pub registration: Registration,
    /// GitHub's number of the runner.
    pub runner_id: Option<u64>,
    /// Whether its unique label is its only one.
    pub unique_label_only: bool,
    /// The scope that it belongs to.
    pub scope: String,
    /// Whether it belongs to the view's scope and server, or is a rehearsal's.
    pub ours: bool,
    /// The run that started it.
    pub run: Option<Run>,
    /// The repository of that run.
    pub repository: Option<String>,
    /// The `start` process that made it.
    pub start: Option<String>,
    /// What pairs it with its stop.
    pub group: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it ends itself.
    pub expires: Option<Timestamp>,
    /// US dollars an hour.
    pub price_per_hour: Option<f64>,
    /// Whether the state file knows it.
    pub recorded: bool,
    /// Whether its run is over.
    pub run_over: Option<bool>,
    /// What is to be thought of it.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: &'static str,
    grace: Timestamp,
    idle_until: Option<Timestamp>,
}

/// A source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The provider (and its place), `github` or `state`.
    pub source: String,
    /// Why.
    pub error: String,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// One row a runner, in the order of their names.
    pub rows: Vec<Row>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
    /// The servers' clock when it was judged.
    pub now: Timestamp,
}

/// The machines that were listed, and the places that could not be.
struct Listed {
    machines: Vec<(Reference, &'static str, Instance)>,
    /// Provider -> places that could not be read; `None` is the whole provider.
    unread: BTreeMap<String, BTreeSet<Option<String>>>,
    unknown: Vec<Unknown>,
}

/// Joins the three sources and judges each row.
pub async fn survey<G: Api>(fleet: &Fleet<'_, G>, view: &View) -> Survey {
    let (entries, listed, runners) =
        tokio::join!(fleet.store.read(), list_places(fleet), list_runners(fleet));
    let mut unknown = listed.unknown.clone();
    let entries = entries.unwrap_or_else(|error| {
        unknown.push(Unknown {
            source: "state".to_owned(),
            error: chain(&error),
        });
        BTreeMap::default()
    });
    let runners = match runners {
        Some(Ok(runners)) => Some(runners),
        Some(Err(error)) => {
            unknown.push(Unknown {
                source: "github".to_owned(),
                error,
            });
            None
        }
        None => None,
    };
    let now = fleet.now();
    let mut rows: BTreeMap<Name, Row> = BTreeMap::new();
    for (reference, kind, instance) in &listed.machines {
        rows.insert(
            instance.tags.name.clone(),
            of_machine(reference, kind, instance, view),
        );
    }
    for (name, entry) in &entries {
        let row = rows
            .entry(name.clone())
            .or_insert_with(|| of_entry(name, entry, fleet, &listed, view));
        row.recorded = true;
        row.runner_id = row.runner_id.or(entry.runner_id);
    }
    for runner in runners.iter().flatten() {
        let Ok(name) = runner.name.parse::<Name>() else {
            continue;
        };
        let row = rows
            .entry(name.clone())
            .or_insert_with(|| of_runner(&name, fleet, &listed, view));
        if row.ours && row.scope != REHEARSAL {
            row.runner_id = Some(runner.id);
            row.registration = registration(runner);
            row.unique_label_only = runner.labels.len() <= 1;
        }
    }
    let mut survey = Survey {
        rows: Vec::new(),
        unknown,
        now,
    };
    let mut runs = BTreeMap::new();
    for (_, mut row) in rows {
        if !row.ours && !view.all_scopes {
            continue;
        }
        if row.scope == REHEARSAL {
            row.registration = Registration::Absent; // its GitHub is gone with it
        } else if !row.ours || runners.is_none() {
            row.registration = Registration::Unread;
        } else {
            row.run_over = run_over(fleet, &row, &mut runs).await;
        }
        extend_grace(&mut row, view, now);
        judge_row(&mut row, now);
        if row.verdict == Verdict::Orphan
            && row.machine == Machine::There
            && is_at_work(fleet, &row).await
        {
            row.registration = Registration::Busy;
            judge_row(&mut row, now);
        }
        survey.rows.push(row);
    }
    survey
}

/// A rehearsal's machine is judged by its expiry alone.
fn judge_row(row: &mut Row, now: Timestamp) {
    let rehearsed = row.scope == REHEARSAL && row.machine == Machine::There;
    (row.verdict, row.why) = match row.expires {
        Some(expires) if rehearsed && now > expires => (
            Verdict::Orphan,
            "a rehearsal's machine, and its lifetime is over",
        ),
        _ if rehearsed => (Verdict::Starting, "a rehearsal's machine"),
        _ => judge(&Facts {
            machine: row.machine,
            registration: row.registration,
            run_over: row.run_over,
            now,
            grace: row.grace,
            expires: row.expires,
            idle_until: row.idle_until,
        }),
    };
}

fn extend_grace(row: &mut Row, view: &View, now: Timestamp) {
    if let Some(older_than) = view.older_than {
        let created = row.created.unwrap_or(now);
        row.grace = row.grace.max(
            created
                .saturating_add(SignedDuration::try_from(older_than).unwrap_or(SignedDuration::MAX))
                .unwrap_or(Timestamp::MAX),
        );
    }
}

/// Whether a job runs on it though GitHub's flag does not say so: a job in progress bears its
/// name, or its place sees a job's process.
pub(super) async fn is_at_work<G: Api>(fleet: &Fleet<'_, G>, row: &Row) -> bool {
    if let (Some(github), Some(run), Some(repository)) = (fleet.github, row.run, &row.repository)
        && row.ours
        && row.run_over != Some(true)
    {
        match github.jobs(repository, run).await {
            Ok(jobs) => {
                let named = |job: &crate::github::Job| {
                    job.status == "in_progress"
                        && job.runner_name.as_deref() == Some(row.name.as_str())
                };
                if jobs.iter().flatten().any(named) {
                    return true;
                }
            }
            Err(error) => tracing::warn!(
                "the jobs of run {} cannot be asked about: {}",
                run.id,
                chain(&error)
            ),
        }
    }
    let Some((place, reference)) = row
        .instance
        .as_ref()
        .and_then(|r| Some((fleet.place(&r.provider)?, r)))
    else {
        return false;
    };
    match place.provider.in_use(&reference.id).await {
        Ok(in_use) => in_use == Some(true),
        Err(error) => {
            tracing::debug!(
                "{reference} does not tell whether it is in use: {}",
                chain(&error)
            );
            false
        }
    }
}

pub(super) fn registration(runner: &Runner) -> Registration {
    match runner.status.as_str() {
        _ if runner.busy => Registration::Busy,
        "online" => Registration::Online,
        _ => Registration::Offline,
    }
}

async fn list_places<G: Api>(fleet: &Fleet<'_, G>) -> Listed {
    let mut listed = Listed {
        machines: Vec::new(),
        unread: BTreeMap::new(),
        unknown: Vec::new(),
    };
    let looks = fleet
        .places
        .iter()
        .map(|place| async move { (place, place.provider.list().await) });
    for (place, answer) in join_all(looks).await {
        let mut unread = |at: Option<String>, error: String| {
            let source = at
                .as_ref()
                .map_or_else(|| place.name.clone(), |at| format!("{}:{at}", place.name));
            listed
                .unread
                .entry(place.name.clone())
                .or_default()
                .insert(at);
            listed.unknown.push(Unknown { source, error });
        };
        match answer {
            Ok(listing) => {
                listing
                    .unread
                    .iter()
                    .for_each(|one| unread(one.place.clone(), chain(one.error.as_ref())));
                let kind = place.provider.kind();
                listed.machines.extend(
                    listing
                        .instances
                        .into_iter()
                        .map(|machine| (place.reference(&machine.id), kind, machine)),
                );
            }
            Err(error) => unread(None, chain(&error)),
        }
    }
    listed
}

async fn list_runners<G: Api>(fleet: &Fleet<'_, G>) -> Option<Result<Vec<Runner>, String>> {
    Some(fleet.github?.runners().await.map_err(|error| chain(&error)))
}

/// Asks once a run, and only where the answer can matter.
async fn run_over<G: Api>(
    fleet: &Fleet<'_, G>,
    row: &Row,
    asked: &mut BTreeMap<(String, u64), Option<(bool, u32)>>,
) -> Option<bool> {
    let (github, run, repository) = (fleet.github?, row.run?, row.repository.clone()?);
    let key = (repository, run.id);
    if !asked.contains_key(&key) {
        let told = match github.run(&key.0, run.id).await {
            Ok(told) => told.map(|told| {
                (
                    told.status.as_deref() == Some("completed"),
                    told.run_attempt,
                )
            }),
            Err(error) => {
                tracing::warn!("run {} cannot be asked about: {}", run.id, chain(&error));
                None
            }
        };
        asked.insert(key.clone(), told);
    }
    let (completed, attempt) = (*asked.get(&key)?)?;
    Some(completed && attempt >= run.attempt)
}

fn belongs(server: &str, scope: &str, view: &View) -> bool {
    scope == REHEARSAL
        || server == view.server
            && view
                .scope
                .as_deref()
                .is_none_or(|ours| ours.eq_ignore_ascii_case(scope))
}

fn of_machine(reference: &Reference, kind: &'static str, instance: &Instance, view: &View) -> Row {
    let tags = &instance.tags;
    let idle = tags.idle_limit.and_then(|limit| {
        tags.created
            .saturating_add(SignedDuration::try_from(limit).ok()?)
            .ok()
    });
    Row {
        instance: Some(reference.clone()),
        provider: Some(reference.provider.clone()),
        kind: Some(kind),
        machine: if matches!(instance.state, Condition::Ended(_)) {
            Machine::Ended
        } else {
            Machine::There
        },
        condition: Some(instance.state.clone()),
        runner_id: tags.runner_id,
        scope: tags.scope.clone(),
        ours: belongs(&tags.server, &tags.scope, view),
        run: tags.run,
        repository: tags.repository.clone(),
        start: Some(tags.start.clone()),
        group: tags.group.clone(),
        created: Some(tags.created),
        expires: Some(tags.expires),
        price_per_hour: instance.price_per_hour,
        grace: tags.ready_by,
        idle_until: idle,
        ..blank(&tags.name)
    }
}

fn of_entry<G: Api>(
    name: &Name,
    entry: &Entry,
    fleet: &Fleet<'_, G>,
    listed: &Listed,
    view: &View,
) -> Row {
    Row {
        instance: entry.instance.clone(),
        provider: Some(entry.provider.clone()),
        kind: fleet
            .place(&entry.provider)
            .map(|place| place.provider.kind()),
        machine: absent(&entry.provider, entry.instance.as_ref(), fleet, listed),
        scope: entry.scope.clone(),
        ours: belongs(&entry.server, &entry.scope, view),
        run: entry.run,
        repository: entry.repository.clone(),
        start: Some(entry.start.clone()),
        group: entry.group.clone(),
        created: Some(entry.created),
        expires: Some(entry.expires),
        price_per_hour: entry.price_per_hour,
        ..blank(name)
    }
}

fn of_runner<G: Api>(name: &Name, fleet: &Fleet<'_, G>, listed: &Listed, view: &View) -> Row {
    // Nobody says where its machine was: that it is gone is proved only when every place was read.
    let all_read = listed.unread.is_empty() && !fleet.places.is_empty();
    let repository = view
        .scope
        .clone()
        .filter(|scope| scope.contains('/') && !scope.starts_with("enterprises/"));
    Row {
        machine: if all_read {
            Machine::Gone
        } else {
            Machine::Nowhere
        },
        scope: view.scope.clone().unwrap_or_default(),
        ours: true,
        run: name.run(),
        repository,
        ..blank(name)
    }
}

/// What it means that no listing showed a machine that the state file knows.
fn absent<G: Api>(
    provider: &str,
    instance: Option<&Reference>,
    fleet: &Fleet<'_, G>,
    listed: &Listed,
) -> Machine {
    if fleet.place(provider).is_none() {
        return Machine::Nowhere;
    }
    match listed.unread.get(provider) {
        None => Machine::Gone,
        Some(unread) => {
            let place = instance.and_then(|reference| reference.id.place.clone());
            if unread.contains(&None) || place.is_none() || unread.contains(&place) {
                Machine::Unread
            } else {
                Machine::Gone
            }
        }
    }
}

fn blank(name: &Name) -> Row {
    Row {
        name: name.clone(),
        instance: None,
        provider: None,
        kind: None,
        machine: Machine::Nowhere,
        condition: None,
        registration: Registration::Absent,
        runner_id: None,
        unique_label_only: false,
        scope: String::new(),
        ours: false,
        run: name.run(),
        repository: None,
        start: None,
        group: None,
        created: None,
        expires: None,
        price_per_hour: None,
        recorded: false,
        run_over: None,
        verdict: Verdict::Unknown,
        why: "",
        grace: name.ready_by(),
        idle_until: None,
    }
}

/// A machine that the user named and no listing showed.
pub(super) fn of_reference(reference: &Reference) -> Row {
    let name = reference
        .id
        .id
        .parse()
        .unwrap_or_else(|_| Name::choose(None, 0, Timestamp::UNIX_EPOCH));
    Row {
        instance: Some(reference.clone()),
        provider: Some(reference.provider.clone()),
        machine: Machine::Gone,
        ours: true,
        ..blank(&name)
    }
}

/// Looks at one orphan again, right before it is acted upon; `None` when it is none any more, or
/// when that cannot be told.
pub(super) async fn look_again<G: Api>(
    fleet: &Fleet<'_, G>,
    view: &View,
    row: &Row,
) -> Option<Row> {
    let mut row = row.clone();
    if row.scope != REHEARSAL
        && let (Some(github), Some(id)) = (fleet.github, row.runner_id)
    {
        row.registration = match github.runner(id).await {
            Ok(Some(runner)) => registration(&runner),
            Ok(None) => Registration::Absent,
            Err(error) => {
                tracing::warn!("{} cannot be looked at again: {}", row.name, chain(&error));
                Registration::Unread
            }
        };
        row.run_over = run_over(fleet, &row, &mut BTreeMap::new()).await;
    }
    let now = fleet.now();
    extend_grace(&mut row, view, now);
    judge_row(&mut row, now);
    // A registration that went away on its own leaves less to do, not more.
    let doomed = matches!(
        row.verdict,
        Verdict::Orphan | Verdict::Ghost | Verdict::Stale
    );
    let at_work = row.machine == Machine::There && is_at_work(fleet, &row).await;
    (doomed && !at_work).then_some(row)
}
