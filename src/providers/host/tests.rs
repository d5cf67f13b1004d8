//! Slots, on real shells and real processes.

use std::fs;
use std::num::NonZeroU16;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use tempfile::TempDir;

use super::local::{Local, LocalConfig, Sh};
use super::*;
use crate::model::{Condition, Order, Secret, random};
use crate::poll::{Pace, until};
use crate::providers::Provider as _;
use crate::providers::contract::{Fake, Mood, chain, contract, order, skipped};

mod clock;
pub(super) mod disk;
mod kept;
mod life;
mod owners;
mod preflight;
mod queue;
mod scripts;
mod slots;
mod strangers;
mod table;

contract!(Here);

/// Slots in a folder of their own, worked on by the shell of this system.
struct Here {
    dir: TempDir,
    tag: String,
    sh: PathBuf,
    path: Option<String>,
}

impl Here {
    fn new(sh: impl Into<PathBuf>) -> Self {
        Self {
            dir: tempfile::tempdir().expect("a folder for tests"),
            tag: random(12),
            sh: sh.into(),
            path: None,
        }
    }

    /// A shell under the name of `sh`, first in `PATH`, so that all scripts run in it.
    fn in_shell(program: &str) -> Option<Self> {
        let Some(program) = which(program) else {
            skipped(&format!("`{program}` is not installed"));
            return None;
        };
        let mut here = Self::new("sh");
        let bin = here.dir.path().join("bin");
        fs::create_dir(&bin).expect("a fresh folder");
        let busybox = program.ends_with("busybox");
        let tools = if busybox {
            run("busybox", &["--list"])
        } else {
            "sh\n".into()
        };
        for tool in tools.lines() {
            symlink(&program, bin.join(tool)).expect("a fresh link");
        }
        // Of busybox all tools come from there, and there are no others.
        let rest = if busybox { "" } else { ":/usr/bin:/bin" };
        here.path = Some(format!("{}{rest}", bin.display()));
        here.sh = bin.join("sh");
        Some(here)
    }

    /// A shell whose `date` is so many seconds ahead.
    fn with_clock_ahead(seconds: i64) -> Self {
        let mut here = Self::new("sh");
        let bin = here.dir.path().join("bin");
        fs::create_dir(&bin).expect("a fresh folder");
        let date = which("date")
            .expect("every system has it")
            .display()
            .to_string();
        let script = format!(
            "case $1 in +%s) echo $(($({date} +%s) + {seconds})) ;; *) exec {date} \"$@\" ;; esac\n"
        );
        write_program(&bin.join("date"), &script);
        here.path = Some(format!("{}:/usr/bin:/bin", bin.display()));
        here
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("state/slots")
    }

    fn config(&self) -> LocalConfig {
        let settings = serde_json::json!({
            "slots": 12,
            "work_dir": self.root(),
            "cache": self.dir.path().join("cache"),
            "grace": "1h",
        });
        serde_json::from_value(settings).expect("settings")
    }

    fn shell(&self) -> Sh {
        let path = self.path.iter().map(|path| ("PATH".into(), path.clone()));
        Sh {
            program: self.sh.clone(),
            env: path.collect(),
        }
    }

    fn with(&self, change: impl FnOnce(&mut LocalConfig)) -> Local {
        let mut config = self.config();
        change(&mut config);
        Local::on(self.shell(), config).expect("these settings are fine")
    }

    fn local(&self) -> Local {
        self.with(|_| {})
    }

    /// A shell that does something else first; `$sh` is the real one.
    fn spoilt(&self, script: &str) -> Local {
        let program = self.dir.path().join(random(8));
        let sh = self.sh.display();
        write_program(&program, &format!("sh={sh}\n{script}"));
        let shell = Sh {
            program,
            ..self.shell()
        };
        Local::on(shell, self.config()).expect("these settings are fine")
    }

    /// A shell that does something else when a machine is to be ended for the first time.
    fn ends_once(&self, instead: &str) -> Local {
        let mark = self.dir.path().join(random(8));
        let mark = mark.display();
        self.spoilt(&format!(
            "case $* in *'# Ends the machine'*) mkdir {mark} 2>/dev/null && {{ {instead}; }} ;; esac\n\
             exec $sh \"$@\""
        ))
    }

    /// The folder of a machine.
    fn folder(&self, id: &str) -> PathBuf {
        let found = entries(&self.root())
            .into_iter()
            .find(|(_, name)| name == id);
        found.expect("the machine is in a slot").0
    }

