//! Settings in, one operation called, report out.

use std::any::Any;
use std::cell::Cell;
#[cfg(test)]
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::sync::OnceCell;
use tracing::Subscriber;

use crate::actions::{Actions, StepFiles};
use crate::cli::{Cli, ColorArg, Command, FormatArg, ProvidersCommand};
use crate::error::{Exit, Failure};
use crate::fleet::survey::{Unknown, View};
use crate::github::Client;
use crate::model::{Error, Event, Sink};
use crate::settings::{self, Env, Settings};
use crate::state::Store;
use crate::ui::{self, Terminals, Ui, UiOptions, Verbosity};

pub use explain::sections::name_of as explained_in;
use interrupt::Interrupts;
use screen::Screen;

pub(crate) mod action;
mod complete;
mod explain;
mod failing;
mod gh;
mod github;
mod groups;
mod interrupt;
mod list;
mod misuse;
mod opening;
mod providers;
mod screen;
mod start;
mod stop;
#[cfg(test)]
mod tests;
mod workflow;

/// How long the end of a command may wait for tokens to be taken back; what is not ends by itself within
/// the hour. After a signal the step has seconds, most of which the undoing has used.
const REVOKING: Duration = Duration::from_secs(2);
const REVOKING_INTERRUPTED: Duration = Duration::from_millis(500);

/// Runs a command in this process to its end, and says what went wrong.
pub async fn run(cli: Cli) -> Exit {
    let env = Env::of_process();
    run_with(cli, env, None).await
}

/// Runs a command in an environment; the voice of the step, where it has spoken already.
async fn run_with(cli: Cli, env: Env, actions: Option<Arc<Actions>>) -> Exit {
    if let Command::Complete { words } = &cli.command {
        let found = complete::run(words, &env).await;
        // A shell that does not read it any more needs nothing.
        let _ = Ui::new(UiOptions::default()).data(&found);
        return Exit::Done;
    }
    let (format, color) = settings::manners(&cli.global, &env);
    let verbosity = i8::try_from(cli.global.verbose).unwrap_or(i8::MAX);
    let step = step(&env);
    let early = Ui::new(look(
        format,
        color,
        if cli.global.quiet { -1 } else { verbosity },
        step.listens,
    ));
    let actions = actions.unwrap_or_else(|| Arc::new(Actions::new(step)));
    if let Command::Explain(args) = &cli.command {
        // Also where the settings are what has to be explained.
        let screen = Screen::new(&early, &actions, format);
        return explain::run(&screen, &args.words)
            .unwrap_or_else(|failure| screen.fail(&cli.command, &failure));
    }
    let settings = match Settings::resolve(&cli.global, sets(&cli.command), env) {
        Ok(mut settings) => {
            // What was guessed is always said: with `-q`, and where nobody looks, nothing is guessed.
            if early.can_ask() && early.shows_warnings() && asks_github(&cli.command) {
                settings.look_around();
            }
            settings
        }
        Err(error) => {
            return Screen::new(&early, &actions, format).fail(&cli.command, &error.into());
        }
    };
    let ui = Ui::new(look(
        settings.format,
        settings.color,
        settings.verbosity,
        settings.step.is_some(),
    ));
    let annotate = settings.step.is_some().then(|| {
        let actions = Arc::clone(&actions);
        // Where standard error is gone, nobody listens.
        Arc::new(move |warning: &str| drop(actions.warn(warning))) as ui::Annotate
    });
    let subscriber = ui.subscriber(settings.log.as_deref(), annotate);
    let context = Context::new(settings, ui, actions);
    match subscriber {
        Ok(subscriber) => install(subscriber),
        Err(error) => {
            let error = Error::from("invalid $RUST_LOG").because(error);
            context
                .screen
                .warn(&error.hinted("write it such as `gharun=debug`"));
        }
    }
    context.run(&cli.command).await
}

/// Says that a command line cannot be used, as every other failure is said.
pub(crate) fn misused(error: &clap::Error) -> Exit {
    let env = Env::of_process();
    let step = step(&env);
    let color = if env.get("NO_COLOR").is_some() {
        ColorArg::Never
    } else {
        ColorArg::Auto
    };
    let ui = Ui::new(look(FormatArg::Text, color, 0, step.listens));
    misused_by(error, &Arc::new(Actions::new(step)), &ui)
}

