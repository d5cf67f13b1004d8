//! The job summary: Markdown that GitHub shows on the run's page.

use crate::fleet::list::ListOutcome;
use crate::fleet::stop::StopOutcome;
use crate::fleet::{Failed, Left, StartOutcome};
use crate::model::text::span;
use crate::model::{Error, Exit, Name, Reference, cost_in_words};
use crate::report::{Checks, OffersReport, Table as _};

mod page;

use page::{SummaryPage, cell, code, maybe, reason, runner};

/// GitHub shows no summary of a step that is longer than 1 MiB.
pub(super) const MOST: usize = 1 << 20;

/// What every summary of `start` has to say, since GitHub's own button is a trap here.
const RERUN: &str = "A runner serves one job. **Re-run failed jobs** cannot start a new one; use \
                     **Re-run all jobs**.";

/// Writes up a `start` in at most `room` bytes; `None` when not even the heading fits.
pub(super) fn start(outcome: &StartOutcome, room: usize) -> Option<String> {
    let up = outcome.up.iter().map(|up| {
        vec![
            runner(Some(&up.name)),
            cell(&up.provider),
            code(&up.instance.to_string()),
            cell(&up.rental.terms()),
            span(up.launched_after),
            span(up.online_after),
            maybe(up.rental.price, |price| price.to_string()),
            up.expires.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            "online".to_owned(),
        ]
    });
    let failed = outcome.failed.iter().map(|failed| {
        let mut row = vec![runner(Some(&failed.name))];
        row.resize(8, String::new());
        row.push(reason(&failed.trouble.error()));
        row
    });
    let rows: Vec<_> = up.chain(failed).collect();
    let mut page = SummaryPage::new(room, &format!("{RERUN}\n"))?;
    page.left(&outcome.left);
    page.table(
        "Runners started by gharun",
        &[
            "Runner",
            "Provider",
            "Machine",
            "Rented",
            "Launched after",
            "Online after",
            "Price",
            "Ends itself",
            "Outcome",
        ],
        rows.into_iter(),
    );
    page.finish()
}

/// What is left where no machine is.
const REGISTRATIONS: &str = "Registrations without a machine that are left at GitHub";

/// Writes up what was warned of in at most `room` bytes; `None` when nothing fits.
pub(super) fn warnings(warnings: &[String], room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let rows = warnings.iter().map(|warning| {
        let lines: Vec<String> = warning.lines().map(cell).collect();
        vec![lines.join("<br>")]
    });
    page.table("Warnings", &["Warning"], rows);
    page.finish()
}

/// What a rehearsal came to.
#[derive(Debug)]
pub struct Rehearsed<'a> {
    /// Each runner that came up, its machine, and what happened to it when.
    pub runners: Vec<(&'a Name, &'a Reference, String)>,
    /// Those that failed.
    pub failed: &'a [Failed],
    /// What is still there of those.
    pub left: &'a [Left],
    /// What went wrong with the rehearsal itself.
    pub error: Option<&'a Error>,
}

/// Writes up a rehearsal in at most `room` bytes; `None` when nothing fits.
pub(super) fn rehearsal(rehearsal: &Rehearsed<'_>, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.left(rehearsal.left);
    page.table(
        "The rehearsal failed",
        &["Error"],
        rehearsal.error.iter().map(|error| vec![reason(error)]),
    );
    let up = rehearsal.runners.iter().map(|(name, machine, timeline)| {
        let lines: Vec<String> = timeline.lines().map(|line| cell(line.trim())).collect();
        let machine = code(&machine.to_string());
        vec![runner(Some(name)), machine, lines.join("<br>")]
    });
    let failed = rehearsal.failed.iter().map(|failed| {
        let why = reason(&failed.trouble.error());
        vec![runner(Some(&failed.name)), String::new(), why]
    });
    let rows: Vec<_> = up.chain(failed).collect();
    page.table(
        "Runners rehearsed by gharun",
        &["Runner", "Machine", "Outcome"],
        rows.into_iter(),
    );
    page.finish()
}

/// Writes up a `list` in at most `room` bytes; `None` when nothing fits.
pub(super) fn list(list: &ListOutcome, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.unknown(&list.unknown);
    let rows = list.rows();
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect());
    page.table("Machines", ListOutcome::HEADER, rows);
    page.finish()
}

/// Writes up a `providers check` in at most `room` bytes; `None` when nothing fits.
pub(super) fn checks(checks: &Checks, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let rows = checks.checks.iter().map(|check| {
        let warnings = check.warnings.iter().map(reason);
        let warnings = warnings.map(|warning| format!("warning&#58; {warning}"));
        let facts = check.facts.iter().map(|fact| cell(fact));
        let error = check.error.iter().map(reason);
        let found: Vec<String> = error.chain(facts).chain(warnings).collect();
        vec![
            code(&check.name),
            cell(check.status.word()),
            found.join("<br>"),
        ]
    });
    page.table("What gharun checked", &["Part", "Result", "Found"], rows);
    page.finish()
}

/// Writes up a `providers offers` in at most `room` bytes; `None` when nothing fits.
pub(super) fn offers(offers: &OffersReport, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.unknown(&offers.unknown);
    let rows = offers.rows();
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect());
    page.table("Machine types", OffersReport::HEADER, rows);
    page.finish()
}

/// Writes up why a command failed before it had an outcome, in at most `room` bytes; `None` when nothing
/// fits.
pub(super) fn failure(command: &str, error: &Error<Exit>, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let title = format!("gharun {command} failed");
    page.table(&title, &["Error"], [vec![reason(error)]].into_iter());
    page.finish()
}

/// Writes up a `stop` in at most `room` bytes; `None` when nothing fits.
pub(super) fn stop(stop: &StopOutcome, room: usize) -> Option<String> {
    let total = stop.total();
    let cost = maybe(total, |total| format!("Together {}\n", total.sum()));
    let mut page = SummaryPage::new(room, &cost)?;
    let failed = stop.failed.iter();
    let (registrations, may_run): (Vec<_>, Vec<_>) =
        failed.partition(|failed| failed.registration_only);
    // What still costs money comes first, so that it is there when the room ends.
    page.table(
        "Machines that may still be running",
        &["Runner", "Machine", "Error", "End it with"],
        may_run.into_iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                reason(&row.error),
                code(&row.command),
            ]
        }),
    );
    page.table(
        "Machines that may still come",
        &["Runner", "Until", "Then run"],
        stop.pending.iter().map(|row| {
            vec![
                runner(Some(&row.name)),
                cell(&row.word()),
                code(&row.command),
            ]
        }),
    );
    page.table(
        REGISTRATIONS,
        &["Runner", "Error", "Remove it with"],
        registrations.into_iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                reason(&row.error),
                code(&row.command),
            ]
        }),
    );
    page.unknown(&stop.unknown);
    page.table(
        "Machines kept by gharun",
        &["Runner", "Machine", "Reason"],
        stop.kept.iter().map(|row| {
            vec![
                runner(Some(&row.name)),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                cell(&row.reason),
            ]
        }),
    );
    page.table(
        "Machines stopped by gharun",
        &["Runner", "Machine", "Ran for", "Cost"],
        stop.stopped.iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                maybe(row.billed, span),
                maybe(row.cost, |cost| cost_in_words(cost, row.cost_at_most)),
            ]
        }),
    );
    page.finish()
}

#[cfg(test)]
mod tests;
