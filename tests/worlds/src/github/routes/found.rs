//! What a question is found to be.

use crate::github::auth::Need;
use crate::github::state::State;
use crate::github::wire::{Answer, Call};

/// Answers one sort of question.
type Respond<'a> = Box<dyn FnOnce(&mut State, &Call) -> Answer + 'a>;

/// What a question is found to be: its route, what it needs, and what answers it; the stub where nothing does here,
/// at another path than was asked where one is given.
pub(in crate::github) struct Found<'a> {
    pub(in crate::github) route: String,
    pub(in crate::github) need: Need,
    pub(in crate::github) answer: Option<Respond<'a>>,
    pub(in crate::github) at: Option<String>,
}

impl<'a> Found<'a> {
    pub(super) fn new(
        route: impl Into<String>,
        need: Need,
        answer: impl FnOnce(&mut State, &Call) -> Answer + 'a,
    ) -> Self {
        Self {
            route: route.into(),
            need,
            answer: Some(Box::new(answer)),
            at: None,
        }
    }

    pub(super) fn stub(route: impl Into<String>, need: Need) -> Self {
        Self {
            route: route.into(),
            need,
            answer: None,
            at: None,
        }
    }

    pub(super) fn stub_at(route: impl Into<String>, need: Need, path: String) -> Self {
        Self {
            at: Some(path),
            ..Self::stub(route, need)
        }
    }
}
