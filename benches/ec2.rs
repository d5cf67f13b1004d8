//! What a start and a stop of EC2 instances cost beside the instances' own time: `cargo bench --features bench --bench ec2`.
//!
//! The program itself runs against stand-ins of GitHub and EC2 that answer after 50 ms, or as many as are given
//! (`-- 200`). Runners are online five seconds after their launch, and launches are taken as fast as they come,
//! and as fast as EC2's documented bucket has it: neither counts as the program's. The stop is that of a step on another computer, which has the mapping alone.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gharun::inside::{StubOptions, StubServer};
use gharun_worlds::ec2::{Ec2, Pace};
use gharun_worlds::github::GitHub;

/// From the launch of an instance until its runner is online.
const BOOTS: Duration = Duration::from_secs(5);
const COUNTS: [usize; 3] = [1, 16, 64];
/// What a launch takes at EC2's bucket of five and two a second.
fn least(count: usize, pace: Pace) -> Duration {
    match pace {
        Pace::Any => Duration::ZERO,
        Pace::Documented => {
            Duration::from_millis(500) * u32::try_from(count.saturating_sub(5)).expect("few")
        }
    }
}

fn main() {
    let given = std::env::args().find_map(|word| word.parse().ok());
    let latency = Duration::from_millis(given.unwrap_or(50));
    say("command launches  runners  wall_s  over_s  to_ec2  to_github");
    for pace in [Pace::Any, Pace::Documented] {
        for count in COUNTS {
            measure(count, latency, pace);
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn measure(count: usize, latency: Duration, pace: Pace) {
    let github = GitHub::default();
    let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
    let stub = stub.expect("a stub");
    github.latency(latency);
    let ec2 = Ec2::start(latency, pace);
    let folder = tempfile::tempdir().expect("a folder");
    let table = "[defaults]\nproviders = [\"aws\"]\n\n[providers.aws]\nregion = \"us-east-1\"\n";
    std::fs::write(folder.path().join("providers.toml"), table).expect("a file");
    let done = Arc::new(AtomicBool::new(false));
    let booting = {
        let (ec2, github, done) = (ec2.clone(), github.clone(), Arc::clone(&done));
        std::thread::spawn(move || {
            let mut online = BTreeSet::new();
            while !done.load(Ordering::Relaxed) {
                for (name, launched) in ec2.launched("gharun-name") {
                    let is_up = launched.elapsed() >= BOOTS && !online.contains(&name);
                    if is_up && github.bring_online(&name) {
                        online.insert(name);
                    }
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        })
    };
    let run = |args: &[&str], mapping: Option<&str>| {
        let (before, asked) = (github.requests().len(), ec2.asked().len());
        let began = Instant::now();
        let output = command(folder.path(), &stub.url(), &ec2.url)
            .args(args)
            .envs(mapping.map(|mapping| ("GHARUN_MAPPING", mapping)))
            .output()
            .expect("it runs");
        let wall = began.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        let over = wall.saturating_sub(least(count, pace) + BOOTS);
        let over = if args[0] == "start" { over } else { wall };
        say(&format!(
            "{:<7} {:<10} {count:>6} {:>7.2} {:>7.2} {:>7} {:>10}",
            args[0],
            if pace == Pace::Any {
                "any"
            } else {
                "documented"
            },
            wall.as_secs_f64(),
            over.as_secs_f64(),
            ec2.asked().len() - asked,
            github.requests().len() - before,
        ));
    };
    run(&["start", "aws", "--count", &count.to_string()], None);
    done.store(true, Ordering::Relaxed);
    booting.join().expect("it ends");
    assert_eq!(ec2.alive(), count);
    let output = std::fs::read_to_string(folder.path().join("output")).expect("its outputs");
    let mapping = mapping(&output);
    std::fs::remove_file(folder.path().join("temp/gharun-state.json")).expect("its record");
    run(&["stop"], Some(&mapping));
    assert_eq!(ec2.alive(), 0);
}

/// The last value of the output `mapping`.
fn mapping(output: &str) -> String {
    let mut lines = output.lines();
    let mut last = None;
    while let Some(line) = lines.next() {
        if let Some(value) = line.strip_prefix("mapping=") {
            last = Some(value.to_owned());
        } else if line.starts_with("mapping<<") {
            last = lines.next().map(str::to_owned);
        }
    }
    last.expect("a mapping")
}

/// The program as a step of a workflow runs it.
fn command(folder: &Path, github: &str, ec2: &str) -> Command {
    let path = |name: &str| folder.join(name).display().to_string();
    std::fs::create_dir_all(folder.join("temp")).expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gharun"));
    command
        .env_clear()
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("HOME", folder)
        .env("GHARUN_CONFIG", path("providers.toml"))
        .env("GITHUB_API_URL", github)
        .env("GH_PAT", "ghp_bench")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_RUN_ID", "7")
        .env("GITHUB_RUN_ATTEMPT", "1")
        .env("GITHUB_REPOSITORY", "octo/app")
        .env("GITHUB_OUTPUT", path("output"))
        .env("GITHUB_STEP_SUMMARY", path("summary"))
        .env("RUNNER_TEMP", path("temp"))
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", ec2);
    command
}
