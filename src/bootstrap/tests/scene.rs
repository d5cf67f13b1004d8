//! A machine whose runner is registered with the stand-in for GitHub.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::machine::{Machine, Run, Shell, Token, find};
use super::{Package, skipped};
use crate::poll::{Pace, until};
use crate::rehearsal::{RunnerRow, StubOptions, StubServer};
use gharun_worlds::github::GitHub;

/// What a test may wait for anything; nothing waits for its end.
const PATIENCE: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_secs(90),
};

/// A machine and the stand-in that its runner is registered with.
pub(super) struct Scene {
    pub(super) stub: StubServer,
    pub(super) github: GitHub,
    pub(super) machine: Machine,
    /// What its script takes for programs.
    fakes: String,
}

impl Scene {
    pub(super) async fn open(shell: Shell) -> Option<Self> {
        Self::with(shell, StubOptions::default()).await
    }

    /// The same, where nothing but the end of its session can make a runner offline.
    pub(super) async fn patient(shell: Shell) -> Option<Self> {
        let options = StubOptions {
            offline_after: Duration::from_hours(1),
            ..StubOptions::default()
        };
        Self::with(shell, options).await
    }

    async fn with(shell: Shell, options: StubOptions) -> Option<Self> {
        let machine = Machine::new(shell)?;
        if shell == Shell::Busybox {
            // What only the stub of the stand-in and some tests need.
            let busybox = find("busybox").expect("it was looked for");
            for tool in ["base64", "od"] {
                symlink(&busybox, machine.at("tools").join(tool)).expect("a link");
            }
            if let Some(useradd) = find("useradd") {
                symlink(useradd, machine.at("tools/useradd")).expect("a link");
            }
        }
        let github = GitHub::default();
        github.add_group(7, "it's ours");
        let stub = StubServer::open_behind(options, github.interceptor()).expect("a stub");
        let mut scene = Self {
            stub,
            github,
            machine,
            fakes: String::new(),
        };
        scene.machine.packages = scene.packages().await;
        // What this very computer may have installed is another runner.
        scene.machine.pinned = true;
        let cache = scene.machine.at("cache").display().to_string();
        scene.machine.var("GHARUN_CACHE", &cache);
        scene.register().await;
        Some(scene)
    }

    /// Makes another machine of this one, on the same disk, with a runner of its own.
    pub(super) async fn register(&mut self) {
        self.machine.name = super::Name::choose(None, 0, jiff::Timestamp::now());
        let name = self.name();
        // Every process has it, so that those are found which have left the group.
        self.machine.var("GHARUN_SLOT", &name);
        let asked = json!({ "name": name, "runner_group_id": 1, "labels": [name] });
        let answer = self.ask("generate-jitconfig", Some(&asked)).await;
        let jit = answer["encoded_jit_config"].as_str().expect("a blob");
        jit.clone_into(&mut self.machine.jit);
    }

    /// Gives the machine a token in place of its configuration; nothing is registered then.
    pub(super) async fn unregister(&mut self) {
        assert!(self.github.remove_runner(self.machine.name.as_str()));
        let answer = self.ask("registration-token", Some(&json!({}))).await;
        let secret = answer["token"].as_str().expect("a token").to_owned();
        self.machine.token = Some(Token {
            secret,
            url: format!("{}/acme/app", self.stub.url()),
            group: None,
            until: 600,
        });
    }

    pub(super) async fn packages(&self) -> Vec<Package> {
        let list = self.ask("downloads", None).await;
        let list = list.as_array().expect("a list");
        let text = |one: &Value, key: &str| one[key].as_str().expect("a text").to_owned();
        list.iter()
            .map(|one| {
                let file = text(one, "filename");
                let version = file.trim_end_matches(".tar.gz").rsplit('-').next();
                Package {
                    os: text(one, "os"),
                    architecture: text(one, "architecture"),
                    version: version.expect("a version").to_owned(),
                    url: text(one, "download_url"),
                    sha256: text(one, "sha256_checksum"),
                    token: None,
                }
            })
            .collect()
    }

    pub(super) async fn ask(&self, what: &str, body: Option<&Value>) -> Value {
        let client = reqwest::Client::builder()
            .no_proxy()
            .user_agent("gharun-tests")
            .timeout(PATIENCE.at_most)
            .build()
            .expect("a client");
        let url = format!("{}/repos/acme/app/actions/runners/{what}", self.stub.url());
        let request = match body {
            Some(body) => client.post(url).json(body),
            None => client.get(url),
        };
        let answer = request.bearer_auth("ghp_pretend").send().await;
        let answer = answer.expect("an answer").error_for_status();
        answer.expect("it is done").json().await.expect("JSON")
    }

    pub(super) fn name(&self) -> String {
        self.machine.name.as_str().to_owned()
    }

    pub(super) fn queue(&self, script: &str) {
        let name = self.machine.name.as_str();
        self.stub.queue_job(name, script);
    }

