//! What a stop came to.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Selected, Selection};
use crate::fleet::Unopened;
use crate::fleet::survey::Unknown;
use crate::model::{Error, Exit, Name, Reference, StopTarget, cost_in_words, json};
use crate::state::Entries;

/// What is said of what a signal came before.
const INTERRUPTED: &str = "interrupted before its removal was requested";

/// What a stop came to or, where nothing was done yet, would come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StopOutcome {
    /// What was stopped, or would be.
    pub stopped: Vec<Stopped>,
    /// What was left as it is, and why.
    pub kept: Vec<Kept>,
    /// What may still be there.
    pub failed: Vec<Unstopped>,
    /// What is not there, and may still come: its creation may be under way.
    pub pending: Vec<Pending>,
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
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the JSON")]
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
    /// Whether its machine was gone before this stop asked for its end.
    #[serde(skip)]
    pub already_gone: bool,
    /// Why its registration may still be there, though it was to be removed: its record stays, and the next stop tries again.
    #[serde(skip)]
    pub registered: Option<Error>,
    /// From the machine's creation to its end.
    #[serde(rename = "billed_s", serialize_with = "json::tenths_if_any")]
    pub billed: Option<Duration>,
    /// US dollars for it.
    #[serde(serialize_with = "json::dollars_if_any")]
    pub cost: Option<f64>,
    /// Whether it may have been less: it ended by itself, and nobody knows when.
    pub cost_at_most: bool,
    /// Why it was chosen.
    pub reason: String,
}

/// What a stop's machines cost together.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// How many machines were stopped.
    pub machines: usize,
    /// Of how many of them no price is known.
    pub unpriced: usize,
    /// US dollars for the others.
    pub cost: f64,
    /// Whether it may have been less.
    pub at_most: bool,
}

impl Total {
    /// The sum, in words.
    pub fn sum(&self) -> String {
        cost_in_words(self.cost, self.at_most)
    }

    /// The same in a sentence: `about $0.12 without 2 whose price is unknown`.
    fn in_words(&self) -> String {
        let cost = self.sum();
        let about = if cost.starts_with('$') { "about " } else { "" };
        match self.unpriced {
            0 => format!("{about}{cost}"),
            unpriced => format!("{about}{cost} without {unpriced} whose price is unknown"),
        }
    }
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
    /// Whether it should be gone: its end was asked for, or its lifetime is over.
    #[serde(skip)]
    pub due: bool,
}

/// A runner without a machine whose creation may still be under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The runner.
    pub name: Name,
    /// The second after which nothing comes any more.
    #[serde(serialize_with = "json::second")]
    pub until: Timestamp,
    /// What to type after that: it ends what came, or forgets what did not.
    pub command: String,
    /// Whether GitHub has no registration of it.
    #[serde(skip)]
    pub deregistered: bool,
    /// Why it was chosen.
    #[serde(skip)]
    pub reason: String,
}

