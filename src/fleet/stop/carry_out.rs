//! The ending of what was selected: all at once, and one failure keeps nothing else alive.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::company::may_have_company;
use super::ending::Ending;
use super::progress::Progress;
use super::time_limit::TimeLimit;
use super::{Selected, Selection, StopOutcome, StopRequest, Stopped, select_again};
use crate::fleet::Fleet;
use crate::fleet::survey::{Inquiry, Unknown, View};
use crate::github::GitHubApi;
use crate::model::{Event, StopTarget};
use crate::poll::Backoff;

/// How often it is looked again for what a start that was killed had under way, where nothing tells of it.
const PASSES: usize = 3;
/// The pauses before these looks: what began last may show late, at GitHub and at its place. Where nothing else can be
/// under way, the second look follows at once.
const SETTLES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
/// What a stop takes beyond the time in which a place shows a machine, for the proof that one is not there: a pause between
/// two requests, and a listing.
const PROOF: Duration = Duration::from_secs(20);
/// How long requests may take where nobody waits for their effect.
const SENT: Duration = Duration::from_secs(10);

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
    // The look has used some of it.
    let mut rest = stop.timeout.saturating_sub(selection.took);
    let unlisted = selection.chosen.iter().filter_map(Selected::shows_within);
    if let Some(shows) = unlisted.max().filter(|shows| *shows <= stop.timeout) {
        rest = rest.max(shows + PROOF);
    }
    let limit = if stop.wait { rest } else { SENT };
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
        let mut company = selection.company.clone();
        let mut progress = Progress::default();
        let mut pauses = Backoff::new(SETTLES.0, SETTLES.1);
        let mut next = selection;
        let mut looked_since_signal = false;
        let mut told = false;
        let begun = Instant::now();
        for pass in 0.. {
            let fresh = progress.absorb(next, &self.stop.target, self.fleet.at_least());
            self.end_all(&fresh, &mut progress).await;
            let company_may_come = may_have_company(&self.stop.target)
                && pass < PASSES
                && (pass == 0 || !fresh.is_empty() || progress.misses_one());
            let unread = progress.may_heal(&self.stop.target, begun.elapsed());
            // After a signal there is a last look at once, so that what is told then is true.
            let is_last = self.limit.is_interrupted() && !looked_since_signal;
            let looks = company_may_come || progress.waits() || unread || is_last;
            if looks && (progress.waits() || unread) && !std::mem::replace(&mut told, true) {
                self.say_it_looks_again(&progress).await;
            }
            let waits = progress.waits() || unread || progress.misses_one();
            let pause = if pass == 0 && company.is_whole && !waits {
                Duration::ZERO
            } else {
                pauses.next(0.0)
            };
            if !looks || !is_last && !self.pause(pause).await {
                break;
            }
            looked_since_signal = self.limit.is_interrupted();
            let look = select_again(self.fleet, self.view, self.stop, &company);
            let Ok(selection) = self.limit.limit(look).await else {
                if self.limit.is_interrupted() {
                    // A source is always one that can be asked again, by its name.
                    let unlisted = self.fleet.providers.iter().map(|place| {
                        Unknown::new(&place.name, "interrupted before it was listed again")
                    });
                    progress.stops.unknown.extend(unlisted);
                }
                break;
            };
            company.clone_from(&selection.company);
            next = selection;
        }
        let mut stops = progress.end(self.fleet.at_least());
        stops.interrupted = self.limit.is_interrupted();
        accept(&mut stops, &self.stop.target);
        stops
    }

    /// Tells why it takes longer.
    async fn say_it_looks_again(&self, progress: &Progress) {
        let reason = if progress.waits() {
            "what its start had ordered may still come"
        } else {
            "not everything could be read"
        };
        let waiting = Event::Waiting {
            reason: format!("looking again: {reason}"),
            at_most: progress.patience(self.limit.left()),
        };
        if let Err(error) = self.fleet.sink.tell(waiting).await {
            tracing::warn!("could not write an event: {error}");
        }
    }

    async fn end_all(&self, fresh: &[Selected], progress: &mut Progress) {
        let inquiry = Inquiry::new(self.fleet, self.stop.questions());
        let endings = fresh.iter().map(async |chosen| {
            let ending = Ending::new(self.fleet, self.stop, &inquiry, chosen, self.limit);
            match self.limit.limit(ending.run()).await {
                Ok(outcome) => outcome,
                Err(_) => ending.run_out(),
            }
        });
        let outcomes = join_all(endings).await;
        for (chosen, outcome) in fresh.iter().zip(outcomes) {
            progress.take(chosen, outcome);
        }
        progress.stops.unknown.extend(inquiry.unknown());
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
