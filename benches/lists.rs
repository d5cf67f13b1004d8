//! What a list and a sweep cost in a scope of ten thousand registrations: `cargo bench --features bench --bench lists`.
//!
//! The program itself runs against a stand-in of GitHub that answers at once, after 50 ms and after 200 ms. There are no
//! machines, and every registration is another's.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gharun::inside::{StubOptions, StubServer};
use gharun_worlds::github::GitHub;

/// The registrations of a large organization; 100 pages.
const REGISTERED: usize = 10_000;
const LATENCIES: [u64; 3] = [0, 50, 200];

fn main() {
    say("command         latency  wall_s requests peak_mib");
    let github = GitHub::default();
    let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
    let stub = stub.expect("a stub");
    for number in 0..REGISTERED {
        github.add_runner("octo/app", &format!("somebody-{number}"), &["self-hosted"]);
    }
    for latency in LATENCIES {
        github.latency(Duration::from_millis(latency));
        for args in [&["list"][..], &["stop", "--orphans"]] {
            measure(&github, &stub, args, latency);
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn measure(github: &GitHub, stub: &StubServer, args: &[&str], latency: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("providers.toml");
    std::fs::write(&file, "[providers.local]\n").expect("a file");
    let before = github.requests().len();
    let began = Instant::now();
    let mut program = Command::new(env!("CARGO_BIN_EXE_gharun"))
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("GHARUN_CONFIG", &file)
        .env("GITHUB_API_URL", stub.url())
        .env("GHARUN_REPO", "octo/app")
        .env("GH_PAT", "ghp_bench")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it runs");
    let mut peak = 0.0;
    let status = loop {
        peak = memory(&program).unwrap_or(peak);
        match program.try_wait().expect("it can be asked") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let wall = began.elapsed().as_secs_f64();
    assert!(status.success(), "{args:?}: {status}");
    let (requests, args) = (github.requests().len() - before, args.join(" "));
    say(&format!(
        "{args:<15} {latency:>5}ms {wall:>7.2} {requests:>8} {peak:>8.1}"
    ));
}

/// The peak memory of a program so far, in MiB; `None` when it has ended.
fn memory(program: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.id())).ok()?;
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = peak.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}
