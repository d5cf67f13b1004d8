//! The program as its users run it: exit code, standard output, standard error.

mod docker;
mod killed;
mod life;
#[cfg(feature = "ssh")]
mod ssh;
mod usage;
mod world;
