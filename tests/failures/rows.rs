//! The rows, by what they are about.

mod aws;
mod docker;
mod general;
mod github;
mod local;
mod nebius;
mod runpod;
mod ssh;
