//! What keeps a machine from becoming a runner, as far as its boot script or its place can tell.

/// A cause of a failed boot for which there is something to do. The words for it are the boot script's; each kind of
/// place adds which of its settings helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BootCause {
    /// A disk or a folder of the machine has no room left.
    DiskFull,
    /// Something was killed because the memory was used up.
    OutOfMemory,
    /// The machine reaches neither GitHub nor the runner's archive.
    NoNetwork,
    /// Neither curl nor wget is there, or tar, gzip or a checksum program is missing.
    MissingProgram,
    /// The runner's programs cannot be loaded: another C library, or another platform.
    WrongPlatform,
    /// The folder of the runner is mounted `noexec`, or its files may not be executed.
    NotExecutable,
    /// The user's setup script failed.
    Setup,
    /// The user's setup script called `sudo`, which asked for a password.
    Sudo,
    /// GitHub refuses the version of the runner that the machine came with.
    RunnerTooOld,
    /// GitHub has deleted the registration, or has never had it.
    Unregistered,
    /// Another machine shows the same registration.
    SessionConflict,
    /// The machine's clock is wrong.
    Clock,
}
