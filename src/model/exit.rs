//! How the program ends.

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed, and no machine that the command was about is known to run (`list`: a source could not be
    /// read; `stop`: not everything could be looked at).
    Failed,
    /// Interrupted, and nothing of ours is left running.
    Interrupted,
    /// Machines were kept or may still be running; they are listed.
    Left,
    /// Wrong usage or settings; nothing was tried.
    Usage,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Left => 3,
            Self::Interrupted => 130,
        }
    }
}
