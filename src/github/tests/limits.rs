//! What is waited for, what is told of it, and what is kept of GitHub's limits.

use std::sync::{Arc, Mutex};

use super::*;
use crate::rehearsal::{StubOptions, StubServer};
use gharun_worlds::github::{Fault, GitHub, Kind, Page, SecondaryLimit, Standing};

/// A client of a stand-in, and what it says: waits, and moves.
fn client_of(stub: &StubServer) -> (Client, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let client = Client::new(ClientConfig {
        api_url: stub.url().parse().expect("an address"),
        scope: repo(),
        token: Some(TokenSource::literal(Secret::new(TOKEN))),
        group: DEFAULT_GROUP,
        bounds: BOUNDS,
        roots: None,
        observer: Observer::new(move |event| {
            let said = match event {
                ClientEvent::ClockDiffers { ahead } => format!("{} s ahead", ahead.as_secs()),
                ClientEvent::Moved { scope } => format!("{scope} has moved"),
                ClientEvent::Secret(_) => return Ok(()),
                ClientEvent::Waiting { reason, .. } => reason.to_owned(),
            };
            ear.lock().expect("no panic").push(said);
            Ok(())
        }),
    });
    (client.expect("a client"), heard)
}

fn stub() -> (StubServer, GitHub) {
    let github = GitHub::default();
    let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
    (stub.expect("a stub"), github)
}

#[tokio::test]
async fn a_wait_is_told_with_its_reason_and_is_shared_by_clones() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    let limit = Kind::secondary_limit(Some(Duration::from_secs(2)));
    github.fault(Fault::once("GET", "/runners", limit));
    client.clone().runners().await.unwrap();
    assert_eq!(
        *heard.lock().unwrap(),
        ["GitHub's secondary rate limit: too many requests at once"]
    );
    // Two clones, one limit: who comes during the wait is not even sent.
    let limit = Kind::secondary_limit(Some(Duration::from_secs(2)));
    github.fault(Fault::once("GET", "/runners", limit));
    github.forget_requests();
    let other = client.clone();
    let later = async {
        while github.count("GET") == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        other.runner(7).await
    };
    let (first, second) = tokio::join!(client.runners(), later);
    assert_eq!(first.unwrap(), []);
    assert_eq!(second.unwrap(), None);
    assert_eq!(github.count(""), 3);
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_hourly_limit_is_told_by_its_number_and_ends_when_the_server_says() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    let ahead = jiff::SignedDuration::from_hours(24);
    github.clock_ahead(ahead);
    // By GitHub's clock it is over in a second; by ours, tomorrow.
    let reset = Timestamp::now() + ahead + Duration::from_secs(1);
    github.fault(Fault::once("GET", "/runners", Kind::primary_limit(reset)));
    client.runners().await.unwrap();
    // The clock is told, too.
    let mut told = heard.lock().unwrap().clone();
    told.retain(|text| !text.ends_with(" s ahead"));
    assert_eq!(
        told,
        ["GitHub's rate limit: all 5000 requests of this hour are used"]
    );
}

#[tokio::test]
async fn who_would_wait_too_long_is_told_the_reason_and_is_not_sent() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    let limit = Kind::secondary_limit(Some(Duration::from_hours(1)));
    github.fault(Fault::once("POST", "jitconfig", limit));
    let answered = register(&client).await.unwrap_err();
    let unsent = client.runners().await.unwrap_err();
    for error in [&answered, &unsent] {
        assert_eq!(error.kind, ErrorKind::RateLimited);
        assert!(error.hints()[0].starts_with("GitHub accepts requests again at 2"));
    }
    let told = told(&unsent);
    let reason = "was not sent: GitHub's secondary rate limit: too many requests at once, until 2";
    assert!(told.contains(reason), "{told}");
    assert_eq!(github.count(""), 1);
    assert!(heard.lock().unwrap().is_empty());
    // With more patience it would wait, and what is urgent does not ask.
    let patient = client.patient(tokio::time::Instant::now() + Duration::from_hours(2));
    let waits = tokio::time::timeout(Duration::from_millis(200), patient.runners());
    assert!(waits.await.is_err());
    assert_eq!(heard.lock().unwrap().len(), 1);
    assert_eq!(
        client.deregister_at_once(7).await.unwrap(),
        Deregistration::Gone
    );
    assert!(client.wait_now() > Duration::from_mins(59));
}

