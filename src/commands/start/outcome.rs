//! What a start came to: the report, the summary, and how to end.

use super::remains::{
    MOST, at, connect, end, failed_with, groups, is_told, left_lines, still_there, told,
};
use crate::actions::AnnotationLevel;
use crate::commands::Context;
use crate::commands::screen::Group;
use crate::error::{Exit, Failure};
use crate::fleet::{Failed, Left, StartOutcome};
use crate::model::Error;
use crate::plan::Plan;
use crate::report::TextForm as _;

/// Writes the outcome in all its forms, and decides how to end. `spent` is what it cost, as a sentence. The outputs are written already, by the
/// events: they hold what is left, too.
pub(super) fn finish(
    context: &Context,
    plan: &Plan,
    outcome: &StartOutcome,
    spent: &str,
) -> Result<Exit, Failure> {
    context.ui.finish();
    // What was said while the runners came up is far above.
    context.screen.clear();
    context.say_moved_aside();
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_start(outcome));
    let written = screen.data(outcome, outcome.text());
    let exit = outcome.exit();
    let fails = matches!(exit, Exit::Left | Exit::Failed);
    // On a screen the headline and the cause come first.
    if !fails || screen.annotates() || written.is_err() {
        say_left(context, &outcome.left, &outcome.failed);
    }
    written.map_err(|failure| unsaid(outcome, failure))?;
    match exit {
        Exit::Left | Exit::Failed if context.ui.shows_screens() => {
            // Some may have come up beside what is left of others.
            super::card::show(context, plan, outcome);
            let card = super::card::of_failure(context, plan, outcome, spent);
            context.screen.failed(&card);
        }
        Exit::Left | Exit::Failed => return Err(failed(context, plan, outcome)),
        Exit::Interrupted => {
            say_failed(context, &outcome.failed);
            let left = if outcome.left.is_empty() {
                "Nothing is left: no machine, no registration"
            } else {
                "No machine is left"
            };
            if context.ui.shows_screens() {
                context.ui.status(format!("{left}. {spent}").trim_end());
            } else {
                context.ui.status(left);
            }
        }
        _ if outcome.failed.is_empty() => super::card::show(context, plan, outcome),
        _ => {
            super::card::show(context, plan, outcome);
            say_failed(context, &outcome.failed);
            screen.warn(&Error::from(format!(
                "{} of {} runners are online, {} failed",
                outcome.up.len(),
                plan.count,
                outcome.failed.len()
            )));
        }
    }
    Ok(exit)
}

/// Nobody was told what is there, so that it must not be taken for nothing.
fn unsaid(outcome: &StartOutcome, failure: Failure) -> Failure {
    let exit = if outcome.is_anything_there() {
        Exit::Left
    } else {
        Exit::Failed
    };
    let failure = failure.while_trying("could not write the result");
    let failure = failure.map(|_| exit);
    outcome.up.iter().fold(failure, |failure, up| {
        failure.hinted(format!(
            "it is running: end it with `gharun stop {}`",
            up.instance
        ))
    })
}

/// The last words of a start that failed: the headline, the causes, what is left, and what helps.
fn failed(context: &Context, plan: &Plan, outcome: &StartOutcome) -> Failure {
    let (count, failed) = (usize::from(plan.count.get()), outcome.failed.len());
    let at = at(plan);
    let groups = groups(context, &outcome.failed);
    let headline = match count {
        _ if outcome.interrupted => "interrupted".to_owned(),
        1 => format!("could not start the runner at {at}"),
        _ if failed < count && !plan.allow_partial => {
            format!("{failed} of {count} runners failed at {at}, so the start was undone")
        }
        _ if failed < count => format!("{failed} of {count} runners failed at {at}"),
        _ => format!("could not start {count} runners at {at}"),
    };
    let mut lines = vec![headline];
    lines.extend(told(&groups, failed == count || failed == 1));
    lines.extend(left_lines(context, outcome));
    failed_with(context, outcome, &groups).saying(lines.join("\n"))
}

/// Says why runners failed whose failure is not the command's.
pub(super) fn say_failed(context: &Context, failed: &[Failed]) {
    for Group { names, error, .. } in groups(context, failed) {
        let what = match names.as_slice() {
            [name] => format!("runner `{name}` failed"),
            names => format!("{} runners failed", names.len()),
        };
        context
            .screen
            .tell(AnnotationLevel::Error, &error.while_trying(what));
    }
}

/// What providers and GitHub say would help.
pub(super) fn hints(failed: &[Failed]) -> impl Iterator<Item = String> {
    failed.iter().flat_map(|failed| failed.trouble.hints())
}

/// Names what is still there, and what removes it. The cause of what `failed` is told with that.
pub(super) fn say_left(context: &Context, left: &[Left], failed: &[Failed]) {
    for left in left {
        let what = still_there(left);
        let error = if is_told(left, failed) {
            Error::from(what)
        } else {
            left.why.clone().while_trying(what)
        };
        let title = title(context, left);
        let end = end(std::slice::from_ref(left));
        context.screen.left(
            &title,
            &error.hinted_all(connect(left, MOST)).hinted_all(end),
        );
    }
}

/// What an annotation of something that is left is called: whether it costs money is to be seen at once.
fn title(context: &Context, left: &Left) -> String {
    let name = &left.name;
    let provider = left.instance.as_ref().map(|machine| &machine.provider);
    let kind = provider.and_then(|provider| context.settings.tables.kind_of(provider).ok());
    match (
        left.registration_only,
        kind.is_none_or(|kind| kind.is_rented),
    ) {
        (true, _) => format!("{name} is still registered"),
        (false, true) => format!("{name} may still cost money"),
        (false, false) if left.kept => format!("{name} is kept"),
        (false, false) => format!("{name} may still be running"),
    }
}
