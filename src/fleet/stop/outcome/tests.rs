//! How the parts of an outcome weigh on its exit code.

use super::*;

fn kept() -> Kept {
    Kept {
        instance: None,
        name: "gharun-7-1-0-abcdefabcdefgh".parse().expect("a name"),
        reason: "a job runs on it".into(),
        due: true,
    }
}

fn pending() -> Pending {
    Pending {
        name: kept().name,
        until: "2026-11-24T21:02:30Z".parse().expect("a time"),
        command: "gharun stop".into(),
        deregistered: true,
        reason: "it was named".into(),
    }
}

fn unknown() -> Unknown {
    Unknown {
        source: "docker".into(),
        error: "it did not answer".into(),
    }
}

#[test]
fn what_is_left_weighs_more_than_what_could_not_be_read() {
    let unread = StopOutcome {
        unknown: vec![unknown()],
        ..StopOutcome::default()
    };
    assert_eq!(unread.exit(), Exit::Failed);
    let left = StopOutcome {
        kept: vec![kept()],
        ..unread.clone()
    };
    assert_eq!(left.exit(), Exit::Left);
    let failed = StopOutcome {
        failed: vec![Unstopped::new(None, None, "no")],
        ..unread.clone()
    };
    assert_eq!(failed.exit(), Exit::Left);
    assert_eq!(StopOutcome::default().exit(), Exit::Done);
}

#[test]
fn what_may_still_come_is_left_and_a_registration_is_not() {
    let waiting = StopOutcome {
        pending: vec![pending()],
        unknown: vec![unknown()],
        ..StopOutcome::default()
    };
    assert_eq!(waiting.exit(), Exit::Left);
    assert_eq!(pending().word(), "may still come until 21:03Z");
    let registered = StopOutcome {
        failed: vec![Unstopped::new(None, None, "no").registration_only()],
        ..StopOutcome::default()
    };
    assert_eq!(registered.exit(), Exit::Failed);
}

#[test]
fn what_is_rightly_kept_is_not_left() {
    let right = Kept {
        due: false,
        ..kept()
    };
    let mut sweep = StopOutcome {
        kept: vec![right],
        ..StopOutcome::default()
    };
    assert_eq!(sweep.exit(), Exit::Done);
    sweep.kept.push(kept());
    assert_eq!(sweep.exit(), Exit::Left);
}

#[test]
fn a_signal_is_no_proof_where_something_was_not_read() {
    let unread = StopOutcome::interrupted_looking(&StopTarget::Orphans, Entries::new());
    assert_eq!(unread.exit(), Exit::Failed);
    let named = StopTarget::Named {
        machines: vec!["docker:x/y".parse().expect("a reference")],
        names: vec![],
        labels: vec![],
        starts: true,
    };
    let named = StopOutcome::interrupted_looking(&named, Entries::new());
    assert_eq!(named.exit(), Exit::Left);
}

#[test]
fn a_plan_leaves_nothing_and_says_what_it_could_not_read() {
    let plan = StopOutcome {
        kept: vec![kept()],
        planned: true,
        ..StopOutcome::default()
    };
    assert_eq!(plan.exit(), Exit::Done);
    let unread = StopOutcome {
        unknown: vec![unknown()],
        ..plan
    };
    assert_eq!(unread.exit(), Exit::Failed);
}

#[test]
fn a_signal_leaves_what_was_being_stopped() {
    let nothing = StopOutcome::interrupted(Selection::default());
    assert_eq!(nothing.exit(), Exit::Interrupted);
    let chosen = Selected {
        name: Some(kept().name),
        instance: None,
        why: "it was named".into(),
        manner: crate::fleet::stop::StopMode::Explicit,
        place: None,
        row: None,
        given: None,
        unseen: None,
        registered: crate::fleet::stop::Registered::Maybe,
    };
    let selection = Selection {
        chosen: vec![chosen],
        ..Selection::default()
    };
    let outcome = StopOutcome::interrupted(selection);
    assert_eq!(outcome.exit(), Exit::Left);
    assert_eq!(
        outcome.failed[0].command,
        format!("gharun stop {}", kept().name)
    );
}
