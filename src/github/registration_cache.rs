//! What a client has found out about registering, for all its runners.

use jiff::Timestamp;

use crate::model::Secret;

/// What is known of the way to register, shared by all runners of a client.
#[derive(Debug, Default)]
pub(super) struct RegistrationCache {
    /// Whether the server has just-in-time configurations, once it has said so.
    pub(super) has_jit: Option<bool>,
    pub(super) ticket: Option<(Secret, Timestamp)>,
    pub(super) group: Option<String>,
}
