//! Jobs, from the queue to their conclusion.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Scene;
use super::rows::Life;
use super::scene::Run as WorkflowRun;
use crate::model::Run;

/// A job to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Its name, one line.
    pub name: String,
    /// How long it sleeps after its script.
    pub duration: Duration,
    /// What it runs, as a shell's `-e` script in the job's workspace.
    pub script: Option<String>,
    /// The run and attempt that it belongs to; without one it gets a run of its own.
    pub run: Option<Run>,
}

impl JobSpec {
    /// A job that only takes its time.
    pub fn lasting(duration: Duration) -> Self {
        Self {
            name: "pretend".to_owned(),
            duration,
            script: None,
            run: None,
        }
    }

    /// A job that runs a script.
    pub fn script(script: impl Into<String>) -> Self {
        Self {
            script: Some(script.into()),
            ..Self::lasting(Duration::ZERO)
        }
    }

    /// The same job as part of a run's attempt.
    #[must_use]
    pub fn of(mut self, run: Run) -> Self {
        self.run = Some(run);
        self
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// Waiting for a runner.
    Queued,
    /// A runner has it.
    InProgress,
    /// It is over.
    Completed,
}

impl JobStatus {
    /// GitHub's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

/// A job as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// The run and attempt that it belongs to.
    pub run: Run,
    /// How far it is.
    pub status: JobStatus,
    /// `success`, `failure` or `cancelled`, when it is over.
    pub conclusion: Option<String>,
    /// What it asks of a runner.
    pub labels: Vec<String>,
    /// The number and the name of the runner that has or had it.
    pub runner: Option<(u64, String)>,
    /// When its runner began it.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

#[derive(Debug)]
pub(in crate::rehearsal) struct Job {
    pub(in crate::rehearsal) id: u64,
    pub(in crate::rehearsal) spec: JobSpec,
    pub(in crate::rehearsal) run: Run,
    pub(in crate::rehearsal) labels: Vec<String>,
    only: Option<u64>,
    pub(in crate::rehearsal) status: JobStatus,
    pub(in crate::rehearsal) conclusion: Option<String>,
    /// Number, name and group of its runner.
    pub(in crate::rehearsal) runner: Option<(u64, String, u64)>,
    pub(in crate::rehearsal) created: Timestamp,
    pub(in crate::rehearsal) started: Option<Timestamp>,
    pub(in crate::rehearsal) ended: Option<Timestamp>,
}

impl Job {
    pub(super) fn in_progress(&self) -> bool {
        self.status == JobStatus::InProgress
    }

    pub(super) fn runner_id(&self) -> Option<u64> {
        self.runner.as_ref().map(|(id, ..)| *id)
    }

    pub(super) fn runner_name(&self) -> Option<&str> {
        self.runner.as_ref().map(|(_, name, _)| name.as_str())
    }
}

impl Scene {
    /// Queues a job for runners with all of `labels`, or for `only` one.
    pub(super) fn queue(&mut self, labels: Vec<String>, only: Option<u64>, spec: JobSpec) -> u64 {
        let id = self.number();
        let run = spec.run.unwrap_or_else(|| {
            let id = self.number();
            Run { id, attempt: 1 }
        });
        self.runs.entry(run.id).or_insert_with(|| WorkflowRun {
            attempt: run.attempt,
            status: "in_progress".to_owned(),
            of_one_job: spec.run.is_none(),
        });
        let created = self.now();
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
                created,
                started: None,
                ended: None,
            },
        );
        id
    }

    /// Hands the oldest job that fits to a runner that waits for one.
    pub(super) fn assign(&mut self, runner: u64) -> Option<u64> {
        let row = self.rows.get(&runner)?;
        if self.held || row.life != Life::Unused {
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

    pub(super) fn begin(&mut self, job: u64, runner: u64) {
        let now = self.now();
        let (Some(job), Some(row)) = (self.jobs.get_mut(&job), self.rows.get_mut(&runner)) else {
            return;
        };
        let registered = &row.as_registered;
        job.status = JobStatus::InProgress;
        job.started = Some(now);
        job.runner = Some((runner, registered.name.clone(), registered.group));
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

    fn conclude(&mut self, id: u64, conclusion: &str) -> Option<&mut super::Row> {
        let now = self.now();
        let job = self.jobs.get_mut(&id).filter(|job| job.in_progress())?;
        job.status = JobStatus::Completed;
        job.conclusion = Some(conclusion.to_owned());
        job.ended = Some(now);
        let run = self.runs.get_mut(&job.run.id);
        if let Some(run) = run.filter(|run| run.of_one_job) {
            "completed".clone_into(&mut run.status);
        }
        self.rows.get_mut(&job.runner_id()?)
    }

    pub(in crate::rehearsal) fn job(&self, id: u64) -> Option<&Job> {
        self.jobs.get(&id)
    }

    pub(in crate::rehearsal) fn jobs_of(&self, run: u64, attempt: Option<u32>) -> Vec<&Job> {
        let fits = |job: &&Job| {
            job.run.id == run && attempt.is_none_or(|attempt| job.run.attempt == attempt)
        };
        self.jobs.values().filter(fits).collect()
    }

    pub(super) fn job_rows(&self) -> Vec<JobRow> {
        let row = |job: &Job| JobRow {
            id: job.id,
            name: job.spec.name.clone(),
            run: job.run,
            status: job.status,
            conclusion: job.conclusion.clone(),
            labels: job.labels.clone(),
            runner: job.runner.as_ref().map(|(id, name, _)| (*id, name.clone())),
            started: job.started,
            ended: job.ended,
        };
        self.jobs.values().map(row).collect()
    }
}
