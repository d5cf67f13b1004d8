//! `gharun start --rehearse`: the machine is real, the registration is not.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::bring_up::start;
use super::outcome::{hints, say_failed, say_left};
use super::prepare::{look_ahead, warn_of};
use super::rehearsed::{RehearsalOutcome, Rehearsed};
use super::remains::groups;
use super::timeline::Timeline;
use crate::commands::Context;
use crate::commands::github::packages;
use crate::commands::interrupt::Interrupts;
use crate::error::{Exit, Failure};
use crate::fleet::{NamedProvider, StartOutcome, Until, end, is_permanent};
use crate::github::{Client, ClientConfig, DEFAULT_GROUP, Observer, TokenSource};
use crate::http::Bounds;
use crate::model::{Error, InstanceId, Scope, Secret};
use crate::plan::{Given, Plan, Rehearsal};
use crate::poll::{Pace, until, until_ok};
use crate::providers::{ErrorKind, Listing, Silence, kind};
use crate::rehearsal::{StubJobStatus, StubOptions, StubServer};
use crate::report::TextForm as _;
use crate::settings;

/// The version of the stub runner: one that no real runner has.
const STUB: &str = "0.0.1";
/// What the pretend job runs.
const JOB: &str = "sleep 2";
/// How long the job may take to be done, from its runner's being online.
const DONE: Pace = Pace {
    every: Duration::from_millis(200),
    at_most: Duration::from_mins(1),
};
/// How a place is looked at that could not be read: it may be ill for a moment.
const LOOKS: Pace = Pace {
    every: Duration::from_secs(2),
    at_most: Duration::from_mins(1),
};
/// How long its end may take after a signal, and how long its log may take to be read then.
const ENDS_INTERRUPTED: Duration = Duration::from_secs(4);
const READS_INTERRUPTED: Duration = Duration::from_millis(500);
/// How long the end of its machine may take.
const ENDS: Duration = Duration::from_mins(2);

pub(super) async fn run(
    context: &Context,
    settings: &settings::StartSettings,
    ca: Option<String>,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    refuse_what_cannot_reach_us(context, &settings.providers)?;
    let places = interrupts.unless(place(context, settings)).await?;
    warn_of(context, &places);
    let places = interrupts
        .unless(look_ahead(context, &places, settings.timeout))
        .await?;
    let stub = open()?;
    let reached = reach(context, &stub, &places[0]);
    let reached = interrupts.unless(reached).await?;
    context.ui.status(&format!(
        "Rehearsing at `{}`: the machine is real, GitHub is a stub at {reached}",
        places[0].name
    ));
    let rehearsal = Rehearsal {
        host: reached.host_str().unwrap_or_default().to_owned(),
        version: STUB.to_owned(),
    };
    let given = Given {
        ca,
        rehearsal: Some(rehearsal),
    };
    let plan = Plan::decide(&context.settings, settings, given)?;
    let github = client(&stub)?
        .registering(plan.registration)
        .reached_at(reached);
    let packages = packages(&github, &plan.version);
    let packages = interrupts.unless(packages).await?;
    let began = Timestamp::now();
    let github = (&github, packages.as_slice());
    let (started, _) = start(context, &plan, &places, github, interrupts).await?;
    let (done, interrupted) = jobs_done(context, &stub, &started, interrupts).await;
    context.ui.finish();
    let read = rehearsed(context, &places[0], &stub, &started, began);
    let read = interrupts.hurry(READS_INTERRUPTED, read).await;
    let mut runners = read.unwrap_or_default();
    let up = started.up.iter().map(|up| up.instance.id.clone()).collect();
    let swept = sweep(context, &places[0], &plan.identity.start, up);
    let swept = interrupts.hurry(ENDS_INTERRUPTED, swept).await;
    let left_behind = swept.unwrap_or_else(|| Some(unswept(&started)));
    let interrupted = interrupted || interrupts.came();
    if left_behind.is_none() {
        let gone = Timestamp::now();
        for runner in &mut runners {
            runner.timeline.add(Some(gone), "confirmed gone");
        }
    }
    let registrations = stub.runners().len();
    // What the sweep has ended is not left, though it was kept at first.
    let left = match &left_behind {
        None => Vec::new(),
        Some(_) => started.left,
    };
    let outcome = RehearsalOutcome {
        swept: left_behind.is_none(),
        error: left_behind.or_else(|| match (done, registrations) {
            _ if interrupted => None,
            (false, _) => Some("the test job timed out".into()),
            (true, 0) => None,
            (true, rows) => Some(format!("{rows} registrations are left at the stub").into()),
        }),
        interrupted,
        runners,
        failed: started.failed,
        left,
    };
    finish(context, &outcome)
}

