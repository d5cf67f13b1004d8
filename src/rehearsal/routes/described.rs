//! Runners in GitHub's words.

use serde_json::{Value, json};

use crate::model::Scope;
use crate::rehearsal::rows::RunnerRow;

/// A runner as GitHub describes it.
pub(super) fn runner(row: &RunnerRow) -> Value {
    let labels: Vec<Value> = row
        .labels
        .iter()
        .zip(1..)
        .map(|(name, id)| json!({ "id": row.id * 1000 + id, "name": name, "type": "read-only" }))
        .collect();
    let mut value = json!({
        "id": row.id,
        "name": row.name,
        "os": row.os,
        "status": if row.online { "online" } else { "offline" },
        "busy": row.busy,
        "ephemeral": row.ephemeral,
        "labels": labels,
        "version": row.version,
    });
    // At the level of a repository there are no groups.
    if !matches!(row.scope, Scope::Repo { .. }) {
        value["runner_group_id"] = json!(row.group);
    }
    value
}
