//! A folder that stands for a machine: the script runs in it for real.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Boot, BootCredential, Package, Pauses, body, header, parts, skipped};
use crate::model::{JobUser, Name, Secret};
use crate::poll::{Pace, until};

/// What a test may wait for anything; a machine that takes longer hangs.
pub(super) const PATIENCE: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_secs(90),
};
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
const RUNNER: &str = include_str!("runner.sh");
/// What the script and the stub may call.
const TOOLS: &str = "awk bash cat chmod chown cp curl cut date dirname env find getconf grep gzip head id ln ls mkdir \
    mkfifo mv openssl ps readlink rm rmdir runuser sed setpriv sh sha256sum shasum sleep sort stat su tail tar touch tr uname wget";

/// What runs the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    Dash,
    Bash,
    /// With nothing but busybox for all other commands too.
    Busybox,
}

impl Shell {
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Dash => "dash",
            Self::Bash => "bash",
            Self::Busybox => "busybox",
        }
    }
}

/// Where a program lies, where it is here.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    PATH.split(':')
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.exists())
}

/// What a machine registers its runner with.
pub(super) struct Token {
    pub(super) secret: String,
    pub(super) url: String,
    pub(super) group: Option<String>,
    /// Seconds from now.
    pub(super) until: i64,
}

/// A machine before its script runs.
pub(super) struct Machine {
    shell: Shell,
    root: TempDir,
    /// Its name: another one makes it another machine on the same disk.
    pub(super) name: Name,
    pub(super) jit: String,
    /// It has a token in place of that, and where it goes with it.
    pub(super) token: Option<Token>,
    /// Certificates to trust.
    pub(super) ca: Option<String>,
    pub(super) packages: Vec<Package>,
    pub(super) pinned: bool,
    pub(super) ending: String,
    /// How long it waits after the first ending that failed, in seconds.
    pub(super) retry: u32,
    /// Seconds from now.
    pub(super) expires: i64,
    /// Seconds from its start.
    pub(super) lifetime: u64,
    pub(super) idle: Option<u64>,
    pub(super) user: JobUser,
    pub(super) keep_failed: bool,
    pub(super) setup: Option<String>,
    /// What the order says of the environment.
    pub(super) env: Vec<(String, String)>,
    /// What the machine says of it.
    pub(super) vars: Vec<(String, String)>,
    /// Commands that are not there; busybox has them all in itself.
    pub(super) without: Vec<&'static str>,
    /// What comes before the shell (`setpriv …`).
    pub(super) under: Vec<String>,
}

impl Machine {
    /// A machine that takes root for what it is, and ends by leaving a line in `ended`; `None` where
    /// the shell is not here.
    pub(super) fn new(shell: Shell) -> Option<Self> {
        if find(shell.program()).is_none() {
            skipped(&format!("bootstrap: there is no {}", shell.program()));
            return None;
        }
        let root = tempfile::tempdir().expect("a folder");
        for folder in ["home", "stub", "tools"] {
            fs::create_dir(root.path().join(folder)).expect("a folder");
        }
        open(&root.path().join("stub"), 0o777);
        let ended = root.path().join("ended");
        let machine = Self {
            shell,
            name: Name::choose(None, 0, Timestamp::now()),
            jit: format!("jit{}", crate::model::random(40)),
            token: None,
            ca: None,
            packages: Vec::new(),
            pinned: false,
            // Where the test failed and the folder is gone, it is not to be tried for ever.
            ending: format!("(echo ended >>'{}') 2>/dev/null || true", ended.display()),
            retry: 0,
            expires: 600,
            lifetime: 1_000_000_000,
            idle: None,
            user: JobUser::default(),
            keep_failed: false,
            setup: None,
            env: Vec::new(),
            vars: vec![("GHARUN_ALLOW_ROOT".into(), "1".into())],
            without: Vec::new(),
            under: Vec::new(),
            root,
        };
        Some(machine)
    }

    /// The same, with a runner that is installed.
    pub(super) fn installed(shell: Shell, mode: &str) -> Option<Self> {
        let mut machine = Self::new(shell)?;
        machine.install("runner");
        machine.mode(mode);
        Some(machine)
    }

