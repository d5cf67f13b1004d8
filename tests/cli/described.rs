//! Every request of every command is one that GitHub describes, and every answer to it, too.

use std::collections::BTreeSet;

use gharun_worlds::github::{Exchange, Group, Visibility};
use serde_json::Value;

use crate::life::nothing_is_left;
use crate::world::{World, wait_for};
use gharun_worlds::github::spec::Spec;

/// What is wrong with a request or with its answer.
fn complaint(spec: &Spec, one: &Exchange) -> Option<String> {
    let path = one.api_path();
    let target = match &one.query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let what = format!("{} {target}", one.method);
    if one.header("user-agent").is_none() || one.header("x-github-api-version").is_none() {
        return Some(format!("{what}: a header is missing"));
    }
    let body: Option<Value> = one.request_json();
    if let Err(why) = spec.check_request(&one.method, &target, body.as_ref()) {
        return Some(format!("{what}: {why}"));
    }
    let status = one.status?;
    let answer = one.answer_json();
    let checked = spec.check_answer(&one.method, path, status, answer.as_ref());
    checked.err().map(|why| format!("{what}: {why}"))
}

/// Runs a command and checks what it asked; the sorts of its requests.
#[track_caller]
fn asks(spec: &Spec, world: &World, args: &str, code: i32) -> BTreeSet<String> {
    world.github.forget_requests();
    world.run(args).exits(code);
    let requests = world.github.requests();
    // A machine fetches its runner without the API.
    let api = requests
        .iter()
        .filter(|one| !one.path.contains("/releases/download/"));
    let complaints: Vec<String> = api.clone().filter_map(|one| complaint(spec, one)).collect();
    assert!(
        complaints.is_empty(),
        "`{args}`:\n{}",
        complaints.join("\n")
    );
    let route = |one: &Exchange| {
        let route = one.route.as_deref().unwrap_or("nothing of GitHub's");
        format!("{} {route}", one.method)
    };
    let sorts: BTreeSet<String> = api.map(route).collect();
    assert!(!sorts.is_empty(), "`{args}` asked nothing");
    sorts
}

#[test]
fn every_command_asks_what_github_describes() {
    let Some(spec) = Spec::load() else { return };
    let mut all = BTreeSet::new();
    for scope in ["", " --org octo", " --enterprise octo"] {
        let world = World::step();
        world.github.set_run(7, 1, "in_progress");
        let name = world.repo().split_once('/').expect("a repository").1;
        let gpu = Group {
            visibility: Visibility::Selected(vec![name.to_owned()]),
            ..Group::open("gpu")
        };
        world.github.set_group(3, gpu);
        let group = if scope.is_empty() {
            ""
        } else {
            " --runner-group GPU"
        };
        let mut ask = |args: &str, code| {
            all.extend(asks(&spec, &world, &format!("{args}{scope}"), code));
        };
        ask(&format!("providers check local{group}"), 0);
        ask(&format!("start local{group}"), 0);
        let label = world.output("label").expect("an output");
        let mapping = world.output("mapping").expect("an output");
        ask("list", 0);
        ask("list --orphans --provider local", 0);
        ask("stop --dry-run", 0);
        ask("stop --orphans --provider local", 0);
        ask(&format!("stop {label}"), 0);
        ask("start local --runner-version 2.336.0 --label extra", 0);
        ask("stop --run --yes", 0);
        ask("start local --count 2 --set slots=2", 0);
        ask("stop --all --yes --provider local", 0);
        ask("start local", 0);
        let file = world.path("mapping.json");
        std::fs::write(&file, world.output("mapping").expect("an output")).expect("a file");
        assert_ne!(world.output("mapping"), Some(mapping));
        ask("stop --mapping mapping.json", 0);
        nothing_is_left(&world);
        // The plan of a start is made without a word to anybody.
        world.github.forget_requests();
        world
            .run(&format!("start local --dry-run{scope}{group}"))
            .exits(0);
        assert!(world.github.requests().is_empty());
    }
    // On a laptop no run is known: its repository's are listed.
    let world = World::new();
    all.extend(asks(&spec, &world, "providers check local", 0));
    // A run that is over makes an orphan, whose jobs are looked at.
    let world = World::step();
    world.github.set_run(7, 1, "in_progress");
    world.run("start local").exits(0);
    let label = world.output("label").expect("an output");
    world.github.set_run(7, 1, "completed");
    all.extend(asks(&spec, &world, "list --orphans", 0));
    all.extend(asks(&spec, &world, "stop --orphans --second-look 1s", 0));
    nothing_is_left(&world);
    // And one at work is found by its job.
    world.github.set_run(7, 1, "in_progress");
    world.run("start local").exits(0);
    let busy = world.output("label").expect("an output");
    assert_ne!(busy, label);
    world.stub.queue_job(&busy, "sleep 300");
    wait_for("the job", || {
        let row = world.runner(&busy)?;
        row.busy.then_some(())
    });
    all.extend(asks(&spec, &world, "stop", 3));
    let reference = world.output("mapping").expect("an output");
    std::fs::write(world.path("mapping.json"), reference).expect("a file");
    world.run("stop --mapping mapping.json --timeout 5s");
    insta::assert_snapshot!(all.into_iter().collect::<Vec<_>>().join("\n"), @"
    DELETE /enterprises/{enterprise}/actions/runners/{runner_id}
    DELETE /orgs/{org}/actions/runners/{runner_id}
    DELETE /repos/{owner}/{repo}/actions/runners/{runner_id}
    GET /enterprises/{enterprise}/actions/runner-groups
    GET /enterprises/{enterprise}/actions/runner-groups/{runner_group_id}
    GET /enterprises/{enterprise}/actions/runners
    GET /enterprises/{enterprise}/actions/runners/deprecations/{version}
    GET /enterprises/{enterprise}/actions/runners/downloads
    GET /enterprises/{enterprise}/actions/runners/{runner_id}
    GET /orgs/{org}/actions/runner-groups
    GET /orgs/{org}/actions/runner-groups/{runner_group_id}
    GET /orgs/{org}/actions/runners
    GET /orgs/{org}/actions/runners/deprecations/{version}
    GET /orgs/{org}/actions/runners/downloads
    GET /orgs/{org}/actions/runners/{runner_id}
    GET /rate_limit
    GET /repos/{owner}/{repo}
    GET /repos/{owner}/{repo}/actions/runners
    GET /repos/{owner}/{repo}/actions/runners/deprecations/{version}
    GET /repos/{owner}/{repo}/actions/runners/downloads
    GET /repos/{owner}/{repo}/actions/runners/{runner_id}
    GET /repos/{owner}/{repo}/actions/runs/{run_id}
    GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs
    GET /repos/{owner}/{repo}/releases/tags/{tag}
    POST /enterprises/{enterprise}/actions/runners/generate-jitconfig
    POST /orgs/{org}/actions/runners/generate-jitconfig
    POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig
    ");
}
