//! The scripts that are run on a host, in POSIX sh.

/// A script that minds the queue for slots.
macro_rules! with_queue {
    ($script:literal) => {
        concat!(include_str!("scripts/queue.sh"), include_str!($script))
    };
}

/// What all of them have in common; sent before each.
pub(super) const COMMON: &str = include_str!("scripts/common.sh");
/// Watches over a machine; what it needs of [`COMMON`] stays there with it.
pub(super) const KEEPER: &str = include_str!("scripts/keeper.sh");
pub(super) const CHECK: &str = with_queue!("scripts/check.sh");
#[cfg(any(feature = "ssh", test))]
pub(super) const LEAVE_QUEUE: &str = with_queue!("scripts/leave_queue.sh");
pub(super) const IDENTIFY: &str = include_str!("scripts/identify.sh");
pub(super) const IN_USE: &str = include_str!("scripts/in_use.sh");
pub(super) const LAUNCH: &str = with_queue!("scripts/launch.sh");
pub(super) const LIST: &str = include_str!("scripts/list.sh");
pub(super) const LOGS: &str = include_str!("scripts/logs.sh");
pub(super) const TERMINATE: &str = with_queue!("scripts/terminate.sh");
