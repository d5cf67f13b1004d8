//! Many processes at one state file, and processes that are killed at it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use super::*;

/// The name of the variable that tells a child process where to write.
const CHILD: &str = "GHARUN_TEST_STATE";

#[test]
fn two_hundred_writers_of_many_processes_and_threads_lose_nothing() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let children: Vec<Child> = (0..8).map(|number| child(&path, number * 25, 25)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let bytes = fs::read(&path).unwrap();
    let document = document::Document::parse(&bytes).unwrap();
    let written: Vec<Name> = document.entries.into_keys().collect();
    assert_eq!(written, (0..200).map(name).collect::<Vec<Name>>());
    assert_eq!(files(folder.path()), ["state.json", "state.json.lock"]);
}

#[test]
fn a_process_killed_at_any_moment_loses_nothing_that_it_was_told_is_written() {
    let folder = folder();
    let path = folder.path().join("state.json");
    for round in 0..5 {
        let first = round * 1000;
        // More than it will live to write.
        let mut child = child(&path, first, 1000);
        let output = BufReader::new(child.stdout.take().expect("its output is ours"));
        let written = |line: std::io::Result<String>| line.unwrap().starts_with("written ");
        let told = output
            .lines()
            .filter_map(|line| written(line).then_some(()));
        let told = told.take(3 + round).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(
            told,
            3 + round,
            "the child wrote that many before it was killed"
        );

        let bytes = fs::read(&path).unwrap();
        let document = document::Document::parse(&bytes).unwrap();
        assert_eq!(document.unreadable, []);
        let this_round = name(first)..name(first + 1000);
        assert!(document.entries.range(this_round).count() >= told);
    }
}

/// Starts this very test binary again, with [`a_child_process_writes`] as its only test.
fn child(path: &Path, first: usize, count: usize) -> Child {
    Command::new(std::env::current_exe().expect("the test binary"))
        .args([
            "--exact",
            "--ignored",
            "--nocapture",
            "state::tests::processes::a_child_process_writes",
        ])
        .env(CHILD, format!("{first} {count} {}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary runs again")
}

#[test]
#[ignore = "the body of the child processes of other tests"]
fn a_child_process_writes() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test tells its child what to do"
    )]
    let Ok(task) = std::env::var(CHILD) else {
        return;
    };
    let mut task = task.splitn(3, ' ');
    let mut number = || -> usize { task.next().unwrap().parse().unwrap() };
    let (first, count) = (number(), number());
    let path = PathBuf::from(task.next().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    if count > 100 {
        // One at a time, each told: for the test that kills.
        for number in first..first + count {
            runtime.block_on(add(&Store::at(&path), number)).unwrap();
            writeln!(std::io::stdout(), "\nwritten {number}").unwrap();
        }
        return;
    }
    // Every writer has a store, and thus a file handle, of its own.
    let writers: Vec<Store> = (0..count).map(|_| Store::at(&path)).collect();
    runtime.block_on(async {
        let changes = (first..)
            .zip(&writers)
            .map(|(number, store)| add(store, number));
        for done in futures_util::future::join_all(changes).await {
            done.unwrap();
        }
    });
}