    /// Waits for a file of a machine to be there and to hold something.
    async fn file(&self, id: &str, name: &str) -> String {
        let path = self.folder(id).join(name);
        let read = async || {
            fs::read_to_string(&path)
                .ok()
                .filter(|text| !text.is_empty())
        };
        until(SOON, read).await.expect("the file comes to be")
    }

    async fn place(&self) -> String {
        let local = self.local();
        local.host.place().await.expect("this is a host").to_owned()
    }

    async fn condition(&self, id: &str) -> Option<Condition> {
        let listing = self.local().list().await.expect("the slots can be read");
        let found = listing.instances.into_iter().find(|m| m.id.id == id);
        found.map(|machine| machine.state)
    }

    /// Launches a machine that runs a script.
    async fn launch(&self, boot: &str) -> Instance {
        let order = self.order(boot);
        self.local().launch(&order).await.expect("there is room")
    }

    fn order(&self, boot: &str) -> Order {
        Order {
            boot: Secret::new(boot),
            ..order(&self.tag)
        }
    }

    async fn ends(&self, id: &str) -> String {
        let ended = until(SOON, async || match self.condition(id).await {
            Some(Condition::Ended(how)) => Some(how),
            _ => None,
        });
        ended.await.expect("it ends")
    }
}

pub(super) const SOON: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_secs(40),
};

