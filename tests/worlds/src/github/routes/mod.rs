//! Which question is answered by what: here, or by the stub.

use serde_json::json;

use super::auth::Need;
use super::releases;
use super::scope::{Ground, Scope};
use super::state::{State, written};
use super::wire::Answer;
use found::Found;

mod app;
mod found;
mod groups;
mod page;
mod repository;
mod runs;

pub(super) use page::page;
pub(super) use repository::user;

/// What it takes to `read` or `write` the runners of a scope.
fn runners(ground: &Ground, access: &str) -> Need {
    let permission = ground.permission;
    Need::Runners(permission.map(|permission| format!("{permission}={access}")))
}

pub(super) fn find<'a>(method: &str, segments: &'a [&'a str]) -> Option<Found<'a>> {
    match (method, segments) {
        ("GET", ["rate_limit"]) => {
            let answer = repository::rate_limit;
            return Some(Found::new("/rate_limit", Need::Nothing, answer));
        }
        ("GET", ["meta"]) => return Some(Found::new("/meta", Need::Nothing, repository::meta)),
        ("GET", ["actions", "runner", "releases", "download", _, _]) => {
            let route = "/actions/runner/releases/download/{tag}/{file}";
            return Some(Found::stub(route, Need::Nothing));
        }
        _ => {}
    }
    if let Some(found) = app::find(method, segments) {
        return Some(found);
    }
    let (ground, rest) = Ground::of(segments)?;
    if let ["actions", "runners", rest @ ..] = rest {
        return of_runners(method, &ground, rest);
    }
    let base = ground.route;
    let scope = ground.scope.clone();
    match (method, rest, &ground.scope) {
        ("GET", ["actions", "runner-groups"], Scope::Org(_) | Scope::Enterprise(_)) => {
            Some(Found::new(
                format!("{base}/actions/runner-groups"),
                runners(&ground, "read"),
                move |state, call| groups::all(state, call, &scope),
            ))
        }
        ("GET", ["actions", "runner-groups", id], Scope::Org(_) | Scope::Enterprise(_)) => {
            Some(Found::new(
                format!("{base}/actions/runner-groups/{{runner_group_id}}"),
                runners(&ground, "read"),
                move |state, call| groups::one(state, call, &scope, id),
            ))
        }
        ("GET", [], Scope::Repo { .. }) => Some(Found::new(base, Need::Sight, |state, call| {
            Answer::json(repository::repository(
                state,
                call,
                segments[1],
                segments[2],
            ))
        })),
        ("GET", ["releases", "latest"], Scope::Repo { owner, name }) => {
            let route = "/repos/{owner}/{repo}/releases/latest";
            let has_one = (owner.as_str(), name.as_str()) == ("actions", "runner");
            Some(if has_one {
                Found::stub_at(route, Need::Nothing, releases::path())
            } else {
                Found::new(route, Need::Nothing, |_, _| Answer::not_found())
            })
        }
        ("GET", ["releases", "tags", _], Scope::Repo { .. }) => Some(Found::stub(
            "/repos/{owner}/{repo}/releases/tags/{tag}",
            Need::Nothing,
        )),
        ("GET", ["actions", rest @ ..], Scope::Repo { .. }) => {
            runs::find(segments[1], segments[2], rest)
        }
        _ => None,
    }
}

/// What is below a scope's runners.
fn of_runners<'a>(method: &str, ground: &Ground, rest: &'a [&'a str]) -> Option<Found<'a>> {
    let route = |tail: &str| format!("{}/actions/runners{tail}", ground.route);
    let (read, write) = (runners(ground, "read"), runners(ground, "write"));
    let found = match (method, rest) {
        ("GET", []) => Found::stub(route(""), read),
        ("GET", ["downloads"]) => Found::stub_at(route("/downloads"), read, releases::path()),
        ("GET", ["deprecations", version]) => {
            Found::new(route("/deprecations/{version}"), read, |state, _| {
                deprecation(state, version)
            })
        }
        ("GET", [_]) => Found::stub(route("/{runner_id}"), read),
        ("POST", ["generate-jitconfig"]) => Found::stub(route("/generate-jitconfig"), write),
        ("POST", ["registration-token"]) => Found::stub(route("/registration-token"), write),
        ("POST", [_, "labels"]) => Found::stub(route("/{runner_id}/labels"), write),
        ("DELETE", [_]) => Found::stub(route("/{runner_id}"), write),
        _ => return None,
    };
    Some(found)
}

/// Until when a version of the runner is taken.
fn deprecation(state: &State, version: &str) -> Answer {
    let Some((registration, runtime)) = state.ends.get(version) else {
        return Answer::not_found();
    };
    Answer::json(json!({
        "runner_version": version,
        "registration_deprecates_at": registration.map(written),
        "runtime_deprecates_at": runtime.map(written),
    }))
}
