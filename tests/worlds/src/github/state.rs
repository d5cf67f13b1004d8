//! All that GitHub knows here beyond what its stub keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::apps::Apps;
use super::auth::Tokens;
use super::faults::{Fault, Kind};
use super::jobs::Jobs;
use super::limits::{Limiter, Quota};
use super::places::{Group, Repository};
use super::record::Record;
use super::renames::Renames;
use super::runners::Runners;

/// Secrets that are remembered; a test that makes more has no use for the oldest.
const MOST_SECRETS: usize = 10_000;
/// Bytes of past requests and answers that are kept; the oldest are dropped.
const MEMORY: usize = 16 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    /// How far its clock is ahead of this computer's.
    pub(super) ahead: SignedDuration,
    pub(super) apps: Apps,
    pub(super) asked: u64,
    /// The versions of the runner whose end is set: for registrations, and for jobs.
    pub(super) ends: BTreeMap<String, (Option<Timestamp>, Option<Timestamp>)>,
    pub(super) faults: Vec<Fault>,
    pub(super) groups: BTreeMap<u64, Group>,
    /// Whether it knows just-in-time configurations.
    pub(super) has_jit: bool,
    pub(super) jobs: Jobs,
    pub(super) latency: Duration,
    pub(super) limiter: Option<Limiter>,
    /// Tokens for registration that are over before their time.
    pub(super) over: BTreeSet<String>,
    pub(super) quota: Quota,
    pub(super) record: Record,
    pub(super) renames: Renames,
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) runners: Runners,
    pub(super) secrets: Vec<String>,
    /// Tokens for registration that are good.
    pub(super) tickets: BTreeSet<String>,
    pub(super) tokens: Tokens,
    /// Registrations that nobody asks for: the path of the scope, and what would be asked.
    pub(super) unasked: Vec<(String, Value)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            ahead: SignedDuration::ZERO,
            apps: Apps::default(),
            asked: 0,
            ends: BTreeMap::new(),
            faults: Vec::new(),
            groups: Group::first(),
            has_jit: true,
            jobs: Jobs::default(),
            latency: Duration::ZERO,
            limiter: None,
            over: BTreeSet::new(),
            quota: Quota::default(),
            record: Record::new(MEMORY),
            renames: Renames::default(),
            repositories: BTreeMap::new(),
            runners: Runners::default(),
            secrets: Vec::new(),
            tickets: BTreeSet::new(),
            tokens: Tokens::default(),
            unasked: Vec::new(),
        }
    }
}

impl State {
    pub(super) fn take_fault(&mut self, method: &str, target: &str) -> Option<Kind> {
        let position = self
            .faults
            .iter()
            .position(|fault| fault.fits(method, target))?;
        let fault = &mut self.faults[position];
        let kind = fault.kind.clone();
        if fault.times != u32::MAX {
            fault.times -= 1;
        }
        self.faults.retain(|fault| fault.times > 0);
        Some(kind)
    }

    pub(super) fn remember(&mut self, secret: &str) {
        if self.secrets.len() < MOST_SECRETS && !self.secrets.iter().any(|known| known == secret) {
            self.secrets.push(secret.to_owned());
        }
    }

    /// What is to be known of a repository.
    pub(super) fn repository(&self, owner: &str, name: &str) -> Repository {
        let name = format!("{owner}/{name}").to_lowercase();
        self.repositories.get(&name).cloned().unwrap_or_default()
    }

    /// Its clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.ahead).unwrap_or(now)
    }
}

/// A time as GitHub writes it.
pub(super) fn written(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
