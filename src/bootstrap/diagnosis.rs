//! What a boot log tells of a machine that did not become a runner.

use super::sentences::{last_said, sentence_in, without_time};
use super::{failure, phases};
use crate::model::BootCause;
use crate::model::boot_exit::{BootEnd, meaning};

/// What a boot log tells of a machine that did not become a runner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnosis {
    /// What can be done something about.
    pub cause: Option<BootCause>,
    /// Why, as the end of a sentence; `None` where the log names no failure.
    pub reason: Option<String>,
    /// The last phase that the script reached.
    pub phase: Option<String>,
    /// The exit code of the script, where it has ended.
    pub code: Option<i32>,
    /// Whether the machine stays for inspection after its failure.
    pub is_kept: bool,
    /// The last line that a setup script which failed has printed; empty where it has printed nothing.
    pub printed: Option<String>,
}

/// What a reason holds that names its cause. The words are those of the boot script, of the shells, of curl and of wget
/// (<https://curl.se/libcurl/c/libcurl-errors.html>).
const CAUSES: &[(&str, BootCause)] = &[
    ("no space is left", BootCause::DiskFull),
    ("No space left on device", BootCause::DiskFull),
    ("Disk quota exceeded", BootCause::DiskFull),
    ("curl: (23)", BootCause::DiskFull),
    ("out of memory", BootCause::OutOfMemory),
    ("Out of memory", BootCause::OutOfMemory),
    ("exit code 137", BootCause::OutOfMemory),
    ("Cannot allocate memory", BootCause::OutOfMemory),
    ("curl: (5)", BootCause::NoNetwork),
    ("curl: (6)", BootCause::NoNetwork),
    ("curl: (7)", BootCause::NoNetwork),
    ("curl: (28)", BootCause::NoNetwork),
    ("curl: (35)", BootCause::NoNetwork),
    ("curl: (56)", BootCause::NoNetwork),
    ("unable to resolve host", BootCause::NoNetwork),
    ("bad address", BootCause::NoNetwork),
    ("Could not resolve host", BootCause::NoNetwork),
    ("Connection timed out", BootCause::NoNetwork),
    ("Connection refused", BootCause::NoNetwork),
    ("Network is unreachable", BootCause::NoNetwork),
    ("not installed: ", BootCause::MissingProgram),
    ("is not installed", BootCause::MissingProgram),
    ("GitHub offers no runner", BootCause::WrongPlatform),
    ("GLIBC", BootCause::WrongPlatform),
    ("Exec format error", BootCause::WrongPlatform),
    ("noexec", BootCause::NotExecutable),
    ("Permission denied", BootCause::NotExecutable),
];

/// The cause that some words name.
pub fn cause_in(words: &str) -> Option<BootCause> {
    let of_words = WORDS.iter().map(|(pattern, _, cause)| (pattern, cause));
    let rows = CAUSES.iter().map(|(pattern, cause)| (pattern, cause));
    let mut all = of_words.chain(rows);
    let found = all.find(|(pattern, _)| words.contains(**pattern));
    found.map(|(_, cause)| *cause)
}

/// The cause that an exit code of the script names.
pub fn cause_of(code: i32) -> Option<BootCause> {
    match code {
        73 => Some(BootCause::RunnerTooOld),
        74 => Some(BootCause::Setup),
        76 => Some(BootCause::WrongPlatform),
        _ => None,
    }
}

