//! What is told of a command that failed: in JSON, in the job's summary, and on the screen.

use super::explain::Explanation;
use super::screen::Screen;
use super::start::RehearsalOutcome;
use crate::cli::{Command, ProvidersCommand};
use crate::error::{Exit, Failure};
use crate::fleet::StartOutcome;
use crate::fleet::list::ListOutcome;
use crate::fleet::stop::StopOutcome;
use crate::report::{Checks, OffersReport, ProvidersReport, TrustReport, WorkflowReport};

impl Screen {
    /// Tells in all forms that a command failed; where that was before it had an outcome, the outcome is
    /// empty, and has the failure.
    pub(super) fn fail(&self, command: &Command, failure: &Failure) -> Exit {
        if !self.has_outcome() {
            // Where standard output is gone, standard error still tells.
            let _ = self.nothing(command, failure);
            self.summarise(|actions| actions.summarise_failure(name(command), failure));
        }
        self.complain(failure);
        failure.kind
    }

    /// Writes the outcome of a command that did nothing, which has all the keys that it always has.
    fn nothing(&self, command: &Command, failure: &Failure) -> Result<(), Failure> {
        let error = Some(failure.clone());
        match command {
            Command::Start(args) if args.rehearse => {
                self.json(&RehearsalOutcome::of_nothing(failure))
            }
            Command::Start(_) => self.json(&StartOutcome {
                error,
                ..Default::default()
            }),
            Command::Stop(args) => self.json(&StopOutcome {
                planned: args.dry_run,
                error,
                ..Default::default()
            }),
            Command::List(_) => self.json(&ListOutcome {
                error,
                ..Default::default()
            }),
            Command::Providers(args) => match &args.command {
                None | Some(ProvidersCommand::List) => self.json(&ProvidersReport {
                    error,
                    ..Default::default()
                }),
                Some(ProvidersCommand::Check { .. }) => self.json(&Checks {
                    error,
                    ..Default::default()
                }),
                Some(ProvidersCommand::Offers { .. }) => self.json(&OffersReport {
                    error,
                    ..Default::default()
                }),
                Some(ProvidersCommand::Trust { .. }) => self.json(&TrustReport {
                    error,
                    ..Default::default()
                }),
                Some(ProvidersCommand::Init { .. } | ProvidersCommand::Show { .. }) => {
                    self.json(failure)
                }
            },
            Command::Explain(_) => self.json(&Explanation::of_nothing(failure)),
            Command::Workflow { .. } => self.json(&WorkflowReport {
                error,
                ..Default::default()
            }),
            Command::Complete { .. } => self.json(failure),
        }
    }
}

/// What a user calls a command.
fn name(command: &Command) -> &'static str {
    match command {
        Command::Start(args) if args.rehearse => "start --rehearse",
        Command::Start(_) => "start",
        Command::Stop(_) => "stop",
        Command::List(_) => "list",
        Command::Workflow { .. } => "workflow",
        Command::Complete { .. } => "__complete",
        Command::Providers(args) => match &args.command {
            None | Some(ProvidersCommand::List) => "providers",
            Some(ProvidersCommand::Check { .. }) => "providers check",
            Some(ProvidersCommand::Offers { .. }) => "providers offers",
            Some(ProvidersCommand::Init { .. }) => "providers init",
            Some(ProvidersCommand::Show { .. }) => "providers show",
            Some(ProvidersCommand::Trust { .. }) => "providers trust",
        },
        Command::Explain(_) => "explain",
    }
}
