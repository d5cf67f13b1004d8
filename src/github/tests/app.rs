//! A GitHub App against the stand-in, which verifies each signature and keeps to what it grants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use jiff::SignedDuration;
use tokio::time::Instant;

use super::*;
use crate::rehearsal::{StubOptions, StubServer};
use gharun_worlds::github::spec::Spec;
use gharun_worlds::github::{Exchange, Fault, GitHub, Installation, Kind};
use gharun_worlds::keys;

mod refusals;

const ID: u64 = 77;
const APP: u64 = 1234;
const CLIENT_ID: &str = "Iv23liPretend";

struct Play {
    stub: StubServer,
    github: GitHub,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Play {
    /// A stand-in with an app that may do what is needed on `acme`, and where no other token counts.
    fn new() -> Self {
        let github = GitHub::default();
        let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
        let stub = stub.expect("a stub");
        github.demand_token("nobody-has-it");
        github.install_app(Installation {
            app: APP,
            client_id: CLIENT_ID.to_owned(),
            key: keys::rsa().public.clone(),
            id: ID,
            scopes: vec!["acme".to_owned()],
            permissions: permissions(&[
                ("actions", "read"),
                ("administration", "write"),
                ("contents", "write"),
                ("organization_self_hosted_runners", "write"),
            ]),
            suspended: false,
            lasts: Duration::from_hours(1),
        });
        Self {
            stub,
            github,
            heard: Arc::default(),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Installation)) -> &Self {
        assert!(self.github.change_installation(ID, change));
        self
    }

    fn app() -> GitHubApp {
        GitHubApp {
            id: CLIENT_ID.to_owned(),
            installation: None,
            key_from: Some("`$APP_KEY`".to_owned()),
            key: AppKey::read(&keys::rsa().pkcs1).expect("a key"),
        }
    }

    fn client(&self) -> Client {
        self.client_of(repo(), Self::app())
    }

    fn client_of(&self, scope: Scope, app: GitHubApp) -> Client {
        let heard = Arc::clone(&self.heard);
        Client::new(ClientConfig {
            api_url: self.stub.url().parse().expect("a URL"),
            scope,
            token: Some(TokenSource::App(app)),
            group: DEFAULT_GROUP,
            bounds: BOUNDS,
            observer: Observer::new(move |event| {
                if let ClientEvent::Secret(secret) = event {
                    let mut heard = heard.lock().expect("no panic");
                    heard.push(secret.expose().to_owned());
                }
                Ok(())
            }),
            roots: None,
        })
        .expect("a client")
    }

    /// How many tokens were made, and how many of them are good.
    fn tokens(&self) -> (usize, usize) {
        let (tokens, now) = (self.github.app_tokens(), self.github.now());
        (
            tokens.len(),
            tokens.iter().filter(|one| one.is_good(now)).count(),
        )
    }

    fn lines(&self) -> Vec<String> {
        let line = |seen: Exchange| {
            let status = seen.status.unwrap_or_default();
            format!("{} {} {status}", seen.method, seen.path)
        };
        self.github.requests().into_iter().map(line).collect()
    }
}

fn permissions(given: &[(&str, &str)]) -> BTreeMap<String, String> {
    given
        .iter()
        .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
        .collect()
}

fn org() -> Scope {
    Scope::Org("acme".into())
}

#[tokio::test]
async fn an_app_gets_a_token_for_its_repository_and_for_nothing_else() {
    let play = Play::new();
    let client = play.client();
    register(&client).await.unwrap();
    client.runners().await.unwrap();
    client.revoke(BOUNDS.operation).await;
    assert_eq!(
        play.lines(),
        [
            "GET /repos/acme/app/installation 200",
            "POST /app/installations/77/access_tokens 201",
            "POST /repos/acme/app/actions/runners/generate-jitconfig 201",
            "GET /repos/acme/app/actions/runners 200",
            "DELETE /installation/token 204",
        ]
    );
    let token = &play.github.app_tokens()[0];
    assert_eq!(token.repositories.as_deref(), Some(&["app".to_owned()][..]));
    let narrow = [
        ("actions", "read"),
        ("administration", "write"),
        ("metadata", "read"),
    ];
    assert_eq!(token.permissions, permissions(&narrow));
    assert!(token.revoked);
    // A client that is used again gets itself another one.
    client.runners().await.unwrap();
    assert_eq!(play.tokens(), (2, 1));
}

#[tokio::test]
async fn an_app_manages_the_runners_of_an_organization_by_its_number() {
    let play = Play::new();
    let app = GitHubApp {
        id: APP.to_string(),
        installation: Some(ID),
        ..Play::app()
    };
    let client = play.client_of(org(), app);
    register(&client).await.unwrap();
    assert_eq!(
        play.lines(),
        [
            "POST /app/installations/77/access_tokens 201",
            "POST /orgs/acme/actions/runners/generate-jitconfig 201",
        ]
    );
    let token = &play.github.app_tokens()[0];
    assert_eq!(token.repositories, None);
    let narrow = [
        ("actions", "read"),
        ("metadata", "read"),
        ("organization_self_hosted_runners", "write"),
    ];
    assert_eq!(token.permissions, permissions(&narrow));
}

#[tokio::test]
async fn every_request_of_an_app_is_one_that_github_describes() {
    let Some(spec) = Spec::load() else { return };
    let play = Play::new();
    for scope in [repo(), org()] {
        let client = play.client_of(scope, Play::app());
        register(&client).await.unwrap();
        client.revoke(BOUNDS.operation).await;
    }
    let requests = play.github.requests();
    assert_eq!(requests.len(), 8);
    for seen in requests {
        let body = seen.request_json();
        let checked = spec.check_request(&seen.method, &seen.path, body.as_ref());
        assert_eq!(checked, Ok(()), "{seen:?}");
        assert_eq!(seen.header("accept"), Some("application/vnd.github+json"));
        assert_eq!(seen.header("x-github-api-version"), Some("2022-11-28"));
    }
}

#[tokio::test]
async fn signatures_and_tokens_are_heard_of_before_they_are_used() {
    let play = Play::new();
    play.client().runners().await.unwrap();
    let heard = play.heard.lock().unwrap().clone();
    let token = play.github.app_tokens()[0].token.clone();
    let [signature, last] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert_eq!(*last, token);
    // The same signature served both questions.
    let sent: Vec<String> = play
        .github
        .secrets()
        .into_iter()
        .filter(|secret| secret.starts_with("eyJ"))
        .collect();
    assert_eq!(sent, std::slice::from_ref(signature));

    let deaf = Observer::new(|_| Err(std::io::Error::other("the disk is full")));
    let config = ClientConfig {
        observer: deaf,
        token: Some(TokenSource::App(Play::app())),
        ..config(&Server::replies([]).await)
    };
    play.github.forget_requests();
    let api_url = play.stub.url().parse().unwrap();
    let client = Client::new(ClientConfig { api_url, ..config }).unwrap();
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unexpected);
    assert_eq!(play.lines().len(), 0);
}

