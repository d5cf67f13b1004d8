//! What a GitHub App asks as itself: where it is installed, a token for there, and that token's end.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Call, Found, repository};
use crate::model::Scope;
use crate::rehearsal::answer::Answer;
use crate::rehearsal::apps::{AppToken, Installation};
use crate::rehearsal::auth::Need;
use crate::rehearsal::world::{Scene, folded, written};

#[derive(Default, Deserialize)]
struct Wish {
    repositories: Option<Vec<String>>,
    permissions: Option<BTreeMap<String, String>>,
}

pub(super) fn find<'a>(method: &str, segments: &'a [&'a str]) -> Option<Found<'a>> {
    let (route, scope) = match (method, segments) {
        ("POST", ["app", "installations", id, "access_tokens"]) => {
            return Some(Found::new(
                "/app/installations/{installation_id}/access_tokens",
                Need::Own,
                |scene, call| token(scene, call, id).unwrap_or_else(|refused| refused),
            ));
        }
        ("DELETE", ["installation", "token"]) => {
            return Some(Found::new("/installation/token", Need::Own, revoke));
        }
        ("GET", ["repos", owner, name, "installation"]) => (
            "/repos/{owner}/{repo}/installation",
            Scope::Repo {
                owner: (*owner).to_owned(),
                name: (*name).to_owned(),
            },
        ),
        ("GET", ["orgs", org, "installation"]) => {
            ("/orgs/{org}/installation", Scope::Org((*org).to_owned()))
        }
        ("GET", ["enterprises", slug, "installation"]) => (
            "/enterprises/{enterprise}/installation",
            Scope::Enterprise((*slug).to_owned()),
        ),
        _ => return None,
    };
    Some(Found::new(route, Need::Own, move |scene, call| {
        let now = scene.now();
        let app = match scene.apps.signer(call.token.as_deref(), now) {
            Ok(app) => app,
            Err(refused) => return refused,
        };
        let found = scene.apps.found(app, &folded(&scope));
        found.map_or_else(Answer::not_found, |found| {
            Answer::json(installation(call, found, &scope))
        })
    }))
}

/// Makes a token for less than the installation may do, or for all of it.
fn token(scene: &mut Scene, call: &Call, id: &str) -> Result<Answer, Answer> {
    let now = scene.now();
    let app = scene.apps.signer(call.token.as_deref(), now)?;
    let id = id.parse().map_err(|_| Answer::not_found())?;
    let wish = match call.body() {
        [] => Wish::default(),
        body => serde_json::from_slice(body)
            .map_err(|error| Answer::error(422, &format!("Invalid request.\n\n{error}")))?,
    };
    let names = wish.repositories.clone();
    let made = scene
        .apps
        .make(app, id, wish.repositories, wish.permissions, now)?
        .clone();
    scene.remember(made.token.expose());
    let owner = scene.apps.owner(made.installation);
    Ok(Answer::created(described(
        scene,
        call,
        &made,
        &owner,
        names.as_deref(),
    )))
}

fn described(
    scene: &Scene,
    call: &Call,
    made: &AppToken,
    owner: &str,
    names: Option<&[String]>,
) -> Value {
    let mut body = json!({
        "token": made.token.expose(),
        "expires_at": written(made.end),
        "permissions": made.permissions,
        "repository_selection": if names.is_some() { "selected" } else { "all" },
    });
    if let Some(names) = names {
        let whole = |name: &String| repository::repository(scene, call, owner, name);
        body["repositories"] = names.iter().map(whole).collect();
    }
    body
}

fn revoke(scene: &mut Scene, call: &Call) -> Answer {
    let now = scene.now();
    match call.token.as_deref() {
        None => Answer::error(401, "Requires authentication"),
        Some(token) if scene.apps.revoke(token, now) => Answer::nothing(),
        Some(_) => Answer::error(401, "Bad credentials"),
    }
}

fn installation(call: &Call, found: &Installation, scope: &Scope) -> Value {
    let (base, id) = (&call.base, found.id);
    let (login, kind) = match scope {
        Scope::Enterprise(slug) => (slug, "Enterprise"),
        Scope::Org(login) | Scope::Repo { owner: login, .. } => (login, "Organization"),
    };
    let time = "2026-01-01T00:00:00Z";
    json!({
        "id": id,
        "account": repository::user(base, login),
        "app_id": found.app,
        "app_slug": "rehearsal",
        "client_id": found.client_id,
        "target_id": 1,
        "target_type": kind,
        "permissions": found.permissions,
        "events": [],
        "repository_selection": "selected",
        "single_file_name": null,
        "access_tokens_url": format!("{base}/app/installations/{id}/access_tokens"),
        "repositories_url": format!("{base}/installation/repositories"),
        "html_url": format!("https://github.com/organizations/{login}/settings/installations/{id}"),
        "created_at": time,
        "updated_at": time,
        "suspended_at": found.suspended.then_some(time),
        "suspended_by": null,
    })
}
