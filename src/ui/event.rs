//! Events as sentences: past tense for what is done, `-ing` for what is being done, and no sign
//! right behind an id, since people double-click to copy it.

use super::{Ui, Verbosity};
use crate::model::text::span;
use crate::model::{Event, lock};

/// The spinner of what is waited for, which belongs to no runner.
const WAITING: &str = "waiting";

/// How a sentence is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// Under way: where there is a spinner it is enough to move it.
    Passing,
    /// A line for good; the spinner goes on.
    Lasting,
    /// A line for good, and the spinner is done with.
    Last,
}

/// Tells an event by spinner or line.
pub(super) fn tell(ui: &Ui, event: &Event) {
    if ui
        .0
        .progress
        .as_ref()
        .is_some_and(|progress| progress.take(event))
    {
        if let Event::Failed { name, reason, log } = event
            && let Some(log) = fresh_log(ui, reason, log.as_deref())
        {
            // Its row says that it failed, and goes.
            ui.status(&format!("Runner `{name}` failed"));
            say_log(ui, log);
        }
        return;
    }
    match event {
        // Masked by `actions`; nobody else needs to know of it. Warnings are said by the command.
        Event::Secret(_) | Event::Warning(_) => return,
        Event::Failed { name, reason, log } => {
            return failed(ui, name.as_str(), reason, log.as_deref());
        }
        _ => {}
    }
    let Some((key, weight, sentence)) = sentence(ui, event) else {
        return;
    };
    if let Event::Renamed { from, .. } = event
        && ui.0.look.verbosity < Verbosity::Debug
    {
        // What was lost is made up for: of use to who wants to know how.
        if let Some(progress) = &ui.0.progress {
            progress.remove(from.as_str());
        }
        return;
    }
    let Some(progress) = &ui.0.progress else {
        return ui.status(&sentence);
    };
    let key = match event {
        Event::Terminating { .. } | Event::Terminated { .. } => progress.key_of(key),
        _ => key,
    };
    if key != WAITING {
        progress.remove(WAITING);
    }
    match event {
        Event::Launched { name, instance, .. } => {
            progress.remember(instance.to_string(), name.to_string());
        }
        Event::Renamed { from, .. } => progress.remove(from.as_str()),
        _ => {}
    }
    match weight {
        Weight::Last => progress.remove(&key),
        Weight::Passing | Weight::Lasting => {
            progress.show(&key, ui.harmless(&sentence).replace('\n', " "));
        }
    }
    if weight != Weight::Passing {
        ui.status(&sentence);
    }
}

/// What the last words of the command tell, too, and what is worth telling twice only to who wants all.
fn detail(ui: &Ui, reason: &str, write: impl FnOnce(&str) -> String) -> String {
    if ui.0.look.verbosity >= Verbosity::Debug {
        write(reason)
    } else {
        String::new()
    }
}

/// That a runner failed is said at once; why it did, at the end.
fn failed(ui: &Ui, name: &str, reason: &str, log: Option<&str>) {
    if let Some(progress) = &ui.0.progress {
        progress.remove(name);
    }
    let why = detail(ui, reason, |reason| format!(": {reason}"));
    ui.status(&format!("Runner `{name}` failed{why}"));
    if let Some(log) = fresh_log(ui, reason, log) {
        say_log(ui, log);
    }
}

/// A boot log that is to be shown here, and tells more than those that were. A step's log has it as a group, by `actions`.
fn fresh_log<'a>(ui: &Ui, reason: &str, log: Option<&'a str>) -> Option<&'a str> {
    let shown = ui.0.look.verbosity >= Verbosity::Normal && !ui.0.look.actions;
    let log = log.filter(|_| shown)?;
    let mut explained = lock(&ui.0.explained);
    if explained.iter().any(|other| other == reason) && ui.0.look.verbosity < Verbosity::Debug {
        // The same happened to another: its log tells no more.
        return None;
    }
    explained.push(reason.to_owned());
    Some(log)
}

fn say_log(ui: &Ui, log: &str) {
    let log = ui.harmless(log).replace('\n', "\n  | ");
    ui.say(&format!("  the end of its boot log:\n  | {log}"));
}

/// What there is to say: whose spinner it moves, for how long it matters, and the sentence.
fn sentence(ui: &Ui, event: &Event) -> Option<(String, Weight, String)> {
    use Weight::{Last, Lasting, Passing};
    let said = match event {
        // The machines of a mapping have been told of one by one.
        Event::Secret(_)
        | Event::Failed { .. }
        | Event::Mapping(_)
        | Event::Seen { .. }
        | Event::Starting { .. }
        | Event::Warning(_) => {
            return None;
        }
        Event::Registered { name, runner_id } => (
            name.to_string(),
            Passing,
            format!("Registered `{name}` with GitHub as runner {runner_id}"),
        ),
        Event::Launching { name, provider } => (
            name.to_string(),
            Passing,
            format!("Launching `{name}` at `{provider}`"),
        ),
        Event::NoCapacity {
            name,
            provider,
            reason,
        } => (
            name.to_string(),
            Lasting,
            format!(
                "Provider `{provider}` could not start `{name}`{}",
                detail(ui, reason, |reason| format!(" ({reason})"))
            ),
        ),
        Event::Launched {
            name,
            instance,
            rental,
            ..
        } => {
            let what = match rental.to_string() {
                nothing if nothing.is_empty() => nothing,
                what => format!(" ({what})"),
            };
            let told = format!("Launched `{instance}` for `{name}`{what}");
            (name.to_string(), Lasting, told)
        }
        Event::Online { name, after } => (
            name.to_string(),
            Last,
            format!("Runner `{name}` is online after {}", span(*after)),
        ),
        Event::Renamed { from, to, reason } => (
            to.to_string(),
            Lasting,
            format!("Replaced `{from}` by `{to}` ({reason})"),
        ),
        Event::Deregistered { name } => (
            name.clone(),
            Passing,
            format!("Deregistered `{name}` from GitHub"),
        ),
        Event::Terminating { instance } => (
            instance.to_string(),
            Passing,
            format!("Terminating `{instance}`"),
        ),
        Event::Terminated { instance } => (
            instance.to_string(),
            Last,
            format!("Terminated `{instance}`"),
        ),
        Event::Waiting { reason, at_most } => (
            WAITING.to_owned(),
            Passing,
            format!("Waiting at most {}: {reason}", span(*at_most)),
        ),
    };
    Some(said)
}
