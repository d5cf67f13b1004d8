//! A VM's metadata service (<https://docs.nebius.com/compute/virtual-machines/instance-metadata>), under
//! `/metadata/ID` in the place of `http://metadata.nebius.internal`.

use std::time::Instant;

use serde_json::json;

use super::answer::Answer;
use super::catalog::PROJECT;
use super::rows::Asked;
use super::world::World;

/// The answer to a VM that asks of itself; `None` when it is another request.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Option<Answer> {
    let path = asked.path.strip_prefix("/metadata/")?;
    let (id, path) = path.split_once('/')?;
    let plain = |status: u16, text: &str| Some(Answer::text(status, "text/plain", text));
    let Some(vm) = world.vms.iter().find(|vm| vm.meta.id == id) else {
        return plain(404, "");
    };
    if asked.verb != "GET" {
        return plain(405, "");
    }
    if asked.metadata.as_deref() != Some("true") {
        return plain(400, "");
    }
    let account = vm.spec["serviceAccountId"].as_str();
    match path {
        "v1/instance-data" => {
            let data = json!({
                "id": id,
                "parent_id": PROJECT,
                "name": vm.meta.name,
                "platform": vm.spec["resources"]["platform"],
                "preset": vm.spec["resources"]["preset"],
                "labels": vm.meta.labels,
            });
            Some(Answer::text(200, "application/json", &data.to_string()))
        }
        "v1/instance-data/id" => plain(200, id),
        "v1/instance-data/name" => plain(200, &vm.meta.name),
        "v1/iam/sa/token" | "v1/iam/sa/token/access_token" if account.is_some() => {
            let lasts = world.conditions.token_lasts;
            let token = world.tokens.issue(lasts, Instant::now());
            if path.ends_with("access_token") {
                return plain(200, &token);
            }
            let body = json!({
                "access_token": token,
                "expires_in": lasts.as_secs(),
                "token_type": "Bearer",
            });
            Some(Answer::text(200, "application/json", &body.to_string()))
        }
        _ => plain(404, ""),
    }
}
