//! Questions on a real terminal: `script` of util-linux makes one for a child process.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;

/// The variable that tells the child process where to write its answer.
const ANSWER: &str = "GHARUN_TEST_ANSWER";

/// Asks a question in a child process on a terminal, types `keys` when it stands there, and returns
/// the answer and all that was on the screen.
fn asked(keys: &str) -> (String, String) {
    let folder = TempDir::new().expect("a temporary folder");
    let answer = folder.path().join("answer");
    let binary = std::env::current_exe().expect("the test binary");
    let test = "ui::tests::terminal::a_child_process_asks";
    let command = format!(
        "'{}' --exact --ignored --nocapture {test}",
        binary.display()
    );
    let mut child = Command::new("script")
        .args(["-q", "-e", "-c", &command, "/dev/null"])
        .env(ANSWER, &answer)
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux is here");
    let mut screen = Vec::new();
    let mut output = child.stdout.take().expect("its output is ours");
    let mut byte = [0];
    // The cursor is hidden when the dialog has begun to listen; the end of the output ends this.
    while !screen.ends_with(b"\x1b[?25l") && output.read(&mut byte).expect("a pipe") > 0 {
        screen.extend(byte);
    }
    let mut input = child.stdin.take().expect("its input is ours");
    input.write_all(keys.as_bytes()).expect("it listens");
    output.read_to_end(&mut screen).expect("a pipe");
    child.wait().expect("it ends");
    let screen = String::from_utf8_lossy(&screen).into_owned();
    let answer = fs::read_to_string(answer).unwrap_or_else(|_| panic!("no answer: {screen:?}"));
    (answer, screen)
}

#[tokio::test]
#[ignore = "the body of the child processes of other tests"]
async fn a_child_process_asks() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test tells its child what to do"
    )]
    let Some(answer) = std::env::var_os(ANSWER) else {
        return;
    };
    let look = UiOptions {
        terminals: Terminals::of_this_process(),
        ..UiOptions::default()
    };
    let said = Ui::new(look).confirm("Stop\u{1b}[2J 3 machines?").await;
    fs::write(answer, format!("{said:?}")).unwrap();
}

#[test]
fn an_answer_is_heard() {
    assert_eq!(asked("y").0, "Ok(true)");
    assert_eq!(asked("n").0, "Ok(false)");
    let (answer, screen) = asked("\r");
    assert_eq!(answer, "Ok(false)");
    assert!(screen.contains("Stop 3 machines?"), "{screen:?}");
}

#[test]
fn an_interrupted_question_leaves_the_cursor_visible() {
    let (answer, screen) = asked("\u{3}");
    assert_eq!(answer, "Err(Interrupted)");
    let (hidden, shown) = (screen.rfind("\u{1b}[?25l"), screen.rfind("\u{1b}[?25h"));
    assert!(hidden.is_some() && shown > hidden, "{screen:?}");
}
