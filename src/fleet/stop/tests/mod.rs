//! Tests of survey and stop, on a paused clock.

mod orphans;
mod scene;
mod seen;
mod targets;
