//! Whether the clock of a host agrees with others: machines end themselves by that clock.

use jiff::{SignedDuration, Timestamp};

use crate::model::CLOCKS_AGREE;
use crate::model::text::span;
use crate::providers::{Error, ErrorKind, Result};

/// Why a host must know the time.
const MATTERS: &str = "machines there end themselves by that clock";

/// The clock of a host, as it was when it was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock {
    /// How far it is ahead of ours, at least.
    ahead: SignedDuration,
}

impl HostClock {
    /// Reads a line `clock SECONDS` among those of a script that ran between two moments of our clock.
    pub(crate) fn read(lines: &[String], begin: Timestamp, end: Timestamp) -> Option<Self> {
        let mut told = lines.iter().filter_map(|line| line.strip_prefix("clock "));
        let told = Timestamp::from_second(told.next()?.parse().ok()?).ok()?;
        Some(Self::told(told, begin, end))
    }

    /// A clock that told this time between two moments of ours.
    pub(crate) fn told(told: Timestamp, begin: Timestamp, end: Timestamp) -> Self {
        let ahead = if told > end {
            told.duration_since(end)
        } else {
            // Its seconds are whole ones.
            told.duration_since(begin).min(SignedDuration::ZERO)
        };
        Self { ahead }
    }

    /// What is to be said where it differs from ours.
    pub(crate) fn warning(&self) -> Option<String> {
        let off = off_by(self.ahead)?;
        Some(format!("{off} of this computer's: {MATTERS}"))
    }

    /// Refuses a host whose machines would end long before or after their time. `ordered` is when they
    /// were ordered, by GitHub's clock.
    pub(crate) fn fits(&self, ordered: Timestamp, doing: &str) -> Result<()> {
        let Some(off) = self.differs_from_all(ordered) else {
            return Ok(());
        };
        let cause = format!("{off} of GitHub's and of this computer's: {MATTERS}");
        let error = Error::new(ErrorKind::Unavailable, doing).because(cause);
        Err(error.hinted("set it, for example with `timedatectl set-ntp true`"))
    }

    /// How it differs both from ours and from GitHub's; one of them may be wrong, and an order may have
    /// waited since it was made.
    fn differs_from_all(&self, ordered: Timestamp) -> Option<String> {
        let there = Timestamp::now().checked_add(self.ahead).ok()?;
        let since_order = there.duration_since(ordered);
        off_by(self.ahead).and(off_by(since_order))
    }
}

fn off_by(ahead: SignedDuration) -> Option<String> {
    let side = if ahead.is_positive() {
        "ahead"
    } else {
        "behind"
    };
    (ahead.abs() > CLOCKS_AGREE)
        .then(|| format!("its clock is {} {side}", span(ahead.unsigned_abs())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_clock_is_off_by_no_more_than_what_is_proved() {
        // A script that ran for two minutes.
        for (told, ahead) in [
            ("clock 1000", 0),
            ("clock 999", -1),
            ("clock 1120", 0),
            ("clock 1130", 10),
            ("clock 400", -600),
        ] {
            let lines = ["identity x".to_owned(), told.to_owned()];
            let clock = HostClock::read(&lines, at(1000), at(1120)).expect("a clock");
            assert_eq!(clock.ahead.as_secs(), ahead, "{told}");
        }
        for odd in ["clock ", "clock x", "clocks 1"] {
            assert!(HostClock::read(&[odd.to_owned()], at(1), at(2)).is_none());
        }
    }

    #[test]
    fn a_host_is_off_only_where_nobody_agrees_with_it() {
        let off = |host: i64, order: i64| {
            let clock = HostClock {
                ahead: SignedDuration::from_secs(host),
            };
            let ordered = Timestamp::now() + SignedDuration::from_secs(order);
            clock.differs_from_all(ordered)
        };
        let hours = 3600;
        assert_eq!(off(0, 0), None);
        assert_eq!(off(299, 0), None);
        // Ours is wrong, and the host agrees with GitHub.
        assert_eq!(off(8 * hours, 8 * hours), None);
        // GitHub's is wrong, and the host agrees with us.
        assert_eq!(off(0, 8 * hours), None);
        let said = off(10 * hours, 0).expect("it is off");
        assert_eq!(said, "its clock is 10h ahead");
        let said = off(-10 * hours, 0).expect("it is off");
        assert!(said.ends_with("behind"), "{said}");
    }
}
