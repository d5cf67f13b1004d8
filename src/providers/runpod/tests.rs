//! What RunPod is asked, and what is made of its answers, against the stand-in.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::fake::Account;
use super::request::TAGS;
use super::standin::{Deed, Lag, Level, Machinery, Stage};
use super::*;
use crate::model::{Condition, Secret};
use crate::poll::{Pace, until};
use crate::providers::contract::{chain, contract, order};
use crate::providers::{Error, ErrorKind};

contract!(Account);

const SOON: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_mins(1),
};

const TWO: &[&str] = &["NVIDIA L40S", "NVIDIA RTX A4000"];

fn two() -> Value {
    json!({ "gpu": TWO })
}

impl Account {
    /// The GPU and cloud of each creation that was asked for.
    fn tried(&self) -> Vec<String> {
        let bodies = self.standin.bodies().into_iter();
        let words = |body: Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}", text(&body["gpu"]["id"]), text(&body["cloud"]))
        };
        bodies.map(words).collect()
    }

    fn alive(&self) -> Vec<String> {
        self.standin.alive().into_iter().map(|pod| pod.id).collect()
    }

    #[track_caller]
    fn is_clean(&self) {
        assert_eq!(self.standin.violations(), [""; 0]);
    }

    /// A launch that fails, and what it is said to be.
    async fn fails(&self, settings: Value) -> Error {
        let runpod = self.with(settings);
        let launch = runpod.launch(&order("k3x9")).await;
        self.is_clean();
        launch.expect_err("the launch fails")
    }

    /// An error as people see it, without what differs from run to run.
    fn told(&self, error: &Error) -> String {
        let mut text = chain(error).replace(&self.standin.url, "URL");
        for part in self.standin.url.rsplit("//").take(1) {
            text = text.replace(part, "HOST");
        }
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let name = word.trim_start_matches('`').starts_with("gharun-");
            words.push(if name {
                "`NAME`".into()
            } else {
                word.to_owned()
            });
        }
        text = words.join(" ");
        while let Some(at) = text.find(" (request ") {
            let end = at + text[at..].find(')').expect("a bracket") + 1;
            text.replace_range(at..end, "");
        }
        text
    }
}

#[tokio::test]
async fn candidates_without_room_are_passed_by_in_order() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::High, 0);
    let settings = json!({ "gpu": ["L40S", "A4000"], "cloud": "any" });
    let machine = account.with(settings).launch(&order("k3x9")).await.unwrap();
    assert_eq!(
        account.tried(),
        [
            "NVIDIA L40S COMMUNITY",
            "NVIDIA L40S SECURE",
            "NVIDIA RTX A4000 COMMUNITY"
        ]
    );
    assert_eq!(machine.price_per_hour, Some(0.17));
    assert_eq!(account.alive(), [machine.id.id]);
    account.is_clean();
}

#[tokio::test]
async fn a_lack_of_room_everywhere_is_told_with_what_to_add() {
    let account = Account::open();
    account.standin.stock("*", "*", "*", Level::High, 0);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(error.hint.is_some());
    insta::assert_snapshot!(account.told(&error), @"RunPod has no machine for it now: could not create the pod `NAME` (`NVIDIA L40S`, secure cloud): `POST HOST/v2/pods` answered 400 Bad Request: There are no longer any instances available with the requested specifications. Please refresh and try again.; could not create the pod `NAME` (`NVIDIA RTX A4000`, secure cloud): `POST HOST/v2/pods` answered 400 Bad Request: There are no longer any instances available with the requested specifications. Please refresh and try again.");
    assert_eq!(account.tried().len(), 2);
}

#[tokio::test]
async fn what_the_catalog_has_none_of_is_not_asked_for() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::None, u32::MAX);
    account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried(), ["NVIDIA RTX A4000 SECURE"]);
    account.standin.stock("*", "*", "*", Level::None, u32::MAX);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    assert!(chain(&error).contains("its stock is NONE"), "{error}");
    assert_eq!(account.tried().len(), 1);
}

#[tokio::test]
async fn a_400_that_no_candidate_passes_is_the_requests_fault() {
    let account = Account::open();
    let rule = Deed::refuse(400, "ports: 22/tcp is reserved here");
    account.standin.times(2, "POST", "/v2/pods", rule.clone());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(chain(&error).contains("22/tcp is reserved here"));
    assert_eq!(account.tried().len(), 2);

    // One that another candidate passes was a lack of room in words that are new.
    account.standin.once("POST", "/v2/pods", rule.clone());
    account.with(two()).launch(&order("k3x9")).await.unwrap();

    // Nor is it the request's fault where another one has no room.
    account.standin.once("POST", "/v2/pods", rule);
    account
        .standin
        .once("POST", "/v2/pods", Deed::no_capacity());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
}