    pub(super) fn install(&mut self, folder: &str) {
        let home = self.at(folder);
        for (path, mode, text) in members() {
            let path = home.join(path);
            let folder = path.parent().expect("a member has a folder");
            fs::create_dir_all(folder).expect("a folder");
            // Whatever the umask is: others may not write to it.
            open(folder, 0o755);
            open(&home, 0o755);
            fs::write(&path, text).expect("a file");
            open(&path, mode);
        }
        self.var("RUNNER_HOME", &home.display().to_string());
    }

    pub(super) fn mode(&mut self, mode: &str) {
        self.var("STUB_MODE", mode);
    }

    pub(super) fn var(&mut self, name: &str, value: &str) {
        self.vars.retain(|(key, _)| key != name);
        self.vars.push((name.into(), value.into()));
    }

    /// A place on the machine's disk.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// What is in a file, nothing where there is none.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_default()
    }

    /// Waits until there is something.
    pub(super) async fn see(&self, path: &str) {
        let there = until(PATIENCE, async || self.at(path).exists().then_some(())).await;
        assert!(there.is_some(), "no {path}: {}", self.read("log"));
    }

    pub(super) fn touch(&self, path: &str) {
        fs::write(self.at(path), "").expect("a file");
    }

    /// How often it was ended.
    pub(super) fn endings(&self) -> usize {
        self.read("ended").lines().count()
    }

    pub(super) fn script(&self) -> String {
        let jit = Secret::new(&self.jit);
        let (token, labels);
        let credential = match &self.token {
            None => BootCredential::Jit(&jit),
            Some(given) => {
                token = Secret::new(&given.secret);
                labels = [self.name.to_string(), "gpu".to_owned()];
                BootCredential::Token {
                    token: &token,
                    url: &given.url,
                    group: given.group.as_deref(),
                    labels: &labels,
                    until: Timestamp::now() + SignedDuration::from_secs(given.until),
                }
            }
        };
        let env: Vec<_> = self
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value)))
            .collect();
        let mut secrets = crate::providers::secrets_in_env();
        secrets.push("PLACE_KEY");
        let boot = Boot {
            name: &self.name,
            credential,
            packages: &self.packages,
            pinned: self.pinned,
            ending: &self.ending,
            expires: Timestamp::now() + SignedDuration::from_secs(self.expires),
            lifetime: Duration::from_secs(self.lifetime),
            idle_limit: self.idle.map(Duration::from_secs),
            user: &self.user,
            keep_failed: self.keep_failed,
            setup: self.setup.as_deref(),
            secrets: &secrets,
            env: &env,
            ca: self.ca.as_deref(),
        };
        let pauses = Pauses {
            tick: "0.3",
            retry: self.retry,
            grace: 15,
            linger: 0,
        };
        let mut parts = parts(&boot);
        // What it has for programs does not hang on how it ends.
        parts.extend(["host", "small"]);
        header(&boot, pauses) + &body(&parts)
    }

    pub(super) fn start(&self) -> Run<'_> {
        self.start_script(&self.script())
    }

    pub(super) fn start_script(&self, script: &str) -> Run<'_> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.at("log"))
            .expect("a log");
        let errors = log.try_clone().expect("one log for both streams");
        self.start_to(script, log.into(), errors.into())
    }

    /// Starts it with its output going elsewhere.
    pub(super) fn start_to(&self, script: &str, stdout: Stdio, stderr: Stdio) -> Run<'_> {
        let file = self.at("part-001");
        fs::write(&file, script).expect("a script");
        // Whoever it is to become has to read it.
        open(&file, if self.under.is_empty() { 0o600 } else { 0o644 });
        let path = self.toolbox();
        let mut words = self.under.clone();
        words.push(
            find(self.shell.program())
                .expect("it was looked for")
                .display()
                .to_string(),
        );
        if self.shell == Shell::Busybox {
            words.push("sh".into());
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg(&file)
            .current_dir(self.root.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.at("home"))
            .env("STUB", self.at("stub"))
            .env("STUB_MODE", "job")
            // The marks of a run are in the machine's own folders, also where this is root.
            .env("GHARUN_WORK", self.at("work"))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0);
        for (name, value) in &self.vars {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let child = command.spawn().expect("the shell runs");
        let group = child.id().expect("it was not waited for yet");
        Run {
            machine: self,
            child,
            group,
        }
    }

    /// Runs it to its end.
    pub(super) async fn run(&self) -> End {
        self.start().ended().await
    }

    pub(super) fn toolbox(&self) -> String {
        let tools = self.at("tools");
        if self.shell != Shell::Busybox && self.without.is_empty() {
            return PATH.to_owned();
        }
        for tool in TOOLS.split_whitespace() {
            let link = tools.join(tool);
            let target = match self.shell {
                // The stub runner's hook is run by bash where there is one; here is none.
                Shell::Busybox
                    if matches!(tool, "bash" | "curl" | "getconf" | "openssl" | "shasum") =>
                {
                    continue;
                }
                Shell::Busybox => find("busybox"),
                _ if self.without.contains(&tool) => continue,
                _ => find(tool),
            };
            if let (Some(target), false) = (target, link.is_symlink()) {
                symlink(target, link).expect("a link");
            }
        }
        tools.display().to_string()
    }
}

