//! The end of what was selected: registration first, then machine, then record.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use super::stop::{Chosen, Kept, Selection, Stopped, Stops, Unstopped, select, unstopped};
use super::survey::{Row, View, is_at_work, look_again};
use super::verdict::{Machine, Registration};
use super::{Fleet, chain};
use crate::github::{Api, Deregistration};
use crate::model::Event;
use crate::poll::{Pace, until};
use crate::settings::{Stop, Target};

/// How long GitHub may go on calling a runner busy whose machine is to end whatever it says: the
/// flag lags behind the end of a job by seconds to tens of seconds.
const LAGS: Pace = Pace {
    every: Duration::from_secs(2),
    at_most: Duration::from_secs(30),
};
/// How long a creation that was under way when its start was killed may take to show up, and how
/// often it is looked for.
const SETTLES: Pace = Pace {
    every: Duration::from_secs(1),
    at_most: Duration::from_secs(10),
};

/// Ends what was selected, and looks again until nothing more turns up.
pub async fn carry_out<G: Api>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &Stop,
    selection: Selection,
) -> Stops {
    let end = Instant::now() + stop.timeout;
    let mut stops = Stops {
        kept: selection.kept,
        failed: selection.failed,
        unknown: selection.unknown,
        ..Stops::default()
    };
    let mut chosen = selection.chosen;
    let (mut names, mut machines) = (BTreeSet::new(), BTreeSet::new());
    let mut settled = Instant::now();
    loop {
        for Chosen { row, .. } in &chosen {
            names.insert(row.name.clone());
            machines.extend(row.instance.clone());
            // It was registered, or meant to be, and its machine may be on its way.
            if row.instance.is_none() {
                settled = Instant::now() + SETTLES.at_most;
            }
        }
        let endings = chosen
            .iter()
            .map(|chosen| end_one(fleet, view, stop, chosen, end));
        for ending in join_all(endings).await {
            match ending {
                Ending::Stopped(stopped) => stops.stopped.push(stopped),
                Ending::Kept(kept) => stops.kept.push(kept),
                Ending::Failed(failed) => stops.failed.push(failed),
            }
        }
        // Only a run's, or a whole start's, machines can grow more numerous by themselves.
        let again = matches!(
            stop.target,
            Target::Run { .. } | Target::Named { starts: true, .. }
        );
        if !again || Instant::now() >= end {
            break;
        }
        let next = select(fleet, view, stop).await;
        let fresh = |row: &Row| match &row.instance {
            Some(machine) => !machines.contains(machine),
            None => !names.contains(&row.name),
        };
        chosen = next
            .chosen
            .into_iter()
            .filter(|chosen| fresh(&chosen.row))
            .collect();
        if chosen.is_empty() {
            if Instant::now() >= settled.min(end) {
                break;
            }
            tokio::time::sleep(SETTLES.every).await;
        }
    }
    stops
}

enum Ending {
    Failed(Unstopped),
    Kept(Kept),
    Stopped(Stopped),
}

async fn end_one<G: Api>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &Stop,
    chosen: &Chosen,
    end: Instant,
) -> Ending {
    match tokio::time::timeout_at(
        end + stop.second_look,
        end_row(fleet, view, stop, chosen, end),
    )
    .await
    {
        Ok(ending) => ending,
        Err(_) => Ending::Failed(unstopped(
            &chosen.row,
            "it is not proved gone within the time limit",
        )),
    }
}

async fn end_row<G: Api>(
    fleet: &Fleet<'_, G>,
    view: &View,
    stop: &Stop,
    chosen: &Chosen,
    end: Instant,
) -> Ending {
    let mut row = chosen.row.clone();
    let kept = |row: &Row, reason: &str| {
        Ending::Kept(Kept {
            name: row.name.to_string(),
            instance: row.instance.clone(),
            reason: reason.to_owned(),
        })
    };
    if matches!(stop.target, Target::Orphans) && !chosen.explicit {
        // The second look: the world may have changed since the list was made.
        match look_again(fleet, view, &row).await {
            Some(now) => row = now,
            None => {
                return kept(
                    &row,
                    "it changed while it was looked at; the next sweep decides",
                );
            }
        }
    }
    let deregistered = match deregister(fleet, &row, chosen.explicit, end).await {
        Removed::Busy => return kept(&row, "it got a job meanwhile"),
        Removed::Gone => true,
        Removed::Left(why) => {
            say(
                fleet,
                Event::Warning(format!(
                    "the registration of `{}` could not be removed: {why}",
                    row.name
                )),
            )
            .await;
            false
        }
    };
    let watched = matches!(stop.target, Target::Orphans)
        && row.machine == Machine::There
        && row.registration == Registration::Online;
    if watched && !(row.unique_label_only && row.run_over == Some(true)) {
        say(
            fleet,
            Event::Waiting {
                reason: format!("whether `{}` got a job right before", row.name),
                at_most: stop.second_look,
            },
        )
        .await;
        tokio::time::sleep(stop.second_look).await;
        if is_at_work(fleet, &row).await {
            return kept(
                &row,
                "it got a job right before its registration was removed",
            );
        }
    }
    let terminated = match terminate(fleet, &row).await {
        Ok(terminated) => terminated,
        Err(error) => return Ending::Failed(unstopped(&row, &error)),
    };
    // An unremoved registration stays on record, so that the next stop finds it.
    if deregistered && row.recorded {
        forget(fleet, &row).await;
    }
    let billed = row
        .created
        .filter(|_| terminated)
        .map(|created| age(created, fleet.now()));
    Ending::Stopped(Stopped {
        name: if row.instance.is_some() && row.created.is_none() {
            row.instance
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        } else {
            row.name.to_string()
        },
        instance: row.instance.clone(),
        deregistered,
        terminated,
        billed,
        cost: billed
            .zip(row.price_per_hour)
            .map(|(billed, price)| billed.as_secs_f64() / 3600.0 * price),
    })
}

