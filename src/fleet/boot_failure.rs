//! Why a machine did not become a runner, and what to type against it.

use std::time::Duration;

use super::NamedProvider;
use crate::bootstrap::{cause_in, cause_of, diagnose};
use crate::model::boot_exit::{code_in, explained};
use crate::model::{BootCause, Condition, HumanDuration, RegistrationMode, RunnerVersion};
use crate::plan::Plan;
use crate::providers::kind;

/// How much of a line is told, in characters.
const LONGEST: usize = 100;

/// What is said of a machine that runs, and says nothing.
const RUNS: &str = "its machine is running";
/// How a reason goes on with what a setup script printed last.
const PRINTED: &str = "; it printed last: ";
/// The time limit that holds where none is set (`--timeout`).
const USUAL: Duration = Duration::from_mins(15);
/// What helps where GitHub does not answer.
const GITHUB_FAILS: &str = "GitHub did not answer: see https://www.githubstatus.com, and run the same command again \
    once it answers";

/// How it came out that a machine did not become a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The machine ended.
    Died,
    /// GitHub dropped the registration.
    Dropped,
    /// The time is over.
    Late,
    /// The time is over, and GitHub did not answer.
    Unseen,
}

/// What is known of a machine that did not become a runner.
#[derive(Clone, Debug, Default)]
pub struct BootFailure {
    /// Where its machine was.
    pub provider: String,
    /// Why, as the end of a sentence, as far as anybody says.
    pub reason: Option<String>,
    /// What can be done something about.
    pub cause: Option<BootCause>,
    /// The last phase that its boot script reached.
    pub phase: Option<String>,
    /// What its place says of it, where its boot script says nothing.
    pub stands: Option<&'static str>,
    /// The exit code of its boot script.
    pub code: Option<i32>,
    /// Whether the machine stays for inspection, rather than to have ended itself.
    pub is_kept: bool,
    /// How long ago it was registered, where GitHub drops a registration that no runner uses.
    pub registered_for: Option<Duration>,
    /// What to write or type.
    pub hints: Vec<String>,
    /// The end of its boot log.
    pub log: Option<String>,
}

impl BootFailure {
    /// Puts together what the boot log and the place say. `state` is the machine's as its place showed it last.
    pub(super) fn read(
        plan: &Plan,
        place: &NamedProvider,
        state: Option<&Condition>,
        log: Option<String>,
        fate: Fate,
    ) -> Self {
        let said = log.as_deref().and_then(diagnose).unwrap_or_default();
        let how = match state {
            Some(Condition::Ended(how)) => Some(how.as_str()),
            _ => None,
        };
        let of_place = how.and_then(cause_in);
        let is_oom = of_place == Some(BootCause::OutOfMemory);
        let cause = match said.cause {
            Some(cause) if !is_oom => Some(cause),
            _ => of_place.or(said.cause),
        };
        let printed = said.printed;
        let reason = match (said.reason, how) {
            // The script does not know who killed what it ran.
            (Some(reason), Some(how)) if is_oom && how.contains("out of memory") => {
                let reason = with_line(reason, plan);
                if reason.contains("most likely out of memory") {
                    Some(reason.replacen("most likely ", "", 1))
                } else {
                    Some(format!("{reason} ({how})"))
                }
            }
            (Some(reason), _) => {
                let is_told = reason.contains(" at line ") && cause != Some(BootCause::Sudo);
                let is_setup = matches!(cause, Some(BootCause::Setup | BootCause::Sudo));
                let printed = printed.filter(|_| is_setup && !is_told);
                Some(
                    with_line(reason, plan)
                        + &printed.map_or_else(String::new, |last| ending(&last)),
                )
            }
            (None, Some(how)) => Some(explained(how)),
            (None, None) => None,
        };
        let code = said.code.or_else(|| how.and_then(code_in));
        let cause = cause.or_else(|| code.and_then(cause_of));
        let mut failure = Self {
            provider: place.name.clone(),
            reason,
            cause,
            phase: said.phase,
            stands: match state {
                Some(Condition::Pending) => Some("its machine has not started yet"),
                Some(Condition::Running) => Some(RUNS),
                Some(Condition::Ended(_)) | None => None,
            },
            code,
            is_kept: said.is_kept,
            registered_for: None,
            hints: Vec::new(),
            log,
        };
        failure.hints = failure.helps(plan, place, fate);
        failure
    }

