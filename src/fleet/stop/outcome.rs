//! What a stop came to.

use serde::Serialize;

use super::{Selected, Selection};
use crate::fleet::Unopened;
use crate::fleet::survey::Unknown;
use crate::model::{Error, Exit, StopTarget};
use crate::state::Entries;
use parts::Total;

mod parts;
#[cfg(test)]
mod tests;

pub use parts::{Kept, Pending, Stopped, Unstopped};

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
        let unread = Unknown::new("every provider", "interrupted before it was listed");
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
    Stopped::unproved(chosen.instance, chosen.name, chosen.why)
}
