//! A pretend machine for the stub runner: a folder, a shell, and what its programs may find.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use flate2::read::GzDecoder;
use tempfile::TempDir;

use super::*;
use gharun_worlds::random;

/// Where the programs of this computer are.
const PROGRAMS: &str = "/usr/bin:/bin";

/// What runs the stub's scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shell {
    Bash,
    /// Nothing but busybox is found: its shell, its tools, its `wget`.
    Busybox,
    Dash,
}

impl Shell {
    pub(super) const ALL: [Self; 3] = [Self::Bash, Self::Busybox, Self::Dash];

    fn line(self) -> &'static str {
        match self {
            Self::Bash => "/bin/bash",
            Self::Busybox => "/bin/busybox sh",
            Self::Dash => "/bin/dash",
        }
    }

    /// Whether this computer has it; says so past the harness where not.
    pub(super) fn here(self) -> bool {
        use std::io::Write as _;
        let program = self.line().split(' ').next().unwrap_or_default();
        let here = Path::new(program).exists();
        if !here {
            writeln!(std::io::stderr(), "skipped: no {program} here").expect("stderr takes a line");
        }
        here
    }
}

/// A machine with an unpacked runner. Dropping it ends every process that it has started.
pub(super) struct Machine {
    pub(super) folder: TempDir,
    path: String,
    shell: Shell,
    /// A variable that every process of it has, so that they can be found.
    mark: String,
}

/// This computer's platform, in GitHub's spelling.
pub(super) fn platform() -> (&'static str, &'static str) {
    let os = if cfg!(target_os = "macos") {
        "osx"
    } else {
        "linux"
    };
    let cpu = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "arm" => "arm",
        _ => "x64",
    };
    (os, cpu)
}

impl Machine {
    /// Fetches the archive for a platform from the stand-in and unpacks it.
    pub(super) fn with(scene: &Scene, shell: Shell, (os, cpu): (&str, &str)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let downloads = scene.get(&format!("{REPO}/runners/downloads")).json();
        let url = downloads
            .as_array()
            .expect("a list")
            .iter()
            .find(|one| one["os"] == os && one["architecture"] == cpu)
            .and_then(|one| one["download_url"].as_str())
            .expect("an archive for this platform")
            .to_owned();
        let bytes = scene.runtime.block_on(async {
            let got = scene.client.get(url).send().await.expect("an answer");
            got.bytes().await.expect("an archive")
        });
        tar::Archive::new(GzDecoder::new(&bytes[..]))
            .unpack(folder.path().join("."))
            .expect("it unpacks");
        let mut machine = Self {
            path: PROGRAMS.to_owned(),
            folder,
            shell,
            mark: random(20),
        };
        machine.set_shell();
        machine
    }

    pub(super) fn new(scene: &Scene, shell: Shell) -> Self {
        Self::with(scene, shell, platform())
    }

    /// Puts the shell into every first line, and for busybox its tools in the place of all others.
    fn set_shell(&mut self) {
        for script in ["run.sh", "bin/Runner.Listener", "bin/Runner.Worker"] {
            let file = self.file(script);
            let text = fs::read_to_string(&file).expect("a script");
            let text = text.replacen("/bin/sh", self.shell.line(), 1);
            fs::write(file, text).expect("it is written");
        }
        if self.shell != Shell::Busybox {
            return;
        }
        let tools = self.file("tools");
        fs::create_dir(&tools).expect("a folder");
        let list = Command::new("/bin/busybox").arg("--list").output();
        let list = list.expect("busybox lists its tools").stdout;
        for tool in String::from_utf8_lossy(&list).lines() {
            symlink("/bin/busybox", tools.join(tool)).expect("a link");
        }
        self.path = tools.display().to_string();
    }

    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.file(path)).unwrap_or_default()
    }

    /// Writes an executable script that this machine's shell runs.
    pub(super) fn script(&self, path: &str, text: &str) -> String {
        let file = self.file(path);
        let text = format!("#!{}\n{text}\n", self.shell.line());
        gharun_worlds::write_program(&file, &text, 0o755);
        file.display().to_string()
    }

    /// A program of the runner, in an environment of its own.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.file(program));
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("STAGE_MARK", &self.mark)
            .env("RUNNER_ALLOW_RUNASROOT", "1")
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// `run.sh` as a boot script starts it.
    pub(super) fn boot(&self, blob: &str) -> Command {
        let mut command = self.command("run.sh");
        command.env("ACTIONS_RUNNER_INPUT_JITCONFIG", blob);
        command
    }

    /// Starts a program whose output can be read while it runs.
    pub(super) fn start(&self, mut command: Command) -> Running {
        let log = self.file(&format!("log-{}", random(8)));
        let file = fs::File::create(&log).expect("a log");
        let errors = file.try_clone().expect("a log");
        let child = command.stdout(file).stderr(errors).spawn();
        Running {
            child: child.expect("it starts"),
            log,
        }
    }

    /// The processes of this machine by their number, with the name that the kernel has for them.
    pub(super) fn processes(&self) -> Vec<(u32, String)> {
        let wanted = format!("STAGE_MARK={}", self.mark);
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let mut environment = Vec::new();
                let file = fs::File::open(entry.path().join("environ"));
                file.ok()?.read_to_end(&mut environment).ok()?;
                let ours = environment
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == wanted.as_bytes());
                let name = fs::read_to_string(entry.path().join("comm")).ok()?;
                ours.then(|| (pid, name.trim().to_owned()))
            })
            .collect()
    }

    /// Sends a signal to processes of this machine.
    pub(super) fn signal(signal: &str, pids: &[u32]) {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        if !pids.is_empty() {
            let status = Command::new("kill")
                .arg(format!("-{signal}"))
                .args(&pids)
                .stderr(Stdio::null())
                .status();
            // One that has ended meanwhile is what was wanted.
            status.expect("`kill` runs");
        }
    }

    /// Ends everything on it at once, as a power cut does.
    pub(super) fn power_off(&self) {
        let pids: Vec<u32> = self.processes().into_iter().map(|(pid, _)| pid).collect();
        Self::signal("KILL", &pids);
    }

    /// Waits until no process of it is left.
    #[track_caller]
    pub(super) fn wait_quiet(&self) {
        let quiet = wait(|| self.processes().is_empty().then_some(()));
        assert!(quiet.is_some(), "left behind: {:?}", self.processes());
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Twice: what was being started the first time is there the second time.
        self.power_off();
        self.power_off();
    }
}

/// A program that runs.
pub(super) struct Running {
    pub(super) child: Child,
    log: PathBuf,
}

impl Running {
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for its end; its status and all that it said.
    #[track_caller]
    pub(super) fn end(mut self) -> (ExitStatus, String) {
        let status = wait(|| self.child.try_wait().expect("a child"));
        let log = self.log();
        (
            status.unwrap_or_else(|| panic!("it does not end: {log}")),
            log,
        )
    }
}
