//! Versions that GitHub takes, or takes no more.

use super::*;

/// GitHub with one release, and what it says of the end of versions.
async fn server(published: &'static str, end: Option<Value>) -> Server {
    Server::serve(move |seen| match seen.target.as_str() {
        "/repos/actions/runner/releases/tags/v2.336.0" => Reply::json(
            200,
            json!({"tag_name": "v2.336.0", "assets": [], "published_at": published}),
        )
        .with("date", "Sat, 15 Aug 2026 12:00:00 GMT"),
        target if target.contains("/deprecations/") => match &end {
            Some(end) => Reply::json(200, end).with("date", "Sat, 15 Aug 2026 12:00:00 GMT"),
            None => refusal(404, "Not Found").with("date", "Sat, 15 Aug 2026 12:00:00 GMT"),
        },
        _ => refusal(404, "Not Found"),
    })
    .await
}

async fn judged(published: &'static str, end: Option<Value>) -> VersionSupport {
    let server = server(published, end).await;
    client(&server).standing("2.336.0").await.unwrap()
}

#[tokio::test]
async fn a_version_below_the_floor_is_refused_without_a_question() {
    let server = Server::serve(|_| refusal(500, "Oops")).await;
    for old in ["2.328.9", "2.99.0", "1.999.999"] {
        assert_eq!(
            client(&server).standing(old).await.unwrap(),
            VersionSupport::Refused(format!(
                "runner {old} is too old: GitHub requires at least 2.329.0"
            ))
        );
    }
    assert_eq!(server.seen().len(), 0);
    let error = client(&server).standing("2.329.0").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_release_is_old_after_thirty_days_by_githubs_clock() {
    assert_eq!(
        judged("2026-07-16T12:00:01Z", None).await,
        VersionSupport::Good
    );
    let old = judged("2026-07-16T11:59:00Z", None).await;
    let VersionSupport::Doubtful(why) = old else {
        panic!("{old:?}");
    };
    assert!(why.contains("was released on 2026-07-16"), "{why}");
}

#[tokio::test]
async fn the_end_that_github_has_set_counts() {
    let end = |registration: Value, runtime: Value| {
        Some(json!({"runner_version": "2.336.0",
            "registration_deprecates_at": registration, "runtime_deprecates_at": runtime}))
    };
    let (past, future) = (json!("2026-08-01T00:00:00Z"), json!("2026-09-01T00:00:00Z"));
    for (end, standing) in [
        (
            end(past.clone(), future.clone()),
            VersionSupport::Refused(
                "GitHub stopped registering runner 2.336.0 on 2026-08-01".into(),
            ),
        ),
        (
            end(Value::Null, past),
            VersionSupport::Refused(
                "GitHub stopped sending jobs to runner 2.336.0 on 2026-08-01".into(),
            ),
        ),
        (
            end(Value::Null, future),
            VersionSupport::Doubtful("GitHub supports runner 2.336.0 until 2026-09-01".into()),
        ),
        (end(Value::Null, Value::Null), VersionSupport::Good),
        (Some(json!("unheard of")), VersionSupport::Good),
    ] {
        assert_eq!(judged("2026-08-10T00:00:00Z", end).await, standing);
    }
}

#[tokio::test]
async fn a_ghes_takes_what_it_offers() {
    let server = Server::serve(|_| refusal(500, "Oops")).await;
    let config = ClientConfig {
        api_url: api_url(&server.url()),
        ..config(&server)
    };
    let client = Client::new(config).unwrap();
    assert_eq!(
        client.standing("2.311.0").await.unwrap(),
        VersionSupport::Good
    );
    assert_eq!(server.seen().len(), 0);
}
