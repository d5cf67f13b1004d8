//! Registrations that the stub would take and GitHub does not, in GitHub's words where they are known.

use serde_json::{Map, Value};

use super::state::State;
use super::wire::{Answer, Call};

/// GitHub's limits on what a runner is registered with.
const LONGEST_NAME: usize = 64;
const LONGEST_LABEL: usize = 256;
const MOST_LABELS: usize = 100;
const KEYS: [&str; 4] = ["name", "runner_group_id", "labels", "work_folder"];

/// The group of GitHub's own runners: it takes none.
const HOSTED: u64 = 2;

/// Why a request for a just-in-time configuration is refused; `None` where it is none, or is good.
pub(super) fn refusal(state: &State, call: &Call) -> Option<Answer> {
    if !call.path.ends_with("/generate-jitconfig") {
        return None;
    }
    if !state.has_jit {
        return Some(Answer::not_found());
    }
    let asked = match serde_json::from_slice(&call.body) {
        Ok(Value::Object(asked)) => asked,
        Ok(_) => {
            let message = "Invalid request.\n\nFor 'anyOf/0', it is not an object.";
            return Some(Answer::error(422, message));
        }
        Err(_) => return Some(Answer::error(400, "Problems parsing JSON")),
    };
    match group_of(&asked) {
        Err(complaint) => Some(Answer::error(422, &complaint)),
        Ok(HOSTED) => Some(Answer::error(403, "Forbidden")),
        Ok(group) if !state.groups.contains_key(&group) => Some(Answer::not_found()),
        Ok(_) => None,
    }
}

/// The group that is asked for, or what is wrong with what is asked.
fn group_of(asked: &Map<String, Value>) -> Result<u64, String> {
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
    for label in labels {
        let label = label.as_str().ok_or_else(|| no("labels/0", "string"))?;
        if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.contains(',') {
            return Err(format!(
                "Invalid property /labels: {label:?} is not a label."
            ));
        }
    }
    let work_folder = asked.get("work_folder");
    if work_folder.is_some_and(|folder| !folder.is_string()) {
        return Err(no("work_folder", "string"));
    }
    Ok(group)
}
