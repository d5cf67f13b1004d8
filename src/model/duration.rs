//! A length of time as people write it in settings.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time of a setting: `90s`, `15m`, `1h 30m`, or `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(Duration);

/// Clocks can be set forward by a year without an overflow anywhere, and nothing may run longer.
const LONGEST: Duration = Duration::from_hours(366 * 24);

impl HumanDuration {
    /// The format of such a setting in a schema.
    pub const FORMAT: &str = "human-duration";
    /// What a text or a value must be.
    pub const EXPECTED: &str = "a duration such as `90s`, `15m` or `1h 30m` (at most a year)";

    /// A number of minutes.
    pub const fn from_mins(minutes: u64) -> Self {
        Self(Duration::from_mins(minutes))
    }

    /// A number of seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same as a duration of the standard library.
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be {}", HumanDuration::EXPECTED)]
pub struct NotADuration;

impl FromStr for HumanDuration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let text = text.trim();
        if text == "0" {
            return Ok(Self::default());
        }
        let signed: SignedDuration = text.parse().map_err(|_| NotADuration)?;
        let duration = Duration::try_from(signed).map_err(|_| NotADuration)?;
        if duration > LONGEST {
            return Err(NotADuration);
        }
        Ok(Self(duration))
    }
}

/// As it can be written: `1h 30m`.
impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.as_secs();
        let parts = [
            (all / 3600, "h"),
            (all / 60 % 60, "m"),
            (all % 60, "s"),
            (u64::from(self.0.subsec_millis()), "ms"),
        ];
        let mut parts = parts.into_iter().filter(|(number, _)| *number > 0);
        match parts.next() {
            None => f.write_str("0s"),
            Some((number, unit)) => {
                write!(f, "{number}{unit}")?;
                parts.try_for_each(|(number, unit)| write!(f, " {number}{unit}"))
            }
        }
    }
}

impl From<Duration> for HumanDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<HumanDuration> for Duration {
    fn from(duration: HumanDuration) -> Self {
        duration.0
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = HumanDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(HumanDuration::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<HumanDuration, E> {
                match number {
                    0 => Ok(HumanDuration::default()),
                    _ => Err(E::custom(NotADuration)),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<HumanDuration, E> {
                self.visit_u64(u64::try_from(number).map_err(|_| E::custom(NotADuration))?)
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HumanDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": Self::FORMAT,
            "x-expected": Self::EXPECTED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let duration: HumanDuration = text.parse().ok()?;
        Some(duration.get().as_secs())
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, expected) in [
            ("90s", 90),
            ("15m", 900),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            (" 7 hours ", 25200),
            ("24h", 86400),
            ("0", 0),
            ("0s", 0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_duration_is_refused() {
        for text in [
            "",
            "15",
            "-5m",
            "soon",
            "5 parsecs",
            "3 years",
            "9999999999999h",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["0s", "90s", "1h 30m", "200ms", "1h", "26h 1m 1s 5ms"] {
            let duration: HumanDuration = text.parse().expect("a duration");
            let shown = duration.to_string();
            assert_eq!(shown.parse(), Ok(duration), "{text}: {shown}");
        }
        let shown = |text: &str| text.parse::<HumanDuration>().map(|one| one.to_string());
        assert_eq!(shown("5400s"), Ok("1h 30m".to_owned()));
    }

    #[test]
    fn the_number_zero_is_a_duration_and_no_other_number_is() {
        let read = |json: &str| serde_json::from_str::<HumanDuration>(json).ok();
        assert_eq!(read("0"), Some(HumanDuration::default()));
        for json in ["1", "-1", "0.5", "true", "[]", "null"] {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(read("\"2m\""), Some(HumanDuration::from_mins(2)));
    }
}
