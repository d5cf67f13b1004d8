//! What a program sees, and what becomes of one that hangs, floods, or leaves something behind.

use std::time::Duration;

use super::super::call::{Answer, Call, NoAnswer, Program};
use super::*;
use crate::model::Secret;
use crate::poll::{Pace, until};

fn program(script: &str) -> Program {
    Program {
        words: ["sh", "-c", script, "x"].map(str::to_owned).to_vec(),
        folder: None,
        env: vec![("GHARUN_SET_TOKEN".into(), Secret::new("hunter2hunter2"))],
        passed: vec!["CARGO_MANIFEST_DIR".into()],
        secrets: vec![Secret::new("hunter2hunter2")],
    }
}

async fn call(script: &str, stdin: Option<&str>, within: Duration) -> Result<Answer, NoAnswer> {
    let stdin = stdin.map(Secret::new);
    let call = Call {
        words: &["verb", "id"],
        env: vec![("GHARUN_NAME", "n".into())],
        stdin: stdin.as_ref(),
        within,
    };
    program(script).call(call).await
}

const LONG: Duration = Duration::from_secs(30);

#[track_caller]
fn printed(answer: Result<Answer, NoAnswer>) -> String {
    String::from_utf8(answer.expect("it ends").stdout).expect("text")
}

#[tokio::test]
async fn a_program_sees_its_verb_its_variables_and_no_others() {
    let seen = printed(call("echo $*; env", None, LONG).await);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "verb id");
    let names = lines[1..].iter().filter_map(|line| line.split_once('='));
    let own = ["OLDPWD", "PWD", "SHLVL", "_"]; // of the shell itself
    let names: Vec<&str> = names
        .map(|(name, _)| name)
        .filter(|name| !own.contains(name) && !name.to_lowercase().ends_with("_proxy"))
        .collect();
    for expected in [
        "CARGO_MANIFEST_DIR",
        "GHARUN_NAME",
        "GHARUN_PROTOCOL",
        "GHARUN_SET_TOKEN",
        "PATH",
    ] {
        assert!(names.contains(&expected), "{expected}: {names:?}");
    }
    for name in names {
        let known = name.starts_with("GHARUN_")
            || ["CARGO_MANIFEST_DIR", "HOME", "LANG", "PATH", "TMPDIR"].contains(&name);
        assert!(known, "{name}");
    }
}

#[tokio::test]
async fn a_program_reads_what_it_is_given_and_else_nothing() {
    let long = "x".repeat(1 << 19);
    let answer = call("cat", Some(&long), LONG).await.expect("it ends");
    assert!(answer.stdout == long.as_bytes() && !answer.unread);
    let answer = call("cat", None, LONG).await.expect("it ends");
    assert!(answer.stdout.is_empty() && !answer.unread);
}

#[tokio::test]
async fn a_program_that_leaves_its_input_unread_is_noticed_however_short_that_is() {
    let long = "x".repeat(1 << 19);
    for (script, text) in [
        ("exit 0", "x"),
        ("exit 0", long.as_str()),
        ("head -c 1", "xy"),
    ] {
        let answer = call(script, Some(text), LONG).await.expect("it ends");
        assert!(answer.unread, "{script}");
    }
}

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let script = format!(
        "sleep 600 & echo $! >{}; echo half >&2; wait",
        pid.display()
    );
    let lost = call(&script, None, Duration::from_secs(2)).await;
    let Err(NoAnswer::Lost(why)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(why, "did not end within 2 s and was killed: half");
    ends(&fs::read_to_string(pid).expect("its number")).await;
}

#[tokio::test]
async fn a_program_that_hangs_is_told_to_end_and_clears_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let boot = folder.path().join("boot");
    let script = format!(
        "trap 'rm {0}; echo cleared >&2; exit 1' TERM; cat >{0}; sleep 600 & wait",
        boot.display()
    );
    let lost = call(&script, Some("credential"), Duration::from_secs(4)).await;
    let Err(NoAnswer::Lost(why)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(why, "did not end within 4 s and was killed: cleared");
    assert!(!boot.exists());
}

#[tokio::test]
async fn a_program_that_hangs_and_does_not_obey_is_killed_all_the_same() {
    let script = "trap '' TERM; echo $$ >&2; while :; do sleep 1; done";
    let lost = call(script, None, Duration::from_secs(2)).await;
    let Err(NoAnswer::Lost(why)) = lost else {
        panic!("{lost:?}")
    };
    let pid = why.strip_prefix("did not end within 2 s and was killed: ");
    ends(pid.expect("its number")).await;
}

#[tokio::test]
async fn what_a_program_leaves_running_is_ended_with_it() {
    let pid = printed(call("sleep 600 & echo $!", None, LONG).await);
    ends(&pid).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let script = format!(
        "sleep 600 & echo $! >{0}.new; mv {0}.new {0}; wait",
        pid.display()
    );
    let started = until(SOON, async || pid.exists().then_some(()));
    tokio::select! {
        answer = call(&script, None, LONG) => panic!("{answer:?}"),
        started = started => started.expect("it starts"),
    }
    ends(&fs::read_to_string(pid).expect("its number")).await;
}

const SOON: Pace = Pace {
    every: Duration::from_millis(20),
    at_most: Duration::from_secs(10),
};

/// Waits until a process is gone, or waits for nobody but its parent.
async fn ends(pid: &str) {
    let state = format!("ps -o stat= -p {}", pid.trim());
    let gone = until(SOON, async || {
        let seen = std::process::Command::new("sh")
            .args(["-c", &state])
            .output();
        let seen = String::from_utf8(seen.expect("ps runs").stdout).expect("text");
        (seen.trim().is_empty() || seen.starts_with('Z')).then_some(())
    });
    gone.await.expect("it ends");
}

#[tokio::test]
async fn a_program_that_floods_is_killed() {
    let lost = call("exec yes", None, LONG).await;
    let Err(NoAnswer::Lost(why)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(why, "printed more than 1 MiB and was killed");
}

#[tokio::test]
async fn complaints_are_told_at_their_end_without_what_is_hidden() {
    let script = r#"for x in 1 2 3 4; do echo "line $x" >&2; done; printf '\033[2Jred\n' >&2; echo "token $GHARUN_SET_TOKEN" >&2; cat >&2; exit 3"#;
    let boot = "jit='abcdefghijklmnopqrstuvwxyz0123'";
    let answer = call(script, Some(boot), LONG).await.expect("it ends");
    assert_eq!(
        answer.to_string(),
        "failed with exit status: 3: red; token ***; jit='***'"
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_says_which_setting_to_mend() {
    let folder = Folder::new();
    let provider = folder
        .with(json!({}), json!({ "command": ["/nonexistent/box.sh"] }))
        .await;
    let error = provider.check().await.expect_err("it cannot run");
    assert_eq!(error.kind, ErrorKind::Config);
    assert_eq!(error.key(), Some("command"));
    let told = "could not check `box`: `/nonexistent/box.sh` could not be run: No such file or directory (os error 2)";
    assert_eq!(chain(&error), told);
}
