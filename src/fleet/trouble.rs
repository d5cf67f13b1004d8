//! Why a runner did not come up.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::BootFailure;
use crate::model::{Error, HumanDuration, Name, chain};
use crate::{github, providers, state};

/// Why one runner did not come up. The runner itself is named by whoever shows it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its machine ended before GitHub saw the runner.
    #[error("its machine {} before the runner was online{}", ended(.0), because(.0))]
    Died(Box<BootFailure>),
    /// Its machine ended after the runner was online, and before it had a job.
    #[error("its machine {} before the runner had a job{}", ended(.0), because(.0))]
    Ended(Box<BootFailure>),
    /// Its provider accepted the order, and will never start the machine, which is ended.
    #[error("`{provider}` cannot start its machine")]
    Doomed {
        /// The provider.
        provider: String,
        /// Why.
        source: providers::Error,
    },
    /// GitHub dropped it after it was online, and before it had a job.
    #[error("GitHub dropped its registration before it had a job{}", because(.0))]
    Dropped(Box<BootFailure>),
    /// Another runner failed, or somebody interrupted.
    #[error("cancelled together with the other runners")]
    Halted,
    /// The time limit is over.
    #[error("{}", late(.unseen.as_ref(), .boot))]
    Late {
        /// Why GitHub could not be looked at last, where it could not.
        #[source]
        unseen: Option<Error>,
        /// How far its machine came.
        boot: Box<BootFailure>,
    },
    /// The provider did not launch it: there is no machine.
    #[error("`{provider}` did not launch it")]
    Launch {
        /// The provider.
        provider: String,
        /// Why.
        source: providers::Error,
    },
    /// Nobody can tell whether the provider launched it.
    #[error("no answer from `{provider}`: the machine may have been launched")]
    Lost {
        /// The provider.
        provider: String,
        /// Why.
        source: providers::Error,
    },
    /// No provider has room, or may launch one more: what each of them said, in the order in which they were asked.
    #[error("no provider could launch it: {}", .0.iter().map(told).collect::<Vec<_>>().join("; "))]
    NoRoom(Vec<(String, providers::Error)>),
    /// A bug.
    #[error("gharun itself failed: {0}")]
    Panic(String),
    /// It could not be written down.
    #[error("could not record it in the state file")]
    Record(#[from] state::Error),
    /// GitHub did not register it.
    #[error("GitHub did not register it")]
    Register(#[source] github::Error),
    /// An output could not be written.
    #[error("could not write the outputs")]
    Tell(#[source] Arc<io::Error>),
    /// GitHub dropped it.
    #[error("{}{}", dropped(.0), because(.0))]
    Vanished(Box<BootFailure>),
}

/// What became of the machine.
fn ended(boot: &BootFailure) -> &'static str {
    if boot.is_kept { "failed" } else { "ended" }
}

/// From when on the age of a registration says something.
const A_WHILE: Duration = Duration::from_mins(1);

/// What GitHub did with a registration whose runner was not online in time (actions/runner#4726).
fn dropped(boot: &BootFailure) -> String {
    let dropped = "GitHub dropped its registration before it was online";
    boot.registered_for.map_or_else(
        || dropped.to_owned(),
        |time| {
            let why = "GitHub drops a registration that stays unused for a few minutes";
            match HumanDuration::from_secs(time.as_secs()) {
                age if time >= A_WHILE => format!("{dropped}, {age} after it was made: {why}"),
                _ => format!("{dropped}: {why}"),
            }
        },
    )
}

/// The reason of a failed boot, as the end of a sentence.
fn because(boot: &BootFailure) -> String {
    let reason = boot.reason.as_ref();
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

/// What is said of a runner whose time is over: whether it came online, only GitHub knows.
fn late(unseen: Option<&Error>, boot: &BootFailure) -> String {
    let what = match unseen {
        None => "it did not come online within the time limit",
        Some(_) => "could not tell within the time limit whether it came online",
    };
    let phase = match (&boot.phase, boot.stands) {
        (Some(phase), _) => format!(" (its machine reached the phase `{phase}`)"),
        (None, Some(stands)) => format!(" ({stands})"),
        (None, None) => String::new(),
    };
    format!("{what}{phase}{}", because(boot))
}

/// What one provider said.
fn told((provider, error): &(String, providers::Error)) -> String {
    format!("`{provider}`: {}", chain(error))
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Tell(Arc::new(error))
    }
}

impl Trouble {
    /// All that is known of it, as one error: the causes, what would help, and the request's id.
    pub fn error(&self) -> Error {
        let said = || Error::from(self.to_string());
        match self {
            Self::Doomed { source, .. }
            | Self::Launch { source, .. }
            | Self::Lost { source, .. } => source.clone().any().while_trying(self.to_string()),
            Self::NoRoom(all) => {
                let each = all.iter().map(|(provider, error)| {
                    let error = error.clone();
                    error.while_trying(format!("`{provider}`"))
                });
                Error::from("no provider could launch it").because_each(each)
            }
            Self::Record(error) => error.clone().any().while_trying(self.to_string()),
            // GitHub's error names what was to be registered, and where.
            Self::Register(error) => error.clone().any(),
            Self::Tell(error) => said().because(Arc::clone(error)),
            Self::Dropped(boot) | Self::Ended(boot) => said()
                .hinted("raise `--timeout`: then there is time for another machine")
                .hinted_all(boot.hints.clone()),
            Self::Late {
                unseen: Some(why),
                boot,
            } => {
                let why = why.clone().while_trying(self.to_string());
                why.hinted_all(boot.hints.clone())
            }
            Self::Died(boot) | Self::Late { boot, .. } | Self::Vanished(boot) => {
                said().hinted_all(boot.hints.clone())
            }
            Self::Halted | Self::Panic(_) => said(),
        }
    }

    /// What providers and GitHub say would help.
    pub fn hints(&self) -> Vec<String> {
        self.error().hints().to_vec()
    }

    /// The end of the boot log, where there is one.
    pub fn log(&self) -> Option<&str> {
        self.boot()?.log.as_deref()
    }

    /// What is known of its machine, where it is the machine that failed.
    pub fn boot(&self) -> Option<&BootFailure> {
        match self {
            Self::Died(boot)
            | Self::Dropped(boot)
            | Self::Ended(boot)
            | Self::Late { boot, .. }
            | Self::Vanished(boot) => Some(boot),
            _ => None,
        }
    }

    /// Whether there is something to see on the machine.
    pub fn is_of_machine(&self) -> bool {
        self.boot().is_some()
    }

    /// GitHub's answer did not come in time.
    pub(super) fn unregistered(name: &Name) -> Self {
        let message = format!("timed out registering `{name}`");
        Self::Register(github::Error::new(github::ErrorKind::Ambiguous, message))
    }

    /// Makes one of a caught panic.
    pub(super) fn of_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Self::Panic(text.unwrap_or_else(|| "unknown panic".to_owned()))
    }
}
