//! What goes wrong on demand.

use reqwest::Method;

use super::*;
use gharun_worlds::github::{Fault, Kind, SecondaryLimit};

const SOON: Duration = Duration::from_millis(300);

fn jit(kind: Kind) -> Fault {
    Fault::once("POST", "generate-jitconfig", kind)
}

/// Registers `a` and gives up soon.
fn try_to_register(scene: &Scene) -> Result<Got, reqwest::Error> {
    let path = format!("{REPO}/runners/generate-jitconfig");
    scene.send(&Method::POST, &path, &[], Some(&asked("a")), SOON)
}

#[test]
fn a_lost_answer_has_registered_the_runner() {
    let scene = Scene::open();
    scene.github.fault(jit(Kind::LostAnswer));
    let error = try_to_register(&scene).unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    assert_eq!(scene.stub.runners().len(), 1);
    assert_eq!(scene.register("a").status, 409);
    assert_eq!(scene.github.requests()[0].status, None);
}

#[test]
fn a_refused_connection_has_registered_nothing() {
    let scene = Scene::open();
    scene.github.fault(jit(Kind::Refuse));
    let error = try_to_register(&scene).unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    assert!(scene.stub.runners().is_empty());
    assert_eq!(scene.register("a").status, 201);
}

#[test]
fn a_hanging_request_is_done_or_not_as_was_asked() {
    let scene = Scene::open();
    scene.github.fault(jit(Kind::Hang));
    assert!(try_to_register(&scene).unwrap_err().is_timeout());
    assert!(scene.stub.runners().is_empty());
    scene.github.fault(jit(Kind::HangAfter));
    assert!(try_to_register(&scene).unwrap_err().is_timeout());
    assert_eq!(scene.stub.runners().len(), 1);
}

#[test]
fn who_does_not_wait_for_a_delay_has_done_nothing() {
    let scene = Scene::open();
    scene.github.fault(jit(Kind::Delay(PATIENCE)));
    assert!(try_to_register(&scene).unwrap_err().is_timeout());
    assert!(scene.stub.runners().is_empty());
    scene
        .github
        .fault(jit(Kind::Delay(Duration::from_millis(1))));
    assert_eq!(scene.register("a").status, 201);
}

#[test]
fn a_fault_hits_what_it_names_as_often_as_it_says() {
    let scene = Scene::open();
    scene.registered("a");
    scene
        .github
        .fault(Fault::once("GET", "/runners", Kind::html(502)).times(2));
    let statuses: Vec<u16> = (0..3)
        .map(|_| scene.get(&format!("{REPO}/runners")).status)
        .collect();
    assert_eq!(statuses, [502, 502, 200]);
    scene.github.fault(Fault {
        method: None,
        path_contains: "per_page=100".into(),
        times: u32::MAX,
        kind: Kind::status(500, "Server Error"),
    });
    assert_eq!(scene.get("/meta").status, 200);
    let whole = format!("{REPO}/runners?per_page=100");
    assert_eq!(scene.get(&whole).message(), "Server Error");
    assert_eq!(scene.get(&whole).status, 500);
    scene.github.heal();
    assert_eq!(scene.get(&whole).status, 200);
}

#[test]
fn a_page_of_html_says_so() {
    let scene = Scene::open();
    scene
        .github
        .fault(Fault::once("GET", "/meta", Kind::html(502)));
    let got = scene.get("/meta");
    assert!(got.text.starts_with("<html>"));
    assert_eq!(got.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(got.header("x-github-request-id").is_some());
}

#[test]
fn limits_say_how_long_to_wait_or_nothing() {
    let scene = Scene::open();
    let fault = |kind: Kind| scene.github.fault(Fault::once("GET", "/meta", kind));
    fault(Kind::secondary_limit(Some(Duration::from_secs(7))));
    fault(Kind::secondary_limit(None));
    let reset = jiff::Timestamp::from_second(1_795_507_200).unwrap();
    fault(Kind::primary_limit(reset));
    let got = scene.get("/meta");
    assert_eq!((got.status, got.header("retry-after")), (403, Some("7")));
    let got = scene.get("/meta");
    assert_eq!((got.status, got.header("retry-after")), (403, None));
    assert!(got.message().contains("secondary rate limit"));
    assert_ne!(got.header("x-ratelimit-remaining"), Some("0"));
    let got = scene.get("/meta");
    assert_eq!(got.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(got.header("x-ratelimit-reset"), Some("1795507200"));
    assert_eq!(scene.get("/meta").status, 200);
}

#[test]
fn latency_is_waited_for_and_can_be_taken_back() {
    let scene = Scene::open();
    scene.github.latency(PATIENCE);
    let late = scene.send(&Method::GET, "/meta", &[], None, SOON);
    assert!(late.unwrap_err().is_timeout());
    scene.github.latency(Duration::ZERO);
    assert_eq!(scene.get("/meta").status, 200);
}

#[test]
fn a_secondary_limit_refuses_changes_beyond_its_number_and_counts_them() {
    let scene = Scene::open();
    let limit = |retry_after| {
        scene.github.secondary_limit(SecondaryLimit {
            writes: 2,
            window: Duration::from_secs(5),
            retry_after,
        });
    };
    limit(Some(Duration::from_mins(1)));
    let statuses: Vec<u16> = (0..4)
        .map(|number| scene.register(&format!("r{number}")).status)
        .collect();
    assert_eq!(statuses, [201, 201, 403, 403]);
    assert_eq!(scene.github.refused(), 2);
    assert_eq!(scene.get(&format!("{REPO}/runners")).status, 200);
    let refused = scene.register("r4");
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert!(refused.message().contains("secondary rate limit"));
    // Where nothing is said it lasts for a window.
    limit(None);
    (0..3).for_each(|_| drop(scene.delete(&format!("{REPO}/runners/7"))));
    assert_eq!(scene.github.refused(), 1);
    assert_eq!(scene.register("r5").header("retry-after"), None);
    let over = wait(|| (scene.register("r6").status == 201).then_some(()));
    assert!(over.is_some());
}

#[test]
fn a_renamed_repository_leads_on_to_its_number() {
    let scene = Scene::open();
    let (id, _) = scene.registered("a");
    scene.github.rename_repository("acme/app", 1234);
    // The test's client follows by itself, and makes no reading of a 307.
    let got = scene.get(&format!("/api/v3{REPO}/runners?per_page=5"));
    assert_eq!(
        (got.status, got.json()["runners"][0]["id"].as_u64()),
        (200, Some(id))
    );
    assert_eq!(scene.registered("b").0, scene.runner("b").unwrap().id);
    let requests = scene.github.requests();
    let seen: Vec<_> = requests[1..]
        .iter()
        .map(|one| (one.api_path(), one.query.as_deref(), one.status))
        .collect();
    let there = "/repositories/1234/actions/runners";
    assert_eq!(
        seen[0],
        (&*format!("{REPO}/runners"), Some("per_page=5"), Some(301))
    );
    assert_eq!(seen[1], (there, Some("per_page=5"), Some(200)));
    assert_eq!(seen[2].2, Some(307));
    assert_eq!(scene.get("/repositories/99/actions/runners").status, 404);
    assert_eq!(scene.get("/repos/acme/other").status, 200);
}
