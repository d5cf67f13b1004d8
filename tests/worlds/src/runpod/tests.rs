//! The stand-in itself: that it does what `RunPod` is known to do, and says it as `RunPod` describes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

mod bad_days;
mod catalog;
mod commands;

use super::{Deed, Lag, Level, NO_CAPACITY, Scope, Stage, Standin, spec};

/// What a test may wait for anything; nothing waits for its end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A stand-in and one who asks it.
struct Account {
    standin: Standin,
    client: reqwest::Client,
    key: String,
}

/// What was answered.
#[derive(Debug)]
struct Said {
    status: u16,
    body: Value,
    headers: reqwest::header::HeaderMap,
}

impl Account {
    fn open() -> Self {
        let standin = Standin::start();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Self {
            key: standin.key.clone(),
            client: client.build().unwrap(),
            standin,
        }
    }

    async fn try_ask(&self, what: &str, body: Option<&Value>) -> reqwest::Result<Said> {
        let (method, path) = what.split_once(' ').unwrap();
        let url = format!("{}{path}", self.standin.url);
        let mut request = self.client.request(method.parse().unwrap(), url);
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Said {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        })
    }

    async fn ask(&self, what: &str, body: Option<&Value>) -> Said {
        let said = self.try_ask(what, body).await.unwrap();
        assert!(said.headers.contains_key("x-request-id"), "{said:?}");
        said
    }

    async fn get(&self, path: &str) -> Said {
        self.ask(&format!("GET {path}"), None).await
    }

    async fn create(&self, order: &Value) -> Said {
        self.ask("POST /v2/pods", Some(order)).await
    }

    async fn names(&self) -> Vec<String> {
        let said = self.get("/v2/pods").await;
        let pods = said.body["pods"].as_array().unwrap().iter();
        pods.map(|pod| pod["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[track_caller]
    fn is_as_described(&self) {
        assert_eq!(self.standin.ill_said(), [""; 0]);
    }
}

fn order(name: &str) -> Value {
    json!({"name": name, "image": "ubuntu:24.04", "disk": 20, "cloud": "SECURE",
        "gpu": {"id": "NVIDIA L40S", "count": 1}, "env": {"A": "b"}})
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "not so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_pod_is_created_shown_and_gone() {
    let account = Account::open();
    let made = account.create(&order("one")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap();
    let path = format!("/v2/pods/{id}");
    assert_eq!(made.body["env"], json!({"A": "b"}));
    assert_eq!(made.body["cost"], json!(0.86));
    assert_eq!(account.get(&path).await.body["name"], "one");
    assert_eq!(account.names().await, ["one"]);
    let renamed = account
        .ask(&format!("PATCH {path}"), Some(&json!({"name": "two"})))
        .await;
    assert_eq!(renamed.body["name"], "two");
    let stopped = json!({"action": "stop"});
    let action = format!("POST {path}/action");
    let stopped = account.ask(&action, Some(&stopped)).await;
    assert_eq!(stopped.body["status"], "EXITED");
    assert_eq!(stopped.body["cost"], 0.0);
    let restarted = account
        .ask(&action, Some(&json!({"action": "restart"})))
        .await;
    assert_eq!(restarted.status, 409);
    let gone = account.ask(&format!("DELETE {path}"), None).await;
    assert_eq!(gone.status, 204);
    assert_eq!(account.get(&path).await.status, 404);
    assert_eq!(
        account.ask(&format!("DELETE {path}"), None).await.status,
        404
    );
    assert_eq!(account.names().await, [""; 0]);
    assert_eq!(account.standin.pods().len(), 1);
    assert!(account.standin.alive().is_empty());
    assert_eq!(account.standin.violations(), [""; 0]);
    assert_eq!(account.standin.asked().len(), 10);
    account.is_as_described();
}

#[tokio::test]
async fn what_runpod_does_not_describe_is_refused_and_kept() {
    if !spec::Spec::is_here() {
        return;
    }
    let account = Account::open();
    let with = |key: &str, value: Value| {
        let mut order = order("x");
        order[key] = value;
        order
    };
    for (wrong, told) in [
        (with("interruptible", json!(true)), "interruptible"),
        (with("env", json!({"A": 1})), "/env/A"),
        (with("gpu", json!({"id": "x", "gpuCount": 1})), "gpuCount"),
        (with("image", json!(null)), "/image"),
        (json!({"name": "x", "gpu": {"id": "x"}}), "image"),
        (json!([]), "object"),
    ] {
        let said = account.create(&wrong).await;
        assert_eq!(said.status, 422, "{wrong}: {said:?}");
        assert!(said.body["errors"].to_string().contains(told), "{said:?}");
    }
    // What was added since the description was published.
    let newer = with("cmd", json!(["true"]));
    assert_eq!(account.create(&newer).await.status, 201);
    for query in ["limit=0", "limit=x", "page=2", "cursor="] {
        let said = account.get(&format!("/v2/pods?{query}")).await;
        assert_eq!(said.status, 422, "{query}: {said:?}");
    }
    assert_eq!(
        account.get("/v2/pods?cursor=nonsense").await.status,
        422,
        "one that was never given"
    );
    assert_eq!(account.standin.violations().len(), 10);
    account.is_as_described();
}

#[tokio::test]
async fn a_body_that_breaks_a_rule_is_told_from_no_room() {
    let account = Account::open();
    let base = order("x");
    let with = |patch: Value| {
        let mut order = base.clone();
        for (key, value) in patch.as_object().unwrap() {
            order[key] = value.clone();
        }
        order
    };
    let cpu = |order: Value| {
        let mut order = order;
        order.as_object_mut().unwrap().remove("gpu");
        order
    };
    let gpu = "NVIDIA L40S";
    for (wrong, told) in [
        (cpu(with(json!({}))), "exactly one"),
        (
            with(json!({"cpu": {"id": "cpu5c", "vcpuCount": 4}})),
            "exactly one",
        ),
        (
            cpu(with(json!({"cpu": {"id": "cpu5c", "vcpuCount": 6}}))),
            "power of two",
        ),
        (
            with(
                json!({"gpu": {"id": gpu, "minCudaVersion": "12.4", "allowedCudaVersions": ["12.4"]}}),
            ),
            "exclusive",
        ),
        (with(json!({"gpu": {"id": "L40S"}})), "unknown GPU"),
        (with(json!({"ports": ["22"]})), "ports"),
        (with(json!({"dataCenterIds": ["EU-XX-1"]})), "EU-XX-1"),
        (
            with(
                json!({"gpu": {"id": gpu, "minCudaVersion": "99.0"}, "dataCenterIds": ["EU-FR-1"]}),
            ),
            NO_CAPACITY,
        ),
        (
            with(json!({"gpu": {"id": "NVIDIA L4"}, "cloud": "COMMUNITY"})),
            NO_CAPACITY,
        ),
    ] {
        let said = account.create(&wrong).await;
        assert_eq!(said.status, 400, "{wrong}: {said:?}");
        let detail = said.body["detail"].as_str().unwrap();
        assert!(detail.contains(told), "{detail}");
    }
    let many = (0..51).map(|n| (format!("V{n}"), json!("x"))).collect();
    let said = account
        .create(&with(json!({"env": Value::Object(many)})))
        .await;
    assert_eq!(said.status, 400);
    let long = "x".repeat(102_400);
    let said = account.create(&with(json!({"env": {"A": long}}))).await;
    assert_eq!(said.status, 413);
    let good = cpu(with(json!({"cpu": {"id": "cpu5c", "vcpuCount": 4}})));
    assert_eq!(account.create(&good).await.status, 201);
    account.standin.rule(|rules| rules.balance = Some(0.5));
    assert_eq!(account.create(&base).await.status, 402);
    assert_eq!(account.standin.pods().len(), 1);
    account.is_as_described();
}

#[tokio::test]
async fn volumes_and_registries_are_kept() {
    let account = Account::open();
    let volume = json!({"name": "v", "size": 10, "dataCenter": "EU-FR-1"});
    let volume = account.ask("POST /v2/network-volumes", Some(&volume)).await;
    assert_eq!(volume.status, 201, "{volume:?}");
    let secret = json!({"name": "r", "username": "u", "password": "hush"});
    let registry = account.ask("POST /v2/registries", Some(&secret)).await;
    assert!(!registry.body.to_string().contains("hush"));
    let mut with = order("x");
    with["registry"] = registry.body["id"].clone();
    with["mounts"] = json!({"network": [{"volumeId": volume.body["id"], "path": "/data"}]});
    let made = account.create(&with).await;
    assert_eq!(made.body["dataCenterId"], "EU-FR-1", "{made:?}");
    with["dataCenterIds"] = json!(["US-KS-2"]);
    assert_eq!(account.create(&with).await.status, 400);
    let path = format!("/v2/registries/{}", registry.body["id"].as_str().unwrap());
    assert_eq!(account.get("/v2/network-volumes").await.status, 200);
    assert_eq!(
        account.ask(&format!("DELETE {path}"), None).await.status,
        204
    );
    assert_eq!(account.get(&path).await.status, 404);
    assert_eq!(account.create(&with).await.status, 404);
    account.is_as_described();
}

#[tokio::test]
async fn a_key_does_what_it_may() {
    let mut account = Account::open();
    let one = account.standin.create(&order("one"));
    let two = account.standin.create(&order("two"));
    let (first, second) = (
        format!("/v2/pods/{}", one.id),
        format!("/v2/pods/{}", two.id),
    );
    let reader = account.standin.key_of(Scope::Read);
    let nobody = account.standin.key_of(Scope::Nothing);
    let (get, delete) = (format!("GET {first}"), format!("DELETE {first}"));
    for (key, what, status) in [
        ("", "GET /v2/pods", 401),
        ("rpa_nonsense", "GET /v2/pods", 401),
        (&nobody, "GET /v2/pods", 403),
        (&reader, "GET /v2/pods", 200),
        (&reader, &delete, 403),
        (&one.key, "GET /v2/pods", 403),
        (&one.key, "GET /v2/catalog/gpus", 403),
        (&one.key, &format!("DELETE {second}"), 403),
        (&one.key, &get, 200),
        (&one.key, &delete, 204),
        (&one.key, &delete, 401),
    ] {
        key.clone_into(&mut account.key);
        let said = account.ask(what, None).await;
        assert_eq!(said.status, status, "{what}: {said:?}");
    }
    account.key = two.key;
    let name = json!({"name": "mine"});
    let said = account.ask(&format!("PATCH {second}"), Some(&name)).await;
    assert_eq!(said.status, 403);
    let end = json!({"action": "terminate"});
    let action = format!("POST {second}/action");
    assert_eq!(account.ask(&action, Some(&end)).await.status, 204);
    assert!(account.standin.alive().is_empty());
    account.is_as_described();
}

#[tokio::test]
async fn every_page_is_needed() {
    let account = Account::open();
    for n in 0..5 {
        account.standin.create(&order(&format!("pod-{n}")));
    }
    account.standin.rule(|rules| rules.page = 2);
    let (mut names, mut pages) = (Vec::new(), 0);
    let mut path = "/v2/pods".to_owned();
    loop {
        let said = account.get(&path).await;
        let pods = said.body["pods"].as_array().unwrap().iter();
        names.extend(pods.map(|pod| pod["name"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = said.body["pagination"]["nextCursor"].as_str() else {
            assert_eq!(said.body["pagination"]["hasNextPage"], false);
            break;
        };
        path = format!("/v2/pods?cursor={next}");
    }
    assert_eq!((names.len(), pages), (5, 3));
    let said = account.get("/v2/pods?limit=4").await;
    assert_eq!(said.body["pods"].as_array().unwrap().len(), 4);
    account.is_as_described();
}
