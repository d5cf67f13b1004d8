//! What connects a row with a machine: it connects, asks for work, and is heard of no more.

use std::time::{Duration, Instant};

use super::jobs::StubJob;
use super::shared::Shared;
use super::state::{Session, StubState};
use crate::model::random;

impl Session {
    /// How long nothing has been heard of it.
    fn silent(&self) -> Duration {
        if self.asking > 0 {
            return Duration::ZERO;
        }
        self.seen.elapsed()
    }

    fn alive(&self, lease: Duration) -> bool {
        !self.closed && self.silent() <= lease
    }
}

/// What a machine says when it connects.
#[derive(Debug)]
pub(super) struct Hello<'a> {
    pub(super) agent: u64,
    pub(super) client: &'a str,
    pub(super) os: &'a str,
    pub(super) version: &'a str,
}

/// What a machine is told when it connects.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    /// Another machine holds the registration.
    Conflict,
    /// There is no such registration, or none any more.
    Gone,
    /// The session's number.
    Session(String),
}

/// What a machine is told when it asks for work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Gone,
    Job { id: u64, run: u64, script: String },
}

fn errand_of(job: &StubJob) -> Errand {
    Errand::Job {
        id: job.id,
        run: job.run,
        script: job.script.clone(),
    }
}

impl StubState {
    pub(super) fn online(&self, runner: u64) -> bool {
        self.sessions
            .values()
            .any(|session| session.runner == runner && session.alive(self.offline_after))
    }

    fn open_session(&mut self, runner: u64) -> String {
        let id = random(24);
        self.sessions
            .retain(|_, session| session.runner != runner || session.job.is_some());
        self.sessions.insert(
            id.clone(),
            Session {
                runner,
                job: None,
                asking: 0,
                seen: Instant::now(),
                closed: false,
            },
        );
        id
    }

    pub(super) fn connect(&mut self, hello: &Hello<'_>) -> Welcome {
        let online = self.online(hello.agent);
        let Some(row) = self.rows.get_mut(&hello.agent) else {
            return Welcome::Gone;
        };
        if row.client != hello.client || row.at_work {
            return Welcome::Gone;
        }
        if online {
            return Welcome::Conflict;
        }
        hello.os.clone_into(&mut row.os);
        row.version = Some(hello.version.to_owned());
        Welcome::Session(self.open_session(hello.agent))
    }

    /// Whether there is work for a session; `None` is not yet.
    pub(super) fn errand(&mut self, session: &str) -> Option<Errand> {
        let Some(known) = self.sessions.get(session) else {
            return Some(Errand::Gone);
        };
        if known.closed || !self.rows.contains_key(&known.runner) {
            return Some(Errand::Gone);
        }
        if let Some(id) = known.job {
            // The answer that told it was lost: the same job again, as long as it is not over.
            let job = self.jobs.get(&id).filter(|job| job.in_progress());
            return job.map(errand_of);
        }
        let id = self.assign(known.runner)?;
        if let Some(known) = self.sessions.get_mut(session) {
            known.job = Some(id);
        }
        self.jobs.get(&id).map(errand_of)
    }

    /// Whether the job of a session is over, or the session itself.
    pub(super) fn job_over(&self, session: &str) -> bool {
        let job = self.sessions.get(session).and_then(|known| known.job);
        let job = job.and_then(|id| self.jobs.get(&id));
        !job.is_some_and(StubJob::in_progress)
    }

    /// A machine has ended its job.
    pub(super) fn finish(&mut self, session: &str, conclusion: &str) {
        if let Some(id) = self.sessions.get(session).and_then(|known| known.job) {
            self.complete(id, conclusion);
        }
    }

    pub(super) fn close(&mut self, session: &str) {
        if let Some(known) = self.sessions.get_mut(session) {
            known.closed = true;
            known.seen = Instant::now();
        }
    }

    /// Lets everything happen that was due by `now`.
    pub(super) fn settle(&mut self, now: Instant) {
        let (rows, jobs) = (&self.rows, &self.jobs);
        self.sessions.retain(|_, session| {
            let at_work = session
                .job
                .and_then(|id| jobs.get(&id))
                .is_some_and(StubJob::in_progress);
            rows.contains_key(&session.runner) || at_work
        });
        self.tickets.retain(|ticket| ticket.until > now);
    }
}

/// A question that is being held for a session: a sign of life for as long as it lasts, and at its
/// end, also where the machine hung up.
#[derive(Debug)]
pub(super) struct HeldPoll<'a> {
    shared: &'a Shared,
    session: &'a str,
}

impl<'a> HeldPoll<'a> {
    pub(super) fn begin(shared: &'a Shared, session: &'a str) -> Self {
        shared.change(|state| {
            if let Some(known) = state.sessions.get_mut(session) {
                known.asking += 1;
            }
        });
        Self { shared, session }
    }
}

impl Drop for HeldPoll<'_> {
    fn drop(&mut self) {
        self.shared.change(|state| {
            if let Some(known) = state.sessions.get_mut(self.session) {
                known.asking -= 1;
                known.seen = Instant::now();
            }
        });
    }
}
