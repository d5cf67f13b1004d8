//! `gharun stop`.

use super::Desk;
use super::interrupt::Interrupts;
use crate::actions::{FailedRow, KeptRow, StopSummary, StoppedRow};
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::Fleet;
use crate::fleet::stop::{
    Chosen, Kept, Selection, StopRequest, Stopped, Stops, Unstopped, carry_out, select,
};
use crate::model::{Name, Reference, StopTarget, chain};
use crate::report;
use crate::settings::Stop;

pub(super) async fn run(desk: &Desk, args: &cli::Stop) -> Result<Exit, Failure> {
    let stop = desk.settings.stop(args)?;
    let mut also = Vec::new();
    if let StopTarget::Named { machines, .. } = &stop.target {
        also.extend(machines.iter().map(|reference| reference.provider.clone()));
    }
    let places = desk.search(&stop.providers, &also).await?;
    let explicit = matches!(stop.target, StopTarget::Named { .. });
    let github = match desk.github().await {
        Ok(github) => Some(github),
        Err(failure) if explicit => {
            let why = chain(&failure);
            desk.ui
                .warning(&format!("registrations cannot be removed: {why}"));
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
    let view = desk.view(false, stop.older_than, &stop.providers);
    let request = StopRequest {
        target: stop.target.clone(),
        group: stop.group.clone(),
        second_look: stop.second_look,
        force: stop.force,
        wait: stop.wait,
        timeout: stop.timeout,
    };
    let selection = select(&fleet, &view, &request).await;
    for notice in desk.store.notices() {
        desk.ui.warning(&notice.to_string());
    }
    if stop.target == StopTarget::State && !desk.store.set_aside().await?.is_empty() {
        return Err(Failure::new(
            Exit::Failed,
            "the state file could not be read, so what it held is not known",
        )
        .hinted("name what is to be stopped: `--mapping`, `--run`, `--orphans` or a machine of `gharun list`"));
    }
    if stop.dry_run {
        return would(desk, &selection);
    }
    if !confirmed(desk, &stop, &selection).await? {
        return Err(Failure::usage("nothing was stopped"));
    }
    let patient = github.as_ref();
    let patient = patient.map(|github| super::hub::patient(github, stop.timeout));
    let fleet = Fleet {
        github: patient.as_ref(),
        ..fleet
    };
    let mut interrupts = Interrupts::listen(desk.settings.step.is_some())?;
    let stops = tokio::select! {
        stops = carry_out(&fleet, &view, &request, selection.clone()) => stops,
        () = interrupts.next() => return Ok(interrupted(desk, &selection)),
    };
    finish(desk, &stops)
}

/// The runner, its machine, or both, in as few words as tell it.
fn what(name: Option<&Name>, instance: Option<&Reference>) -> String {
    let instance = instance.map(ToString::to_string);
    instance
        .or_else(|| name.map(ToString::to_string))
        .unwrap_or_default()
}

/// What was being ended may be gone or not: each is named, with what ends it.
fn interrupted(desk: &Desk, selection: &Selection) -> Exit {
    desk.ui.finish();
    for chosen in &selection.chosen {
        let what = what(chosen.name.as_ref(), chosen.instance.as_ref());
        desk.ui.warning(&format!("{what} may still be running"));
        desk.ui.hint(&format!("end it: `gharun stop {what}`"));
    }
    if selection.chosen.is_empty() {
        Exit::Interrupted
    } else {
        Exit::Left
    }
}

/// Asks on a terminal before what the user did not name is ended; elsewhere `--yes` is asked for.
async fn confirmed(desk: &Desk, stop: &Stop, selection: &Selection) -> Result<bool, Failure> {
    let asks = matches!(
        stop.target,
        StopTarget::All | StopTarget::Orphans | StopTarget::State
    );
    if !asks || stop.yes || selection.chosen.is_empty() || desk.settings.step.is_some() {
        return Ok(true);
    }
    for chosen in &selection.chosen {
        let what = what(chosen.name.as_ref(), chosen.instance.as_ref());
        desk.ui.status(&format!("{what}: {}", chosen.why));
    }
    let count = selection.chosen.len();
    let answer = desk.ui.confirm(&format!("Stop these {count}?")).await;
    answer.map_err(|error| {
        super::unanswered(&error, &format!("{count} would be stopped"))
            .hinted("say so with `--yes`, or look first with `--dry-run`")
    })
}

fn would(desk: &Desk, selection: &Selection) -> Result<Exit, Failure> {
    let stopped = |chosen: &Chosen| report::Stopped {
        instance: chosen.instance.clone(),
        name: chosen.name.clone(),
        deregistered: false,
        terminated: false,
        billed: None,
        cost: None,
    };
    let report = report::Stop {
        stopped: selection.chosen.iter().map(stopped).collect(),
        kept: selection.kept.iter().map(report_kept).collect(),
        failed: selection.failed.iter().map(report_failed).collect(),
    };
    desk.ui
        .status(&format!("{} would be stopped", report.stopped.len()));
    desk.data(&report, report.text())?;
    Ok(Exit::Done)
}

fn report_kept(kept: &Kept) -> report::Kept {
    report::Kept {
        instance: kept.instance.clone(),
        name: kept.name.clone(),
        reason: kept.reason.clone(),
    }
}

fn report_failed(failed: &Unstopped) -> report::Failed {
    report::Failed {
        instance: failed.instance.clone(),
        name: failed.name.clone(),
        error: failed.error.clone(),
        command: failed.command.clone(),
    }
}

fn report_stopped(stopped: &Stopped) -> report::Stopped {
    report::Stopped {
        instance: stopped.instance.clone(),
        name: stopped.name.clone(),
        deregistered: stopped.deregistered,
        terminated: stopped.terminated,
        billed: stopped.billed,
        cost: stopped.cost,
    }
}

fn summary(stops: &Stops) -> StopSummary {
    let text = |instance: &Option<Reference>| instance.as_ref().map(ToString::to_string);
    let named = |name: &Option<Name>| name.as_ref().map(ToString::to_string).unwrap_or_default();
    let stopped = |one: &Stopped| StoppedRow {
        name: named(&one.name),
        instance: text(&one.instance),
        billed: one.billed,
        cost: one.cost,
    };
    let kept = |one: &Kept| KeptRow {
        name: one.name.to_string(),
        instance: text(&one.instance),
        reason: one.reason.clone(),
    };
    let failed = |one: &Unstopped| FailedRow {
        name: named(&one.name),
        instance: text(&one.instance),
        error: one.error.clone(),
        command: one.command.clone(),
    };
    StopSummary {
        stopped: stops.stopped.iter().map(stopped).collect(),
        kept: stops.kept.iter().map(kept).collect(),
        failed: stops.failed.iter().map(failed).collect(),
    }
}

fn finish(desk: &Desk, stops: &Stops) -> Result<Exit, Failure> {
    desk.ui.finish();
    let report = report::Stop {
        stopped: stops.stopped.iter().map(report_stopped).collect(),
        kept: stops.kept.iter().map(report_kept).collect(),
        failed: stops.failed.iter().map(report_failed).collect(),
    };
    if let Err(error) = desk.actions.summarise_stop(&summary(stops)) {
        desk.ui
            .warning(&format!("the job summary could not be written: {error}"));
    }
    desk.data(&report, report.text())?;
    desk.say_unknown(&stops.unknown);
    for kept in &stops.kept {
        let what = what(Some(&kept.name), kept.instance.as_ref());
        desk.ui.warning(&format!("{what} kept: {}", kept.reason));
    }
    if !stops.failed.is_empty() {
        let text = format!("{} could not be stopped", stops.failed.len());
        let mut failure = Failure::new(Exit::Left, text);
        for failed in &stops.failed {
            let what = what(failed.name.as_ref(), failed.instance.as_ref());
            desk.ui
                .warning(&format!("{what} may still be running: {}", failed.error));
            failure = failure.hinted(format!("try again: `{}`", failed.command));
        }
        return Err(failure);
    }
    if !stops.unknown.is_empty() {
        let text = "not everything could be looked at, so it is not proved that nothing is left";
        return Err(Failure::new(Exit::Failed, text));
    }
    if stops.stopped.is_empty() && stops.kept.is_empty() {
        desk.ui.status("Nothing to stop");
    }
    // What was only asked to end is not proved gone.
    let unproved = |one: &Stopped| one.instance.is_some() && !one.terminated;
    if stops.kept.is_empty() && !stops.stopped.iter().any(unproved) {
        Ok(Exit::Done)
    } else {
        Ok(Exit::Left)
    }
}