#[tokio::test]
async fn the_token_is_taken_as_it_comes() {
    let play = Play::new();
    play.client().runners().await.unwrap();
    let token = play.github.app_tokens()[0].token.clone();
    assert!((450..600).contains(&token.len()), "{}", token.len());
    assert!(token.contains('.') && token.contains('-'));
}

#[tokio::test]
async fn a_token_is_replaced_before_it_ends() {
    let play = Play::new();
    let client = play.client();
    client.runners().await.unwrap();
    for (minutes, tokens) in [(54, 1), (56, 2), (58, 2)] {
        let ahead = SignedDuration::from_mins(minutes);
        play.github.clock_ahead(ahead);
        // The first question tells the time, the second goes by it.
        client.runners().await.unwrap();
        client.runners().await.unwrap();
        assert_eq!(play.tokens(), (tokens, tokens), "{minutes}");
    }
    assert!(play.lines().iter().all(|line| !line.ends_with("401")));
    client.revoke(BOUNDS.operation).await;
    assert_eq!(play.tokens(), (2, 0));
}

#[tokio::test]
async fn a_token_that_lasts_for_minutes_is_not_replaced_at_each_request() {
    let play = Play::new();
    play.change(|app| app.lasts = Duration::from_mins(4));
    let client = play.client();
    for _ in 0..3 {
        client.runners().await.unwrap();
    }
    assert_eq!(play.tokens(), (1, 1));
}