/// Reads a boot log, whatever its place wrote before each line; `None` where the script has said nothing in it.
pub fn diagnose(log: &str) -> Option<Diagnosis> {
    let end = BootEnd::find(log);
    let ends = |name: &str| matches!(name, "end" | "kept" | "idle" | "lifetime");
    let phase = end.as_ref().and_then(|end| end.last.clone()).or_else(|| {
        let last = phases(log).into_iter().rev();
        let mut last = last.map(|phase| phase.name).filter(|name| !ends(name));
        last.next()
    });
    let code = end.as_ref().map(|end| end.code);
    let is_kept = end.as_ref().is_some_and(|end| end.is_kept);
    let reason = end.and_then(|end| end.why).or_else(|| failure(log));
    let reason =
        reason.or_else(|| failed_try(log).filter(|_| phase.as_deref() == Some("download")));
    let said = last_said(of_runner(log));
    let runner_is_heard = matches!(phase.as_deref(), Some("run" | "listening" | "register"));
    let (reason, cause) = match (reason, said) {
        (Some(reason), said) => {
            let sentence = sentence_in(&reason).or_else(|| {
                // A script that says nothing of it.
                said.map(|(_, said)| said)
                    .filter(|_| matches!(code, Some(70 | 78)))
            });
            let cause = sentence.and_then(|said| said.cause);
            (
                Some(in_words(&reason, code)),
                cause.or_else(|| cause_in(&reason)),
            )
        }
        (None, Some((line, said))) if runner_is_heard => {
            let words = said.meaning.unwrap_or_else(|| without_time(line));
            (Some(words.to_owned()), said.cause)
        }
        (None, _) => (None, None),
    };
    let of_code = code.and_then(cause_of);
    let cause = match (cause, of_code) {
        // Any program may say such a thing, and the script says what failed.
        (Some(cause), Some(BootCause::Setup))
            if matches!(cause, BootCause::OutOfMemory | BootCause::DiskFull) =>
        {
            Some(cause)
        }
        (_, Some(BootCause::Setup)) if asks_for_a_password(log) => Some(BootCause::Sudo),
        (cause, of_code) => of_code.or(cause),
    };
    let is_setup = code == Some(74) && phase.as_deref() == Some("setup");
    let printed = printed(log).filter(|_| is_setup);
    if phase.is_none() && reason.is_none() && code.is_none() {
        return None;
    }
    Some(Diagnosis {
        cause,
        reason,
        phase,
        code,
        is_kept,
        printed,
    })
}

/// Whether `sudo` asked for a password, in the words of its plugin (`plugins/sudoers/auth/sudo_auth.c`, `src/tgetpass.c`,
/// `plugins/sudoers/sudoers.c` of <https://github.com/sudo-project/sudo>).
fn asks_for_a_password(log: &str) -> bool {
    [
        "sudo: a password is required",
        "sudo: a terminal is required",
        "is not in the sudoers file",
    ]
    .iter()
    .any(|words| log.contains(words))
}

/// The last line that the setup script has printed; `None` where the log does not hold its beginning.
fn printed(log: &str) -> Option<String> {
    let (_, rest) = log.rsplit_once("gharun: phase=setup ")?;
    let lines = rest.lines().skip(1);
    let own = lines.take_while(|line| !line.contains("gharun: "));
    let last = own.map(str::trim).filter(|line| !line.is_empty()).last();
    // A shell begins with the file that it reads, which is a copy in a folder of the machine's.
    let last = last.unwrap_or_default();
    let said = last.split_once("/setup: ").map_or(last, |(_, said)| said);
    Some(said.to_owned())
}

/// What the exit code of a setup script that failed means by the rules of shells (POSIX, "Exit Status for Commands").
fn of_setup(reason: &str) -> Option<String> {
    let failed = "the setup script failed with exit code ";
    let rest = reason.strip_prefix(failed)?;
    let (code, at) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
    Some(match code {
        "137" => {
            format!("the setup script was killed (exit code 137, most likely out of memory){at}")
        }
        "127" => format!("{failed}127 (command not found){at}"),
        "126" => format!("{failed}126 (not executable){at}"),
        _ => return None,
    })
}

/// Why the last download failed, where the script is trying again.
fn failed_try(log: &str) -> Option<String> {
    let mark = " to download the runner failed: ";
    let found = log.lines().rev().find_map(|line| {
        let (_, said) = line.split_once("gharun: try ")?;
        said.split_once(mark)
    });
    found.map(|(_, why)| format!("could not download the runner: {}", why.trim()))
}

/// What a reason holds that is told in other words, from there on to its end: what shells and .NET say of programs that
/// cannot be run.
const WORDS: &[(&str, &str, BootCause)] = &[
    (
        "Runner.Listener: not found",
        NO_GLIBC,
        BootCause::WrongPlatform,
    ),
    (
        "Runner.Listener: No such file",
        NO_GLIBC,
        BootCause::WrongPlatform,
    ),
    (
        "required file not found",
        NO_GLIBC,
        BootCause::WrongPlatform,
    ),
    ("Error relocating", NO_GLIBC, BootCause::WrongPlatform),
    (
        "Runner.Listener: Permission denied",
        "its folder is mounted `noexec`, or its files may not be executed",
        BootCause::NotExecutable,
    ),
];
const NO_GLIBC: &str = "it needs glibc, which the machine lacks";

