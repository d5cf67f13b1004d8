//! The ending of what was selected: all at once, and one failure keeps nothing else alive.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::ending::{EndOutcome, Ending};
use super::time_limit::TimeLimit;
use super::{Selected, Selection, StopOutcome, StopRequest, Stopped, select_again};
use crate::fleet::Fleet;
use crate::fleet::survey::{Inquiry, Unknown, View};
use crate::github::GitHubApi;
use crate::model::{Name, Reference, StopTarget};
use crate::poll::Backoff;

/// How often it is looked again for what a start that was killed had under way, where nothing tells of it.
const PASSES: usize = 3;
/// The pauses before these looks.
const SETTLES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
/// How long requests may take where nobody waits for their effect.
const SENT: Duration = Duration::from_secs(10);

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
}

/// Ends what was selected, and looks again for what turned up meanwhile. `interrupts` yields when somebody
/// wants it ended, and tells since when: then nothing but the end of machines is waited for, and that not for long.
pub async fn carry_out<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    selection: Selection,
    mut interrupts: impl AsyncFnMut() -> Instant,
) -> StopOutcome {
    let looks = matches!(stop.target, StopTarget::Orphans).then_some(stop.second_look);
    let limit = if stop.wait { stop.timeout } else { SENT };
    let limit = TimeLimit::new(Instant::now() + limit + looks.unwrap_or_default());
    let stopping = Stopping {
        fleet,
        view,
        stop,
        limit: &limit,
    };
    let mut stopping = std::pin::pin!(stopping.run(selection));
    loop {
        tokio::select! {
            biased;
            outcome = &mut stopping => return outcome,
            at = interrupts() => limit.interrupt(at),
        }
    }
}

struct Stopping<'a, G> {
    fleet: &'a Fleet<'a, G>,
    view: &'a View,
    stop: &'a StopRequest,
    limit: &'a TimeLimit,
}

impl<G: GitHubApi> Stopping<'_, G> {
    async fn run(&self, selection: Selection) -> StopOutcome {
        let begun_by = selection.begun_by.clone();
        let mut stops = StopOutcome::default();
        let mut seen = Handled::default();
        let mut pauses = Backoff::new(SETTLES.0, SETTLES.1);
        let mut next = selection;
        let mut looked_since_signal = false;
        for pass in 0.. {
            let fresh = absorb(&mut stops, &mut seen, next, self.fleet.at_least());
            self.end_all(&fresh, &mut stops).await;
            let company = may_have_company(self.stop) && pass < PASSES;
            let looks = company && (pass == 0 || !fresh.is_empty()) || !stops.pending.is_empty();
            // After a signal there is a last look at once, so that what is told then is true.
            let is_last = self.limit.is_interrupted() && !looked_since_signal;
            if !looks || !is_last && !self.pause(pauses.next(0.0)).await {
                break;
            }
            looked_since_signal = self.limit.is_interrupted();
            let look = select_again(self.fleet, self.view, self.stop, &begun_by);
            let Ok(selection) = self.limit.limit(look).await else {
                if self.limit.is_interrupted() {
                    let what = "what turned up meanwhile";
                    let unknown = Unknown::new(what, "interrupted before it was listed");
                    stops.unknown.push(unknown);
                }
                break;
            };
            next = selection;
        }
        stops.interrupted = self.limit.is_interrupted();
        Unknown::tidy(&mut stops.unknown);
        accept(&mut stops, &self.stop.target);
        stops
    }

    async fn end_all(&self, fresh: &[Selected], stops: &mut StopOutcome) {
        let inquiry = Inquiry::new(self.fleet, self.stop.force);
        let endings = fresh.iter().map(async |chosen| {
            let ending = Ending::new(self.fleet, self.stop, &inquiry, chosen, self.limit);
            match self.limit.limit(ending.run()).await {
                Ok(outcome) => outcome,
                Err(_) => ending.run_out(),
            }
        });
        for outcome in join_all(endings).await {
            match outcome {
                EndOutcome::Failed(failed) => stops.failed.push(failed),
                EndOutcome::Kept(kept) => stops.kept.push(kept),
                EndOutcome::Pending(pending) => stops.pending.push(pending),
                EndOutcome::Stopped(stopped) => stops.stopped.push(stopped),
            }
        }
        stops.unknown.extend(inquiry.unknown());
    }

    /// Waits before the next look, and tells whether there is time for it. A signal ends the pause.
    async fn pause(&self, pause: Duration) -> bool {
        if pause >= self.limit.left() {
            return false;
        }
        let interrupted = self.limit.is_interrupted();
        tokio::select! {
            () = sleep(pause) => {}
            () = self.limit.interrupted(), if !interrupted => {}
        }
        true
    }
}

/// Leaves out what could not be found out about machines that are gone by now, or taken for gone: the user knows. Where
/// nothing else was named than what is taken for gone, nor does it matter that its provider could not be read.
fn accept(stops: &mut StopOutcome, target: &StopTarget) {
    let gone = |one: &&Stopped| one.assumed_gone || one.terminated;
    let all_gone = stops.stopped.iter().filter(gone);
    let mut sources: BTreeSet<String> = BTreeSet::new();
    for one in all_gone {
        sources.extend(one.instance.as_ref().map(ToString::to_string));
        sources.extend(one.name.as_ref().map(ToString::to_string));
        if let (StopTarget::Named { .. }, Some(machine), true) =
            (target, &one.instance, one.assumed_gone)
        {
            sources.insert(machine.provider.clone());
        }
    }
    stops
        .unknown
        .retain(|unknown| !sources.contains(&unknown.source));
}

/// Whether a creation that was under way may show up only now.
fn may_have_company(stop: &StopRequest) -> bool {
    match stop.target {
        StopTarget::All | StopTarget::Run { .. } | StopTarget::State => true,
        StopTarget::Named { starts, .. } => starts,
        StopTarget::Orphans => false,
    }
}

/// Takes over what a selection kept and refused, and returns what was not dealt with before.
fn absorb(
    stops: &mut StopOutcome,
    seen: &mut Handled,
    next: Selection,
    now: Timestamp,
) -> Vec<Selected> {
    stops.settle(&next, now);
    let mut fresh = next.chosen;
    fresh.retain(|one| {
        let runner = one.row.as_ref().and_then(|row| row.runner.as_ref());
        let id = runner.map(|runner| runner.id);
        let is_new = seen.is_new(one.name.as_ref(), one.instance.as_ref(), id);
        let mut pending = stops.pending.iter();
        match pending.position(|pending| Some(&pending.name) == one.name.as_ref()) {
            Some(index) if is_new || one.may_still_come(now).is_none() => {
                stops.pending.remove(index);
                true
            }
            Some(_) => false,
            None => is_new,
        }
    });
    // What came, and is kept or refused, comes no more.
    let named = next.kept.iter().map(|one| &one.name);
    let named = named.chain(next.failed.iter().filter_map(|one| one.name.as_ref()));
    let named: BTreeSet<&Name> = named.collect();
    let (came, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut stops.pending)
        .into_iter()
        .partition(|one| named.contains(&one.name));
    stops.pending = pending;
    let came = |name: Option<&Name>| came.iter().any(|one| Some(&one.name) == name);
    for one in next.kept {
        if seen.is_new(Some(&one.name), one.instance.as_ref(), None) || came(Some(&one.name)) {
            stops.kept.push(one);
        }
    }
    for one in next.failed {
        let name = one.name.as_ref();
        if seen.is_new(name, one.instance.as_ref(), None) || came(name) {
            stops.failed.push(one);
        }
    }
    stops.unknown.extend(next.unknown);
    fresh
}
