//! Pull requests from forks, and what follows them, start nothing by themselves.

use super::*;

#[test]
fn a_pull_request_of_a_fork_starts_nothing_unless_that_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("event.json");
    let decide = |event: &'static str, head: Value, inputs: Value| {
        let payload = json!({
            "repository": { "full_name": "octo/app" },
            "pull_request": { "head": { "repo": head }, "base": { "repo": { "full_name": "octo/app" } } },
        });
        std::fs::write(&path, payload.to_string()).expect("a file");
        let path = path.display().to_string();
        decide_in(
            env(&[("GITHUB_EVENT_NAME", event), ("GITHUB_EVENT_PATH", &path)]),
            &inputs,
        )
    };
    let (own, fork) = (
        json!({ "full_name": "Octo/app" }),
        json!({ "full_name": "eve/app", "fork": true }),
    );
    let start = || json!({ "command": "start", "provider": "local" });
    for event in ["pull_request", "pull_request_target", "pull_request_review"] {
        decide(event, own.clone(), start()).expect("it does not come from a fork");
        let error = decide(event, fork.clone(), start()).expect_err("it is a fork");
        assert!(error.to_string().contains("`eve/app`"), "{error}");
        // A fork that is gone.
        decide(event, Value::Null, start()).expect_err("it may be a fork");
        decide(
            event,
            fork.clone(),
            json!({ "command": "start", "provider": "local", "allow-forks": "true" }),
        )
        .expect("it is allowed");
        decide(event, fork.clone(), json!({ "mapping": "" })).expect("a stop is never refused");
    }
    decide("push", fork, start()).expect("a push is not a pull request");
    let unread = decide_in(env(&[("GITHUB_EVENT_NAME", "pull_request")]), &start());
    insta::assert_snapshot!(unread.expect_err("nothing tells"), @"this may be a pull request from a fork: its code would run on your machine");
}

#[test]
fn a_run_that_follows_one_of_a_fork_starts_nothing_unless_that_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("event.json");
    let decide = |before: &str, head: Value, inputs: Value| {
        let payload = json!({
            "repository": { "full_name": "octo/app" },
            "workflow_run": { "event": before, "head_repository": head },
        });
        std::fs::write(&path, payload.to_string()).expect("a file");
        let path = path.display().to_string();
        decide_in(
            env(&[
                ("GITHUB_EVENT_NAME", "workflow_run"),
                ("GITHUB_EVENT_PATH", &path),
            ]),
            &inputs,
        )
    };
    let own = || json!({ "full_name": "Octo/app" });
    let fork = || json!({ "full_name": "eve/app", "fork": true });
    // As the other action spells it.
    let start = || json!({ "aws_instance_type": "t3.large" });
    for before in ["push", "pull_request", "schedule", "workflow_dispatch"] {
        decide(before, own(), start()).expect("it does not come from a fork");
    }
    for before in [
        "pull_request",
        "pull_request_target",
        "workflow_run",
        "push",
    ] {
        let error = decide(before, fork(), start()).expect_err("it is a fork");
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"this run follows one of the fork `eve/app`: its code would run on your machine");
        }
        let allowed = json!({ "command": "start", "provider": "local", "allow-forks": "true" });
        decide(before, fork(), allowed).expect("it is allowed");
        decide(before, fork(), json!({ "mapping": "" })).expect("a stop is never refused");
    }
    // A fork that is gone, and runs that are of this repository whoever wrote the code.
    for (before, head) in [
        ("pull_request", Value::Null),
        ("pull_request_target", own()),
        ("workflow_run", own()),
    ] {
        let error = decide(before, head, start()).expect_err("it may be a fork");
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"this run may follow one of a fork: its code would run on your machine");
        }
    }
    let unread = decide_in(env(&[("GITHUB_EVENT_NAME", "workflow_run")]), &start());
    unread.expect_err("nothing tells");
}
