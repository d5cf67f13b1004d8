//! Every answer is of the form that GitHub's own description has for it.

use std::collections::BTreeSet;

use reqwest::Method;

use super::*;
use gharun_worlds::github::spec::Spec;
use gharun_worlds::github::{Exchange, Fault, Group, Kind, Page, Standing, Visibility};

/// Asks everything that can be asked, where there is something to be answered.
fn ask_everything(scene: &mut Scene) {
    let github = scene.github.clone();
    github.add_group(3, "gpu");
    let closed = Group {
        visibility: Visibility::Selected(vec!["app".to_owned()]),
        workflows: Some(vec!["acme/app/.github/workflows/x.yml@main".to_owned()]),
        ..Group::open("closed")
    };
    github.set_group(4, closed);
    github.set_run(7, 1, "in_progress");
    let waiting = github.add_job(7, 1, "nobody");
    for scope in ["/repos/acme/app", "/orgs/acme", "/enterprises/acme"] {
        let runners = format!("{scope}/actions/runners");
        let jit = format!("{runners}/generate-jitconfig");
        for name in ["done", "idle", "busy"] {
            let got = scene.post(&jit, &asked(name));
            let id = got.json()["runner"]["id"].as_u64().expect("a number");
            if name != "idle" {
                assert!(github.bring_online(name));
                scene.stub.queue_job(name, "true");
                github.begin_job(name).expect("it is idle");
            }
            if name == "done" {
                github.end_job(name);
            }
            let one = format!("{runners}/{id}");
            let first = scene.get(&one);
            let tag = first.header("etag").unwrap_or("none").to_owned();
            scene.get_with(&one, &[("if-none-match", &tag)]);
            if name == "idle" {
                scene.post(&jit, &asked(name));
                scene.get(&runners);
                scene.delete(&one);
            }
            scene.delete(&one);
        }
        scene.post(
            &jit,
            &json!({ "name": "a", "labels": [], "runner_group_id": 1 }),
        );
        scene.post(
            &jit,
            &json!({ "name": "a", "labels": ["a"], "runner_group_id": 77 }),
        );
        scene.get(&format!("{runners}?per_page=1&name=idle"));
        scene.get(&format!("{runners}/downloads"));
        github.set_end_of("2.300.0", None, Some(jiff::Timestamp::UNIX_EPOCH));
        for version in ["2.300.0", "2.336.0"] {
            scene.get(&format!("{runners}/deprecations/{version}"));
        }
        let path = format!("{runners}/registration-token");
        let sent = scene.send(&Method::POST, &path, &[], None, PATIENCE);
        sent.expect("an answer");
        if !scope.starts_with("/repos") {
            let groups = format!("{scope}/actions/runner-groups");
            scene.get(&groups);
            for one in [1, 4, 99] {
                scene.get(&format!("{groups}/{one}"));
            }
        }
    }
    for path in [
        "/meta",
        "/rate_limit",
        "/repos/acme/app",
        "/repos/acme/app/actions/runs/7",
        "/repos/acme/app/actions/runs/7/jobs",
        "/repos/acme/app/actions/runs/7/attempts/1/jobs",
        "/repos/acme/app/actions/runs/7/attempts/2/jobs",
        "/repos/acme/app/actions/runs/8",
        "/repos/actions/runner/releases/latest",
        "/repos/actions/runner/releases/tags/v2.336.0",
        "/repos/actions/runner/releases/tags/v1",
    ] {
        scene.get(path);
    }
    let jobs = scene.stub.jobs().into_iter().map(|job| job.id);
    for job in jobs.chain([waiting]) {
        scene.get(&format!("/repos/acme/app/actions/jobs/{job}"));
    }
    for standing in [Standing::Bad, Standing::Integration, Standing::Unseen] {
        github.set_token("weak", standing);
        "weak".clone_into(&mut scene.token);
        scene.get("/repos/acme/app/actions/runners");
    }
}

fn complaint(spec: &Spec, exchange: &Exchange) -> Option<String> {
    let status = exchange.status.expect("nothing is withheld here");
    let answer = exchange.answer_json();
    let path = exchange.api_path();
    let checked = spec.check_answer(&exchange.method, path, status, answer.as_ref());
    checked
        .err()
        .map(|why| format!("{} {path} {status}: {why}", exchange.method))
}

#[test]
fn every_answer_is_as_github_describes_it() {
    let Some(spec) = Spec::load() else {
        return;
    };
    let mut scene = Scene::open();
    ask_everything(&mut scene);
    let requests = scene.github.requests();
    let complaints: Vec<String> = requests
        .iter()
        .filter_map(|exchange| complaint(&spec, exchange))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let routes: BTreeSet<&str> = requests
        .iter()
        .map(|exchange| exchange.route.as_deref().expect("a path of GitHub's"))
        .collect();
    // The runners of each of three scopes, the groups of two, all and one of them, and what a repository or nobody has.
    assert_eq!(routes.len(), 3 * 6 + 2 * 2 + 9, "{routes:#?}");
    let statuses: BTreeSet<u16> = requests.iter().filter_map(|one| one.status).collect();
    let all = [200, 201, 204, 304, 401, 403, 404, 409, 422];
    assert_eq!(statuses, BTreeSet::from(all));
}

#[test]
fn an_answer_that_is_not_as_described_is_noticed() {
    let Some(spec) = Spec::load() else {
        return;
    };
    let scene = Scene::open();
    scene.github.fault(Fault::once(
        "GET",
        "/runners",
        Kind::Status {
            code: 200,
            body: Page::Json(json!({ "total_count": 1, "runners": [{}] })),
            headers: Vec::new(),
        },
    ));
    scene.get(&format!("{REPO}/runners"));
    assert!(complaint(&spec, &scene.github.requests()[0]).is_some());
}
