//! The inputs of the action: a layer between the command line and the environment.
//!
//! They come as one JSON object in one variable. What they say is put over the variables of the environment, under the
//! name of the input, so that errors name what its user wrote; no shell sees any of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Env, Error, Origin, Result};
use crate::model::Secret;

pub use given::GivenInputs;

use making::Making;
use reading::Ec2Setting;
use table::{Audience, Becomes, Row};

mod ec2;
mod event;
mod given;
mod making;
mod reading;
mod table;
#[cfg(test)]
mod tests;

/// The kind that the inputs of the other actions are about.
const EC2: &str = "aws";

/// The names of all inputs of the action.
pub fn input_names() -> impl Iterator<Item = &'static str> {
    table::INPUTS.iter().map(|row| row.name)
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepCommand {
    /// `gharun start`.
    Start,
    /// `gharun stop`.
    Stop,
    /// `gharun list`.
    List,
    /// `gharun providers check`.
    Check,
    /// Nothing but to leave the program where later steps find it.
    Install,
}

impl StepCommand {
    const ALL: [(&str, Self); 5] = [
        ("start", Self::Start),
        ("stop", Self::Stop),
        ("list", Self::List),
        ("check", Self::Check),
        ("install", Self::Install),
    ];

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, one)| *one == self);
        found.map_or("", |(word, _)| word)
    }
}

/// What the inputs of a step come to.
#[derive(Debug)]
pub struct ActionStep {
    /// What it does.
    pub command: StepCommand,
    /// The command line, with the name of the program.
    pub words: Vec<String>,
    /// The environment with what the inputs say over it.
    pub env: Env,
    /// What the user is to be told.
    pub notices: Vec<String>,
}

/// What inputs say for which there is no variable, and which input stands over which variable.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Whether this is a step of the action.
    is_there: bool,
    /// Variable -> input.
    names: BTreeMap<String, String>,
    /// The text of a script that runs before the runner, and the input that holds it.
    pub(super) setup: Option<(String, String)>,
    /// Settings of tables of the kind [`EC2`], each with its input.
    settings: Vec<(Ec2Setting, String)>,
}

impl Inputs {
    /// Whether this is a step of the action.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Which input stands over a variable.
    pub(super) fn over(&self, variable: &str) -> Option<&str> {
        self.names.get(variable).map(String::as_str)
    }

    /// What is set in the tables of a kind: keys from the outside in, the value, and the input.
    pub(super) fn settings_of(
        &self,
        kind: &str,
    ) -> impl DoubleEndedIterator<Item = (&'static [&'static str], &Value, &str)> {
        let own = self.settings.iter().filter(move |_| kind == EC2);
        own.map(|(setting, input)| (setting.path, &setting.value, input.as_str()))
    }

    /// An input that means nothing to tables of these kinds, and the kind that it is for.
    pub(super) fn unfit<'a>(
        &'a self,
        mut kinds: impl Iterator<Item = &'a str>,
    ) -> Option<(&'a str, &'static str)> {
        let (_, input) = self.settings.first()?;
        (!kinds.any(|kind| kind == EC2)).then_some((input, EC2))
    }
}

impl GivenInputs {
    /// Those rows of the table that are given, in its order, each with what it says.
    fn rows(&self) -> impl Iterator<Item = (&'static Row, &str)> {
        let all = table::INPUTS.iter();
        all.filter_map(|row| Some((row, self.text(row.name)?)))
    }

    /// The names of those that no row has.
    fn unknown(&self) -> impl Iterator<Item = &str> {
        self.names()
            .filter(|name| table::row(name).is_none() && self.text(name).is_some())
    }

    /// What must be masked before anything is said.
    pub fn secrets(&self) -> Vec<Secret> {
        let rows = self.rows();
        let secrets = rows.filter(|(row, _)| matches!(row.becomes, table::Becomes::Secret(_)));
        secrets.map(|(_, text)| Secret::new(text)).collect()
    }

    /// Decides what the step does, and reads all inputs for that.
    ///
    /// # Errors
    ///
    /// An input that cannot be read, two that mean the same, or a step that does not say what to do: it is never taken for a
    /// start.
    pub fn decide(&self, env: Env) -> Result<ActionStep> {
        let command = self.command()?;
        if command == StepCommand::Start && !self.switch("allow-forks")? {
            event::refuse_forks(&env)?;
        }
        let mut making = Making::of(self, env);
        making.read(command)?;
        Ok(making.finish(command))
    }

    /// What the step does: what it says, else what only one command can mean. What an expression left empty decides nothing.
    fn command(&self) -> Result<StepCommand> {
        if let Some(command) = self.named_command()? {
            return Ok(command);
        }
        let mut mappings = table::INPUTS
            .iter()
            .filter(|row| matches!(row.becomes, Becomes::Mapping));
        let is_stop = mappings.any(|row| self.is_there(row.name))
            || self.rows().any(|(row, _)| row.audience == Audience::Stop);
        if is_stop {
            return Ok(StepCommand::Stop);
        }
        let of_both = |row: &Row| matches!(row.becomes, Becomes::Providers | Becomes::Label);
        let unclear = self.rows().find(|(row, _)| of_both(row));
        if unclear.is_none() && self.rows().any(|(row, _)| row.starts()) {
            return Ok(StepCommand::Start);
        }
        let any = || self.rows().find(|(row, _)| row.audience == Audience::Start);
        let what = match unclear.or_else(any) {
            Some((row, _)) => format!("the input `{}` does not say what to do", row.name),
            None => "this step does not say what to do".to_owned(),
        };
        Err(Error::usage(what)
            .hinted("write `command: start`, or `command: stop` with the `mapping` of the step that started"))
    }

    /// What the step says that it does.
    fn named_command(&self) -> Result<Option<StepCommand>> {
        let mut named: Option<(StepCommand, &str)> = None;
        for row in table::INPUTS {
            if !matches!(row.becomes, Becomes::Command) || !self.is_there(row.name) {
                continue;
            }
            let Some(text) = self.text(row.name) else {
                return Err(
                    Error::usage(format!("the input `{}` is empty", row.name)).hinted(format!(
                        "write `{0}: start` or `{0}: stop`, or correct the expression that should say it",
                        row.name
                    )),
                );
            };
            let found = StepCommand::ALL.iter().find(|(word, _)| *word == text);
            let (_, command) = found.ok_or_else(|| {
                let words = StepCommand::ALL
                    .map(|(word, _)| format!("`{word}`"))
                    .join(", ");
                Error::usage(format!(
                    "the input `{}` must be one of {words}, not `{text}`",
                    row.name
                ))
            })?;
            match named {
                Some((other, input)) if other != *command => {
                    return Err(Error::usage(format!(
                        "the inputs `{input}` and `{}` contradict each other",
                        row.name
                    ))
                    .hinted(format!("leave `{}` out", row.name)));
                }
                _ => named = Some((*command, row.name)),
            }
        }
        Ok(named.map(|(command, _)| command))
    }

    fn switch(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(wrong(name, "`true` or `false`", Some(text))),
        }
    }
}

/// The error for an input that is not what it must be.
fn wrong(input: &str, expected: &str, found: Option<&str>) -> Error {
    let found = found
        .map(|found| format!(", not `{found}`"))
        .unwrap_or_default();
    Error::usage(format!("the input `{input}` must be {expected}{found}"))
}

impl Env {
    /// Who says what a variable holds.
    pub(super) fn origin(&self, variable: &str) -> Origin {
        match self.inputs().over(variable) {
            Some(input) => Origin::Input(input.to_owned()),
            None => Origin::Variable(variable.to_owned()),
        }
    }
}
