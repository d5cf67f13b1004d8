//! The verdict on one row: the table of DESIGN section 6, pure. The first row that matches decides.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

/// What is to be thought of a machine, a registration or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A registration whose machine is gone.
    Ghost,
    /// A machine that nobody will use again.
    Orphan,
    /// Waiting for its job.
    Ready,
    /// A record whose machine and registration are gone.
    Stale,
    /// Its start may still be at work.
    Starting,
    /// It cannot be told: nothing touches it.
    Unknown,
    /// A job runs on it.
    Working,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ghost => "ghost",
            Self::Orphan => "orphan",
            Self::Ready => "ready",
            Self::Stale => "stale",
            Self::Starting => "starting",
            Self::Unknown => "unknown",
            Self::Working => "working",
        })
    }
}

/// What is known of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MachineState {
    /// It ended by itself.
    Ended,
    /// A listing of its place proved that it is not there.
    Gone,
    /// Its place does not list it, and that proves nothing there.
    Missing,
    /// No provider known here has it, and none could be asked about it.
    Nowhere,
    /// It is there.
    There,
    /// Its place could not be read.
    Unread,
}

/// What is known of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistrationState {
    /// GitHub has none.
    Absent,
    /// A job runs on it, says GitHub, or a job in progress, or the place.
    Busy,
    /// Offline, not busy.
    Offline,
    /// Online, idle.
    Online,
    /// GitHub could not be read.
    Unread,
}

/// All that a verdict is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The machine.
    pub machine: MachineState,
    /// The registration.
    pub registration: RegistrationState,
    /// Whether GitHub says that its run is over; `None` when that cannot be told.
    pub run_over: Option<bool>,
    /// The servers' clock.
    pub now: Timestamp,
    /// The earlier of the servers' clock and ours where they do not agree, else the servers': what is
    /// overdue by one of them alone is not overdue.
    pub at_least: Timestamp,
    /// The end of the grace.
    pub grace: Timestamp,
    /// The end of its lifetime, where it is known.
    pub expires: Option<Timestamp>,
    /// The end of its idle limit, where it has one.
    pub idle_until: Option<Timestamp>,
}

/// Judges, and says why in a few words.
pub fn judge(facts: &Facts) -> (Verdict, &'static str) {
    use MachineState::{Ended, Gone, Missing, Nowhere, There, Unread};
    let past = |time: Option<Timestamp>| time.is_some_and(|time| facts.at_least > time);
    let in_grace = facts.at_least <= facts.grace;
    let over = facts.run_over == Some(true);
    match (facts.machine, facts.registration) {
        (Unread, _) => (Verdict::Unknown, "could not query its provider"),
        (Ended, _) => (Verdict::Orphan, "the machine ended by itself"),
        (There, RegistrationState::Unread) => (Verdict::Unknown, "could not query GitHub"),
        (There, RegistrationState::Busy) => (Verdict::Working, "a job runs on it"),
        (There, _) if over => (Verdict::Orphan, "its workflow run is over"),
        (There, _) if past(facts.expires) => (Verdict::Orphan, "its lifetime is over"),
        (There, RegistrationState::Online) if past(facts.idle_until) && !in_grace => {
            (Verdict::Orphan, "no job came within its idle limit")
        }
        (There, RegistrationState::Online) => (Verdict::Ready, "online, waiting for a job"),
        (There, _) if in_grace => (Verdict::Starting, "its start may still be running"),
        (There, RegistrationState::Absent) => (Verdict::Orphan, "not registered with GitHub"),
        (There, RegistrationState::Offline) => (Verdict::Orphan, "its runner is offline"),
        (Gone | Nowhere, RegistrationState::Offline) if !in_grace || over => {
            (Verdict::Ghost, "a registration without a machine")
        }
        (Gone, RegistrationState::Absent) if !in_grace => {
            (Verdict::Stale, "machine and registration are gone")
        }
        (Missing, RegistrationState::Offline) if !in_grace || over => (Verdict::Unknown, UNLISTED),
        (Gone | Missing | Nowhere, _) if in_grace => {
            (Verdict::Starting, "its start may still be running")
        }
        (Missing, RegistrationState::Absent) => (Verdict::Unknown, UNLISTED),
        // What is left is in no row of the table, and nothing acts on it.
        (Gone | Missing | Nowhere, RegistrationState::Unread) => {
            (Verdict::Unknown, "could not query GitHub")
        }
        (Gone | Missing | Nowhere, RegistrationState::Busy) => (
            Verdict::Working,
            "a job runs on it, and none of the providers asked has its machine",
        ),
        (Gone | Missing | Nowhere, RegistrationState::Online) => (
            Verdict::Ready,
            "online, and none of the providers asked has its machine",
        ),
        (Gone | Missing | Nowhere, _) => (Verdict::Unknown, "its provider was not asked"),
    }
}

