//! clap only; its doc comments are the help, the man pages and the completions.
//!
//! Values stay texts here: `settings` reads them together with variables and the file, so that one
//! mistake gets one and the same error wherever it was made.

use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

mod examples;

pub use examples::EXAMPLES;

/// What the program ends with, a code a line after the first.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed, and nothing of ours is left running
  2    wrong usage or settings, nothing was tried
  3    machines were kept or may still be running; they are listed
  130  interrupted, and nothing of ours is left running";

/// Ephemeral self-hosted GitHub Actions runners on machines that you pay for, and their removal
///
/// gharun rents a machine (or takes a container, or a slot on a host), boots it into an ephemeral
/// GitHub Actions runner for exactly one job, and removes it again. It runs in a workflow step, on
/// a laptop, and from cron.
#[derive(Debug, Parser)]
#[command(
    name = "gharun",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Options that every command takes
    #[command(flatten)]
    pub global: Global,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The version, target and commit, as build.rs found them.
const BUILD: &str = env!("GHARUN_BUILD");

/// The whole command line, for documents and completions.
pub fn command() -> clap::Command {
    examples::shown(Cli::command(), EXIT_CODES)
}

/// Reads the arguments of this process. Only here does `--version` name the build: documents are the same for all.
pub fn parse() -> Result<Cli, clap::Error> {
    let mut matches = command().long_version(BUILD).try_get_matches()?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
}

/// The only argument of a step of the action, which is for nobody else: neither help nor completions have it.
const ACTION: &str = "action";

/// Whether this process is a step of the action.
pub fn is_action() -> bool {
    std::env::args_os().skip(1).eq([ACTION])
}

/// Reads a command line that stands elsewhere, with the name of the program.
pub fn read(words: &[String]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(words)
}

/// Options that every command takes.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read settings from this file
    ///
    /// Default: `$GHARUN_CONFIG`, `./providers.toml`, `$XDG_CONFIG_HOME/gharun/providers.toml`.
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep the record of machines in this file
    ///
    /// Default: `$GHARUN_STATE`, `$XDG_STATE_HOME/gharun/state.json`; in Actions
    /// `$RUNNER_TEMP/gharun-state.json`.
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Keep no record of machines on this computer
    #[arg(long, global = true, hide_short_help = true, conflicts_with = "state")]
    pub no_state: bool,
    /// How results are written to standard output
    #[arg(long, global = true, hide_short_help = true, value_name = "FORMAT")]
    pub output: Option<FormatArg>,
    /// Print more on standard error (repeatable)
    #[arg(short, long, global = true, hide_short_help = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Print errors only
    #[arg(short, long, global = true, hide_short_help = true)]
    pub quiet: bool,
    /// When to use colors
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN")]
    pub color: Option<ColorArg>,
    /// The repository to register runners with
    #[arg(long, global = true, hide_short_help = true, value_name = "OWNER/NAME", help_heading = "GitHub options", conflicts_with_all = ["org", "enterprise"])]
    pub repo: Option<String>,
    /// The organization to register runners with
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "ORG",
        help_heading = "GitHub options",
        conflicts_with = "enterprise"
    )]
    pub org: Option<String>,
    /// The enterprise to register runners with
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "ENT",
        help_heading = "GitHub options"
    )]
    pub enterprise: Option<String>,
    /// The runner group of new runners, by name or ID
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "NAME|ID",
        help_heading = "GitHub options"
    )]
    pub runner_group: Option<String>,
}

/// How results are written to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people and simple scripts
    #[default]
    Text,
    /// The contract for programs
    Json,
}

/// What a dry run of a start prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunArg {
    /// What would be started, where, and for how much
    Plan,
    /// The same with the boot script, secrets as `***`
    Script,
}

