//! Runner archives: which there are, in which release, and their bytes.

use serde_json::{Map, Value, json};

use crate::rehearsal::answer::Answer;
use crate::rehearsal::archive::Archive;
use crate::rehearsal::state::StubState;

/// The address of an archive, as a machine reaches it.
fn address(state: &StubState, archive: &Archive) -> String {
    let (base, version) = (&state.base, &state.version);
    format!(
        "{base}/actions/runner/releases/download/v{version}/{}",
        archive.filename
    )
}

/// The archives that GitHub names for a scope: a bare list.
pub(super) fn downloads(state: &StubState) -> Answer {
    let all = state.archives.iter().map(|archive| {
        json!({
            "os": archive.os,
            "architecture": archive.architecture,
            "download_url": address(state, archive),
            "filename": archive.filename,
            "sha256_checksum": archive.sha256,
        })
    });
    Answer::json(all.collect())
}

pub(super) fn archive(state: &StubState, file: &str) -> Answer {
    let mut archives = state.archives.iter();
    let found = archives.find(|archive| archive.filename == file);
    found.map_or_else(Answer::not_found, |archive| {
        Answer::archive(archive.bytes.clone())
    })
}

/// The releases of `actions/runner`: one, and it is the latest.
pub(super) fn release(state: &StubState, owner: &str, name: &str, which: &[&str]) -> Answer {
    let tag = format!("v{}", state.version);
    let known = match which {
        ["latest"] => true,
        ["tags", wanted] => *wanted == tag,
        _ => false,
    };
    if !known || (owner, name) != ("actions", "runner") {
        return Answer::not_found();
    }
    Answer::json(described(state, &tag))
}

fn described(state: &StubState, tag: &str) -> Value {
    let base = &state.base;
    let at = format!("{base}/repos/actions/runner/releases");
    let author = user(base, "github-actions[bot]");
    let time = "2026-07-20T12:00:00Z";
    let assets: Vec<Value> = state
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
                "browser_download_url": address(state, archive),
            })
        })
        .collect();
    let sum = |archive: &Archive| {
        let (os, cpu, sha) = (archive.os, archive.architecture, &archive.sha256);
        format!("<!-- BEGIN SHA {os}-{cpu} -->{sha}<!-- END SHA {os}-{cpu} -->")
    };
    let sums: Vec<String> = state.archives.iter().map(sum).collect();
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

/// A user as GitHub describes one in passing.
fn user(base: &str, login: &str) -> Value {
    let at = format!("{base}/users/{login}");
    let mut user = Map::new();
    user.insert("login".to_owned(), json!(login));
    user.insert("id".to_owned(), json!(1));
    user.insert("node_id".to_owned(), json!("U_1"));
    user.insert("gravatar_id".to_owned(), json!(""));
    user.insert("type".to_owned(), json!("User"));
    user.insert("site_admin".to_owned(), json!(false));
    user.insert("url".to_owned(), json!(at));
    user.insert(
        "html_url".to_owned(),
        json!(format!("https://github.com/{login}")),
    );
    for (key, tail) in [
        ("avatar_url", "/avatar"),
        ("events_url", "/events{/privacy}"),
        ("followers_url", "/followers"),
        ("following_url", "/following{/other_user}"),
        ("gists_url", "/gists{/gist_id}"),
        ("organizations_url", "/orgs"),
        ("received_events_url", "/received_events"),
        ("repos_url", "/repos"),
        ("starred_url", "/starred{/owner}{/repo}"),
        ("subscriptions_url", "/subscriptions"),
    ] {
        user.insert(key.to_owned(), json!(format!("{at}{tail}")));
    }
    Value::Object(user)
}