/// A machine whose script runs. What still runs when it is dropped is killed.
pub(super) struct Run<'a> {
    machine: &'a Machine,
    pub(super) child: Child,
    group: u32,
}

/// How a script ended.
#[derive(Debug)]
pub(super) struct End {
    /// Its exit code; 128 and the signal where one killed it.
    pub(super) code: i32,
    /// All that it said.
    pub(super) log: String,
}

impl End {
    pub(super) fn phases(&self) -> Vec<String> {
        let phases = super::phases(&self.log);
        phases.into_iter().map(|phase| phase.name).collect()
    }
}

impl Run<'_> {
    /// Waits for the end of the script alone.
    pub(super) async fn code(mut self) -> Option<i32> {
        let status = tokio::time::timeout(PATIENCE.at_most, self.child.wait()).await;
        let log = self.machine.read("log");
        let status = status.unwrap_or_else(|_| panic!("it does not end: {log}"));
        status.expect("it can be waited for").code()
    }

    /// Waits for the end of the script, and of all that it started.
    pub(super) async fn ended(mut self) -> End {
        let status = tokio::time::timeout(PATIENCE.at_most, self.child.wait()).await;
        let log = self.machine.read("log");
        let Ok(status) = status else {
            panic!("it does not end: {:?}\n{log}", left(self.group));
        };
        let status = status.expect("it can be waited for");
        self.alone().await;
        End {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            log: self.machine.read("log"),
        }
    }

    /// Waits until nothing that it started runs.
    pub(super) async fn alone(&self) {
        let gone = until(PATIENCE, async || left(self.group).is_empty().then_some(())).await;
        assert!(gone.is_some(), "it left {:?}", left(self.group));
    }

    /// Sends a signal to the script alone.
    pub(super) fn signal(&self, signal: &str) {
        kill(&format!("-{signal} {}", self.group));
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if !left(self.group).is_empty() {
            kill(&format!("-KILL -{}", self.group));
        }
    }
}

fn kill(words: &str) {
    let status = Blocking::new("sh")
        .args(["-c", &format!("kill {words}")])
        .status();
    assert!(status.expect("a shell").success(), "kill {words}");
}

/// The processes of a group, each with its command.
fn left(group: u32) -> Vec<String> {
    let group = group.to_string();
    processes()
        .into_iter()
        .filter(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(&group) && !words.next().is_some_and(|stat| stat.starts_with('Z'))
        })
        .collect()
}

/// All processes: group, state, arguments.
pub(super) fn processes() -> Vec<String> {
    let output = Blocking::new("ps")
        .args(["-A", "-ww", "-o", "pgid=", "-o", "stat=", "-o", "args="])
        .output()
        .expect("there is a ps");
    assert!(output.status.success());
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::to_owned).collect()
}

pub(super) fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// What a runner's archive holds.
pub(super) fn members() -> [(&'static str, u32, &'static str); 3] {
    ["run.sh", "bin/Runner.Listener", "bin/Runner.Worker"].map(|path| (path, 0o755, RUNNER))
}
