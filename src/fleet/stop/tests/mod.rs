//! Tests of survey and stop, on a paused clock.

mod enrolling;
mod orphans;
mod scene;
mod seen;
mod targets;
