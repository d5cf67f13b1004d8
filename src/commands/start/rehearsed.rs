//! What a rehearsal came to.

use std::fmt::Write as _;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::timeline::Timeline;
use crate::error::Exit;
use crate::fleet::{Failed, Left};
use crate::model::{Error, Name, Reference, chain};
use crate::report::Text;

/// What a rehearsal came to.
#[derive(Debug, Default, Serialize)]
pub(super) struct RehearsalOutcome {
    /// The runners that came up.
    pub(super) runners: Vec<Rehearsed>,
    /// Those that failed.
    pub(super) failed: Vec<Failed>,
    /// What is still there of those.
    pub(super) left: Vec<Left>,
    /// What went wrong with the rehearsal itself.
    #[serde(flatten, serialize_with = "if_any")]
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

/// What went wrong, where something did: the keys are there in any case.
#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn if_any<S: Serializer>(error: &Option<Error>, serializer: S) -> Result<S::Ok, S::Error> {
    let error = error.as_ref();
    let mut written = serializer.serialize_struct("Error", 3)?;
    written.serialize_field("error", &error.map(|error| chain(error)))?;
    written.serialize_field("hints", error.map_or(&[][..], Error::hints))?;
    written.serialize_field("request_id", &error.and_then(Error::request_id))?;
    written.end()
}

impl Text for RehearsalOutcome {
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
