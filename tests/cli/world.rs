//! A scrubbed world for one test: folders, a stand-in for GitHub, and nothing of the tester's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use gharun::inside::{RunnerRow, StubOptions, StubServer};
use gharun_worlds::github::GitHub;
use serde_json::Value;

/// The token that is given to the program, to be looked for everywhere afterwards.
pub(crate) const TOKEN: &str = "ghp_thisTokenMustNotBeSeenAnywhere";

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) stub: StubServer,
    pub(crate) github: GitHub,
    /// A scope of its own: all tests share the Docker daemon.
    repo: String,
    env: Vec<(String, String)>,
}

impl World {
    /// A laptop's world.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let github = GitHub::default();
        let stub = StubServer::open_behind(StubOptions::default(), github.interceptor());
        let stub = stub.expect("a stub");
        github.demand_token(TOKEN);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let repo = format!("octo/app-{}", gharun_worlds::random(8));
        let env = vec![
            (
                "PATH".to_owned(),
                outer("PATH").unwrap_or_else(|| "/usr/bin:/bin".to_owned()),
            ),
            ("HOME".to_owned(), path("home")),
            ("COLUMNS".to_owned(), "100".to_owned()),
            ("GITHUB_API_URL".to_owned(), stub.url()),
            ("GH_PAT".to_owned(), TOKEN.to_owned()),
            ("GHARUN_REPO".to_owned(), repo.clone()),
            ("GHARUN_POLL_INTERVAL".to_owned(), "200ms".to_owned()),
            // No test asks an address that only instances of EC2 have.
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ];
        std::fs::create_dir(folder.path().join("home")).expect("a home");
        Self {
            folder,
            stub,
            github,
            repo,
            env,
        }
    }

    /// The row of a runner, by its name.
    pub(crate) fn runner(&self, name: &str) -> Option<RunnerRow> {
        let mut rows = self.stub.runners().into_iter();
        rows.find(|row| row.name == name)
    }

    /// The repository that runners register with.
    pub(crate) fn repo(&self) -> &str {
        &self.repo
    }

    /// The server, as tags name it.
    #[cfg(feature = "docker")]
    pub(crate) fn server(&self) -> String {
        format!("127.0.0.1:{}", self.stub.port())
    }

    /// A workflow step's world, in run 7.
    pub(crate) fn step() -> Self {
        let world = Self::new();
        let path = |name: &str| world.folder.path().join(name).display().to_string();
        let repo = world.repo.clone();
        let (output, summary, temp) = (path("output"), path("summary"), path("temp"));
        std::fs::create_dir(&temp).expect("a folder");
        world
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_RUN_ID", "7")
            .env("GITHUB_RUN_ATTEMPT", "1")
            .env("GITHUB_REPOSITORY", &repo)
            .env("GITHUB_OUTPUT", &output)
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("RUNNER_TEMP", &temp)
            .env("RUNNER_TRACKING_ID", "github_of_the_step")
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.env.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command in this world; words are divided by blanks.
    pub(crate) fn command(&self, args: &str) -> Command {
        self.dressed(Command::new(cargo_bin("gharun")), args.split_whitespace())
    }

    /// A shell script as a step runs it: `bash -e FILE`, with the program as `gharun`.
    pub(crate) fn script(&self, text: &str) -> Command {
        let file = self.path("step.sh");
        let program = cargo_bin("gharun").display().to_string();
        std::fs::write(&file, text.replace("gharun ", &format!("{program} "))).expect("a script");
        let file = file.display().to_string();
        self.dressed(Command::new("bash"), ["-e", file.as_str()])
    }

    pub(crate) fn dressed<'a>(
        &self,
        mut command: Command,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Command {
        command
            .args(args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(self.folder.path());
        // A file that is named needs no trust.
        let named = |(name, _): &(String, String)| name == "GHARUN_CONFIG";
        if self.path("providers.toml").exists() && !self.env.iter().any(named) {
            command.env("GHARUN_CONFIG", "providers.toml");
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, args: &str) -> Said {
        Said::of(self.command(args).output().expect("it runs"), self)
    }

    pub(crate) fn spawn(&self, args: &str) -> Child {
        self.command(args).spawn().expect("it runs")
    }

    /// That secrets are nowhere in what was said, nor in any file of this world. Masks are how a step tells
    /// its runner what to hide: they are for its ears only.
    #[track_caller]
    pub(crate) fn keeps(&self, secrets: &[&str], all: &[&Said]) {
        let said = all.iter().map(|said| {
            let heard = said.stderr.lines();
            let heard = heard.filter(|line| !line.starts_with("::add-mask::"));
            let heard: String = heard.collect();
            ("what it said".to_owned(), heard + &said.stdout)
        });
        let written = files(self.folder.path()).into_iter();
        let written = written.map(|(path, text)| (path.display().to_string(), text));
        for (place, text) in said.chain(written) {
            for secret in secrets {
                assert!(!text.contains(secret), "a secret is in {place}");
            }
        }
    }

    /// The last value of an output, read as the runner reads the file.
    pub(crate) fn output(&self, name: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.path("output")).ok()?;
        let mut lines = text.lines();
        let mut found = None;
        while let Some(line) = lines.next() {
            let (key, delimiter) = line.split_once("<<").expect("the heredoc form");
            let value: Vec<&str> = lines
                .by_ref()
                .take_while(|line| *line != delimiter)
                .collect();
            if key == name {
                found = Some(value.join("\n"));
            }
        }
        found
    }
}

/// A variable of the tester's own environment.
#[expect(
    clippy::disallowed_methods,
    reason = "where tools and daemons are is the tester's to say"
)]
pub(crate) fn outer(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn of(output: Output, world: &World) -> Self {
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .expect("UTF-8")
                .replace(&world.folder.path().display().to_string(), "[WORLD]")
                .replace(&world.stub.url(), "[GITHUB]")
        };
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// What was under way when a start was killed may come until that start's time is over: a stop, asked for JSON, names
    /// that, and nothing else is left.
    #[track_caller]
    pub(crate) fn proves_or_names(&self) {
        let json = self.json();
        let pending = json["pending"].as_array().expect("a list");
        let code = if pending.is_empty() { 0 } else { 3 };
        assert_eq!(self.code, Some(code), "{json}\n{}", self.stderr);
        assert_eq!(json["failed"], serde_json::json!([]), "{json}");
        assert_eq!(json["kept"], serde_json::json!([]), "{json}");
    }

    /// What a user sees: the exit code, what is said of GitHub on standard output, and standard error.
    pub(crate) fn told(&self) -> String {
        let code = format!("exit {}", self.code.unwrap_or(-1));
        let mut is_github = false;
        let github = self.stdout.lines().filter(|line| {
            // What is below a part belongs to it.
            is_github = line.starts_with("github") || is_github && line.starts_with(' ');
            is_github
        });
        // Masks are for the runner's ears only.
        let said = self.stderr.lines();
        let said = said.filter(|line| !line.starts_with("::add-mask::"));
        let lines: Vec<&str> = [code.as_str()]
            .into_iter()
            .chain(github)
            .chain(said)
            .collect();
        lines.join("\n")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in: {}", self.stdout))
    }
}

/// Waits for something, with a deadline.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process that the test started.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(status.success() || name == "KILL", "kill -{name} failed");
}

/// Every file below a folder, with its text.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

/// What differs from run to run, and what stands for it in snapshots.
pub(crate) const DIFFERS: [(&str, &str); 9] = [
    (r"gharun-(7-1-\d-)?t[a-z0-9]{12,14}", "[NAME]"),
    (r"octo/app-[a-z0-9]{8}", "octo/app"),
    (r"127\.0\.0\.1:\d+", "[GITHUB]"),
    (r"request [0-9A-F]{4}:[0-9A-Z]{8}:[0-9A-F]+", "request [ID]"),
    (r"local:[0-9a-f]{12}/", "local:[HERE]/"),
    (r"online after [0-9ms .]+", "online after [TIME]"),
    (r", in [0-9hms ]+: ", ", in [TIME]: "),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[TIME]"),
    (r"\d+ of 5000 API requests", "[SOME] of 5000 API requests"),
];

/// Asserts what a user is told.
#[macro_export]
macro_rules! told {
    ($said:expr, @$snapshot:literal) => {
        insta::with_settings!({filters => $crate::world::DIFFERS}, {
            insta::assert_snapshot!($said.told(), @$snapshot);
        })
    };
}
