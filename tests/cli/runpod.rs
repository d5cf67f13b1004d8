//! The main job on RunPod: the stand-in for its API, which really runs what pods are told to run.

use std::time::Duration;

use serde_json::json;

use crate::world::{Said, World, signal, wait_for};
use gharun_worlds::runpod::{Deed, Lag, NO_CAPACITY, Standin};

/// Every part of a path is any.
const PODS: &str = "/v2/pods";
const ONE: &str = "/v2/pods/{id}";

/// An account whose pods are processes of this computer.
fn account() -> Standin {
    Standin::running(8)
}

/// A step of run `run`, whose RunPod is the stand-in.
fn step(run: u64, standin: &Standin) -> World {
    let world = World::step()
        .env("GITHUB_RUN_ID", &run.to_string())
        .env("RUNPOD_API_KEY", &standin.key);
    let text = format!(
        "[defaults]\nproviders = [\"pods\"]\n\n[providers.pods]\nkind = \"runpod\"\ncpu = \"cpu5c\"\nendpoint = \"{}/v2\"\n",
        standin.url
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    world
}

fn registrations(world: &World) -> Vec<String> {
    let rows = world.stub.runners().into_iter();
    rows.map(|row| row.name).collect()
}

#[track_caller]
fn nothing_is_left(world: &World, standin: &Standin, when: &str) {
    let left: Vec<String> = standin.alive().into_iter().map(|pod| pod.name).collect();
    assert!(left.is_empty(), "{when}: pods are left: {left:?}");
    let left = registrations(world);
    assert!(left.is_empty(), "{when}: registrations are left: {left:?}");
}

#[track_caller]
fn all_was_as_described(standin: &Standin) {
    assert_eq!(standin.violations(), [""; 0]);
}

/// What was looked up once for all runners of a start fails for all of them, for the same reason.
#[test]
fn why_a_shared_look_up_failed_is_told_whole() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let world = World::step().env("RUNPOD_API_KEY", "rpa_NONE");
    let args =
        format!("start runpod --timeout 20s --set endpoint=http://{address}/v2 --set gpu=L40S");
    let said = world.run(&args).exits(1).stderr;
    let error = said.split("\nerror: ").last().expect("an error");
    assert!(error.contains("could not read RunPod's catalog"), "{said}");
    assert!(error.contains("Connection refused"), "{said}");
}

#[test]
fn a_pod_registers_runs_its_job_and_deletes_itself() {
    let standin = account();
    let world = step(7, &standin);
    world.run("start pods").exits(0);
    let pods = standin.alive();
    assert_eq!(pods.len(), 1);
    let name = pods[0].name.clone();
    assert_eq!(registrations(&world), [name.as_str()]);
    let mapping = world.output("mapping").expect("a mapping");
    assert!(
        mapping.contains("pods:") && mapping.contains(&format!("/{}\"", pods[0].id)),
        "{mapping}"
    );
    let mark = world.path("mark");
    let script = format!("env >'{}'", mark.display());
    world.stub.queue_job(&name, &script);
    wait_for("the pod's own end", || {
        standin.alive().is_empty().then_some(())
    });
    let pod = standin.pod(&pods[0].id).expect("it was there");
    assert_eq!(pod.runs, 1, "{}", pod.log);
    let env = std::fs::read_to_string(mark).expect("the job ran");
    for secret in [&pod.key, &standin.key] {
        assert!(!env.contains(secret.as_str()), "{env}");
        assert!(!pod.log.contains(secret.as_str()), "{}", pod.log);
    }
    // A JIT runner that did its job is gone by itself.
    nothing_is_left(&world, &standin, "after the job");
    world.run("stop").exits(0);
    all_was_as_described(&standin);
}

#[test]
fn pods_are_listed_and_stopped() {
    let standin = account();
    let world = step(7, &standin);
    world.run("start pods --count 2").exits(0);
    assert_eq!(standin.alive().len(), 2);
    let listed = world.run("list --output json").exits(0).json();
    let machines = listed["machines"].as_array().expect("a list");
    assert_eq!(machines.len(), 2, "{listed}");
    assert!(
        machines.iter().all(|machine| machine["verdict"] == "ready"),
        "{listed}"
    );
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
    wait_for("the end of the pods' commands", || {
        standin.pods().iter().all(|pod| !pod.runs_now).then_some(())
    });
    all_was_as_described(&standin);
}

