//! The stub of GitHub that a rehearsal uses, as a client and as a machine see it: alone, and behind what makes
//! it like GitHub for tests.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use gharun::inside::{RunnerRow, StubOptions, StubServer};
use gharun_worlds::github::GitHub;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

mod app;
mod described;
mod faults;
mod life;
mod lists;
mod machine;
mod registration;
mod stub;
mod stub_life;

/// Long enough for a machine on which everything else runs at once; nothing waits for its end.
const PATIENCE: Duration = Duration::from_mins(1);

const REPO: &str = "/repos/acme/app/actions";

/// An answer as it came off the wire.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().into()
    }
}

/// A stub behind GitHub's manners, with a client of its own that blocks.
struct Scene {
    stub: StubServer,
    github: GitHub,
    client: Client,
    runtime: Runtime,
    token: String,
}

impl Scene {
    fn open() -> Self {
        Self::with(StubOptions::default())
    }

    /// The same, where a runner that is silent is called offline after a time.
    fn offline_after(offline_after: Duration) -> Self {
        Self::with(StubOptions {
            offline_after,
            ..StubOptions::default()
        })
    }

    fn with(options: StubOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let client = Client::builder()
            .no_proxy()
            .user_agent("gharun-tests")
            .timeout(PATIENCE)
            .build()
            .expect("a client");
        let github = GitHub::default();
        Self {
            stub: StubServer::open_behind(options, github.interceptor()).expect("a stub"),
            github,
            client,
            runtime,
            token: "ghp_pretend".to_owned(),
        }
    }

    fn runner(&self, name: &str) -> Option<RunnerRow> {
        let mut rows = self.stub.runners().into_iter();
        rows.find(|row| row.name == name)
    }

    /// Sends a request; an error is a connection that ended without an answer, or the time limit.
    fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Got, reqwest::Error> {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.stub.url())
        };
        let mut request = self.client.request(method.clone(), url).timeout(limit);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            Ok(Got {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                text: response.text().await?,
            })
        })
    }

    fn get(&self, path: &str) -> Got {
        self.get_with(path, &[])
    }

    fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        self.send(&Method::GET, path, headers, None, PATIENCE)
            .expect("an answer")
    }

    fn delete(&self, path: &str) -> Got {
        self.send(&Method::DELETE, path, &[], None, PATIENCE)
            .expect("an answer")
    }

    fn post(&self, path: &str, body: &Value) -> Got {
        self.send(&Method::POST, path, &[], Some(body), PATIENCE)
            .expect("an answer")
    }

    /// Asks for a just-in-time configuration in the repository `acme/app`.
    fn register(&self, name: &str) -> Got {
        self.post(&format!("{REPO}/runners/generate-jitconfig"), &asked(name))
    }

    /// Registers a runner; its number and what it connects with.
    fn registered(&self, name: &str) -> (u64, String) {
        let got = self.register(name);
        assert_eq!(got.status, 201, "{}", got.text);
        let json = got.json();
        let id = json["runner"]["id"].as_u64().expect("a number");
        let blob = json["encoded_jit_config"].as_str().expect("a blob");
        (id, blob.to_owned())
    }

    /// Waits until a runner's row is as wanted.
    #[track_caller]
    fn wait_row(&self, name: &str, fits: impl Fn(Option<&RunnerRow>) -> bool) {
        let seen = wait(|| fits(self.runner(name).as_ref()).then_some(()));
        let row = self.runner(name);
        assert!(seen.is_some(), "{name} is not as wanted: {row:?}");
    }
}

/// Looks until `look` yields something; `None` when that takes too long.
fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The body of a registration.
fn asked(name: &str) -> Value {
    json!({ "name": name, "runner_group_id": 1, "labels": [name, "GPU"] })
}

/// What base64 of JSON says: so are just-in-time configurations, and the files in them.
fn opened(text: &Value) -> Value {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let bytes = engine.decode(text.as_str().expect("a text"));
    serde_json::from_slice(&bytes.expect("base64")).expect("JSON")
}

#[test]
fn another_address_of_this_computer_answers_on_the_same_port() {
    let scene = Scene::open();
    let other: IpAddr = "127.0.0.2".parse().unwrap();
    scene.stub.also_listen(other).unwrap();
    let url = format!("http://127.0.0.2:{}/meta", scene.stub.port());
    assert_eq!(scene.get(&url).status, 200);
}

#[test]
fn an_address_of_another_computer_is_an_error_to_the_caller() {
    let scene = Scene::open();
    // Reserved for documents: no computer has it.
    let error = scene
        .stub
        .also_listen("192.0.2.1".parse().unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrNotAvailable);
}

#[test]
fn a_dropped_server_is_silent() {
    let scene = Scene::open();
    scene.registered("a");
    let address = format!("127.0.0.1:{}", scene.stub.port());
    drop(scene);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn alone_it_takes_every_token_and_knows_runners_and_nothing_else() {
    let mut scene = Scene::open();
    scene.stub = StubServer::open(StubOptions::default()).expect("a stub");
    scene.registered("a");
    let list = scene.get(&format!("{REPO}/runners?per_page=100")).json();
    assert_eq!(list["total_count"], 1);
    assert_eq!(list["runners"][0]["name"], "a");
    for path in [
        "/",
        "/meta",
        "/repos/acme/app",
        "/orgs/acme/actions/runner-groups",
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
fn requests_are_kept_with_their_route_and_counted() {
    let scene = Scene::open();
    scene.registered("a");
    scene.get(&format!("/api/v3{REPO}/runners?name=a"));
    let requests = scene.github.requests();
    let [register, list] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(register.request_json(), Some(asked("a")));
    assert!(register.answer_json().unwrap()["encoded_jit_config"].is_string());
    assert_eq!(list.api_path(), format!("{REPO}/runners"));
    assert_eq!(list.query.as_deref(), Some("name=a"));
    assert_eq!(list.status, Some(200));
    assert_eq!(list.header("user-agent"), Some("gharun-tests"));
    assert_eq!(list.header("authorization"), None);
    let route = "GET /repos/{owner}/{repo}/actions/runners";
    assert_eq!(list.route.as_deref(), route.split_once(' ').map(|(_, r)| r));
    assert_eq!(scene.github.counts().get(route), Some(&1));
    assert_eq!(scene.github.count("generate-jitconfig"), 1);
    scene.github.forget_requests();
    assert_eq!(scene.github.count(""), 0);
}
