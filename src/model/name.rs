//! The name of a runner: chosen before anything is created, and the key to all of it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::random;

/// GitHub takes at most 64 characters, DNS-like places 63.
const LONGEST: usize = 63;
const PREFIX: &str = "gharun-";
/// Digits of the time, in base 36: enough until the year 2038, after which it grows by one.
const TIME: usize = 6;
const RANDOM: usize = 8;

/// A workflow run and its attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Run {
    /// `github.run_id`.
    pub id: u64,
    /// `github.run_attempt`, from 1.
    pub attempt: u32,
}

/// A runner's name on GitHub, its unique label, its machine's name and the key of its creation:
/// `gharun-<run id>-<attempt>-<index>-<t><random>` in a workflow, `gharun-<t><random>` elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Chooses a fresh name that tells the run and the second until which its start may be at work.
    pub fn choose(run: Option<Run>, index: usize, ready_by: Timestamp) -> Self {
        let unique = format!("{}{}", base36(ready_by.as_second()), random(RANDOM));
        let name = match run {
            Some(run) => format!("{PREFIX}{}-{}-{index}-{unique}", run.id, run.attempt),
            None => format!("{PREFIX}{unique}"),
        };
        debug_assert!(name.len() <= LONGEST);
        Self(name)
    }

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The second until which the start that chose this name may still be at work.
    pub fn ready_by(&self) -> Timestamp {
        let unique = self.0.rsplit('-').next().unwrap_or_default();
        let time = &unique[..unique.len() - RANDOM];
        let seconds = i64::from_str_radix(time, 36).unwrap_or(0);
        Timestamp::from_second(seconds).unwrap_or_default()
    }

    /// The run that it was made for.
    pub fn run(&self) -> Option<Run> {
        let mut parts = self.0[PREFIX.len()..].split('-');
        let id = parts.next()?.parse().ok()?;
        let attempt = parts.next()?.parse().ok()?;
        parts.next()?;
        Some(Run { id, attempt })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

/// Why a text is no name of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the name of a gharun runner")]
pub struct NoName(String);

impl FromStr for Name {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let bad = || NoName(text.to_owned());
        let rest = text.strip_prefix(PREFIX).ok_or_else(bad)?;
        let lower = |part: &str| {
            part.bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<&str> = rest.split('-').collect();
        let (numbers, unique) = match parts.as_slice() {
            [unique] => (&[][..], *unique),
            [numbers @ .., unique] if numbers.len() == 3 => (numbers, *unique),
            _ => return Err(bad()),
        };
        let fits = text.len() <= LONGEST
            && (TIME + RANDOM..=TIME + RANDOM + 1).contains(&unique.len())
            && lower(unique)
            && numbers.iter().all(|part| digits(part));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(bad())
        }
    }
}

impl TryFrom<String> for Name {
    type Error = NoName;

    fn try_from(text: String) -> Result<Self, NoName> {
        text.parse()
    }
}

fn base36(seconds: i64) -> String {
    let mut rest = u64::try_from(seconds).unwrap_or(0);
    let mut digits = Vec::new();
    while rest > 0 || digits.len() < TIME {
        digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or(0), 36).unwrap_or('0'));
        rest /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time() -> Timestamp {
        Timestamp::from_second(1_795_507_200).expect("a time")
    }

    #[test]
    fn a_name_tells_its_run_and_its_time() {
        let run = Run {
            id: 18_446_744_073_709_551_615,
            attempt: 12,
        };
        let name = Name::choose(Some(run), 63, time());
        assert_eq!(name.run(), Some(run));
        assert_eq!(name.ready_by(), time());
        assert!(name.as_str().len() <= LONGEST, "{name}");
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
    }

    #[test]
    fn a_name_without_a_run_tells_its_time() {
        let name = Name::choose(None, 0, time());
        assert_eq!((name.run(), name.ready_by()), (None, time()));
        assert_eq!(name.as_str().parse(), Ok(name.clone()));
    }

    #[test]
    fn two_names_of_one_second_differ() {
        assert_ne!(Name::choose(None, 0, time()), Name::choose(None, 0, time()));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "gharun-",
            "runner-1",
            "gharun-1-2-abcdefabcdefgh",
            "gharun-A23456abcdefgh",
            "gharun-1-x-0-abcdefabcdefgh",
        ] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
    }
}
