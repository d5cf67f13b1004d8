//! What is kept in mind of the stub's answers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::runners::{Connection, Registered};
use super::state::{State, written};

/// A just-in-time configuration was given out, for a runner of the scope that a path begins with and of a group.
pub(super) fn registered(state: &mut State, scope: &str, group: u64, body: &Value) {
    let Some(blob) = body["encoded_jit_config"].as_str() else {
        return;
    };
    state.remember(blob);
    let Some(connection) = Connection::read(blob) else {
        return;
    };
    let runner = &body["runner"];
    let labels = runner["labels"].as_array().into_iter().flatten();
    let labels = labels.filter_map(|label| label["name"].as_str());
    let labels = labels.map(str::to_owned).collect();
    state.runners.add(Registered {
        id: connection.id,
        name: runner["name"].as_str().unwrap_or_default().to_owned(),
        group,
        labels,
        client: connection.client,
        path: Some(format!("{scope}/actions/runners")),
    });
}

/// Tells the group of a runner, which the stub does not know; a repository has none.
pub(super) fn grouped(state: &State, scope: &str, runner: &mut Value) {
    let known = runner["id"].as_u64().and_then(|id| state.runners.get(id));
    if let Some(known) = known.filter(|_| !scope.starts_with("/repos/")) {
        runner["runner_group_id"] = json!(known.group);
    }
}

/// A token for registration: it lasts as long by this clock as by the stub's.
pub(super) fn ticket(state: &mut State, body: &mut Value) {
    let Some(token) = body["token"].as_str().map(str::to_owned) else {
        return;
    };
    state.remember(&token);
    state.tickets.insert(token);
    let until = body["expires_at"].as_str();
    let until = until.and_then(|until| until.parse::<Timestamp>().ok());
    if let Some(until) = until.and_then(|until| until.checked_add(state.ahead).ok()) {
        body["expires_at"] = json!(written(until));
    }
}
