//! `gharun stop`.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Context;
use super::interrupt::{Interrupts, interrupted};
use super::opening::Opened;
use super::screen::Group;
use crate::cli;
use crate::error::{Exit, Failure};
use crate::fleet::stop::{Kept, Selection, StopOutcome, StopRequest, carry_out, select};
use crate::fleet::survey::{STATE_FILE, Unknown, View};
use crate::fleet::{CancellationToken, Fleet};
use crate::github::Client;
use crate::model::{Error, Name, Reference, StopTarget, chain};
use crate::report::TextForm as _;
use crate::settings::StopSettings;
use crate::state::Entries;

/// How long the look around may take after a signal: enough for one that is nearly done.
const LAST_LOOK: Duration = Duration::from_secs(2);
/// How long the state file may take to be read then.
const LAST_READ: Duration = Duration::from_millis(500);

pub(super) async fn run(
    context: &Context,
    args: &cli::StopArgs,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let stop = settings(context, args, interrupts).await?;
    let view = context.view(false, stop.older_than, &stop.providers);
    // What was named is there until a look proves that it is not.
    let is_named = !stop.dry_run && names_machines(context, &stop, &view).await;
    context.at_stake.set(is_named);
    let hurry = CancellationToken::default();
    let mut looking = std::pin::pin!(look(context, &stop, &view, &hurry));
    let looked = tokio::select! {
        biased;
        looked = &mut looking => Some(looked?),
        () = interrupts.next() => { hurry.say(); None }
    };
    let mut heard = looked.is_none().then(Instant::now);
    let looked = if let Some(looked) = looked {
        looked
    } else if stop.dry_run {
        return Err(interrupted());
    } else if let Ok(looked) = timeout(LAST_LOOK, looking).await {
        looked?
    } else {
        let recorded = recorded(context, &stop, &view).await;
        let outcome = StopOutcome::interrupted_looking(&stop.target, recorded);
        return finish(context, &outcome, &[]);
    };
    let Looked {
        opened,
        github,
        selection,
    } = looked;
    if stop.target == StopTarget::State {
        let lost = lost(context, &selection).await?;
        if !lost.is_empty() {
            // Nobody knows what it held, and nothing else says what is meant.
            let outcome = StopOutcome {
                unknown: lost,
                not_searched: opened.not_searched,
                ..StopOutcome::default()
            };
            return finish(context, &outcome, &[]);
        }
    }
    if stop.dry_run {
        let outcome = StopOutcome {
            not_searched: opened.not_searched,
            ..StopOutcome::planned(selection)
        };
        return finish(context, &outcome, &[]);
    }
    // A step that is cancelled ends what it was to end; somebody at a terminal has changed their mind.
    if heard.is_some() && context.settings.step.is_none() {
        let outcome = StopOutcome {
            not_searched: opened.not_searched,
            ..StopOutcome::interrupted(selection)
        };
        return finish(context, &outcome, &[]);
    }
    let mut said = Vec::new();
    if asks(context, &stop, &selection) {
        // Who answers has to know that there may be more.
        context.say_unknown(&selection.unknown);
        said.clone_from(&selection.unknown);
        let confirmed = confirmed(context, &selection);
        match interrupts.unless(confirmed).await {
            Ok(true) => {}
            Ok(false) => return Err(Failure::usage("not confirmed; nothing was stopped")),
            // What was to be ended is there.
            Err(failure) if failure.kind == Exit::Interrupted => {
                let outcome = StopOutcome {
                    not_searched: opened.not_searched,
                    ..StopOutcome::interrupted(selection)
                };
                return finish(context, &outcome, &said);
            }
            Err(failure) => return Err(failure),
        }
    }
    let patient = github.as_ref();
    let patient = patient.map(|github| super::github::patient(github, stop.timeout));
    let fleet = fleet(context, &opened, patient.as_ref());
    let signals = async || {
        let at = if let Some(at) = heard.take() {
            at
        } else {
            interrupts.next().await;
            Instant::now()
        };
        let what = "Interrupted: ending what was asked to end, for a few seconds more";
        context.ui.status(what);
        at
    };
    let request = request(&stop);
    context.at_stake.set(has_machines(&selection));
    // It holds all that is being ended.
    let carrying_out = Box::pin(carry_out(&fleet, &view, &request, selection, signals));
    let outcome = carrying_out.await;
    context.at_stake.set(outcome.exit() == Exit::Left);
    let outcome = StopOutcome {
        not_searched: opened.not_searched,
        ..outcome
    };
    finish(context, &outcome, &said)
}

