//! What a server's answers, and their absence, are taken for.

use std::fmt::Write as _;
use std::time::Duration;

use super::*;
use crate::http::{Rate, Retry};
use crate::providers::contract::chain;
use gharun_worlds::scripted_server::{Reply, Server};

fn bounds() -> Bounds {
    Bounds {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(5),
        operation: Duration::from_secs(20),
        retry: Retry {
            tries: 2,
            first: Duration::from_millis(1),
            cap: Duration::from_millis(2),
        },
        rate: Rate::default(),
    }
}

fn rest(base: Url) -> Rest {
    Rest::new(base, bounds()).expect("loopback needs no certificates")
}

fn problem(status: u16, detail: &str) -> Reply {
    let body = serde_json::json!({ "title": "x", "status": status, "detail": detail });
    let Reply::Answer(status, _, body) = Reply::json(status, body) else {
        unreachable!("it was made an answer")
    };
    let kind = "application/problem+json".to_owned();
    Reply::Answer(status, vec![("content-type", kind)], body)
}

/// What comes of one call, with the server's replies to it and to its repetitions.
async fn failure(method: Method, reply: Reply) -> CallFailure {
    let server = Server::replies([reply.clone(), reply]).await;
    let rest = rest(server.url());
    let term = Deadline::new(Duration::from_secs(20), tokio::time::Instant::now());
    let call = rest.call(method, &["things"]);
    call.fetch::<Vec<u8>>(&term).await.expect_err("it fails")
}

#[tokio::test]
async fn every_failure_means_an_action_and_a_change_that_may_be_done_is_ambiguous() {
    let mut table = String::new();
    for (name, reply) in [
        ("200, a page", Reply::html(200, "Sign in")),
        ("200, other JSON", Reply::json(200, "{}")),
        ("200, cut off", Reply::Half),
        ("no answer", Reply::Close),
        ("400", problem(400, "no")),
        ("401", problem(401, "no")),
        ("403", problem(403, "no")),
        ("404", problem(404, "no")),
        ("407", Reply::empty(407)),
        ("409", problem(409, "no")),
        ("422", problem(422, "no")),
        ("429", problem(429, "no").with("retry-after", 9)),
        ("500", problem(500, "no")),
        ("502, a page", Reply::html(502, "Bad gateway")),
    ] {
        let read = failure(Method::GET, reply.clone()).await.kind();
        let made = failure(Method::POST, reply).await.kind();
        let read = format!("{read:?}");
        writeln!(table, "{name:<16} {read:<12} {made:?}").expect("a text takes what is written");
    }
    insta::assert_snapshot!(table, @"
    200, a page      Unavailable  Ambiguous
    200, other JSON  Unexpected   Ambiguous
    200, cut off     Unavailable  Ambiguous
    no answer        Unavailable  Ambiguous
    400              Unexpected   Unexpected
    401              Denied       Denied
    403              Denied       Denied
    404              Unexpected   Unexpected
    407              Config       Config
    409              Unexpected   Unexpected
    422              Unexpected   Unexpected
    429              RateLimited  RateLimited
    500              Unavailable  Ambiguous
    502, a page      Unavailable  Ambiguous
    ");
}

#[tokio::test]
async fn a_change_that_never_left_this_machine_is_not_ambiguous() {
    let port = {
        let server = Server::replies([]).await;
        server.port()
    };
    let base = format!("http://127.0.0.1:{port}").parse().unwrap();
    let rest = rest(base);
    // A listener that was just closed may take a last connection.
    let failure = crate::poll::until(
        crate::poll::Pace {
            every: Duration::from_millis(20),
            at_most: Duration::from_secs(20),
        },
        async || {
            let term = Deadline::until(rest.client().deadline());
            let call = rest.call(Method::POST, &["things"]);
            let failure = call.send(&term).await.expect_err("nobody is there");
            (failure.kind() != ErrorKind::Ambiguous).then_some(failure)
        },
    );
    let failure = failure.await.expect("the port is closed");
    assert_eq!(failure.kind(), ErrorKind::Unavailable, "{failure}");
}

#[tokio::test]
async fn an_error_tells_the_places_words_and_the_requests_id_and_no_token() {
    let reply = problem(403, "key lacks\x1b[31m scope").with("x-request-id", "req-1");
    let server = Server::replies([reply]).await;
    let rest = rest(server.url().join("/v2/").unwrap());
    let call = rest
        .call(Method::POST, &["a b", "c/d"])
        .query("x", "1&2")
        .bearer(&Secret::new("hush"))
        .json(&serde_json::json!({ "a": 1 }));
    let term = Deadline::until(rest.client().deadline());
    let failure = call.send(&term).await.expect_err("it is refused");
    assert_eq!(failure.body().unwrap()["detail"], "key lacks\x1b[31m scope");
    let error = failure.explain("could not do it");
    let told = chain(&error).replace(&server.port().to_string(), "PORT");
    insta::assert_snapshot!(told, @"could not do it: `POST 127.0.0.1:PORT/v2/a%20b/c%2Fd` answered 403 Forbidden (request req-1): key lacks scope");
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "POST /v2/a%20b/c%2Fd?x=1%262");
    assert_eq!(seen.header("authorization"), Some("Bearer hush"));
    assert!(seen.header("user-agent").unwrap().starts_with("gharun/"));
    assert_eq!(seen.body, r#"{"a":1}"#);
    assert!(!format!("{call:?}{error:?}").contains("hush"));
}

#[test]
fn an_address_is_that_of_a_server_and_nothing_more() {
    let read = |text: &str| address("endpoint", text).map(|url| url.to_string());
    assert_eq!(
        read(" https://h.example/v2/ ").unwrap(),
        "https://h.example/v2"
    );
    for text in [
        "",
        "h.example",
        "ftp://h.example",
        "https://",
        "https://me:pw@h.example",
        "https://h.example/?a=1",
        "https://h.example/#a",
    ] {
        let error = read(text).expect_err(text);
        assert_eq!(error.key(), Some("endpoint"), "{text}");
    }
}

#[test]
fn only_bare_http_to_another_computer_is_open() {
    let open = |text: &str| is_open(&text.parse().unwrap());
    assert!(open("http://h.example"));
    for text in [
        "https://h.example",
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]",
    ] {
        assert!(!open(text), "{text}");
    }
}
