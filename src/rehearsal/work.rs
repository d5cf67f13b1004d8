//! What becomes of jobs: they are queued, handed out, and over.

use jiff::Timestamp;

use super::jobs::{JobRow, StubJob, StubJobStatus};
use super::state::StubState;

impl StubState {
    /// Queues a job for the first runner that bears a label; its number.
    pub(super) fn queue(&mut self, label: &str, script: &str) -> u64 {
        let id = self.number();
        let run = self.number();
        self.jobs.insert(
            id,
            StubJob {
                id,
                run,
                label: label.to_lowercase(),
                script: script.to_owned(),
                status: StubJobStatus::Queued,
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
        let row = self.rows.get_mut(&runner).filter(|row| !row.at_work)?;
        let labels = &row.as_registered.labels;
        let fits =
            |job: &&mut StubJob| job.status == StubJobStatus::Queued && labels.contains(&job.label);
        let job = self.jobs.values_mut().find(fits)?;
        job.status = StubJobStatus::InProgress;
        job.started = Some(Timestamp::now());
        job.runner = Some((runner, row.as_registered.name.clone()));
        row.at_work = true;
        Some(job.id)
    }

    /// Ends a job in progress. Its runner was for one job: it goes.
    pub(super) fn complete(&mut self, id: u64, conclusion: &str) {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.in_progress()) else {
            return;
        };
        job.status = StubJobStatus::Completed;
        job.conclusion = Some(conclusion.to_owned());
        job.ended = Some(Timestamp::now());
        if let Some((runner, _)) = &job.runner {
            self.rows.remove(runner);
        }
    }

    pub(super) fn job_rows(&self) -> Vec<JobRow> {
        let row = |job: &StubJob| JobRow {
            id: job.id,
            status: job.status,
            conclusion: job.conclusion.clone(),
            runner: job.runner.clone(),
            started: job.started,
            ended: job.ended,
        };
        self.jobs.values().map(row).collect()
    }
}
