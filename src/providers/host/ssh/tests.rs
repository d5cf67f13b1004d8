//! Hosts behind real `sshd`s.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::model::{Condition, Secret, random};
use crate::poll::{Pace, until};
use crate::providers::contract::{Fake, Mood, chain, contract, order, skipped};
use crate::providers::host::tests::{SOON, entries, kill, leftovers, marked, run, runs};

mod configured;
mod crowd;
mod full_disk;
mod keys;
mod machines;
mod net;
mod queue;

use gharun_worlds::sshd::{self, Rack, free_port, keygen};

contract!(Hosts);

const SLEEP: &str = "exec sleep 300";

/// Whether there is an `sshd`; says so where not.
fn can() -> bool {
    match sshd::program() {
        Ok(_) => true,
        Err(why) => {
            skipped(&format!("hosts by ssh: {why}"));
            false
        }
    }
}

/// Some hosts with what tests do with them.
struct Hosts {
    rack: Rack,
    tag: String,
}

/// Keeps a script that arrives, for the shell that is to do something else with it.
const WHOLE: &str = r#"in=$(mktemp) && out=$(mktemp) && cat >"$in" || exit 1
    trap 'rm -f "$in" "$out"' EXIT"#;

impl Hosts {
    fn of(number: usize, more: &str) -> Option<Self> {
        can().then(|| Self {
            rack: Rack::of(number, more),
            tag: random(12),
        })
    }

    fn settings(&self) -> Value {
        json!({
            "hosts": self.rack.specs(),
            "slots": 8,
            "grace": "1h",
            "identity": self.rack.identity(),
            "known_hosts": self.rack.known_hosts(),
            "connect_timeout": "20s",
        })
    }

    /// Opens the provider with other settings; each is a "process" of its own.
    async fn with(&self, more: Value) -> Ssh {
        let mut settings = self.settings();
        let table = settings.as_object_mut().expect("a table");
        table.extend(more.as_object().expect("a table").clone());
        let config = serde_json::from_value(settings).expect("settings");
        Ssh::open(config).await.expect("these settings are fine")
    }

    async fn ssh(&self) -> Ssh {
        self.with(json!({})).await
    }

    /// Opens the provider with a key whose commands go through a script.
    async fn spoilt(&self, script: &str) -> Ssh {
        let key = self.rack.dir.path().join(random(8));
        keygen(&key, "ed25519", "");
        for host in &self.rack.hosts {
            host.force(&key.with_extension("pub"), script);
        }
        self.with(json!({ "identity": key })).await
    }

    /// A host that does something else when a machine is to be ended for the first time.
    async fn ends_once(&self, instead: &str) -> Ssh {
        let mark = self.rack.dir.path().join(random(8));
        let mark = mark.display();
        let script = format!(
            "{WHOLE}\ngrep -q '^# Ends the machine' \"$in\" && mkdir {mark} 2>/dev/null && {{ {instead}; }}\n\
             sh -c \"$SSH_ORIGINAL_COMMAND\" <\"$in\""
        );
        self.spoilt(&script).await
    }

    fn order(&self, boot: &str) -> Order {
        Order {
            boot: Secret::new(boot),
            ..order(&self.tag)
        }
    }

    async fn launch(&self, boot: &str) -> Instance {
        let order = self.order(boot);
        self.ssh()
            .await
            .launch(&order)
            .await
            .expect("there is room")
    }