#[test]
fn a_price_that_is_told_when_the_runner_is_online_is_kept_to() {
    let standin = account();
    standin.rule(|rules| {
        rules.dearer = 100.0;
        rules.billed_later = true;
    });
    let world = step(7, &standin);
    let args = "start pods --set cpu=[\"cpu5c\",\"cpu3c\"] --set max_price=1";
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("the runner", || {
                let rows = world.stub.runners();
                rows.iter().any(|row| row.online).then_some(())
            });
            // The next one costs what the catalog says.
            standin.rule(|rules| {
                rules.dearer = 1.0;
                rules.billed_later = false;
            });
            standin.bill();
        });
        world.run(args).exits(0)
    });
    let bodies = standin.bodies();
    let tried: Vec<_> = bodies
        .iter()
        .map(|body| body["cpu"]["id"].clone())
        .collect();
    assert_eq!(tried, ["cpu5c", "cpu3c"], "{}", said.stderr);
    assert!(
        said.stderr
            .lines()
            .any(|line| line.starts_with("::warning") && line.contains("above the `max_price`")),
        "{}",
        said.stderr
    );
    let pods = standin.alive();
    assert_eq!(pods.len(), 1, "the dear one is gone");
    assert_eq!(registrations(&world), [pods[0].name.as_str()]);
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
    all_was_as_described(&standin);
}

#[test]
fn a_job_that_crashes_its_pod_is_followed_by_no_other() {
    let standin = account();
    let world = step(7, &standin);
    world.run("start pods").exits(0);
    let pod = standin.alive().remove(0);
    let begun = world.path("begun");
    let job = format!("touch '{}'; sleep 300", begun.display());
    world.stub.queue_job(&pod.name, &job);
    wait_for("the job", || begun.exists().then_some(()));
    let mark = world.path("second");
    let job = format!("touch '{}'", mark.display());
    world.stub.queue_job(&pod.name, &job);
    // Its disk goes with it.
    standin.crash(&pod.id);
    wait_for("the pod's own end", || {
        standin.alive().is_empty().then_some(())
    });
    assert!(standin.pod(&pod.id).expect("it was there").runs >= 2);
    assert!(!mark.exists());
    // Its registration is GitHub's to end: it takes the runner for busy yet.
    world.run("stop").exits(0);
    all_was_as_described(&standin);
}

#[test]
fn a_start_without_room_leaves_nothing_and_says_so() {
    let standin = account();
    standin.times(u32::MAX, "POST", PODS, Deed::no_capacity());
    let world = step(7, &standin);
    let said = world.run("start pods").exits(1);
    assert!(
        said.stderr.contains("no longer any instances") || said.stderr.contains(NO_CAPACITY),
        "{}",
        said.stderr
    );
    nothing_is_left(&world, &standin, "without room");
    assert!(standin.pods().is_empty());
}

#[test]
fn an_answer_that_was_lost_makes_no_second_pod() {
    for (deed, late) in [
        (Deed::lost(), false),
        (Deed::After(Box::new(Deed::html(502))), false),
        (Deed::Later(Lag::Looks(2), Box::new(Deed::Drop)), true),
    ] {
        let standin = account();
        standin.once("POST", PODS, deed.clone());
        standin.rule(|rules| rules.unlisted = Lag::Looks(1));
        let world = step(7, &standin);
        let said = world.run("start pods");
        assert_eq!(said.code, Some(0), "{deed:?}: {}", said.stderr);
        assert_eq!(standin.alive().len(), 1, "{deed:?}, late: {late}");
        assert_eq!(registrations(&world).len(), 1);
        world.run("stop").exits(0);
        nothing_is_left(&world, &standin, &format!("{deed:?}"));
        all_was_as_described(&standin);
    }
}

#[test]
fn a_stop_that_is_told_nonsense_goes_on_until_the_pod_is_gone() {
    let standin = account();
    let world = step(7, &standin);
    world.run("start pods").exits(0);
    standin.once("DELETE", ONE, Deed::html(502));
    standin.once("DELETE", ONE, Deed::Drop);
    standin.rule(|rules| rules.shown = Lag::Looks(2));
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
}

/// Kills a start, and then leaves nothing that another machine would not have.
fn kill(mut child: std::process::Child, world: &World) {
    signal(&child, "KILL");
    child.wait().expect("it ends");
    for file in ["temp/gharun-state.json", "output"] {
        let path = world.path(file);
        if path.exists() {
            std::fs::remove_file(path).expect("it can be removed");
        }
    }
}

