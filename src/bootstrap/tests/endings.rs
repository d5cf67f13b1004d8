//! The dead-man switch: what ends a machine, how often, and what it is said to have ended for.

use std::process::Stdio;

use super::machine::{Machine, PATIENCE, Shell};
use super::{diagnose, failure, meaning};
use crate::model::BootCause;
use crate::poll::until;

under_every_shell! {
    no_job_within_the_idle_limit_ends_it
    a_running_job_outlives_the_idle_limit_but_not_the_lifetime
    a_job_that_does_not_want_to_end_is_ended
    a_lifetime_that_is_over_ends_the_setup
    a_lifetime_is_no_longer_where_clocks_do_not_agree
    a_restart_neither_runs_again_nor_lives_longer
    a_runner_that_did_no_job_is_told_apart
    a_refused_version_is_told_with_whose_it_is
    the_last_line_says_all_though_others_fill_the_log
    a_machine_that_failed_stays_for_whoever_wants_to_look
    a_setup_that_fails_ends_it
    a_killed_script_is_no_reason_to_live_on
    a_signal_ends_it
    a_reader_that_is_gone_does_not_keep_it_alive
    an_ending_that_fails_is_tried_again
    a_plain_exit_says_why_by_its_code
}

async fn no_job_within_the_idle_limit_ends_it(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "idle") else {
        return;
    };
    machine.idle = Some(1);
    let end = machine.run().await;
    assert_eq!(end.code, 71, "{}", end.log);
    let said = failure(&end.log).unwrap();
    assert_eq!(Some(said.as_str()), meaning(71));
    assert!(end.phases().ends_with(&["idle".into(), "end".into()]));
    assert_eq!(machine.endings(), 1);
}

async fn a_running_job_outlives_the_idle_limit_but_not_the_lifetime(shell: Shell) {
    // Seen by what the runner says and by the hook; and by nothing but the worker's process.
    for mode in ["long", "quiet"] {
        let Some(mut machine) = Machine::installed(shell, mode) else {
            return;
        };
        // A busy computer needs its time until the job has begun.
        machine.idle = Some(5);
        machine.expires = 12;
        let end = machine.run().await;
        assert_eq!(end.code, 72, "{mode}: {}", end.log);
        assert!(machine.at("stub/working").exists());
        assert_eq!(failure(&end.log).as_deref(), meaning(72));
        assert!(end.phases().ends_with(&["lifetime".into(), "end".into()]));
        assert_eq!(machine.endings(), 1);
    }
}

async fn a_job_that_does_not_want_to_end_is_ended(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "stubborn") else {
        return;
    };
    machine.expires = 3;
    let end = machine.run().await;
    assert_eq!(end.code, 72, "{}", end.log);
    assert_eq!(machine.endings(), 1);
}

async fn a_lifetime_that_is_over_ends_the_setup(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.expires = -5;
    machine.setup = Some("sleep 300 & sleep 300".into());
    let end = machine.run().await;
    assert_eq!(end.code, 72, "{}", end.log);
    assert!(!machine.at("stub/jit").exists());
    assert_eq!(machine.endings(), 1);
}

async fn a_lifetime_is_no_longer_where_clocks_do_not_agree(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    // By the clock of whoever ordered it, it is hours until then.
    machine.expires = 8 * 3600;
    machine.lifetime = 2;
    machine.setup = Some("sleep 300".into());
    let end = machine.run().await;
    assert_eq!(end.code, 72, "{}", end.log);
    assert_eq!(machine.endings(), 1);
}

async fn a_restart_neither_runs_again_nor_lives_longer(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "long") else {
        return;
    };
    let script = machine.script();
    let run = machine.start_script(&script);
    machine.see("stub/working").await;
    // The power fails.
    drop(run);
    assert_eq!(machine.endings(), 0);
    let end = machine.start_script(&script).ended().await;
    assert_eq!(end.code, 77, "{}", end.log);
    assert_eq!(failure(&end.log).as_deref(), Some("it already ran here"));
    assert_eq!(machine.endings(), 1);
    // What it is to live until stands in it: not how long.
    let line = |script: &str| {
        let mut lines = script.lines().map(str::to_owned);
        lines.find(|line| line.starts_with("gharun_expires="))
    };
    let end = jiff::Timestamp::now().as_second() + 600;
    let seconds: i64 = line(&script)
        .and_then(|line| Some(line.split('\'').nth(1)?.parse().unwrap()))
        .unwrap();
    assert!((end - 300..=end).contains(&seconds), "{seconds}");
}

async fn a_runner_that_did_no_job_is_told_apart(shell: Shell) {
    let connected = "the runner never connected to GitHub";
    let ended = "the runner ended without a job";
    for (mode, code, said, cause) in [
        ("never", 70, connected.to_owned(), None),
        (
            "unknown",
            70,
            format!("{connected}: GitHub no longer knows it"),
            Some(BootCause::Unregistered),
        ),
        (
            "deleted",
            70,
            format!("{connected}: GitHub has deleted the registration"),
            Some(BootCause::Unregistered),
        ),
        (
            "conflict",
            70,
            format!("{connected}: another runner is connected with the same registration"),
            Some(BootCause::SessionConflict),
        ),
        (
            "clock",
            70,
            format!("{connected}: the clock of the machine is wrong by more than five minutes"),
            Some(BootCause::Clock),
        ),
        (
            "broken",
            70,
            format!(
                "{connected}: it does not run on this machine: Process terminated. There is no ICU package"
            ),
            Some(BootCause::MissingProgram),
        ),
        (
            "removed",
            78,
            format!("{ended}: GitHub no longer knows it"),
            Some(BootCause::Unregistered),
        ),
        (
            "dropped",
            78,
            format!("{ended}: GitHub has deleted the registration"),
            Some(BootCause::Unregistered),
        ),
    ] {
        let Some(machine) = Machine::installed(shell, mode) else {
            return;
        };
        let end = machine.run().await;
        assert_eq!(end.code, code, "{mode}: {}", end.log);
        let found = diagnose(&end.log).unwrap();
        assert_eq!(found.reason, Some(said), "{mode}: {}", end.log);
        assert_eq!((found.cause, found.code), (cause, Some(code)), "{mode}");
        assert_eq!(machine.endings(), 1);
    }
}