/// When to color. Colors never carry meaning of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rent machines, boot them into runners, and wait until they are online
    Start(StartArgs),
    /// Deregister runners, end their machines, and confirm that they are gone
    Stop(StopArgs),
    /// Show every machine and registration with a verdict
    List(ListArgs),
    /// Show, check, explain and write the settings of providers
    Providers(ProvidersArgs),
    /// Say more about a hint: its cause, and what to do
    Explain(ExplainArgs),
    /// Print a whole workflow that starts runners, uses them and stops them
    Workflow {
        /// Providers in order of preference [default: those of `[defaults]`, else all tables]
        #[arg(value_name = "PROVIDER")]
        providers: Vec<String>,
    },
    /// Tell a shell what may follow
    #[command(name = "__complete", hide = true)]
    Complete {
        /// The shell, and the words of the line
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// `gharun start`.
#[derive(Args, Debug, Default)]
pub struct StartArgs {
    /// Providers in order of preference: tables of providers.toml, or kinds
    #[arg(value_name = "PROVIDER")]
    pub providers: Vec<String>,
    /// How many runners to start [default: 1]
    #[arg(long, value_name = "N")]
    pub count: Option<String>,
    /// An extra label; the unique name is always one (repeatable)
    #[arg(long = "label", value_name = "L")]
    pub labels: Vec<String>,
    /// Override a setting of the provider's table; NAME.KEY=VALUE for one of several (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// How long the whole start may take, including the wait for capacity [default: 15m]
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// How long a machine may live before it ends itself and counts as an orphan [default: 7h]
    #[arg(long, value_name = "DUR")]
    pub lifetime: Option<String>,
    /// How long a machine waits for a job before it ends itself; 0 means no limit [default: 30m]
    #[arg(long, value_name = "DUR")]
    pub idle_timeout: Option<String>,
    /// Keep the runners that came up when others fail
    #[arg(long)]
    pub allow_partial: bool,
    /// Keep the machine of a failed runner, for inspection
    #[arg(long)]
    pub keep_failed: bool,
    /// A tag that pairs this start with its stop
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// A shell script that runs on the machine before the runner
    #[arg(long, value_name = "FILE")]
    pub setup: Option<PathBuf>,
    /// The runner's version; `latest` is the one that GitHub offers for this scope [default: latest]
    #[arg(long, value_name = "V")]
    pub runner_version: Option<String>,
    /// How runners are registered: `jit`, or `token` for a GHES without just-in-time configurations [default: jit, or token where a GHES supports nothing else]
    #[arg(long, value_name = "HOW")]
    pub registration: Option<String>,
    /// How often GitHub and the provider are asked while waiting; at first up to four times as often [default: 2s]
    #[arg(long, value_name = "DUR")]
    pub poll_interval: Option<String>,
    /// Print the plan with its prices, change nothing; `=script` adds the boot script
    #[arg(
        long,
        value_name = "WHAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "plan",
        conflicts_with = "rehearse"
    )]
    pub dry_run: Option<DryRunArg>,
    /// Run end to end with a real machine, a stub GitHub and one test job, without a token
    #[arg(long)]
    pub rehearse: bool,
}

/// `gharun stop`.
#[derive(Args, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags are what a command line is made of"
)]
pub struct StopArgs {
    /// Machines (PROVIDER:PLACE/ID) or runner names
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// The output `mapping` of `start`: JSON, a file, or - for standard input
    #[arg(long, value_name = "JSON|FILE|-", conflicts_with_all = ["references", "run", "all", "orphans"])]
    pub mapping: Option<String>,
    /// What a workflow run started; without a value, this run
    #[arg(long, value_name = "ID[/ATTEMPT]", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["references", "all", "orphans"])]
    pub run: Option<String>,
    /// Everything of this scope that is not busy
    #[arg(long, conflicts_with_all = ["references", "orphans"])]
    pub all: bool,
    /// Machines that will not be used again, registrations without a machine, stale records
    #[arg(long, conflicts_with = "references")]
    pub orphans: bool,
    /// Only what a start with this --group created
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Only this provider (repeatable)
    #[arg(long = "provider", value_name = "P")]
    pub providers: Vec<String>,
    /// Override a setting of the provider's table; NAME.KEY=VALUE for one of several (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Keep whatever is younger than this, even past its own grace
    #[arg(long, value_name = "DUR")]
    pub older_than: Option<String>,
    /// How long an idle orphan is watched between its deregistration and its end [default: 60s]
    #[arg(long, value_name = "DUR")]
    pub second_look: Option<String>,
    /// Also end orphans that are busy; for a machine that is named, also forget it where its provider can no longer tell
    #[arg(long)]
    pub force: bool,
    /// Wait until every machine is confirmed gone (the default)
    #[arg(long, conflicts_with = "no_wait")]
    pub wait: bool,
    /// Return as soon as every machine was asked to end
    #[arg(long)]
    pub no_wait: bool,
    /// How long to wait [default: 2m]
    #[arg(long, value_name = "DUR")]
    pub timeout: Option<String>,
    /// Print what would be stopped, change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    pub yes: bool,
}

