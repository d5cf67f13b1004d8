//! Which runner is used.

use std::fmt;
use std::str::FromStr;

/// Which runner to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunnerVersion {
    /// This one, without `v`.
    Exact(String),
    /// The one that GitHub names for the scope: it rolls releases out step by step.
    #[default]
    Latest,
}

impl RunnerVersion {
    /// Whether a text is the number of a release: three numbers of at most nine digits, without `v`.
    pub fn is_number(text: &str) -> bool {
        let mut parts = 0;
        let digits = text.split('.').all(|part| {
            parts += 1;
            (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        digits && parts == 3
    }
}

/// Why a text is not a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("write `latest`, or a version such as `2.336.0`")]
pub struct NotAVersion;

impl FromStr for RunnerVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let exact = text.strip_prefix('v').unwrap_or(text);
        match text {
            "latest" => Ok(Self::Latest),
            _ if Self::is_number(exact) => Ok(Self::Exact(exact.to_owned())),
            _ => Err(NotAVersion),
        }
    }
}

impl fmt::Display for RunnerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact(version) => version,
            Self::Latest => "latest",
        })
    }
}

/// How runners are registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Just in time; with a token where a GHES has no such thing.
    #[default]
    Either,
    /// Just in time, or not at all.
    Jit,
    /// With a token, by the machine itself.
    Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_latest_or_three_numbers() {
        let exact = Ok(RunnerVersion::Exact("2.336.0".into()));
        assert_eq!("2.336.0".parse(), exact);
        assert_eq!("v2.336.0".parse(), exact);
        assert_eq!("latest".parse(), Ok(RunnerVersion::Latest));
        for text in [
            "",
            "v",
            "2",
            "2.336",
            "2.336.0.1",
            "2.336.x",
            "vlatest",
            "2.336.0/../x",
            "2..0",
        ] {
            assert!(text.parse::<RunnerVersion>().is_err(), "{text}");
        }
    }
}
