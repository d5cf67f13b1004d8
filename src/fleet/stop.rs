//! Stop: what is meant by it, and what is not.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Fleet;
use super::survey::{Row, Survey, Unknown, View, survey};
use super::verdict::{Machine, Verdict};
use crate::github::Api;
use crate::model::{Name, Reference};
use crate::settings::{Stop, Target};

/// Something that is to be stopped, and how carefully.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What is known of it.
    pub row: Row,
    /// Named by the user: ended even while GitHub calls it busy.
    pub explicit: bool,
}

/// What would be stopped, and what would not.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// To be stopped.
    pub chosen: Vec<Chosen>,
    /// Left alone, and worth a word.
    pub kept: Vec<Kept>,
    /// Cannot be stopped.
    pub failed: Vec<Unstopped>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
}

/// Proved gone.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The runner.
    pub name: String,
    /// Its machine, if it had one.
    pub instance: Option<Reference>,
    /// Whether its registration is gone.
    pub deregistered: bool,
    /// Whether a machine was ended.
    pub terminated: bool,
    /// How long it was paid for.
    pub billed: Option<Duration>,
    /// US dollars.
    pub cost: Option<f64>,
}

/// Left alone on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The runner.
    pub name: String,
    /// Its machine.
    pub instance: Option<Reference>,
    /// Why.
    pub reason: String,
}

/// May still be running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstopped {
    /// The runner, or what was given for it.
    pub name: String,
    /// Its machine.
    pub instance: Option<Reference>,
    /// Why.
    pub error: String,
    /// What ends it.
    pub command: String,
}

/// What a stop came to.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// Proved gone.
    pub stopped: Vec<Stopped>,
    /// Left alone on purpose.
    pub kept: Vec<Kept>,
    /// May still be running.
    pub failed: Vec<Unstopped>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
}

/// Finds what is meant; touches nothing.
pub async fn select<G: Api>(fleet: &Fleet<'_, G>, view: &View, stop: &Stop) -> Selection {
    // What is named is found in every scope, so that one of another can be refused by its name.
    let named = matches!(stop.target, Target::Named { .. });
    let view = View {
        all_scopes: named,
        ..view.clone()
    };
    let survey = survey(fleet, &view).await;
    choose(fleet, survey, stop)
}

fn choose<G: Api>(fleet: &Fleet<'_, G>, survey: Survey, stop: &Stop) -> Selection {
    let mut selection = Selection {
        unknown: survey.unknown.clone(),
        ..Selection::default()
    };
    let group = |row: &Row| stop.group.is_none() || row.group == stop.group;
    match &stop.target {
        Target::Named {
            machines,
            names,
            starts,
        } => named(fleet, &survey, machines, names, *starts, &mut selection),
        Target::All | Target::State => {
            for row in survey.rows.into_iter().filter(|row| row.ours && group(row)) {
                let wanted = matches!(stop.target, Target::All) || row.recorded;
                if wanted {
                    take(row, stop.force, &mut selection);
                }
            }
        }
        Target::Orphans => {
            for row in survey.rows.into_iter().filter(|row| row.ours && group(row)) {
                let past = row.expires.is_some_and(|expires| survey.now > expires)
                    || row.run_over == Some(true);
                match row.verdict {
                    Verdict::Orphan | Verdict::Ghost | Verdict::Stale => {
                        selection.chosen.push(Chosen {
                            row,
                            explicit: false,
                        });
                    }
                    Verdict::Working if stop.force && past => selection.chosen.push(Chosen {
                        row,
                        explicit: true,
                    }),
                    _ => {}
                }
            }
        }
        Target::Run { id, attempt } => {
            let of_run = |row: &Row| {
                row.run.is_some_and(|run| {
                    run.id == *id && attempt.is_none_or(|attempt| attempt == run.attempt)
                })
            };
            let rows: Vec<Row> = survey
                .rows
                .into_iter()
                .filter(|row| row.ours && of_run(row) && group(row))
                .collect();
            let alive = rows
                .iter()
                .filter(|row| row.machine == Machine::There)
                .filter_map(|row| row.start.clone());
            let several = stop.group.is_none() && alive.collect::<BTreeSet<_>>().len() > 1;
            for row in rows {
                if several && row.verdict == Verdict::Ready {
                    keep(
                        &row,
                        "it is ready, and several starts of this run are alive: name one with `--group` or `--mapping`",
                        &mut selection,
                    );
                } else {
                    take(row, stop.force, &mut selection);
                }
            }
        }
    }
    selection
}

fn keep(row: &Row, reason: &str, selection: &mut Selection) {
    selection.kept.push(Kept {
        name: row.name.to_string(),
        instance: row.instance.clone(),
        reason: reason.to_owned(),
    });
}

fn take(row: Row, force: bool, selection: &mut Selection) {
    match row.verdict {
        Verdict::Working if !force => keep(&row, row.why, selection),
        Verdict::Unknown => {
            selection.failed.push(unstopped(&row, row.why));
        }
        _ => selection.chosen.push(Chosen {
            row,
            explicit: force,
        }),
    }
}

pub(super) fn unstopped(row: &Row, error: &str) -> Unstopped {
    Unstopped {
        name: row.name.to_string(),
        instance: row.instance.clone(),
        error: error.to_owned(),
        command: format!(
            "gharun stop {}",
            row.instance
                .as_ref()
                .map_or_else(|| row.name.to_string(), ToString::to_string)
        ),
    }
}

fn named<G: Api>(
    fleet: &Fleet<'_, G>,
    survey: &Survey,
    machines: &[Reference],
    names: &[Name],
    starts: bool,
    selection: &mut Selection,
) {
    let mut wanted: BTreeSet<Name> = BTreeSet::new();
    for reference in machines {
        if let Some(row) = survey
            .rows
            .iter()
            .find(|row| row.instance.as_ref() == Some(reference))
        {
            wanted.insert(row.name.clone());
            continue;
        }
        let fail = |error: String| Unstopped {
            name: reference.to_string(),
            instance: Some(reference.clone()),
            error,
            command: format!("gharun stop {reference}"),
        };
        if fleet.place(&reference.provider).is_none() {
            selection.failed.push(fail(format!(
                "there is no provider `{}` here",
                reference.provider
            )));
        } else {
            // Not among ours: its provider says whether it is gone, foreign, or cannot be reached.
            selection.chosen.push(Chosen {
                row: super::survey::of_reference(reference),
                explicit: true,
            });
        }
    }
    for name in names {
        let known = survey.rows.iter().any(|row| row.name == *name);
        if known {
            wanted.insert(name.clone());
        }
    }
    if starts {
        let of = |row: &&Row| wanted.contains(&row.name);
        let ids: BTreeSet<String> = survey
            .rows
            .iter()
            .filter(of)
            .filter_map(|row| row.start.clone())
            .collect();
        wanted.extend(
            survey
                .rows
                .iter()
                .filter(|row| row.start.as_ref().is_some_and(|start| ids.contains(start)))
                .map(|row| row.name.clone()),
        );
    }
    for row in survey.rows.iter().filter(|row| wanted.contains(&row.name)) {
        if row.ours {
            selection.chosen.push(Chosen {
                row: row.clone(),
                explicit: true,
            });
        } else {
            selection.failed.push(unstopped(
                row,
                "it belongs to another scope: give it with `--repo` or `--org`",
            ));
        }
    }
}
