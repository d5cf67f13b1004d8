//! All that the stand-in knows, behind one lock.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::jobs::Job;
use super::places::{Group, Repository};
use super::rows::Row;
use super::sessions::Session;
use crate::model::{Scope, Secret, random};
use crate::rehearsal::apps::Apps;
use crate::rehearsal::archive::Archive;
use crate::rehearsal::auth::Tokens;
use crate::rehearsal::faults::{Fault, Kind};
use crate::rehearsal::limits::Limiter;
use crate::rehearsal::record::Record;
use crate::rehearsal::renames::Renames;
use crate::rehearsal::{JobSpec, Lags, StageOptions};

const HOUR: Duration = Duration::from_hours(1);
/// Requests an hour without a token.
const ANONYMOUS: u32 = 60;
/// Secrets that are remembered; a test that makes more has no use for the oldest.
const MOST_SECRETS: usize = 10_000;

/// A workflow run.
#[derive(Debug)]
pub(in crate::rehearsal) struct Run {
    pub(in crate::rehearsal) attempt: u32,
    pub(in crate::rehearsal) status: String,
    /// Made for one job that was queued without a run: it ends with that job.
    pub(super) of_one_job: bool,
}

/// A registration or removal token.
#[derive(Debug)]
pub(in crate::rehearsal) struct Ticket {
    pub(in crate::rehearsal) token: String,
    pub(in crate::rehearsal) scope: Scope,
    pub(in crate::rehearsal) until: Instant,
}

#[derive(Debug)]
pub(in crate::rehearsal) struct Scene {
    pub(super) ahead: SignedDuration,
    pub(in crate::rehearsal) apps: Apps,
    pub(in crate::rehearsal) archives: Vec<Archive>,
    pub(super) auto_job: Option<JobSpec>,
    pub(in crate::rehearsal) base: String,
    /// The versions of the runner whose end is set: for registrations, and for jobs.
    pub(in crate::rehearsal) ends: BTreeMap<String, (Option<Timestamp>, Option<Timestamp>)>,
    pub(super) faults: Vec<Fault>,
    pub(in crate::rehearsal) groups: BTreeMap<u64, Group>,
    /// Whether it knows just-in-time configurations.
    pub(in crate::rehearsal) has_jit: bool,
    pub(super) held: bool,
    pub(super) jobs: BTreeMap<u64, Job>,
    pub(in crate::rehearsal) lags: Lags,
    pub(super) latency: Duration,
    pub(in crate::rehearsal) limiter: Option<Limiter>,
    pub(super) next_id: u64,
    pub(super) record: Record,
    pub(in crate::rehearsal) renames: Renames,
    pub(in crate::rehearsal) repositories: BTreeMap<String, Repository>,
    pub(super) rows: BTreeMap<u64, Row>,
    pub(in crate::rehearsal) runs: BTreeMap<u64, Run>,
    pub(super) secrets: Vec<Secret>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(in crate::rehearsal) tickets: Vec<Ticket>,
    pub(in crate::rehearsal) tokens: Tokens,
    pub(in crate::rehearsal) version: String,
    asked: u64,
    quota: u32,
    used: BTreeMap<String, u32>,
    window: SystemTime,
}

impl Scene {
    pub(super) fn new(options: StageOptions, base: &str) -> io::Result<Self> {
        Ok(Self {
            ahead: SignedDuration::ZERO,
            apps: Apps::default(),
            archives: Archive::all(&options.runner_version)?,
            auto_job: options.auto_job,
            base: base.to_owned(),
            ends: BTreeMap::new(),
            faults: Vec::new(),
            groups: Group::first(),
            has_jit: true,
            held: false,
            jobs: BTreeMap::new(),
            lags: options.lags,
            latency: Duration::ZERO,
            limiter: None,
            next_id: 1,
            record: Record::new(options.memory),
            renames: Renames::default(),
            repositories: BTreeMap::new(),
            rows: BTreeMap::new(),
            runs: BTreeMap::new(),
            secrets: Vec::new(),
            sessions: BTreeMap::new(),
            tickets: Vec::new(),
            tokens: Tokens::default(),
            version: options.runner_version,
            asked: 0,
            quota: options.quota,
            used: BTreeMap::new(),
            window: SystemTime::now(),
        })
    }

