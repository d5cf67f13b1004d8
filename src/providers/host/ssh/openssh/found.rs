//! Values of `ssh_config`, with the lines that they stand in.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A line of a file, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers::host::ssh) struct Line {
    pub(super) file: Arc<Path>,
    pub(super) number: usize,
}

impl Line {
    /// The number alone.
    pub(in crate::providers::host::ssh) fn number(&self) -> usize {
        self.number
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.number)
    }
}

/// A value, and the line that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers::host::ssh) struct Found<T> {
    pub(in crate::providers::host::ssh) value: T,
    pub(in crate::providers::host::ssh) at: Line,
}

/// What is wrong with a line.
#[derive(Debug)]
pub(in crate::providers::host::ssh) struct Flaw {
    pub(in crate::providers::host::ssh) at: Line,
    pub(in crate::providers::host::ssh) what: String,
}

/// A key that a block may set, of which only `ssh` can tell whether it counts.
#[derive(Clone, Debug)]
pub(in crate::providers::host::ssh) struct Doubt {
    /// As `ssh_config(5)` spells it.
    pub(in crate::providers::host::ssh) key: &'static str,
    pub(in crate::providers::host::ssh) at: Line,
    /// The line of its `Match`.
    pub(in crate::providers::host::ssh) block: Line,
}

/// Whether the lines of a block count.
#[derive(Clone, Debug)]
pub(super) enum Active {
    Yes,
    No,
    /// Only `ssh` can tell, since this line asks for more than can be judged here.
    Unknown(Line),
}
