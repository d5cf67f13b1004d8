//! What happened to a runner, in seconds from the beginning.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use crate::bootstrap;

/// What happened, in the order of time.
#[derive(Debug)]
pub(super) struct Timeline {
    began: Timestamp,
    rows: Vec<(SignedDuration, String)>,
}

impl Timeline {
    pub(super) fn new(began: Timestamp) -> Self {
        Self {
            began,
            rows: Vec::new(),
        }
    }

    /// Adds what happened so long after the beginning.
    pub(super) fn add_after(&mut self, after: Duration, what: &str) {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        self.rows.push((after, what.to_owned()));
    }

    /// Adds what happened then, if it has.
    pub(super) fn add(&mut self, at: Option<Timestamp>, what: &str) {
        if let Some(at) = at {
            let after = at.duration_since(self.began);
            self.rows.push((after, what.to_owned()));
        }
    }

    /// Adds the phases that the boot script told, by the machine's clock. None is earlier than the one
    /// before it: where the clock tells whole seconds, that is all that is known.
    pub(super) fn phases(&mut self, log: &str) {
        let mut before = SignedDuration::ZERO;
        for phase in bootstrap::phases(log) {
            before = before.max(phase.at.duration_since(self.began));
            self.rows.push((before, format!("phase {}", phase.name)));
        }
    }
}

impl Timeline {
    /// All that happened, in the order of time.
    fn in_order(&self) -> Vec<&(SignedDuration, String)> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(after, _)| *after);
        rows
    }
}

/// A list of `{"after_s", "what"}`.
impl Serialize for Timeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Moment<'a> {
            after_s: f64,
            what: &'a str,
        }
        let moments = self.in_order().into_iter().map(|(after, what)| Moment {
            after_s: (after.as_secs_f64() * 10.0).round() / 10.0,
            what,
        });
        serializer.collect_seq(moments)
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (after, what)) in self.in_order().into_iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}  {:>6.1}s  {what}", after.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_is_in_the_order_of_time_and_phases_keep_theirs() {
        let began = "2026-11-24T08:00:00.5Z".parse().unwrap();
        let mut timeline = Timeline::new(began);
        timeline.add("2026-11-24T08:00:04Z".parse().ok(), "job is done");
        timeline.add(None, "never");
        timeline.add_after(Duration::from_millis(1440), "online");
        timeline.phases(
            "gharun: phase=arm t=1795507200.750000000\n\
             gharun: phase=download t=1795507200.N\n\
             gharun: phase=run t=1795507201.800000000\n",
        );
        insta::assert_snapshot!(timeline, @r"
             0.2s  phase arm
             0.2s  phase download
             1.3s  phase run
             1.4s  online
             3.5s  job is done
        ");
        let json = serde_json::to_value(&timeline).expect("plain values");
        assert_eq!(
            json[3],
            serde_json::json!({ "after_s": 1.4, "what": "online" })
        );
    }
}
