//! The program as its users run it: exit code, standard output, standard error.

mod docker;
mod ghes;
mod killed;
mod life;
mod usage;
mod world;
