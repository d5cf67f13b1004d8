//! Registering, and who may.

use serde_json::{Value, json};

use super::*;
use gharun_worlds::github::Standing;

fn refused(scene: &Scene, body: &Value) -> (u16, String) {
    let got = scene.post(&format!("{REPO}/runners/generate-jitconfig"), body);
    assert_eq!(got.json()["status"], got.status.to_string(), "{}", got.text);
    (got.status, got.message())
}

#[test]
fn a_registration_is_a_row_that_has_not_connected() {
    let scene = Scene::open();
    let got = scene.register("gharun-x");
    let json = got.json();
    assert_eq!(got.status, 201);
    let runner = &json["runner"];
    assert_eq!(runner["status"], "offline");
    assert_eq!(runner["busy"], false);
    assert_eq!(runner["os"], "unknown");
    assert_eq!(runner["version"], Value::Null);
    assert_eq!(runner["ephemeral"], true);
    let labels: Vec<&str> = runner["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label["name"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["gharun-x", "gpu"], "in lower case, nothing added");
    let blob = json["encoded_jit_config"].as_str().unwrap();
    let secrets = scene.github.secrets();
    assert!(secrets.iter().any(|secret| *secret == blob));
    let id = runner["id"].as_u64().unwrap();
    let one = scene.get(&format!("{REPO}/runners/{id}"));
    assert_eq!((one.status, &one.json()), (200, runner));
}

#[test]
fn what_is_wrong_with_a_registration_is_said_and_nothing_is_made() {
    let scene = Scene::open();
    let without = |key: &str| {
        let mut body = asked("a");
        body.as_object_mut().unwrap().remove(key);
        body
    };
    let with = |key: &str, value: Value| {
        let mut body = asked("a");
        body[key] = value;
        body
    };
    let many: Vec<String> = (0..101).map(|number| format!("l{number}")).collect();
    for (body, part) in [
        (
            without("runner_group_id"),
            "object is missing required key: runner_group_id",
        ),
        (without("labels"), "missing required key: labels"),
        (without("name"), "missing required key: name"),
        (
            with("labels", json!([])),
            "Invalid property /labels: 1 item required; only 0 were supplied.",
        ),
        (with("labels", json!(many)), "no more than 100"),
        (with("labels", json!(["x".repeat(257)])), "/labels"),
        (with("labels", json!(["a,b"])), "/labels"),
        (with("labels", json!("gpu")), "/labels"),
        (with("name", json!("x".repeat(65))), "/name"),
        (with("name", json!("")), "/name"),
        (with("runner_group_id", json!("1")), "/runner_group_id"),
        (with("ephemeral", json!(true)), "not a permitted key"),
    ] {
        let (status, message) = refused(&scene, &body);
        assert_eq!(status, 422, "{body}");
        assert!(message.contains(part), "{message}");
    }
    assert!(scene.stub.runners().is_empty());
    let longest = with("name", json!("x".repeat(64)));
    let got = scene.post(&format!("{REPO}/runners/generate-jitconfig"), &longest);
    assert_eq!(got.status, 201);
}

#[test]
fn a_group_has_to_be_there_and_not_githubs_own() {
    let scene = Scene::open();
    let in_group = |group: u64| json!({ "name": "a", "runner_group_id": group, "labels": ["a"] });
    assert_eq!(refused(&scene, &in_group(2)), (403, "Forbidden".into()));
    assert_eq!(refused(&scene, &in_group(9)), (404, "Not Found".into()));
    scene.github.add_group(9, "gpu");
    let path = "/orgs/acme/actions/runners/generate-jitconfig";
    let got = scene.post(path, &in_group(9));
    assert_eq!(got.json()["runner"]["runner_group_id"], 9);
    let groups = scene.get("/orgs/acme/actions/runner-groups").json();
    assert_eq!(groups["total_count"], 3);
    assert_eq!(groups["runner_groups"][2]["name"], "gpu");
}

#[test]
fn a_name_is_taken_within_its_scope_alone() {
    let scene = Scene::open();
    scene.registered("a");
    let again = scene.register("a");
    assert_eq!(again.status, 409);
    assert_eq!(
        again.message(),
        "Already exists - A runner with the name a already exists."
    );
    for scope in ["/orgs/acme", "/enterprises/acme", "/repos/acme/other"] {
        let path = format!("{scope}/actions/runners/generate-jitconfig");
        assert_eq!(scene.post(&path, &asked("a")).status, 201, "{scope}");
    }
}

#[test]
fn scopes_do_not_see_each_others_runners_and_take_any_case() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    let other = "/orgs/acme/actions/runners/generate-jitconfig";
    assert_eq!(scene.post(other, &asked("stranger")).status, 201);
    let list = scene.get("/repos/Acme/APP/actions/runners").json();
    assert_eq!(list["total_count"], 1);
    assert_eq!(list["runners"][0]["name"], "a");
    let elsewhere = format!("/orgs/acme/actions/runners/{id}");
    assert_eq!(scene.get(&elsewhere).status, 404);
    assert_eq!(scene.delete(&elsewhere).status, 404);
    assert_eq!(scene.stub.runners().len(), 2);
}