/// The same, where a step has spoken already.
fn misused_by(error: &clap::Error, actions: &Arc<Actions>, ui: &Ui) -> Exit {
    let screen = Screen::new(ui, actions, FormatArg::Text);
    let failure = misuse::misuse(error);
    screen.complain(&failure);
    failure.kind
}

/// The settings of providers that the command line gives.
fn sets(command: &Command) -> &[String] {
    match command {
        Command::Start(args) => &args.set,
        Command::Stop(args) => &args.set,
        Command::List(args) => &args.set,
        Command::Providers(args) => match &args.command {
            Some(ProvidersCommand::Check { set, .. } | ProvidersCommand::Offers { set, .. }) => set,
            _ => &[],
        },
        Command::Complete { .. } | Command::Explain(_) | Command::Workflow { .. } => &[],
    }
}

/// Whether a command works for a scope.
fn asks_github(command: &Command) -> bool {
    match command {
        Command::Start(args) => !args.rehearse,
        Command::Stop(_) | Command::List(_) => true,
        Command::Providers(args) => matches!(
            args.command,
            Some(ProvidersCommand::Check { .. } | ProvidersCommand::Init { .. })
        ),
        Command::Complete { .. } | Command::Explain(_) | Command::Workflow { .. } => false,
    }
}

/// A question got no answer: nothing was done yet.
fn unanswered(error: &ui::PromptError, asked: &str) -> Failure {
    let exit = match error {
        ui::PromptError::Interrupted => Exit::Interrupted,
        ui::PromptError::Io(_) | ui::PromptError::NotATerminal(_) => Exit::Usage,
    };
    Failure::new(exit, format!("{asked}: {error}"))
}

/// Where a step's words go.
fn step(env: &Env) -> StepFiles {
    StepFiles {
        listens: env.flag("GITHUB_ACTIONS"),
        output: env.get("GITHUB_OUTPUT").map(PathBuf::from),
        path: env.get("GITHUB_PATH").map(PathBuf::from),
        summary: env.get("GITHUB_STEP_SUMMARY").map(PathBuf::from),
    }
}

fn look(format: FormatArg, color: ColorArg, verbosity: i8, actions: bool) -> UiOptions {
    UiOptions {
        verbosity: match verbosity {
            ..0 => Verbosity::Quiet,
            n => Verbosity::of(n.unsigned_abs(), 0),
        },
        color,
        format,
        terminals: Terminals::of_this_process(),
        actions,
    }
}

/// What every command works with.
struct Context {
    settings: Settings,
    ui: Ui,
    actions: Arc<Actions>,
    screen: Screen,
    store: Store,
    /// Made when it is asked for, and kept for what it has to clear away at the end.
    github: OnceCell<Client>,
    /// Whether machines may run that this command made or was to end: how it ends where it fails half-way.
    at_stake: Cell<bool>,
    /// What tables open instead of their kind.
    #[cfg(test)]
    doubles: BTreeMap<String, Arc<dyn crate::providers::Provider>>,
}

impl Context {
    fn new(settings: Settings, ui: Ui, actions: Arc<Actions>) -> Self {
        let store = settings.state.clone().map_or_else(Store::none, Store::at);
        Self {
            screen: Screen::new(&ui, &actions, settings.format),
            settings,
            ui,
            actions,
            store,
            github: OnceCell::new(),
            at_stake: Cell::new(false),
            #[cfg(test)]
            doubles: BTreeMap::new(),
        }
    }

    /// Runs a command to its end and says what went wrong.
    async fn run(&self, command: &Command) -> Exit {
        if let Some(file) = self.settings.file.found() {
            let file = file.display();
            let what = format!("Using the settings of ./{file}");
            if self.settings.tables.doubted() {
                self.ui.notice(&(what + ", as far as they need no trust"));
            } else {
                self.ui.status(&what);
            }
        }
        // `init` says it with all else that it finds.
        let says_itself = matches!(command, Command::Providers(args) if args.begins_file());
        let guessed = self.settings.github.guessed();
        if let Some(scope) = guessed.filter(|_| !says_itself) {
            let settings::Setting { value, origin } = scope;
            self.ui.status(&format!("For {value} ({origin})"));
        }
        // Its future holds all that a command does.
        let mut interrupts = None;
        let carried_out = Box::pin(self.carry_out(command, &mut interrupts));
        let result = AssertUnwindSafe(carried_out).catch_unwind();
        let result = result
            .await
            .unwrap_or_else(|panic| Err(self.failed_half_way(failed_itself(panic.as_ref()))));
        self.ui.finish();
        let exit = result.unwrap_or_else(|failure| self.screen.fail(command, &failure));
        self.screen.summarise(Actions::summarise_warnings);
        if let Some(github) = self.github.get() {
            let is_hurried = interrupts.is_some_and(|interrupts| interrupts.came());
            github
                .revoke(match exit {
                    _ if is_hurried => REVOKING_INTERRUPTED,
                    Exit::Interrupted | Exit::Left => REVOKING_INTERRUPTED,
                    Exit::Done | Exit::Failed | Exit::Usage => REVOKING,
                })
                .await;
        }
        exit
    }

