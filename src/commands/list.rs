//! `gharun list`.

use std::time::Duration;

use super::Desk;
use super::interrupt::Interrupts;
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::verdict::{Registration, Verdict};
use crate::fleet::{Fleet, Row, Survey, age, survey};
use crate::model::Condition;
use crate::report;
use crate::ui;

/// The pause between two lists of `--watch`.
const WATCH: Duration = Duration::from_secs(5);

pub(super) async fn run(desk: &Desk, args: &cli::List) -> Result<Exit, Failure> {
    for name in &args.providers {
        desk.settings.tables.kind_of(name)?;
    }
    let places = desk.search(&args.providers, &[]).await?;
    let github = if args.no_github {
        None
    } else {
        Some(
            desk.github()
                .await
                .map_err(|failure| failure.hinted("or leave GitHub out with `--no-github`"))?,
        )
    };
    let fleet = Fleet {
        github: github.as_ref(),
        places: &places,
        store: &desk.store,
        sink: desk,
    };
    let view = desk.view(args.all_scopes, None);
    let mut interrupts = Interrupts::listen(false)?;
    loop {
        let found = tokio::select! {
            found = survey(&fleet, &view) => found,
            () = interrupts.next() => return Ok(Exit::Interrupted),
        };
        let exit = show(desk, &found, args.orphans)?;
        if !args.watch {
            return Ok(exit);
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = interrupts.next() => return Ok(Exit::Done),
        }
    }
}

fn show(desk: &Desk, survey: &Survey, orphans: bool) -> Result<Exit, Failure> {
    let doomed = |row: &&Row| {
        matches!(
            row.verdict,
            Verdict::Orphan | Verdict::Ghost | Verdict::Stale
        )
    };
    let rows: Vec<&Row> = survey
        .rows
        .iter()
        .filter(|row| !orphans || doomed(row))
        .collect();
    let report = report::List {
        machines: rows.iter().map(|row| machine(row, survey)).collect(),
        unknown: survey
            .unknown
            .iter()
            .map(|unknown| report::Unread {
                source: unknown.source.clone(),
                error: unknown.error.clone(),
            })
            .collect(),
    };
    let text = if desk.json() {
        report.json()
    } else if rows.is_empty() {
        desk.ui.status("No machines");
        String::new()
    } else {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row, survey)).collect();
        ui::table(
            &[
                "NAME", "PROVIDER", "MACHINE", "STATE", "RUNNER", "AGE", "EXPIRES", "COST",
                "VERDICT",
            ],
            &rows,
        )
    };
    desk.ui.data(&text)?;
    for notice in desk.store.notices() {
        desk.ui.warning(&notice.to_string());
    }
    for unknown in &survey.unknown {
        desk.ui.warning(&format!(
            "{} could not be read: {}",
            unknown.source, unknown.error
        ));
    }
    Ok(if survey.unknown.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn state(row: &Row) -> &'static str {
    match row.condition {
        Some(Condition::Pending) => "pending",
        Some(Condition::Running) => "running",
        Some(Condition::Ended(_)) => "ended",
        None => match row.machine {
            crate::fleet::verdict::Machine::Gone => "gone",
            _ => "unknown",
        },
    }
}

fn runner(row: &Row) -> &'static str {
    match row.registration {
        Registration::Absent => "absent",
        Registration::Busy => "busy",
        Registration::Offline => "offline",
        Registration::Online => "online",
        Registration::Unread => "unknown",
    }
}

fn cost(row: &Row, survey: &Survey) -> Option<f64> {
    Some(age(row.created?, survey.now).as_secs_f64() / 3600.0 * row.price_per_hour?)
}

fn machine(row: &Row, survey: &Survey) -> report::Machine {
    report::Machine {
        name: row.name.clone(),
        instance: row.instance.clone(),
        provider: row.provider.clone(),
        kind: row.kind.map(str::to_owned),
        state: state(row).to_owned(),
        runner: runner(row).to_owned(),
        runner_id: row.runner_id,
        scope: row.scope.clone(),
        run_id: row.run.map(|run| run.id),
        created_at: row.created,
        expires_at: row.expires,
        price_per_hour: row.price_per_hour,
        cost: cost(row, survey),
        verdict: row.verdict.to_string(),
        why: row.why.to_owned(),
    }
}

fn cells(row: &Row, survey: &Survey) -> Vec<String> {
    let none = || "-".to_owned();
    let expires = row.expires.map_or_else(none, |expires| {
        if expires < survey.now {
            "over".to_owned()
        } else {
            format!("in {}", short(age(survey.now, expires)))
        }
    });
    vec![
        row.name.to_string(),
        row.provider.clone().unwrap_or_else(none),
        row.instance
            .as_ref()
            .map_or_else(none, |reference| reference.id.to_string()),
        state(row).to_owned(),
        runner(row).to_owned(),
        row.created
            .map_or_else(none, |created| short(age(created, survey.now))),
        expires,
        cost(row, survey).map_or_else(none, |cost| format!("${cost:.2}")),
        format!("{} ({})", row.verdict, row.why),
    ]
}

/// A duration in its two largest units.
fn short(duration: Duration) -> String {
    let (seconds, minutes, hours) = (
        duration.as_secs() % 60,
        duration.as_secs() / 60 % 60,
        duration.as_secs() / 3600,
    );
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds:02}s"),
        (h, _) if h < 48 => format!("{h}h{minutes:02}m"),
        (h, _) => format!("{}d{}h", h / 24, h % 24),
    }
}
