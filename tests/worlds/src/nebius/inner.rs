//! What the threads of a stand-in share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::conditions::Deed;
use super::lock::lock;
use super::rows::Asked;
use super::schema::Schema;
use super::world::World;

/// How a stand-in judges what becomes of a request.
pub(super) type Judge = Box<dyn Fn(&Asked) -> Deed + Send + Sync>;

/// What the threads share.
pub(super) struct Inner {
    pub(super) world: Mutex<World>,
    pub(super) judge: Mutex<Judge>,
    /// Absent where the description is not on this machine.
    pub(super) schema: Option<Schema>,
    pub(super) over: AtomicBool,
    /// Where it listens.
    pub(super) url: String,
}

impl Inner {
    /// The world as it is now.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = lock(&self.world);
        world.settle(Instant::now());
        world
    }

    pub(super) fn over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Waits, but not beyond the end; whether it was the end.
    pub(super) fn wait(&self, long: Duration) -> bool {
        let end = Instant::now() + long;
        while !self.over() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(Duration::from_millis(10)));
        }
        true
    }
}
