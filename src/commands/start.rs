//! `gharun start`.

use jiff::Timestamp;

use super::Desk;
use super::hub::{packages, patient};
use crate::bootstrap::{self, Boot, Credential};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::Place;
use crate::model::{RegistrationMode, Secret};
use crate::plan::{Given, Plan};
use crate::report;
use bring_up::start;
use outcome::finish;
use prepare::{approve, authorities, warn_of, warn_of_proxies};

mod bring_up;
mod outcome;
mod prepare;
mod rehearse;
mod timeline;

pub(super) async fn run(desk: &Desk, args: &cli::Start) -> Result<Exit, Failure> {
    let settings = desk.settings.start(args)?;
    for password in &settings.proxies.passwords {
        desk.actions.mask(password)?;
    }
    let ca = authorities(&desk.settings.github)?;
    if settings.rehearse {
        return rehearse::run(desk, &settings, ca).await;
    }
    let rehearsal = None;
    let plan = Plan::decide(&desk.settings, &settings, Given { ca, rehearsal })?;
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
    let github = desk.github().await?.registering(plan.registration);
    let github = super::groups::choose(desk, github, &plan).await?;
    let github = patient(&github, plan.timeout);
    approve(desk, &github, &plan.version).await?;
    let packages = packages(&github, &plan.version).await?;
    let started = start(desk, &plan, &places, &github, &packages).await?;
    finish(desk, &plan, &started)
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
        RegistrationMode::Token => Credential::Token {
            token: &hidden,
            url: "***",
            group: None,
            labels: &labels,
            until: tags.ready_by,
        },
        RegistrationMode::Jit | RegistrationMode::Either => Credential::Jit(&hidden),
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
        secrets: &crate::providers::secrets_in_env(),
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
