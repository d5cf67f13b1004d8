//! Runner archives: which there are, in which release, and their bytes.

use serde_json::{Value, json};

use super::{Found, repository};
use crate::rehearsal::answer::{Answer, Content};
use crate::rehearsal::archive::Archive;
use crate::rehearsal::auth::Need;
use crate::rehearsal::world::Scene;

/// The path of an archive holds this; it is fetched without token and without limits.
pub(super) const DOWNLOADS: &str = "/releases/download/";

/// The address of an archive, as a machine reaches it.
fn address(scene: &Scene, archive: &Archive) -> String {
    let (base, version) = (&scene.base, &scene.version);
    format!(
        "{base}/actions/runner{DOWNLOADS}v{version}/{}",
        archive.filename
    )
}

/// The archives that GitHub names for a scope: a bare list.
pub(super) fn downloads(scene: &Scene) -> Answer {
    let all = scene.archives.iter().map(|archive| {
        json!({
            "os": archive.os,
            "architecture": archive.architecture,
            "download_url": address(scene, archive),
            "filename": archive.filename,
            "sha256_checksum": archive.sha256,
        })
    });
    Answer::json(all.collect())
}

pub(super) fn archive(scene: &Scene, file: &str) -> Answer {
    let mut archives = scene.archives.iter();
    let found = archives.find(|archive| archive.filename == file);
    found.map_or_else(Answer::not_found, |archive| {
        Answer::of(200, Content::Archive(archive.bytes.clone()))
    })
}

/// The releases of `actions/runner`: one, and it is the latest.
pub(super) fn find<'a>(owner: &str, name: &str, which: &'a [&'a str]) -> Option<Found<'a>> {
    let route = match which {
        ["latest"] => "/repos/{owner}/{repo}/releases/latest",
        ["tags", _] => "/repos/{owner}/{repo}/releases/tags/{tag}",
        _ => return None,
    };
    let known = (owner, name) == ("actions", "runner");
    Some(Found::new(route, Need::Nothing, move |scene, call| {
        let tag = format!("v{}", scene.version);
        let wanted = match which {
            ["tags", wanted] => *wanted == tag,
            _ => true,
        };
        if !known || !wanted {
            return Answer::not_found();
        }
        Answer::json(release(scene, &call.base, &tag))
    }))
}

fn release(scene: &Scene, base: &str, tag: &str) -> Value {
    let at = format!("{base}/repos/actions/runner/releases");
    let author = repository::user(base, "github-actions[bot]");
    let time = "2026-07-20T12:00:00Z";
    let assets: Vec<Value> = scene
        .archives
        .iter()
        .zip(1_u64..)
        .map(|(archive, id)| {
            json!({
                "id": id,
                "node_id": format!("RA_{id}"),
                "url": format!("{at}/assets/{id}"),
                "name": archive.filename,
                "label": "",
                "uploader": author,
                "content_type": "application/x-gzip",
                "state": "uploaded",
                "size": archive.bytes.len(),
                "digest": format!("sha256:{}", archive.sha256),
                "download_count": 0,
                "created_at": time,
                "updated_at": time,
                "browser_download_url": address(scene, archive),
            })
        })
        .collect();
    let sum = |archive: &Archive| {
        let (os, cpu, sha) = (archive.os, archive.architecture, &archive.sha256);
        format!("<!-- BEGIN SHA {os}-{cpu} -->{sha}<!-- END SHA {os}-{cpu} -->")
    };
    let sums: Vec<String> = scene.archives.iter().map(sum).collect();
    json!({
        "id": 1,
        "node_id": "RE_1",
        "url": format!("{at}/1"),
        "assets_url": format!("{at}/1/assets"),
        "upload_url": format!("{at}/1/assets{{?name,label}}"),
        "html_url": format!("https://github.com/actions/runner/releases/tag/{tag}"),
        "tarball_url": format!("{base}/repos/actions/runner/tarball/{tag}"),
        "zipball_url": format!("{base}/repos/actions/runner/zipball/{tag}"),
        "author": author,
        "tag_name": tag,
        "target_commitish": "main",
        "name": tag,
        "draft": false,
        "prerelease": false,
        "immutable": false,
        "created_at": time,
        "published_at": time,
        "assets": assets,
        "body": format!("## SHA-256 Checksums\n\n{}", sums.join("\n")),
    })
}
