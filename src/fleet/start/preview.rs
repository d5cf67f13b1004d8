//! What a start would do, decided and written up without a word to anybody.

use jiff::Timestamp;

use super::outcome::StartOutcome;
use super::planned::{PlannedProvider, Preview};
use crate::bootstrap::{self, Boot, BootCredential};
use crate::fleet::NamedProvider;
use crate::model::{Name, RegistrationMode, Secret, random};
use crate::plan::{Clocks, Plan};
use crate::providers;

/// No just-in-time configuration is shorter: it holds an RSA key of 2048 bits, twice in base64.
const SHORTEST: usize = 3000;

/// What the start of a plan would come to when it began at `now`. Nothing is asked, and nothing changed.
pub fn preview(plan: &Plan, places: &[NamedProvider], now: Timestamp) -> StartOutcome {
    let candidate = |place: &NamedProvider| PlannedProvider {
        provider: place.name.clone(),
        kind: place.provider.kind().to_owned(),
        candidates: place.provider.candidates(),
        warnings: place.provider.warnings(),
    };
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
        providers: places.iter().map(candidate).collect(),
        boot_script: script(plan, &name, places, clocks, &Secret::new("***")),
    };
    StartOutcome {
        planned: Some(planned),
        ..StartOutcome::default()
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
