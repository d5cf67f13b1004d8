//! `gharun start`.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Desk;
use super::interrupt::Interrupts;
use crate::actions::SummaryRow;
use crate::bootstrap::{self, Boot, Credential, Package};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::{self, Fleet, Left, Place, Started, Trouble};
use crate::github::{Client, Download, RunnerVersion, Standing, Way};
use crate::model::{Mapping, Secret, chain};
use crate::plan::Plan;
use crate::report;
use crate::settings::{Proxies, Registration, Version};

pub(super) async fn run(desk: &Desk, args: &cli::Start) -> Result<Exit, Failure> {
    let settings = desk.settings.start(args)?;
    for password in &settings.proxies.passwords {
        desk.actions.mask(password)?;
    }
    let mut plan = Plan::decide(&desk.settings, &settings)?;
    plan.ca = authorities(&desk.settings.github)?;
    if settings.rehearse {
        return super::rehearse::run(desk, plan).await;
    }
    super::groups::fits(&desk.settings.github)?;
    let places = desk.places(&plan.providers).await?;
    for place in &places {
        let enough = place.provider.can_launch();
        enough.map_err(|error| Failure::of_provider(error, &place.name, |_| String::new()))?;
    }
    if settings.dry_run {
        return dry_run(desk, &plan, &places);
    }
    warn_of(desk, &places);
    warn_of_proxies(desk, &settings.proxies, &places);
    let github = desk.github().await?.registering(way(&plan));
    let github = super::groups::choose(desk, github, &plan).await?;
    let github = patient(&github, plan.timeout);
    approve(desk, &github, &plan.version).await?;
    let packages = packages(&github, &plan.version).await?;
    let started = start(desk, &plan, &places, &github, &packages).await?;
    finish(desk, &plan, &started)
}

/// What machines are to trust beside what they trust anyway: what gharun itself is told to.
fn authorities(github: &crate::settings::GitHub) -> Result<Option<String>, Failure> {
    let Some(bundle) = &github.ca_bundle else {
        return Ok(None);
    };
    let found = bootstrap::certificates(bundle.value.pem());
    found.map(Some).map_err(|why| {
        let origin = &bundle.origin;
        Failure::usage(format!(
            "`ca_bundle` ({origin}) cannot go to machines: {why}"
        ))
    })
}

/// GitHub's limits are waited for as long as a command may take.
pub(super) fn patient(github: &Client, at_most: Duration) -> Client {
    // Where no clock reaches that far, an operation's own bound is long enough.
    let end = Instant::now().checked_add(at_most);
    end.map_or_else(|| github.clone(), |end| github.patient(end))
}

/// What the user should know before anything is launched.
pub(super) fn warn_of(desk: &Desk, places: &[Place]) {
    for (place, warning) in places.iter().flat_map(|place| {
        place
            .provider
            .warnings()
            .into_iter()
            .map(move |w| (place, w))
    }) {
        desk.ui.warning(&format!("`{}`: {warning}", place.name));
    }
}

/// How runners are registered.
pub(super) fn way(plan: &Plan) -> Way {
    match plan.registration {
        Some(Registration::Jit) => Way::Jit,
        Some(Registration::Token) => Way::Token,
        None => Way::Either,
    }
}

/// A proxy on this computer is nobody's but its own: only machines that are this computer use it.
fn warn_of_proxies(desk: &Desk, proxies: &Proxies, places: &[Place]) {
    if proxies.only_here.is_empty() {
        return;
    }
    let elsewhere: Vec<String> = places
        .iter()
        .filter(|place| !place.provider.is_here())
        .map(|place| format!("`{}`", place.name))
        .collect();
    if !elsewhere.is_empty() {
        desk.ui.warning(&format!(
            "machines of {} are not told of the proxy in {}: it is at an address of this computer alone",
            elsewhere.join(", "),
            proxies.only_here.join(" and ")
        ));
    }
}

/// Refuses a pinned version that GitHub does not take, before anything is rented.
async fn approve(desk: &Desk, github: &Client, version: &Version) -> Result<(), Failure> {
    let Version::Exact(version) = version else {
        return Ok(());
    };
    match github.standing(version).await? {
        Standing::Good => {}
        Standing::Doubtful(why) => {
            desk.ui.warning(&why);
            desk.ui
                .hint("leave `--runner-version` out to use the one that GitHub names");
        }
        Standing::Refused(why) => {
            return Err(Failure::usage(why)
                .hinted("leave `--runner-version` out to use the one that GitHub names"));
        }
    }
    Ok(())
}