    /// What to write or type: the kind's own setting first, and at last the way to look at such a machine.
    fn helps(&self, plan: &Plan, place: &NamedProvider, fate: Fate) -> Vec<String> {
        let of_kind = self.cause.and_then(|cause| place.provider.remedy(cause));
        let of_every_kind = self
            .cause
            .and_then(|cause| generic(cause, plan, self.reason.as_deref()));
        let mut hints: Vec<String> = match self.cause {
            // The kind's setting says it all.
            Some(
                BootCause::DiskFull
                | BootCause::OutOfMemory
                | BootCause::Clock
                | BootCause::NoNetwork
                | BootCause::Sudo,
            ) if of_kind.is_some() => of_kind.into_iter().collect(),
            _ => of_kind.into_iter().chain(of_every_kind).collect(),
        };
        if self.cause == Some(BootCause::Unregistered) {
            // actions/runner#4648
            hints.insert(
                0,
                "check the clock of the machine (`date -u` there): GitHub refuses the runner with the same words where it is \
                 wrong; `sudo timedatectl set-ntp true` sets it"
                    .to_owned(),
            );
        }
        hints.extend(self.of_code(plan));
        match (fate, self.cause) {
            (Fate::Late, None) => hints.push(more_time(plan)),
            // Nothing is known to be wrong with the machine.
            (Fate::Unseen, None) => return vec![GITHUB_FAILS.to_owned()],
            (Fate::Dropped, None) => hints.extend(generic(BootCause::Unregistered, plan, None)),
            _ => {}
        }
        // There is something to see only on a machine that has started, and did not do what it was to do.
        let is_of_machine = match fate {
            Fate::Died | Fate::Unseen => true,
            Fate::Dropped => false,
            Fate::Late => self.phase.is_some() || self.stands == Some(RUNS),
        };
        if is_of_machine && !plan.keep_failed && place.provider.keeps_failed().is_ok() {
            hints.push("to look around on such a machine, add `--keep-failed`".to_owned());
        }
        let rehearses = kind(place.provider.kind()).is_some_and(|kind| kind.rehearses);
        if hints.is_empty() && rehearses {
            let name = &place.name;
            hints.push(format!(
                "`gharun start {name} --rehearse` tells whether it is the machine or GitHub"
            ));
        }
        hints
    }

    /// What helps against an end that has no cause but a limit.
    fn of_code(&self, plan: &Plan) -> Option<String> {
        match self.code? {
            79 if self.cause.is_none() => Some(self.of_registration()),
            71 => Some("raise `--idle-timeout`: it begins with the boot".to_owned()),
            72 => Some(format!(
                "raise `--lifetime` ({}); if the machine did not live as long, set its clock",
                HumanDuration::from_secs(plan.lifetime.as_secs())
            )),
            _ => None,
        }
    }

    /// What helps where GitHub refuses what a machine registers. The words are GitHub's and those of
    /// src/Runner.Listener/Configuration/ConfigurationManager.cs in <https://github.com/actions/runner>.
    fn of_registration(&self) -> String {
        let said = self.reason.as_deref().unwrap_or_default();
        let is = |pattern: &str| said.contains(pattern);
        if is("same name") {
            "remove it: `gharun stop --orphans`; the next start has another name".to_owned()
        } else if is("runner group") {
            "set `--runner-group` to a group that exists: `gharun providers check` looks for it"
                .to_owned()
        } else if is("NotFound") || is("Not Found") || is("Unauthorized") || is("expired") {
            "a registration token is valid for one hour: start again, and if the machine took longer to boot, use an \
             image that has the runner; `gharun providers check` tells whether GitHub still takes runners"
                .to_owned()
        } else {
            "`gharun providers check` tells whether GitHub takes runners there".to_owned()
        }
    }

    /// Whether a job was done, or began, on the machine: then the runner has not failed.
    pub(super) fn did_its_job(&self) -> bool {
        self.code == Some(0) || self.phase.as_deref() == Some("job")
    }
}

/// A longer time limit, in the words of the command.
fn more_time(plan: &Plan) -> String {
    let limit = plan.timeout;
    let span = |time: Duration| HumanDuration::from_secs(time.as_secs());
    let more = if limit < USUAL { USUAL } else { limit * 2 };
    format!(
        "allow more time: `--timeout {}` (it was {})",
        span(more).to_string().replace(' ', ""),
        span(limit)
    )
}

