//! The users of this computer, as its files name them.

use std::fs;
use std::path::PathBuf;

/// The fields of a line of `/etc/passwd`.
fn lines() -> Vec<Vec<String>> {
    // Where it cannot be read, the environment has to do.
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| line.split(':').map(str::to_owned).collect())
        .collect()
}

/// The name of the user who runs this process.
pub(super) fn name() -> Option<String> {
    let us = rustix::process::getuid().as_raw().to_string();
    let lines = lines().into_iter();
    let mut ours = lines.filter(|line| line.get(2) == Some(&us));
    ours.next()?.into_iter().next()
}

/// The home of a user.
pub(super) fn home(user: &str) -> Option<PathBuf> {
    let lines = lines().into_iter();
    let mut theirs = lines.filter(|line| line.first().is_some_and(|name| name == user));
    theirs.next()?.into_iter().nth(5).map(PathBuf::from)
}
