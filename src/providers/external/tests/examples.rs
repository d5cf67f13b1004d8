//! The example in Python upholds the contract. The one in shell is tried with real containers, by the program tests.

use std::process::Command;

use super::*;
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