/// What is true of every kind of place.
fn generic(cause: BootCause, plan: &Plan, reason: Option<&str>) -> Option<String> {
    let reason = reason.unwrap_or_default();
    Some(match cause {
        BootCause::DiskFull => "use a machine with a larger disk, or free space on it".to_owned(),
        BootCause::OutOfMemory => "use a machine with more memory".to_owned(),
        BootCause::NoNetwork => "let the machine reach `github.com` and \
            `*.actions.githubusercontent.com` on port 443: by a public address, NAT, or a proxy in `HTTPS_PROXY`"
            .to_owned(),
        BootCause::MissingProgram => "install what is missing in the image, or in a script that you pass \
            with `--setup` (`apt-get update && apt-get install -y curl tar gzip`)"
            .to_owned(),
        BootCause::WrongPlatform => "use a glibc-based Linux (Debian, Ubuntu, Fedora) on x64, arm64 or arm: the \
            runner does not run on Alpine"
            .to_owned(),
        BootCause::NotExecutable => "mount the folder without `noexec`, or set another work folder".to_owned(),
        BootCause::Setup | BootCause::Sudo => match &plan.setup_file {
            Some(file) if is_foreign(plan) && reason.contains(PRINTED) => format!(
                "edit `{file}`, or let it print what it does (in a shell, add the line `set -x`)"
            ),
            Some(file) if is_foreign(plan) => format!(
                "let `{file}` print what it does (in a shell, add the line `set -x`): gharun cannot tell the line of a \
                 script that begins with `#!`"
            ),
            Some(file) => match line_in(reason) {
                Some(line) => format!("edit line {line} of `{file}`"),
                None => format!("edit `{file}`"),
            },
            None => "edit the setup script".to_owned(),
        },
        BootCause::RunnerTooOld if matches!(plan.version, RunnerVersion::Exact(_)) => {
            "start with `--runner-version latest`: GitHub accepts that one".to_owned()
        }
        BootCause::RunnerTooOld => "update the runner in the image, or install curl in it: then the version that \
            GitHub names is downloaded"
            .to_owned(),
        BootCause::Unregistered if plan.registration == RegistrationMode::Token => {
            return None;
        }
        BootCause::Unregistered => "start with `--registration token`: then the machine registers its runner \
            itself when it is ready"
            .to_owned(),
        BootCause::SessionConflict => "another machine uses the registration of this runner: find it with `gharun list`, and end it with \
            `gharun stop PROVIDER:PLACE/ID`"
            .to_owned(),
        BootCause::Clock => "set the clock of the machine: `timedatectl set-ntp true` there".to_owned(),
    })
}

/// Whether the setup script says itself what runs it, so that its lines are not followed.
fn is_foreign(plan: &Plan) -> bool {
    let setup = plan.setup.as_deref();
    setup.is_some_and(|script| script.starts_with("#!"))
}

/// What a setup script printed last, as the end of a sentence.
fn ending(last: &str) -> String {
    match last {
        "" => ", and printed nothing".to_owned(),
        last => format!("{PRINTED}`{}`", short(last)),
    }
}

/// The beginning of a line.
fn short(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The number of the line that a reason names.
fn line_in(reason: &str) -> Option<usize> {
    let (_, at) = reason.rsplit_once(" at line ")?;
    let digits = at.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The reason of a setup script that failed, with the file and the text of the line that it names.
fn with_line(reason: String, plan: &Plan) -> String {
    let at = reason.rsplit_once(" at line ").and_then(|(before, at)| {
        let number: usize = at.parse().ok()?;
        let line = plan.setup.as_ref()?.lines().nth(number.checked_sub(1)?)?;
        Some((before, number, line.trim()))
    });
    let Some((before, number, line)) = at else {
        return reason;
    };
    let file = plan.setup_file.as_ref();
    let file = file.map_or_else(String::new, |file| format!(" of `{file}`"));
    format!("{before} at line {number}{file}: `{}`", short(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;

    #[test]
    fn a_refused_registration_has_a_hint_by_its_words() {
        for (said, hint) in [
            (
                "A runner exists with the same name gharun-a.",
                "`gharun stop --orphans`",
            ),
            (
                "Could not find any self-hosted runner group named \"none\".",
                "`--runner-group`",
            ),
            (
                "Http response code: NotFound from 'POST https://api.github.com/actions/runner-registration'",
                "valid for one hour: start again",
            ),
            ("Something new", "`gharun providers check`"),
        ] {
            let log = format!(
                "gharun: phase=end t=3 code=79 last=register why=could not register the runner with GitHub (exit code 1): {said}\n"
            );
            let said = diagnose(&log).unwrap();
            let failure = BootFailure {
                reason: said.reason,
                cause: said.cause,
                code: said.code,
                ..BootFailure::default()
            };
            let told = failure.of_code(&plan(1, &["local"])).unwrap();
            assert!(told.contains(hint), "{told}");
        }
    }

    #[test]
    fn a_pinned_version_that_is_too_old_is_unpinned() {
        let mut plan = plan(1, &["local"]);
        plan.version = RunnerVersion::Exact("2.300.0".to_owned());
        let told = generic(BootCause::RunnerTooOld, &plan, None).unwrap();
        assert!(told.contains("`--runner-version latest`"), "{told}");
    }
}
