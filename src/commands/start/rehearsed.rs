//! What a rehearsal came to.

use std::fmt::Write as _;

use serde::Serialize;

use super::timeline::Timeline;
use crate::actions;
use crate::error::{Exit, Failure};
use crate::fleet::{Failed, Left};
use crate::model::{Error, Name, Reference};
use crate::report::TextForm;

/// What a rehearsal came to.
#[derive(Debug, Default, Serialize)]
pub(in crate::commands) struct RehearsalOutcome {
    /// The runners that came up.
    pub(super) runners: Vec<Rehearsed>,
    /// Those that failed.
    pub(super) failed: Vec<Failed>,
    /// What is still there of those.
    pub(super) left: Vec<Left>,
    /// What went wrong with the rehearsal itself.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub(super) error: Option<Error>,
    /// Whether it is proved that no machine of it is left.
    pub(super) swept: bool,
    /// Whether a signal ended it.
    #[serde(skip)]
    pub(super) interrupted: bool,
}

/// A runner that came up, and was ended again.
#[derive(Debug, Serialize)]
pub(super) struct Rehearsed {
    /// The runner.
    pub(super) name: Name,
    /// Its machine.
    pub(super) instance: Reference,
    /// The provider, as the user calls it.
    pub(super) provider: String,
    /// The provider's kind.
    pub(super) kind: &'static str,
    /// What happened to it.
    pub(super) timeline: Timeline,
}

impl RehearsalOutcome {
    /// What a rehearsal came to that failed before it made anything.
    pub(in crate::commands) fn of_nothing(failure: &Failure) -> Self {
        Self {
            error: Some(failure.clone().any()),
            swept: true,
            ..Self::default()
        }
    }

    /// What the job's summary shows of it.
    pub(super) fn summary(&self) -> actions::Rehearsed<'_> {
        let runners = self.runners.iter();
        let runners = runners.map(|one| (&one.name, &one.instance, one.timeline.to_string()));
        actions::Rehearsed {
            runners: runners.collect(),
            failed: &self.failed,
            left: &self.left,
            error: self.error.as_ref(),
        }
    }

    /// How the program ends.
    pub(super) fn exit(&self) -> Exit {
        if !self.swept {
            Exit::Left
        } else if self.interrupted {
            Exit::Interrupted
        } else if self.error.is_some() || !self.failed.is_empty() {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}

impl TextForm for RehearsalOutcome {
    /// The name of each runner, and below it what happened when.
    fn text(&self) -> String {
        let mut text = String::new();
        for Rehearsed { name, timeline, .. } in &self.runners {
            writeln!(text, "{name}\n{timeline}").expect("a text takes what is written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_may_be_left_weighs_more_than_all_else() {
        let fine = || RehearsalOutcome {
            swept: true,
            ..RehearsalOutcome::default()
        };
        assert_eq!(fine().exit(), Exit::Done);
        let failed = RehearsalOutcome {
            error: Some("the test job timed out".into()),
            ..fine()
        };
        assert_eq!(failed.exit(), Exit::Failed);
        let interrupted = RehearsalOutcome {
            interrupted: true,
            ..failed
        };
        assert_eq!(interrupted.exit(), Exit::Interrupted);
        let left = RehearsalOutcome {
            swept: false,
            ..interrupted
        };
        assert_eq!(left.exit(), Exit::Left);
    }
}