async fn forget<G: Api>(fleet: &Fleet<'_, G>, row: &Row) {
    let name = row.name.clone();
    let forgotten = fleet.store.update(move |entries| {
        entries.remove(&name);
    });
    if let Err(error) = forgotten.await {
        let text = format!(
            "the state file still names `{}`: {}",
            row.name,
            chain(&error)
        );
        say(fleet, Event::Warning(text)).await;
    }
}

/// How old something is; never less than nothing.
pub fn age(created: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(created)).unwrap_or_default()
}

enum Removed {
    Busy,
    Gone,
    Left(String),
}

async fn deregister<G: Api>(
    fleet: &Fleet<'_, G>,
    row: &Row,
    explicit: bool,
    end: Instant,
) -> Removed {
    let (Some(github), Some(id)) = (
        fleet.github,
        row.runner_id
            .filter(|_| row.ours && row.scope != crate::model::REHEARSAL),
    ) else {
        return Removed::Gone;
    };
    let ended = row.machine == Machine::Ended;
    match github.deregister(id).await {
        Ok(Deregistration::Gone) => {
            say(
                fleet,
                Event::Deregistered {
                    name: row.name.to_string(),
                },
            )
            .await;
            Removed::Gone
        }
        Ok(Deregistration::Busy) if ended => {
            Removed::Left("GitHub still calls it busy, and drops it by itself later".to_owned())
        }
        Ok(Deregistration::Busy) if !explicit => Removed::Busy,
        Ok(Deregistration::Busy) => {
            let pace = Pace {
                at_most: LAGS
                    .at_most
                    .min(end.saturating_duration_since(Instant::now())),
                ..LAGS
            };
            let gone = until(pace, async || {
                if matches!(github.deregister(id).await, Ok(Deregistration::Gone)) {
                    return Some(true);
                }
                (!is_at_work(fleet, row).await).then_some(false)
            });
            match gone.await {
                Some(true) => Removed::Gone,
                _ => Removed::Left(
                    "GitHub still calls it busy, and drops it by itself later".to_owned(),
                ),
            }
        }
        Err(error) => Removed::Left(chain(&error)),
    }
}

/// Ends the machine; `Ok(false)` when there was none.
async fn terminate<G: Api>(fleet: &Fleet<'_, G>, row: &Row) -> Result<bool, String> {
    let Some(reference) = &row.instance else {
        let open = matches!(row.machine, Machine::Unread | Machine::Nowhere) && row.recorded;
        return if open {
            Err(format!(
                "`{}` could not be asked for its machine",
                row.provider.as_deref().unwrap_or("its provider")
            ))
        } else {
            Ok(false)
        };
    };
    let place = fleet
        .place(&reference.provider)
        .ok_or_else(|| format!("there is no provider `{}` here", reference.provider))?;
    say(
        fleet,
        Event::Terminating {
            instance: reference.clone(),
        },
    )
    .await;
    // For one that a listing did not show this is the proof that it is gone.
    place
        .provider
        .terminate(&reference.id)
        .await
        .map_err(|error| chain(&error))?;
    say(
        fleet,
        Event::Terminated {
            instance: reference.clone(),
        },
    )
    .await;
    Ok(matches!(row.machine, Machine::There | Machine::Ended))
}

async fn say<G: Api>(fleet: &Fleet<'_, G>, event: Event) {
    if let Err(error) = fleet.sink.tell(event).await {
        tracing::warn!("cannot write an event: {error}");
    }
}
