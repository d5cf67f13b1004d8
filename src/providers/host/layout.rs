//! What the slots of a host are like, by the settings of its table.

use std::num::NonZeroU16;
use std::time::Duration;

use crate::model::{RunAs, Secret};

/// What a host's slots are like.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The place as references spell it; `None`: the host's own identity.
    pub(crate) address: Option<String>,
    /// The folder of the slots; absolute, or `~/FOLDER` in the home of the shell's user.
    pub(crate) work_dir: String,
    /// The folder that runner archives are kept in, spelt alike; `None` keeps nothing.
    pub(crate) cache: Option<String>,
    /// How many machines at a time.
    pub(crate) slots: NonZeroU16,
    /// How long the slot of a machine that ended is kept, for its log to be read.
    pub(crate) grace: Duration,
    /// Variables for the boot script, on top of what the shell lets through.
    pub(crate) env: Vec<(String, Secret)>,
    /// The GPUs that the slots share out.
    pub(crate) gpus: Vec<String>,
    /// Whether a launch that finds no slot gets a place in the queue for one.
    pub(crate) waits: bool,
    /// Whom jobs are to run as, where it is said.
    pub(crate) run_as: Option<RunAs>,
}
