//! The program as its users run it: exit code, standard output, standard error.

#[cfg(feature = "aws")]
mod aws;
mod docker;
mod killed;
mod life;
mod usage;
mod world;
