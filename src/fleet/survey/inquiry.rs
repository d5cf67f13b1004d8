//! What is asked of single rows before they are judged: their run, its jobs, the machine itself.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::patience::patiently;
use super::registrations::heals;
use super::{SurveyRow, Unknown, of_github};
use crate::fleet::answer::{Timeout, in_time};
use crate::fleet::end::is_permanent;
use crate::fleet::verdict::{MachineState, RegistrationState, Verdict, judge, judge_rehearsal};
use crate::fleet::{Fleet, chain};
use crate::github::{self, GitHubApi, WorkflowJob, WorkflowRun};
use crate::model::{Error, Run};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// Who was asked did not answer; [`Inquiry::unknown`] has it.
#[derive(Clone, Copy, Debug)]
pub(in crate::fleet) struct NoAnswer;

/// Answers, each waited for by all who want it.
type Answers<Key, T> = RefCell<BTreeMap<Key, Rc<OnceCell<Option<T>>>>>;

/// A runner with a job in progress, as the job tells it.
#[derive(Clone, Debug)]
struct AtWork {
    id: Option<u64>,
    name: Option<String>,
}

impl AtWork {
    /// Whether it is a row's runner: by its number, or by its name, which no other of ours has.
    fn is(&self, row: &SurveyRow) -> bool {
        (self.id.is_some() && self.id == row.runner_id)
            || self.name.as_deref() == Some(row.name.as_str())
    }
}

/// What is asked of rows before they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fleet) enum Questions {
    /// Of idle runners, whether their run is over and no job of it is theirs.
    Idle,
    /// The same of busy runners.
    BusyToo,
    /// Nothing that GitHub has to be asked for: they are ended whatever the verdict.
    OfPlaces,
}

/// Questions about rows. Each run is asked about once.
pub(in crate::fleet) struct Inquiry<'a, G> {
    fleet: &'a Fleet<'a, G>,
    questions: Questions,
    /// When what has not answered counts as silent.
    end: Option<Instant>,
    runs: Answers<(String, u64), WorkflowRun>,
    /// The runners with a job in progress, by run.
    jobs: Answers<(String, Run), Vec<AtWork>>,
    unknown: RefCell<Vec<Unknown>>,
    /// Whether something that could not be read may be read another time.
    may_heal: Cell<bool>,
}

impl<'a, G: GitHubApi> Inquiry<'a, G> {
    /// Begins anew: nothing that was answered before is believed.
    pub(in crate::fleet) fn new(fleet: &'a Fleet<'a, G>, questions: Questions) -> Self {
        Self {
            fleet,
            questions,
            end: None,
            runs: RefCell::default(),
            jobs: RefCell::default(),
            unknown: RefCell::default(),
            may_heal: Cell::default(),
        }
    }

    /// The same, and what has not answered by then does not count.
    pub(in crate::fleet) fn until(self, end: Instant) -> Self {
        Self {
            end: Some(end),
            ..self
        }
    }

    /// Whether what could not be read may be read another time.
    pub(in crate::fleet) fn may_heal(&self) -> bool {
        self.may_heal.get()
    }