/// All that is in slots: folders with their names.
pub(super) fn entries(root: &Path) -> Vec<(PathBuf, String)> {
    let list = |dir: &Path| -> Vec<(PathBuf, String)> {
        let Ok(entries) = fs::read_dir(dir) else {
            return Vec::new();
        };
        entries
            .filter_map(std::result::Result::ok)
            .map(|e| (e.path(), e.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let slots = list(root).into_iter();
    slots
        .filter(|(_, name)| name.starts_with("slot-"))
        .flat_map(|(slot, _)| list(&slot))
        .collect()
}

/// What is left besides slots: names under `.new`, `.gone` and `.queue`.
pub(super) fn leftovers(root: &Path) -> Vec<String> {
    let names = |dir: &str| fs::read_dir(root.join(dir)).into_iter().flatten();
    [".new", ".gone", ".queue"]
        .iter()
        .flat_map(|dir| names(dir))
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect()
}

fn which(program: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin", "/usr/local/bin"]
        .iter()
        .map(|dir| Path::new(dir).join(program))
        .find(|path| path.exists())
}

pub(super) fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output();
    let output = output.expect("a tool of every system");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn write_program(path: &Path, script: &str) {
    gharun_worlds::write_program(path, &format!("#!/bin/sh\n{script}"), 0o700);
}

/// Whether a process runs; one that nobody has waited for does not.
pub(super) fn runs(pid: &str) -> bool {
    let state = run("ps", &["-o", "stat=", "-p", pid]);
    !state.trim().is_empty() && !state.trim_start().starts_with('Z')
}

/// The files that show the processes of a machine, where the system has such.
pub(super) fn marked(name: &str) -> String {
    let grep = format!("grep -lF GHARUN_SLOT={name} /proc/[0-9]*/environ 2>/dev/null");
    run("sh", &["-c", &grep])
}

pub(super) fn kill(signal: &str, pid: &str) {
    run("kill", &[signal, "--", pid]);
}

impl Drop for Here {
    /// Ends what a failed test leaves running; one that passed has left nothing.
    fn drop(&mut self) {
        for (folder, name) in entries(&self.root()) {
            for file in ["keeper", "watcher", "leader"] {
                let signed = fs::read_to_string(folder.join(file)).unwrap_or_default();
                let pid = signed.split(' ').next().unwrap_or_default();
                if !pid.is_empty() {
                    kill("-KILL", &format!("-{pid}"));
                    kill("-KILL", pid);
                }
            }
            for process in marked(&name).lines() {
                kill("-KILL", process.split('/').nth(2).unwrap_or_default());
            }
        }
    }
}

impl Fake for Here {
    type P = Local;
    const MANY: usize = 12;

    async fn start() -> Option<Self> {
        Some(Self::new("sh"))
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    async fn open(&self) -> Local {
        self.local()
    }

    async fn turn(&self, mood: Mood) -> Option<Local> {
        match mood {
            Mood::AnswerLost => Some(self.spoilt(
                "case $* in *'# Launches the machine'*) $sh \"$@\" >/dev/null; exit 1 ;; esac\nexec $sh \"$@\"",
            )),
            Mood::EndBusy => Some(self.ends_once("printf 'gharun\\nfail alive\\ngharun-done\\n'; exit")),
            Mood::EndIgnored => Some(self.ends_once("printf 'gharun\\ngharun-done\\n'; exit")),
            Mood::EndLost => Some(self.ends_once("$sh \"$@\" >/dev/null; exit 1")),
            Mood::EndRefused => Some(self.ends_once("exit 1")),
            // The slot is taken, and then what should watch over the machine does not start.
            Mood::Halfway => Some(self.spoilt(
                r#"[ $# -eq 3 ] || exec $sh "$@"
                script=$(printf '%s' "$2" | sed 's|    detach sh|    false sh|')
                exec $sh -c "$script" "$3""#,
            )),
            Mood::NoCapacity => {
                let pet = self.root().join("slot-1/pet");
                fs::create_dir_all(pet).expect("a folder");
                Some(self.with(|config| config.slots = NonZeroU16::MIN))
            }
            Mood::Unavailable => {
                let mut shell = self.shell();
                shell.program = self.dir.path().join("no-such-shell");
                Some(Local::on(shell, self.config()).expect("these settings are fine"))
            }
            // A child process has no credentials, no limits and no pages, and there is but one place.
            Mood::Denied | Mood::Html | Mood::PartUnread | Mood::RateLimited => None,
        }
    }

    async fn add_stranger(&self) -> InstanceId {
        let id = format!("pet-{}", random(6));
        let folder = self.root().join("slot-12").join(&id);
        fs::create_dir_all(folder).expect("a folder");
        InstanceId {
            location: Some(self.place().await),
            id,
        }
    }

    async fn census(&self) -> Vec<InstanceId> {
        let place = self.place().await;
        let slots = entries(&self.root()).into_iter().map(|(_, name)| name);
        slots
            .chain(leftovers(&self.root()))
            .map(|id| InstanceId {
                location: Some(place.clone()),
                id,
            })
            .collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        fs::read_to_string(self.folder(&id.id).join("boot")).expect("it is there while it runs")
    }

    async fn visible(&self, id: &InstanceId) -> String {
        let folder = self.folder(&id.id);
        let mut seen = run("ps", &["-A", "-o", "args"]);
        let files = fs::read_dir(&folder).expect("it is there");
        for file in files.map(|file| file.expect("an entry").path()) {
            let mode = fs::metadata(&file)
                .expect("it is there")
                .permissions()
                .mode();
            seen.extend([file.display().to_string(), format!(" {mode:o}\n")]);
            if mode & 0o077 != 0 || file.ends_with("meta") {
                seen += &fs::read_to_string(&file).unwrap_or_default();
            }
        }
        seen
    }

    async fn end(&self, id: &InstanceId) {
        let leader = self.file(&id.id, "leader").await;
        kill("-TERM", leader.split(' ').next().expect("a number"));
    }

    async fn finish(self) {
        let local = self.local();
        for (_, id) in entries(&self.root()) {
            if id.parse::<crate::model::Name>().is_err() {
                continue;
            }
            let id = InstanceId {
                location: Some(self.place().await),
                id,
            };
            local
                .terminate(&id)
                .await
                .expect("what a test made can be ended");
        }
    }
}

/// The contract again, where `sh` and its tools are others.
macro_rules! in_shells {
    ($($module:ident: $fake:ident = $program:literal;)*) => {
        $(
            mod $module {
                use super::*;
                contract!($fake);
                struct $fake(Here);
                impl Fake for $fake {
                    type P = Local;
                    async fn start() -> Option<Self> { Here::in_shell($program).map(Self) }
                    fn tag(&self) -> &str { self.0.tag() }
                    async fn open(&self) -> Local { self.0.open().await }
                    async fn turn(&self, mood: Mood) -> Option<Local> { self.0.turn(mood).await }
                    async fn add_stranger(&self) -> InstanceId { self.0.add_stranger().await }
                    async fn census(&self) -> Vec<InstanceId> { self.0.census().await }
                    async fn boot_script(&self, id: &InstanceId) -> String { self.0.boot_script(id).await }
                    async fn visible(&self, id: &InstanceId) -> String { self.0.visible(id).await }
                    async fn end(&self, id: &InstanceId) { self.0.end(id).await; }
                    async fn finish(self) { self.0.finish().await; }
                }
            }
        )*
    };
}

in_shells! {
    bash: Bash = "bash";
    busybox: Busybox = "busybox";
    dash: Dash = "dash";
}
