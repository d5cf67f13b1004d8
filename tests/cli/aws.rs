//! The main job on EC2: a moto server in its place, and a proxy before it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;

use crate::docker;
use crate::world::{Said, World, outer, signal, wait_for};
use gharun_worlds::moto::{Deed, Proxy, Server, alive, ask};

mod killed;
mod machine;
mod mapping;
mod metadata;

pub(crate) const REGION: &str = "us-east-1";

/// Where the server is; says so where there is none.
pub(crate) fn moto() -> Option<Server> {
    let server = outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty());
    if server.is_none() {
        docker::skipped("aws: no moto at $GHARUN_MOTO_URL; `sh tests/run` starts one");
    }
    server.map(|url| Server::new(&url))
}

/// A step of a run that no other test has, whose EC2 is behind a proxy.
fn step(run: u64, proxy: &Proxy) -> World {
    let world = World::step()
        .env("GITHUB_RUN_ID", &run.to_string())
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", &proxy.url);
    let text =
        "[defaults]\nproviders = [\"aws\"]\n\n[providers.aws]\nsearch_regions = [\"us-west-2\"]\n";
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    world
}

fn run_id(n: u64) -> u64 {
    u64::from(std::process::id()) * 1000 + n
}

fn instances(server: &Server, run: u64) -> Vec<String> {
    alive(server, REGION, "gharun-run-id", &run.to_string())
}

fn registrations(world: &World) -> Vec<String> {
    let rows = world.stub.runners().into_iter();
    rows.map(|row| row.name).collect()
}

#[track_caller]
fn nothing_is_left(world: &World, server: &Server, run: u64, when: &str) {
    let left = instances(server, run);
    assert!(left.is_empty(), "{when}: instances are left: {left:?}");
    let left = registrations(world);
    assert!(left.is_empty(), "{when}: registrations are left: {left:?}");
}

/// How many machines the outputs and the state file have.
fn launched(world: &World) -> usize {
    let mapping = world.output("mapping").unwrap_or_default();
    let state = std::fs::read_to_string(world.path("temp/gharun-state.json"));
    let written = [mapping, state.unwrap_or_default()];
    let counts = written.map(|text| text.matches("aws:us_east_1_").count());
    counts.into_iter().min().unwrap_or_default()
}

/// Starts so many machines. There are none behind them: somebody else has to bring their runners online.
#[track_caller]
fn start(world: &World, count: usize) {
    let mut command = world.command(&format!("start aws --count {count}"));
    // A pipe that nobody reads until the end could fill up.
    let said = std::fs::File::create(world.path("said")).expect("a file");
    command
        .stdout(said.try_clone().expect("a file"))
        .stderr(said);
    let mut child = command.spawn().expect("it runs");
    let status = wait_for("the end of the start", || {
        for name in registrations(world) {
            world.github.bring_online(&name);
        }
        child.try_wait().expect("it can be asked")
    });
    let said = std::fs::read_to_string(world.path("said")).expect("a file");
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn sixteen_come_up_side_by_side_and_are_stopped() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::from_millis(50), |_| Deed::Forward);
    let run = run_id(1);
    let world = step(run, &proxy);
    start(&world, 16);
    assert_eq!(launched(&world), 16);
    assert_eq!(instances(&server, run).len(), 16);
    let most = proxy.seen().most_launches;
    // EC2's bucket holds five.
    assert!(most >= 4, "{most} launches at a time");
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(
        listed["machines"].as_array().map(Vec::len),
        Some(16),
        "{listed}"
    );
    world.run("stop").exits(0);
    nothing_is_left(&world, &server, run, "after stop");
}

/// A step whose start was killed once it had launched so many machines.
fn killed_with(count: usize, run: u64, proxy: &Proxy) -> World {
    let world = step(run, proxy);
    let mut child = world.spawn(&format!("start aws --count {count}"));
    wait_for("the launches", || (launched(&world) == count).then_some(()));
    signal(&child, "KILL");
    child.wait().expect("it ends");
    world
}

