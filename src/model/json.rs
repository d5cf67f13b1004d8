//! How outcomes write their values in JSON: times to the second, durations in seconds to a tenth, money to
//! a hundredth of a cent. What is not known is `null`.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::{Serialize, Serializer};

/// A moment, to the second.
pub(crate) fn second<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&rounded(*time))
}

/// A moment, to the second.
pub(crate) fn rounded(time: Timestamp) -> Timestamp {
    time.round(Unit::Second).unwrap_or(time)
}

/// Seconds, to a tenth.
pub(crate) fn tenths<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 10.0).round() / 10.0)
}

/// Seconds, to a tenth.
#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
pub(crate) fn tenths_if_any<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => tenths(duration, serializer),
        None => serializer.serialize_none(),
    }
}

/// US dollars, to a hundredth of a cent.
#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
pub(crate) fn dollars_if_any<S: Serializer>(
    dollars: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    dollars.map(hundredths_of_cents).serialize(serializer)
}

/// US dollars, to a hundredth of a cent.
pub(crate) fn hundredths_of_cents(dollars: f64) -> f64 {
    (dollars * 10_000.0).round() / 10_000.0
}