/// Opens and checks the place to rehearse at: the first one. A start asks the others only where that has no capacity.
async fn place(
    context: &Context,
    settings: &settings::StartSettings,
) -> Result<Vec<NamedProvider>, Failure> {
    let places = context.open_providers(&settings.providers[..1]).await?;
    super::validate(context, &places)?;
    let checked = places[0].provider.check().await;
    checked
        .map_err(|error| Failure::of_provider(error, &places[0].name, &context.settings.tables))?;
    Ok(places)
}

fn refuse_what_cannot_reach_us(context: &Context, providers: &[String]) -> Result<(), Failure> {
    for name in providers {
        let found = context.settings.tables.kind_of(name)?;
        if !kind(found.name).is_some_and(|kind| kind.rehearses) {
            return Err(Failure::usage(format!(
                "machines of `{name}` cannot reach this computer, which a rehearsal requires"
            ))
            .hinted(format!(
                "use `gharun start {name} --dry-run` and `gharun providers check {name}` \
                     instead"
            )));
        }
    }
    Ok(())
}

/// Gives each runner that came up a job. Whether all of these were done in time, and whether a signal came instead.
async fn jobs_done(
    context: &Context,
    stub: &StubServer,
    started: &StartOutcome,
    interrupts: &mut Interrupts,
) -> (bool, bool) {
    if started.interrupted {
        return (false, true);
    }
    for up in &started.up {
        stub.queue_job(up.name.as_str(), JOB);
    }
    let jobs = until(DONE, async || {
        let jobs = stub.jobs();
        let done = jobs
            .iter()
            .filter(|job| job.status == StubJobStatus::Completed);
        (done.count() >= started.up.len()).then_some(())
    });
    tokio::select! {
        done = jobs => (done.is_some(), false),
        () = interrupts.next() => {
            context.ui.status("Interrupted: ending the rehearsal");
            (false, true)
        }
    }
}

/// Writes the outcome in all its forms, and decides how to end.
fn finish(context: &Context, outcome: &RehearsalOutcome) -> Result<Exit, Failure> {
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_rehearsal(&outcome.summary()));
    let written = screen.data(outcome, outcome.text());
    say_left(context, &outcome.left, &outcome.failed);
    let exit = outcome.exit();
    // What may cost money outranks what could not be written.
    written.map_err(|failure| match exit {
        Exit::Left => failure.map(|_| exit),
        _ => failure,
    })?;
    let why = || {
        let why = outcome.error.clone();
        let why = why.unwrap_or_else(|| "the rehearsal failed".into());
        why.map(|()| exit)
    };
    match (exit, outcome.failed.first()) {
        (Exit::Left, _) => {
            say_failed(context, &outcome.failed);
            Err(why().hinted("see what is left with `gharun list --all-scopes`"))
        }
        (Exit::Interrupted, _) => {
            say_failed(context, &outcome.failed);
            context.ui.status("Nothing is left of the rehearsal");
            Ok(exit)
        }
        (Exit::Failed, Some(_)) if outcome.failed.len() > 1 => {
            let several = |names: &[String]| format!("{} runners failed", names.len());
            let lines = screen.lines(&groups(context, &outcome.failed), several);
            let text = format!("the rehearsal failed{lines}\nnothing is left running");
            Err(Failure::new(exit, text).hinted_all(hints(&outcome.failed)))
        }
        (Exit::Failed, Some(failed)) => {
            let why = crate::model::outline(&failed.trouble.error()).join("\n");
            let text = format!("the rehearsal failed\n{why}\nnothing is left running");
            Err(Failure::new(exit, text).hinted_all(hints(&outcome.failed)))
        }
        (Exit::Failed, None) => Err(why()),
        _ => {
            context
                .ui
                .status("Nothing is left: no machine, no registration, no record");
            Ok(exit)
        }
    }
}