#[test]
fn a_stop_that_nobody_told_a_provider_looks_at_ec2_whatever_a_check_would_say() {
    let Some(server) = moto() else { return };
    let calm = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(400);
    let world = killed_with(2, run, &calm);
    // The job that always runs: no table, no record, no outputs, and a role that may launch nothing.
    for file in ["providers.toml", "temp/gharun-state.json", "output"] {
        std::fs::remove_file(world.path(file)).expect("it was there");
    }
    let ill = Proxy::start(&server, Duration::ZERO, |_| {
        Deed::Refuse(503, "Unavailable")
    });
    let world = world.env("AWS_ENDPOINT_URL", &ill.url);
    // What GitHub registered may still get its machine there.
    let said = world.run("stop --timeout 4s").exits(3);
    assert!(said.stderr.contains("aws"), "{}", said.stderr);
    let strict = Proxy::start(&server, Duration::ZERO, |asked| {
        match asked.action.as_str() {
            "RunInstances" | "GetCallerIdentity" => Deed::Refuse(403, "UnauthorizedOperation"),
            _ => Deed::Forward,
        }
    });
    let world = world.env("AWS_ENDPOINT_URL", &strict.url);
    world.run("stop").exits(0);
    nothing_is_left(&world, &server, run, "stopped without a table");
}

#[test]
fn another_accounts_credentials_prove_nothing_gone_and_say_whose_they_are() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(410);
    let world = killed_with(1, run, &proxy);
    let mapping = world.output("mapping").expect("it was launched");
    let reference = mapping.split('"').nth(1).expect("a reference").to_owned();
    let other = Server::new(&server.url());
    let strange = Proxy::start(&other, Duration::ZERO, |_| Deed::Forward);
    let world = world.env("AWS_ENDPOINT_URL", &strange.url);
    let whose = format!("account …{}", &other.account[9..]);
    for (command, code) in [
        ("list --quiet".to_owned(), 1),
        ("stop --orphans --quiet".to_owned(), 1),
        (format!("stop --timeout 4s {reference}"), 3),
        ("stop --timeout 4s".to_owned(), 3),
        (format!("stop --timeout 4s --run {run}"), 3),
    ] {
        let said = world.run(&command).exits(code);
        assert_eq!(instances(&server, run).len(), 1, "{command}");
        let is_quiet = command.contains("--quiet");
        assert!(
            is_quiet || said.stderr.contains(&whose),
            "{command}: {}",
            said.stderr
        );
        assert!(!said.stdout.contains(&other.account) && !said.stderr.contains(&other.account));
    }
    // The mapping alone, on a machine that has no record.
    std::fs::remove_file(world.path("temp/gharun-state.json")).expect("it was there");
    let world = world.env("GHARUN_MAPPING", &mapping);
    let said = world.run("stop --timeout 4s").exits(3);
    assert!(said.stderr.contains(&whose), "{}", said.stderr);
    let world = world.env("AWS_ENDPOINT_URL", &proxy.url);
    world.run("stop").exits(0);
    nothing_is_left(&world, &server, run, "stopped with its own account");
}

#[test]
fn an_instance_whose_tags_cannot_be_read_is_no_silence_for_whoever_is_quiet() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(420);
    let world = killed_with(1, run, &proxy);
    let id = instances(&server, run).remove(0);
    let tag = [
        ("ResourceId.1", id.as_str()),
        ("Tag.1.Key", "gharun-expires"),
        ("Tag.1.Value", "never"),
    ];
    ask(&server, REGION, "CreateTags", &tag);
    for command in ["list", "list --quiet", "stop --orphans --quiet"] {
        let said = world
            .run(&format!("{command} --output json"))
            .exits(1)
            .json();
        let unknown = said["unknown"].to_string();
        assert!(unknown.contains(&id), "{command}: {said}");
        world.run(command).exits(1);
    }
    assert_eq!(instances(&server, run), [id]);
    world.run("stop").exits(0);
    nothing_is_left(&world, &server, run, "stopped by its record");
}

