//! `generate-jitconfig`: what it takes, what it refuses, what it gives.

use serde_json::{Map, Value, json};

use super::described::runner;
use crate::model::{Scope, Secret};
use crate::rehearsal::answer::Answer;
use crate::rehearsal::call::{Call, RUNNER_SERVICE};
use crate::rehearsal::jit::{self, Contents};
use crate::rehearsal::rows::Registrant;
use crate::rehearsal::state::StubState;

/// GitHub's limits on what a runner is registered with.
const LONGEST_NAME: usize = 64;
const LONGEST_LABEL: usize = 256;
const MOST_LABELS: usize = 100;
const KEYS: [&str; 4] = ["name", "runner_group_id", "labels", "work_folder"];

/// Registers a runner just in time.
pub(super) fn just_in_time(state: &mut StubState, call: &Call, scope: &Scope) -> Answer {
    let asked = match serde_json::from_slice::<Value>(&call.body) {
        Ok(Value::Object(asked)) => asked,
        Ok(_) => {
            return Answer::error(
                422,
                "Invalid request.\n\nFor 'anyOf/0', it is not an object.",
            );
        }
        Err(_) => return Answer::error(400, "Problems parsing JSON"),
    };
    let registrant = match registrant(scope, &asked) {
        Ok(registrant) => registrant,
        Err(complaint) => return Answer::error(422, &complaint),
    };
    if state.name_taken(scope, &registrant.name) {
        let name = &registrant.name;
        let message = format!("Already exists - A runner with the name {name} already exists.");
        return Answer::error(409, &message);
    }
    let id = state.add_row(registrant);
    let blob = blob(state, id);
    let rows = state.rows_of(scope);
    let row = rows.iter().find(|row| row.id == id);
    Answer::created(json!({
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
    let group = row.as_registered.group;
    let name = state.groups.get(&group);
    jit::encode(&Contents {
        agent_id: id,
        agent_name: &row.as_registered.name,
        client_id: &row.client,
        ephemeral: row.as_registered.ephemeral,
        group: (group, name.map_or("Default", String::as_str)),
        server_url: &server_url,
        work_folder: &row.as_registered.work_folder,
    })
}

/// Where a machine reaches the runner service.
fn service(state: &StubState) -> String {
    format!("{}{}", state.base, RUNNER_SERVICE.trim_end_matches('/'))
}

/// Reads what was asked for, or says what is wrong with it, in GitHub's words where they are known.
fn registrant(scope: &Scope, asked: &Map<String, Value>) -> Result<Registrant, String> {
    if let Some(key) = asked.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("Invalid input: \"{key}\" is not a permitted key."));
    }
    let needed = |key: &str| {
        let missing = || format!("Invalid input: object is missing required key: {key}.");
        asked.get(key).ok_or_else(missing)
    };
    let no = |key: &str, kind: &str| format!("Invalid property /{key}: is not of type {kind}.");
    let name = needed("name")?;
    let group = needed("runner_group_id")?;
    let labels = needed("labels")?;
    let name = name.as_str().ok_or_else(|| no("name", "string"))?;
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME {
        return Err(format!(
            "Invalid property /name: 1 to {LONGEST_NAME} characters required; {length} were supplied."
        ));
    }
    let group = group
        .as_u64()
        .ok_or_else(|| no("runner_group_id", "integer"))?;
    let labels = labels.as_array().ok_or_else(|| no("labels", "array"))?;
    if labels.is_empty() {
        return Err("Invalid property /labels: 1 item required; only 0 were supplied.".to_owned());
    }
    if labels.len() > MOST_LABELS {
        return Err(format!(
            "Invalid property /labels: no more than {MOST_LABELS} items are allowed; {} were supplied.",
            labels.len()
        ));
    }
    let mut lower = Vec::new();
    for label in labels {
        let label = label.as_str().ok_or_else(|| no("labels/0", "string"))?;
        if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.contains(',') {
            return Err(format!(
                "Invalid property /labels: {label:?} is not a label."
            ));
        }
        let label = label.to_lowercase();
        if !lower.contains(&label) {
            lower.push(label);
        }
    }
    let work_folder = match asked.get("work_folder") {
        None => "_work",
        Some(value) => value.as_str().ok_or_else(|| no("work_folder", "string"))?,
    };
    Ok(Registrant {
        scope: scope.clone(),
        name: name.to_owned(),
        group,
        labels: lower,
        work_folder: work_folder.to_owned(),
        ephemeral: true,
    })
}
