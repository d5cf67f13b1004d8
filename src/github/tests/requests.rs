//! What is sent, and what is not shown.

use super::*;
use crate::model::RunnerVersion;
use gharun_worlds::github::spec::Spec;

/// Calls everything that the client can do.
async fn call_all(client: &Client) {
    register(client).await.expect("a registration");
    client.runners().await.expect("runners");
    client.runner(7).await.expect("a runner");
    client.deregister(7).await.expect("a deregistration");
    client.own_downloads().await.expect("downloads");
    let run = Run { id: 5, attempt: 1 };
    client.run("acme/app", 5).await.expect("a run");
    client.jobs("acme/app", run).await.expect("jobs");
    for version in [
        RunnerVersion::Latest,
        RunnerVersion::Exact("2.336.0".into()),
    ] {
        client.packages(&version).await.expect("packages");
    }
}

/// Answers all of it, with a second page where there are pages.
fn github(seen: &Seen) -> Reply {
    let path = seen.target.split('?').next().unwrap_or_default();
    let end = path.rsplit('/').next().unwrap_or_default();
    let paged = |reply: Reply| match query(seen, "page") {
        None => reply.with(
            "link",
            format!("<{path}?per_page=100&page=2>; rel=\"next\""),
        ),
        Some(_) => reply,
    };
    match (seen.method.as_str(), end) {
        ("POST", _) => Reply::json(201, json!({"runner": runner(7), "encoded_jit_config": "x"})),
        ("DELETE", _) => Reply::empty(204),
        (_, "runners") => paged(Reply::json(200, runners(1, [7]))),
        (_, "jobs") => paged(Reply::json(200, json!({"total_count": 0, "jobs": []}))),
        (_, "7") => Reply::json(200, runner(7)),
        (_, "5") => Reply::json(200, json!({"id": 5, "status": "queued"})),
        (_, "downloads") => Reply::json(200, "[]"),
        (_, "latest" | "v2.336.0") => {
            let name = "actions-runner-linux-x64-2.336.0.tar.gz";
            Reply::json(
                200,
                json!({"assets": [{"name": name, "browser_download_url": "http://x"}]}),
            )
        }
        _ => Reply::json(418, seen.line()),
    }
}

#[tokio::test]
async fn every_request_is_one_that_github_describes() {
    let Some(spec) = Spec::load() else { return };
    let scopes = [
        repo(),
        Scope::Org("acme".into()),
        Scope::Enterprise("acme-inc".into()),
    ];
    for scope in scopes {
        let server = Server::serve(github).await;
        let config = ClientConfig {
            scope,
            ..config(&server)
        };
        call_all(&Client::new(config).unwrap()).await;
        let seen = server.seen();
        assert_eq!(seen.len(), 13);
        for seen in seen {
            let body = (!seen.body.is_empty()).then(|| serde_json::from_str(&seen.body).unwrap());
            let checked = spec.check_request(&seen.method, &seen.target, body.as_ref());
            assert_eq!(checked, Ok(()), "{}", seen.line());
        }
    }
}

#[tokio::test]
async fn every_request_bears_the_headers_that_github_wants() {
    let server = Server::serve(github).await;
    call_all(&client(&server)).await;
    for seen in server.seen() {
        let header = |name| seen.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("accept"), "application/vnd.github+json");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert!(header("user-agent").starts_with("gharun/"));
    }
}

#[tokio::test]
async fn no_name_leaves_its_place_in_the_path() {
    let server = Server::serve(github).await;
    let config = ClientConfig {
        scope: Scope::Org("a/b ?#..%".into()),
        ..config(&server)
    };
    Client::new(config).unwrap().runners().await.unwrap();
    assert_eq!(
        server.lines()[0],
        "GET /orgs/a%2Fb%20%3F%23..%25/actions/runners?per_page=100"
    );
}

#[tokio::test]
async fn the_clock_is_githubs() {
    let soon = std::time::SystemTime::now() + Duration::from_hours(24);
    let date = httpdate::fmt_http_date(soon);
    let server = Server::serve(move |seen| github(seen).with("date", &date)).await;
    let client = client(&server);
    let ahead = |client: &Client| client.now().duration_since(Timestamp::now()).as_secs();
    assert!((-60..=60).contains(&ahead(&client)));
    client.runners().await.unwrap();
    assert!((86_000..=86_460).contains(&ahead(&client)));
}

#[tokio::test]
async fn neither_debug_nor_the_log_shows_the_token() {
    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // With one subscriber alone, tracing asks that of whichever thread meets a callsite first, and other
    // tests' threads have none: a second one makes it ask them all.
    let _second = tracing::Dispatch::new(
        tracing_subscriber::fmt()
            .with_writer(std::io::sink)
            .finish(),
    );
    let log = Log::default();
    let to = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || to.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::serve(|seen| github(seen).with("x-github-request-id", "8F0C:1")).await;
    let client = client(&server);
    call_all(&client).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text
        .lines()
        .find(|line| line.contains("/generate-jitconfig"))
        .unwrap_or_else(|| panic!("{text}"));
    for part in ["POST /repos/", " 201, ", " ms", "8F0C:1"] {
        assert!(line.contains(part), "{line}");
    }
    let all = format!("{text}{client:?}{:?}", config(&server));
    assert!(!all.contains("hunter2"), "{all}");
}
