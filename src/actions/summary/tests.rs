//! Tests of the job summary.

use std::time::Duration;

use super::*;
use crate::fleet::stop::{Kept, Stopped, Unstopped};
use crate::fleet::{Failed, Left, Trouble, Up};
use crate::model::{Price, Rental};
use crate::providers;

fn name() -> Name {
    "gharun-abcdefabcdefgh".parse().expect("a name")
}

fn up() -> StartOutcome {
    let up = Up {
        name: name(),
        labels: vec![name().to_string()],
        instance: "docker:1a2b/3c4d".parse().expect("a reference"),
        provider: "docker".into(),
        kind: "docker",
        runner_id: Some(42),
        created: "2026-01-01T00:00:00Z".parse().expect("a time"),
        expires: "2026-01-01T07:00:00Z".parse().expect("a time"),
        launched_after: Duration::from_millis(1200),
        online_after: Duration::from_millis(71_900),
        rental: Rental {
            machine_type: Some("g6.xlarge".into()),
            market: Some("spot".into()),
            place: Some("us-east-1a".into()),
            price: Some(Price::live(0.79)),
            ..Rental::default()
        },
    };
    StartOutcome {
        up: vec![up],
        ..StartOutcome::default()
    }
}

/// So many runners that failed with a text from outside.
fn failed(count: usize, text: &str) -> StartOutcome {
    let failed = || Failed {
        name: name(),
        trouble: Trouble::Panic(text.to_owned()),
    };
    StartOutcome {
        failed: std::iter::repeat_with(failed).take(count).collect(),
        ..StartOutcome::default()
    }
}

/// The cells of a table's line, split as GitHub does.
fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\0");
    let inner = line.trim().trim_matches('|');
    inner
        .split('|')
        .map(|cell| cell.trim().replace('\0', "\\|"))
        .collect()
}

#[test]
fn a_start_is_written_up_with_its_warning() {
    insta::assert_snapshot!(start(&up(), MOST).unwrap(), @r"
    ### Runners started by gharun

    | Runner | Provider | Machine | Rented | Launched after | Online after | Price | Ends itself | Outcome |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | <code>gharun-abcdefabcdefgh</code> | docker | <code>docker&#58;1a2b/3c4d</code> | g6.xlarge, spot, us-east-1a | 1s | 1m 12s | $0.79/h | 2026-01-01 07:00 UTC | online |

    A runner serves one job. **Re-run failed jobs** cannot start a new one; use **Re-run all jobs**.
    ");
}

#[test]
fn what_failed_and_what_is_left_of_it_is_written_up_with_what_helps() {
    let full = providers::Error::new(providers::ErrorKind::NoCapacity, "none has room")
        .because("the answer was 503")
        .hinted("add to `instance_types`");
    let denied = Error::from("could not end it").hinted("allow `ec2:TerminateInstances`");
    let outcome = StartOutcome {
        failed: vec![Failed {
            name: name(),
            trouble: Trouble::NoRoom(vec![("aws".into(), full)]),
        }],
        left: vec![Left {
            name: name(),
            instance: "aws:us_east_1/i-1".parse().ok(),
            why: denied,
            command: "gharun stop aws:us_east_1/i-1".into(),
            access: None,
            access_commands: Vec::new(),
            kept: false,
            registration_only: false,
        }],
        ..StartOutcome::default()
    };
    insta::assert_snapshot!(start(&outcome, MOST).unwrap(), @r#"
    ### Machines that may still be running

    | Runner | Machine | Reason | End it with |
    | --- | --- | --- | --- |
    | <code>gharun-abcdefabcdefgh</code> | <code>aws&#58;us\_east\_1/i-1</code> | could not end it<br>hint&#58; allow \`ec2&#58;TerminateInstances\` | <code>gharun stop aws&#58;us\_east\_1/i-1</code> |

    ### Runners started by gharun

    | Runner | Provider | Machine | Rented | Launched after | Online after | Price | Ends itself | Outcome |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | <code>gharun-abcdefabcdefgh</code> |  |  |  |  |  |  |  | no provider could launch it&#58; \`aws\`&#58; none has room&#58; the answer was 503<br>hint&#58; add to \`instance\_types\` |

    A runner serves one job. **Re-run failed jobs** cannot start a new one; use **Re-run all jobs**.
    "#);
}

#[test]
fn a_stop_is_written_up_with_what_may_still_run_first() {
    let name = |letter: &str| format!("gharun-{}", letter.repeat(14)).parse().ok();
    let summary = StopOutcome {
        stopped: vec![Stopped {
            instance: "docker:1/2".parse().ok(),
            name: name("a"),
            deregistered: true,
            terminated: true,
            assumed_gone: false,
            already_gone: false,
            registered: None,
            billed: Some(Duration::from_secs(3700)),
            cost: Some(0.81),
            cost_at_most: false,
            reason: "it was named".into(),
        }],
        kept: vec![Kept {
            instance: None,
            name: name("b").expect("a name"),
            reason: "a job runs on it".into(),
            due: true,
        }],
        failed: vec![Unstopped {
            instance: "aws:us_east_1/i-1".parse().ok(),
            name: name("c"),
            error: "AWS did not answer".into(),
            command: "gharun stop aws:us_east_1/i-1".into(),
            permanent: false,
            registration_only: false,
        }],
        ..StopOutcome::default()
    };
    insta::assert_snapshot!(stop(&summary, MOST).unwrap(), @r"
    ### Machines that may still be running

    | Runner | Machine | Error | End it with |
    | --- | --- | --- | --- |
    | <code>gharun-cccccccccccccc</code> | <code>aws&#58;us\_east\_1/i-1</code> | AWS did not answer | <code>gharun stop aws&#58;us\_east\_1/i-1</code> |

    ### Machines kept by gharun

    | Runner | Machine | Reason |
    | --- | --- | --- |
    | <code>gharun-bbbbbbbbbbbbbb</code> |  | a job runs on it |

    ### Machines stopped by gharun

    | Runner | Machine | Ran for | Cost |
    | --- | --- | --- | --- |
    | <code>gharun-aaaaaaaaaaaaaa</code> | <code>docker&#58;1/2</code> | 1h 1m 40s | $0.81 |

    Together $0.81
    ");
}

#[test]
fn foreign_text_stays_in_its_cell_and_means_nothing() {
    let hostile = "a|b `c` <img src=x onerror=y>\n| x | **bold** [l](http://e) \\| &amp; @all\r$x$";
    let page = start(&failed(1, hostile), MOST).unwrap();
    let line = page.lines().find(|line| line.contains("onerror")).unwrap();
    let cells = cells(line);
    assert_eq!(cells.len(), 9, "{line}");
    let cell = &cells[8];
    for markup in ["<img", " `", " **", " [", "http:", "@all", " $x"] {
        assert!(!cell.contains(markup), "{markup} in {cell}");
    }
}

#[test]
fn a_summary_keeps_within_its_room_and_counts_what_is_left_out() {
    let outcome = failed(1000, &"x".repeat(3000));
    for room in [3000, 100_000, MOST] {
        let page = start(&outcome, room).unwrap();
        assert!(page.len() <= room, "{} in {room}", page.len());
        assert!(page.contains(" more\n") && page.ends_with(&format!("{RERUN}\n")));
    }
    assert_eq!(start(&outcome, 100), None);
}
