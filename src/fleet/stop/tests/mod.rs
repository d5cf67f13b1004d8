//! Tests of survey and stop, on a paused clock.

mod enrolling;
mod identity;
mod orphans;
mod random_worlds;
mod pending;
mod scene;
mod seen;
mod signals;
mod targets;
