//! Lists, conditional requests, limits, clocks, and archives.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

use super::*;

fn crowd(scene: &Scene, count: usize) {
    for number in 0..count {
        scene.registered(&format!("r{number}"));
    }
}

#[test]
fn pages_lead_to_each_other_and_hold_every_runner_once() {
    let scene = Scene::open();
    crowd(&scene, 25);
    let mut next = Some(format!("/api/v3{REPO}/runners?per_page=10"));
    let mut names = Vec::new();
    let mut pages = 0;
    while let Some(path) = next {
        let got = scene.get(&path);
        assert_eq!(got.json()["total_count"], 25);
        let runners = got.json()["runners"].as_array().unwrap().clone();
        names.extend(runners.iter().map(|runner| runner["name"].clone()));
        pages += 1;
        let links = got.header("link").unwrap().to_owned();
        assert!(links.contains(&format!("<{}/api/v3{REPO}/", scene.stub.url())));
        next = links
            .split(", ")
            .find(|link| link.ends_with("rel=\"next\""))
            .map(|link| link[1..link.find('>').unwrap()].to_owned());
    }
    names.dedup();
    assert_eq!((pages, names.len()), (3, 25));
}

#[test]
fn a_page_has_thirty_entries_unless_asked_and_never_more_than_a_hundred() {
    let scene = Scene::open();
    crowd(&scene, 120);
    let length = |query: &str| {
        let list = scene.get(&format!("{REPO}/runners{query}")).json();
        list["runners"].as_array().unwrap().len()
    };
    assert_eq!(length(""), 30);
    assert_eq!(length("?per_page=1000"), 100);
    assert_eq!(length("?per_page=100&page=2"), 20);
    assert_eq!(length("?page=9"), 0);
    assert_eq!(length("?name=r7"), 1);
    assert_eq!(length("?name=r"), 0);
}

#[test]
fn an_unchanged_list_is_not_sent_again_and_costs_nothing() {
    let mut scene = Scene::open();
    scene.registered("a");
    let path = format!("{REPO}/runners");
    let first = scene.get(&path);
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = scene.get_with(&path, &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    let remaining = "x-ratelimit-remaining";
    assert_eq!(again.header(remaining), first.header(remaining));

    scene.github.bring_online("a");
    let changed = scene.get_with(&path, &[("if-none-match", &tag)]);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));

    let mine = changed.header("etag").unwrap().to_owned();
    "another".clone_into(&mut scene.token);
    let other = scene.get_with(&path, &[("if-none-match", &mine)]);
    assert_eq!(other.status, 200, "a tag is one token's own");
}

#[test]
fn every_answer_has_an_id_of_its_own_and_the_servers_date() {
    let scene = Scene::open();
    let ids: BTreeSet<String> = (0..50)
        .map(|_| {
            scene
                .get("/meta")
                .header("x-github-request-id")
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 50);
    let date = |scene: &Scene| {
        let got = scene.get("/meta");
        httpdate::parse_http_date(got.header("date").unwrap()).unwrap()
    };
    let before = date(&scene);
    scene.github.clock_ahead(SignedDuration::from_hours(8));
    let ahead = date(&scene).duration_since(before).unwrap().as_secs();
    assert!((28_800..28_900).contains(&ahead), "{ahead}");
}

#[test]
fn the_limit_is_counted_told_and_held_to() {
    let scene = Scene::open();
    scene.github.quota(3);
    let path = format!("{REPO}/runners");
    for left in ["2", "1", "0"] {
        let got = scene.get(&path);
        assert_eq!(got.status, 200);
        assert_eq!(got.header("x-ratelimit-remaining"), Some(left));
    }
    let over = scene.get(&path);
    assert_eq!(over.status, 403);
    assert!(over.message().contains("API rate limit exceeded"));
    assert_eq!(over.header("x-ratelimit-remaining"), Some("0"));
    let reset: i64 = over.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset > jiff::Timestamp::now().as_second());
    let limits = scene.get("/rate_limit");
    assert_eq!(limits.json()["resources"]["core"]["remaining"], 0);
}

#[test]
fn a_client_has_to_name_itself_and_a_version_that_exists() {
    let scene = Scene::open();
    let nameless = scene.get_with("/meta", &[("user-agent", "")]);
    assert_eq!(nameless.status, 403);
    let version = |version: &str| {
        let headers = [("x-github-api-version", version)];
        scene.get_with("/meta", &headers).status
    };
    assert_eq!(version("2022-11-28"), 200);
    assert_eq!(version("1999-01-01"), 400);
}

#[test]
fn what_is_not_there_is_not_found() {
    let scene = Scene::open();
    for path in [
        "/",
        "/repos/acme/app/actions/runners/abc",
        "/repos/acme/app/actions/runners/99",
        "/repos/acme/app/actions/runs/99",
        "/repos/acme/app/actions/runs/99/jobs",
        "/repos/acme/app/actions/jobs/99",
        "/repos/acme/app/releases/latest",
        "/repos/actions/runner/releases/tags/v0.0.1",
        "/orgs/acme/actions/runners/deprecations/2.336.0",
    ] {
        let got = scene.get(path);
        assert_eq!(
            (got.status, got.message()),
            (404, "Not Found".into()),
            "{path}"
        );
    }
}

#[test]
fn archives_have_the_checksum_that_is_told_twice() {
    let scene = Scene::open();
    let downloads = scene.get(&format!("{REPO}/runners/downloads")).json();
    let release = scene.get("/repos/actions/runner/releases/latest").json();
    let tagged = scene
        .get("/repos/actions/runner/releases/tags/v2.336.0")
        .json();
    assert_eq!(release, tagged);
    let downloads = downloads.as_array().unwrap();
    assert_eq!(downloads.len(), 5);
    for download in downloads {
        let url = download["download_url"].as_str().unwrap();
        let bytes = scene.runtime.block_on(async {
            let got = scene.client.get(url).send().await.unwrap();
            assert_eq!(got.status(), 200);
            got.bytes().await.unwrap()
        });
        let sum = format!("{:x}", Sha256::digest(&bytes));
        assert_eq!(download["sha256_checksum"], sum);
        let assets = release["assets"].as_array().unwrap();
        let asset = assets
            .iter()
            .find(|asset| asset["name"] == download["filename"])
            .unwrap();
        assert_eq!(asset["digest"], format!("sha256:{sum}"));
        assert_eq!(asset["size"], bytes.len());
        assert_eq!(asset["browser_download_url"], url);
        let (os, cpu) = (&download["os"], &download["architecture"]);
        let (os, cpu) = (os.as_str().unwrap(), cpu.as_str().unwrap());
        let line = format!("<!-- BEGIN SHA {os}-{cpu} -->{sum}<!-- END SHA {os}-{cpu} -->");
        assert!(release["body"].as_str().unwrap().contains(&line), "{line}");
    }
}
