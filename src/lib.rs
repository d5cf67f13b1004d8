//! Ephemeral self-hosted GitHub Actions runners on machines that a script can reach.

use std::process::ExitCode;

use clap::Parser as _;

pub mod actions;
pub mod bootstrap;
pub mod cli;
pub mod commands;
pub mod error;
pub mod fleet;
pub mod github;
pub mod http;
pub mod model;
pub mod plan;
pub mod poll;
pub mod providers;
pub mod rehearsal;
pub mod report;
pub mod settings;
pub mod state;
pub mod ui;

/// Parses the command line, runs the command, and says what went wrong.
pub fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own code for a wrong command line is 2, and 0 for help and version. A reader
            // who has gone away (`--help | head`) is no failure.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
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
            ui::Ui::new(ui::Look::default()).error(&error, &[]);
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(commands::run(cli));
    // What still blocks (a prompt, a name looked up) must not keep a finished program alive.
    runtime.shutdown_background();
    ExitCode::from(exit.code())
}
