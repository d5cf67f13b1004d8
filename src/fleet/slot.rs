//! What is known of one runner while it comes up.

use std::time::Duration;

use tokio::time::Instant;

use super::Place;
use crate::model::{Instance, Name};

/// What is known of one runner while it comes up.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) index: usize,
    pub(super) name: Name,
    pub(super) runner_id: Option<u64>,
    pub(super) machine: Option<(Place, Instance)>,
    /// The place that was asked and whose answer leaves it open whether a machine exists.
    pub(super) unproved: Option<Unproved>,
    /// Whether GitHub is being asked to register it.
    pub(super) registering: bool,
    /// Whether its machine may have registered it, under its name and a number that is not known.
    pub(super) enrols: bool,
    /// Names whose registration may be there, or turn up late.
    pub(super) lost: Vec<Lost>,
    pub(super) registered: Option<Instant>,
    pub(super) launched_after: Duration,
    /// The labels that its machine brought.
    pub(super) labels: Vec<String>,
}

/// A machine that may exist.
#[derive(Clone, Debug)]
pub(super) struct Unproved {
    pub(super) place: Place,
    /// Since when nothing more is under way at the place.
    pub(super) since: Instant,
}

/// A registration that may exist.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    pub(super) name: Name,
    /// Since when nothing more is under way at GitHub.
    pub(super) since: Instant,
}

impl Slot {
    pub(super) fn new(index: usize, name: Name) -> Self {
        Self {
            index,
            name,
            runner_id: None,
            machine: None,
            unproved: None,
            registering: false,
            enrols: false,
            lost: Vec::new(),
            registered: None,
            launched_after: Duration::ZERO,
            labels: Vec::new(),
        }
    }

    /// It is proved to have no machine: nobody but us can have registered it.
    pub(super) fn has_no_machine(&mut self) {
        self.unproved = None;
        self.enrols = false;
    }

    /// It bears another name from now on, under which nothing is known of it yet.
    pub(super) fn is_renamed(&mut self, name: Name) {
        self.name = name;
        self.runner_id = None;
        self.registered = None;
        self.labels.clear();
    }

    /// Gives the registration of its name up, though it may be there.
    pub(super) fn lose(&mut self) {
        self.lost.push(Lost {
            name: self.name.clone(),
            since: Instant::now(),
        });
        self.runner_id = None;
        self.registered = None;
    }
}
