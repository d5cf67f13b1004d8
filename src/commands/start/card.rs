//! The last screen of a start for a person: what is there and how to use and end it, or why it failed.

use jiff::Timestamp;

use super::remains::{at, failed_with, groups, left_lines, told};
use crate::commands::Context;
use crate::fleet::{Failed, StartOutcome, Trouble, Up};
use crate::model::text::span;
use crate::model::{HumanDuration, Prices, option_of_scope};
use crate::plan::Plan;
use crate::settings::Origin;
use crate::ui::{DONE, FailureCard, Line, Tone};

/// Says what is there now: the label for `runs-on`, when it ends by itself, and what ends it.
pub(super) fn show(context: &Context, plan: &Plan, outcome: &StartOutcome) {
    let ui = &context.ui;
    if ui.shows_screens() && !outcome.up.is_empty() {
        let unrented = |up: &Up| {
            let kind = context.settings.tables.kind_of(&up.provider);
            kind.is_ok_and(|kind| !kind.is_rented)
        };
        let has_state = context.settings.state.is_some();
        let stop = stop(&outcome.up, has_state, option(context).as_deref());
        let lines = lines(plan, &outcome.up, unrented, &stop, ui.screen_width());
        ui.lines(&lines);
    }
}

/// Why a start failed: the headline, the causes, what helps, what is left, and what was spent.
pub(super) fn of_failure(
    context: &Context,
    plan: &Plan,
    outcome: &StartOutcome,
    spent: &str,
) -> FailureCard {
    let (count, failed) = (usize::from(plan.count.get()), outcome.failed.len());
    let at = at(plan);
    let is_late = |one: &Failed| matches!(one.trouble, Trouble::Late { unseen: None, .. });
    let late = outcome.failed.iter().all(is_late) && failed > 0;
    let limit = HumanDuration::from_secs(plan.timeout.as_secs());
    let groups = groups(context, &outcome.failed);
    let (alone, some, none) = if late {
        (
            format!("never reached GitHub ({limit})"),
            format!("never reached GitHub ({limit})"),
            format!("reached GitHub ({limit})"),
        )
    } else {
        (
            format!("did not come up at {at}"),
            format!("failed at {at}"),
            format!("came up at {at}"),
        )
    };
    let headline = match count {
        _ if outcome.interrupted => "Interrupted".to_owned(),
        1 => format!("The runner {alone}"),
        _ if failed < count && !plan.allow_partial => {
            format!("{failed} of {count} runners {some}, so the start was undone")
        }
        _ if failed < count => format!("{failed} of {count} runners {some}"),
        _ => format!("None of {count} runners {none}"),
    };
    let failure = failed_with(context, outcome, &groups);
    let is_rest_known = outcome.left.iter().all(|left| left.registration_only);
    FailureCard {
        headline,
        causes: told(&groups, failed == count || failed == 1),
        tries: context.screen.hints(failure.hints()),
        left: if outcome.left.is_empty() {
            Vec::new()
        } else {
            left_lines(context, outcome)
        },
        end: match (outcome.left.is_empty(), is_rest_known) {
            (true, _) => format!("Nothing is left running. {spent}")
                .trim_end()
                .to_owned(),
            (false, true) => spent.to_owned(),
            (false, false) => String::new(),
        },
    }
}

fn lines(
    plan: &Plan,
    up: &[Up],
    is_unrented: impl Fn(&Up) -> bool,
    stop: &str,
    columns: usize,
) -> Vec<Line> {
    let columns = columns.min(80).saturating_sub(1);
    let count = up.len();
    let asked = usize::from(plan.count.get());
    let runners = if asked == 1 { "runner" } else { "runners" };
    let number = if count < asked {
        format!("{count} of {asked}")
    } else {
        count.to_string()
    };
    let after = up.iter().map(|one| one.online_after).max();
    let after = span(after.unwrap_or_default());
    let head = Line::default()
        .with(Tone::Good, DONE)
        .with(
            Tone::Strong,
            &format!(" {number} {runners} online after {after}"),
        )
        .with_right(Tone::Plain, &rate(up, is_unrented), columns);
    let more = match count {
        1 => String::new(),
        count => format!("  (and {} more above)", count - 1),
    };
    let row = |what: &str, tone, text: &str| {
        let line = Line::of("  ").with_column(Tone::Faint, what, 11);
        line.with(tone, text)
    };
    let first = up[0].name.as_str();
    vec![
        head,
        row("runs-on", Tone::Typed, first).with(Tone::Faint, &more),
        row("ends", Tone::Plain, &ends(plan, up)),
        row("stop", Tone::Typed, stop),
    ]
}

/// What all of them cost an hour; nothing where nothing is billed.
fn rate(up: &[Up], is_unrented: impl Fn(&Up) -> bool) -> String {
    let rented = up.iter().filter(|up| !is_unrented(up));
    let prices = Prices::of(rented.map(|up| (up.provider.as_str(), up.rental.price)));
    prices.in_words().unwrap_or_default()
}

/// When they end by themselves.
fn ends(plan: &Plan, up: &[Up]) -> String {
    let job = if up.len() == 1 {
        "its job"
    } else {
        "its job each"
    };
    let idle = plan.idle_timeout.map(|idle| {
        let idle = HumanDuration::from_secs(idle.as_secs());
        format!("{idle} without one; ")
    });
    let last = up.iter().map(|one| one.expires).max();
    let last = last.map_or_else(String::new, |last| clock(last, Timestamp::now()));
    format!(
        "after {job}; {}{last} at the latest",
        idle.unwrap_or_default()
    )
}

/// A time of today as `at 02:53 UTC`, a later one with its day.
fn clock(time: Timestamp, now: Timestamp) -> String {
    // RFC 3339, in UTC.
    let text = time.to_string();
    let (day, hour) = text.split_once('T').unwrap_or((&text, ""));
    let hour = hour.get(..5).unwrap_or(hour);
    if time.duration_since(now).as_hours() < 20 {
        format!("at {hour} UTC")
    } else {
        format!("on {day} at {hour} UTC")
    }
}

/// The option that named the scope, which the next command needs again; what is set elsewhere holds for that, too.
fn option(context: &Context) -> Option<String> {
    let scope = context.settings.github.scope.as_ref()?;
    let is_option = matches!(scope.origin, Origin::Flag(_));
    is_option.then(|| option_of_scope(&scope.value.to_string()))
}

/// What ends them: what the state file holds, else each by its name.
fn stop(up: &[Up], has_state: bool, option: Option<&str>) -> String {
    let option = option
        .map(|option| format!(" {option}"))
        .unwrap_or_default();
    match up {
        _ if has_state => format!("gharun stop{option}"),
        [one] => format!("gharun stop{option} {}", one.instance),
        _ => format!("gharun stop{option} with the references above"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_them_names_the_scope_that_an_option_gave() {
        assert_eq!(stop(&[], true, None), "gharun stop");
        assert_eq!(
            stop(&[], true, Some("--repo octo/app")),
            "gharun stop --repo octo/app"
        );
    }
}