/// What happened to each runner that came up, with what its machine and the stub tell.
async fn rehearsed(
    context: &Context,
    place: &NamedProvider,
    stub: &StubServer,
    started: &StartOutcome,
    began: Timestamp,
) -> Vec<Rehearsed> {
    let mut runners = Vec::new();
    for up in &started.up {
        let log = place.provider.logs(&up.instance.id).await;
        let log = log.unwrap_or_else(|error| {
            let what = "could not read the boot log";
            context.screen.warn(&error.while_trying(what));
            None
        });
        let mut timeline = Timeline::new(began);
        timeline.phases(log.as_deref().unwrap_or_default());
        timeline.add_after(up.launched_after, "launched");
        timeline.add_after(up.online_after, "online");
        for job in stub.jobs() {
            if job.runner.is_some_and(|(_, name)| name == up.name.as_str()) {
                timeline.add(job.started, "job begins");
                timeline.add(job.ended, "job is done");
            }
        }
        runners.push(Rehearsed {
            name: up.name.clone(),
            instance: up.instance.clone(),
            provider: up.provider.clone(),
            kind: up.kind,
            timeline,
        });
    }
    runners
}

fn open() -> Result<StubServer, Failure> {
    StubServer::open(StubOptions {
        runner_version: STUB.to_owned(),
        ..StubOptions::default()
    })
    .map_err(|error| {
        Failure::from(error).while_trying("could not start the GitHub stub on this computer")
    })
}

/// Opens the stub where the machine can reach it.
async fn reach(
    context: &Context,
    stub: &StubServer,
    place: &NamedProvider,
) -> Result<Url, Failure> {
    let url = place.provider.reach(stub.port()).await.map_err(|error| {
        match (error.kind, error.key()) {
            // It can be used, but not for this.
            (ErrorKind::Config, None) => error.map(|_| Exit::Usage),
            _ => Failure::of_provider(error, &place.name, &context.settings.tables),
        }
    })?;
    let Some(url) = url else {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "a machine of `{}` cannot reach this computer, which a rehearsal requires",
                place.name
            ),
        ));
    };
    let address = url
        .host_str()
        .and_then(|host| host.parse::<IpAddr>().ok())
        .filter(|address| !address.is_loopback());
    if let Some(address) = address {
        let listening = stub
            .also_listen(address)
            .or_else(|error| match error.kind() {
                // The place has said that machines reach this computer there.
                io::ErrorKind::AddrNotAvailable => stub.also_listen_ahead(address),
                _ => Err(error),
            });
        listening.map_err(|error| {
            Failure::from(error).while_trying(format!(
                "could not listen at {address}, where a machine of `{}` would connect",
                place.name
            ))
        })?;
    }
    stub.machines_reach_it_at(&url);
    Ok(url)
}

fn client(stub: &StubServer) -> Result<Client, Failure> {
    Ok(Client::new(ClientConfig {
        api_url: stub.url().parse().map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("invalid address for the GitHub stub: {error}"),
            )
        })?,
        scope: Scope::Repo {
            owner: "rehearsal".into(),
            name: "rehearsal".into(),
        },
        token: Some(TokenSource::literal(Secret::new(
            "a-rehearsal-needs-no-token",
        ))),
        group: DEFAULT_GROUP,
        bounds: Bounds::default(),
        roots: None,
        observer: Observer::default(),
    })?)
}

