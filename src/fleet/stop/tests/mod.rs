//! Tests of survey and stop, on a paused clock.

mod ages;
mod agreement;
mod costs;
mod doubtful;
mod enrolling;
mod healing;
mod identity;
mod limits;
mod missed;
mod near;
mod orphans;
mod own_ids;
mod pending;
mod random_worlds;
mod scene;
mod seen;
mod signals;
mod targets;