/// GitHub's own words in an answer that is quoted whole.
fn message(reason: &str) -> Option<String> {
    let (before, rest) = reason.split_once("{\"")?;
    let (_, rest) = rest.split_once("message\":")?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let (message, _) = rest.split_once('"')?;
    Some(format!("{before}{message}"))
}

/// A reason in words that somebody knows who does not know the runner.
fn in_words(reason: &str, code: Option<i32>) -> String {
    if let Some(told) = message(reason).or_else(|| of_setup(reason)) {
        return told;
    }
    let mark = "it does not run on this machine: ";
    let known = WORDS.iter().find(|(pattern, ..)| reason.contains(pattern));
    if let (Some((_, words, _)), Some((before, _))) = (known, reason.split_once(mark)) {
        return format!("{before}{words}");
    }
    let Some(said) = sentence_in(reason).and_then(|said| said.meaning) else {
        return reason.to_owned();
    };
    match code
        .and_then(meaning)
        .filter(|meaning| reason.starts_with(meaning))
    {
        Some(meaning) if meaning == said => reason.to_owned(),
        Some(meaning) => format!("{meaning}: {said}"),
        None => reason.to_owned(),
    }
}

/// The lines that the runner may have said: those after the mark of its start.
fn of_runner(log: &str) -> impl Iterator<Item = &str> {
    let is_start = |line: &&str| {
        ["gharun: phase=run ", "gharun: phase=register "]
            .iter()
            .any(|mark| line.contains(mark))
    };
    let started = log.lines().any(|line| is_start(&line));
    log.lines()
        .skip_while(move |line| started && !is_start(line))
        .filter(|line| !line.contains("gharun: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a log comes to: cause, reason, phase.
    fn of(log: &str) -> (Option<BootCause>, Option<String>, Option<String>) {
        let found = diagnose(log).expect("the script has said something");
        (found.cause, found.reason, found.phase)
    }

    fn failed(code: i32, last: &str, why: &str) -> (Option<BootCause>, Option<String>) {
        let log = format!(
            "gharun: error: {why}\ngharun: phase=end t=3 code={code} last={last} why={why}\n"
        );
        let (cause, reason, phase) = of(&log);
        assert_eq!(phase.as_deref(), Some(last));
        (cause, reason)
    }

    #[test]
    fn each_failure_of_the_script_has_its_cause() {
        for (code, last, why, cause) in [
            (
                74,
                "setup",
                "the setup script failed with exit code 3 at line 2",
                BootCause::Setup,
            ),
            (
                75,
                "download",
                "no space is left on the machine: 0 KB of 2 MB free in /a",
                BootCause::DiskFull,
            ),
            (
                75,
                "download",
                "could not download the runner from http://a: curl: (6) Could not resolve host: a",
                BootCause::NoNetwork,
            ),
            (
                75,
                "download",
                "could not download the runner from http://a: wget: bad address 'a'",
                BootCause::NoNetwork,
            ),
            (
                75,
                "cache",
                "not installed: curl wget",
                BootCause::MissingProgram,
            ),
            (
                76,
                "arm",
                "GitHub offers no runner for Linux on s390x",
                BootCause::WrongPlatform,
            ),
            (
                73,
                "run",
                "GitHub no longer accepts this version of the runner: the one in /home/runner is 2.331.0; GitHub names 2.336.0",
                BootCause::RunnerTooOld,
            ),
        ] {
            assert_eq!(failed(code, last, why), (Some(cause), Some(why.to_owned())));
        }
    }

    #[test]
    fn an_exit_code_of_shells_is_told_in_words() {
        for (why, told, cause) in [
            (
                "the setup script failed with exit code 137",
                "the setup script was killed (exit code 137, most likely out of memory)",
                BootCause::OutOfMemory,
            ),
            (
                "the setup script failed with exit code 127 at line 2",
                "the setup script failed with exit code 127 (command not found) at line 2",
                BootCause::Setup,
            ),
        ] {
            assert_eq!(
                failed(74, "setup", why),
                (Some(cause), Some(told.to_owned()))
            );
        }
    }

    #[test]
    fn a_setup_script_is_told_with_what_it_printed_last_and_with_a_password_that_sudo_wants() {
        let end =
            "gharun: phase=end t=3 code=74 last=setup why=the setup script failed with exit code 1";
        let of = |said: &str| {
            diagnose(&format!("gharun: phase=setup t=1\n{said}{end}\n")).expect("it ended")
        };
        let asked = of("installing\nsudo: a password is required\ngharun: error: it failed\n");
        assert_eq!(asked.cause, Some(BootCause::Sudo));
        assert_eq!(
            asked.printed.as_deref(),
            Some("sudo: a password is required")
        );
        let silent = of("");
        assert_eq!(
            (silent.cause, silent.printed.as_deref()),
            (Some(BootCause::Setup), Some(""))
        );
        let cut = diagnose(end).expect("it ended");
        assert_eq!(cut.printed, None);
    }

    #[test]
    fn what_the_runner_says_is_told_in_other_words() {
        let connected = "the runner never connected to GitHub";
        for (said, words, cause) in [
            (
                "Failed to create a session. The runner registration has been deleted from the server, please re-configure.",
                "GitHub has deleted the registration",
                BootCause::Unregistered,
            ),
            (
                "A session for this runner already exists.",
                "another runner is connected with the same registration",
                BootCause::SessionConflict,
            ),
            (
                "it does not run on this machine: /w/boot: exec: line 5: bin/Runner.Listener: not found",
                "it needs glibc, which the machine lacks",
                BootCause::WrongPlatform,
            ),
            (
                "it does not run on this machine: /w/boot: 5: exec: bin/Runner.Listener: Permission denied",
                "its folder is mounted `noexec`, or its files may not be executed",
                BootCause::NotExecutable,
            ),
        ] {
            let reason = Some(format!("{connected}: {words}"));
            assert_eq!(
                failed(70, "run", &format!("{connected}: {said}")),
                (Some(cause), reason)
            );
        }
        let (cause, reason) = failed(
            79,
            "register",
            "could not register the runner with GitHub (exit code 1): {\"message\":\"Your runner version is out of date and can no longer register\"}",
        );
        assert_eq!(cause, Some(BootCause::RunnerTooOld));
        let said = "could not register the runner with GitHub (exit code 1): Your runner version is out of date and can no longer register";
        assert_eq!(reason.as_deref(), Some(said));
    }

    #[test]
    fn a_runner_that_goes_on_trying_is_heard() {
        let log = "gharun: phase=run t=1\n\
            2026-11-30 09:00:00Z: Runner connect error: The SSL connection could not be established. Retrying until reconnected.\n\
            The local machine's clock may be out of sync with the server time by more than five minutes.\n\
            2026-11-30 09:00:01Z: Runner connect error: Current server time is. Retrying until reconnected.\n";
        let clock = "the clock of the machine is wrong by more than five minutes";
        let run = Some("run".to_owned());
        assert_eq!(
            of(log),
            (Some(BootCause::Clock), Some(clock.to_owned()), run.clone())
        );
        let first: String = log.split_inclusive('\n').take(2).collect();
        let said = "Runner connect error: The SSL connection could not be established. Retrying until reconnected.";
        assert_eq!(
            of(&first),
            (Some(BootCause::NoNetwork), Some(said.to_owned()), run)
        );
        // Others may say so, too, before there is a runner.
        let setup = "gharun: phase=setup t=1\nit cannot receive messages\n";
        assert_eq!(of(setup), (None, None, Some("setup".to_owned())));
        assert_eq!(diagnose("Welcome to Linux\n"), None);
    }

    #[test]
    fn a_download_that_is_tried_again_is_told_with_why() {
        let log = "gharun: phase=download t=1\n\
            gharun: try 1 to download the runner failed: curl: (7) Failed to connect\n\
            gharun: phase=download t=3\n";
        let reason = "could not download the runner: curl: (7) Failed to connect".to_owned();
        assert_eq!(
            of(log),
            (
                Some(BootCause::NoNetwork),
                Some(reason),
                Some("download".to_owned())
            )
        );
    }

    #[test]
    fn a_log_that_others_have_filled_tells_the_same() {
        let traces = "trace of a worker\n".repeat(400);
        let found = of(&format!(
            "{traces}gharun: phase=end t=9 code=0 last=job why=\n"
        ));
        assert_eq!(found, (None, None, Some("job".to_owned())));
    }
}