impl Pending {
    /// What is said of it: the first whole minute in which it cannot come any more.
    pub fn word(&self) -> String {
        let minute = self.until.as_second().div_euclid(60) + 1;
        let until = Timestamp::from_second(minute * 60).unwrap_or(self.until);
        format!("may still come until {}", until.strftime("%H:%MZ"))
    }
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
    /// Whether it is a registration only: no machine is left that could cost anything.
    pub registration_only: bool,
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
            registration_only: false,
        }
    }

    /// Something that no repetition mends.
    pub(super) fn permanent(self) -> Self {
        Self {
            permanent: true,
            ..self
        }
    }

    /// Something that costs nothing.
    pub(super) fn registration_only(self) -> Self {
        Self {
            registration_only: true,
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
            kept: [selection.kept, selection.unread.kept].concat(),
            failed: [selection.failed, selection.unread.failed].concat(),
            unknown: selection.unknown,
            planned: true,
            ..Self::default()
        }
    }

    /// What it came to where a signal came before anything was ended.
    pub fn interrupted(selection: Selection) -> Self {
        let cut_short = selection.chosen.iter().map(|chosen| {
            let (instance, name) = (chosen.instance.as_ref(), chosen.name.as_ref());
            Unstopped::new(instance, name, INTERRUPTED)
        });
        Self {
            failed: cut_short
                .chain(selection.failed)
                .chain(selection.unread.failed)
                .collect(),
            kept: [selection.kept, selection.unread.kept].concat(),
            unknown: selection.unknown,
            interrupted: true,
            ..Self::default()
        }
    }

    /// What it came to where a signal came before it was known what there is but for `recorded`, what the state file
    /// has of it.
    pub fn interrupted_looking(target: &StopTarget, recorded: Entries) -> Self {
        let recorded = recorded.into_iter().map(|(name, record)| {
            let unstopped = Unstopped::new(record.instance.as_ref(), Some(&name), INTERRUPTED);
            if record.machineless {
                unstopped.registration_only()
            } else {
                unstopped
            }
        });
        let failed = match target {
            StopTarget::Named {
                machines, names, ..
            } => {
                let machines = machines.iter().map(|machine| (Some(machine), None));
                let all = machines.chain(names.iter().map(|name| (None, Some(name))));
                all.map(|(machine, name)| Unstopped::new(machine, name, INTERRUPTED))
                    .collect()
            }
            StopTarget::All | StopTarget::Orphans | StopTarget::Run { .. } | StopTarget::State => {
                recorded.collect()
            }
        };
        let unread = Unknown::new("all there is", "interrupted before it was listed");
        Self {
            failed,
            unknown: vec![unread],
            interrupted: true,
            ..Self::default()
        }
    }

    /// How the program ends. What should be gone and may be there weighs most; where something could not be
    /// read, more may be there than is listed.
    pub fn exit(&self) -> Exit {
        // What was only asked to end is not proved gone.
        let unproved =
            |one: &Stopped| one.instance.is_some() && !one.terminated && !one.assumed_gone;
        let left = self.kept.iter().any(|kept| kept.due)
            || self.stopped.iter().any(unproved)
            || !self.pending.is_empty();
        let may_run = self.failed.iter().any(|failed| !failed.registration_only);
        let registered = self.stopped.iter().any(|one| one.registered.is_some());
        if let Some(error) = &self.error {
            error.kind
        } else if may_run || left && !self.planned {
            Exit::Left
        } else if !self.unknown.is_empty() || !self.failed.is_empty() || registered {
            Exit::Failed
        } else if self.interrupted {
            Exit::Interrupted
        } else {
            Exit::Done
        }
    }

    /// What everything cost together; `None` where no price is known.
    pub fn total(&self) -> Option<Total> {
        let machines = self.stopped.iter().filter(|one| one.instance.is_some());
        let (priced, unpriced): (Vec<_>, Vec<_>) = machines.partition(|one| one.cost.is_some());
        (!priced.is_empty()).then(|| Total {
            machines: priced.len() + unpriced.len(),
            unpriced: unpriced.len(),
            cost: priced.iter().filter_map(|one| one.cost).sum(),
            at_most: priced.iter().any(|one| one.cost_at_most),
        })
    }

    /// What it came to, in a sentence: `Stopped 5 machines, about $0.12. Nothing is left.` `None` where nothing was stopped.
    pub fn sentence(&self) -> Option<String> {
        let count =
            |is: &dyn Fn(&Stopped) -> bool| self.stopped.iter().filter(|one| is(one)).count();
        let is_machine = |one: &Stopped| one.instance.is_some();
        let is_gone = |one: &Stopped| is_machine(one) && (one.already_gone || one.assumed_gone);
        let is_asked = |one: &Stopped| is_machine(one) && !is_gone(one) && !one.terminated;
        let is_ended = |one: &Stopped| is_machine(one) && !is_gone(one) && one.terminated;
        let machines = |count: usize| match count {
            1 => "1 machine".to_owned(),
            many => format!("{many} machines"),
        };
        let said = |count: usize, say: &dyn Fn(String) -> String| {
            (count > 0).then(|| say(machines(count)))
        };
        let others = count(&|one| !is_machine(one));
        let s = if others == 1 { "" } else { "s" };
        let parts = [
            said(count(&is_ended), &|machines| format!("stopped {machines}")),
            said(count(&is_asked), &|machines| {
                format!("asked {machines} to end, without a confirmation so far")
            }),
            said(count(&is_gone), &|machines| {
                format!("found {machines} already gone")
            }),
            (others > 0).then(|| format!("removed {others} registration{s} or record{s}")),
            self.total().map(|total| total.in_words()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let mut sentence = parts.join(", ") + ".";
        if self.stopped.is_empty() {
            return None;
        }
        sentence[..1].make_ascii_uppercase();
        Some(match self.kept.len() {
            0 if self.exit() == Exit::Done => sentence + " Nothing is left.",
            0 => sentence,
            kept => format!("{sentence} Kept {kept}."),
        })
    }

    /// Whether there was nothing to stop, and all could be looked at.
    pub fn is_empty(&self) -> bool {
        self.stopped.is_empty()
            && self.kept.is_empty()
            && self.failed.is_empty()
            && self.pending.is_empty()
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
        already_gone: false,
        registered: None,
        billed: None,
        cost: None,
        cost_at_most: false,
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
            due: true,
        }
    }

    fn pending() -> Pending {
        Pending {
            name: kept().name,
            until: "2026-11-24T21:02:30Z".parse().expect("a time"),
            command: "gharun stop".into(),
            deregistered: true,
            reason: "it was named".into(),
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
    fn what_may_still_come_is_left_and_a_registration_is_not() {
        let waiting = StopOutcome {
            pending: vec![pending()],
            unknown: vec![unknown()],
            ..StopOutcome::default()
        };
        assert_eq!(waiting.exit(), Exit::Left);
        assert_eq!(pending().word(), "may still come until 21:03Z");
        let registered = StopOutcome {
            failed: vec![Unstopped::new(None, None, "no").registration_only()],
            ..StopOutcome::default()
        };
        assert_eq!(registered.exit(), Exit::Failed);
    }

    #[test]
    fn what_is_rightly_kept_is_not_left() {
        let right = Kept {
            due: false,
            ..kept()
        };
        let mut sweep = StopOutcome {
            kept: vec![right],
            ..StopOutcome::default()
        };
        assert_eq!(sweep.exit(), Exit::Done);
        sweep.kept.push(kept());
        assert_eq!(sweep.exit(), Exit::Left);
    }

    #[test]
    fn a_signal_is_no_proof_where_something_was_not_read() {
        let unread = StopOutcome::interrupted_looking(&StopTarget::Orphans, Entries::new());
        assert_eq!(unread.exit(), Exit::Failed);
        let named = StopTarget::Named {
            machines: vec!["docker:x/y".parse().expect("a reference")],
            names: vec![],
            labels: vec![],
            starts: true,
        };
        let named = StopOutcome::interrupted_looking(&named, Entries::new());
        assert_eq!(named.exit(), Exit::Left);
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
            given: None,
            unseen: None,
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