/// What is said of a machine whose place does not list it, where that proves nothing.
pub const UNLISTED: &str = "its provider does not list it, and may not list everything";

/// Whether nothing but the proof that its machine is gone is missing for a verdict that is acted upon: whoever acts asks
/// for the end of the machine first, which is that proof.
pub fn lacks_proof(facts: &Facts) -> bool {
    let gone = Facts {
        machine: MachineState::Gone,
        ..*facts
    };
    facts.machine == MachineState::Missing
        && matches!(judge(&gone).0, Verdict::Ghost | Verdict::Stale)
}

/// Judges a machine of a rehearsal, whose GitHub is gone with its process: by its lifetime alone.
pub fn judge_rehearsal(facts: &Facts) -> (Verdict, &'static str) {
    let past = facts.expires.is_some_and(|time| facts.at_least > time);
    match facts.machine {
        MachineState::Unread => (Verdict::Unknown, "could not query its provider"),
        MachineState::Nowhere => (Verdict::Unknown, "its provider was not asked"),
        MachineState::Gone if past => (Verdict::Stale, "the machine is gone"),
        MachineState::Missing if past => (Verdict::Unknown, UNLISTED),
        MachineState::Ended | MachineState::There if past => {
            (Verdict::Orphan, "the lifetime of this rehearsal is over")
        }
        _ => (Verdict::Starting, "its rehearsal may still be running"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_795_507_200 + seconds).expect("a time")
    }

    fn facts(machine: MachineState, registration: RegistrationState) -> Facts {
        Facts {
            machine,
            registration,
            run_over: Some(false),
            now: time(0),
            at_least: time(0),
            grace: time(-1),
            expires: Some(time(3600)),
            idle_until: Some(time(3600)),
        }
    }

    #[test]
    fn every_pair_has_its_verdict() {
        use std::fmt::Write as _;
        let mut table = String::new();
        for (title, change) in [
            (
                "past the grace",
                &(|facts| facts) as &dyn Fn(Facts) -> Facts,
            ),
            ("within the grace", &|facts| Facts {
                grace: time(60),
                ..facts
            }),
            ("run over", &|facts| Facts {
                run_over: Some(true),
                grace: time(60),
                ..facts
            }),
            ("past its lifetime", &|facts| Facts {
                expires: Some(time(-1)),
                ..facts
            }),
            ("past its idle limit", &|facts| Facts {
                idle_until: Some(time(-1)),
                ..facts
            }),
        ] {
            writeln!(table, "{title}:").unwrap();
            for machine in [
                MachineState::Unread,
                MachineState::Ended,
                MachineState::There,
                MachineState::Gone,
                MachineState::Nowhere,
            ] {
                write!(table, "  {machine:?}:").unwrap();
                for registration in [
                    RegistrationState::Unread,
                    RegistrationState::Busy,
                    RegistrationState::Online,
                    RegistrationState::Offline,
                    RegistrationState::Absent,
                ] {
                    let (verdict, _) = judge(&change(facts(machine, registration)));
                    write!(table, " {registration:?}={verdict}").unwrap();
                }
                writeln!(table).unwrap();
            }
        }
        insta::assert_snapshot!(table, @r"
        past the grace:
          Unread: Unread=unknown Busy=unknown Online=unknown Offline=unknown Absent=unknown
          Ended: Unread=orphan Busy=orphan Online=orphan Offline=orphan Absent=orphan
          There: Unread=unknown Busy=working Online=ready Offline=orphan Absent=orphan
          Gone: Unread=unknown Busy=working Online=ready Offline=ghost Absent=stale
          Nowhere: Unread=unknown Busy=working Online=ready Offline=ghost Absent=unknown
        within the grace:
          Unread: Unread=unknown Busy=unknown Online=unknown Offline=unknown Absent=unknown
          Ended: Unread=orphan Busy=orphan Online=orphan Offline=orphan Absent=orphan
          There: Unread=unknown Busy=working Online=ready Offline=starting Absent=starting
          Gone: Unread=starting Busy=starting Online=starting Offline=starting Absent=starting
          Nowhere: Unread=starting Busy=starting Online=starting Offline=starting Absent=starting
        run over:
          Unread: Unread=unknown Busy=unknown Online=unknown Offline=unknown Absent=unknown
          Ended: Unread=orphan Busy=orphan Online=orphan Offline=orphan Absent=orphan
          There: Unread=unknown Busy=working Online=orphan Offline=orphan Absent=orphan
          Gone: Unread=starting Busy=starting Online=starting Offline=ghost Absent=starting
          Nowhere: Unread=starting Busy=starting Online=starting Offline=ghost Absent=starting
        past its lifetime:
          Unread: Unread=unknown Busy=unknown Online=unknown Offline=unknown Absent=unknown
          Ended: Unread=orphan Busy=orphan Online=orphan Offline=orphan Absent=orphan
          There: Unread=unknown Busy=working Online=orphan Offline=orphan Absent=orphan
          Gone: Unread=unknown Busy=working Online=ready Offline=ghost Absent=stale
          Nowhere: Unread=unknown Busy=working Online=ready Offline=ghost Absent=unknown
        past its idle limit:
          Unread: Unread=unknown Busy=unknown Online=unknown Offline=unknown Absent=unknown
          Ended: Unread=orphan Busy=orphan Online=orphan Offline=orphan Absent=orphan
          There: Unread=unknown Busy=working Online=orphan Offline=orphan Absent=orphan
          Gone: Unread=unknown Busy=working Online=ready Offline=ghost Absent=stale
          Nowhere: Unread=unknown Busy=working Online=ready Offline=ghost Absent=unknown
        ");
    }

    #[test]
    fn what_is_not_listed_where_that_proves_nothing_is_never_acted_upon_but_by_who_brings_the_proof()
     {
        use RegistrationState::{Absent, Busy, Offline, Online, Unread};
        let judged = |registration, grace| {
            let facts = Facts {
                grace,
                ..facts(MachineState::Missing, registration)
            };
            (judge(&facts).0, lacks_proof(&facts))
        };
        for (registration, verdict, lacks_proof) in [
            (Unread, Verdict::Unknown, false),
            (Busy, Verdict::Working, false),
            (Online, Verdict::Ready, false),
            (Offline, Verdict::Unknown, true),
            (Absent, Verdict::Unknown, true),
        ] {
            let past = judged(registration, time(-1));
            assert_eq!(past, (verdict, lacks_proof), "{registration:?}");
            let within = judged(registration, time(60));
            assert_eq!(within, (Verdict::Starting, false), "{registration:?}");
        }
        assert!(!lacks_proof(&facts(MachineState::Gone, Absent)));
    }

    #[test]
    fn what_cannot_be_read_is_never_an_orphan() {
        for change in [time(-1), time(60)] {
            let unread = Facts {
                grace: change,
                run_over: Some(true),
                expires: Some(time(-9)),
                ..facts(MachineState::Unread, RegistrationState::Absent)
            };
            assert_eq!(judge(&unread).0, Verdict::Unknown);
            let silent = Facts {
                machine: MachineState::There,
                registration: RegistrationState::Unread,
                ..unread
            };
            assert_eq!(judge(&silent).0, Verdict::Unknown);
        }
    }

    #[test]
    fn a_rehearsal_is_judged_by_its_lifetime_alone() {
        let young = facts(MachineState::Ended, RegistrationState::Unread);
        assert_eq!(judge_rehearsal(&young).0, Verdict::Starting);
        let judged = |machine| {
            let old = Facts {
                expires: Some(time(-1)),
                machine,
                ..young
            };
            judge_rehearsal(&old).0
        };
        assert_eq!(judged(MachineState::There), Verdict::Orphan);
        assert_eq!(judged(MachineState::Ended), Verdict::Orphan);
        assert_eq!(judged(MachineState::Gone), Verdict::Stale);
        assert_eq!(judged(MachineState::Nowhere), Verdict::Unknown);
        assert_eq!(judged(MachineState::Unread), Verdict::Unknown);
    }

    #[test]
    fn the_idle_limit_ends_nothing_within_the_grace() {
        let idle = Facts {
            idle_until: Some(time(-1)),
            grace: time(0),
            ..facts(MachineState::There, RegistrationState::Online)
        };
        assert_eq!(judge(&idle).0, Verdict::Ready);
    }

    #[test]
    fn what_is_overdue_by_one_clock_alone_is_not() {
        use MachineState::{Gone, There};
        use RegistrationState::{Absent, Offline, Online};
        for (machine, registration, verdict) in [
            (There, Online, Verdict::Ready),
            (There, Absent, Verdict::Starting),
            (There, Offline, Verdict::Starting),
            (Gone, Absent, Verdict::Starting),
            (Gone, Offline, Verdict::Starting),
        ] {
            // The servers' clock is eight hours ahead of ours.
            let hour = 3600;
            let overdue = Facts {
                now: time(8 * hour),
                at_least: time(0),
                grace: time(hour),
                expires: Some(time(2 * hour)),
                idle_until: Some(time(hour)),
                ..facts(machine, registration)
            };
            assert_eq!(judge(&overdue).0, verdict, "{machine:?} {registration:?}");
        }
    }

    #[test]
    fn a_run_that_cannot_be_asked_about_ends_nothing() {
        let unknown = Facts {
            run_over: None,
            ..facts(MachineState::There, RegistrationState::Online)
        };
        assert_eq!(judge(&unknown).0, Verdict::Ready);
    }
}
