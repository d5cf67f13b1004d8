//! The client against a scripted GitHub on loopback.

use std::error::Error as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::http::{Bounds, Rate, Retry};
use crate::model::Secret;
use crate::model::server::api_url;
use gharun_worlds::scripted_server::{Reply, Seen, Server};

mod app;
mod enrolment;
mod limits;
mod lists;
mod packages;
mod refusals;
mod registration;
mod requests;
mod versions;

const TOKEN: &str = "ghp_hunter2";

const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(10),
    request: Duration::from_secs(20),
    operation: Duration::from_secs(30),
    retry: Retry {
        tries: 3,
        first: Duration::ZERO,
        cap: Duration::ZERO,
    },
    rate: RATE,
};

/// So fast that no test waits for it.
const RATE: Rate = Rate {
    burst: 1000,
    every: Duration::from_millis(1),
    in_window: 1000,
    window: Duration::from_secs(1),
    at_once: 8,
};

fn repo() -> Scope {
    Scope::Repo {
        owner: "acme".into(),
        name: "app".into(),
    }
}

fn config(server: &Server) -> ClientConfig {
    ClientConfig {
        api_url: server.url(),
        scope: repo(),
        token: Some(TokenSource::literal(Secret::new(TOKEN))),
        group: DEFAULT_GROUP,
        bounds: BOUNDS,
        roots: None,
        observer: Observer::default(),
    }
}

fn client(server: &Server) -> Client {
    Client::new(config(server)).expect("a client")
}

fn name() -> Name {
    "gharun-1-1-0-abcdefabcdefgh".parse().expect("a name")
}

async fn register(client: &Client) -> Result<Registration> {
    client.register(&name(), &[name().to_string()]).await
}

fn runner(id: u64) -> Value {
    json!({"id": id, "name": format!("runner-{id}"), "os": "linux", "status": "online",
        "busy": false, "labels": [{"id": 1, "name": "gpu", "type": "custom"}]})
}

fn runners(total: usize, ids: impl IntoIterator<Item = u64>) -> Value {
    json!({"total_count": total, "runners": ids.into_iter().map(runner).collect::<Vec<_>>()})
}

/// An error of GitHub's in its common form.
fn refusal(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"message": message, "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string()}),
    )
}

/// The message, its causes and its hints, as a user sees them.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}\n  caused by: {error}");
        cause = error.source();
    }
    for hint in error.hints() {
        text = format!("{text}\nhint: {hint}");
    }
    text
}

fn query(seen: &Seen, name: &str) -> Option<String> {
    let url: url::Url = format!("http://x{}", seen.target).parse().expect("a URL");
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
