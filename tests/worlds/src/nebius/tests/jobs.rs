//! Jobs: their ways from the request to the end.

use std::time::Duration;

use super::client::{Client, described, job};
use crate::nebius::{CancelPath, Deletion, Ending, PROJECT, Stock};

const FOR_LONG: Duration = Duration::from_hours(1);

fn list(client: &Client) -> Vec<String> {
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let target = format!("/ai/v1/jobs?parentId={PROJECT}&pageSize=100&pageToken={token}");
        let page = client.get(&target).json();
        for item in page["items"].as_array().into_iter().flatten() {
            names.push(item["metadata"]["name"].as_str().unwrap().to_owned());
        }
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    names.sort();
    names
}

#[test]
fn a_job_runs_and_is_deleted() {
    let client = Client::new();
    let id = client.make("/ai/v1/jobs", &job("one"));
    assert_eq!(client.job_state(&id), "RUNNING");
    assert_eq!(client.standin.jobs().len(), 1);
    assert_eq!(client.standin.billed().len(), 2, "a VM and its disk");
    let reply = client.ask("DELETE", &format!("/ai/v1/jobs/{id}"), None);
    assert_eq!(reply.json()["resourceId"], *id);
    assert_eq!(client.get(&format!("/ai/v1/jobs/{id}")).status, 404);
    assert!(client.standin.jobs().is_empty());
    assert!(client.standin.billed().is_empty());
    client.clean();
}

#[test]
fn the_whole_way_of_a_slow_start_is_told() {
    let client = Client::new();
    let mut seen = Vec::new();
    client.standin.set(|world| {
        world.provisioning = Duration::from_millis(200);
        world.starting = Duration::from_millis(200);
        world.pulling = Duration::from_millis(200);
        world.ends = Some((Duration::from_millis(200), Ending::Completed));
    });
    let id = client.make("/ai/v1/jobs", &job("one"));
    client.standin.until("the job has ended", |standin| {
        let state = standin.jobs()[0].state;
        if seen.last() != Some(&state) {
            seen.push(state);
        }
        state == "COMPLETED"
    });
    // A busy machine may miss one; none may come out of turn.
    let way = [
        "PROVISIONING",
        "STARTING",
        "IMAGE_PULLING",
        "RUNNING",
        "COMPLETED",
    ];
    let mut rest = way.iter();
    assert!(
        seen.iter().all(|state| rest.any(|own| own == state)),
        "{seen:?}"
    );
    let told = client.get(&format!("/ai/v1/jobs/{id}")).json();
    assert!(told["status"]["finishedAt"].is_string(), "{told}");
    assert_eq!(list(&client), ["one"], "what has ended is still listed");
    assert!(
        client.standin.billed().is_empty(),
        "its VM has gone with it"
    );
    client.clean();
}

#[test]
fn a_stuck_job_costs_money_until_it_is_deleted() {
    let client = Client::new();
    client.standin.set(|world| world.stuck = true);
    let id = client.make("/ai/v1/jobs", &job("one"));
    assert_eq!(client.job_state(&id), "STARTING");
    assert!(!client.standin.billed().is_empty());
}

#[test]
fn the_server_puts_an_end_to_a_job() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.hour = Duration::from_millis(50));
    let id = client.make("/ai/v1/jobs", &job("one"));
    client.standin.until("the timeout", |standin| {
        standin.jobs().iter().all(|job| job.state == "FAILED")
    });
    let told = client.get(&format!("/ai/v1/jobs/{id}")).json();
    assert_eq!(told["status"]["stateDetails"]["code"], "Timeout");
    assert!(client.standin.billed().is_empty());
    client.clean();
}

#[test]
fn secrets_are_told_to_whom_may_see_them() {
    let client = Client::new();
    let id = client.make("/ai/v1/jobs", &job("one"));
    let file = |reply: super::client::Reply| reply.json()["spec"]["injectedFiles"][0].clone();
    let plain = file(client.get(&format!("/ai/v1/jobs/{id}")));
    assert!(plain.get("content").is_none(), "{plain}");
    let secret = file(client.get(&format!("/ai/v1/jobs/{id}?view=SECRET")));
    assert_eq!(secret["content"], "ZXhpdCAwCg==");
    client.clean();
}

#[test]
fn want_of_machines_is_told_at_once_or_later() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.stocked("gpu-h100-sxm", Stock::Refused));
    let refused = client.post("/ai/v1/jobs", &job("one"));
    assert_eq!(
        (refused.status, refused.json()["code"].clone()),
        (429, 8.into())
    );
    assert_eq!(refused.code(), "NotEnoughResources");
    assert!(client.standin.jobs().is_empty());
    client
        .standin
        .set(|world| world.stocked("gpu-h100-sxm", Stock::Later(Duration::ZERO)));
    let id = client.make("/ai/v1/jobs", &job("one"));
    let told = client.get(&format!("/ai/v1/jobs/{id}")).json();
    assert_eq!(told["status"]["state"], "ERROR");
    let error = &told["status"]["stateDetails"]["serviceError"];
    assert!(
        error["notEnoughResources"]["violations"].is_array(),
        "{told}"
    );
    assert!(client.standin.billed().is_empty());
    client.clean();
}

