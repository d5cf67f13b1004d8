//! Why a runner did not come up.

use crate::model::Name;
use crate::{github, providers, state};

/// Why one runner did not come up. The runner itself is named by whoever shows it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its machine ended before GitHub saw the runner.
    #[error("its machine ended before the runner was online: {reason}")]
    Died {
        /// What the place, or the boot script, says.
        reason: String,
        /// The end of its boot log.
        log: Option<String>,
    },
    /// Another runner failed, or somebody interrupted.
    #[error("it was given up with the others")]
    Halted,
    /// The time limit is over.
    #[error("it was not online within the time limit{}", .phase.as_ref().map(|phase| format!(" (its machine is in the phase `{phase}`)")).unwrap_or_default())]
    Late {
        /// The last phase that the boot script reached.
        phase: Option<String>,
        /// The end of its boot log.
        log: Option<String>,
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
    #[error("`{provider}` did not say whether it launched it")]
    Lost {
        /// The provider.
        provider: String,
        /// Why.
        source: providers::Error,
    },
    /// No provider has room.
    #[error("no provider has room: {0}")]
    NoRoom(String),
    /// A bug.
    #[error("gharun itself failed: {0}")]
    Panic(String),
    /// It could not be written down.
    #[error("it could not be written down")]
    Record(#[from] state::Error),
    /// GitHub did not register it.
    #[error("GitHub did not register it")]
    Register(#[source] github::Error),
    /// An output could not be written.
    #[error("the outputs could not be written")]
    Tell(#[from] std::io::Error),
    /// GitHub dropped it.
    #[error("GitHub dropped its registration before it was online")]
    Vanished {
        /// The end of its boot log.
        log: Option<String>,
    },
}

impl Trouble {
    /// The end of the boot log, where there is one.
    pub fn log(&self) -> Option<&str> {
        match self {
            Self::Died { log, .. } | Self::Late { log, .. } | Self::Vanished { log } => {
                log.as_deref()
            }
            _ => None,
        }
    }

    /// What providers and GitHub say would help.
    pub fn hints(&self) -> &[String] {
        match self {
            Self::Launch { source, .. } | Self::Lost { source, .. } => source.hints(),
            Self::Record(error) => error.hints(),
            Self::Register(error) => error.hints(),
            _ => &[],
        }
    }

    /// Whether there is something to see on the machine.
    pub(super) fn is_of_machine(&self) -> bool {
        matches!(
            self,
            Self::Died { .. } | Self::Late { .. } | Self::Vanished { .. }
        )
    }

    /// GitHub's answer did not come in time.
    pub(super) fn unregistered(name: &Name) -> Self {
        let message = format!("could not register `{name}` within the time limit");
        Self::Register(github::Error::new(github::ErrorKind::Ambiguous, message))
    }

    /// Makes one of a caught panic.
    pub(super) fn of_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Self::Panic(text.unwrap_or_else(|| "a panic without words".to_owned()))
    }
}
