//! `gharun action`: a step of the action, which says in its inputs what to do.

use std::sync::Arc;

use super::screen::Screen;
use super::{look, misused_by, run_with, step};
use crate::actions::{Actions, AnnotationLevel};
use crate::cli::{self, ColorArg, FormatArg};
use crate::error::{Exit, Failure};
use crate::model::Mapping;
use crate::providers::KINDS;
use crate::settings::{Env, GivenInputs, StepCommand, Tables};
use crate::ui::Ui;

/// Runs the step.
pub(crate) async fn run() -> Exit {
    let env = Env::of_process();
    let step = step(&env);
    let ui = Ui::new(look(FormatArg::Text, ColorArg::Auto, 0, step.listens));
    let actions = Arc::new(Actions::new(step));
    let screen = Screen::new(&ui, &actions, FormatArg::Text);
    let fail = |failure: &Failure| {
        screen.summarise(|actions| actions.summarise_failure("action", failure));
        screen.complain(failure);
        failure.kind
    };
    let given = match GivenInputs::read(&env) {
        Ok(given) => given,
        Err(error) => return fail(&error.into()),
    };
    // Before a word is said.
    for secret in given.secrets() {
        if let Err(error) = actions.mask(&secret) {
            return fail(&error.into());
        }
    }
    let decided = match given.decide(env) {
        Ok(decided) => decided,
        Err(error) => return fail(&error.into()),
    };
    for notice in &decided.notices {
        if actions.listens() {
            screen.annotate(AnnotationLevel::Notice, notice, &[]);
        } else {
            ui.notice(notice);
        }
    }
    if let Err(error) = actions.set_outputs(&[("version", env!("CARGO_PKG_VERSION"))]) {
        return fail(&error.into());
    }
    if decided.command == StepCommand::Install {
        return match install(&actions) {
            Ok(()) => Exit::Done,
            Err(failure) => fail(&failure),
        };
    }
    match cli::read(&decided.words) {
        Ok(cli) => run_with(cli, decided.env, Some(actions)).await,
        Err(error) => misused_by(&error, &actions, &ui),
    }
}

/// Lets the steps that come find this program.
fn install(actions: &Actions) -> Result<(), Failure> {
    let program = std::env::current_exe()?;
    let folder = program.parent().unwrap_or(&program).to_owned();
    Ok(actions.add_to_path(&folder)?)
}

/// What kinds tell of the only machine of a start; of none and of several, empty texts, which are the last word.
pub(super) fn outputs_of_kinds(tables: &Tables, mapping: &Mapping) -> Vec<(&'static str, String)> {
    let only = match mapping.0.as_slice() {
        [(machine, _)] => Some(machine),
        _ => None,
    };
    let kind = only.and_then(|machine| tables.kind_of(&machine.provider).ok());
    let all = KINDS.iter().flat_map(|one| {
        let is_its = kind.is_some_and(|kind| kind.name == one.name);
        one.outputs(only.filter(|_| is_its).map(|machine| &machine.id))
    });
    all.collect()
}
