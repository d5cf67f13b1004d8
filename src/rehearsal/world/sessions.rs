//! What connects a row with a machine.

use std::time::{Duration, Instant};

use crate::model::{Run, random};

use super::jobs::{Job, JobSpec};
use super::rows::Life;
use super::{Scene, World};

/// A machine's hold on its registration.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) runner: u64,
    pub(super) job: Option<u64>,
    /// Questions that are being held for it now.
    asking: usize,
    /// Its last sign of life, beside those.
    seen: Instant,
    closed: bool,
    /// Without a machine behind it: it lives until it is ended.
    played: bool,
}

impl Session {
    /// How long nothing has been heard of it.
    fn silent(&self) -> Duration {
        if self.asking > 0 || (self.played && !self.closed) {
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
pub(in crate::rehearsal) struct Hello<'a> {
    pub(in crate::rehearsal) agent: u64,
    pub(in crate::rehearsal) client: &'a str,
    pub(in crate::rehearsal) os: &'a str,
    pub(in crate::rehearsal) version: &'a str,
}

/// What a machine is told when it connects.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rehearsal) enum Welcome {
    /// Another machine holds the registration.
    Conflict,
    /// There is no such registration, or none any more.
    Gone,
    /// The session's number.
    Session(String),
}

/// What a machine is told when it asks for work.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::rehearsal) enum Errand {
    Gone,
    Job { id: u64, run: Run, spec: JobSpec },
}

fn errand_of(job: &Job) -> Errand {
    Errand::Job {
        id: job.id,
        run: job.run,
        spec: job.spec.clone(),
    }
}

impl Scene {
    pub(super) fn online(&self, runner: u64) -> bool {
        self.sessions
            .values()
            .any(|session| session.runner == runner && session.alive(self.lags.offline))
    }

    fn open_session(&mut self, runner: u64, played: bool) -> String {
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
                played,
            },
        );
        id
    }

    pub(in crate::rehearsal) fn connect(&mut self, hello: &Hello<'_>) -> Welcome {
        let online = self.online(hello.agent);
        let Some(row) = self.rows.get_mut(&hello.agent) else {
            return Welcome::Gone;
        };
        let used = row.as_registered.ephemeral && row.life != Life::Unused;
        if row.client != hello.client || used {
            return Welcome::Gone;
        }
        if online {
            return Welcome::Conflict;
        }
        hello.os.clone_into(&mut row.os);
        row.version = Some(hello.version.to_owned());
        let give = !std::mem::replace(&mut row.had_auto_job, true);
        if let Some(spec) = self.auto_job.clone().filter(|_| give) {
            let labels = self.rows[&hello.agent].as_registered.labels.clone();
            self.queue(labels, Some(hello.agent), spec);
        }
        Welcome::Session(self.open_session(hello.agent, false))
    }

    /// Whether there is work for a session; `None` is not yet.
    pub(in crate::rehearsal) fn errand(&mut self, session: &str) -> Option<Errand> {
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
    pub(in crate::rehearsal) fn job_over(&self, session: &str) -> bool {
        let job = self.sessions.get(session).and_then(|known| known.job);
        let job = job.and_then(|id| self.jobs.get(&id));
        !job.is_some_and(Job::in_progress)
    }

    /// A machine has ended its job.
    pub(in crate::rehearsal) fn finish(&mut self, session: &str, conclusion: &str) {
        if let Some(id) = self.sessions.get(session).and_then(|known| known.job) {
            self.complete(id, conclusion);
        }
    }

    pub(in crate::rehearsal) fn close(&mut self, session: &str) {
        if let Some(known) = self.sessions.get_mut(session) {
            known.closed = true;
            known.seen = Instant::now();
        }
    }

    /// Gives up the jobs of machines that have been silent for too long.
    pub(super) fn give_up_lost_jobs(&mut self, now: Instant) {
        let patience = self.lags.offline + self.lags.lost;
        let lost: Vec<u64> = self
            .sessions
            .values()
            .filter(|session| {
                let silent = session.silent() > Duration::ZERO;
                silent && now.saturating_duration_since(session.seen) >= patience
            })
            .filter_map(|session| session.job)
            .collect();
        for id in lost {
            self.abandon(id);
        }
    }

    pub(super) fn play_online(&mut self, name: &str) -> bool {
        let Some(id) = self.id_of(name) else {
            return false;
        };
        let version = self.version.clone();
        if let Some(row) = self.rows.get_mut(&id) {
            "linux".clone_into(&mut row.os);
            row.version = Some(version);
        }
        if !self.online(id) {
            self.open_session(id, true);
        }
        true
    }

    pub(super) fn play_offline(&mut self, name: &str) -> bool {
        let Some(id) = self.id_of(name) else {
            return false;
        };
        for session in self.sessions.values_mut() {
            if session.runner == id {
                session.closed = true;
                session.seen = Instant::now();
            }
        }
        true
    }

    pub(super) fn play_job(&mut self, name: &str, spec: JobSpec) -> Option<u64> {
        let runner = self.id_of(name)?;
        let idle = self.rows.get(&runner)?.life == Life::Unused;
        if !idle || !self.online(runner) {
            return None;
        }
        let labels = self.rows.get(&runner)?.as_registered.labels.clone();
        let id = self.queue(labels, Some(runner), spec);
        self.begin(id, runner);
        let sessions = self.sessions.values_mut();
        for session in sessions.filter(|session| session.runner == runner && !session.closed) {
            session.job = Some(id);
        }
        Some(id)
    }

    pub(super) fn play_end(&mut self, name: &str) -> bool {
        // By the job's own word: the runner may have been deleted while it was at work.
        let mut jobs = self.jobs.values();
        let job = jobs
            .find(|job| job.in_progress() && job.runner_name() == Some(name))
            .map(|job| job.id);
        let Some(id) = job else {
            return false;
        };
        self.complete(id, "success");
        self.play_offline(name);
        true
    }
}

/// A question that is being held for a session: a sign of life for as long as it lasts, and at its
/// end, also where the machine hung up.
#[derive(Debug)]
pub(in crate::rehearsal) struct Held<'a> {
    world: &'a World,
    session: &'a str,
}

impl<'a> Held<'a> {
    pub(in crate::rehearsal) fn begin(world: &'a World, session: &'a str) -> Self {
        world.change(|scene| {
            if let Some(known) = scene.sessions.get_mut(session) {
                known.asking += 1;
            }
        });
        Self { world, session }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.world.change(|scene| {
            if let Some(known) = scene.sessions.get_mut(self.session) {
                known.asking -= 1;
                known.seen = Instant::now();
            }
        });
    }
}
