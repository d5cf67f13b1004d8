//! What a start came to: the report, the summary, and how to end.

use crate::actions::AnnotationLevel;
use crate::commands::Context;
use crate::commands::screen::Group;
use crate::error::{Exit, Failure, of_launch};
use crate::fleet::{Failed, Left, StartOutcome, Trouble};
use crate::model::{Error, outline};
use crate::plan::Plan;
use crate::report::TextForm as _;

/// More commands of one sort would push the cause off the screen.
const MOST: usize = 3;

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
                context.ui.status(&format!("{left}. {spent}"));
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
    let at: Vec<String> = plan
        .providers
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let at = at.join(", ");
    let groups = groups(context, &outcome.failed);
    let headline = match count {
        _ if outcome.interrupted => "interrupted".to_owned(),
        1 => format!("could not start the runner at {at}"),
        _ if failed < count && !plan.allow_partial => {
            format!("{failed} of {count} runners failed at {at}, so the start was undone")
        }
        _ => format!("could not start {count} runners at {at}"),
    };
    let mut lines = vec![headline];
    lines.extend(told(&groups, failed == count || failed == 1));
    lines.extend(left_lines(context, outcome));
    failed_with(context, outcome, &groups).saying(lines.join("\n"))
}

/// A start that failed, with what helps.
pub(super) fn failed_with(context: &Context, outcome: &StartOutcome, groups: &[Group]) -> Failure {
    let failure = Failure::new(outcome.exit(), String::new());
    let failure = groups.iter().fold(failure, |failure, group| {
        failure.hinted_all(group.error.hints())
    });
    let failure = match outcome.failed.iter().find_map(refused_by) {
        Some(provider) if failure.hints().is_empty() => failure.hinted(format!(
            "see what is wrong with `gharun providers check {provider}`"
        )),
        _ => failure,
    };
    if context.screen.annotates() {
        // Each has an annotation of its own.
        return failure;
    }
    let failure = outcome.left.iter().fold(failure, |failure, left| {
        failure.hinted_all(left.why.hints()).hinted_all(connect(
            left,
            if outcome.left.len() > MOST { 1 } else { MOST },
        ))
    });
    failure.hinted_all(end(&outcome.left))
}

/// The causes, a paragraph each; whose each is, unless it is of all.
pub(super) fn told(groups: &[Group], is_of_all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for group in groups {
        let why = outline(&group.error);
        let who = match group.names.as_slice() {
            _ if groups.len() == 1 && is_of_all => String::new(),
            [name] => format!("{name}: "),
            names => format!("{} runners: ", names.len()),
        };
        for (number, line) in why.iter().enumerate() {
            lines.push(if number == 0 {
                format!("{who}{line}")
            } else {
                line.clone()
            });
        }
    }
    lines
}

/// What is left, a line each. Why, where it is annotated, stands there.
pub(super) fn left_lines(context: &Context, outcome: &StartOutcome) -> Vec<String> {
    let left = &outcome.left;
    if left.is_empty() {
        return vec!["nothing is left running".to_owned()];
    }
    if context.screen.annotates() {
        return left.iter().map(still_there).collect();
    }
    let (told, others): (Vec<&Left>, Vec<&Left>) =
        left.iter().partition(|left| is_told(left, &outcome.failed));
    let mut lines: Vec<String> = told.into_iter().map(still_there).collect();
    let each = others
        .iter()
        .map(|left| (left.name.to_string(), left.why.clone()));
    for group in Group::all(each) {
        let of = |left: &&&Left| group.names.contains(&left.name.to_string());
        let machines = others.iter().filter(of).map(|left| still_there(left));
        let mut machines: Vec<String> = machines.collect();
        if let Some(last) = machines.last_mut() {
            last.push_str(": ");
            last.push_str(&crate::model::chain(&group.error));
        }
        lines.extend(machines);
    }
    lines
}

/// The provider that did not launch a runner.
fn refused_by(failed: &Failed) -> Option<&str> {
    match &failed.trouble {
        Trouble::Launch { provider, .. } => Some(provider),
        Trouble::NoRoom(all) => all.first().map(|(provider, _)| provider.as_str()),
        _ => None,
    }
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

/// The runners that failed, by cause; a setting at fault is named with its place.
pub(super) fn groups(context: &Context, failed: &[Failed]) -> Vec<Group> {
    let tables = &context.settings.tables;
    let each = failed.iter();
    Group::all(each.map(|one| (one.name.to_string(), of_launch(&one.trouble, tables))))
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

/// Something that is left, and what of it.
fn still_there(left: &Left) -> String {
    let what = left.instance.as_ref().map_or_else(
        || left.name.to_string(),
        |instance| format!("{} ({instance})", left.name),
    );
    let word = match (left.kept, left.registration_only) {
        (true, _) => "is still there",
        (false, false) => "may still be running",
        (false, true) => "is still registered with GitHub; its machine is gone",
    };
    format!("{what} {word}")
}

/// Whether why it is left is why its runner failed, which is told with that.
fn is_told(left: &Left, failed: &[Failed]) -> bool {
    let lost = |one: &Failed| one.name == left.name && matches!(one.trouble, Trouble::Lost { .. });
    failed.iter().any(lost)
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

/// How to get in: by all ways, or where many machines are left by the best one.
fn connect(left: &Left, ways: usize) -> impl Iterator<Item = String> {
    let commands = left.access_commands.iter().take(ways);
    commands.map(|access| format!("connect: `{access}`"))
}

/// What removes what is left: one command a machine, and one for many.
fn end(left: &[Left]) -> Vec<String> {
    let (registrations, machines): (Vec<&Left>, Vec<&Left>) =
        left.iter().partition(|left| left.registration_only);
    let mut hints = Vec::new();
    for (of, one, many) in [
        (machines, "end it", "end them"),
        (registrations, "remove it", "remove them"),
    ] {
        if of.len() > MOST {
            let named: Vec<String> = of.iter().map(|left| left.what()).collect();
            hints.push(format!("{many}: `gharun stop {}`", named.join(" ")));
        } else {
            hints.extend(of.iter().map(|left| format!("{one}: `{}`", left.command)));
        }
    }
    hints
}
