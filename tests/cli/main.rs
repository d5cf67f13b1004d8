//! The program as its users run it: exit code, standard output, standard error.

mod answers;
mod checks;
mod described;
mod docker;
mod killed;
mod life;
#[path = "../../src/github/spec.rs"]
mod spec;
mod usage;
mod world;
