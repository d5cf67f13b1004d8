//! The client against a scripted server.

use std::net::Ipv6Addr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::exchange::REDIRECTS;
use super::*;
use gharun_worlds::scripted_server::{Reply, Server};

const PATIENT: Bounds = Bounds {
    connect: Duration::from_secs(10),
    request: Duration::from_secs(20),
    operation: Duration::from_mins(1),
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

/// So short that a silent server is given up within a test's patience.
const HASTY: Bounds = Bounds {
    request: Duration::from_millis(500),
    ..PATIENT
};

fn client(server: &Server, bounds: Bounds) -> HttpClient {
    HttpClient::new(&server.url(), bounds, too_many).expect("a client")
}

fn request(method: Method, server: &Server, path: &str) -> Request {
    let mut request = Request::new(method, server.url().join(path).expect("a path"));
    let mut token = HeaderValue::from_static("Bearer hunter2");
    token.set_sensitive(true);
    request.headers.insert(AUTHORIZATION, token);
    request
}

async fn send(server: &Server, bounds: Bounds, method: Method) -> Result<Answer> {
    let client = client(server, bounds);
    let request = request(method, server, "/v1/things?key=hunter2").json(&"body");
    client.send(&request, client.deadline()).await
}

#[tokio::test]
async fn an_answer_is_read_and_our_name_is_given() {
    let server = Server::replies([Reply::json(200, r#"{"a":1}"#)]).await;
    let answer = send(&server, PATIENT, Method::GET).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.json::<serde_json::Value>().unwrap(),
        serde_json::json!({"a": 1})
    );
    let seen = &server.seen()[0];
    assert_eq!(
        seen.header("user-agent"),
        Some(concat!("gharun/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
}

#[tokio::test]
async fn what_changes_nothing_more_when_repeated_is_repeated() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let replies = [Reply::html(502, "Unicorn!"), Reply::Close];
        let server = Server::replies(replies.into_iter().chain([Reply::json(200, "{}")])).await;
        let answer = send(&server, PATIENT, method.clone()).await.unwrap();
        assert_eq!((answer.status.as_u16(), server.seen().len()), (200, 3));
        assert!(server.seen().iter().all(|seen| seen.body == "\"body\""));
    }
}

#[tokio::test]
async fn a_creation_that_may_have_happened_is_sent_once() {
    for (reply, bounds) in [
        (Reply::html(502, "Unicorn!"), PATIENT),
        (Reply::json(503, "{}").with("retry-after", 0), PATIENT),
        (Reply::Close, PATIENT),
        (Reply::Half, PATIENT),
        (Reply::Silence, HASTY),
    ] {
        let server = Server::replies([reply.clone()]).await;
        let error = send(&server, bounds, Method::POST).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{reply:?}: {error}");
        assert!(!error.to_string().contains("tries"), "{error}");
        // On a busy machine the time may be over before the server has looked.
        assert!(server.seen().len() <= 1, "{reply:?}");
    }
}

#[tokio::test]
async fn a_creation_that_was_refused_for_now_is_sent_again() {
    let busy = Reply::empty(429);
    let server = Server::replies([busy.clone(), busy, Reply::json(201, "{}")]).await;
    let answer = send(&server, PATIENT, Method::POST).await.unwrap();
    assert_eq!((answer.status.as_u16(), server.seen().len()), (201, 3));
}

#[tokio::test]
async fn a_creation_that_was_never_sent_is_tried_again_and_is_not_ambiguous() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url: Url = format!("http://{}", closed.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(closed);
    let client = HttpClient::new(&url, PATIENT, too_many).unwrap();
    let request = Request::new(Method::POST, url);
    let error = client.send(&request, client.deadline()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        error.to_string().ends_with("could not be sent (3 tries)"),
        "{error}"
    );
}

#[tokio::test]
async fn tries_end_and_the_error_says_what_was_tried_and_what_was_said() {
    let page = Reply::html(502, "Unicorn!").with("x-github-request-id", "8F0C:1");
    let server = Server::replies([page.clone(), page.clone(), page]).await;
    let error = send(&server, PATIENT, Method::GET).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.status, Some(StatusCode::BAD_GATEWAY));
    assert_eq!(error.request_id.as_deref(), Some("8F0C:1"));
    assert_eq!(
        error.to_string(),
        format!(
            "`GET 127.0.0.1:{}/v1/things` answered 502 Bad Gateway (request 8F0C:1): \
             an HTML page titled `Unicorn!` (3 tries)",
            server.port()
        )
    );
}

#[tokio::test]
async fn silence_ends_and_no_error_holds_a_secret() {
    let server = Server::serve(|_| Reply::Silence).await;
    let error = send(&server, HASTY, Method::GET).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        error.to_string().ends_with("timed out (3 tries)"),
        "{error}"
    );
    let mut texts = vec![format!("{error:?}")];
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    assert!(texts.len() > 2, "no cause is told: {texts:?}");
    assert!(!texts.concat().contains("hunter2"), "{texts:?}");
}

#[tokio::test]
async fn the_operation_ends_the_tries_before_their_number_does() {
    let server = Server::serve(|_| Reply::json(503, "{}").with("retry-after", 3600)).await;
    let begin = Instant::now();
    let error = send(&server, PATIENT, Method::GET).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(server.seen().len(), 1);
    assert!(begin.elapsed() < PATIENT.operation);

    let client = client(&server, PATIENT);
    let request = request(Method::POST, &server, "/late");
    let error = client.send(&request, Instant::now()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "it was not sent");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_pause_that_is_too_long_is_named_by_its_end() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let reply = Reply::json(429, r#"{"message":"slow down"}"#);
    for after in ["3600", "Sun, 06 Nov 1994 09:49:37 GMT"] {
        let reply = reply.clone().with("date", date).with("retry-after", after);
        let server = Server::replies([reply]).await;
        let error = send(&server, PATIENT, Method::POST).await.unwrap_err();
        let until = "1994-11-06T09:49:37Z".parse().unwrap();
        assert_eq!(error.kind, ErrorKind::Limited { until }, "{after}");
        assert!(error.to_string().ends_with(": slow down"), "{error}");
    }
}

#[tokio::test]
async fn retry_after_is_read_in_both_forms_and_by_the_servers_clock() {
    let date = |seconds: u64| {
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    };
    for (after, wanted) in [
        ("7".to_owned(), Some(7)),
        (" 7 ".to_owned(), Some(7)),
        ("0".to_owned(), Some(0)),
        (date(1_000_090), Some(90)),
        // Already past.
        (date(999_000), Some(0)),
        ("soon".to_owned(), None),
        ("-1".to_owned(), None),
    ] {
        let reply = Reply::json(400, "{}").with("date", date(1_000_000));
        let server = Server::replies([reply.with("retry-after", &after)]).await;
        let answer = send(&server, PATIENT, Method::GET).await.unwrap();
        let read = answer.retry_after().map(|pause| pause.as_secs());
        assert_eq!(read, wanted, "{after}");
    }
}

#[tokio::test]
async fn the_servers_clock_is_read_from_its_date() {
    let soon = SystemTime::now() + Duration::from_hours(24);
    let reply = Reply::json(200, "{}").with("date", httpdate::fmt_http_date(soon));
    let server = Server::replies([reply]).await;
    let answer = send(&server, PATIENT, Method::GET).await.unwrap();
    let ahead = answer.clock_ahead().expect("a date").as_secs();
    assert!((86_300..=86_400).contains(&ahead), "{ahead}");
    assert!(answer.date().expect("a date") > Timestamp::now());
}

#[tokio::test]
async fn a_redirect_keeps_the_verb_the_body_and_on_the_same_host_the_token() {
    for status in [301, 302, 307, 308] {
        let moved = Reply::empty(status).with("location", "/repositories/1?page=2");
        let server = Server::replies([moved, Reply::json(201, "{}")]).await;
        let answer = send(&server, PATIENT, Method::POST).await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED);
        let seen = &server.seen()[1];
        assert_eq!(seen.line(), "POST /repositories/1?page=2");
        assert_eq!(seen.body, "\"body\"");
        assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    }
}

#[tokio::test]
async fn see_other_is_fetched() {
    let other = Reply::empty(303).with("location", "/made/1");
    let server = Server::replies([other, Reply::json(200, "{}")]).await;
    send(&server, PATIENT, Method::POST).await.unwrap();
    assert_eq!(server.lines()[1], "GET /made/1");
    assert_eq!(server.seen()[1].body, "");
}

#[tokio::test]
async fn another_host_never_sees_the_token_and_the_way_back_is_not_trusted() {
    let port = std::sync::Arc::new(std::sync::Mutex::new(0u16));
    let known = std::sync::Arc::clone(&port);
    let stranger = Server::serve_at(Ipv6Addr::LOCALHOST.into(), move |_| {
        let port = *known.lock().expect("no panic");
        Reply::empty(302).with("location", format!("http://127.0.0.1:{port}/back"))
    })
    .await;
    let away = stranger.url();
    let home = Server::serve(move |seen| match seen.target.as_str() {
        "/back" => Reply::json(200, "{}"),
        _ => Reply::empty(302).with("location", &away),
    })
    .await;
    *port.lock().expect("no panic") = home.port();
    let client = client(&home, PATIENT);
    let request = request(Method::GET, &home, "/start");
    client.send(&request, client.deadline()).await.unwrap();
    assert_eq!(home.lines(), ["GET /start", "GET /back"]);
    assert_eq!(
        home.seen()[0].header("authorization"),
        Some("Bearer hunter2")
    );
    assert_eq!(stranger.seen()[0].header("authorization"), None);
    assert_eq!(home.seen()[1].header("authorization"), None);
}

#[tokio::test]
async fn a_creation_is_not_led_to_another_host() {
    let stranger = Server::serve(|_| Reply::json(201, "{}")).await;
    let away = stranger.url();
    let server = Server::serve(move |_| Reply::empty(307).with("location", &away)).await;
    let error = send(&server, PATIENT, Method::POST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(
        error
            .to_string()
            .contains("with a redirect to `http://127.0.0.1`, which is not followed"),
        "{error}"
    );
    assert_eq!(stranger.seen().len(), 0);
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::serve(|_| Reply::empty(302).with("location", "/round")).await;
    let error = send(&server, PATIENT, Method::GET).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused);
    assert_eq!(server.seen().len(), REDIRECTS + 1);
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_place() {
    #[derive(Debug, serde::Deserialize)]
    struct Thing {
        #[expect(dead_code, reason = "it is never read successfully")]
        parts: Vec<u8>,
    }
    let not_json = Reply::html(200, "Login");
    let server = Server::replies([Reply::json(200, r#"{"parts":[1,"hunter2"]}"#), not_json]).await;
    let answer = send(&server, PATIENT, Method::GET).await.unwrap();
    let error = answer.json::<Thing>().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreadable);
    assert!(error.to_string().ends_with("at `parts[1]`"), "{error}");

    let answer = send(&server, PATIENT, Method::GET).await.unwrap();
    let error = answer.json::<Thing>().unwrap_err().to_string();
    let told = "answered with invalid JSON: an HTML page titled `Login`";
    assert!(error.ends_with(told), "{error}");
}

#[tokio::test]
async fn a_secret_answer_is_never_quoted() {
    for body in [r#"{"parts":"hunter2"}"#, "hunter2", r#""hunter2""#] {
        let server = Server::replies([Reply::json(201, body)]).await;
        let client = client(&server, PATIENT);
        let mut request = request(Method::POST, &server, "/secret");
        request.secret = true;
        let answer = client.send(&request, client.deadline()).await.unwrap();
        let error = answer
            .json::<std::collections::BTreeMap<String, u8>>()
            .unwrap_err();
        let texts = format!("{error} {error:?} {answer:?} {request:?} {client:?}");
        assert!(!texts.contains("hunter2"), "{texts}");
    }
}