#[tokio::test]
async fn what_no_candidate_would_mend_stops_the_launch_at_the_first() {
    for (status, kind, words) in [
        (401, ErrorKind::Denied, "api_key"),
        (402, ErrorKind::Denied, "funds"),
        (404, ErrorKind::Config, "registry"),
        (410, ErrorKind::Config, "runpod.io/v2"),
        (422, ErrorKind::Config, ""),
        (429, ErrorKind::RateLimited, ""),
    ] {
        let account = Account::open();
        let deed = match status {
            429 => Deed::limit(3600),
            status => Deed::refuse(status, "that is so"),
        };
        account.standin.times(u32::MAX, "POST", "/v2/pods", deed);
        let error = account.fails(two()).await;
        assert_eq!(error.kind, kind, "{status}: {}", chain(&error));
        let hint = error.hint.clone().unwrap_or_default();
        assert!(hint.contains(words), "{status}: {hint}");
        assert_eq!(account.tried().len(), 1, "{status}");
        assert_eq!(account.alive(), [""; 0], "{status}");
    }
}

#[tokio::test]
async fn a_balance_that_does_not_cover_it_is_told_in_words() {
    let account = Account::open();
    account.standin.rule(|rules| rules.balance = Some(0.01));
    let error = account.fails(two()).await;
    insta::assert_snapshot!(account.told(&error), @"could not create the pod `NAME` (`NVIDIA L40S`, secure cloud): the account's balance does not cover it: `POST HOST/v2/pods` answered 402 Payment Required: Your balance is too low to deploy this pod. Please add funds.");
}

#[tokio::test]
async fn a_machine_that_the_account_may_not_have_is_passed_by() {
    let account = Account::open();
    let deed = Deed::refuse(403, "no access to this pool");
    account.standin.once("POST", "/v2/pods", deed.clone());
    account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried().len(), 2);
    account.standin.times(2, "POST", "/v2/pods", deed);
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
}

#[tokio::test]
async fn a_short_wish_to_be_left_alone_is_waited_for() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::limit(1));
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.alive(), [machine.id.id]);
}

#[tokio::test]
async fn a_pod_whose_answer_was_lost_is_found_even_where_the_list_is_late() {
    for lost in [
        Deed::lost(),
        Deed::After(Box::new(Deed::html(502))),
        Deed::After(Box::new(Deed::html(200))),
        // It is accepted, and made when it has been looked for twice.
        Deed::Later(Lag::Looks(2), Box::new(Deed::html(504))),
    ] {
        let account = Account::open();
        account.standin.rule(|rules| rules.unlisted = Lag::Looks(3));
        account.standin.once("POST", "/v2/pods", lost.clone());
        let launch = account.with(two()).launch(&order("k3x9")).await;
        let machine = launch.unwrap_or_else(|error| panic!("{lost:?}: {}", chain(&error)));
        assert_eq!(account.alive(), [machine.id.id], "{lost:?}");
        assert_eq!(account.tried().len(), 1, "{lost:?}");
    }
}

#[tokio::test]
async fn a_creation_that_was_lost_before_it_was_done_gives_way_to_the_next_candidate() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(account.tried().len(), 2);
    assert_eq!(account.alive(), [machine.id.id]);

    // Where there is no other, nobody knows.
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let error = account.fails(json!({ "gpu": "L40S" })).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    // What is heard after it does not make it certain.
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    account
        .standin
        .once("POST", "/v2/pods", Deed::no_capacity());
    let error = account.fails(two()).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
}

#[tokio::test]
async fn nothing_is_tried_after_a_lost_answer_that_no_list_explains() {
    let account = Account::open();
    account.standin.once("POST", "/v2/pods", Deed::Drop);
    let runpod = account.with(two());
    let order = order("k3x9");
    let launch = runpod.launch(&order);
    let spoil = async {
        let asked = until(SOON, async || {
            (!account.standin.bodies().is_empty()).then_some(())
        });
        asked.await.expect("a creation");
        account
            .standin
            .times(u32::MAX, "GET", "/v2/pods", Deed::html(503));
    };
    let (launch, ()) = futures_util::future::join(launch, spoil).await;
    // A list may have come between: then the second candidate was tried, and that is right.
    match launch {
        Err(error) => assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error)),
        Ok(machine) => assert_eq!(account.alive(), [machine.id.id]),
    }
}

