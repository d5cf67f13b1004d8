//! What a row of a survey is to a stop: swept, abandoned, or past its time.

use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::{
    Facts, MachineState, RegistrationState, Verdict, judge_rehearsal, lacks_proof,
};

/// Why a sweep keeps what is past its lifetime, and how that ends where nobody can ask its place.
pub(super) fn late(row: &SurveyRow) -> String {
    let late = format!("past its lifetime: {}", row.why);
    match &row.instance {
        Some(machine) if row.is_abandoned() && row.facts.machine == MachineState::Nowhere => {
            format!(
                "{late}; if its place is gone for good, forget it with `gharun stop --force {machine}`"
            )
        }
        _ => late,
    }
}

impl SurveyRow {
    /// Whether `stop --orphans` acts on it, in one group or in all of them: what `list --orphans` shows.
    pub fn is_swept(&self, group: Option<&str>) -> bool {
        (is_swept(self.verdict) || self.is_doubted()) && self.is_of(group)
    }

    /// Whether nothing but the proof that its machine is gone keeps a sweep from acting on it: the sweep asks for its end
    /// by its id, which is that proof.
    pub(in crate::fleet) fn is_doubted(&self) -> bool {
        let is_known = self.instance.is_some() && !self.is_rehearsal();
        is_known && !self.doubts.undecided && lacks_proof(&self.facts)
    }

    pub(super) fn is_rehearsal_overdue(&self, facts: &Facts) -> bool {
        self.is_rehearsal() && is_swept(judge_rehearsal(facts).0)
    }

    /// Whether its machine is there, or is known and nobody can tell that it is gone.
    pub(super) fn may_run(&self) -> bool {
        match self.facts.machine {
            MachineState::Ended | MachineState::There => true,
            MachineState::Gone => false,
            MachineState::Missing | MachineState::Nowhere | MachineState::Unread => {
                self.instance.is_some()
            }
        }
    }

    pub(super) fn is_of(&self, group: Option<&str>) -> bool {
        group.is_none() || self.group.as_deref() == group
    }
}

impl SurveyRow {
    /// Whether nothing speaks for its machine any more but its record: nobody can look for it, its lifetime is over, and
    /// GitHub has no runner of it. Then its record may be dropped, where somebody says that its place is gone.
    pub(in crate::fleet) fn is_abandoned(&self) -> bool {
        let unseen = matches!(
            self.facts.machine,
            MachineState::Missing | MachineState::Nowhere | MachineState::Unread
        );
        let absent = self.facts.registration == RegistrationState::Absent || self.is_rehearsal();
        let doubted = self.doubts.unjudged || self.doubts.is_unsought();
        self.recorded && unseen && !doubted && self.is_past_its_lifetime() && absent
    }
}

pub(super) fn is_swept(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Orphan | Verdict::Ghost | Verdict::Stale)
}

/// Whether a busy runner would be an orphan, were it not for its job.
pub(super) fn is_busy_orphan(row: &SurveyRow) -> bool {
    row.facts.machine == MachineState::There
        && (row.is_past_its_lifetime() || row.facts.run_over == Some(true))
}
