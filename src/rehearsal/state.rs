//! All that the stub knows, behind one lock.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::archive::Archive;
use super::jobs::{Job, JobSpec};
use super::options::{Lags, StubOptions};
use super::rows::Row;
use crate::model::{Scope, random};

/// How long a token for registration is good.
const HOUR: Duration = Duration::from_hours(1);

/// A registration or removal token.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) token: String,
    pub(super) scope: Scope,
    pub(super) until: Instant,
}

/// A machine's hold on its registration.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) runner: u64,
    pub(super) job: Option<u64>,
    /// Questions that are being held for it now.
    pub(super) asking: usize,
    /// Its last sign of life, beside those.
    pub(super) seen: Instant,
    pub(super) closed: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct StubState {
    pub(super) archives: Vec<Archive>,
    pub(super) auto_job: Option<JobSpec>,
    /// Where machines reach it.
    pub(super) base: String,
    pub(super) groups: BTreeMap<u64, String>,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(super) lags: Lags,
    pub(super) rows: BTreeMap<u64, Row>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) tickets: Vec<Ticket>,
    /// The version of the runner.
    pub(super) version: String,
    next_id: u64,
}

impl StubState {
    pub(super) fn new(options: StubOptions, base: &str) -> io::Result<Self> {
        Ok(Self {
            archives: Archive::all(&options.runner_version)?,
            auto_job: options.auto_job,
            base: base.to_owned(),
            groups: options.groups,
            jobs: BTreeMap::new(),
            lags: options.lags,
            rows: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tickets: Vec::new(),
            version: options.runner_version,
            next_id: 1,
        })
    }

    /// A number that nothing else here has.
    pub(super) fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Makes a registration or removal token for a scope, good for an hour; and until when.
    pub(super) fn ticket(&mut self, scope: &Scope) -> (String, Timestamp) {
        let token = random(29).to_uppercase();
        self.tickets.push(Ticket {
            token: token.clone(),
            scope: scope.clone(),
            until: Instant::now() + HOUR,
        });
        (token, Timestamp::now() + HOUR)
    }
}