#[tokio::test]
async fn of_two_pods_of_one_name_the_older_stays() {
    let account = Account::open();
    let runpod = account.with(two());
    let one = order("k3x9");
    let first = runpod.launch(&one).await.unwrap();
    let twin = account.standin.bodies().pop().expect("a body");
    account.standin.create(&twin);
    account.standin.create(&twin);
    assert_eq!(account.alive().len(), 3);
    let again = account.with(two()).launch(&one).await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(account.alive(), [first.id.id]);
    assert_eq!(account.tried().len(), 1);
    account.is_clean();
}

#[tokio::test]
async fn a_strangers_pod_of_that_name_is_left_alone() {
    let account = Account::open();
    let one = order("k3x9");
    account.standin.create(&json!({
        "name": one.name, "image": "x", "gpu": { "id": "NVIDIA L40S", "count": 1 }, "disk": 20,
    }));
    let error = account
        .with(two())
        .launch(&one)
        .await
        .expect_err("it is taken");
    assert_eq!(error.kind, ErrorKind::Unexpected, "{error}");
    assert_eq!(account.alive().len(), 1);
}

#[tokio::test]
async fn without_the_catalog_whole_names_do_and_limits_do_not() {
    let account = Account::open();
    let deed = Deed::html(503);
    account
        .standin
        .times(u32::MAX, "GET", "/v2/catalog/gpus", deed);
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.price_per_hour, Some(0.86));
    let error = account.fails(json!({ "gpu": "L40S" })).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.hint.as_deref().unwrap().contains("whole id"));
    let limited = json!({ "gpu": "NVIDIA L40S", "max_price": 2.0 });
    let error = account.fails(limited).await;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(account.tried().len(), 1);
}

#[tokio::test]
async fn settings_that_the_catalog_cannot_meet_are_told_with_their_key() {
    let account = Account::open();
    for (settings, key) in [
        (json!({}), "gpu"),
        (json!({ "gpu": "L40X" }), "gpu"),
        (json!({ "cpu": "cpu9z" }), "cpu"),
        (json!({ "gpu": "L40S", "gpu_count": 64 }), "gpu_count"),
        (json!({ "gpu": "L4", "cloud": "community" }), "cloud"),
    ] {
        let error = account.fails(settings.clone()).await;
        assert_eq!(error.kind, ErrorKind::Config, "{settings}: {error}");
        assert_eq!(error.key.as_deref(), Some(key), "{settings}: {error}");
    }
    assert_eq!(account.tried(), [""; 0]);
}

#[tokio::test]
async fn every_setting_is_taken_by_runpods_own_description() {
    let account = Account::open();
    let gpu = json!({
        "gpu": "4090", "gpu_count": 2, "cloud": "any", "data_centers": ["EU-RO-1"], "disk": 50,
        "volume": { "size": 40 }, "min_cuda": "12.4", "min_ram_per_gpu": 16, "min_vcpu_per_gpu": 4,
        "ports": ["22/tcp", "8888/http"], "env": { "A": "b" }, "max_price": 2.0,
    });
    let machine = account.with(gpu).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.price_per_hour, Some(0.68));
    let cpu = json!({ "cpu": "cpu5c", "vcpus": 8 });
    let machine = account.with(cpu).launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.price_per_hour, Some(0.28));
    account.is_clean();
}

#[tokio::test]
async fn torn_tags_are_left_out_of_the_list() {
    let account = Account::open();
    let machine = account.with(two()).launch(&order("k3x9")).await.unwrap();
    let mut torn = account.standin.bodies().pop().expect("a body");
    for tags in ["{\"managed-by\":\"gharun\"}", "{", ""] {
        torn["env"][TAGS] = tags.into();
        account.standin.create(&torn);
    }
    let listing = account.with(two()).list().await.unwrap();
    assert!(listing.unread.is_empty());
    let ids: Vec<_> = listing.instances.into_iter().map(|one| one.id).collect();
    assert_eq!(ids, [machine.id]);
}

#[tokio::test]
async fn a_pod_is_pending_until_its_container_runs_and_ended_when_it_is_stopped() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    assert_eq!(machine.state, Condition::Pending);
    for (stage, expected) in [
        (Stage::Provisioning, "Pending"),
        (Stage::Unready, "Pending"),
        (Stage::Up, "Running"),
        (Stage::Broken, "Ended"),
        (Stage::Exited, "Ended"),
    ] {
        account.standin.put(&machine.id.id, stage);
        let listing = runpod.list().await.unwrap();
        let state = format!("{:?}", listing.instances[0].state);
        assert!(state.starts_with(expected), "{stage:?}: {state}");
    }
    account.standin.rule(|rules| rules.shown = Lag::Forever);
    runpod.terminate(&machine.id).await.unwrap();
    assert!(runpod.list().await.unwrap().instances.is_empty());
}

