//! What gharun's tests run against: stand-ins for clouds and hosts, and other people's descriptions of their APIs.
//!
//! It knows nothing of gharun, so that unit tests and program tests can use it alike.

#![allow(
    clippy::missing_panics_doc,
    reason = "what cannot be done here fails a test, and says why"
)]

mod descriptions;
pub mod ec2;
pub mod github;
pub mod keys;
pub mod moto;
pub mod nebius;
mod program;
mod random;
pub mod runpod;
pub mod scripted_server;
mod skip;
pub mod sshd;

pub use program::write_program;
pub use random::random;
pub use skip::skipped;
