//! What a stop says where something is left, or could not be read.

use super::what;
use crate::commands::Context;
use crate::commands::screen::Group;
use crate::error::Failure;
use crate::fleet::stop::{Kept, StopOutcome};
use crate::fleet::survey::Unknown;
use crate::model::{Error, chain};

/// What could not be read and was not `said` yet. What helps with the same refusal is told with what it left.
pub(super) fn unsaid<'a>(
    outcome: &'a StopOutcome,
    said: &'a [Unknown],
) -> impl Iterator<Item = &'a Unknown> {
    let is_told = |one: &Unknown| {
        let hints = one.error.hints();
        let left = outcome.failed.iter().filter(|one| one.registration_only);
        let registered = outcome
            .stopped
            .iter()
            .filter_map(|one| one.registered.as_ref());
        let mut left = left.map(|one| &one.error).chain(registered);
        !hints.is_empty() && left.any(|left| left.hints() == hints)
    };
    let unknown = outcome.unknown.iter();
    unknown.filter(move |one| !said.contains(one) && !is_told(one))
}

/// What was left as it is, and why.
pub(super) fn kept_for(kept: &Kept) -> (String, Error) {
    let what = what(Some(&kept.name), kept.instance.as_ref());
    (format!("{what} kept"), Error::from(kept.reason.as_str()))
}

/// What is wrong, where something is.
pub(super) fn complaint(
    context: &Context,
    outcome: &StopOutcome,
    said: &[Unknown],
) -> Option<Failure> {
    let failed = outcome.failed.iter();
    let may_run = failed.filter(|failed| !failed.registration_only).count();
    let registered = outcome.stopped.iter().filter_map(|one| {
        let what = what(one.name.as_ref(), one.instance.as_ref());
        Some((what, one.registered.clone()?))
    });
    let registered: Vec<_> = registered.collect();
    let left = outcome.failed.len() + registered.len();
    let text = match (may_run, left, outcome.unknown.len()) {
        (0, 0, 0) if outcome.pending.is_empty() => return None,
        (0, 0, 0) => "a start was ended while its requests were under way".to_owned(),
        (0, 0, _) if outcome.planned => {
            "could not read everything: there may be more than is listed".to_owned()
        }
        (0, 0, _) => "could not read everything, so something may be left".to_owned(),
        (0, count, _) => {
            let s = if count == 1 { "" } else { "s" };
            format!("could not remove {count} registration{s} from GitHub; their machines are gone")
        }
        (_, count, _) if outcome.planned => format!("{count} cannot be stopped"),
        (count, _, _) => format!("{count} could not be stopped, and may still be running"),
    };
    let each = outcome.failed.iter().map(|failed| {
        let what = what(failed.name.as_ref(), failed.instance.as_ref());
        (what, failed.error.clone())
    });
    let pending = outcome.pending.iter();
    let pending = pending.map(|one| (one.name.to_string(), Error::from(one.word())));
    let text = text
        + &context.screen.lines(
            &Group::all(each.chain(registered).chain(pending)),
            |names| names.join(", "),
        );
    let several = |names: &[String]| names.join(", ");
    let text = if !context.screen.annotates() {
        // What keeps a machine from being ended is told with that.
        let is_told = |one: &&Unknown| {
            let why = chain(&one.error);
            outcome
                .failed
                .iter()
                .any(|failed| chain(&failed.error).ends_with(&why))
        };
        let unread = unsaid(outcome, said)
            .filter(|one| !is_told(one))
            .map(|one| {
                let what = format!("could not read {}", one.source);
                (what, one.error.clone())
            });
        let kept = outcome.kept.iter().map(kept_for);
        let told = outcome.sentence().filter(|_| !outcome.planned);
        let told = told.map(|told| format!("\n{told}"));
        let lines = context
            .screen
            .lines(&Group::all(unread.chain(kept)), several);
        text + &lines + &told.unwrap_or_default()
    } else if left == 0 {
        // An annotation stands alone.
        let unread = outcome.unknown.iter();
        let unread = unread.map(|one| (one.source.clone(), one.error.clone()));
        text + &context.screen.lines(&Group::all(unread), several)
    } else {
        text
    };
    let failure = Failure::new(outcome.exit(), text);
    let unread = outcome.unknown.iter().flat_map(|one| one.error.hints());
    let failure = failure.hinted_all(unread.cloned());
    let failure = if outcome.unknown.is_empty() || !failure.hints().is_empty() {
        failure
    } else {
        failure.hinted("see what can be read with `gharun list`")
    };
    let names = outcome.pending.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = names.collect();
    let failure = if names.is_empty() {
        failure
    } else {
        failure.hinted(format!("run `gharun stop {}` after that", names.join(" ")))
    };
    let failed = outcome.failed.iter();
    Some(failed.fold(failure, |failure, failed| {
        let failure = failure.hinted_all(failed.error.hints());
        let is_named = |hint: &String| hint.contains(&failed.command) || hint.contains("--force");
        let hints = failed.error.hints();
        let leads_on = !hints.is_empty() && !hints.iter().any(is_named);
        if failed.permanent && leads_on {
            failure.hinted(format!("then: `{}`", failed.command))
        } else if failed.permanent {
            failure
        } else {
            let after = match failed.error.hints() {
                [] => "",
                _ => "after that, ",
            };
            failure.hinted(format!("{after}try again: `{}`", failed.command))
        }
    }))
}
