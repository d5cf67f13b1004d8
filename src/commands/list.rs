//! `gharun list`.

use std::time::Duration;

use super::Context;
use super::interrupt::Interrupts;
use super::screen::Group;
use crate::error::{Exit, Failure};
use crate::fleet::Fleet;
use crate::fleet::list::{ListOutcome, ListRequest, list};
use crate::report::Table as _;
use crate::settings::ListSettings;
use crate::ui;

/// The pause between two lists of `--watch`.
const WATCH: Duration = Duration::from_secs(5);

pub(super) async fn run(
    context: &Context,
    settings: &ListSettings,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let opened = context.search(&settings.providers);
    let opened = interrupts.unless(opened).await?;
    let github = if settings.no_github {
        None
    } else {
        let github = interrupts.unless(context.github()).await;
        Some(github.map_err(|failure| match failure.kind {
            Exit::Interrupted => failure,
            _ => failure.hinted("skip GitHub with `--no-github`"),
        })?)
    };
    let fleet = Fleet {
        github: github.as_ref(),
        providers: &opened.places,
        unopened: &opened.unopened,
        store: &context.store,
        sink: context,
    };
    let request = ListRequest {
        view: context.view(
            settings.all_scopes,
            settings.older_than,
            &settings.providers,
        ),
        orphans: settings.orphans,
        group: settings.group.clone(),
    };
    // With `--watch` a signal is the end that is expected: what was shown last decides.
    let mut last = None;
    loop {
        let outcome = interrupts.unless(async { Ok(list(&fleet, &request).await) });
        let outcome = match (Box::pin(outcome).await, last) {
            (Ok(outcome), _) => outcome,
            (Err(failure), Some(last)) if failure.kind == Exit::Interrupted => return Ok(last),
            (Err(failure), _) => return Err(failure),
        };
        let mut outcome = ListOutcome {
            not_searched: opened.not_searched.clone(),
            ..outcome
        };
        let passed_over = Context::unknown_of(settings.passed_over.as_ref());
        outcome.unknown.extend(passed_over);
        if !settings.watch {
            let screen = &context.screen;
            screen.summarise(|actions| actions.summarise_list(&outcome));
            screen.data(&outcome, text(context, &outcome))?;
            if outcome.unknown.is_empty() || screen.annotates() {
                context.say_unknown(&outcome.unknown);
                return Ok(outcome.exit());
            }
            return Err(incomplete(context, &outcome));
        }
        context.screen.clear();
        context.screen.line(&outcome, text(context, &outcome))?;
        context.say_unknown(&outcome.unknown);
        last = Some(outcome.exit());
        tokio::select! {
            () = tokio::time::sleep(WATCH) => {}
            () = interrupts.next() => return Ok(outcome.exit()),
        }
    }
}

/// What could not be read, below the headline.
fn incomplete(context: &Context, outcome: &ListOutcome) -> Failure {
    let each = outcome.unknown.iter().map(|one| {
        let what = format!("could not read {}", one.source);
        (what, one.error.clone())
    });
    let lines = context
        .screen
        .lines(&Group::all(each), |names| names.join(", "));
    let text = "could not read everything: there may be more than is listed".to_owned() + &lines;
    let failure = Failure::new(outcome.exit(), text);
    let hints = outcome.unknown.iter().flat_map(|one| one.error.hints());
    failure.hinted_all(hints.cloned())
}

/// A table; where there is none, it is said.
fn text(context: &Context, outcome: &ListOutcome) -> String {
    if !outcome.machines.is_empty() {
        return ui::table(ListOutcome::HEADER, &outcome.rows());
    }
    // There may be some where nobody could look.
    if outcome.unknown.is_empty() {
        context.ui.status("No machines");
    }
    String::new()
}
