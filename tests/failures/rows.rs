//! The rows, by what they are about.

mod aws;
mod docker;
mod docker_places;
mod general;
mod github;
mod github_credentials;
mod github_rules;
mod local;
mod local_places;
mod nebius;
mod runpod;
mod runpod_pods;
mod ssh;
mod ssh_hosts;
