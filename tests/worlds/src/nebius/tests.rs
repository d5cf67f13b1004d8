//! That the stand-in for Nebius is one: its answers keep to the description, its rules hold, its bad days come.

mod auth;
mod bad_days;
mod client;
mod jobs;
mod machines;
mod rules;
mod running;
