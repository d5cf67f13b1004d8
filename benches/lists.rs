//! What a list and a sweep cost in a scope of ten thousand registrations: `cargo bench --features bench --bench lists`.
//!
//! The program itself runs against a stand-in of GitHub that answers at once, after 50 ms and after 200 ms. There are no
//! machines, and every registration is another's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The registrations of a large organization; 100 pages.
const REGISTERED: usize = 10_000;
const PAGE: usize = 100;
const LATENCIES: [u64; 3] = [0, 50, 200];

/// A GitHub that has its pages ready, so that only the program is measured.
struct Ready {
    url: String,
    pages: Vec<String>,
    /// In milliseconds.
    latency: AtomicU64,
    requests: AtomicUsize,
}

fn main() {
    say("command         latency  wall_s requests peak_mib");
    let github = Ready::open();
    for latency in LATENCIES {
        github.latency.store(latency, Ordering::Relaxed);
        for args in [&["list"][..], &["stop", "--orphans"]] {
            measure(&github, args, latency);
        }
    }
}

impl Ready {
    fn open() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
        let address = listener.local_addr().expect("it is bound");
        let pages = (0..REGISTERED / PAGE).map(|page| {
            let runners: Vec<Value> = (0..PAGE)
                .map(|number| runner(page * PAGE + number))
                .collect();
            json!({ "total_count": REGISTERED, "runners": runners }).to_string()
        });
        let github = Arc::new(Self {
            url: format!("http://{address}"),
            pages: pages.collect(),
            latency: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&github);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let github = Arc::clone(&serving);
                std::thread::spawn(move || github.serve(&client));
            }
        });
        github
    }

    /// Answers on a connection until it is closed. Whoever asked may be gone: then nothing is left to do.
    fn serve(&self, client: &TcpStream) -> Option<()> {
        let mut lines = BufReader::new(client.try_clone().ok()?).lines();
        loop {
            let first = lines.next()?.ok()?;
            while !lines.next()?.ok()?.is_empty() {}
            self.requests.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(self.latency.load(Ordering::Relaxed)));
            let (status, link, body) = self.answer(&first);
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{link}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let mut client = client;
            client.write_all(answer.as_bytes()).ok()?;
        }
    }

    fn answer(&self, first: &str) -> (&str, String, &str) {
        let target = first.split(' ').nth(1).unwrap_or_default();
        if !target.contains("/actions/runners") {
            return (
                "404 Not Found",
                String::new(),
                "{\"message\":\"Not Found\"}",
            );
        }
        let page = target
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("page="));
        let page: usize = page.and_then(|page| page.parse().ok()).unwrap_or(1);
        let path = target.split('?').next().unwrap_or_default();
        let to = |page: usize, relation: &str| {
            format!(
                "<{}{path}?per_page={PAGE}&page={page}>; rel=\"{relation}\"",
                self.url
            )
        };
        let last = self.pages.len();
        let link = if page < last {
            format!("link: {}, {}\r\n", to(page + 1, "next"), to(last, "last"))
        } else {
            String::new()
        };
        let body = self
            .pages
            .get(page - 1)
            .map_or("{\"total_count\":0,\"runners\":[]}", String::as_str);
        ("200 OK", link, body)
    }
}

/// A runner of somebody else, as GitHub shows it.
fn runner(number: usize) -> Value {
    let label = |name: &str| json!({ "id": 1, "name": name, "type": "read-only" });
    json!({
        "id": number + 1,
        "name": format!("somebody-{number}"),
        "os": "linux",
        "status": "online",
        "busy": false,
        "ephemeral": false,
        "runner_group_id": 1,
        "labels": [label("self-hosted"), label("Linux"), label("X64")],
    })
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn measure(github: &Ready, args: &[&str], latency: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("providers.toml");
    std::fs::write(&file, "[providers.local]\n").expect("a file");
    let before = github.requests.load(Ordering::Relaxed);
    let began = Instant::now();
    let mut program = Command::new(env!("CARGO_BIN_EXE_gharun"))
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.path())
        .env("GHARUN_CONFIG", &file)
        .env("GITHUB_API_URL", &github.url)
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
    let requests = github.requests.load(Ordering::Relaxed) - before;
    let args = args.join(" ");
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