#[tokio::test]
async fn what_was_launched_a_moment_ago_is_deleted_though_its_id_is_not_known_yet() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.unfound = Lag::Looks(3);
        rules.shown = Lag::Looks(2);
    });
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    runpod.terminate(&machine.id).await.unwrap();
    assert_eq!(account.alive(), [""; 0]);
    account.is_clean();
}

#[tokio::test]
async fn a_404_of_somebody_else_is_no_proof() {
    let account = Account::open();
    let runpod = account.with(two());
    let machine = runpod.launch(&order("k3x9")).await.unwrap();
    account
        .standin
        .once("GET", "/v2/pods/{id}", Deed::html(404));
    let end = account.with(two()).terminate(&machine.id).await;
    assert!(end.is_err(), "a page knows nothing of pods");
    assert_eq!(account.alive(), [machine.id.id]);
}

#[tokio::test]
async fn many_launches_share_their_lists_and_the_catalog() {
    let account = Account::open();
    let runpod = account.with(two());
    let orders: Vec<Order> = (0..16).map(|_| order("k3x9")).collect();
    let launches = join_all(orders.iter().map(|order| runpod.launch(order))).await;
    assert!(launches.iter().all(Result::is_ok), "{launches:?}");
    assert_eq!(account.alive().len(), 16);
    assert_eq!(
        account.standin.asked_for("GET", "/v2/catalog/gpus").len(),
        1
    );
    account.is_clean();
}

