//! What a stop came to.

use std::time::Duration;

use serde::Serialize;

use super::{Selected, Selection};
use crate::fleet::Unopened;
use crate::fleet::survey::Unknown;
use crate::model::{Error, Exit, Name, Reference, json};

/// What a stop came to or, where nothing was done yet, would come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StopOutcome {
    /// What was stopped, or would be.
    pub stopped: Vec<Stopped>,
    /// What was left as it is, and why.
    pub kept: Vec<Kept>,
    /// What may still be there.
    pub failed: Vec<Unstopped>,
    /// What could not be read, and may hide more.
    pub unknown: Vec<Unknown>,
    /// Kinds that nobody named and whose places did not answer: machines there were not looked for.
    pub not_searched: Vec<Unopened>,
    /// Whether nothing was done: `stopped` is what would be.
    pub planned: bool,
    /// What ended the stop before it did anything.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
    /// Whether a signal ended it before all was done.
    #[serde(skip)]
    pub interrupted: bool,
}

/// Something that was stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stopped {
    /// Its machine, where it had one.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// Whether GitHub has no registration of it.
    pub deregistered: bool,
    /// Whether its machine is proved gone.
    pub terminated: bool,
    /// Whether its machine is taken for gone without that proof: its place does not have it, or cannot be asked any more,
    /// GitHub has no runner of it, or the user forced it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed_gone: bool,
    /// From the machine's creation to its end.
    #[serde(rename = "billed_s", serialize_with = "json::tenths_if_any")]
    pub billed: Option<Duration>,
    /// US dollars for it.
    #[serde(serialize_with = "json::dollars_if_any")]
    pub cost: Option<f64>,
    /// Why it was chosen.
    pub reason: String,
}

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its machine, where it has one.
    pub instance: Option<Reference>,
    /// The runner.
    pub name: Name,
    /// Why.
    pub reason: String,
}

/// Something that should have been stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unstopped {
    /// Its machine, where one is known.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// What went wrong.
    #[serde(flatten)]
    pub error: Error,
    /// What to type to end it.
    pub command: String,
    /// Whether no repetition mends it.
    pub permanent: bool,
}

impl Unstopped {
    pub(super) fn new(
        instance: Option<&Reference>,
        name: Option<&Name>,
        error: impl Into<Error>,
    ) -> Self {
        let what = instance
            .map(ToString::to_string)
            .or_else(|| name.map(ToString::to_string));
        Self {
            instance: instance.cloned(),
            name: name.cloned(),
            error: error.into(),
            command: what.map_or_else(
                || "gharun stop --orphans".to_owned(),
                |what| format!("gharun stop {what}"),
            ),
            permanent: false,
        }
    }

    /// Something that no repetition mends.
    pub(super) fn permanent(self) -> Self {
        Self {
            permanent: true,
            ..self
        }
    }

    pub(super) fn hinted(self, hint: impl Into<String>) -> Self {
        Self {
            error: self.error.hinted(hint),
            ..self
        }
    }
}

impl StopOutcome {
    /// What a selection would come to.
    pub fn planned(selection: Selection) -> Self {
        Self {
            stopped: selection.chosen.into_iter().map(planned).collect(),
            kept: selection.kept,
            failed: selection.failed,
            unknown: selection.unknown,
            planned: true,
            ..Self::default()
        }
    }

    /// What it came to where a signal ended the carrying out: nobody knows how far it was.
    pub fn interrupted(selection: Selection) -> Self {
        let cut_short = selection.chosen.iter().map(|chosen| {
            let (instance, name) = (chosen.instance.as_ref(), chosen.name.as_ref());
            Unstopped::new(
                instance,
                name,
                "interrupted before its removal was confirmed",
            )
        });
        Self {
            failed: cut_short.chain(selection.failed).collect(),
            kept: selection.kept,
            unknown: selection.unknown,
            interrupted: true,
            ..Self::default()
        }
    }

    /// How the program ends. Where something could not be read, more may be there than is listed.
    pub fn exit(&self) -> Exit {
        // What was only asked to end is not proved gone.
        let unproved =
            |one: &Stopped| one.instance.is_some() && !one.terminated && !one.assumed_gone;
        let left = !self.kept.is_empty() || self.stopped.iter().any(unproved);
        if let Some(error) = &self.error {
            error.kind
        } else if !self.failed.is_empty() || left && !self.planned {
            Exit::Left
        } else if self.interrupted {
            Exit::Interrupted
        } else if !self.unknown.is_empty() {
            Exit::Failed
        } else {
            Exit::Done
        }
    }

    /// Whether there was nothing to stop, and all could be looked at.
    pub fn is_empty(&self) -> bool {
        self.stopped.is_empty()
            && self.kept.is_empty()
            && self.failed.is_empty()
            && self.unknown.is_empty()
    }
}

fn planned(chosen: Selected) -> Stopped {
    Stopped {
        instance: chosen.instance,
        name: chosen.name,
        deregistered: false,
        terminated: false,
        assumed_gone: false,
        billed: None,
        cost: None,
        reason: chosen.why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        Kept {
            instance: None,
            name: "gharun-7-1-0-abcdefabcdefgh".parse().expect("a name"),
            reason: "a job runs on it".into(),
        }
    }

    fn unknown() -> Unknown {
        Unknown {
            source: "docker".into(),
            error: "it did not answer".into(),
        }
    }

    #[test]
    fn what_is_left_weighs_more_than_what_could_not_be_read() {
        let unread = StopOutcome {
            unknown: vec![unknown()],
            ..StopOutcome::default()
        };
        assert_eq!(unread.exit(), Exit::Failed);
        let left = StopOutcome {
            kept: vec![kept()],
            ..unread.clone()
        };
        assert_eq!(left.exit(), Exit::Left);
        let failed = StopOutcome {
            failed: vec![Unstopped::new(None, None, "no")],
            ..unread.clone()
        };
        assert_eq!(failed.exit(), Exit::Left);
        assert_eq!(StopOutcome::default().exit(), Exit::Done);
    }

    #[test]
    fn a_plan_leaves_nothing_and_says_what_it_could_not_read() {
        let plan = StopOutcome {
            kept: vec![kept()],
            planned: true,
            ..StopOutcome::default()
        };
        assert_eq!(plan.exit(), Exit::Done);
        let unread = StopOutcome {
            unknown: vec![unknown()],
            ..plan
        };
        assert_eq!(unread.exit(), Exit::Failed);
    }

    #[test]
    fn a_signal_leaves_what_was_being_stopped() {
        let nothing = StopOutcome::interrupted(Selection::default());
        assert_eq!(nothing.exit(), Exit::Interrupted);
        let chosen = Selected {
            name: Some(kept().name),
            instance: None,
            why: "it was named".into(),
            manner: super::super::StopMode::Explicit,
            place: None,
            row: None,
            registered: super::super::Registered::Maybe,
        };
        let selection = Selection {
            chosen: vec![chosen],
            ..Selection::default()
        };
        let outcome = StopOutcome::interrupted(selection);
        assert_eq!(outcome.exit(), Exit::Left);
        assert_eq!(
            outcome.failed[0].command,
            format!("gharun stop {}", kept().name)
        );
    }
}
