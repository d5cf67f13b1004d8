//! What a start came to: the report, the summary, and how to end.

use crate::actions::AnnotationLevel;
use crate::commands::Context;
use crate::commands::screen::Group;
use crate::error::{Exit, Failure};
use crate::fleet::{Failed, Left, StartOutcome, Trouble};
use crate::model::Error;
use crate::plan::Plan;
use crate::report::TextForm as _;

/// Writes the outcome in all its forms, and decides how to end. The outputs are written already, by the
/// events: they hold what is left, too.
pub(super) fn finish(
    context: &Context,
    plan: &Plan,
    outcome: &StartOutcome,
) -> Result<Exit, Failure> {
    context.ui.finish();
    // What was said while the runners came up is far above.
    context.screen.clear();
    context.say_moved_aside();
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_start(outcome));
    let written = screen.data(outcome, outcome.text());
    say_left(context, &outcome.left, &outcome.failed);
    written.map_err(|failure| unsaid(outcome, failure))?;
    let exit = outcome.exit();
    match exit {
        Exit::Left | Exit::Failed => return Err(failed(context, plan, outcome)),
        Exit::Interrupted => {
            say_failed(context, &outcome.failed);
            context.ui.status(if outcome.left.is_empty() {
                "Nothing is left: no machine, no registration"
            } else {
                "No machine is left"
            });
        }
        _ if outcome.failed.is_empty() => {}
        _ => {
            say_failed(context, &outcome.failed);
            context.ui.warning(&format!(
                "{} of {} runners are online, {} failed",
                outcome.up.len(),
                plan.count,
                outcome.failed.len()
            ));
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

fn failed(context: &Context, plan: &Plan, outcome: &StartOutcome) -> Failure {
    let what = match plan.count.get() {
        1 => "the runner".to_owned(),
        count => format!("{count} runners"),
    };
    let at: Vec<String> = plan
        .providers
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let mut text = if outcome.interrupted {
        "interrupted".to_owned()
    } else {
        format!("could not start {what} at {}", at.join(", "))
    };
    let several = |names: &[String]| format!("{} runners failed", names.len());
    text += &context.screen.lines(&groups(&outcome.failed), several);
    let failure = Failure::new(outcome.exit(), text).hinted_all(hints(&outcome.failed));
    match failure.kind {
        Exit::Left => failure.hinted("the machines above may still be running and billed"),
        _ => failure.hinted("nothing is left running"),
    }
}

/// Says why runners failed whose failure is not the command's.
pub(super) fn say_failed(context: &Context, failed: &[Failed]) {
    for Group { names, error, .. } in groups(failed) {
        let what = match names.as_slice() {
            [name] => format!("runner `{name}` failed"),
            names => format!("{} runners failed", names.len()),
        };
        context
            .screen
            .tell(AnnotationLevel::Error, &error.while_trying(what));
    }
}

/// The runners that failed, by cause.
pub(super) fn groups(failed: &[Failed]) -> Vec<Group> {
    Group::all(
        failed
            .iter()
            .map(|one| (one.name.to_string(), one.trouble.error())),
    )
}

/// What providers and GitHub say would help.
pub(super) fn hints(failed: &[Failed]) -> impl Iterator<Item = String> {
    failed.iter().flat_map(|failed| failed.trouble.hints())
}

/// Names what is still there, and what removes it. The cause of what `failed` is told with that.
pub(super) fn say_left(context: &Context, left: &[Left], failed: &[Failed]) {
    for left in left {
        let what = left.instance.as_ref().map_or_else(
            || left.name.to_string(),
            |instance| format!("{} ({instance})", left.name),
        );
        let (word, end) = match (left.kept, left.registration_only) {
            (true, _) => ("kept", "end it"),
            (false, false) => ("may still be running", "end it"),
            (false, true) => (
                "is still registered with GitHub; no machine of it is left",
                "remove it",
            ),
        };
        let end = format!("{end}: `{}`", left.command);
        let access = left
            .access_commands
            .iter()
            .map(|access| format!("connect: `{access}`"));
        let what = format!("{what} {word}");
        let lost =
            |one: &Failed| one.name == left.name && matches!(one.trouble, Trouble::Lost { .. });
        let why = if failed.iter().any(lost) {
            Error::from(what)
        } else {
            left.why.clone().while_trying(what)
        };
        context.screen.warn(&why.hinted_all(access).hinted(end));
    }
}
