//! What is answered.

use serde_json::Value;

use super::refusal::Refusal;

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: String,
    pub(super) retry_after: Option<u64>,
}

impl Answer {
    pub(super) fn text(status: u16, kind: &'static str, body: &str) -> Self {
        Self {
            status,
            kind,
            body: body.to_owned(),
            retry_after: None,
        }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::json(refusal.http(), &refusal.body())
    }
}
