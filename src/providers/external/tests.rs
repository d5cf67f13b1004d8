//! The contract on a program whose machines are files, and what becomes of programs that do not keep to theirs.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::model::chain;
use crate::providers::contract::{Fake, Mood, contract, order};
use crate::providers::schema;

mod calls;
mod examples;
mod liars;
mod places;

/// The program: a file below `m` is a machine.
const FOLDER: &str = include_str!("tests/folder.sh");

contract!(Folder);

/// A place whose machines are files, and the program for it.
pub(super) struct Folder {
    pub(super) root: TempDir,
}

impl Folder {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["b", "m", "s"] {
            fs::create_dir(root.path().join(name)).expect("a folder");
        }
        fs::write(root.path().join("folder.sh"), FOLDER).expect("a file");
        Self { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The provider, with further settings of its table.
    pub(super) async fn with(&self, settings: Value, table: Value) -> External {
        let mut whole = json!({
            "command": ["sh", self.path("folder.sh")],
            "settings": { "dir": self.root.path() },
            "settle": "2s",
        });
        let add = |to: &mut Value, from: Value| {
            let Value::Object(from) = from else { return };
            to.as_object_mut().expect("a table").extend(from);
        };
        add(&mut whole["settings"], settings);
        add(&mut whole, table);
        let Value::Object(whole) = whole else {
            unreachable!("it was written as one")
        };
        let config = schema::read(&whole).unwrap_or_else(|misfit| panic!("{misfit:?}"));
        External::open(config)
            .await
            .expect("it opens")
            .called("box".into())
    }

    /// The provider on a program that does something else first.
    pub(super) async fn told(&self, mood: &str) -> External {
        let _ = fs::remove_file(self.path("once"));
        self.with(json!({ "mood": mood }), json!({})).await
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let all = fs::read_dir(self.path(folder)).expect("a folder");
        let names = all.map(|entry| entry.expect("an entry").file_name());
        names
            .map(|name| name.into_string().expect("a name"))
            .collect()
    }

    fn id(&self, id: String) -> InstanceId {
        let place = digest::place(self.root.path().to_str().expect("a path"));
        InstanceId {
            location: Some(place),
            id,
        }
    }

    /// The machines that there are.
    pub(super) fn machines(&self) -> Vec<String> {
        self.names("m")
    }
}

impl Fake for Folder {
    type P = External;

    async fn start() -> Option<Self> {
        Some(Self::new())
    }

    fn tag(&self) -> &'static str {
        "t"
    }

    async fn open(&self) -> External {
        self.told("").await
    }

    async fn turn(&self, mood: Mood) -> Option<External> {
        Some(
            self.told(match mood {
                Mood::Denied => "denied",
                Mood::EndBusy | Mood::EndRefused => "end-refused",
                Mood::EndIgnored => "end-ignored",
                Mood::EndLost => "end-lost",
                Mood::AnswerLost | Mood::Halfway => "halfway",
                Mood::Html => "html",
                Mood::NoCapacity => "full",
                Mood::RateLimited => "later",
                Mood::Unavailable => "down",
                // A program has one place.
                Mood::PartUnread => return None,
            })
            .await,
        )
    }

    async fn add_stranger(&self) -> InstanceId {
        fs::write(self.path("s/stranger"), "").expect("a file");
        self.id("stranger".into())
    }

    async fn census(&self) -> Vec<InstanceId> {
        let all = self.names("m").into_iter().chain(self.names("s"));
        all.map(|name| self.id(name)).collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        fs::read_to_string(self.path("b").join(&id.id)).expect("a script")
    }

    async fn visible(&self, id: &InstanceId) -> String {
        fs::read_to_string(self.path("m").join(&id.id)).expect("a machine")
    }

    async fn end(&self, id: &InstanceId) {
        fs::write(
            self.path("e-").with_file_name(format!("e-{}", id.id)),
            "exit code 1",
        )
        .expect("a file");
    }
}

#[tokio::test]
async fn a_check_tells_what_the_program_says_and_what_it_lists() {
    let folder = Folder::new();
    let provider = folder.open().await;
    let health = provider.check().await.expect("it works");
    let list = format!(
        "`sh {} list` shows no machine",
        folder.path("folder.sh").display()
    );
    assert_eq!(health.facts, ["the folder is there", &list]);
}

#[tokio::test]
async fn a_machine_of_another_account_is_not_called_gone() {
    let folder = Folder::new();
    let machine = folder
        .open()
        .await
        .launch(&order("t"))
        .await
        .expect("it is launched");
    let other = folder.with(json!({ "account": "other" }), json!({})).await;
    let end = other
        .terminate(&machine.id)
        .await
        .expect_err("it is elsewhere");
    assert_eq!(end.kind, ErrorKind::Elsewhere, "{}", chain(&end));
    let listing = other.list().await.expect("it answers");
    assert!(listing.silence(machine.id.location.as_deref()).is_some());
}

#[tokio::test]
async fn a_log_is_told_where_the_program_has_one() {
    let folder = Folder::new();
    let provider = folder.open().await;
    let machine = provider.launch(&order("t")).await.expect("it is launched");
    let log = provider.logs(&machine.id).await.expect("it answers");
    assert_eq!(log.as_deref(), Some("booting\n"));
    let without = folder.told("no-logs").await;
    assert_eq!(without.logs(&machine.id).await.expect("it answers"), None);
}

#[tokio::test]
async fn nothing_that_a_program_prints_tells_a_secret_of_its_table() {
    let folder = Folder::new();
    let secret = "hunter2hunter2";
    let settings = json!({ "token": { "secret": secret }, "key": { "secret": "-----BEGIN-----\nabcdefghijklmnopqrstuvwxyz\n" } });
    let script = "exec 2>&1; key=$(echo \"$GHARUN_SET_KEY\" | sed -n 2p); case $1 in check|logs) echo \"$GHARUN_SET_TOKEN $key\" ;; *) set -x; : \"$GHARUN_SET_TOKEN $key\" ;; esac";
    let command = json!({ "command": ["sh", "-c", script, "x"] });
    let provider = folder.with(settings, command).await;
    let listing = provider.list().await.expect("it answers");
    let checked = provider.ask_check().await.expect("it answers");
    let id = InstanceId {
        location: provider.places().await.expect("it answers").pop(),
        id: "x".into(),
    };
    let log = provider.logs(&id).await.expect("it answers");
    let told = [
        chain(&listing.unread[0].error),
        checked.facts.join(" "),
        log.expect("it has one"),
    ];
    for told in told {
        let hides = !told.contains(secret) && !told.contains("abcdefghijklm");
        assert!(hides && told.contains("***"), "{told}");
    }
}

#[tokio::test]
async fn tags_tell_times_to_the_second() {
    let folder = Folder::new();
    let mut order = order("t");
    order.tags.created += Duration::from_millis(300);
    order.tags.expires += Duration::from_millis(300);
    let provider = folder.open().await;
    let machine = provider.launch(&order).await.expect("it is launched");
    assert_eq!(folder.machines(), [machine.id.id]);
}

#[test]
fn a_long_log_is_cut_at_the_beginning_of_a_line() {
    let long = format!("first\n{}\nlast\n", "x".repeat(LOG - 6));
    assert_eq!(end_of(long.as_bytes()), "last\n");
    assert_eq!(end_of(b"a\nb\n"), "a\nb\n");
}