/// Whether it says which machines are to be ended, before anything is looked at.
async fn names_machines(context: &Context, stop: &StopSettings, view: &View) -> bool {
    match &stop.target {
        StopTarget::Named { .. } => true,
        StopTarget::State => !recorded(context, stop, view).await.is_empty(),
        StopTarget::All | StopTarget::Orphans | StopTarget::Run { .. } => false,
    }
}

fn has_machines(selection: &Selection) -> bool {
    let mut chosen = selection.chosen.iter();
    chosen.any(|chosen| chosen.instance.is_some())
}

/// What is to be stopped, and how.
async fn settings(
    context: &Context,
    args: &cli::StopArgs,
    interrupts: &mut Interrupts,
) -> Result<StopSettings, Failure> {
    let input = if context.settings.reads_mapping(args) {
        Some(interrupts.unless(input()).await?)
    } else {
        None
    };
    Ok(context.settings.stop(args, input.as_deref())?)
}

/// The mapping on standard input.
async fn input() -> Result<String, Failure> {
    // It blocks until somebody writes, and the program does not wait for it at its end.
    let read = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin()));
    let read = read.await.unwrap_or_else(|ended| Err(ended.into()));
    read.map_err(|error| {
        Failure::usage("could not read the mapping from standard input").because(error)
    })
}

/// The records that a stop was to end, where the state file tells what that is.
async fn recorded(context: &Context, stop: &StopSettings, view: &View) -> Entries {
    if stop.target != StopTarget::State {
        return Entries::new();
    }
    // What cannot be read now is told as what was not looked at.
    let read = timeout(LAST_READ, context.store.read()).await;
    let mut entries = read.ok().and_then(Result::ok).unwrap_or_default();
    let group = stop.group.as_ref();
    entries.retain(|_, entry| {
        view.covers(entry) && (group.is_none() || entry.group.as_ref() == group)
    });
    entries
}

/// What there is, and what it was looked at with.
struct Looked {
    opened: Opened,
    github: Option<Client>,
    selection: Selection,
}

/// Looks around for what is to be stopped, and changes nothing.
async fn look(
    context: &Context,
    stop: &StopSettings,
    view: &View,
    hurry: &CancellationToken,
) -> Result<Looked, Failure> {
    let opened = context.search_for(stop).await?;
    let explicit = matches!(stop.target, StopTarget::Named { .. });
    let github = match context.github().await {
        Ok(github) => Some(github),
        Err(failure) if explicit => {
            let failure = failure.while_trying("could not remove registrations");
            context.screen.warn(&failure);
            None
        }
        Err(failure) => return Err(failure),
    };
    let fleet = fleet(context, &opened, github.as_ref());
    let mut selection = select(&fleet, view, &request(stop), hurry).await;
    let passed_over = Context::unknown_of(stop.passed_over.as_ref());
    selection.unknown.extend(passed_over);
    Ok(Looked {
        opened,
        github,
        selection,
    })
}

fn fleet<'a>(
    context: &'a Context,
    opened: &'a Opened,
    github: Option<&'a Client>,
) -> Fleet<'a, Client> {
    Fleet {
        github,
        providers: &opened.places,
        unopened: &opened.unopened,
        store: &context.store,
        sink: context,
    }
}

/// What was not read, where the state file is a part of it: now, or since it was moved aside.
async fn lost(context: &Context, selection: &Selection) -> Result<Vec<Unknown>, Failure> {
    let hint =
        "name what to stop: `--mapping`, `--run`, `--orphans` or a machine from `gharun list`";
    let moved = context.store.set_aside().await?.into_iter();
    let moved = moved.map(|path| Unknown {
        source: STATE_FILE.to_owned(),
        error: format!("it was damaged and was moved to `{}`", path.display()).into(),
    });
    let mut unknown = selection.unknown.clone();
    unknown.extend(moved);
    let Some(state) = unknown.iter_mut().find(|one| one.source == STATE_FILE) else {
        return Ok(Vec::new());
    };
    state.error = state.error.clone().hinted(hint);
    Ok(unknown)
}

fn request(stop: &StopSettings) -> StopRequest {
    StopRequest {
        target: stop.target.clone(),
        group: stop.group.clone(),
        second_look: stop.second_look,
        force: stop.force,
        wait: stop.wait,
        timeout: stop.timeout,
    }
}