#[tokio::test]
async fn a_missing_permission_is_no_limit() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    github.set_token(TOKEN, Standing::NoAdmin);
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert_eq!(github.count(""), 1);
    assert!(heard.lock().unwrap().is_empty());
    assert_eq!(client.wait_now(), Duration::ZERO);
}

#[tokio::test]
async fn waits_are_no_tries() {
    let (stub, github) = stub();
    let (client, _) = client_of(&stub);
    github.secondary_limit(SecondaryLimit {
        writes: 0,
        window: Duration::from_millis(1),
        retry_after: Some(Duration::ZERO),
    });
    let healing = async {
        // One more than there are tries.
        while github.refused() <= u64::from(BOUNDS.retry.tries) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        github.heal();
    };
    let (made, ()) = tokio::join!(register(&client), healing);
    made.unwrap();
}

#[tokio::test]
async fn a_renamed_repository_is_served_and_told_of_once() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    let before = register(&client).await.unwrap().runner_id.unwrap();
    github.rename_repository("Acme/App", 1234);
    let name: Name = "gharun-1-1-1-abcdefabcdefgh".parse().unwrap();
    let after = client.register(&name, &[name.to_string()]).await.unwrap();
    let rows = client.runners().await.unwrap();
    let ids: Vec<u64> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [before, after.runner_id.unwrap()]);
    assert_eq!(
        client.deregister(before).await.unwrap(),
        Deregistration::Gone
    );
    let requests = github.requests();
    let lines: Vec<String> = requests[1..]
        .iter()
        .map(|one| {
            let status = one.status.unwrap_or_default();
            format!("{} {} {status}", one.method, one.path)
        })
        .collect();
    let runners = "/acme/app/actions/runners";
    let there = "/repositories/1234/actions/runners";
    assert_eq!(
        lines,
        [
            format!("POST /repos{runners}/generate-jitconfig 307"),
            format!("POST {there}/generate-jitconfig 201"),
            format!("GET /repos{runners} 301"),
            format!("GET {there} 200"),
            format!("DELETE /repos{runners}/{before} 307"),
            format!("DELETE {there}/{before} 204"),
        ]
    );
    assert_eq!(*heard.lock().unwrap(), ["acme/app has moved"]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_once_and_is_known() {
    let hours = |hours| jiff::SignedDuration::from_hours(hours);
    for (off, told) in [(hours(8), 1), (hours(-8), 1), (hours(0), 0)] {
        let server = Server::serve(move |_| {
            let now = std::time::SystemTime::now();
            let date = if off.is_negative() {
                now - off.unsigned_abs()
            } else {
                now + off.unsigned_abs()
            };
            Reply::json(200, runners(0, [])).with("date", httpdate::fmt_http_date(date))
        })
        .await;
        let heard = Arc::new(Mutex::new(0));
        let ear = Arc::clone(&heard);
        let observer = Observer::new(move |event| {
            let differs = matches!(event, ClientEvent::ClockDiffers { .. });
            *ear.lock().expect("no panic") += u32::from(differs);
            Ok(())
        });
        let client = Client::new(ClientConfig {
            observer,
            ..config(&server)
        });
        let client = client.unwrap();
        assert_eq!(client.ahead(), hours(0));
        for _ in 0..3 {
            client.runners().await.unwrap();
        }
        assert_eq!(*heard.lock().unwrap(), told, "{off}");
        let wrong_by = (client.ahead() - off).abs();
        assert!(wrong_by < jiff::SignedDuration::from_mins(1), "{wrong_by}");
    }
}

#[tokio::test]
async fn what_is_led_to_another_host_goes_without_the_token_or_not_at_all() {
    let (stub, github) = stub();
    let (client, heard) = client_of(&stub);
    let stranger = Server::serve(|_| Reply::json(200, runners(0, []))).await;
    let lead_away = |method: &str, code| {
        let kind = Kind::Status {
            code,
            body: Page::Json(json!({"message": "Moved Permanently"})),
            headers: vec![("location".to_owned(), stranger.url().to_string())],
        };
        github.fault(Fault::once(method, "/runners", kind));
    };
    lead_away("GET", 301);
    client.runners().await.unwrap();
    let seen = stranger.seen();
    assert_eq!((seen.len(), seen[0].header("authorization")), (1, None));
    lead_away("POST", 307);
    let error = register(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(stranger.seen().len(), 1);
    // Another host's word is not GitHub's.
    assert!(heard.lock().unwrap().is_empty());
}
