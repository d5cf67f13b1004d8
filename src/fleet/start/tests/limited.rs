//! A start that meets GitHub's limits: the real client and the stand-in, on the real clock.

use std::sync::{Arc, Mutex};

use super::*;
use crate::github::{
    Client, ClientConfig, ClientEvent, DEFAULT_GROUP, ErrorKind as GitHubError, Observer,
    TokenSource,
};
use crate::http::{Bounds, Rate};
use crate::model::{Scope, Secret};
use crate::rehearsal::{StubOptions, StubServer};
use gharun_worlds::github::{GitHub, SecondaryLimit};

/// GitHub's figures with every second made a twentieth of one.
const RATE: Rate = Rate {
    burst: 64,
    every: Duration::from_millis(50),
    in_window: 80,
    window: SECOND.saturating_mul(3),
    at_once: 8,
};

struct Limited {
    scene: Scene,
    stub: StubServer,
    github: GitHub,
    client: Client,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Limited {
    fn new(count: u16) -> Self {
        let mut scene = Scene::new(count, &["a"]);
        scene.plan.poll_interval = SECOND / 5;
        let github = GitHub::default();
        let options = StubOptions {
            // Between two looks at the list nobody gives a sign of life here.
            offline_after: Duration::from_hours(1),
            ..StubOptions::default()
        };
        let stub = StubServer::open_behind(options, github.interceptor()).expect("a stub");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let client = Client::new(ClientConfig {
            api_url: stub.url().parse().expect("an address"),
            scope: Scope::Repo {
                owner: "octo".into(),
                name: "app".into(),
            },
            token: Some(TokenSource::literal(Secret::new("hunter2"))),
            group: DEFAULT_GROUP,
            bounds: Bounds {
                rate: RATE,
                ..Bounds::default()
            },
            roots: None,
            observer: Observer::new(move |notice| {
                if let ClientEvent::Waiting { reason, .. } = notice {
                    ear.lock().expect("no panic").push(reason.to_owned());
                }
                Ok(())
            }),
        });
        Self {
            scene,
            stub,
            github,
            client: client.expect("a client"),
            heard,
        }
    }

    fn limit(&self, writes: u32, retry_after: Duration) {
        self.github.secondary_limit(SecondaryLimit {
            writes,
            window: Duration::from_hours(1),
            retry_after: Some(retry_after),
        });
    }

    /// Every machine's runner comes online with it.
    fn boots(&self) {
        let github = self.github.clone();
        let boots = move |machine: &crate::model::Instance| {
            github.bring_online(machine.tags.name.as_str());
        };
        self.scene.cloud.on_launch(boots);
    }

    async fn start_until(&self, interrupt: impl Future<Output = ()>) -> StartOutcome {
        let client = self
            .client
            .patient(Instant::now() + self.scene.plan.timeout);
        let fleet = Fleet {
            github: Some(&client),
            providers: &self.scene.places,
            unopened: &[],
            store: &self.scene.store,
            sink: &self.scene.ear,
        };
        start(fleet, &client, &self.scene.plan, &[], interrupt)
            .await
            .expect("nothing is written down")
    }

    async fn start(&self) -> StartOutcome {
        self.start_until(pending()).await
    }
}

#[tokio::test]
async fn sixty_four_runners_end_well_under_a_secondary_limit() {
    let limited = Limited::new(64);
    limited.boots();
    limited.limit(40, 2 * SECOND);
    let started = limited.start().await;
    assert_eq!(
        (started.up.len(), started.failed.len()),
        (64, 0),
        "{:?}",
        started.failed
    );
    assert!(started.left.is_empty(), "{:?}", started.left);
    let github = &limited.github;
    assert_eq!(
        limited
            .stub
            .runners()
            .iter()
            .filter(|row| row.online)
            .count(),
        64
    );
    let (refused, registrations) = (github.refused(), github.count("generate-jitconfig"));
    assert!((1..=8).contains(&refused), "{refused} were refused");
    assert_eq!(
        registrations,
        64 + refused,
        "registrations were asked for in vain"
    );
    // One wait for all, and one word of it.
    let reason = "GitHub's secondary rate limit: too many requests at once";
    assert_eq!(*limited.heard.lock().unwrap(), [reason]);
    let names: std::collections::BTreeSet<_> = started.up.iter().map(|up| &up.name).collect();
    assert_eq!(names.len(), 64);
}

#[tokio::test]
async fn polls_that_see_nothing_new_are_free() {
    let limited = Limited::new(2);
    let github = limited.github.clone();
    let several = async {
        let polls = || {
            let requests = github.requests().into_iter();
            requests
                .filter(|one| one.method == "GET" && one.status == Some(304))
                .count()
        };
        while polls() < 3 {
            sleep(SECOND / 20).await;
        }
    };
    let started = limited.start_until(several).await;
    assert!(started.interrupted);
    let requests = limited.github.requests();
    let lists = requests.iter().filter(|one| one.method == "GET");
    let unconditional = lists.filter(|one| one.header("if-none-match").is_none());
    // The first look, and after that none but what a change makes new.
    assert_eq!(unconditional.count(), 1);
    let costly = requests
        .iter()
        .filter(|one| one.status != Some(304))
        .count();
    let core = limited.client.rate_limit().await.unwrap().core;
    let core = core.expect("GitHub says it");
    assert_eq!(core.limit - core.remaining, costly as u64);
}

#[tokio::test]
async fn a_limit_beyond_the_time_limit_fails_at_once_and_names_its_end() {
    let mut limited = Limited::new(3);
    limited.scene.plan.timeout = Duration::from_mins(15);
    limited.limit(0, Duration::from_mins(20));
    let started = limited.start().await;
    assert!(
        started.up.is_empty() && started.left.is_empty(),
        "{:?}",
        started.left
    );
    for failed in &started.failed {
        let Trouble::Register(error) = &failed.trouble else {
            panic!("{:?}", failed.trouble);
        };
        assert_eq!(error.kind, GitHubError::RateLimited);
        let hint = &error.hints()[0];
        assert!(
            hint.starts_with("GitHub accepts requests again at 2"),
            "{hint}"
        );
    }
    assert!(!started.failed.is_empty());
    assert_eq!(
        limited.github.count("generate-jitconfig"),
        limited.github.refused()
    );
    assert_eq!(*limited.heard.lock().unwrap(), [""; 0], "nobody waited");
}

#[tokio::test]
async fn everything_is_ended_after_a_signal_though_github_refuses_all_of_it() {
    let limited = Limited::new(64);
    limited.limit(64, Duration::from_mins(10));
    let all_there = async {
        while limited.scene.cloud.machines().len() < 64 {
            sleep(SECOND / 50).await;
        }
    };
    let started = limited.start_until(all_there).await;
    assert!(started.interrupted);
    assert!(
        limited.scene.cloud.machines().is_empty(),
        "a machine is left"
    );
    // Each was tried, none was repeated against the wish of GitHub's.
    assert_eq!(limited.github.count("DELETE"), 64);
    assert_eq!(limited.github.refused(), 64);
    // What GitHub still lists is named.
    assert_eq!(started.left.len(), 64);
    assert!(started.left.iter().all(|left| left.instance.is_none()));
    let why = chain(&started.left[0].why);
    assert!(why.contains("secondary rate limit"), "{why}");
}

#[tokio::test]
async fn sixty_four_runners_are_undone_at_once_right_after_they_were_registered() {
    let limited = Limited::new(64);
    let all_there = async {
        while limited.scene.cloud.machines().len() < 64 {
            sleep(SECOND / 50).await;
        }
    };
    let started = limited.start_until(all_there).await;
    assert!(started.left.is_empty(), "{:?}", started.left);
    assert!(limited.scene.cloud.machines().is_empty());
    assert!(limited.stub.runners().is_empty());
    assert_eq!(limited.github.count("DELETE"), 64);
}

#[tokio::test]
async fn a_signal_during_a_wait_leaves_no_doubt_about_what_was_not_sent() {
    let limited = Limited::new(12);
    limited.limit(0, Duration::from_mins(10));
    let waiting = async {
        while limited.heard.lock().expect("no panic").is_empty() {
            sleep(SECOND / 50).await;
        }
    };
    let started = limited.start_until(waiting).await;
    assert!(
        started.interrupted && started.failed.is_empty(),
        "{:?}",
        started.failed
    );
    assert!(started.left.is_empty(), "{:?}", started.left);
}