    /// Queues a job that runs until there is `stub/go`.
    pub(super) fn queue_long_job(&self, first: &str) {
        let place = self.machine.at("stub").display().to_string();
        self.queue(&format!(
            "{first}\ntouch '{place}/begun'\nuntil [ -e '{place}/go' ]; do sleep 0.1; done"
        ));
    }

    pub(super) fn row(&self) -> Option<RunnerRow> {
        let mut rows = self.stub.runners().into_iter();
        rows.find(|row| row.name == self.machine.name.as_str())
    }

    pub(super) async fn wait_row(&self, wanted: impl Fn(&RunnerRow) -> bool) {
        let seen = until(PATIENCE, async || self.row().filter(|row| wanted(row))).await;
        let log = self.machine.read("log");
        assert!(seen.is_some(), "{:?}: {log}", self.row());
    }

    /// Waits until no process that was started here is left, wherever it has gone.
    pub(super) async fn wait_quiet(&self) {
        let gone = until(PATIENCE, async || self.marked().is_empty().then_some(())).await;
        assert!(gone.is_some(), "left behind: {:?}", self.marked());
    }

    /// All processes that have the mark in their environment; none where there is no such list.
    pub(super) fn marked(&self) -> BTreeSet<u32> {
        let wanted = format!("GHARUN_SLOT={}", self.name());
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let environment = fs::read(entry.path().join("environ")).ok()?;
                environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == wanted.as_bytes())
                    .then_some(pid)
            })
            .collect()
    }

    /// Lets the script take something else for a program. A function: the shell of busybox asks no
    /// `PATH` for what it has in itself.
    pub(super) fn replace(&mut self, program: &str, text: &str) {
        writeln!(self.fakes, "{program}() {{\n{text}\n}}").expect("a text takes what is written");
    }

    /// Gives the machine a clock that can be set, and that notes each look at it.
    pub(super) fn set_clock(&mut self) {
        self.wind(0);
        let (ahead, looks) = (self.machine.at("ahead"), self.machine.at("looks"));
        let text = format!(
            "[ \"$1\" = +%s ] || {{\ncommand date \"$@\"\nreturn\n}}\n\
             read -r ahead <'{}'\necho look >>'{}'\necho $(($(command date +%s) + ahead))",
            ahead.display(),
            looks.display()
        );
        self.replace("date", &text);
    }

    pub(super) fn script(&self) -> String {
        let script = self.machine.script();
        let (first, rest) = script.split_once('\n').expect("there are lines");
        format!("{first}\n{}{rest}", self.fakes)
    }

    pub(super) fn start(&self) -> Run<'_> {
        self.machine.start_script(&self.script())
    }

    pub(super) fn wind(&self, ahead: u64) {
        // In the place of the old one at once: somebody may be reading it.
        let fresh = self.machine.at("ahead.new");
        fs::write(&fresh, format!("{ahead}\n")).expect("a file");
        fs::rename(fresh, self.machine.at("ahead")).expect("a file");
    }

    /// Waits until the clock was looked at some times more.
    pub(super) async fn wait_looks(&self) {
        let looks = || self.machine.read("looks").lines().count();
        let wanted = looks() + 6;
        let seen = until(PATIENCE, async || (looks() >= wanted).then_some(())).await;
        assert!(seen.is_some(), "nobody looks at the clock");
    }

    /// Lets time pass until there is nothing of a machine any more.
    pub(super) async fn let_time_pass(&self, run: &Run<'_>) {
        let mut ahead = 0;
        let over = until(PATIENCE, async || {
            ahead += 600;
            self.wind(ahead);
            self.machine.at("ended").exists().then_some(())
        });
        let over = over.await;
        let log = self.machine.read("log");
        assert!(over.is_some(), "{:?} does not end: {log}", run.child.id());
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // After a failure: what left the group is not killed with it.
        for pid in self.marked() {
            signal("KILL", &pid.to_string());
        }
    }
}

pub(super) fn signal(name: &str, whom: &str) {
    let status = Command::new("/bin/kill")
        .args([&format!("-{name}"), "--", whom])
        .stderr(Stdio::null())
        .status();
    // One that has ended meanwhile is what was wanted.
    status.expect("`kill` runs");
}

/// Whether this test may mount what no other process sees.
pub(super) fn mounts(what: &str) -> bool {
    let tried = Command::new("unshare").args(["-m", "true"]).output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        skipped(&format!("bootstrap: {what}: it takes root and unshare"));
    }
    can
}

/// What runs a command after some mounts that no other process sees.
pub(super) fn after(mounts: &str) -> Vec<String> {
    let script = format!("{mounts} && exec \"$@\"");
    ["/usr/bin/unshare", "-m", "/bin/sh", "-c", &script, "sh"]
        .map(str::to_owned)
        .to_vec()
}