/// What is done with the creation at which a start is killed: nothing, all, or all of it later.
fn creations() -> [(&'static str, Deed); 3] {
    [
        ("before it", Deed::Hang),
        ("after it", Deed::After(Box::new(Deed::Hang))),
        (
            "before it is carried out",
            Deed::Later(Lag::Time(Duration::from_millis(300)), Box::new(Deed::Hang)),
        ),
    ]
}

#[test]
fn a_start_that_is_killed_at_a_creation_is_found_by_its_run() {
    for (run, (when, deed)) in (100..).zip(creations()) {
        let standin = account();
        standin.times(u32::MAX, "POST", PODS, deed);
        let world = step(run, &standin);
        let child = world.spawn("start pods --count 2");
        wait_for("two creations", || {
            (standin.asked_for("POST", PODS).len() == 2).then_some(())
        });
        kill(child, &world);
        wait_for("what is due", || (standin.due() == 0).then_some(()));
        let made = if when == "before it" { 0 } else { 2 };
        assert_eq!(standin.pods().len(), made, "{when}");
        world
            .run("stop --timeout 6s --output json")
            .proves_or_names();
        nothing_is_left(&world, &standin, when);
        all_was_as_described(&standin);
    }
}

#[test]
fn a_start_that_is_killed_at_any_moment_is_swept_from_elsewhere() {
    for number in 1..=8 {
        let standin = account();
        standin.rule(|rules| {
            rules.latency = Duration::from_millis(50);
            rules.unlisted = Lag::Looks(1);
        });
        let run = 200 + number as u64;
        let world = step(run, &standin);
        let mut child = world.spawn("start pods --count 2");
        let when = format!("killed at request {number}");
        wait_for(&when, || {
            let ended = child.try_wait().expect("it can be asked").is_some();
            (ended || standin.asked().len() >= number).then_some(())
        });
        kill(child, &world);
        world.github.set_run(run, 1, "completed");
        wait_for("a clean sweep", || {
            let sweep = "stop --orphans --yes --second-look 1s --timeout 6s --output json";
            world.run(sweep).proves_or_names();
            (standin.alive().is_empty() && registrations(&world).is_empty()).then_some(())
        });
        // What was asked for at the kill was carried out before this look, or never.
        nothing_is_left(&world, &standin, &when);
        all_was_as_described(&standin);
    }
}

#[test]
fn a_termination_leaves_no_pod() {
    let standin = account();
    // They come up, and their runners do not.
    standin.rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
    let world = step(7, &standin);
    let child = world.spawn("start pods --count 2");
    wait_for("two pods", || (standin.alive().len() == 2).then_some(()));
    signal(&child, "TERM");
    let output = child.wait_with_output().expect("it ends");
    Said::of(output, &world).exits(130);
    nothing_is_left(&world, &standin, "after SIGTERM");
}

#[test]
fn a_body_is_what_a_user_would_have_written() {
    let standin = account();
    let world = step(7, &standin);
    world.run("start pods --set vcpus=2 --set disk=30").exits(0);
    let bodies = standin.bodies();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["cpu"], json!({"id": "cpu5c", "vcpuCount": 2}));
    assert_eq!(bodies[0]["disk"], 30);
    world.run("stop").exits(0);
    nothing_is_left(&world, &standin, "after stop");
}

#[test]
fn the_key_of_the_account_is_written_nowhere_and_masked_in_a_step() {
    let standin = account();
    let world = step(7, &standin);
    let said = [
        world.run("start pods -vv"),
        world.run("list -vv --output json"),
        world.run("providers --output json"),
        world.run("providers"),
        world.run("providers check pods -vv"),
        world.run("providers offers pods -vv"),
        world.run("start pods --dry-run -vv"),
        world.run("stop -vv"),
    ];
    for said in [&said[0], &said[7]] {
        assert_eq!(said.code, Some(0), "{said:?}");
        let mask = format!("::add-mask::{}", standin.key);
        assert!(said.stderr.contains(&mask), "{}", said.stderr);
    }
    let all: Vec<&Said> = said.iter().collect();
    world.keeps(&[&standin.key], &all);
}

#[test]
fn settings_that_are_not_enough_are_told_before_anything_is_created() {
    let standin = account();
    let world = step(7, &standin);
    let text = format!(
        "[providers.pods]\nkind = \"runpod\"\nendpoint = \"{}/v2\"\n",
        standin.url
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    for start in ["start pods", "start pods --dry-run"] {
        let said = world.run(start).exits(2);
        assert!(
            said.stderr.contains("`providers.pods.gpu`"),
            "{}",
            said.stderr
        );
        assert!(said.stderr.contains("L40S"), "{}", said.stderr);
    }
    let world = world.env("RUNPOD_API_KEY", "");
    let said = world.run("start pods --set gpu=L40S").exits(2);
    assert!(said.stderr.contains("`$RUNPOD_API_KEY`"), "{}", said.stderr);
    assert!(standin.asked().is_empty());
    assert!(world.github.requests().is_empty());
}

#[test]
fn a_dry_run_with_a_refused_key_says_what_to_mend() {
    let standin = account();
    let world = step(8, &standin).env("RUNPOD_API_KEY", "rpa_revoked");
    let text = format!(
        "[providers.pods]\nkind = \"runpod\"\ngpu = \"L40S\"\nendpoint = \"{}/v2\"\n",
        standin.url
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    let said = world.run("start pods --dry-run").exits(0);
    assert!(
        said.stdout.contains("the prices are not known"),
        "{}",
        said.stdout
    );
    assert!(said.stdout.contains("hint: check `"), "{}", said.stdout);
    let json = world
        .run("start pods --dry-run --output json")
        .exits(0)
        .json();
    let hint = json["providers"][0]["hints"][0].as_str();
    assert!(hint.is_some_and(|hint| hint.contains("api_key")), "{json}");
}
