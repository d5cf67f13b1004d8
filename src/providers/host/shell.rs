//! A way to run scripts on a host, and what came of one.

use std::fmt;

use crate::model::Rental;
use crate::providers::{Error, Result};

/// What a script said.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error.
    pub(crate) stderr: Vec<u8>,
    /// How it ended, for people (`exit status: 1`).
    pub(crate) status: String,
}

/// Why a script said nothing.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It never began.
    Refused(std::io::Error),
    /// It began, and nobody knows how far it came.
    Lost(std::io::Error),
    /// The host could not be reached, and the error says what to do about it.
    Unreachable(Error),
}

/// A way to run scripts on a host.
pub(crate) trait Shell: fmt::Debug + Send + Sync + 'static {
    /// What people call the host (`this machine`, `pi@pi4.local`).
    fn host(&self) -> &str;

    /// What is to be told of machines on it, beside what references say: people know a host by its name.
    fn rental(&self) -> Rental {
        Rental::at(self.host())
    }

    /// Adds to an error what it means that a shell said something instead of running a script.
    fn explain(&self, error: Error, said: &str) -> Error {
        let _ = said;
        error
    }

    /// Gets ready to run scripts, within a time limit of its own. What fails here was never begun.
    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    /// Runs a script with `sh -c`, in an environment that holds nothing but what a job may see, and
    /// feeds it `stdin`. The caller sees to the time limit and drops the future when it is over.
    async fn run(&self, script: &str, stdin: &[u8]) -> Result<Output, Broken>;
}
