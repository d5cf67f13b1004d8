//! What a provider answers when it is asked for its machines.

use super::Error;
use crate::model::Instance;

/// The machines of one provider that gharun launched, and the places that could not be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// All machines of all places that answered.
    pub instances: Vec<Instance>,
    /// The places that did not answer: nothing is known of their machines.
    pub unread: Vec<Unread>,
}

/// A place that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The place, spelled as in a reference; `None` is the whole provider.
    pub place: Option<String>,
    /// Why.
    pub error: Error,
}