/// `gharun list`.
#[derive(Args, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags are what a command line is made of"
)]
pub struct ListArgs {
    /// Only what `stop --orphans` would act on
    #[arg(long)]
    pub orphans: bool,
    /// Treat nothing younger than this as an orphan, even past its own grace
    #[arg(long, value_name = "DUR")]
    pub older_than: Option<String>,
    /// Only this provider (repeatable)
    #[arg(long = "provider", value_name = "P")]
    pub providers: Vec<String>,
    /// Override a setting of the provider's table; NAME.KEY=VALUE for one of several (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Include machines of other scopes and servers
    #[arg(long)]
    pub all_scopes: bool,
    /// Do not ask GitHub
    #[arg(long)]
    pub no_github: bool,
    /// Refresh the list until interrupted; with `--output json`, one document per line
    #[arg(long)]
    pub watch: bool,
    /// Show all columns on a terminal, whatever its width
    #[arg(long, conflicts_with = "columns")]
    pub wide: bool,
    /// Show only these columns, in this order, with commas between: verdict, runner, provider, age, ends-in, cost, machine, state, github, rented, price, scope, run, why
    #[arg(long, value_name = "COLUMN,…")]
    pub columns: Option<String>,
}

/// `gharun providers`.
#[derive(Args, Debug, Default)]
pub struct ProvidersArgs {
    /// What to do [default: list]
    #[command(subcommand)]
    pub command: Option<ProvidersCommand>,
}

impl ProvidersArgs {
    /// Whether a file is to be trusted: then it need not be trusted yet.
    pub fn trusts(&self) -> bool {
        matches!(self.command, Some(ProvidersCommand::Trust { .. }))
    }

    /// Whether a file is begun, or added to.
    pub fn begins_file(&self) -> bool {
        matches!(self.command, Some(ProvidersCommand::Init { .. }))
    }
}

/// `gharun explain`.
#[derive(Args, Debug, Default)]
pub struct ExplainArgs {
    /// The name at the end of a message, or words of its hint; all names when left out
    #[arg(value_name = "NAME")]
    pub words: Vec<String>,
}

/// What to do with providers.
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// Show kinds and configured tables, with where each setting came from
    List,
    /// Check credentials, location, permissions and the GitHub token, changing nothing
    Check {
        /// The providers to check; all tables, or all kinds, when left out
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Override a setting of the provider's table; NAME.KEY=VALUE for one of several (repeatable)
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Show every setting of a kind: type, default, meaning
    Show {
        /// The kind
        #[arg(value_name = "KIND")]
        kind: String,
    },
    /// Write providers.toml, or add to it: looks around, and asks what it could not find
    ///
    /// Looks at the git remotes, `gh`, the Docker daemon, AWS profiles, ~/.ssh/config, the API key of RunPod and
    /// ~/.nebius, and writes a file with comments and without secrets. Tables are added to a file that is there;
    /// the rest of it stays as it is.
    Init {
        /// The kinds to add, in order of preference; NAME=KIND gives a table another name
        #[arg(value_name = "KIND")]
        kinds: Vec<String>,
        /// A setting of a new table; NAME.KEY=VALUE for one of several (repeatable)
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// The file [default: the one that --config names, else ./providers.toml]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print the file to standard output, write nothing
        #[arg(long)]
        print: bool,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// Trust a providers.toml that gharun finds in the current folder, as it is now
    ///
    /// Covers its content and every file below its folder that it names. When one of them changes, it has to be
    /// trusted again. A file that is named with --config, or that is in the user's own folder, needs no trust.
    Trust {
        /// The file [default: ./providers.toml]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show machine types with live price and stock, cheapest first
    Offers {
        /// The providers to ask; all tables, or all kinds, when left out
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Override a setting of the provider's table; NAME.KEY=VALUE for one of several (repeatable)
        #[arg(long, value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn run_may_stand_without_a_value() {
        let cli = Cli::try_parse_from(["gharun", "stop", "--run", "--yes"]).expect("it parses");
        let Command::Stop(stop) = cli.command else {
            panic!("not stop")
        };
        assert_eq!((stop.run.as_deref(), stop.yes), (Some(""), true));
    }
}