/// The runner, its machine, or both, in as few words as tell it.
fn what(name: Option<&Name>, instance: Option<&Reference>) -> String {
    let instance = instance.map(ToString::to_string);
    instance
        .or_else(|| name.map(ToString::to_string))
        .unwrap_or_default()
}

/// Whether a person has to agree before what nobody named is ended.
fn asks(context: &Context, stop: &StopSettings, selection: &Selection) -> bool {
    let sweeps = matches!(stop.target, StopTarget::All | StopTarget::Orphans);
    let unnamed = sweeps || stop.target == StopTarget::State;
    // `--yes` was typed for a scope that the user had in mind, which need not be the guessed one.
    let agreed = stop.yes && !(sweeps && context.settings.github.guessed().is_some());
    unnamed && !agreed && !selection.chosen.is_empty() && context.settings.step.is_none()
}

/// Asks on a terminal; elsewhere `--yes` is asked for.
async fn confirmed(context: &Context, selection: &Selection) -> Result<bool, Failure> {
    for chosen in &selection.chosen {
        let what = what(chosen.name.as_ref(), chosen.instance.as_ref());
        context.ui.status(&format!("{what}: {}", chosen.why));
    }
    let count = selection.chosen.len();
    let guessed = context.settings.github.guessed();
    let whose = guessed.map_or_else(String::new, |scope| {
        format!(" of {} ({})", scope.value, scope.origin)
    });
    let question = format!("Stop these {count}{whose}?");
    let answer = context.ui.confirm(&question).await;
    answer.map_err(|error| {
        super::unanswered(&error, &format!("{count} would be stopped"))
            .hinted("confirm with `--yes`, or check first with `--dry-run`")
    })
}

/// Writes the outcome in all its forms, and decides how to end. What was `said` already is not said again.
fn finish(context: &Context, outcome: &StopOutcome, said: &[Unknown]) -> Result<Exit, Failure> {
    context.ui.finish();
    context.say_moved_aside();
    let screen = &context.screen;
    if !outcome.planned {
        screen.summarise(|actions| actions.summarise_stop(outcome));
    }
    let written = screen.data(outcome, outcome.text());
    // On a screen the headline comes first, and all else is below it; an annotation stands alone.
    let first = (!screen.annotates()).then(|| complaint(context, outcome, said));
    if !matches!(first, Some(Some(_))) {
        context.say_unknown(unsaid(outcome, said));
        for kept in &outcome.kept {
            let (what, reason) = kept_for(kept);
            screen.warn_of_row(&reason.while_trying(what));
        }
    }
    if let Err(failure) = written {
        // What may still run matters more than that nobody could be told the rest.
        if let Some(Some(complaint)) = first {
            screen.warn(&failure.any());
            return Err(complaint);
        }
        return Err(failure.map(|exit| match outcome.exit() {
            Exit::Left => Exit::Left,
            _ => exit,
        }));
    }
    if outcome.planned {
        context
            .ui
            .status(&format!("{} would be stopped", outcome.stopped.len()));
    } else if outcome.is_empty() {
        context.ui.status(if outcome.interrupted {
            "Interrupted; there was nothing to stop"
        } else {
            "Nothing to stop"
        });
    }
    let complaint = first.unwrap_or_else(|| complaint(context, outcome, said));
    if let (None, Some(total)) = (&complaint, outcome.total()) {
        context.ui.status(&total.to_string());
    }
    match complaint {
        Some(failure) => Err(failure),
        None => Ok(outcome.exit()),
    }
}

/// What could not be read and was not `said` yet. What helps with the same refusal is told with what it left.
fn unsaid<'a>(outcome: &'a StopOutcome, said: &'a [Unknown]) -> impl Iterator<Item = &'a Unknown> {
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
fn kept_for(kept: &Kept) -> (String, Error) {
    let what = what(Some(&kept.name), kept.instance.as_ref());
    (format!("{what} kept"), Error::from(kept.reason.as_str()))
}

/// What is wrong, where something is.
fn complaint(context: &Context, outcome: &StopOutcome, said: &[Unknown]) -> Option<Failure> {
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
        let total = outcome.total().map(|total| format!("\n{total}"));
        let lines = context
            .screen
            .lines(&Group::all(unread.chain(kept)), several);
        text + &lines + &total.unwrap_or_default()
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