#[test]
fn a_token_is_as_good_as_its_standing() {
    let mut scene = Scene::open();
    scene.github.demand_token("good");
    let integration = "Resource not accessible by integration";
    let personal = "Resource not accessible by personal access token";
    let admin = "Must have admin rights to Repository.";
    for (token, standing, status, message) in [
        ("bad", Standing::Bad, 401, "Bad credentials"),
        ("step", Standing::Integration, 403, integration),
        ("fine", Standing::PersonalAccess, 403, personal),
        ("user", Standing::NoAdmin, 403, admin),
        ("blind", Standing::Unseen, 404, "Not Found"),
    ] {
        scene.github.set_token(token, standing);
        token.clone_into(&mut scene.token);
        let got = scene.register("a");
        assert_eq!((got.status, got.message()), (status, message.into()));
        assert_eq!(
            got.header("x-accepted-github-permissions"),
            Some("administration=write")
        );
    }
    "never heard of".clone_into(&mut scene.token);
    assert_eq!(scene.register("a").message(), "Bad credentials");
    scene.token.clear();
    assert_eq!(scene.register("a").status, 401);
    assert_eq!(
        scene.get("/repos/actions/runner/releases/latest").status,
        200
    );
    "good".clone_into(&mut scene.token);
    assert_eq!(scene.register("a").status, 201);
}

#[test]
fn a_step_token_reads_runs_and_no_runners() {
    let mut scene = Scene::open();
    scene.github.set_token("step", Standing::Integration);
    scene.github.set_run(7, 1, "in_progress");
    "step".clone_into(&mut scene.token);
    assert_eq!(scene.get(&format!("{REPO}/runs/7")).status, 200);
    let list = scene.get("/orgs/acme/actions/runners");
    assert_eq!(list.status, 403);
    assert_eq!(
        list.header("x-accepted-github-permissions"),
        Some("organization_self_hosted_runners=read")
    );
}

#[test]
fn tokens_for_registration_are_secrets_and_last_an_hour() {
    let scene = Scene::open();
    let got = scene.post(&format!("{REPO}/runners/registration-token"), &json!({}));
    assert_eq!(got.status, 201);
    let json = got.json();
    let token = json["token"].as_str().unwrap();
    let secrets = scene.github.secrets();
    assert!(secrets.iter().any(|secret| *secret == token));
    let until: jiff::Timestamp = json["expires_at"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3000..=3600).contains(&left), "{left}");
}

#[test]
fn machines_are_told_the_base_that_they_reach() {
    let scene = Scene::open();
    let base = "http://172.17.0.1:9/".parse().unwrap();
    scene.stub.machines_reach_it_at(&base);
    let (_, blob) = scene.registered("a");
    let settings = opened(&opened(&blob.into())[".runner"]);
    assert_eq!(settings["ServerUrl"], "http://172.17.0.1:9/runner-service");
    let downloads = scene.get(&format!("{REPO}/runners/downloads")).json();
    let url = downloads[0]["download_url"].as_str().unwrap();
    assert!(
        url.starts_with("http://172.17.0.1:9/actions/runner/"),
        "{url}"
    );
}