#[test]
fn the_last_machine_goes_to_the_first_who_asks() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.stocked("gpu-h100-sxm", Stock::Units(1)));
    let id = client.make("/ai/v1/jobs", &job("one"));
    assert_eq!(
        client.post("/ai/v1/jobs", &job("two")).code(),
        "NotEnoughResources"
    );
    client.ask("DELETE", &format!("/ai/v1/jobs/{id}"), None);
    client.make("/ai/v1/jobs", &job("two"));
}

#[test]
fn the_quota_is_no_want_of_machines() {
    let client = Client::new();
    client
        .standin
        .set(|world| world.stocked("gpu-h100-sxm", Stock::Quota));
    let refused = client.post("/ai/v1/jobs", &job("one"));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (429, "QuotaFailure")
    );
    let detail = &refused.json()["details"][0];
    assert!(detail["quotaFailure"]["violations"].is_array(), "{detail}");
    client.clean();
}

#[test]
fn only_one_spelling_of_cancel_works() {
    let client = Client::new();
    for (cancel, works, fails, status) in [
        (
            CancelPath::Body(405),
            "/ai/v1/jobs/cancel",
            "/ai/v1/jobs/{}:cancel",
            405,
        ),
        (
            CancelPath::Colon(404),
            "/ai/v1/jobs/{}:cancel",
            "/ai/v1/jobs/cancel",
            404,
        ),
    ] {
        client.standin.set(|world| world.cancel = cancel);
        let id = client.make("/ai/v1/jobs", &job(&format!("job-{status}")));
        let cancel = |path: &str| {
            let body = path.contains("{}").then(|| serde_json::json!({}));
            let body = body.unwrap_or_else(|| serde_json::json!({"id": id}));
            client.post(&path.replace("{}", &id), &body).status
        };
        assert_eq!(cancel(fails), status);
        assert_eq!(client.job_state(&id), "RUNNING");
        assert_eq!(cancel(works), 200);
        assert_eq!(client.job_state(&id), "CANCELLED");
    }
    client.clean();
}

#[test]
fn what_runs_may_have_to_be_cancelled_first() {
    let client = Client::new();
    client.standin.set(|world| {
        world.deletion = Deletion::Refused(409);
        world.cancelling = Duration::from_millis(100);
        world.deleting = Duration::from_millis(100);
    });
    let id = client.make("/ai/v1/jobs", &job("one"));
    let delete = || {
        client
            .ask("DELETE", &format!("/ai/v1/jobs/{id}"), None)
            .status
    };
    assert_eq!(delete(), 409);
    let body = serde_json::json!({"id": id});
    assert_eq!(client.post("/ai/v1/jobs/cancel", &body).status, 200);
    client.standin.until("it is cancelled", |standin| {
        standin.jobs().iter().all(|job| job.state == "CANCELLED")
    });
    assert_eq!(delete(), 200);
    client
        .standin
        .until("it is gone", |standin| standin.jobs().is_empty());
    client.clean();
}

#[test]
fn an_accepted_job_may_fail_later() {
    let client = Client::new();
    client.standin.set(|world| {
        let refusal = crate::nebius::Refusal::internal();
        world.operations_fail = Some(refusal);
    });
    let reply = client.post("/ai/v1/jobs", &job("one")).json();
    let operation = reply["id"].as_str().unwrap();
    let told = client.get(&format!("/ai/v1/operations/{operation}")).json();
    assert_eq!(told["status"]["code"], 13, "{told}");
    let id = reply["resourceId"].as_str().unwrap();
    assert_eq!(client.job_state(id), "ERROR");
    assert_eq!(
        client
            .get(&format!("/compute/v1/operations/{operation}"))
            .status,
        404
    );
    client.clean();
}

#[test]
fn lists_have_pages_and_lag_behind() {
    let client = Client::new();
    let empty = client.get(&format!("/ai/v1/jobs?parentId={PROJECT}"));
    assert_eq!(empty.text, "{}");
    for name in ["j1", "j2", "j3", "j4", "j5"] {
        client.make("/ai/v1/jobs", &job(name));
    }
    assert_eq!(list(&client), ["j1", "j2", "j3", "j4", "j5"]);
    client.standin.set(|world| world.listing_lag = FOR_LONG);
    let id = client.make("/ai/v1/jobs", &job("late"));
    assert_eq!(list(&client).len(), 5);
    assert_eq!(client.job_state(&id), "RUNNING");
    client.clean();
    let wrong = client.get(&format!("/ai/v1/jobs?parentId={PROJECT}&pageToken=x"));
    assert_eq!(wrong.status, 400);
    if described().is_some() {
        let wrong = client.get("/ai/v1/jobs");
        assert_eq!(wrong.status, 400);
        let wrong = client.get(&format!("/ai/v1/jobs?parentId={PROJECT}&page_size=1"));
        assert_eq!(wrong.status, 400, "{}", wrong.text);
    }
}
