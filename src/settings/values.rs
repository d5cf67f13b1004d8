//! How single values are read. Each error says what to write.

use std::num::NonZeroU16;
use std::time::Duration;

use jiff::SignedDuration;

/// `90s`, `15m`, `1h 30m`, or `0`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let what = "write a duration such as `90s`, `15m` or `1h 30m`";
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let signed: SignedDuration = text.trim().parse().map_err(|_| what.to_owned())?;
    // Clocks can be set forward by a year without an overflow anywhere, and nothing may run longer.
    let longest = Duration::from_hours(366 * 24);
    let duration = Duration::try_from(signed).map_err(|_| what.to_owned())?;
    if duration > longest {
        return Err(format!("{what}, at most a year"));
    }
    Ok(duration)
}

/// `true` or `false`.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("write `true` or `false`".to_owned()),
    }
}

/// A number of runners.
pub(super) fn count(text: &str) -> Result<NonZeroU16, String> {
    // A matrix has at most 256 jobs (GitHub's limits for workflows).
    text.parse()
        .ok()
        .filter(|n: &NonZeroU16| n.get() <= 256)
        .ok_or_else(|| "write a number from 1 to 256".to_owned())
}

/// A label of a runner: GitHub splits at commas and ignores case; 256 characters at most.
pub(super) fn label(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 256 || !text.chars().all(fine) {
        return Err(
            "write a label of letters, digits, `.`, `_` and `-`, one for each `--label`".to_owned(),
        );
    }
    Ok(text.to_owned())
}

/// A group that pairs a start with its stop; it becomes a tag at every place.
pub(super) fn group(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if text.is_empty() || text.len() > 40 || !text.chars().all(fine) {
        return Err(
            "write a name of at most 40 lower-case letters, digits, `-` and `_`".to_owned(),
        );
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let seconds = |text| duration(text).map(|d| d.as_secs());
        for (text, expected) in [
            ("90s", 90),
            ("15m", 900),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("7 hours", 25200),
            ("0", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "15",
            "-5m",
            "soon",
            "5 parsecs",
            "3 years",
            "9999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn labels_with_commas_and_blanks_are_refused() {
        for text in ["", "a,b", "a b", &"x".repeat(257)] {
            assert!(label(text).is_err(), "{text}");
        }
        assert_eq!(label("gpu.L40S_1-x"), Ok("gpu.L40S_1-x".to_owned()));
    }

    #[test]
    fn counts_are_from_one_to_a_matrix_full() {
        assert_eq!(
            ["0", "1", "256", "257", "-1", "two"].map(|text| count(text).is_ok()),
            [false, true, true, false, false, false]
        );
    }
}
