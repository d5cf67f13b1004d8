//! Why a start failed and what is left of it, in lines for a screen and an annotation.

use crate::commands::Context;
use crate::commands::screen::Group;
use crate::error::{Failure, of_launch};
use crate::fleet::{Failed, Left, StartOutcome, Trouble};
use crate::model::outline;
use crate::plan::Plan;

/// More commands of one sort would push the cause off the screen.
pub(super) const MOST: usize = 3;

/// The providers of a plan, as a sentence names them.
pub(super) fn at(plan: &Plan) -> String {
    let names = plan.providers.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
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

/// The runners that failed, by cause; a setting at fault is named with its place.
pub(super) fn groups(context: &Context, failed: &[Failed]) -> Vec<Group> {
    let tables = &context.settings.tables;
    let each = failed.iter();
    Group::all(each.map(|one| (one.name.to_string(), of_launch(&one.trouble, tables))))
}

/// Something that is left, and what of it.
pub(super) fn still_there(left: &Left) -> String {
    let what = left.instance.as_ref().map_or_else(
        || left.name.to_string(),
        |instance| format!("{} ({instance})", left.name),
    );
    let word = match (left.kept, left.registration_only) {
        (true, _) => "is still there",
        (false, false) => "may still be running",
        (false, true) => "is still registered with GitHub; it has no machine",
    };
    format!("{what} {word}")
}

/// Whether why it is left is why its runner failed, which is told with that.
pub(super) fn is_told(left: &Left, failed: &[Failed]) -> bool {
    let lost = |one: &Failed| one.name == left.name && matches!(one.trouble, Trouble::Lost { .. });
    failed.iter().any(lost)
}

/// How to get in: by all ways, or where many machines are left by the best one.
pub(super) fn connect(left: &Left, ways: usize) -> impl Iterator<Item = String> {
    let commands = left.access_commands.iter().take(ways);
    commands.map(|access| format!("connect: `{access}`"))
}

/// What removes what is left: one command a machine, and one for many.
pub(super) fn end(left: &[Left]) -> Vec<String> {
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
