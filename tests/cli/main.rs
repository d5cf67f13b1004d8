//! The program as its users run it: exit code, standard output, standard error.

mod app;
mod docker;
mod killed;
mod life;
#[path = "../../src/github/auth/pair.rs"]
mod pair;
mod usage;
mod world;
