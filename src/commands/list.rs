//! `gharun list`.

use std::time::Duration;

use super::Desk;
use super::interrupt::Interrupts;
use crate::error::{Exit, Failure};
use crate::fleet::Fleet;
use crate::fleet::survey::{Row, Survey, survey};
use crate::report;
use crate::settings::List;
use crate::ui;

/// The pause between two lists of `--watch`.
const WATCH: Duration = Duration::from_secs(5);

pub(super) async fn run(desk: &Desk, list: &List) -> Result<Exit, Failure> {
    let places = desk.search(&list.providers, &[]).await?;
    let github = if list.no_github {
        None
    } else {
        let github = desk.github().await;
        Some(github.map_err(|failure| failure.hinted("or leave GitHub out with `--no-github`"))?)
    };
    let fleet = Fleet {
        github: github.as_ref(),
        places: &places,
        store: &desk.store,
        sink: desk,
    };
    let view = desk.view(list.all_scopes, list.older_than, &list.providers);
    let mut interrupts = Interrupts::listen(false)?;
    loop {
        let found = tokio::select! {
            found = survey(&fleet, &view) => found,
            () = interrupts.next() => return Ok(Exit::Interrupted),
        };
        let exit = show(desk, &found, list)?;
        if !list.watch {
            return Ok(exit);
        }
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = interrupts.next() => return Ok(Exit::Done),
        }
    }
}

fn show(desk: &Desk, survey: &Survey, list: &List) -> Result<Exit, Failure> {
    let group = list.group.as_deref();
    let rows = survey.rows.iter();
    let rows = rows.filter(|row| !list.orphans || row.is_swept(group));
    let unknown = survey.unknown.iter().map(|unknown| report::Unknown {
        source: unknown.source.clone(),
        error: unknown.error.clone(),
    });
    let report = report::List {
        machines: rows.map(machine).collect(),
        unknown: unknown.collect(),
        now: survey.now,
    };
    let text = if report.machines.is_empty() {
        desk.ui.status("No machines");
        String::new()
    } else {
        ui::table(&report::List::HEADER, &report.rows())
    };
    desk.data(&report, text)?;
    for notice in desk.store.notices() {
        desk.ui.warning(&notice.to_string());
    }
    desk.say_unknown(&survey.unknown);
    Ok(if survey.unknown.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn machine(row: &Row) -> report::Machine {
    report::Machine {
        name: row.name.clone(),
        instance: row.instance.clone(),
        provider: row.provider.clone(),
        kind: row.kind.map(str::to_owned),
        state: row.machine_state().to_owned(),
        runner: row.runner_state().to_owned(),
        runner_id: row.runner_id,
        scope: row.scope.clone(),
        run_id: row.run.map(|run| run.id),
        created_at: row.created,
        expires_at: row.expires,
        price_per_hour: row.price_per_hour,
        cost: row.cost,
        verdict: row.verdict.to_string(),
        why: row.why.clone(),
    }
}
