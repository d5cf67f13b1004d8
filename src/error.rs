//! Module errors become exit codes and hints here.

use std::io;

use crate::fleet::Trouble;
use crate::model::Error;
pub use crate::model::Exit;
use crate::providers::{self, ErrorKind};
use crate::settings::Tables;
use crate::{github, settings, state};

/// What a command fails with: how the program ends, what was tried and why it failed, what to try
/// next.
pub type Failure = Error<Exit>;

impl Failure {
    /// Wrong usage or settings.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// A provider's failure; `tables` tell where the setting at fault stands.
    pub fn of_provider(error: providers::Error, name: &str, tables: &Tables) -> Self {
        let hint = match error.kind {
            // Where the value's form is told, the list of all settings adds nothing.
            ErrorKind::Config if error.key().is_some() && error.hints().is_empty() => {
                Some(format!("see `gharun providers show {name}`"))
            }
            ErrorKind::Unexpected => {
                Some("this looks like a bug in gharun: please report it".to_owned())
            }
            _ => None,
        };
        let error = match located(error, name, tables, |_| true) {
            Located::Setting(error) => error,
            Located::Whole(error) => error.while_trying(format!("`{name}` cannot be used")),
        };
        error.hinted_all(hint).into()
    }
}

/// Why a runner did not come up, for its user: a setting that a place refused is named with its whole key and the place
/// where it stands, and a hint names the user's table.
pub fn of_launch(trouble: &Trouble, tables: &Tables) -> Error {
    let placed = |provider: &str, error: &providers::Error| match located(
        error.clone(),
        provider,
        tables,
        |key| tables.is_given(provider, key),
    ) {
        Located::Setting(error) if error.hints().is_empty() => {
            error.hinted(format!("see `gharun providers show {provider}`"))
        }
        Located::Setting(error) | Located::Whole(error) => error,
    };
    match trouble {
        Trouble::Launch { provider, source }
        | Trouble::Doomed { provider, source }
        | Trouble::Lost { provider, source } => {
            let error = placed(provider, source).any();
            error.while_trying(trouble.to_string())
        }
        Trouble::NoRoom(all) => {
            let each = all.iter().map(|(provider, error)| {
                placed(provider, error).while_trying(format!("`{provider}`"))
            });
            Error::from("no provider could launch it").because_each(each)
        }
        _ => match trouble.boot() {
            Some(boot) => {
                let error = trouble.error();
                let hints = tables.placed(&boot.provider, error.hints());
                error.unhinted().hinted_all(hints)
            }
            None => trouble.error(),
        },
    }
}

/// An error of a provider, with what its user wrote.
enum Located {
    /// Of a setting, which it names with its whole key and its place.
    Setting(providers::Error),
    /// Of the provider as a whole; its hints tell where what they name is written.
    Whole(providers::Error),
}

/// `is_at_fault` tells of which of its settings the error is where its hints tell what to set.
fn located(
    error: providers::Error,
    name: &str,
    tables: &Tables,
    is_at_fault: impl Fn(&str) -> bool,
) -> Located {
    let error = of_table(error, name);
    let key = error.key().map(str::to_owned);
    if let Some(key) = &key
        && (is_at_fault(key) || error.hints().is_empty())
    {
        let error = error.of_setting(&tables.subject(name, key));
        return Located::Setting(error.about(Tables::whole_key(name, key)));
    }
    let hints = tables.placed(name, error.hints());
    let error = error.unhinted().hinted_all(hints);
    Located::Whole(match key {
        Some(key) => error.about(Tables::whole_key(name, &key)),
        None => error,
    })
}

/// The same error with hints that name the user's table, where a provider can only name the command.
fn of_table(error: providers::Error, name: &str) -> providers::Error {
    let hints = error.hints().to_vec();
    let named = hints.iter().map(|hint| {
        let hint = hint.replace(
            "`gharun providers offers`",
            &format!("`gharun providers offers {name}`"),
        );
        hint.replace(
            "`gharun providers check`",
            &format!("`gharun providers check {name}`"),
        )
    });
    error.unhinted().hinted_all(named)
}

impl From<providers::Error> for Failure {
    fn from(error: providers::Error) -> Self {
        error.map(|kind| match kind {
            ErrorKind::Config => Exit::Usage,
            _ => Exit::Failed,
        })
    }
}

impl From<settings::Error> for Failure {
    fn from(error: settings::Error) -> Self {
        error.map(|settings::ErrorKind::Usage| Exit::Usage)
    }
}

impl From<github::Error> for Failure {
    fn from(error: github::Error) -> Self {
        // No token helps where nobody answers.
        let error = match error.kind {
            github::ErrorKind::Unavailable if error.hints().is_empty() => error.hinted(
                "check that this computer reaches GitHub's API (`GITHUB_API_URL`, proxies), and https://www.githubstatus.com; \
                 then run it again",
            ),
            _ => error,
        };
        error.map(|_| Exit::Failed)
    }
}

impl From<state::Error> for Failure {
    fn from(error: state::Error) -> Self {
        error.map(|_| Exit::Failed)
    }
}

impl From<io::Error> for Failure {
    /// An error of the system's, which tells all of itself.
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}
