//! The places that machines are started at: each a stand-in or the real thing, behind gates, with its own count of what
//! is left.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::strike::Strikes;
use crate::world::World;

mod aws;
mod docker;
mod local;
mod nebius;
mod runpod;
mod ssh;

/// A sort of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PlaceKind {
    Aws,
    Docker,
    Local,
    NebiusJob,
    NebiusVm,
    RunPod,
    Ssh,
}

impl PlaceKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Aws,
        Self::Docker,
        Self::Local,
        Self::NebiusJob,
        Self::NebiusVm,
        Self::RunPod,
        Self::Ssh,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Docker => "docker",
            Self::Local => "local",
            Self::NebiusJob => "nebius-job",
            Self::NebiusVm => "nebius-vm",
            Self::RunPod => "runpod",
            Self::Ssh => "ssh",
        }
    }

    /// Opens a place of its own; `None` where it cannot be had here, which is said.
    pub(crate) fn open(self, strikes: &Arc<Strikes>) -> Option<Box<dyn Place>> {
        match self {
            Self::Aws => aws::open(strikes),
            Self::Docker => docker::open(strikes),
            Self::Local => Some(Box::new(local::Local)),
            Self::NebiusJob => Some(nebius::open(strikes, nebius::Product::Job)),
            Self::NebiusVm => Some(nebius::open(strikes, nebius::Product::Vm)),
            Self::RunPod => Some(runpod::open(strikes)),
            Self::Ssh => ssh::open(strikes),
        }
    }
}

impl fmt::Display for PlaceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for PlaceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.word() == text);
        found.ok_or_else(|| format!("`{text}` is not a place"))
    }
}

/// A place for one scenario.
pub(crate) trait Place {
    /// The table `[providers.here]`, without its head.
    fn table(&self) -> String;

    /// What the program finds in its environment.
    fn env(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Machines, disks, slots and processes that are there, a line each; those of others, too, which every place
    /// that can have some is opened with.
    fn all(&self, world: &World) -> Vec<String>;

    /// How many machines are there, whatever they are doing and whosever they are.
    fn machines(&self, world: &World) -> usize;

    /// Whether nobody runs the machines, so that somebody has to bring their runners online.
    fn is_empty_shell(&self) -> bool {
        false
    }

    /// What of the requests was not as their server describes them.
    fn violations(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The processes whose folder is below another.
fn processes_below(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        if cwd.starts_with(folder) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push(format!("process: {}", line.trim()));
        }
    }
    found
}

/// What is in the slots below a folder, and what was being made or removed there.
fn slots_below(folder: &std::path::Path) -> Vec<String> {
    let entries = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for path in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("slot-") {
            found.push(format!("slot: {}", path.display()));
        } else if [".new", ".gone", ".queue"].contains(&&*name) {
            let inside = entries(&path).into_iter();
            found.extend(inside.map(|path| format!("leftover: {}", path.display())));
        }
    }
    found
}
