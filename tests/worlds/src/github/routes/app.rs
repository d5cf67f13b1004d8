//! What a GitHub App asks as itself: where it is installed, a token for there, and that token's end.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::found::Found;
use super::repository;
use crate::github::apps::{AppToken, Installation};
use crate::github::auth::Need;
use crate::github::scope::Scope;
use crate::github::state::{State, written};
use crate::github::wire::{Answer, Call};

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
                |state, call| token(state, call, id).unwrap_or_else(|refused| refused),
            ));
        }
        ("DELETE", ["installation", "token"]) => {
            return Some(Found::new("/installation/token", Need::Own, revoke));
        }
        ("GET", ["repos", owner, name, "installation"]) => (
            "/repos/{owner}/{repo}/installation",
            Scope::repo(owner, name),
        ),
        ("GET", ["orgs", org, "installation"]) => ("/orgs/{org}/installation", Scope::org(org)),
        ("GET", ["enterprises", slug, "installation"]) => (
            "/enterprises/{enterprise}/installation",
            Scope::enterprise(slug),
        ),
        _ => return None,
    };
    Some(Found::new(route, Need::Own, move |state, call| {
        let now = state.now();
        let app = match state.apps.signer(call.token.as_deref(), now) {
            Ok(app) => app,
            Err(refused) => return refused,
        };
        let found = state.apps.found(app, &scope);
        found.map_or_else(Answer::not_found, |found| {
            Answer::json(installation(call, found, &scope))
        })
    }))
}

/// Makes a token for less than the installation may do, or for all of it.
fn token(state: &mut State, call: &Call, id: &str) -> Result<Answer, Answer> {
    let now = state.now();
    let app = state.apps.signer(call.token.as_deref(), now)?;
    let id = id.parse().map_err(|_| Answer::not_found())?;
    let wish = match &call.body[..] {
        [] => Wish::default(),
        body => serde_json::from_slice(body)
            .map_err(|error| Answer::error(422, &format!("Invalid request.\n\n{error}")))?,
    };
    let names = wish.repositories.clone();
    let made = state
        .apps
        .make(app, id, wish.repositories, wish.permissions, now)?
        .clone();
    state.remember(&made.token);
    let owner = state.apps.owner(made.installation);
    Ok(Answer::created(described(
        state,
        call,
        &made,
        &owner,
        names.as_deref(),
    )))
}

fn described(
    state: &State,
    call: &Call,
    made: &AppToken,
    owner: &str,
    names: Option<&[String]>,
) -> Value {
    let mut body = json!({
        "token": &made.token,
        "expires_at": written(made.end),
        "permissions": made.permissions,
        "repository_selection": if names.is_some() { "selected" } else { "all" },
    });
    if let Some(names) = names {
        let whole = |name: &String| repository::repository(state, call, owner, name);
        body["repositories"] = names.iter().map(whole).collect();
    }
    body
}

fn revoke(state: &mut State, call: &Call) -> Answer {
    let now = state.now();
    match call.token.as_deref() {
        None => Answer::error(401, "Requires authentication"),
        Some(token) if state.apps.revoke(token, now) => Answer::nothing(),
        Some(_) => Answer::error(401, "Bad credentials"),
    }
}

fn installation(call: &Call, found: &Installation, scope: &Scope) -> Value {
    let (base, id) = (&call.base, found.id);
    let login = scope.owner();
    let kind = match scope {
        Scope::Enterprise(_) => "Enterprise",
        Scope::Org(_) | Scope::Repo { .. } => "Organization",
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