/// Looks for the machines of a rehearsal until their place can be read, or refuses that.
async fn ours(place: &NamedProvider, start: &str) -> Result<BTreeSet<InstanceId>, Error> {
    let looked = until_ok(LOOKS, async || {
        let listing = place.provider.list().await;
        let listing = listing.unwrap_or_else(Listing::unread);
        // A place that does not tell whose it is can be read all the same.
        if matches!(listing.silence(None), Some(Silence::Unread(_))) {
            let is_permanent = listing
                .unread
                .iter()
                .all(|unread| is_permanent(&unread.error));
            let unread = listing.unread.into_iter().map(|unread| unread.error);
            let why = Error::from("could not query its provider").because_each(unread);
            return if is_permanent { Ok(Err(why)) } else { Err(why) };
        }
        let ours = listing.instances.into_iter();
        let ours = ours.filter(|machine| machine.tags.start == start);
        Ok(Ok(ours.map(|machine| machine.id).collect()))
    });
    looked.await?
}

/// Ends what the rehearsal made, and proves it; what could not be ended is said. What came up is ended also
/// where its place cannot be read.
async fn sweep(
    context: &Context,
    place: &NamedProvider,
    start: &str,
    up: BTreeSet<InstanceId>,
) -> Option<Error> {
    let (mut left, looked) = tokio::join!(end_all(context, place, &up), ours(place, start));
    match looked {
        Ok(machines) => {
            let more = machines.difference(&up).cloned().collect();
            left.extend(end_all(context, place, &more).await);
        }
        Err(why) => left.push(why.while_trying("could not look for what the rehearsal created")),
    }
    if left.len() > 1 {
        let several = Error::from("could not end several machines");
        return Some(several.because_each(left));
    }
    if let Some(error) = left.pop() {
        return Some(error);
    }
    let forgotten = start.to_owned();
    if let Err(error) = context
        .store
        .update(move |entries| entries.retain(|_, entry| entry.start != forgotten))
        .await
    {
        return Some(
            error
                .any()
                .while_trying("could not remove the rehearsal from the state file"),
        );
    }
    match ours(place, start).await {
        Ok(left) if left.is_empty() => None,
        Ok(left) => Some(format!("{} machines of the rehearsal are left", left.len()).into()),
        Err(why) => Some(why.while_trying("could not confirm that everything was removed")),
    }
}

/// What is said where a signal left no time for the proof that everything is gone.
fn unswept(started: &StartOutcome) -> Error {
    let error = Error::from("interrupted before it was confirmed that everything is gone");
    let ends = started.up.iter().map(|up| {
        let machine = &up.instance;
        format!("`{machine}` may still be running: end it with `gharun stop {machine}`")
    });
    error.hinted_all(ends)
}

/// Ends machines; one that cannot be ended keeps none of the others.
async fn end_all(
    context: &Context,
    place: &NamedProvider,
    machines: &BTreeSet<InstanceId>,
) -> Vec<Error> {
    let deadline = Instant::now() + ENDS;
    let endings = machines.iter().map(async |machine| {
        let reference = place.reference(machine);
        let ended = end(place, machine, Until::Gone, deadline).await;
        match ended.proved() {
            Ok(()) => {
                context.ui.status(&format!("Terminated {reference}"));
                None
            }
            Err(error) => {
                let error = error.any();
                Some(error.while_trying(format!("could not end {reference}")))
            }
        }
    });
    join_all(endings).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::tests::World;
    use crate::providers::contract::order;
    use crate::providers::memory::{Fault, Verb};

    #[tokio::test(start_paused = true)]
    async fn what_came_up_is_ended_though_its_place_cannot_be_read() {
        let world = World::new("");
        let (cloud, context) = (&world.cloud, world.context());
        let place = context
            .open_providers(&["gpu".to_owned()])
            .await
            .unwrap()
            .remove(0);
        let launch = async || place.provider.launch(&order("t")).await.unwrap();
        let (up, half) = (launch().await, launch().await);
        cloud.once("gpu", Verb::List, Fault::Error(ErrorKind::Unavailable));
        let left = sweep(&context, &place, "t", BTreeSet::from([up.id])).await;
        assert_eq!((left, cloud.machines().len()), (None, 0), "{half:?}");
        // For as long as it cannot be read nothing is proved, and all that can be done is done.
        let up = launch().await;
        cloud.fault("gpu", Verb::List, Fault::Error(ErrorKind::Unavailable));
        let left = sweep(&context, &place, "t", BTreeSet::from([up.id])).await;
        assert!(left.is_some() && cloud.machines().is_empty(), "{left:?}");
    }
}
