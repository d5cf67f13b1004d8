//! The rows, by what they are about.

mod aws;
mod docker;
mod general;
mod github;
mod github_rules;
mod local;
mod nebius;
mod runpod;
mod ssh;
