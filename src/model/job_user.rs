//! Whom a machine's runner and its jobs run as.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The user of the runner and of its jobs, as a setting says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum RunAs {
    /// `runner`: an unprivileged user, who is added if missing.
    #[default]
    Runner,
    /// `root`.
    Root,
    /// A user that the machine has.
    Named(String),
}

impl FromStr for RunAs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        match text {
            "runner" => Ok(Self::Runner),
            "root" => Ok(Self::Root),
            _ if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && text.len() <= 32
                && text.chars().all(plain) =>
            {
                Ok(Self::Named(text.to_owned()))
            }
            _ => Err(format!(
                "`{text}` must be `runner`, `root` or the name of a user"
            )),
        }
    }
}

impl TryFrom<String> for RunAs {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RunAs> for String {
    fn from(user: RunAs) -> Self {
        user.to_string()
    }
}

impl fmt::Display for RunAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Runner => "runner",
            Self::Root => "root",
            Self::Named(name) => name,
        })
    }
}

/// Whom the runner and its jobs run as on the machines of a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobUser {
    /// The user.
    pub run_as: RunAs,
    /// Whether that user gets `sudo` without a password and the group `docker`, where the machine has them: only on a
    /// virtual machine that is rented for this one job.
    pub is_privileged: bool,
    /// Folders that a table mounts (volumes, caches), which are to be that user's.
    pub folders: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_a_name_that_no_shell_takes_for_more() {
        assert_eq!("runner".parse(), Ok(RunAs::Runner));
        assert_eq!("root".parse(), Ok(RunAs::Root));
        assert_eq!("ubuntu".parse(), Ok(RunAs::Named("ubuntu".to_owned())));
        for wrong in ["", "-x", "a b", "$(id)", "0", "a;b"] {
            assert!(wrong.parse::<RunAs>().is_err(), "{wrong}");
        }
    }
}
