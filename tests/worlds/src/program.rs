//! Executable files that a test writes and then runs.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable file for its user alone, or for all where `mode` says so (`0o755`).
///
/// Another process writes it: a file that this one has open for writing is inherited by every child that another
/// test starts at that moment, and cannot be run until that child runs its own program ("Text file busy").
pub fn write_program(path: &Path, text: &str, mode: u32) {
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut input = writer.stdin.take().expect("it was asked for");
    input.write_all(text.as_bytes()).expect("it reads");
    drop(input);
    assert!(
        writer.wait().expect("it ends").success(),
        "{}",
        path.display()
    );
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("it is ours");
}