#[tokio::test]
async fn a_check_tells_what_would_be_tried_and_warns_of_what_would_not() {
    let account = Account::open();
    account
        .standin
        .stock("NVIDIA L40S", "*", "*", Level::None, 0);
    let runpod = account.with(json!({ "gpu": ["L40S", "4090"], "cloud": "any" }));
    let health = runpod.check().await.unwrap();
    let told = health.facts.join("\n") + "\n--\n" + &health.warnings.join("\n");
    insta::assert_snapshot!(told.replace(&account.standin.url, "URL"), @"
    the API key works at URL/v2: 0 pods in its account, 0 of them gharun's
    `NVIDIA GeForce RTX 4090`, community cloud, $0.34 an hour, stock HIGH
    `NVIDIA GeForce RTX 4090`, secure cloud, $0.69 an hour, stock HIGH
    RunPod tells neither the balance nor whether the key may create pods: the first launch does
    --
    `NVIDIA L40S`, secure cloud is not tried: its stock is NONE
    `NVIDIA L40S`, community cloud is not tried: its stock is NONE
    ");
    account.is_clean();
}

#[tokio::test]
async fn offers_are_of_both_clouds() {
    let account = Account::open();
    let offers = account.with(json!({})).offers().await.unwrap();
    let of = |name: &str| -> Vec<String> {
        let found = offers.iter().filter(|offer| offer.name == name);
        let told = found.map(|one| {
            let price = one.price_per_hour.expect("a price");
            format!("{price:.2} {}", one.stock.as_deref().unwrap_or_default())
        });
        told.collect()
    };
    assert_eq!(
        of("NVIDIA L40S"),
        ["0.86 HIGH (secure)", "0.79 HIGH (community)"]
    );
    assert_eq!(of("NVIDIA L4"), ["0.43 HIGH (secure)"]);
    account.is_clean();
}

#[tokio::test]
async fn a_pod_really_runs_its_script_once_and_deletes_itself() {
    let account = Account::open();
    account
        .standin
        .rule(|rules| rules.machinery = Some(Machinery::default()));
    let runpod = account.with(two());
    let said = "it's \"$HOME\" `x` \\ äß€😀 \u{1}\u{7f}";
    let mut one = order("k3x9");
    one.boot = Secret::new(format!(
        "#!/bin/sh\ncat <<'EOF'\n{said}\nEOF\n[ -z \"${{GHARUN_BOOT:-}}\" ] && echo hidden\nsleep 3\nexit 70\n"
    ));
    let machine = runpod.launch(&one).await.unwrap();
    let log = until(SOON, async || {
        let log = runpod.logs(&machine.id).await.expect("a log")?;
        log.contains("hidden").then_some(log)
    });
    let log = log.await.expect("the script runs");
    assert!(log.lines().any(|line| line == said), "{log}");
    assert!(log.contains("runpod: start container"), "{log}");
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    let pod = account.standin.pod(&machine.id.id).expect("it was there");
    assert!(gone.await.is_some(), "{}", pod.log);
    assert_eq!(account.standin.pod(&machine.id.id).unwrap().runs, 1);
    assert!(runpod.list().await.unwrap().instances.is_empty());
    account.is_clean();
}

/// The whole boot script, for a platform that GitHub has no runner for: its end is that of its pod.
#[tokio::test]
async fn the_boot_script_ends_its_own_pod_and_a_restart_runs_nothing_again() {
    let account = Account::open();
    account.standin.rule(|rules| {
        rules.machinery = Some(Machinery {
            image: vec![("GHARUN_WORK".into(), "{disk}".into())],
            ..Machinery::default()
        });
    });
    // So that its end is tried again, and its container can be restarted in the midst of it.
    let deed = Deed::refuse(500, "not now");
    account
        .standin
        .times(u32::MAX, "DELETE", "/v2/pods/{id}", deed.clone());
    account
        .standin
        .times(u32::MAX, "POST", "/v2/pods/{id}/action", deed);
    let runpod = account.with(two());
    let mut one = order("k3x9");
    one.boot = crate::bootstrap::script(&crate::bootstrap::Boot {
        name: &one.name,
        credential: crate::bootstrap::Credential::Jit(&Secret::new("jit")),
        packages: &[],
        pinned: false,
        ending: runpod.ending(),
        expires: one.tags.expires,
        idle_limit: None,
        setup: None,
        env: &[],
        ca: None,
    });
    let machine = runpod.launch(&one).await.unwrap();
    let id = machine.id.id.as_str();
    let cannot = "the machine cannot end itself yet";
    let tried = async |runs: usize| {
        let tried = until(SOON, async || {
            let pod = account.standin.pod(id)?;
            let tries = pod.log.matches(cannot).count();
            (pod.runs >= runs && tries >= runs).then_some(())
        });
        let log = || account.standin.pod(id).map(|pod| pod.log);
        assert!(tried.await.is_some(), "{:?}", log());
    };
    tried(1).await;
    account.standin.crash(id);
    tried(2).await;
    account.standin.forgive();
    let gone = until(SOON, async || account.alive().is_empty().then_some(()));
    assert!(gone.await.is_some(), "{:?}", account.standin.pod(id));
    account.is_clean();
}

#[test]
fn the_surroundings_give_key_and_endpoint() {
    let env = |name: &str| match name {
        "RUNPOD_API_KEY" => Some(" rpa_1 ".to_owned()),
        "RUNPOD_REST_V2_API_URL" => Some("https://proxy.example/v2".to_owned()),
        _ => None,
    };
    let found: Vec<String> = RunPod::ambient(&env)
        .into_iter()
        .map(|(variable, key, value)| format!("{variable} {key} {value}"))
        .collect();
    assert_eq!(
        found,
        [
            "RUNPOD_API_KEY api_key \"rpa_1\"",
            "RUNPOD_REST_V2_API_URL endpoint \"https://proxy.example/v2\""
        ]
    );
    assert!(RunPod::ambient(&|_| None).is_empty());
}

#[test]
fn a_reference_is_a_pods_id_and_nothing_else() {
    let id = |place: Option<&str>, id: &str| InstanceId {
        place: place.map(str::to_owned),
        id: id.to_owned(),
    };
    assert!(ending::pod_id(&id(None, "7h9k2m4n6p")).is_ok());
    for bad in [id(Some("x"), "7h9k"), id(None, "../account"), id(None, "")] {
        assert!(ending::pod_id(&bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_settings_warn_of_what_will_not_work_well() {
    let account = Account::open();
    let settings = json!({ "disk": 10, "cloud": "any", "endpoint": "http://192.0.2.1/v2" });
    let warnings = account.with(settings).warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(account.with(two()).warnings().is_empty());
}

#[test]
fn tags_survive_their_variable() {
    let one = order("k3x9");
    let tags = request::tags(&one.tags);
    let pod = json!({ "id": "x", "name": one.name, "env": { TAGS: tags } });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    assert_eq!(pod.tags, Some(one.tags));
    let other: Pod = serde_json::from_value(json!({ "id": "y" })).unwrap();
    assert_eq!((other.tags, other.marked), (None, false));
}
