//! Releases of the runner as GitHub describes them, made of the little that the stub tells.

use serde_json::{Value, json};

use super::play::VERSION;
use super::routes::user;
use super::wire::Call;

/// When every version was released.
const RELEASED: &str = "2026-07-20T12:00:00Z";

/// Where the stub has its only release.
pub(super) fn path() -> String {
    format!("/repos/actions/runner/releases/tags/v{VERSION}")
}

/// Makes of the stub's release what was asked for.
pub(super) fn answer(call: &Call, body: &mut Value) {
    let release = body.take();
    *body = if call.path.ends_with("/downloads") {
        downloads(&release)
    } else {
        described(call, &release)
    };
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// System, CPU and checksum of an archive.
fn archive(asset: &Value) -> (&str, &str, &str) {
    let mut words = text(asset, "name").split('-').skip(2);
    let (os, cpu) = (words.next(), words.next());
    let sum = text(asset, "digest").trim_start_matches("sha256:");
    (os.unwrap_or_default(), cpu.unwrap_or_default(), sum)
}

fn assets(release: &Value) -> impl Iterator<Item = &Value> {
    release["assets"].as_array().into_iter().flatten()
}

/// The archives that GitHub names for a scope: a bare list.
fn downloads(release: &Value) -> Value {
    let all = assets(release).map(|asset| {
        let (os, cpu, sum) = archive(asset);
        json!({
            "os": os,
            "architecture": cpu,
            "download_url": asset["browser_download_url"],
            "filename": asset["name"],
            "sha256_checksum": sum,
        })
    });
    all.collect()
}

fn described(call: &Call, release: &Value) -> Value {
    let (base, tag) = (&call.base, text(release, "tag_name"));
    let at = format!("{base}/repos/actions/runner/releases");
    let author = user(base, "github-actions[bot]");
    let all: Vec<Value> = assets(release)
        .zip(1_u64..)
        .map(|(asset, id)| {
            json!({
                "id": id,
                "node_id": format!("RA_{id}"),
                "url": format!("{at}/assets/{id}"),
                "name": asset["name"],
                "label": "",
                "uploader": author,
                "content_type": "application/x-gzip",
                "state": "uploaded",
                "size": asset["size"],
                "digest": asset["digest"],
                "download_count": 0,
                "created_at": RELEASED,
                "updated_at": RELEASED,
                "browser_download_url": asset["browser_download_url"],
            })
        })
        .collect();
    let sums = assets(release).map(|asset| {
        let (os, cpu, sum) = archive(asset);
        format!("<!-- BEGIN SHA {os}-{cpu} -->{sum}<!-- END SHA {os}-{cpu} -->")
    });
    let sums: Vec<String> = sums.collect();
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
        "created_at": RELEASED,
        "published_at": RELEASED,
        "assets": all,
        "body": format!("## SHA-256 Checksums\n\n{}", sums.join("\n")),
    })
}