    /// A number that nothing else here has.
    pub(super) fn number(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Lets everything happen that was due by `now`.
    pub(super) fn settle(&mut self, now: Instant) {
        self.give_up_lost_jobs(now);
        self.rows.retain(|_, row| !row.left(now));
        let (rows, jobs) = (&self.rows, &self.jobs);
        self.sessions.retain(|_, session| {
            let at_work = session
                .job
                .and_then(|id| jobs.get(&id))
                .is_some_and(Job::in_progress);
            rows.contains_key(&session.runner) || at_work
        });
        self.tickets.retain(|ticket| ticket.until > now);
    }

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

    pub(in crate::rehearsal) fn remember(&mut self, secret: &str) {
        if self.secrets.len() < MOST_SECRETS
            && !self.secrets.iter().any(|known| known.expose() == secret)
        {
            self.secrets.push(Secret::new(secret));
        }
    }

    /// What is to be known of a repository.
    pub(in crate::rehearsal) fn repository(&self, owner: &str, name: &str) -> Repository {
        let name = format!("{owner}/{name}").to_lowercase();
        self.repositories.get(&name).cloned().unwrap_or_default()
    }

    /// Makes a registration or removal token for a scope, good for an hour.
    pub(in crate::rehearsal) fn ticket(&mut self, scope: &Scope) -> (String, Timestamp) {
        let token = random(29).to_uppercase();
        self.remember(&token);
        self.tickets.push(Ticket {
            token: token.clone(),
            scope: scope.clone(),
            until: Instant::now() + HOUR,
        });
        (token, self.now() + HOUR)
    }

    /// Its clock.
    pub(in crate::rehearsal) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(self.ahead).unwrap_or(now)
    }

    pub(in crate::rehearsal) fn set_run(&mut self, id: u64, attempt: u32, status: &str) {
        self.runs.insert(
            id,
            Run {
                attempt,
                status: status.to_owned(),
                of_one_job: false,
            },
        );
    }

    pub(in crate::rehearsal) fn limit(&self, token: Option<&str>) -> u32 {
        token.map_or(ANONYMOUS.min(self.quota), |_| self.quota)
    }

    pub(in crate::rehearsal) fn used(&mut self, token: Option<&str>) -> u32 {
        if self.window.elapsed().is_ok_and(|age| age >= HOUR) {
            self.used.clear();
            self.window = SystemTime::now();
        }
        let known = self.used.get(token.unwrap_or_default());
        known.copied().unwrap_or(0)
    }

    /// When the limit begins anew, in seconds of the epoch.
    pub(in crate::rehearsal) fn reset(&self) -> u64 {
        let end = self.window + HOUR;
        let since = end.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    /// What every answer of the API has; counts the request unless it is free.
    pub(in crate::rehearsal) fn common_headers(
        &mut self,
        token: Option<&str>,
        counts: bool,
    ) -> Vec<(String, String)> {
        let (limit, mut used) = (self.limit(token), self.used(token));
        if counts && used < limit {
            used += 1;
            self.used.insert(token.unwrap_or_default().to_owned(), used);
        }
        self.asked += 1;
        let tail = random(8).to_uppercase();
        let id = format!("{:04X}:{tail}:{:X}", self.asked & 0xffff, self.reset());
        let seconds = u64::try_from(self.now().as_second()).unwrap_or(0);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = httpdate::fmt_http_date(date);
        [
            ("date", date),
            ("server", "github.com".to_owned()),
            ("x-github-api-version-selected", "2022-11-28".to_owned()),
            ("x-github-media-type", "github.v3; format=json".to_owned()),
            ("x-github-request-id", id),
            ("x-ratelimit-limit", limit.to_string()),
            ("x-ratelimit-remaining", (limit - used).to_string()),
            ("x-ratelimit-reset", self.reset().to_string()),
            ("x-ratelimit-resource", "core".to_owned()),
            ("x-ratelimit-used", used.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