    /// The folder of a machine on whichever host.
    fn folder(&self, id: &str) -> PathBuf {
        let all = self
            .rack
            .hosts
            .iter()
            .flat_map(|host| entries(&host.slots()));
        let found = all.into_iter().find(|(_, name)| name == id);
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

    /// How many machines are on each host.
    fn spread(&self) -> Vec<usize> {
        let hosts = self.rack.hosts.iter();
        hosts.map(|host| entries(&host.slots()).len()).collect()
    }

    async fn condition(&self, id: &InstanceId) -> Option<Condition> {
        let listing = self.ssh().await.list().await.expect("a listing");
        let found = listing.instances.into_iter().find(|m| m.id == *id);
        found.map(|machine| machine.state)
    }
}

/// Writes a file that nobody else may write to, as `ssh` asks of its own.
fn write_private(path: &std::path::Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Drop for Hosts {
    /// Ends what a failed test leaves running; one that passed has left nothing.
    fn drop(&mut self) {
        for (folder, name) in self
            .rack
            .hosts
            .iter()
            .flat_map(|host| entries(&host.slots()))
        {
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

impl Fake for Hosts {
    type P = Ssh;
    const MANY: usize = 12;

    async fn start() -> Option<Self> {
        Self::of(2, "")
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    async fn open(&self) -> Ssh {
        self.ssh().await
    }

    async fn turn(&self, mood: Mood) -> Option<Ssh> {
        let whole = WHOLE;
        match mood {
            Mood::AnswerLost => {
                let script = format!(
                    "{whole}\nsh -c \"$SSH_ORIGINAL_COMMAND\" <\"$in\" >\"$out\"\n\
                     grep -q '^# Launches the machine' \"$in\" && exit 1\ncat \"$out\""
                );
                Some(self.spoilt(&script).await)
            }
            Mood::EndBusy => Some(
                self.ends_once("printf 'gharun\\nfail alive\\ngharun-done\\n'; exit")
                    .await,
            ),
            Mood::EndIgnored => Some(
                self.ends_once("printf 'gharun\\ngharun-done\\n'; exit")
                    .await,
            ),
            Mood::EndLost => Some(
                self.ends_once("sh -c \"$SSH_ORIGINAL_COMMAND\" <\"$in\" >/dev/null; exit 1")
                    .await,
            ),
            Mood::EndRefused => Some(self.ends_once("exit 1").await),
            // The slot is taken, and then what should watch over the machine does not start.
            Mood::Halfway => {
                let script = format!(
                    "{whole}\nsed 's|    detach sh|    false sh|' \"$in\" | sh -c \"$SSH_ORIGINAL_COMMAND\""
                );
                Some(self.spoilt(&script).await)
            }
            Mood::NoCapacity => {
                for host in &self.rack.hosts {
                    fs::create_dir_all(host.slots().join("slot-1/pet")).expect("a folder");
                }
                Some(self.with(json!({ "slots": 1 })).await)
            }
            Mood::Denied => {
                let other = self.rack.dir.path().join(random(8));
                keygen(&other, "ed25519", "");
                Some(self.with(json!({ "identity": other })).await)
            }
            Mood::Unavailable => {
                let hosts = [free_port(), free_port()];
                let hosts = hosts.map(|port| format!("me@127.0.0.1:{port}"));
                Some(self.with(json!({ "hosts": hosts })).await)
            }
            Mood::PartUnread => {
                let mut hosts = self.rack.specs();
                hosts.push(format!("me@127.0.0.1:{}", free_port()));
                Some(self.with(json!({ "hosts": hosts })).await)
            }
            // It has no pages, and does not ask to be left alone.
            Mood::Html | Mood::RateLimited => None,
        }
    }

    async fn add_stranger(&self) -> InstanceId {
        let id = format!("pet-{}", random(6));
        let folder = self.rack.hosts[0].slots().join("slot-8").join(&id);
        fs::create_dir_all(folder).expect("a folder");
        InstanceId {
            location: Some(self.ssh().await.members[0].place.clone()),
            id,
        }
    }

    async fn census(&self) -> Vec<InstanceId> {
        let ssh = self.ssh().await;
        let mut all = Vec::new();
        for (member, host) in ssh.members.iter().zip(&self.rack.hosts) {
            let slots = entries(&host.slots()).into_iter().map(|(_, name)| name);
            all.extend(slots.chain(leftovers(&host.slots())).map(|id| InstanceId {
                location: Some(member.place.clone()),
                id,
            }));
        }
        all
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        fs::read_to_string(self.folder(&id.id).join("boot")).expect("it is there while it runs")
    }

    async fn visible(&self, id: &InstanceId) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let mut seen = run("ps", &["-A", "-o", "args"]);
        let files = fs::read_dir(self.folder(&id.id)).expect("it is there");
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
        self.rack
            .hosts
            .iter()
            .fold(seen, |seen, host| seen + &host.log())
    }

    async fn end(&self, id: &InstanceId) {
        let leader = self.file(&id.id, "leader").await;
        kill("-TERM", leader.split(' ').next().expect("a number"));
    }

    async fn finish(self) {
        let ssh = self.ssh().await;
        for id in self.census().await {
            if id.id.parse::<crate::model::Name>().is_ok() {
                let ended = ssh.terminate(&id).await;
                ended.expect("what a test made can be ended");
            }
        }
    }
}
