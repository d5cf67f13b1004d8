//! `generate-jitconfig`: what it takes, and what it gives.
//!
//! What GitHub refuses beyond a name that is taken is not refused here: settings are checked for it before anything
//! is asked, and the tests' GitHub refuses it before this stub is asked.

use serde_json::{Value, json};

use super::described::runner;
use crate::model::Secret;
use crate::rehearsal::answer::StubResponse;
use crate::rehearsal::call::{RUNNER_SERVICE, StubRequest};
use crate::rehearsal::jit::{self, JitFiles};
use crate::rehearsal::rows::Registrant;
use crate::rehearsal::state::StubState;

/// Registers a runner just in time.
pub(super) fn just_in_time(state: &mut StubState, call: &StubRequest, scope: &str) -> StubResponse {
    let Some(registrant) = registrant(scope, &call.body) else {
        return StubResponse::error(422, "Invalid request.");
    };
    if state.name_taken(scope, &registrant.name) {
        let name = &registrant.name;
        let message = format!("Already exists - A runner with the name {name} already exists.");
        return StubResponse::error(409, &message);
    }
    let id = state.add_row(registrant);
    let blob = blob(state, id);
    let rows = state.rows_of(scope);
    let row = rows.iter().find(|row| row.id == id);
    StubResponse::created(json!({
        "runner": row.map(runner),
        "encoded_jit_config": blob.expose(),
    }))
}

/// The just-in-time configuration of a row.
pub(super) fn blob(state: &StubState, id: u64) -> Secret {
    let server_url = service(state);
    let Some(row) = state.row(id) else {
        return Secret::new("");
    };
    jit::encode(&JitFiles {
        agent_id: id,
        agent_name: &row.as_registered.name,
        client_id: &row.client,
        server_url: &server_url,
        work_folder: &row.as_registered.work_folder,
    })
}

/// Where a machine reaches the runner service.
fn service(state: &StubState) -> String {
    format!("{}{}", state.base, RUNNER_SERVICE.trim_end_matches('/'))
}

/// Reads what was asked for.
fn registrant(scope: &str, body: &[u8]) -> Option<Registrant> {
    let asked: Value = serde_json::from_slice(body).ok()?;
    let labels = asked["labels"].as_array()?.iter();
    let labels: Option<Vec<String>> = labels
        .map(|label| label.as_str().map(str::to_lowercase))
        .collect();
    let work_folder = asked["work_folder"].as_str().unwrap_or("_work");
    Some(Registrant {
        scope: scope.to_owned(),
        name: asked["name"].as_str()?.to_owned(),
        labels: labels?,
        work_folder: work_folder.to_owned(),
    })
}
