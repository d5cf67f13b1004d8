//! Workflow runs and their jobs, as they were seen or made up.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A workflow run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) attempt: u32,
    pub(super) status: String,
    /// Nobody has spoken of it but a job: it ends with that job.
    of_one_job: bool,
}

/// A job of a run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) name: String,
    /// Its run, and which attempt of it.
    pub(super) run: (u64, u32),
    /// Number, name and group of its runner; without one it is queued.
    pub(super) runner: Option<(u64, String, u64)>,
    pub(super) labels: Vec<String>,
    pub(super) conclusion: Option<String>,
    pub(super) created: Timestamp,
    pub(super) ended: Option<Timestamp>,
}

impl Job {
    pub(super) fn status(&self) -> &'static str {
        match (&self.conclusion, &self.runner) {
            (Some(_), _) => "completed",
            (None, Some(_)) => "in_progress",
            (None, None) => "queued",
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) runs: BTreeMap<u64, Run>,
    jobs: BTreeMap<u64, Job>,
}

impl Jobs {
    /// Makes a run, or changes it.
    pub(super) fn set_run(&mut self, id: u64, attempt: u32, status: &str) {
        let run = Run {
            attempt,
            status: status.to_owned(),
            of_one_job: false,
        };
        self.runs.insert(id, run);
    }

    /// A job was queued, or a runner has it: where it was told of before it is the same.
    pub(super) fn add(&mut self, job: Job) {
        let (run, attempt) = job.run;
        self.runs.entry(run).or_insert_with(|| Run {
            attempt,
            status: "in_progress".to_owned(),
            of_one_job: true,
        });
        self.jobs.entry(job.id).or_insert(job);
    }

    pub(super) fn end(&mut self, id: u64, conclusion: &str, now: Timestamp) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        job.conclusion = Some(conclusion.to_owned());
        job.ended = Some(now);
        let run = self.runs.get_mut(&job.run.0);
        if let Some(run) = run.filter(|run| run.of_one_job) {
            "completed".clone_into(&mut run.status);
        }
    }

    pub(super) fn job(&self, id: u64) -> Option<&Job> {
        self.jobs.get(&id)
    }

    pub(super) fn of(&self, run: u64, attempt: Option<u32>) -> Vec<&Job> {
        let fits =
            |job: &&Job| job.run.0 == run && attempt.is_none_or(|attempt| job.run.1 == attempt);
        self.jobs.values().filter(fits).collect()
    }
}
