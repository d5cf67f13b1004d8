//! What a start came to.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::planned::Preview;
use crate::fleet::{Left, Trouble};
use crate::model::{Error, Exit, Mapping, Name, Reference, Rental, json};

/// What a start came to or, where nothing was done yet, would come to.
#[derive(Debug, Default, Serialize)]
pub struct StartOutcome {
    /// What would be done; then nothing was.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Preview>,
    /// Machine -> unique label of what is there, as the output `mapping` has it.
    pub mapping: Mapping,
    /// The runners that are there, in the order of their indices.
    #[serde(rename = "runners")]
    pub up: Vec<Up>,
    /// Those that failed, in the order of their failing.
    pub failed: Vec<Failed>,
    /// What is still there of those that failed or were given up.
    pub left: Vec<Left>,
    /// What ended the start before it made anything.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
    /// Whether somebody interrupted.
    #[serde(skip)]
    pub interrupted: bool,
}

/// A runner that came up.
#[derive(Clone, Debug, Serialize)]
pub struct Up {
    /// The runner, and its unique label.
    pub name: Name,
    /// All its labels, the unique one first.
    pub labels: Vec<String>,
    /// Its machine.
    pub instance: Reference,
    /// Its provider, as the user calls it.
    pub provider: String,
    /// The kind of its provider.
    pub kind: &'static str,
    /// GitHub's number of it; unknown of one that registered itself, did its job and was gone between
    /// two looks.
    pub runner_id: Option<u64>,
    /// When its place made it.
    #[serde(rename = "created_at", serialize_with = "json::second")]
    pub created: Timestamp,
    /// When it ends itself.
    #[serde(rename = "expires_at", serialize_with = "json::second")]
    pub expires: Timestamp,
    /// From the beginning of the start until its machine was launched.
    #[serde(rename = "launched_after_s", serialize_with = "json::tenths")]
    pub launched_after: Duration,
    /// From the beginning of the start until GitHub said `online`.
    #[serde(rename = "online_after_s", serialize_with = "json::tenths")]
    pub online_after: Duration,
    /// What was rented.
    #[serde(flatten)]
    pub rental: Rental,
}

/// A runner that did not.
#[derive(Debug)]
pub struct Failed {
    /// The runner.
    pub name: Name,
    /// Why.
    pub trouble: Trouble,
}

impl Serialize for Failed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a Name,
            #[serde(flatten)]
            error: Error,
        }
        let (name, error) = (&self.name, self.trouble.error());
        Row { name, error }.serialize(serializer)
    }
}

impl StartOutcome {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        if let Some(error) = &self.error {
            error.kind
        } else if self.left.iter().any(|left| !left.registration_only) {
            Exit::Left
        } else if self.interrupted {
            Exit::Interrupted
        } else if self.up.is_empty() && !self.failed.is_empty() {
            Exit::Failed
        } else {
            Exit::Done
        }
    }

    /// Whether machines run that somebody has to know of.
    pub fn is_anything_there(&self) -> bool {
        !self.up.is_empty() || !self.left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        "gharun-7-1-0-abcdefabcdefgh".parse().expect("a name")
    }

    fn left() -> Left {
        Left::of(&name(), None, "it does not respond", false)
    }

    fn failed() -> Failed {
        Failed {
            name: name(),
            trouble: Trouble::Halted,
        }
    }

    #[test]
    fn what_is_left_weighs_more_than_a_signal_and_a_signal_more_than_a_failure() {
        let exit = |outcome: StartOutcome| outcome.exit();
        assert_eq!(exit(StartOutcome::default()), Exit::Done);
        let outcome = StartOutcome {
            failed: vec![failed()],
            ..StartOutcome::default()
        };
        assert_eq!(exit(outcome), Exit::Failed);
        let outcome = StartOutcome {
            failed: vec![failed()],
            interrupted: true,
            ..StartOutcome::default()
        };
        assert_eq!(exit(outcome), Exit::Interrupted);
        let outcome = StartOutcome {
            left: vec![left()],
            interrupted: true,
            ..StartOutcome::default()
        };
        assert_eq!(exit(outcome), Exit::Left);
    }

    #[test]
    fn a_registration_without_a_machine_is_nothing_that_may_still_run() {
        let left = || Left::registration(&name(), "GitHub did not answer");
        let failed = StartOutcome {
            failed: vec![failed()],
            left: vec![left()],
            ..StartOutcome::default()
        };
        assert_eq!(failed.exit(), Exit::Failed);
        let interrupted = StartOutcome {
            left: vec![left()],
            interrupted: true,
            ..StartOutcome::default()
        };
        assert_eq!(interrupted.exit(), Exit::Interrupted);
    }

    #[test]
    fn what_failed_is_written_with_what_helps() {
        let outcome = StartOutcome {
            failed: vec![failed()],
            left: vec![left()],
            ..StartOutcome::default()
        };
        let json = serde_json::to_value(&outcome).expect("plain values");
        let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
        assert_eq!(keys.len(), 8, "{keys:?}");
        assert_eq!(
            json["failed"],
            serde_json::json!([{
                "name": name(),
                "error": "cancelled together with the other runners",
                "hints": [],
                "request_id": null,
                "setting": null,
            }])
        );
        assert_eq!(
            json["left"][0]["command"],
            format!("gharun stop {}", name())
        );
    }
}