    /// Waits for GitHub's answer.
    async fn github<T>(
        &self,
        github: &G,
        asked: impl Future<Output = github::Result<T>>,
    ) -> Result<T, Error> {
        let asked = in_time(github, ANSWER, asked);
        let answer = match self.end {
            Some(end) => timeout_at(end, asked).await.unwrap_or(Err(Timeout)),
            None => asked.await,
        };
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.may_heal.set(self.may_heal.get() || heals(&error));
                Err(error.any())
            }
            Err(Timeout) => {
                self.may_heal.set(true);
                Err("GitHub did not answer in time".into())
            }
        }
    }

    /// What could not be read.
    pub(in crate::fleet) fn unknown(self) -> Vec<Unknown> {
        self.unknown.into_inner()
    }

    /// Judges a row, and asks for what the verdict hangs on.
    pub(in crate::fleet) async fn examine(&self, row: &mut SurveyRow) {
        row.facts.now = self.fleet.now();
        row.facts.at_least = self.fleet.at_least();
        if row.doubts.is_elsewhere() {
            self.tell_where(row).await;
        } else if row.facts.machine == MachineState::Unread && row.is_abandoned() {
            let error = Error::from("its lifetime is over, and its place could not be queried");
            self.cannot_look_for(row, error);
        }
        if self.run_matters(row) {
            row.facts.run_over = self.run_over(row).await;
        }
        self.judge(row);
        if row.facts.machine == MachineState::Missing
            && row.instance.is_none()
            && row.verdict == Verdict::Unknown
        {
            self.cannot(row.name.as_str(), SurveyRow::unlisted());
        }
        row.doubts.undecided = false;
        if self.questions == Questions::OfPlaces {
            return row.price();
        }
        let acted_upon = match row.verdict {
            Verdict::Orphan => row.facts.machine == MachineState::There && !row.is_rehearsal(),
            Verdict::Ghost => true,
            _ => row.is_doubted(),
        };
        if acted_upon {
            match self.is_used(row).await {
                Ok(false) => {}
                Ok(true) => {
                    row.facts.registration = RegistrationState::Busy;
                    self.judge(row);
                }
                Err(NoAnswer) => {
                    row.doubts.undecided = row.verdict == Verdict::Orphan || row.is_doubted();
                    row.verdict = Verdict::Unknown;
                    "could not ask whether a job runs on it".clone_into(&mut row.why);
                }
            }
        }
        row.price();
    }

    /// Looks at a row's registration again, then at all the rest.
    pub(in crate::fleet) async fn examine_again(&self, row: &mut SurveyRow) {
        if let (true, Some(github)) = (row.ours, self.fleet.github) {
            // A machine that registers its runner itself may have done so meanwhile.
            let look = async {
                match row.runner_id {
                    Some(id) => github.runner(id).await,
                    None => github.find(&row.name).await,
                }
            };
            row.facts.registration = match self.github(github, look).await {
                Ok(Some(runner)) => {
                    let state = of_github(&runner);
                    row.runner_id = Some(runner.id);
                    row.runner = Some(runner);
                    state
                }
                Ok(None) => {
                    row.runner = None;
                    RegistrationState::Absent
                }
                Err(error) => {
                    self.cannot("GitHub", error);
                    RegistrationState::Unread
                }
            };
        }
        self.examine(row).await;
    }

    /// Whether a job in progress is the runner's, or the place sees a job's process.
    pub(in crate::fleet) async fn is_used(&self, row: &SurveyRow) -> Result<bool, NoAnswer> {
        if row.facts.machine == MachineState::There
            && row.believes_its_place()
            && self.in_use(row).await? == Some(true)
        {
            return Ok(true);
        }
        let (Some(repository), Some(run), true) = (&row.repository, row.run, row.ours) else {
            return Ok(false);
        };
        // A job of a later attempt may run on it as well.
        let latest = self.run(repository, run.id).await;
        let latest = latest.map_or(run.attempt, |latest| latest.run_attempt);
        for attempt in [run.attempt, latest.max(run.attempt)] {
            let run = Run { attempt, ..run };
            let at_work = self.at_work(repository, run).await?;
            if at_work.iter().any(|runner| runner.is(row)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the place sees a job's process; `None` where it cannot tell.
    pub(in crate::fleet) async fn in_use(&self, row: &SurveyRow) -> Result<Option<bool>, NoAnswer> {
        self.ask_place(row).await.map_err(|error| {
            if let Some(machine) = &row.instance {
                self.cannot(&machine.to_string(), error);
            }
            NoAnswer
        })
    }

    /// The same for a machine that is ended all the same where its place does not answer: then
    /// nothing stays unknown.
    pub(in crate::fleet) async fn in_use_as_told(&self, row: &SurveyRow) -> Option<bool> {
        self.ask_place(row).await.unwrap_or_else(|error| {
            tracing::debug!(
                "could not ask whether a job runs on `{}`: {}",
                row.name,
                chain(&error)
            );
            None
        })
    }

    async fn ask_place(&self, row: &SurveyRow) -> Result<Option<bool>, Error> {
        let Some((place, machine)) = row.place.as_ref().zip(row.instance.as_ref()) else {
            return Ok(None);
        };
        // A question that failed for a moment is asked again, as a listing is.
        let asked = patiently(
            async || place.provider.in_use(&machine.id).await,
            |answer| answer.as_ref().is_err_and(|error| !is_permanent(error)),
        );
        let answer = Instant::now() + ANSWER;
        let end = self.end.map_or(answer, |end| end.min(answer));
        match timeout_at(end, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                self.may_heal
                    .set(self.may_heal.get() || !is_permanent(&error));
                Err(error.any())
            }
            Err(_) => {
                self.may_heal.set(true);
                Err("it did not answer in time".into())
            }
        }
    }

    /// Tells that the place of a record's machine is not one that its provider looks at: a listing of
    /// another daemon, host or region proves nothing. Asking about a machine resolves its place, and says
    /// more.
    async fn tell_where(&self, row: &SurveyRow) {
        let Some(machine) = &row.instance else {
            return self.cannot_look_for(row, row.elsewhere());
        };
        let provider = &machine.provider;
        let unlisted = || format!("`{provider}` does not list machines in its location").into();
        let error = self.ask_place(row).await.err().unwrap_or_else(unlisted);
        self.cannot_look_for(row, error);
    }

    /// Names a machine that could not be looked for, and once its lifetime is over how its record is dropped: its place
    /// may never answer again.
    fn cannot_look_for(&self, row: &SurveyRow, error: Error) {
        let source = match &row.instance {
            Some(machine) => machine.to_string(),
            None => row.name.to_string(),
        };
        let error = if row.is_abandoned() {
            error.hinted(format!(
                "if its place is gone for good, forget it with `gharun stop --force {source}`"
            ))
        } else {
            error
        };
        self.cannot(&source, error);
    }

    fn judge(&self, row: &mut SurveyRow) {
        let (verdict, why) = if row.is_rehearsal() {
            judge_rehearsal(&row.facts)
        } else {
            judge(&row.facts)
        };
        row.verdict = verdict;
        // The table knows that GitHub said nothing, and not why it was not asked.
        let unasked = verdict == Verdict::Unknown
            && !row.is_rehearsal()
            && row.facts.machine != MachineState::Unread
            && row.facts.registration == RegistrationState::Unread;
        let why = match self.fleet.github {
            None if unasked => "GitHub was not asked",
            Some(_) if unasked && !row.ours => "it belongs to another scope",
            _ => why,
        };
        why.clone_into(&mut row.why);
    }

    fn run_matters(&self, row: &SurveyRow) -> bool {
        let facts = &row.facts;
        row.ours
            && self.questions != Questions::OfPlaces
            && match (facts.machine, facts.registration) {
                (MachineState::Unread | MachineState::Ended, _)
                | (_, RegistrationState::Unread) => false,
                (MachineState::There, RegistrationState::Busy) => {
                    self.questions == Questions::BusyToo
                }
                (MachineState::There, _) => true,
                (
                    MachineState::Gone | MachineState::Missing | MachineState::Nowhere,
                    registration,
                ) => registration == RegistrationState::Offline,
            }
    }

    /// Whether the tagged run is completed, and its attempt not below the tagged one.
    async fn run_over(&self, row: &SurveyRow) -> Option<bool> {
        let tagged = row.run?;
        let run = self.run(row.repository.as_ref()?, tagged.id).await?;
        let completed = run.status.as_deref()? == "completed";
        Some(completed && run.run_attempt >= tagged.attempt)
    }

    async fn run(&self, repository: &str, id: u64) -> Option<WorkflowRun> {
        let github = self.fleet.github?;
        let key = (repository.to_owned(), id);
        let cell = Rc::clone(self.runs.borrow_mut().entry(key).or_default());
        let answer = cell.get_or_init(|| async {
            match self.github(github, github.run(repository, id)).await {
                Ok(run) => run,
                Err(error) => {
                    self.cannot(&format!("run {id} of {repository}"), error);
                    None
                }
            }
        });
        answer.await.clone()
    }

    async fn at_work(&self, repository: &str, run: Run) -> Result<Vec<AtWork>, NoAnswer> {
        let Some(github) = self.fleet.github else {
            return Ok(Vec::new());
        };
        let key = (repository.to_owned(), run);
        let cell = Rc::clone(self.jobs.borrow_mut().entry(key).or_default());
        let answer = cell.get_or_init(|| async {
            let source = || format!("the jobs of run {} of {repository}", run.id);
            match self.github(github, github.jobs(repository, run)).await {
                Ok(jobs) => {
                    let jobs = jobs.into_iter().flatten();
                    let jobs = jobs.filter(|job| job.status == "in_progress");
                    let runner = |job: WorkflowJob| AtWork {
                        id: job.runner_id,
                        name: job.runner_name,
                    };
                    Some(jobs.map(runner).collect())
                }
                Err(error) => {
                    self.cannot(&source(), error);
                    None
                }
            }
        });
        answer.await.clone().ok_or(NoAnswer)
    }

    fn cannot(&self, source: &str, error: impl Into<Error>) {
        let unknown = Unknown::new(source, error);
        self.unknown.borrow_mut().push(unknown);
    }
}