    /// A failure after which nobody knows what became of the machines.
    fn failed_half_way(&self, failure: Failure) -> Failure {
        if !self.at_stake.get() {
            return failure;
        }
        let failure = failure.map(|_| Exit::Left);
        failure.hinted(
            "machines may still be running: see `gharun list`, and end them with `gharun stop`",
        )
    }

    /// What comes of a command, which hears signals from its first request on.
    async fn carry_out(
        &self,
        command: &Command,
        interrupts: &mut Option<Interrupts>,
    ) -> Result<Exit, Failure> {
        let trusts = matches!(command, Command::Providers(args) if args.trusts());
        if let Some(refused) = self.settings.refused.as_ref().filter(|_| !trusts) {
            return Err(refused.clone().into());
        }
        let interrupts = interrupts.insert(Interrupts::listen(self.settings.step.is_some())?);
        match command {
            // Its future is large: it holds all that a start does.
            Command::Start(args) => Box::pin(start::run(self, args, interrupts)).await,
            Command::Stop(args) => Box::pin(stop::run(self, args, interrupts)).await,
            Command::List(args) => list::run(self, &self.settings.list(args)?, interrupts).await,
            Command::Workflow { providers } => workflow::run(self, providers),
            // It has been answered before anything was resolved.
            Command::Complete { .. } => Ok(Exit::Done),
            Command::Providers(args) => {
                let command = self.settings.providers_command(args)?;
                interrupts.unless(providers::run(self, &command)).await
            }
            Command::Explain(args) => explain::run(&self.screen, &args.words),
        }
    }

    /// Whose machines are looked at.
    fn view(&self, all_scopes: bool, older_than: Option<Duration>, providers: &[String]) -> View {
        let github = &self.settings.github;
        View {
            providers: providers.to_vec(),
            server: github.host(),
            scope: github.scope.as_ref().map(|scope| scope.value.to_string()),
            all_scopes,
            older_than,
        }
    }

    /// Says which damaged state files a change has moved aside.
    fn say_moved_aside(&self) {
        for moved in self.store.moved_aside() {
            self.screen.warn(&Error::from(moved.to_string()));
        }
    }

    /// Names what could not be read, and what would mend it.
    fn say_unknown<'a>(&self, all: impl IntoIterator<Item = &'a Unknown>) {
        for Unknown { source, error } in all {
            let what = format!("could not read {source}");
            self.screen.warn_of_row(&error.clone().while_trying(what));
        }
    }
}

/// The failure of a command that a flaw of gharun's own has ended.
pub(crate) fn failed_itself(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    let error = Failure::new(Exit::Failed, "gharun itself failed");
    error
        .because(text.unwrap_or("unknown panic"))
        .hinted("this looks like a bug in gharun: please report it")
}

fn install(subscriber: impl Subscriber + Send + Sync) {
    // Fails only where one is installed already, which then goes on.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

impl Sink for Context {
    /// Masks and outputs first: they must be written before anything else happens.
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async move {
            if let Event::Warning(error) = &event {
                self.screen.warn(error);
                return Ok(());
            }
            self.actions.handle(&event)?;
            if let Event::Launched { mapping, .. } | Event::Mapping(mapping) = &event
                && self.settings.is_of_action()
            {
                let further = action::outputs_of_kinds(&self.settings.tables, mapping);
                let further = further.iter().map(|(name, value)| (*name, value.as_str()));
                self.actions.set_outputs(&further.collect::<Vec<_>>())?;
            }
            self.ui.handle(&event);
            Ok(())
        }
        .boxed_local()
    }
}
