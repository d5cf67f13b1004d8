//! Workflow runs and their jobs.

use serde_json::{Value, json};

use super::found::Found;
use super::page::page;
use super::repository;
use crate::github::auth::Need;
use crate::github::jobs::Job;
use crate::github::state::{State, written};
use crate::github::wire::{Answer, Call};

/// No commit has it: what a run is about is not played here.
const HEAD: &str = "0000000000000000000000000000000000000000";

pub(super) fn find<'a>(owner: &'a str, name: &'a str, rest: &'a [&'a str]) -> Option<Found<'a>> {
    let route = |tail: &str| format!("/repos/{{owner}}/{{repo}}/actions/{tail}");
    let need = Need::Runs;
    let found = match rest {
        ["runs", id] => Found::new(route("runs/{run_id}"), need, move |state, call| {
            let run = id
                .parse()
                .ok()
                .and_then(|id| run(state, call, owner, name, id));
            run.map_or_else(Answer::not_found, Answer::json)
        }),
        ["runs", id, "jobs"] => {
            Found::new(route("runs/{run_id}/jobs"), need, move |state, call| {
                let latest = call.query("filter").is_none_or(|filter| filter == "latest");
                let attempt = id
                    .parse()
                    .ok()
                    .and_then(|id: u64| Some(state.jobs.runs.get(&id)?.attempt));
                let attempt = attempt.filter(|_| latest);
                jobs(state, call, (owner, name), id, attempt)
            })
        }
        ["runs", id, "attempts", attempt, "jobs"] => Found::new(
            route("runs/{run_id}/attempts/{attempt_number}/jobs"),
            need,
            move |state, call| {
                attempt.parse().map_or_else(
                    |_| Answer::not_found(),
                    |attempt| jobs(state, call, (owner, name), id, Some(attempt)),
                )
            },
        ),
        ["jobs", id] => Found::new(route("jobs/{job_id}"), need, move |state, call| {
            let found = id.parse().ok().and_then(|id| state.jobs.job(id));
            found.map_or_else(Answer::not_found, |found| {
                Answer::json(job(state, call, owner, name, found))
            })
        }),
        _ => return None,
    };
    Some(found)
}

fn jobs(
    state: &State,
    call: &Call,
    (owner, name): (&str, &str),
    id: &str,
    attempt: Option<u32>,
) -> Answer {
    let known = id.parse().ok().filter(|id| {
        let run = state.jobs.runs.get(id);
        run.is_some_and(|run| attempt.is_none_or(|attempt| attempt <= run.attempt))
    });
    let Some(id) = known else {
        return Answer::not_found();
    };
    let all = state.jobs.of(id, attempt);
    let all = all
        .into_iter()
        .map(|found| job(state, call, owner, name, found));
    page(call, "jobs", all.collect())
}

fn run(state: &State, call: &Call, owner: &str, name: &str, id: u64) -> Option<Value> {
    let run = state.jobs.runs.get(&id)?;
    let at = format!("{}/repos/{owner}/{name}/actions/runs/{id}", call.base);
    let time = written(state.now());
    let repository = repository::repository(state, call, owner, name);
    Some(json!({
        "id": id,
        "node_id": format!("WFR_{id}"),
        "name": "rehearsal",
        "display_title": "rehearsal",
        "path": ".github/workflows/rehearsal.yml",
        "event": "workflow_dispatch",
        "status": run.status,
        "conclusion": (run.status == "completed").then_some("success"),
        "run_number": 1,
        "run_attempt": run.attempt,
        "workflow_id": 1,
        "check_suite_id": 1,
        "head_branch": "main",
        "head_sha": HEAD,
        "head_commit": null,
        "head_repository": repository,
        "repository": repository,
        "pull_requests": [],
        "created_at": time,
        "updated_at": time,
        "run_started_at": time,
        "url": at,
        "html_url": format!("https://github.com/{owner}/{name}/actions/runs/{id}"),
        "jobs_url": format!("{at}/jobs"),
        "logs_url": format!("{at}/logs"),
        "check_suite_url": format!("{}/repos/{owner}/{name}/check-suites/1", call.base),
        "artifacts_url": format!("{at}/artifacts"),
        "cancel_url": format!("{at}/cancel"),
        "rerun_url": format!("{at}/rerun"),
        "workflow_url": format!("{}/repos/{owner}/{name}/actions/workflows/1", call.base),
    }))
}

fn job(state: &State, call: &Call, owner: &str, name: &str, job: &Job) -> Value {
    let at = format!("{}/repos/{owner}/{name}", call.base);
    let (id, (run, attempt)) = (job.id, job.run);
    let runner = job.runner.as_ref();
    let group = runner.map(|(_, _, group)| *group);
    let group_name = group.and_then(|group| Some(&state.groups.get(&group)?.name));
    json!({
        "id": id,
        "node_id": format!("CR_{id}"),
        "run_id": run,
        "run_attempt": attempt,
        "run_url": format!("{at}/actions/runs/{run}"),
        "head_sha": HEAD,
        "head_branch": "main",
        "workflow_name": "rehearsal",
        "name": job.name,
        "url": format!("{at}/actions/jobs/{id}"),
        "html_url": format!("https://github.com/{owner}/{name}/actions/runs/{run}/job/{id}"),
        "check_run_url": format!("{at}/check-runs/{id}"),
        "status": job.status(),
        "conclusion": job.conclusion,
        "created_at": written(job.created),
        "started_at": written(job.created),
        "completed_at": job.ended.map(written),
        "labels": job.labels,
        "steps": [],
        "runner_id": runner.map(|(id, ..)| *id),
        "runner_name": runner.map(|(_, name, _)| name),
        "runner_group_id": group,
        "runner_group_name": group_name,
    })
}
