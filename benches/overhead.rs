//! What a start costs beside the machines' own time: `cargo bench --features bench`.
//!
//! The stand-in answers with some latency and calls each runner online a fixed time after its
//! registration: 5 s, or as many as are given (`-- 60`); the machines are in memory. Each start runs in a process of its own, so that its
//! peak memory is its own.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use gharun::inside::{StubOptions, StubServer};
use gharun::measured::{
    Bounds, Client, ClientConfig, Condition, DEFAULT_GROUP, Event, Fleet, Health, Instance,
    InstanceId, Listing, NamedProvider, Observer, Order, Package, Plan, Provider, ProviderFuture,
    ProviderKind, RegistrationMode, Rental, Result, RunnerVersion, Scope, Secret, Sink,
    StartIdentity, Store, Termination, TokenSource, start,
};
use gharun_worlds::github::GitHub;
use gharun_worlds::random;

/// Seconds that a machine takes from its registration until it is online.
const BOOTS: u64 = 5;
const COUNTS: [u16; 4] = [1, 4, 16, 64];
const LATENCIES: [u64; 3] = [0, 50, 200];

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, url, count] = args.as_slice()
        && word == "child"
    {
        return child(url, count.parse().expect("a count"));
    }
    // `cargo bench` adds a word of its own.
    let given = args.iter().find_map(|word| word.parse().ok());
    let boots = Duration::from_secs(given.unwrap_or(BOOTS));
    say("runners latency wall_s over_s requests peak_mib");
    for count in COUNTS {
        for latency in LATENCIES {
            say(&measure(count, latency, boots));
        }
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
}

fn measure(count: u16, latency: u64, boots: Duration) -> String {
    let github = GitHub::default();
    let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
    let stub = Arc::new(stub.expect("a stub"));
    github.latency(Duration::from_millis(latency));
    let done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&done);
    let (booted, hands) = (Arc::clone(&stub), github.clone());
    let booting = std::thread::spawn(move || {
        let mut seen: BTreeMap<String, Instant> = BTreeMap::new();
        while !stop.load(Ordering::Relaxed) {
            for row in booted.runners() {
                let since = *seen.entry(row.name.clone()).or_insert_with(Instant::now);
                if !row.online && since.elapsed() >= boots {
                    hands.bring_online(&row.name);
                }
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let program = std::env::current_exe().expect("this program");
    let began = Instant::now();
    let output = Command::new(program)
        .args(["child", &stub.url(), &count.to_string()])
        .output()
        .expect("it runs");
    let wall = began.elapsed();
    done.store(true, Ordering::Relaxed);
    booting.join().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let peak = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse::<f64>()
        .expect("a number")
        / 1024.0;
    let over = wall.as_secs_f64() - boots.as_secs_f64();
    let requests = github.requests().len();
    format!(
        "{count:>7} {latency:>5}ms {:>6.2} {over:>6.2} {requests:>8} {peak:>8.1}",
        wall.as_secs_f64()
    )
}

/// One start; prints the peak memory in KiB.
fn child(url: &str, count: u16) {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let started = runtime.block_on(async {
        let github = Client::new(ClientConfig {
            api_url: url.parse().expect("an address"),
            scope: Scope::Repo {
                owner: "octo".into(),
                name: "app".into(),
            },
            token: Some(TokenSource::literal(Secret::new("bench"))),
            group: DEFAULT_GROUP,
            bounds: Bounds::default(),
            roots: None,
            observer: Observer::default(),
        })
        .expect("a client");
        let places = [NamedProvider::new(
            "memory".to_owned(),
            Arc::new(Memory::default()),
        )];
        let store = Store::at(folder.path().join("state.json"));
        let fleet = Fleet {
            github: Some(&github),
            providers: &places,
            unopened: &[],
            store: &store,
            sink: &Deaf,
        };
        let packages: [Package; 0] = [];
        start(
            fleet,
            &github,
            &plan(count),
            &packages,
            std::future::pending(),
        )
        .await
        .expect("it starts")
    });
    assert_eq!(started.up.len(), usize::from(count), "{:?}", started.failed);
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    say(peak.trim().trim_end_matches(" kB"));
}

fn plan(count: u16) -> Plan {
    Plan {
        identity: StartIdentity {
            server: "github.com".into(),
            scope: "octo/app".into(),
            repository: Some("octo/app".into()),
            run: None,
            start: random(10),
            group: None,
        },
        count: NonZeroU16::new(count).expect("at least one"),
        labels: vec![],
        providers: vec!["memory".into()],
        timeout: Duration::from_mins(5),
        lifetime: Duration::from_hours(7),
        idle_timeout: None,
        poll_interval: Duration::from_secs(2),
        allow_partial: false,
        keep_failed: false,
        setup: None,
        setup_file: None,
        version: RunnerVersion::Latest,
        registration: RegistrationMode::Either,
        env: vec![],
        ca: None,
    }
}

/// A sink that hears nothing.
struct Deaf;

impl Sink for Deaf {
    fn tell(&self, _: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async { Ok(()) }.boxed_local()
    }
}

/// Machines that are there as soon as they are asked for.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Instance>>);

/// It has no settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

impl ProviderKind for Memory {
    const KIND: &'static str = "memory";
    const ABOUT: &'static str = "Machines in memory";
    const REHEARSES: bool = false;
    type Config = NoSettings;

    async fn open(_: NoSettings) -> Result<Self> {
        Ok(Self::default())
    }
}

impl Provider for Memory {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move { Ok(Health::default()) })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(async move {
            let instance = Instance {
                id: InstanceId {
                    location: None,
                    id: order.name.to_string(),
                },
                state: Condition::Running,
                tags: order.tags.clone(),
                created: order.tags.created,
                ended: None,
                rental: Rental::default(),
            };
            self.0.lock().expect("no panic").push(instance.clone());
            Ok(instance)
        })
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            Ok(Listing {
                instances: self.0.lock().expect("no panic").clone(),
                ..Listing::default()
            })
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            self.0
                .lock()
                .expect("no panic")
                .retain(|instance| instance.id != *id);
            Ok(Termination::Gone)
        })
    }
}
