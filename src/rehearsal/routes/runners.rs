//! The list of runners, one of them, and its end.

use serde_json::{Value, json};

use super::described::runner;
use crate::rehearsal::answer::StubResponse;
use crate::rehearsal::call::StubRequest;
use crate::rehearsal::registrations::Deletion;
use crate::rehearsal::state::StubState;

/// All runners of a scope, on one page.
pub(super) fn list(state: &StubState, call: &StubRequest, scope: &str) -> StubResponse {
    let mut rows = state.rows_of(scope);
    if let Some(name) = call.query("name") {
        rows.retain(|row| row.name == name);
    }
    let all: Vec<Value> = rows.iter().map(runner).collect();
    StubResponse::json(json!({ "total_count": all.len(), "runners": all }))
}

pub(super) fn one(state: &StubState, scope: &str, id: &str) -> StubResponse {
    let id = id.parse::<u64>().ok();
    let rows = state.rows_of(scope);
    let row = rows.iter().find(|row| Some(row.id) == id);
    row.map_or_else(StubResponse::not_found, |row| {
        StubResponse::json(runner(row))
    })
}

/// Adds labels to a runner, and answers with all that it has then.
pub(super) fn label(
    state: &mut StubState,
    call: &StubRequest,
    scope: &str,
    id: &str,
) -> StubResponse {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let labels = body["labels"].as_array().cloned().unwrap_or_default();
    let labels: Vec<String> = labels
        .iter()
        .filter_map(|label| Some(label.as_str()?.to_lowercase()))
        .collect();
    if labels.is_empty() {
        return StubResponse::error(
            422,
            "Invalid property /labels: 1 item required; only 0 were supplied.",
        );
    }
    let id = id.parse::<u64>().ok();
    let rows = state.rows_of(scope);
    let Some(row) = rows.iter().find(|row| Some(row.id) == id) else {
        return StubResponse::not_found();
    };
    state.label(row.id, labels);
    let rows = state.rows_of(scope);
    let row = rows.iter().find(|row| Some(row.id) == id);
    row.map_or_else(StubResponse::not_found, |row| {
        let labels = runner(row)["labels"].take();
        let number = labels.as_array().map_or(0, Vec::len);
        StubResponse::json(json!({ "total_count": number, "labels": labels }))
    })
}

pub(super) fn delete(state: &mut StubState, scope: &str, id: &str) -> StubResponse {
    let Ok(id) = id.parse() else {
        return StubResponse::not_found();
    };
    let name = state.row(id).map(|row| row.as_registered.name.clone());
    match state.delete(scope, id) {
        Deletion::Absent => StubResponse::not_found(),
        Deletion::Done => StubResponse::nothing(),
        Deletion::Busy => StubResponse::error(
            422,
            &format!(
                "Runner \"{}\" is currently running a job and cannot be deleted.",
                name.unwrap_or_default()
            ),
        ),
    }
}
