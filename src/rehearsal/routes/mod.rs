//! Which question is answered by what.

use serde_json::json;

use super::answer::Answer;
use super::call::{Call, RUNNER_SERVICE};
use super::scope;
use super::shared::Shared;
use super::state::StubState;
use crate::model::Scope;

mod described;
mod files;
mod listener;
mod registration;
mod runners;

/// Answers a question: of the API at once, of the stub runner after up to `Lags::hold`.
pub(super) async fn answer(shared: &Shared, call: &Call) -> Answer {
    if call.path.starts_with(RUNNER_SERVICE) {
        return listener::answer(shared, call).await;
    }
    shared.change(|state| of_api(state, call))
}

fn of_api(state: &mut StubState, call: &Call) -> Answer {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    if let ("GET", ["actions", "runner", "releases", "download", _, file]) =
        (call.method.as_str(), segments.as_slice())
    {
        return files::archive(state, file);
    }
    let Some((scope, rest)) = scope::of_path(&segments) else {
        return Answer::not_found();
    };
    match (call.method.as_str(), rest, &scope) {
        ("GET", ["releases", which @ ..], Scope::Repo { owner, name }) => {
            files::release(state, owner, name, which)
        }
        (method, ["actions", "runners", rest @ ..], scope) => {
            of_runners(state, call, method, rest, scope)
        }
        _ => Answer::not_found(),
    }
}

/// What is below a scope's runners.
fn of_runners(
    state: &mut StubState,
    call: &Call,
    method: &str,
    rest: &[&str],
    scope: &Scope,
) -> Answer {
    match (method, rest) {
        ("GET", []) => runners::list(state, call, scope),
        ("GET", ["downloads"]) => files::downloads(state),
        ("GET", [id]) => runners::one(state, scope, id),
        ("POST", ["generate-jitconfig"]) => registration::just_in_time(state, call, scope),
        ("POST", ["registration-token" | "remove-token"]) => {
            let (token, until) = state.ticket(scope);
            let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            Answer::created(json!({ "token": token, "expires_at": until }))
        }
        ("POST", [id, "labels"]) => runners::label(state, call, scope, id),
        ("DELETE", [id]) => runners::delete(state, scope, id),
        _ => Answer::not_found(),
    }
}
