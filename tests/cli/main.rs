//! The program as its users run it: exit code, standard output, standard error.

mod docker;
mod hosts;
mod killed;
mod life;
mod limits;
mod usage;
mod world;
