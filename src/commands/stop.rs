//! `gharun stop`.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Context;
use super::interrupt::{Interrupts, interrupted};
use super::opening::Opened;
use crate::cli;
use crate::cli::FormatArg;
use crate::error::{Exit, Failure};
use crate::fleet::stop::{Selection, StopOutcome, StopRequest, carry_out, select};
use crate::fleet::survey::{STATE_FILE, Unknown, View};
use crate::fleet::{CancellationToken, Fleet};
use crate::github::Client;
use crate::model::{Name, Reference, StopTarget};
use crate::report::TextForm as _;
use crate::settings::StopSettings;
use crate::state::Entries;

mod complaint;
mod ends;
mod question;

use complaint::{complaint, kept_for, unsaid};
use ends::Ends;
use question::{Part, Plan};

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
        return finish(context, &outcome, &Told::default());
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
            return finish(context, &outcome, &Told::default());
        }
    }
    if stop.dry_run {
        let told = Told {
            plan: Some(Plan::of(&selection)),
            ..Told::default()
        };
        let outcome = StopOutcome {
            not_searched: opened.not_searched,
            ..StopOutcome::planned(selection)
        };
        return finish(context, &outcome, &told);
    }
    // A step that is cancelled ends what it was to end; somebody at a terminal has changed their mind.
    if heard.is_some() && context.settings.step.is_none() {
        let outcome = StopOutcome {
            not_searched: opened.not_searched,
            ..StopOutcome::interrupted(selection)
        };
        return finish(context, &outcome, &Told::default());
    }
    let mut told = Told::default();
    if asks(context, &stop, &selection)
        && !agreed(context, &selection, &mut told, interrupts).await?
    {
        // What was to be ended is there.
        let outcome = StopOutcome {
            not_searched: opened.not_searched,
            ..StopOutcome::interrupted(selection)
        };
        return finish(context, &outcome, &told);
    }
    let patient = github.as_ref();
    let patient = patient.map(|github| super::github::patient(github, stop.timeout));
    let ends = Ends::of(context, &selection, tells_ends(context));
    let fleet = Fleet {
        sink: &ends,
        ..fleet(context, &opened, patient.as_ref())
    };
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
    context.ui.finish();
    ends.say_rest(&outcome);
    told.ends = is_seen(context);
    context.at_stake.set(outcome.exit() == Exit::Left);
    let outcome = StopOutcome {
        not_searched: opened.not_searched,
        ..outcome
    };
    finish(context, &outcome, &told)
}

/// What was told before the end.
#[derive(Default)]
struct Told {
    /// What could not be read.
    unread: Vec<Unknown>,
    /// What would be done, where nothing is.
    plan: Option<Plan>,
    /// Whether each end has a line on the terminal already, which data on the same terminal would only repeat.
    ends: bool,
}

/// Whether somebody sees both streams on a terminal, and wants to be told what happens.
fn is_seen(context: &Context) -> bool {
    let ui = &context.ui;
    ui.data_width().is_some() && ui.message_width().is_some() && ui.shows_warnings()
}

/// Whether each end is told on standard error. Where that is no terminal, the text on standard output tells it.
fn tells_ends(context: &Context) -> bool {
    let is_text = context.settings.format == FormatArg::Text;
    context.ui.message_width().is_some() || !is_text
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
    // Machines may be where nobody answers: that they were not looked for is said.
    context.say_not_searched(&opened);
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

/// The machine or, where there is none, the runner, in as few words as tell it.
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

/// Asks whether to go on; not where a signal came instead of an answer.
async fn agreed(
    context: &Context,
    selection: &Selection,
    told: &mut Told,
    interrupts: &mut Interrupts,
) -> Result<bool, Failure> {
    // Who answers has to know that there may be more.
    context.say_unknown(&selection.unknown);
    told.unread.clone_from(&selection.unknown);
    match interrupts.unless(confirmed(context, selection)).await {
        Ok(true) => Ok(true),
        Ok(false) => Err(Failure::usage("not confirmed; nothing was stopped")),
        Err(failure) if failure.kind == Exit::Interrupted => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Asks on a terminal; elsewhere `--yes` is asked for.
async fn confirmed(context: &Context, selection: &Selection) -> Result<bool, Failure> {
    let plan = Plan::of(selection);
    if let Some(room) = context.ui.message_width() {
        context.ui.lines(&plan.lines(Part::Stopped, room));
    } else {
        for chosen in &selection.chosen {
            let what = what(chosen.name.as_ref(), chosen.instance.as_ref());
            context.ui.status(&format!("{what}: {}", chosen.why));
        }
    }
    let count = selection.chosen.len();
    let guessed = context.settings.github.guessed();
    let whose = guessed.map_or_else(String::new, |scope| {
        format!(" of {} ({})", scope.value, scope.origin)
    });
    let question = format!("Stop {}{whose}?", plan.these());
    let answer = context.ui.confirm(&question).await;
    answer.map_err(|error| {
        super::unanswered(&error, &format!("{count} would be stopped"))
            .hinted("confirm with `--yes`, or check first with `--dry-run`")
    })
}

/// Writes the outcome in all its forms, and decides how to end. What was told already is not said again.
fn finish(context: &Context, outcome: &StopOutcome, told: &Told) -> Result<Exit, Failure> {
    let said = told.unread.as_slice();
    context.ui.finish();
    context.say_moved_aside();
    let screen = &context.screen;
    if !outcome.planned {
        screen.summarise(|actions| actions.summarise_stop(outcome));
    }
    let written = match (&told.plan, context.ui.data_width()) {
        (Some(plan), Some(room)) => screen.drawn(outcome, || plan.lines(Part::Whole, room)),
        _ if told.ends => screen.data(outcome, String::new()),
        _ => screen.data(outcome, outcome.text()),
    };
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
    if let Some(plan) = &told.plan {
        context
            .ui
            .status(&format!("{} would be stopped", plan.sum()));
    } else if outcome.is_empty() {
        context.ui.status(if outcome.interrupted {
            "Interrupted; there was nothing to stop"
        } else {
            "Nothing to stop"
        });
    }
    let complaint = first.unwrap_or_else(|| complaint(context, outcome, said));
    if let (None, Some(told)) = (&complaint, outcome.sentence().filter(|_| !outcome.planned)) {
        context.ui.status(&told);
    }
    match complaint {
        Some(failure) => Err(failure),
        None => Ok(outcome.exit()),
    }
}