/// The archives that machines may need; one without a checksum is none.
pub(super) async fn packages(github: &Client, version: &Version) -> Result<Vec<Package>, Failure> {
    let version = match version {
        Version::Exact(version) => RunnerVersion::Exact(version.clone()),
        Version::Latest => RunnerVersion::Latest,
    };
    let downloads = github.packages(&version).await?;
    let package = |download: Download| {
        let version = download.version()?.to_owned();
        let unix = download.os == "linux" || download.os == "osx";
        unix.then_some(Package {
            version,
            os: download.os,
            architecture: download.architecture,
            url: download.download_url,
            sha256: download.sha256_checksum?,
        })
    };
    let packages: Vec<Package> = downloads.into_iter().filter_map(package).collect();
    if packages.is_empty() {
        return Err(Failure::new(
            Exit::Failed,
            "GitHub names no runner with a checksum, and nothing is run unverified",
        ));
    }
    Ok(packages)
}

pub(super) async fn start(
    desk: &Desk,
    plan: &Plan,
    places: &[Place],
    github: &Client,
    packages: &[Package],
) -> Result<Started, Failure> {
    let mut interrupts = Interrupts::listen(desk.settings.step.is_some())?;
    let fleet = Fleet {
        github: Some(github),
        places,
        store: &desk.store,
        sink: desk,
    };
    let interrupt = async {
        interrupts.next().await;
        desk.ui.status("Interrupted: undoing what was begun");
    };
    Ok(fleet::start(fleet, github, plan, packages, interrupt).await?)
}

/// Writes the report, the outputs and the summary, and decides how to end.
fn finish(desk: &Desk, plan: &Plan, started: &Started) -> Result<Exit, Failure> {
    desk.ui.finish();
    let mapping = Mapping(
        started
            .up
            .iter()
            .map(|up| (up.instance.clone(), up.name.clone()))
            .collect(),
    );
    // The outputs are written already, by the events: they hold what is left, too.
    if let Err(error) = desk.actions.summarise_start(&summary(started)) {
        desk.ui
            .warning(&format!("the job summary could not be written: {error}"));
    }
    let report = report::Start {
        mapping,
        runners: started
            .up
            .iter()
            .map(|up| report::Runner {
                name: up.name.clone(),
                labels: up.labels.clone(),
                instance: up.instance.clone(),
                provider: up.instance.provider.clone(),
                kind: up.kind.to_owned(),
                runner_id: up.runner_id,
                created_at: up.created,
                expires_at: up.expires,
                launched_after: up.launched_after,
                online_after: up.online_after,
                price_per_hour: up.price_per_hour,
            })
            .collect(),
    };
    let written = desk.data(&report, report.text());
    say_left(desk, &started.left);
    if let Err(failure) = written {
        return Err(unsaid(started, failure));
    }
    if !started.left.is_empty() {
        return Err(failed(plan, started, Exit::Left));
    }
    if started.interrupted {
        desk.ui
            .status("Nothing is left: no machine, no registration");
        return Ok(Exit::Interrupted);
    }
    match (started.failed.len(), started.up.len()) {
        (0, _) => Ok(Exit::Done),
        (failed, up) if up > 0 => {
            desk.ui.warning(&format!(
                "{up} of {} runners are online, {failed} failed",
                plan.count
            ));
            Ok(Exit::Done)
        }
        _ => Err(failed(plan, started, Exit::Failed)),
    }
}

/// Nobody was told what is there, so that it must not be taken for nothing.
fn unsaid(started: &Started, failure: Failure) -> Failure {
    let failure = failure.while_trying("could not write the result");
    let up = started.up.iter();
    let exit = if started.up.is_empty() && started.left.is_empty() {
        Exit::Failed
    } else {
        Exit::Left
    };
    let failure = Failure { exit, ..failure };
    up.fold(failure, |failure, up| {
        failure.hinted(format!(
            "it is running: end it with `gharun stop {}`",
            up.instance
        ))
    })
}

