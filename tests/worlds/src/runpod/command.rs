//! A pod's command, as a process of this computer.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Child;

use super::lags::Wait;
use super::rules::Machinery;

/// A command that runs, or is about to be started again.
pub(super) struct Run {
    pub(super) disk: TempDir,
    pub(super) machinery: Machinery,
    pub(super) child: Option<Child>,
    /// Since when nothing runs.
    pub(super) idle: Option<Wait>,
}

impl Run {
    pub(super) fn new(machinery: Machinery) -> io::Result<Self> {
        Ok(Self {
            disk: tempfile::Builder::new().prefix("pod-").tempdir()?,
            machinery,
            child: None,
            idle: None,
        })
    }

    /// Where the pod's disk is.
    pub(super) fn disk(&self) -> PathBuf {
        self.disk.path().to_owned()
    }

    /// Whether it runs now.
    pub(super) fn is_up(&self) -> bool {
        self.child.is_some()
    }

    /// Ends the command, so that it is started again.
    pub(super) fn restart(&mut self) {
        if let Some(child) = &mut self.child {
            kill(child);
        }
    }

    pub(super) fn wipe(&self) {
        for entry in std::fs::read_dir(self.disk.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            // What just ended may still write: what is left is of no use to the next.
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            kill(child);
        }
    }
}

/// Kills a command and all its processes.
pub(super) fn kill(child: &mut Child) {
    let Some(group) = child.id() else { return };
    // It may have ended a moment ago.
    let _ = child.start_kill();
    let group = format!("-{group}");
    let _ = std::process::Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status();
}
