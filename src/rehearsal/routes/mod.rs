//! Which question is answered by what.

use serde_json::json;

use super::answer::StubResponse;
use super::call::{RUNNER_SERVICE, StubRequest};
use super::shared::Shared;
use super::state::StubState;

mod described;
mod files;
mod listener;
mod registration;
mod runners;

/// Answers a question: of the API at once, of the stub runner after up to `HOLD`.
pub(super) async fn answer(shared: &Shared, call: &StubRequest) -> StubResponse {
    if call.path.starts_with(RUNNER_SERVICE) {
        return listener::answer(shared, call).await;
    }
    shared.change(|state| of_api(state, call))
}

fn of_api(state: &mut StubState, call: &StubRequest) -> StubResponse {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["actions", "runner", "releases", "download", _, file]) => {
            return files::archive(state, file);
        }
        ("GET", ["repos", "actions", "runner", "releases", "tags", tag]) => {
            return files::release(state, tag);
        }
        _ => {}
    }
    match call.path.rsplit_once("/actions/runners") {
        // Whose they are is what stands before: nothing depends on its kind.
        Some((scope, rest)) if !scope.is_empty() => {
            let rest: Vec<&str> = rest.split('/').skip(1).collect();
            of_runners(state, call, &rest, &scope.to_lowercase())
        }
        _ => StubResponse::not_found(),
    }
}

/// What is below a scope's runners.
fn of_runners(
    state: &mut StubState,
    call: &StubRequest,
    rest: &[&str],
    scope: &str,
) -> StubResponse {
    match (call.method.as_str(), rest) {
        ("GET", []) => runners::list(state, call, scope),
        ("GET", [id]) => runners::one(state, scope, id),
        ("POST", ["generate-jitconfig"]) => registration::just_in_time(state, call, scope),
        ("POST", ["registration-token"]) => {
            let (token, until) = state.ticket(scope);
            let until = until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            StubResponse::created(json!({ "token": token, "expires_at": until }))
        }
        ("POST", [id, "labels"]) => runners::label(state, call, scope, id),
        ("DELETE", [id]) => runners::delete(state, scope, id),
        _ => StubResponse::not_found(),
    }
}
