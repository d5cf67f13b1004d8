//! `gharun list`.

use std::time::Duration;

use super::Desk;
use super::interrupt::Interrupts;
use crate::error::{Exit, Failure};
use crate::fleet::Fleet;
use crate::fleet::list::{ListOutcome, ListRequest, list};
use crate::report::Table as _;
use crate::settings::List;
use crate::ui;

/// The pause between two lists of `--watch`.
const WATCH: Duration = Duration::from_secs(5);

pub(super) async fn run(desk: &Desk, settings: &List) -> Result<Exit, Failure> {
    let opened = desk.search(&settings.providers).await?;
    let github = if settings.no_github {
        None
    } else {
        let github = desk.github().await;
        Some(github.map_err(|failure| failure.hinted("skip GitHub with `--no-github`"))?)
    };
    let fleet = Fleet {
        github: github.as_ref(),
        places: &opened.places,
        unopened: &opened.unopened,
        store: &desk.store,
        sink: desk,
    };
    let request = ListRequest {
        view: desk.view(
            settings.all_scopes,
            settings.older_than,
            &settings.providers,
        ),
        orphans: settings.orphans,
        group: settings.group.clone(),
    };
    let mut interrupts = Interrupts::listen(false)?;
    loop {
        let outcome = tokio::select! {
            outcome = list(&fleet, &request) => outcome,
            () = interrupts.next() => return Ok(Exit::Interrupted),
        };
        let outcome = ListOutcome {
            not_searched: opened.not_searched.clone(),
            ..outcome
        };
        if !settings.watch {
            let screen = &desk.screen;
            screen.summarise(|actions| actions.summarise_list(&outcome));
            screen.data(&outcome, text(desk, &outcome))?;
            desk.say_unknown(&outcome.unknown);
            return Ok(outcome.exit());
        }
        desk.screen.clear();
        desk.screen.line(&outcome, text(desk, &outcome))?;
        desk.say_unknown(&outcome.unknown);
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = interrupts.next() => return Ok(Exit::Done),
        }
    }
}

/// A table; where there is none, it is said.
fn text(desk: &Desk, outcome: &ListOutcome) -> String {
    if !outcome.machines.is_empty() {
        return ui::table(ListOutcome::HEADER, &outcome.rows());
    }
    // There may be some where nobody could look.
    if outcome.unknown.is_empty() {
        desk.ui.status("No machines");
    }
    String::new()
}
