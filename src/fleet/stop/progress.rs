//! How far a stop is: what it came to so far, and what each later look adds to that.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::ending::EndOutcome;
use super::{Pending, Selected, Selection, StopOutcome, Stopped, Unread};
use crate::fleet::survey::{Again, Unknown};
use crate::model::{Name, Reference, StopTarget};

/// How long a place is asked on where nobody listens: a daemon may be starting anew.
const STARTED: Duration = Duration::from_secs(15);

/// What was dealt with. A registration that turns up under a name that is done with counts as new, and
/// so does a machine; one that is merely still shown does not.
#[derive(Default)]
struct Handled {
    names: BTreeSet<Name>,
    machines: BTreeSet<Reference>,
    registrations: BTreeSet<u64>,
}

impl Handled {
    fn is_new(
        &mut self,
        name: Option<&Name>,
        machine: Option<&Reference>,
        registration: Option<u64>,
    ) -> bool {
        let name = name.is_some_and(|name| self.names.insert(name.clone()));
        let registration = registration.map(|id| self.registrations.insert(id));
        let machine = machine.map(|machine| self.machines.insert(machine.clone()));
        machine.or(registration).unwrap_or(name)
    }

    fn is_chosen_anew(&mut self, one: &Selected) -> bool {
        let is_new = self.is_new(one.name.as_ref(), one.instance.as_ref(), registration(one));
        self.machines.extend(one.given.clone());
        is_new
    }

    /// Whether it was dealt with already, by its machine or, where none is known, by its name.
    fn has(&self, name: Option<&Name>, machine: Option<&Reference>) -> bool {
        match (machine, name) {
            (Some(machine), _) => self.machines.contains(machine),
            (None, Some(name)) => self.names.contains(name),
            (None, None) => false,
        }
    }

    fn forget(&mut self, name: Option<&Name>, machine: Option<&Reference>, id: Option<u64>) {
        if let Some(name) = name {
            self.names.remove(name);
        }
        if let Some(machine) = machine {
            self.machines.remove(machine);
        }
        if let Some(id) = id {
            self.registrations.remove(&id);
        }
    }
}

fn registration(one: &Selected) -> Option<u64> {
    let runner = one.row.as_ref()?.runner.as_ref()?;
    Some(runner.id)
}

/// What a stop came to so far.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) stops: StopOutcome,
    seen: Handled,
    /// What was refused or kept only because something could not be read: looked at again.
    unread: Unread,
    /// What may be of a start that the stop speaks for, and has no machine so far.
    watched: Vec<Pending>,
    /// Runners whose machine this stop has ended: no other will come.
    ended: BTreeSet<Name>,
    /// What the last look could not read.
    unknown: Vec<Unknown>,
    again: Again,
    /// Runners that were online, and whose machines no place shows.
    unseen: BTreeSet<Name>,
}

impl Progress {
    /// Takes over what a look kept and refused, and returns what was not dealt with before.
    pub(super) fn absorb(
        &mut self,
        next: Selection,
        target: &StopTarget,
        now: Timestamp,
    ) -> Vec<Selected> {
        self.judge_anew(&next, target);
        self.watched = next.watched;
        self.unknown = next.unknown;
        self.again = next.again;
        let mut fresh = next.chosen;
        fresh.retain_mut(|one| self.is_fresh(one, now));
        for one in &fresh {
            self.is_found(one);
        }
        for one in next.kept {
            self.comes_no_more(&one.name);
            if self
                .seen
                .is_new(Some(&one.name), one.instance.as_ref(), None)
            {
                self.stops.kept.push(one);
            }
        }
        for one in next.failed {
            if let Some(name) = &one.name {
                self.comes_no_more(name);
            }
            if self
                .seen
                .is_new(one.name.as_ref(), one.instance.as_ref(), None)
            {
                self.stops.failed.push(one);
            }
        }
        for one in next.unread.kept {
            self.comes_no_more(&one.name);
            if !self.seen.has(Some(&one.name), one.instance.as_ref()) {
                self.unread.kept.push(one);
            }
        }
        for one in next.unread.failed {
            if !self.seen.has(one.name.as_ref(), one.instance.as_ref()) {
                self.unread.failed.push(one);
            }
        }
        self.settle(&next.names, now);
        fresh
    }

    /// Leaves out what could not be judged before and the new look judges, or does not find though it has read all. What
    /// was named is judged by every look.
    fn judge_anew(&mut self, next: &Selection, target: &StopTarget) {
        let is_named = matches!(target, StopTarget::Named { .. });
        let all_read = is_named || next.unknown.is_empty();
        let shown = |name: Option<&Name>, machine: Option<&Reference>| {
            let is_it = |other_name: Option<&Name>, other: Option<&Reference>| {
                machine.is_some() && machine == other || name.is_some() && name == other_name
            };
            let unread = &next.unread;
            let mut chosen = next.chosen.iter();
            let mut kept = next.kept.iter().chain(&unread.kept);
            let mut failed = next.failed.iter().chain(&unread.failed);
            chosen.any(|one| is_it(one.name.as_ref(), one.instance.as_ref()))
                || kept.any(|one| is_it(Some(&one.name), one.instance.as_ref()))
                || failed.any(|one| is_it(one.name.as_ref(), one.instance.as_ref()))
        };
        let stays =
            |name: Option<&Name>, machine: Option<&Reference>| !all_read && !shown(name, machine);
        let unread = &mut self.unread;
        unread
            .kept
            .retain(|one| stays(Some(&one.name), one.instance.as_ref()));
        unread
            .failed
            .retain(|one| stays(one.name.as_ref(), one.instance.as_ref()));
    }

