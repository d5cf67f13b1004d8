//! What a stop is asked to do.

use std::time::Duration;

use crate::fleet::survey::Questions;
use crate::model::{Reference, StopTarget};

/// What a stop is asked to do; whose machines it looks at says its [`View`](crate::fleet::survey::View).
#[derive(Clone, Debug)]
pub struct StopRequest {
    /// What is to be stopped.
    pub target: StopTarget,
    /// Only what a start with this group made.
    pub group: Option<String>,
    /// The pause between the deregistration of an idle orphan and its end.
    pub second_look: Duration,
    /// Also busy orphans.
    pub force: bool,
    /// Wait until proved gone.
    pub wait: bool,
    /// How long at most.
    pub timeout: Duration,
}

impl StopRequest {
    /// What is asked about the rows that it looks at.
    pub(in crate::fleet) fn questions(&self) -> Questions {
        match self.target {
            StopTarget::Named { .. } => Questions::OfPlaces,
            _ if self.force => Questions::BusyToo,
            _ => Questions::Idle,
        }
    }

    /// The machines that say where they are, where nothing else is looked for but what their starts made beside them. A
    /// name alone does not say where its machine is.
    pub(in crate::fleet) fn near(&self) -> Option<&[Reference]> {
        match &self.target {
            StopTarget::Named {
                machines,
                names,
                starts,
                ..
            } if *starts || names.is_empty() => Some(machines),
            _ => None,
        }
    }
}