fn failed(plan: &Plan, started: &Started, exit: Exit) -> Failure {
    let what = match plan.count.get() {
        1 => "the runner".to_owned(),
        count => format!("{count} runners"),
    };
    let at: Vec<String> = plan
        .providers
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let mut text = if started.interrupted {
        "interrupted".to_owned()
    } else {
        format!("could not start {what} at {}", at.join(", "))
    };
    for failed in &started.failed {
        write!(text, "\n  {}: {}", failed.name, chain(&failed.trouble))
            .expect("a text takes what is written");
    }
    let mut failure = Failure::new(exit, text);
    failure.hints = hints(started);
    match exit {
        Exit::Left => failure.hinted("what is listed above may still cost money"),
        _ => failure.hinted("nothing is left running"),
    }
}

/// What providers and GitHub say would help.
pub(super) fn hints(started: &Started) -> Vec<String> {
    let of = |trouble: &Trouble| match trouble {
        Trouble::Launch { source, .. } | Trouble::Lost { source, .. } => {
            Vec::from_iter(source.hint.clone())
        }
        Trouble::Record(error) => error.hints.clone(),
        Trouble::Register(error) => error.hints.clone(),
        _ => Vec::new(),
    };
    started
        .failed
        .iter()
        .flat_map(|failed| of(&failed.trouble))
        .collect()
}

/// Names what is still there, and what removes it.
pub(super) fn say_left(desk: &Desk, left: &[Left]) {
    for left in left {
        let what = left.instance.as_ref().map_or_else(
            || left.name.to_string(),
            |instance| format!("{} ({instance})", left.name),
        );
        let word = if left.kept {
            "kept"
        } else {
            "may still be running"
        };
        desk.ui.warning(&format!("{what} {word}: {}", left.why));
        if let Some(access) = &left.access {
            desk.ui.hint(&format!("get in: `{access}`"));
        }
        desk.ui.hint(&format!("end it: `{}`", left.command));
    }
}

fn summary(started: &Started) -> Vec<SummaryRow> {
    let up = started.up.iter().map(|up| SummaryRow {
        name: up.name.to_string(),
        provider: up.instance.provider.clone(),
        instance: Some(up.instance.to_string()),
        launched_after: Some(up.launched_after),
        online_after: Some(up.online_after),
        price_per_hour: up.price_per_hour,
        expires: Some(up.expires),
        outcome: "online".to_owned(),
    });
    let failed = started.failed.iter().map(|failed| SummaryRow {
        name: failed.name.to_string(),
        provider: String::new(),
        instance: None,
        launched_after: None,
        online_after: None,
        price_per_hour: None,
        expires: None,
        outcome: failed.trouble.to_string(),
    });
    up.chain(failed).collect()
}

/// Prints the plan, the order of providers and the boot script, and touches nothing.
fn dry_run(desk: &Desk, plan: &Plan, places: &[Place]) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let mut providers = Vec::new();
    for place in places {
        providers.push(report::Candidate {
            provider: place.name.clone(),
            kind: place.provider.kind().to_owned(),
            candidates: place.provider.candidates(),
            warnings: place.provider.warnings(),
        });
    }
    let name = plan.name(0, now);
    let tags = plan.tags(&name, None, now);
    let hidden = Secret::new("***");
    let labels = plan.labels_of(&name);
    let credential = match plan.registration {
        Some(Registration::Token) => Credential::Token {
            token: &hidden,
            url: "***",
            group: None,
            labels: &labels,
            until: tags.ready_by,
        },
        Some(Registration::Jit) | None => Credential::Jit(&hidden),
    };
    let ending = places
        .first()
        .map_or("exit", |place| place.provider.ending());
    let script = bootstrap::script(&Boot {
        name: &name,
        credential,
        packages: &[],
        pinned: false,
        ending,
        expires: tags.expires,
        idle_limit: plan.idle_timeout,
        setup: plan.setup.as_deref(),
        env: &plan
            .env
            .iter()
            .map(|(name, _)| (name.clone(), hidden.clone()))
            .collect::<Vec<_>>(),
        ca: plan.ca.as_deref(),
    });
    let report = report::DryRun {
        scope: plan.identity.scope.clone(),
        server: plan.identity.server.clone(),
        count: plan.count.get(),
        labels,
        timeout_s: plan.timeout.as_secs(),
        lifetime_s: plan.lifetime.as_secs(),
        idle_timeout_s: plan.idle_timeout.map_or(0, |limit| limit.as_secs()),
        providers,
        boot_script: script.expose().to_owned(),
    };
    desk.data(&report, report.text())?;
    Ok(Exit::Done)
}
