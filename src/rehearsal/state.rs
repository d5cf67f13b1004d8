//! All that the stub knows, behind one lock.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::archive::Archive;
use super::jobs::StubJob;
use super::options::StubOptions;
use super::rows::StubRunner;
use crate::model::random;

/// How long a token for registration is good.
const HOUR: Duration = Duration::from_hours(1);

/// A registration token.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) token: String,
    pub(super) scope: String,
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
    /// Where machines reach it.
    pub(super) base: String,
    pub(super) jobs: BTreeMap<u64, StubJob>,
    pub(super) offline_after: Duration,
    pub(super) rows: BTreeMap<u64, StubRunner>,
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
            base: base.to_owned(),
            jobs: BTreeMap::new(),
            offline_after: options.offline_after,
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

    /// Makes a registration token for a scope, good for an hour; and until when.
    pub(super) fn ticket(&mut self, scope: &str) -> (String, Timestamp) {
        let token = random(29).to_uppercase();
        self.tickets.push(Ticket {
            token: token.clone(),
            scope: scope.to_owned(),
            until: Instant::now() + HOUR,
        });
        (token, Timestamp::now() + HOUR)
    }
}