#[tokio::test]
async fn a_token_that_cannot_be_replaced_is_used_to_its_end() {
    let play = Play::new();
    let client = play.client();
    client.runners().await.unwrap();
    let ill = Fault::once("POST", "/access_tokens", Kind::html(502));
    play.github.fault(ill.times(u32::MAX));
    play.github.clock_ahead(SignedDuration::from_mins(57));
    for _ in 0..4 {
        client.runners().await.unwrap();
    }
    // It was tried, and not at each request.
    let tried = play.github.count("access_tokens");
    assert_eq!(tried, 1 + 3, "{:#?}", play.lines());
    play.github.clock_ahead(SignedDuration::from_mins(61));
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", told(&error));
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced_once() {
    let play = Play::new();
    let client = play.client();
    client.runners().await.unwrap();
    play.github.revoke_app_tokens();
    client.runners().await.unwrap();
    assert_eq!(play.tokens(), (2, 1));
    let refusal = Fault::once("GET", "/runners", Kind::status(401, "Bad credentials"));
    play.github.fault(refusal.times(u32::MAX));
    let error = client.runners().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(play.tokens().0, 3);
}

#[tokio::test]
async fn sixteen_callers_at_once_make_one_token() {
    let play = Play::new();
    let client = play.client();
    for round in 1..=2 {
        let all = join_all((0..16).map(|_| client.runners())).await;
        for runners in all {
            runners.unwrap();
        }
        assert_eq!(play.tokens(), (round, 1));
        play.github.revoke_app_tokens();
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_by_a_day_does_no_harm() {
    for hours in [-24, -1, 1, 24] {
        let play = Play::new();
        play.github.clock_ahead(SignedDuration::from_hours(hours));
        let client = play.client();
        client.runners().await.unwrap();
        assert_eq!(
            play.lines()[..3],
            [
                "GET /repos/acme/app/installation 401",
                "GET /repos/acme/app/installation 200",
                "POST /app/installations/77/access_tokens 201",
            ],
            "{hours}"
        );
        assert_eq!(play.lines().len(), 4);
    }
    let play = Play::new();
    play.github.clock_ahead(SignedDuration::from_hours(-2));
    let given = GitHubApp {
        installation: Some(ID),
        ..Play::app()
    };
    play.client_of(org(), given).runners().await.unwrap();
    let minted = "POST /app/installations/77/access_tokens";
    assert_eq!(
        play.lines()[..2],
        [format!("{minted} 401"), format!("{minted} 201")]
    );
}

#[tokio::test]
async fn an_app_that_may_not_read_runs_manages_runners_all_the_same() {
    for installation in [None, Some(ID)] {
        let play = Play::new();
        play.change(|app| {
            app.permissions.remove("actions");
        });
        let run = Run { id: 7, attempt: 1 };
        play.github.set_run(7, 1, "in_progress");
        play.github.add_job(7, 1, "gpu");
        let app = GitHubApp {
            installation,
            ..Play::app()
        };
        let client = play.client_of(repo(), app);
        register(&client).await.unwrap();
        assert_eq!(client.run("acme/app", 7).await.unwrap(), None);
        assert_eq!(client.jobs("acme/app", run).await.unwrap(), None);
        let refused = play
            .lines()
            .iter()
            .filter(|line| line.ends_with("422"))
            .count();
        assert_eq!(refused, usize::from(installation.is_some()));
        // It is not asked for again.
        play.github.revoke_app_tokens();
        client.runners().await.unwrap();
        assert_eq!(
            play.github.count("access_tokens"),
            2 + u64::from(installation.is_some())
        );
    }
}

#[tokio::test]
async fn a_lost_token_is_asked_for_again_and_is_never_taken_for_a_lost_registration() {
    let play = Play::new();
    for kind in [Kind::LostAnswer, Kind::Refuse] {
        play.github
            .fault(Fault::once("POST", "/access_tokens", kind));
    }
    register(&play.client()).await.unwrap();

    play.github
        .fault(Fault::once("POST", "/access_tokens", Kind::LostAnswer).times(u32::MAX));
    let error = register(&play.client()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", told(&error));
    assert_eq!(play.github.count("generate-jitconfig"), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_token_beyond_a_deadline() {
    let play = Play::new();
    play.github
        .fault(Fault::once("POST", "/access_tokens", Kind::Hang));
    let patient = play.client();
    let hasty = patient.by(Instant::now() + Duration::from_millis(500));
    let first = patient.runners();
    let second = hasty.runners();
    tokio::pin!(first);
    let error = tokio::select! {
        biased;
        _ = &mut first => panic!("nobody answers"),
        error = second => error.unwrap_err(),
    };
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", told(&error));
}

#[tokio::test]
async fn taking_tokens_back_is_bounded_and_no_failure() {
    let play = Play::new();
    let client = play.client();
    client.runners().await.unwrap();
    play.github
        .fault(Fault::once("DELETE", "/installation/token", Kind::Hang).times(u32::MAX));
    client.revoke(Duration::from_millis(200)).await;
    assert_eq!(play.tokens(), (1, 1));
    // What was not made for an app is nobody's to take back.
    let other = Client::new(ClientConfig {
        api_url: play.stub.url().parse().unwrap(),
        ..config(&Server::replies([]).await)
    });
    let before = play.lines().len();
    other.unwrap().revoke(BOUNDS.operation).await;
    assert_eq!(play.lines().len(), before);
}