    fn is_fresh(&mut self, one: &mut Selected, now: Timestamp) -> bool {
        if let (Some(name), Some(row)) = (&one.name, &mut one.row) {
            row.machineless |= one.instance.is_none() && self.ended.contains(name);
        }
        let is_new = self.seen.is_chosen_anew(one);
        let mut pending = self.stops.pending.iter();
        match pending.position(|pending| Some(&pending.name) == one.name.as_ref()) {
            Some(index) if is_new || one.may_still_come(now).is_none() => {
                self.stops.pending.remove(index);
                true
            }
            Some(_) => false,
            None => is_new,
        }
    }

    /// A machine that was looked for in vain may be this one.
    fn is_found(&mut self, one: &Selected) {
        let Some(name) = &one.name else {
            return;
        };
        if one.unseen.is_some() {
            self.unseen.insert(name.clone());
        } else if one.instance.is_some() && self.unseen.remove(name) {
            let failed = &mut self.stops.failed;
            failed.retain(|failed| failed.instance.is_some() || failed.name.as_ref() != Some(name));
        }
    }

    /// What a look keeps or refuses is there, and no longer awaited.
    fn comes_no_more(&mut self, name: &Name) {
        let before = self.stops.pending.len();
        self.stops.pending.retain(|pending| pending.name != *name);
        if self.stops.pending.len() < before {
            self.seen.forget(Some(name), None, None);
        }
    }

    /// Takes what did not come by the end of its grace, and is in no source that was read, for gone.
    fn settle(&mut self, names: &BTreeSet<Name>, now: Timestamp) {
        if !self.unknown.is_empty() {
            return;
        }
        let over = |one: &mut Pending| now > one.until && !names.contains(&one.name);
        let over: Vec<Pending> = self.stops.pending.extract_if(.., over).collect();
        self.stops
            .stopped
            .extend(over.into_iter().map(|one| Stopped {
                deregistered: one.deregistered,
                ..Stopped::unproved(None, Some(one.name), one.reason)
            }));
    }

    /// Takes over what became of one runner.
    pub(super) fn take(&mut self, chosen: &Selected, outcome: EndOutcome) {
        match outcome {
            EndOutcome::Failed(failed) => self.stops.failed.push(failed),
            EndOutcome::Kept(kept) => self.stops.kept.push(kept),
            EndOutcome::Pending(pending) => self.stops.pending.push(pending),
            EndOutcome::Stopped(stopped) => self.stopped(stopped),
            EndOutcome::Unread(failed) => {
                let (name, machine) = (chosen.name.as_ref(), chosen.instance.as_ref());
                self.seen.forget(name, machine, registration(chosen));
                if let Some(given) = &chosen.given {
                    self.seen.forget(None, Some(given), None);
                }
                self.unread.failed.push(failed);
            }
        }
    }

    /// A registration of a runner whose machine was ended before is a part of that.
    fn stopped(&mut self, stopped: Stopped) {
        let mut before = self.stops.stopped.iter_mut();
        let same = |one: &&mut Stopped| one.name.is_some() && one.name == stopped.name;
        if let (None, Some(before)) = (&stopped.instance, before.find(same)) {
            before.deregistered = stopped.deregistered;
            return;
        }
        let name = stopped.name.iter().filter(|_| stopped.terminated);
        self.ended.extend(name.cloned());
        self.stops.stopped.push(stopped);
    }

    /// Whether something may still come.
    pub(super) fn waits(&self) -> bool {
        !self.stops.pending.is_empty() || !self.watched.is_empty()
    }

    /// Whether another look may find what the last one could not read, and that matters: where it is known what is to be
    /// ended, only for that. `looked` is how long it was looked already.
    pub(super) fn may_heal(&self, target: &StopTarget, looked: Duration) -> bool {
        let is_unread = !self.unread.kept.is_empty() || !self.unread.failed.is_empty();
        let matters = match target {
            StopTarget::All | StopTarget::Run { .. } => true,
            StopTarget::Named { starts, .. } => *starts || is_unread,
            StopTarget::State => is_unread,
            // There is another sweep.
            StopTarget::Orphans => false,
        };
        match self.again {
            Again::Nothing => false,
            Again::Started => matters && looked < STARTED,
            Again::Something => matters,
            Again::GitHub => true,
        }
    }

    /// How long it is looked again at most for what could not be read, of the time that is `left`.
    pub(super) fn patience(&self, left: Duration) -> Duration {
        match self.again {
            Again::Started if !self.waits() => left.min(STARTED),
            _ => left,
        }
    }

    /// Whether the machine of a runner that is online may be too new to be listed.
    pub(super) fn misses_one(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// All that it came to.
    pub(super) fn end(self, now: Timestamp) -> StopOutcome {
        let mut stops = self.stops;
        stops.kept.extend(self.unread.kept);
        stops.failed.extend(self.unread.failed);
        stops.unknown.extend(self.unknown);
        let waited_for = |one: &Pending| now <= one.until;
        stops
            .pending
            .extend(self.watched.into_iter().filter(waited_for));
        Unknown::tidy(&mut stops.unknown);
        stops
    }
}
