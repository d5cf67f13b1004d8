//! The ending of what was selected: all at once, and one failure keeps nothing else alive.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::ending::{EndOutcome, Ending};
use super::{Selected, Selection, StopOutcome, StopRequest, select};
use crate::fleet::Fleet;
use crate::fleet::survey::{Inquiry, Unknown, View};
use crate::github::GitHubApi;
use crate::model::{Name, Reference, StopTarget};

/// How often it is looked again for what a start that was killed had under way.
const PASSES: usize = 3;
/// The pause before each of these looks.
const SETTLES: Duration = Duration::from_secs(2);
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

/// Ends what was selected, and looks again for what turned up meanwhile.
pub async fn carry_out<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &StopRequest,
    selection: Selection,
) -> StopOutcome {
    let looks = matches!(stop.target, StopTarget::Orphans).then_some(stop.second_look);
    let limit = if stop.wait { stop.timeout } else { SENT };
    let deadline = Instant::now() + limit + looks.unwrap_or_default();
    let mut stops = StopOutcome::default();
    let mut seen = Handled::default();
    let mut next = selection;
    for pass in 0..=PASSES {
        let fresh = absorb(&mut stops, &mut seen, std::mem::take(&mut next));
        if fresh.is_empty() && pass > 0 {
            break;
        }
        let inquiry = Inquiry::new(fleet, stop.force);
        let endings = fresh
            .iter()
            .map(|chosen| end(fleet, stop, &inquiry, chosen, deadline));
        for outcome in join_all(endings).await {
            match outcome {
                EndOutcome::Failed(failed) => stops.failed.push(failed),
                EndOutcome::Kept(kept) => stops.kept.push(kept),
                EndOutcome::Stopped(stopped) => stops.stopped.push(stopped),
            }
        }
        stops.unknown.extend(inquiry.unknown());
        if pass == PASSES || !may_have_company(stop) || Instant::now() + SETTLES >= deadline {
            break;
        }
        sleep(SETTLES).await;
        next = match timeout_at(deadline, select(fleet, view, stop)).await {
            Ok(selection) => selection,
            Err(_) => break,
        };
    }
    Unknown::tidy(&mut stops.unknown);
    accept(&mut stops, &stop.target);
    stops
}

/// Leaves out that those could not be looked for which are taken for gone: the user knows. Where nothing else was named,
/// nor does it matter that their provider could not be read.
fn accept(stops: &mut StopOutcome, target: &StopTarget) {
    let given_up = stops.stopped.iter().filter(|one| one.assumed_gone);
    let mut sources: BTreeSet<String> = BTreeSet::new();
    for one in given_up {
        sources.extend(one.instance.as_ref().map(ToString::to_string));
        sources.extend(one.name.as_ref().map(ToString::to_string));
        if let (StopTarget::Named { .. }, Some(machine)) = (target, &one.instance) {
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
fn absorb(stops: &mut StopOutcome, seen: &mut Handled, next: Selection) -> Vec<Selected> {
    let mut fresh = next.chosen;
    fresh.retain(|one| {
        let runner = one.row.as_ref().and_then(|row| row.runner.as_ref());
        let id = runner.map(|runner| runner.id);
        seen.is_new(one.name.as_ref(), one.instance.as_ref(), id)
    });
    let kept = next.kept.into_iter();
    let kept = kept.filter(|one| seen.is_new(Some(&one.name), one.instance.as_ref(), None));
    stops.kept.extend(kept);
    let failed = next.failed.into_iter();
    let failed = failed.filter(|one| seen.is_new(one.name.as_ref(), one.instance.as_ref(), None));
    stops.failed.extend(failed);
    stops.unknown.extend(next.unknown);
    fresh
}

async fn end<G: GitHubApi>(
    fleet: &Fleet<'_, G>,
    stop: &StopRequest,
    inquiry: &Inquiry<'_, G>,
    chosen: &Selected,
    deadline: Instant,
) -> EndOutcome {
    let ending = Ending::new(fleet, stop, inquiry, chosen, deadline);
    match timeout_at(deadline, ending.run()).await {
        Ok(outcome) => outcome,
        Err(_) => ending.run_out(),
    }
}
