//! The example in Python upholds the contract. The one in shell is tried with real containers, by the program tests.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;
use crate::model::Condition;
use crate::poll::{Pace, until};
use crate::providers::contract::skipped;

/// The example, as the documents have it.
const PROCESSES: &str = include_str!("../../../../examples/providers/processes.py");

contract!(Processes);

/// A folder whose machines are processes.
struct Processes {
    folder: Folder,
}

impl Processes {
    fn machines(&self) -> PathBuf {
        self.folder.path("machines")
    }

    /// The provider, with something that is done before each call.
    async fn after(&self, first: &str) -> External {
        let _ = fs::remove_file(self.folder.path("once"));
        let script = format!(
            "cd '{}'\nonce() {{ [ ! -e once ] && : >once; }}\n{first}\nexec python3 processes.py \"$@\"\n",
            self.folder.root.path().display()
        );
        let path = self.folder.path("first.sh");
        fs::write(&path, script).expect("a file");
        let settings = json!({ "dir": self.machines() });
        self.folder
            .with(settings, json!({ "command": ["sh", path] }))
            .await
    }

    fn kill(&self, id: &str) {
        let pid = fs::read_to_string(self.machines().join(id).join("pid")).expect("its number");
        let kill = format!("kill -9 -{}", pid.trim());
        let _ = Command::new("sh").args(["-c", &kill]).status();
    }
}

impl Fake for Processes {
    type P = External;

    async fn start() -> Option<Self> {
        if Command::new("python3").arg("--version").output().is_err() {
            skipped("external: python3 is not installed");
            return None;
        }
        let folder = Folder::new();
        fs::create_dir(folder.path("machines")).expect("a folder");
        fs::write(folder.path("processes.py"), PROCESSES).expect("a file");
        Some(Self { folder })
    }

    fn tag(&self) -> &'static str {
        "t"
    }

    async fn open(&self) -> External {
        self.after("").await
    }

    async fn turn(&self, mood: Mood) -> Option<External> {
        let first = match mood {
            Mood::EndBusy | Mood::EndRefused => "if [ $1 = terminate ] && once; then exit 1; fi",
            Mood::EndIgnored => "if [ $1 = terminate ] && once; then exit 0; fi",
            Mood::EndLost => {
                "if [ $1 = terminate ] && once; then python3 processes.py \"$@\"; exit 1; fi"
            }
            Mood::Unavailable => "GHARUN_SET_DIR=/nonexistent",
            _ => return None,
        };
        Some(self.after(first).await)
    }

    async fn add_stranger(&self) -> InstanceId {
        fs::create_dir(self.machines().join("pet")).expect("a folder");
        self.id("pet".into()).await
    }

    async fn census(&self) -> Vec<InstanceId> {
        let mut all = Vec::new();
        for name in self.folder.names("machines") {
            all.push(self.id(name).await);
        }
        all
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        fs::read_to_string(self.machines().join(&id.id).join("boot")).expect("a script")
    }

    async fn visible(&self, id: &InstanceId) -> String {
        let mode = Command::new("ls")
            .arg("-ld")
            .arg(self.machines().join(&id.id))
            .output();
        let mode = String::from_utf8(mode.expect("ls runs").stdout).expect("text");
        assert!(mode.starts_with("drwx------"), "{mode}");
        mode
    }

    async fn end(&self, id: &InstanceId) {
        self.kill(&id.id);
    }

    async fn finish(self) {
        for name in self.folder.names("machines") {
            if self.machines().join(&name).join("pid").exists() {
                self.kill(&name);
            }
        }
    }
}

impl Processes {
    async fn id(&self, id: String) -> InstanceId {
        let places = self.open().await.places().await.expect("it tells");
        InstanceId {
            location: places.into_iter().next(),
            id,
        }
    }
}

/// Holds a lock as a look does, until its standard input is closed.
const LOOK: &str = "import fcntl, sys
lock = open(sys.argv[1], 'a')
fcntl.flock(lock, fcntl.LOCK_SH)
print('held', flush=True)
sys.stdin.read()";

#[tokio::test]
async fn a_process_that_has_ended_is_not_called_running_because_others_look_at_it() {
    let Some(fake) = Processes::start().await else {
        return;
    };
    let provider = fake.open().await;
    let machine = provider.launch(&order("t")).await.expect("it is launched");
    fake.end(&machine.id).await;
    let state = async || {
        let mut listing = provider.list().await.expect("it answers");
        listing.instances.remove(0).state
    };
    let pace = Pace {
        every: Duration::from_millis(20),
        at_most: Duration::from_secs(10),
    };
    let is_over = || async { matches!(state().await, Condition::Ended(_)).then_some(()) };
    let ended = until(pace, is_over).await;
    ended.expect("it ends");
    let mut look = Command::new("python3")
        .args(["-c", LOOK])
        .arg(fake.machines().join(&machine.id.id).join("lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut held = String::new();
    let said = look.stdout.take().expect("it is piped");
    BufReader::new(said)
        .read_line(&mut held)
        .expect("it holds it");
    let seen = state().await;
    drop(look.stdin.take());
    look.wait().expect("it ends");
    assert!(matches!(seen, Condition::Ended(_)), "{held}: {seen:?}");
    fake.finish().await;
}
