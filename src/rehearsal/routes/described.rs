//! Runners in GitHub's words.

use serde_json::{Value, json};

use crate::rehearsal::rows::RunnerRow;

/// A runner as GitHub describes it, at the level of a repository: there are no groups there.
pub(super) fn runner(row: &RunnerRow) -> Value {
    let labels: Vec<Value> = row
        .labels
        .iter()
        .zip(1..)
        .map(|(name, id)| json!({ "id": row.id * 1000 + id, "name": name, "type": "read-only" }))
        .collect();
    json!({
        "id": row.id,
        "name": row.name,
        "os": row.os,
        "status": if row.online { "online" } else { "offline" },
        "busy": row.busy,
        "ephemeral": true,
        "labels": labels,
        "version": row.version,
    })
}
