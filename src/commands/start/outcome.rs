//! What a start came to: the report, the outputs, the summary, and how to end.

use std::fmt::Write as _;

use crate::actions::SummaryRow;
use crate::commands::Desk;
use crate::error::{Exit, Failure};
use crate::fleet::{Left, Started, Trouble};
use crate::model::{Mapping, chain};
use crate::plan::Plan;
use crate::report;

/// Writes the report, the outputs and the summary, and decides how to end.
pub(super) fn finish(desk: &Desk, plan: &Plan, started: &Started) -> Result<Exit, Failure> {
    desk.ui.finish();
    let mapping = Mapping(
        started
            .up
            .iter()
            .map(|up| (up.instance.clone(), up.name.clone()))
            .collect(),
    );
    // The outputs are written already, by the events: they hold what is left, too.
    if let Err(error) = desk.actions.summarise_start(&summary(started)) {
        desk.ui
            .warning(&format!("the job summary could not be written: {error}"));
    }
    let report = report::Start {
        mapping,
        runners: started
            .up
            .iter()
            .map(|up| report::Runner {
                name: up.name.clone(),
                labels: up.labels.clone(),
                instance: up.instance.clone(),
                provider: up.instance.provider.clone(),
                kind: up.kind.to_owned(),
                runner_id: up.runner_id,
                created_at: up.created,
                expires_at: up.expires,
                launched_after: up.launched_after,
                online_after: up.online_after,
                price_per_hour: up.price_per_hour,
            })
            .collect(),
    };
    let written = desk.data(&report, report.text());
    say_left(desk, &started.left);
    if let Err(failure) = written {
        return Err(unsaid(started, failure));
    }
    if !started.left.is_empty() {
        return Err(failed(plan, started, Exit::Left));
    }
    if started.interrupted {
        desk.ui
            .status("Nothing is left: no machine, no registration");
        return Ok(Exit::Interrupted);
    }
    match (started.failed.len(), started.up.len()) {
        (0, _) => Ok(Exit::Done),
        (failed, up) if up > 0 => {
            desk.ui.warning(&format!(
                "{up} of {} runners are online, {failed} failed",
                plan.count
            ));
            Ok(Exit::Done)
        }
        _ => Err(failed(plan, started, Exit::Failed)),
    }
}

/// Nobody was told what is there, so that it must not be taken for nothing.
fn unsaid(started: &Started, failure: Failure) -> Failure {
    let failure = failure.while_trying("could not write the result");
    let up = started.up.iter();
    let exit = if started.up.is_empty() && started.left.is_empty() {
        Exit::Failed
    } else {
        Exit::Left
    };
    let failure = failure.map(|_| exit);
    up.fold(failure, |failure, up| {
        failure.hinted(format!(
            "it is running: end it with `gharun stop {}`",
            up.instance
        ))
    })
}

fn failed(plan: &Plan, started: &Started, exit: Exit) -> Failure {
    let what = match plan.count.get() {
        1 => "the runner".to_owned(),
        count => format!("{count} runners"),
    };
    let at: Vec<String> = plan
        .providers
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let mut text = if started.interrupted {
        "interrupted".to_owned()
    } else {
        format!("could not start {what} at {}", at.join(", "))
    };
    for failed in &started.failed {
        write!(text, "\n  {}: {}", failed.name, chain(&failed.trouble))
            .expect("a text takes what is written");
    }
    let failure = Failure::new(exit, text).hinted_all(hints(started));
    match exit {
        Exit::Left => failure.hinted("what is listed above may still cost money"),
        _ => failure.hinted("nothing is left running"),
    }
}

/// What providers and GitHub say would help.
pub(super) fn hints(started: &Started) -> Vec<String> {
    let of = |trouble: &Trouble| match trouble {
        Trouble::Launch { source, .. } | Trouble::Lost { source, .. } => source.hints().to_vec(),
        Trouble::Record(error) => error.hints().to_vec(),
        Trouble::Register(error) => error.hints().to_vec(),
        _ => Vec::new(),
    };
    started
        .failed
        .iter()
        .flat_map(|failed| of(&failed.trouble))
        .collect()
}

/// Names what is still there, and what removes it.
pub(super) fn say_left(desk: &Desk, left: &[Left]) {
    for left in left {
        let what = left.instance.as_ref().map_or_else(
            || left.name.to_string(),
            |instance| format!("{} ({instance})", left.name),
        );
        let word = if left.kept {
            "kept"
        } else {
            "may still be running"
        };
        desk.ui.warning(&format!("{what} {word}: {}", left.why));
        if let Some(access) = &left.access {
            desk.ui.hint(&format!("get in: `{access}`"));
        }
        desk.ui.hint(&format!("end it: `{}`", left.command));
    }
}

fn summary(started: &Started) -> Vec<SummaryRow> {
    let up = started.up.iter().map(|up| SummaryRow {
        name: up.name.to_string(),
        provider: up.instance.provider.clone(),
        instance: Some(up.instance.to_string()),
        launched_after: Some(up.launched_after),
        online_after: Some(up.online_after),
        price_per_hour: up.price_per_hour,
        expires: Some(up.expires),
        outcome: "online".to_owned(),
    });
    let failed = started.failed.iter().map(|failed| SummaryRow {
        name: failed.name.to_string(),
        provider: String::new(),
        instance: None,
        launched_after: None,
        online_after: None,
        price_per_hour: None,
        expires: None,
        outcome: failed.trouble.to_string(),
    });
    up.chain(failed).collect()
}
