//! `gharun stop`.

use super::Desk;
use super::interrupt::Interrupts;
use crate::actions::{FailedRow, KeptRow, StopSummary, StoppedRow};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::{Fleet, Selection, Stops, carry_out, select};
use crate::report;
use crate::settings::{Stop, Target};

pub(super) async fn run(desk: &Desk, args: &cli::Stop) -> Result<Exit, Failure> {
    let stop = desk.settings.stop(args)?;
    let mut named = Vec::new();
    if let Target::Named { machines, .. } = &stop.target {
        named.extend(machines.iter().map(|reference| reference.provider.clone()));
    }
    let places = desk.search(&stop.providers, &named).await?;
    let explicit = matches!(stop.target, Target::Named { .. });
    let github = match desk.github().await {
        Ok(github) => Some(github),
        Err(failure) if explicit => {
            desk.ui.warning(&format!(
                "registrations cannot be removed: {}",
                failure.error
            ));
            None
        }
        Err(failure) => return Err(failure),
    };
    let fleet = Fleet {
        github: github.as_ref(),
        places: &places,
        store: &desk.store,
        sink: desk,
    };
    let view = desk.view(false, stop.older_than);
    let selection = select(&fleet, &view, &stop).await;
    for notice in desk.store.notices() {
        desk.ui.warning(&notice.to_string());
    }
    if stop.target == Target::State && !desk.store.set_aside().await?.is_empty() {
        return Err(Failure::new(Exit::Failed, "the state file could not be read, so what it held is not known")
            .hinted("name what is to be stopped: `--mapping`, `--run`, `--orphans` or a machine of `gharun list`"));
    }
    if stop.dry_run {
        return would(desk, &selection);
    }
    if !confirmed(desk, &stop, &selection).await? {
        return Err(Failure::usage("nothing was stopped"));
    }
    let mut interrupts = Interrupts::listen(desk.settings.step.is_some())?;
    let stops = tokio::select! {
        stops = carry_out(&fleet, &view, &stop, selection.clone()) => stops,
        () = interrupts.next() => {
            for chosen in &selection.chosen {
                let what = chosen.row.instance.as_ref().map_or_else(|| chosen.row.name.to_string(), ToString::to_string);
                desk.ui.warning(&format!("{what} may still be running"));
                desk.ui.hint(&format!("end it: `gharun stop {what}`"));
            }
            return Ok(if selection.chosen.is_empty() { Exit::Interrupted } else { Exit::Left });
        }
    };
    finish(desk, &stops)
}

/// Asks on a terminal before what the user did not name is ended; elsewhere `--yes` is asked for.
async fn confirmed(desk: &Desk, stop: &Stop, selection: &Selection) -> Result<bool, Failure> {
    let asks = matches!(stop.target, Target::All | Target::Orphans | Target::State);
    if !asks || stop.yes || selection.chosen.is_empty() || desk.settings.step.is_some() {
        return Ok(true);
    }
    for chosen in &selection.chosen {
        let what = chosen
            .row
            .instance
            .as_ref()
            .map_or_else(|| chosen.row.name.to_string(), ToString::to_string);
        desk.ui.status(&format!(
            "{} {what}: {}",
            chosen.row.verdict, chosen.row.why
        ));
    }
    let question = format!("Stop these {}?", selection.chosen.len());
    desk.ui.confirm(&question).await.map_err(|error| {
        Failure::usage(format!(
            "{} would be stopped: {error}",
            selection.chosen.len()
        ))
        .hinted("say so with `--yes`, or look first with `--dry-run`")
    })
}

fn would(desk: &Desk, selection: &Selection) -> Result<Exit, Failure> {
    let report = report::Stop {
        stopped: selection
            .chosen
            .iter()
            .map(|chosen| report::Stopped {
                instance: chosen.row.instance.clone(),
                name: chosen.row.name.to_string(),
                deregistered: false,
                terminated: false,
                billed_s: None,
                cost: None,
            })
            .collect(),
        kept: selection.kept.iter().map(report_kept).collect(),
        failed: selection.failed.iter().map(report_failed).collect(),
    };
    desk.ui
        .status(&format!("{} would be stopped", report.stopped.len()));
    desk.ui.data(&if desk.json() {
        report.json()
    } else {
        report.text()
    })?;
    Ok(Exit::Done)
}

fn report_kept(kept: &crate::fleet::Kept) -> report::Kept {
    report::Kept {
        instance: kept.instance.clone(),
        name: kept.name.clone(),
        reason: kept.reason.clone(),
    }
}

fn report_failed(failed: &crate::fleet::Unstopped) -> report::Unstopped {
    report::Unstopped {
        instance: failed.instance.clone(),
        name: failed.name.clone(),
        error: failed.error.clone(),
        command: failed.command.clone(),
    }
}

fn finish(desk: &Desk, stops: &Stops) -> Result<Exit, Failure> {
    desk.ui.finish();
    let report = report::Stop {
        stopped: stops
            .stopped
            .iter()
            .map(|stopped| report::Stopped {
                instance: stopped.instance.clone(),
                name: stopped.name.clone(),
                deregistered: stopped.deregistered,
                terminated: stopped.terminated,
                billed_s: stopped.billed.map(|billed| billed.as_secs()),
                cost: stopped.cost,
            })
            .collect(),
        kept: stops.kept.iter().map(report_kept).collect(),
        failed: stops.failed.iter().map(report_failed).collect(),
    };
    desk.actions.summarise_stop(&StopSummary {
        stopped: stops
            .stopped
            .iter()
            .map(|s| StoppedRow {
                name: s.name.clone(),
                instance: s.instance.as_ref().map(ToString::to_string),
                billed: s.billed,
                cost: s.cost,
            })
            .collect(),
        kept: stops
            .kept
            .iter()
            .map(|k| KeptRow {
                name: k.name.clone(),
                instance: k.instance.as_ref().map(ToString::to_string),
                reason: k.reason.clone(),
            })
            .collect(),
        failed: stops
            .failed
            .iter()
            .map(|f| FailedRow {
                name: f.name.clone(),
                instance: f.instance.as_ref().map(ToString::to_string),
                error: f.error.clone(),
                command: f.command.clone(),
            })
            .collect(),
    })?;
    desk.ui.data(&if desk.json() {
        report.json()
    } else {
        report.text()
    })?;
    for unknown in &stops.unknown {
        desk.ui.warning(&format!(
            "{} could not be read: {}",
            unknown.source, unknown.error
        ));
    }
    for kept in &stops.kept {
        desk.ui.warning(&format!(
            "{} kept: {}",
            kept.instance
                .as_ref()
                .map_or_else(|| kept.name.clone(), ToString::to_string),
            kept.reason
        ));
    }
    if !stops.failed.is_empty() {
        let mut failure = Failure::new(
            Exit::Left,
            format!("{} could not be stopped", stops.failed.len()),
        );
        for failed in &stops.failed {
            let what = failed
                .instance
                .as_ref()
                .map_or_else(|| failed.name.clone(), ToString::to_string);
            desk.ui
                .warning(&format!("{what} may still be running: {}", failed.error));
            failure = failure.hinted(format!("try again: `{}`", failed.command));
        }
        return Err(failure);
    }
    if !stops.unknown.is_empty() {
        return Err(Failure::new(
            Exit::Failed,
            "not everything could be looked at, so it is not proved that nothing is left",
        ));
    }
    if stops.stopped.is_empty() && stops.kept.is_empty() {
        desk.ui.status("Nothing to stop");
    }
    Ok(if stops.kept.is_empty() {
        Exit::Done
    } else {
        Exit::Left
    })
}
