//! Ephemeral self-hosted GitHub Actions runners on machines that a script can reach.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "this is a program: who reads its documentation builds that of private items, too"
)]
#![cfg_attr(
    not(feature = "default"),
    allow(
        dead_code,
        unused_imports,
        reason = "this build may leave out the only kind that needs it"
    )
)]
#![cfg_attr(
    feature = "bench",
    allow(async_fn_in_trait, reason = "one thread runs everything")
)]

#[cfg(all(feature = "aws", unix))]
use std::ffi::{OsStr, OsString};
use std::panic::AssertUnwindSafe;
#[cfg(all(feature = "aws", unix))]
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use futures_util::FutureExt as _;

mod actions;
mod bootstrap;
mod cli;
mod commands;
mod error;
mod fleet;
mod github;
mod http;
mod model;
mod plan;
mod poll;
mod providers;
mod rehearsal;
mod report;
mod settings;
mod state;
mod ui;

/// What the tests beside the program look into; nobody else may rely on it.
#[doc(hidden)]
pub mod inside {
    pub use crate::cli::{Cli, EXAMPLES, EXIT_CODES, command};
    pub use crate::commands::explained_in;
    pub use crate::providers::{KINDS, Kind, kind};
    pub use crate::rehearsal::{JobRow, RunnerRow, StubJobStatus, StubOptions, StubServer};
    pub use crate::settings::{SettingsFile, input_names};
}

/// What `benches/` measures; no program is built with it.
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod measured {
    pub use crate::bootstrap::Package;
    pub use crate::fleet::{Fleet, NamedProvider, start};
    pub use crate::github::{Client, ClientConfig, DEFAULT_GROUP, Observer, TokenSource};
    pub use crate::http::Bounds;
    pub use crate::model::{
        Condition, Event, Instance, InstanceId, Order, RegistrationMode, Rental, RunnerVersion,
        Scope, Secret, Sink,
    };
    pub use crate::plan::{Plan, StartIdentity};
    pub use crate::providers::{
        Health, Listing, Provider, ProviderFuture, ProviderKind, Result, Termination,
    };
    pub use crate::state::Store;
}

/// Keeps other processes of the same user, such as a job on `local`, from reading the tokens in our environment
/// and memory. Children are not hidden: they get none.
#[cfg(target_os = "linux")]
fn hide() {
    let hidden = rustix::process::DumpableBehavior::NotDumpable;
    // Before there is a log: a kernel that refuses leaves a process as readable as any other.
    let _ = rustix::process::set_dumpable_behavior(hidden);
}

/// Starts this program anew, in the same process, without the variables of the AWS tools that are blank, which count as
/// unset. The SDK reads them again for the credentials of a profile, panics at some and gives up at others; without `unsafe`
/// only a program that begins can have another environment. That one has no such variable, so this happens once.
#[cfg(all(feature = "aws", unix))]
fn unset_blank() {
    use std::os::unix::process::CommandExt as _;
    let blank = settings::Env::blank_of_aws();
    let Some(program) = std::env::current_exe().ok().filter(|_| !blank.is_empty()) else {
        return;
    };
    let words = begun_with(&program);
    // Where an upgrade replaced the file, its old name is nobody's, and the second name still is.
    for program in [program.as_path(), Path::new("/proc/self/exe")] {
        let mut anew = std::process::Command::new(program);
        if let Some((name, words)) = words.split_first() {
            anew.arg0(name).args(words);
        }
        for name in &blank {
            anew.env_remove(name);
        }
        // It returns only where it cannot be done: then the environment is as it is, which most commands never notice.
        let _ = anew.exec();
    }
}

/// The words that a program was begun with, its name first, when it became this process. They are ours, unless a loader was
/// told to run us (`ld-linux-x86-64.so.2 gharun list`): then the program is the loader, which took its own words away.
#[cfg(all(feature = "aws", unix))]
fn begun_with(program: &Path) -> Vec<OsString> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::MetadataExt as _;
    let ours: Vec<OsString> = std::env::args_os().collect();
    let all = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let all = all
        .strip_suffix(b"\0")
        .unwrap_or_default()
        .split(|byte| *byte == 0);
    let all: Vec<OsString> = all.map(|word| OsStr::from_bytes(word).to_owned()).collect();
    if all == ours || !all.ends_with(ours.get(1..).unwrap_or_default()) {
        return ours;
    }
    let file = |path: &Path| {
        let file = path.metadata().ok()?;
        Some((file.dev(), file.ino()))
    };
    // An emulator of another processor stands before us, too, and says that it is us.
    let is_us = ours.first().and_then(|name| file(Path::new(name)));
    if is_us.is_some() && is_us == file(program) {
        return ours;
    }
    all
}

/// Parses the command line, runs the command, and says what went wrong.
pub fn main() -> ExitCode {
    // Before anything is opened, and before there are threads.
    #[cfg(all(feature = "aws", unix))]
    unset_blank();
    #[cfg(target_os = "linux")]
    hide();
    let parsed = if cli::is_action() {
        Ok(None)
    } else {
        cli::parse().map(Some)
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own code for a wrong command line is 2, and 0 for help and version. A reader
            // who has gone away (`--help | head`) is no failure.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Without a command the help is printed, as it is; it says what is missing.
            let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            if error.use_stderr() && !is_help {
                return ExitCode::from(commands::misused(&error).code());
            }
            return match error.print() {
                Err(broken) if broken.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
                _ => ExitCode::from(code),
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            ui::Ui::new(ui::UiOptions::default()).error(&error, &[]);
            return ExitCode::FAILURE;
        }
    };
    // Whoever catches a panic says it, as one error.
    std::panic::set_hook(Box::new(|panic| tracing::debug!("{panic}")));
    let run = async {
        match cli {
            Some(cli) => commands::run(cli).await,
            None => commands::action::run().await,
        }
    };
    let run = AssertUnwindSafe(run).catch_unwind();
    let exit = runtime.block_on(run).unwrap_or_else(|panic| {
        let failure = commands::failed_itself(panic.as_ref());
        ui::Ui::new(ui::UiOptions::default()).error(&failure, failure.hints());
        failure.kind
    });
    // What still blocks (a prompt, a name looked up) must not keep a finished program alive.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}