async fn a_refused_version_is_told_with_whose_it_is(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "deprecated") else {
        return;
    };
    let end = machine.run().await;
    assert_eq!(end.code, 73, "{}", end.log);
    let found = diagnose(&end.log).unwrap();
    let home = machine.at("runner").display().to_string();
    let said = format!("{}: the one in {home} is 9.9.1", meaning(73).unwrap());
    assert_eq!(found.reason, Some(said), "{}", end.log);
    assert_eq!(found.cause, Some(BootCause::RunnerTooOld));
}

async fn the_last_line_says_all_though_others_fill_the_log(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "traces") else {
        return;
    };
    // As GitHub's own image asks for them.
    machine.var("ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT", "1");
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert!(!end.log.contains("INFO JobRunner"), "{}", end.log);
    assert!(!machine.read("stub/env").contains("PRINT_LOG"));
    let last = end.log.lines().last().unwrap();
    let found = diagnose(last).unwrap();
    assert_eq!((found.code, found.phase.as_deref()), (Some(0), Some("job")));
    // Whoever wants them gets them.
    machine.var("ACTIONS_RUNNER_PRINT_LOG_TO_STDOUT", "true");
    machine.name = super::Name::choose(None, 0, jiff::Timestamp::now());
    let end = machine.run().await;
    assert!(end.log.contains("INFO JobRunner"), "{}", end.log);
}

async fn a_machine_that_failed_stays_for_whoever_wants_to_look(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.keep_failed = true;
    machine.idle = Some(5);
    machine.expires = 12;
    machine.setup = Some("exit 3".into());
    let run = machine.start();
    let kept = until(PATIENCE, async || {
        machine.read("log").contains("phase=kept").then_some(())
    });
    assert!(kept.await.is_some(), "{}", machine.read("log"));
    assert_eq!(machine.endings(), 0);
    let end = run.ended().await;
    // Not at its idle limit.
    assert_eq!(end.code, 72, "{}", end.log);
    assert_eq!(machine.endings(), 1);
    let found = diagnose(&end.log).unwrap();
    assert_eq!(found.code, Some(74), "{}", end.log);
    // One that did its job does not.
    machine.setup = None;
    machine.idle = None;
    machine.name = super::Name::choose(None, 0, jiff::Timestamp::now());
    let end = machine.run().await;
    assert_eq!((end.code, machine.endings()), (0, 2), "{}", end.log);
}

async fn a_setup_that_fails_ends_it(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.setup = Some("echo 'no driver' >&2\nexit 41".into());
    let end = machine.run().await;
    assert_eq!(end.code, 74, "{}", end.log);
    assert_eq!(
        failure(&end.log).as_deref(),
        Some("the setup script failed with exit code 41 at line 2")
    );
    assert!(end.log.contains("no driver"));
    assert!(!machine.at("stub/jit").exists());
    assert_eq!(machine.endings(), 1);
}

async fn a_killed_script_is_no_reason_to_live_on(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "long") else {
        return;
    };
    let run = machine.start();
    machine.see("stub/working").await;
    run.signal("KILL");
    let end = run.ended().await;
    assert_eq!(end.code, 128 + 9, "{}", end.log);
    assert_eq!(machine.endings(), 1, "{}", end.log);
}

async fn a_signal_ends_it(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "long") else {
        return;
    };
    let run = machine.start();
    machine.see("stub/working").await;
    run.signal("TERM");
    let end = run.ended().await;
    assert_eq!(end.code, 143, "{}", end.log);
    assert_eq!(machine.endings(), 1);
}

async fn a_reader_that_is_gone_does_not_keep_it_alive(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "idle") else {
        return;
    };
    machine.idle = Some(1);
    let mut run = machine.start_to(&machine.script(), Stdio::piped(), Stdio::null());
    drop(run.child.stdout.take());
    let end = run.ended().await;
    assert_eq!(end.code, 71);
    assert_eq!(machine.endings(), 1);
}

async fn an_ending_that_fails_is_tried_again(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.ending = format!(
        "echo try >>'{0}'; [ \"$(wc -l <'{0}')\" -ge 3 ] || exit 9",
        machine.at("ended").display()
    );
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.endings(), 3);
}

async fn a_plain_exit_says_why_by_its_code(shell: Shell) {
    for (mode, code) in [("job", 0), ("never", 70)] {
        let Some(mut machine) = Machine::installed(shell, mode) else {
            return;
        };
        machine.ending = "exit".into();
        let end = machine.run().await;
        assert_eq!(end.code, code, "{}", end.log);
        assert!(end.log.contains(&format!("code={code}")), "{}", end.log);
    }
}
