//! What a start would do, decided and written up without a word to anybody.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;

use super::outcome::StartOutcome;
use super::planned::{PlannedProvider, PlannedQuote, Preview};
use crate::bootstrap::{self, Boot, BootCredential};
use crate::fleet::NamedProvider;
use crate::model::{Name, RegistrationMode, Secret, chain, random};
use crate::plan::{Clocks, Plan};
use crate::providers::{self, Quote};

/// No just-in-time configuration is shorter: it holds an RSA key of 2048 bits, twice in base64.
const SHORTEST: usize = 3000;

/// How long a place may take to tell its prices.
const QUOTES: Duration = Duration::from_secs(5);

/// What the start of a plan would come to when it began at `now`. Nothing is changed, and nobody is asked for more than
/// prices.
pub async fn preview(plan: &Plan, places: &[NamedProvider], now: Timestamp) -> StartOutcome {
    let clocks = Clocks::agreed(now);
    let name = plan.name(0, clocks);
    let planned = Preview {
        scope: plan.identity.scope.clone(),
        server: plan.identity.server.clone(),
        count: plan.count.get(),
        labels: plan.labels_of(&name),
        timeout_s: plan.timeout.as_secs(),
        lifetime_s: plan.lifetime.as_secs(),
        idle_timeout_s: plan.idle_timeout.map_or(0, |limit| limit.as_secs()),
        providers: join_all(places.iter().map(planned)).await,
        boot_script: script(plan, &name, places, clocks, &Secret::new("***")),
    };
    StartOutcome {
        planned: Some(planned),
        ..StartOutcome::default()
    }
}

/// What a place would try, with its prices where it tells them in time.
async fn planned(place: &NamedProvider) -> PlannedProvider {
    let candidates = place.provider.candidates();
    let mut warnings = place.provider.warnings();
    let untold = |why: &str| format!("the prices are not known: {why}");
    let mut hints = Vec::new();
    let quotes = match timeout(QUOTES, place.provider.quotes()).await {
        Ok(Ok(quotes)) => Ok(quotes),
        Ok(Err(why)) => {
            hints = why.hints().to_vec();
            Err(untold(&chain(&why)))
        }
        Err(_) => Err(untold("there was no answer in time")),
    };
    let quotes = quotes.unwrap_or_else(|why| {
        warnings.push(why);
        let bare = candidates.iter().map(|candidate| Quote {
            candidate: candidate.clone(),
            ..Quote::default()
        });
        bare.collect()
    });
    let kind = place.provider.kind();
    PlannedProvider {
        provider: place.name.clone(),
        kind: kind.to_owned(),
        candidates,
        quotes: quotes.into_iter().map(PlannedQuote::from).collect(),
        is_rented: providers::kind(kind).is_none_or(|kind| kind.is_rented),
        warnings,
        hints,
    }
}

/// Whether a place takes the boot scripts of a plan, as far as their length is known before there are any.
///
/// # Errors
///
/// As [`providers::Provider::takes`] has them.
pub fn fits(plan: &Plan, place: &NamedProvider, now: Timestamp) -> providers::Result<()> {
    let clocks = Clocks::agreed(now);
    let name = plan.name(0, clocks);
    let credential = Secret::new(random(SHORTEST));
    let places = std::slice::from_ref(place);
    let script = script(plan, &name, places, clocks, &credential);
    place.provider.takes(&script)
}

/// The boot script of the first runner with a stand-in for its credential, all other secrets as `***`.
fn script(
    plan: &Plan,
    name: &Name,
    places: &[NamedProvider],
    clocks: Clocks,
    credential: &Secret,
) -> String {
    let tags = plan.tags(name, None, clocks);
    let hidden = Secret::new("***");
    let labels = plan.labels_of(name);
    let credential = match plan.registration {
        RegistrationMode::Token => BootCredential::Token {
            token: &hidden,
            url: "***",
            group: None,
            labels: &labels,
            until: tags.ready_by,
        },
        RegistrationMode::Jit | RegistrationMode::Either => BootCredential::Jit(credential),
    };
    let ending = places
        .first()
        .map_or("exit", |place| place.provider.shutdown_command());
    let user = places.first().map(|place| place.provider.job_user());
    let user = user.unwrap_or_default();
    let script = bootstrap::script(&Boot {
        name,
        credential,
        packages: &[],
        pinned: false,
        ending,
        expires: plan.end_of_life(clocks),
        lifetime: plan.lifetime,
        idle_limit: plan.idle_timeout,
        user: &user,
        keep_failed: plan.keep_failed,
        setup: plan.setup.as_deref(),
        secrets: &providers::secrets_in_env(),
        env: &plan
            .env
            .iter()
            .map(|(name, _)| (name.clone(), hidden.clone()))
            .collect::<Vec<_>>(),
        ca: plan.ca.as_deref(),
    });
    script.expose().to_owned()
}
