//! What becomes of jobs: they are queued, handed out, and over.

use std::time::Instant;

use jiff::Timestamp;

use super::jobs::{Job, JobRow, JobSpec, JobStatus};
use super::rows::{Life, Row};
use super::state::StubState;

impl StubState {
    /// Queues a job for runners with all of `labels`, or for `only` one.
    pub(super) fn queue(&mut self, labels: Vec<String>, only: Option<u64>, spec: JobSpec) -> u64 {
        let id = self.number();
        let run = self.number();
        self.jobs.insert(
            id,
            Job {
                id,
                spec,
                run,
                labels,
                only,
                status: JobStatus::Queued,
                conclusion: None,
                runner: None,
                started: None,
                ended: None,
            },
        );
        id
    }

    /// Hands the oldest job that fits to a runner that waits for one.
    pub(super) fn assign(&mut self, runner: u64) -> Option<u64> {
        let row = self.rows.get(&runner)?;
        if row.life != Life::Unused {
            return None;
        }
        let fits = |job: &&Job| {
            job.status == JobStatus::Queued
                && job.only.map_or_else(
                    || {
                        let mut labels = job.labels.iter();
                        labels.all(|label| row.as_registered.labels.contains(label))
                    },
                    |only| only == runner,
                )
        };
        let id = self.jobs.values().find(fits)?.id;
        self.begin(id, runner);
        Some(id)
    }

    fn begin(&mut self, job: u64, runner: u64) {
        let now = Timestamp::now();
        let (Some(job), Some(row)) = (self.jobs.get_mut(&job), self.rows.get_mut(&runner)) else {
            return;
        };
        let registered = &row.as_registered;
        job.status = JobStatus::InProgress;
        job.started = Some(now);
        job.runner = Some((runner, registered.name.clone()));
        row.life = Life::Working(Instant::now());
    }

    /// Ends a job in progress. A runner for one job leaves the list some time later; another one
    /// is there for the next.
    pub(super) fn complete(&mut self, id: u64, conclusion: &str) {
        let gone = self.lags.gone;
        if let Some(row) = self.conclude(id, conclusion) {
            row.life = if row.as_registered.ephemeral {
                Life::Leaving(Instant::now() + gone)
            } else {
                Life::Unused
            };
        }
        for session in self.sessions.values_mut() {
            let stays = self
                .rows
                .get(&session.runner)
                .is_some_and(|row| !row.as_registered.ephemeral);
            if session.job == Some(id) && stays {
                session.job = None;
            }
        }
    }

    /// Ends a job whose machine has died. Its runner stays on the list, offline and no longer busy.
    pub(super) fn abandon(&mut self, id: u64) {
        if let Some(row) = self.conclude(id, "failure") {
            row.life = Life::Spent;
        }
    }

    fn conclude(&mut self, id: u64, conclusion: &str) -> Option<&mut Row> {
        let now = Timestamp::now();
        let job = self.jobs.get_mut(&id).filter(|job| job.in_progress())?;
        job.status = JobStatus::Completed;
        job.conclusion = Some(conclusion.to_owned());
        job.ended = Some(now);
        self.rows.get_mut(&job.runner_id()?)
    }

    pub(super) fn job_rows(&self) -> Vec<JobRow> {
        let row = |job: &Job| JobRow {
            id: job.id,
            name: job.spec.name.clone(),
            status: job.status,
            conclusion: job.conclusion.clone(),
            labels: job.labels.clone(),
            runner: job.runner.clone(),
            started: job.started,
            ended: job.ended,
        };
        self.jobs.values().map(row).collect()
    }
}
