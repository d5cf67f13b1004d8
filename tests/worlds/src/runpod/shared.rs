//! The world behind its lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::world::World;

/// See the module.
#[derive(Clone)]
pub(super) struct Shared(pub(super) Arc<Mutex<World>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