#[test]
fn a_setup_script_that_is_too_long_is_refused_before_anything_is_registered() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(440);
    let world = step(run, &proxy);
    let mut noise = vec![0; 12_000];
    let mut random = std::fs::File::open("/dev/urandom").expect("it is there");
    random.read_exact(&mut noise).expect("it has no end");
    let text = format!(
        "#!/bin/sh\nexit 0\n{}\n",
        base64::engine::general_purpose::STANDARD.encode(noise)
    );
    std::fs::write(world.path("setup.sh"), text).expect("a file");
    for command in [
        "start aws --setup setup.sh",
        "start aws --setup setup.sh --dry-run",
    ] {
        let said = world.run(command).exits(2);
        assert!(said.stderr.contains("EC2 allows 16384"), "{}", said.stderr);
    }
    assert!(world.github.requests().is_empty());
    assert!(proxy.seen().asked.is_empty());
}

#[test]
fn a_termination_leaves_no_instance() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let run = run_id(2);
    let world = step(run, &proxy);
    let child = world.spawn("start aws --count 3");
    wait_for("three launches", || (launched(&world) == 3).then_some(()));
    signal(&child, "TERM");
    let output = child.wait_with_output().expect("it ends");
    Said::of(output, &world).exits(130);
    nothing_is_left(&world, &server, run, "after SIGTERM");
}

#[test]
fn a_runner_that_never_comes_online_shows_what_its_console_said_and_in_which_phase_it_stopped() {
    let Some(server) = moto() else { return };
    // moto's machines all say the same; this is the beginning of it, "Linux versio".
    let said =
        "gharun: phase=arm t=1\ngharun: phase=download t=2\ngharun: error: no archive to be had\n";
    let said = format!("{said}{}", &"   "[said.len() % 3..]);
    let said = base64::engine::general_purpose::STANDARD.encode(said);
    let proxy = Proxy::start(&server, Duration::ZERO, move |asked| {
        match asked.action.as_str() {
            "GetConsoleOutput" => Deed::Edit("TGludXggdmVyc2lv", said.clone()),
            _ => Deed::Forward,
        }
    });
    let run = run_id(5);
    let world = step(run, &proxy);
    let failed = world.run("start aws --timeout 5s").exits(1);
    assert!(
        failed.stderr.contains("no archive to be had"),
        "{}",
        failed.stderr
    );
    assert!(failed.stderr.contains("`download`"), "{}", failed.stderr);
    nothing_is_left(&world, &server, run, "after the time was over");
}

#[test]
fn a_dry_run_prints_the_candidates_and_asks_nobody() {
    let Some(server) = moto() else { return };
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    let world = step(run_id(3), &proxy);
    let said = world
        .run("start aws --dry-run --set market=spot-then-on-demand")
        .exits(0);
    for candidate in ["us-east-1 t3.large spot", "us-east-1 t3.large on-demand"] {
        assert!(said.stdout.contains(candidate), "{}", said.stdout);
    }
    assert!(proxy.seen().asked.is_empty());
}

/// An address where somebody answers, but not as the metadata service of EC2 does. Returns its URL.
fn odd_metadata() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let body = "<p>the page of a captive portal</p>";
            let answer = format!(
                "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut request = [0; 4096];
            // Whoever hangs up before the answer has no need of it.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

/// What `list` says on a machine that has neither a region nor credentials of AWS.
fn list_beside(metadata: &str) -> Said {
    let world = World::new()
        .env("AWS_EC2_METADATA_DISABLED", "")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata);
    world.run("list --provider aws")
}

#[test]
fn the_log_of_the_sdk_is_not_shown_to_whoever_has_no_account() {
    for metadata in ["http://127.0.0.1:9".to_owned(), odd_metadata()] {
        let said = list_beside(&metadata);
        assert!(
            said.stderr.contains("read aws: no AWS region"),
            "{}",
            said.stderr
        );
        for word in ["IMDS", "err=", "captive portal"] {
            assert!(!said.stderr.contains(word), "{metadata}: {}", said.stderr);
        }
    }
}
