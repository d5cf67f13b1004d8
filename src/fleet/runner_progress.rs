//! What is known of one runner while it comes up.

use std::time::Duration;

use tokio::time::Instant;

use super::NamedProvider;
use crate::model::{BootStage, Instance, Name};

/// What is known of one runner while it comes up.
#[derive(Debug)]
pub(super) struct RunnerProgress {
    pub(super) index: usize,
    pub(super) name: Name,
    pub(super) registration: RegistrationProgress,
    pub(super) machine: MachineProgress,
    /// Names whose registration may be there, or turn up late.
    pub(super) lost: Vec<UnconfirmedRegistration>,
    pub(super) launched_after: Duration,
    /// How far its machine was seen to be.
    pub(super) stage: BootStage,
    /// How often another machine was launched for it because GitHub dropped its registration.
    pub(super) launched_anew: u32,
    /// The labels that its machine brought.
    pub(super) labels: Vec<String>,
    /// Whether a job was ever seen on it, or GitHub refused to remove its registration because of one.
    pub(super) has_job: bool,
    /// Whether the user was told that it costs too much.
    pub(super) is_dear: bool,
    /// The place that refused to launch under its name, where its list proves nothing.
    pub(super) refused_by: Option<String>,
}

/// What is known of the registration under a runner's name.
#[derive(Clone, Copy, Debug)]
pub(super) enum RegistrationProgress {
    /// There is none.
    Absent,
    /// GitHub is being asked to register it.
    Asked,
    /// Its machine may have registered it, or may yet, under a number that is not known.
    Enrolling,
    /// Its machine has registered it.
    Enrolled(u64),
    /// GitHub registered it at that time, under this number, and drops it when no machine comes.
    Made(u64, Instant),
}

impl RegistrationProgress {
    /// GitHub's number of it.
    pub(super) fn id(self) -> Option<u64> {
        match self {
            Self::Absent | Self::Asked | Self::Enrolling => None,
            Self::Enrolled(id) | Self::Made(id, _) => Some(id),
        }
    }
}

/// What is known of a runner's machine.
#[derive(Clone, Debug)]
pub(super) enum MachineProgress {
    /// There is none.
    Absent,
    /// It may exist: this place was asked, and its answer leaves that open.
    Unproved {
        place: NamedProvider,
        /// Since when nothing more is under way at the place.
        since: Instant,
    },
    /// It is there.
    There(NamedProvider, Box<Instance>),
}

impl MachineProgress {
    /// The machine that is there, and its place.
    pub(super) fn there(&self) -> Option<(&NamedProvider, &Instance)> {
        match self {
            Self::There(place, instance) => Some((place, instance)),
            Self::Absent | Self::Unproved { .. } => None,
        }
    }
}

/// A registration that may exist.
#[derive(Clone, Debug)]
pub(super) struct UnconfirmedRegistration {
    pub(super) name: Name,
    /// Since when nothing more is under way at GitHub.
    pub(super) since: Instant,
}

impl RunnerProgress {
    pub(super) fn new(index: usize, name: Name) -> Self {
        Self {
            index,
            name,
            registration: RegistrationProgress::Absent,
            machine: MachineProgress::Absent,
            lost: Vec::new(),
            launched_after: Duration::ZERO,
            stage: BootStage::Booting,
            launched_anew: 0,
            labels: Vec::new(),
            has_job: false,
            is_dear: false,
            refused_by: None,
        }
    }

    /// It is proved to have no machine: nobody but us can have registered it.
    pub(super) fn has_no_machine(&mut self) {
        self.machine = MachineProgress::Absent;
        if let RegistrationProgress::Enrolling = self.registration {
            self.registration = RegistrationProgress::Absent;
        }
    }

    /// It bears another name from now on, under which nothing is known of it yet.
    pub(super) fn is_renamed(&mut self, name: Name) {
        self.name = name;
        self.registration = RegistrationProgress::Absent;
        self.labels.clear();
        (self.has_job, self.is_dear) = (false, false);
        self.refused_by = None;
    }

    /// Gives the registration of its name up, though it may be there.
    pub(super) fn lose(&mut self) {
        self.lost.push(UnconfirmedRegistration {
            name: self.name.clone(),
            since: Instant::now(),
        });
        self.registration = RegistrationProgress::Absent;
    }
}
