//! What was seen of runners: how they were registered, and which sessions they have.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A registration that was seen.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) group: u64,
    pub(super) labels: Vec<String>,
    /// What its machine shows when it connects.
    pub(super) client: String,
    /// The path of its scope's runners, where that is known.
    pub(super) path: Option<String>,
}

/// What a machine has been given to connect with.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) client: String,
}

impl Connection {
    /// Reads a just-in-time configuration.
    pub(super) fn read(blob: &str) -> Option<Self> {
        let open = |text: &str| -> Option<Value> {
            serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()
        };
        let files = open(blob)?;
        let settings = open(files[".runner"].as_str()?)?;
        let credentials = open(files[".credentials"].as_str()?)?;
        Some(Self {
            id: settings["AgentId"].as_str()?.parse().ok()?,
            client: credentials["Data"]["ClientId"].as_str()?.to_owned(),
        })
    }
}

/// A session of a runner.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) runner: u64,
    pub(super) job: Option<u64>,
    /// Without a machine behind it.
    pub(super) played: bool,
}

/// All that was seen.
#[derive(Debug, Default)]
pub(super) struct Runners {
    registered: BTreeMap<u64, Registered>,
    pub(super) sessions: Vec<Session>,
}

impl Runners {
    pub(super) fn add(&mut self, registered: Registered) {
        self.registered.insert(registered.id, registered);
    }

    pub(super) fn get(&self, id: u64) -> Option<&Registered> {
        self.registered.get(&id)
    }

    /// The latest of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Registered> {
        let mut all = self.registered.values().rev();
        all.find(|one| one.name == name)
    }

    /// The open session of a runner that is played.
    pub(super) fn played(&mut self, name: &str) -> Option<&mut Session> {
        let id = self.named(name)?.id;
        let mut sessions = self.sessions.iter_mut();
        sessions.find(|session| session.played && session.runner == id)
    }

    pub(super) fn session(&mut self, id: &str) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.id == id)
    }
}
