//! Runner archives: the release that they are in, and their bytes.

use serde_json::{Value, json};

use crate::rehearsal::answer::StubResponse;
use crate::rehearsal::state::StubState;

pub(super) fn archive(state: &StubState, file: &str) -> StubResponse {
    let mut archives = state.archives.iter();
    let found = archives.find(|archive| archive.filename == file);
    found.map_or_else(StubResponse::not_found, |archive| {
        StubResponse::archive(archive.bytes.clone())
    })
}

/// The only release of `actions/runner`, with what a client reads of one.
pub(super) fn release(state: &StubState, tag: &str) -> StubResponse {
    if tag != format!("v{}", state.version) {
        return StubResponse::not_found();
    }
    let base = &state.base;
    let assets = state.archives.iter().map(|archive| {
        let name = &archive.filename;
        json!({
            "name": name,
            "size": archive.bytes.len(),
            "digest": format!("sha256:{}", archive.sha256),
            "browser_download_url": format!("{base}/actions/runner/releases/download/{tag}/{name}"),
        })
    });
    let assets: Vec<Value> = assets.collect();
    StubResponse::json(json!({ "tag_name": tag, "assets": assets }))
}
