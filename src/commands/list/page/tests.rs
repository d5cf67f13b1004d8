//! `list` on terminals of several widths.

use jiff::Timestamp;

use super::*;
use crate::fleet::doubles;
use crate::fleet::verdict::{MachineState, RegistrationState};
use crate::model::Price;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn look() -> Look {
    Look {
        subject: "octo/app on github.com".into(),
        server: "github.com".into(),
        scope: Some("octo/app".into()),
        ..Look::default()
    }
}

/// One of each: a job runs, one waits for a job, one is left over, and one that only GitHub knows.
fn machines() -> ListOutcome {
    let mut working = doubles::row();
    working.name = "gharun-tpa57i5h6qp1jd".parse().expect("a name");
    working.instance = "gpu:eu_se_1/x7k2abcd3fgh9j".parse().ok();
    working.provider = Some("gpu".into());
    working.kind = Some("runpod");
    working.rental.price = Some(Price::live(0.86));
    working.cost = Some(0.43);
    let mut ready = working.clone();
    ready.name = "gharun-tpa57ibybmovuv".parse().expect("a name");
    ready.instance = "ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3".parse().ok();
    ready.provider = Some("ec2".into());
    ready.kind = Some("aws");
    ready.rental.price = None;
    ready.cost = None;
    ready.created = Some(time("2026-11-24T09:28:19Z"));
    ready.verdict = Verdict::Ready;
    ready.why = "online, waiting for a job".into();
    ready.facts.registration = RegistrationState::Online;
    ready.facts.idle_until = Some(time("2026-11-24T09:58:19Z"));
    let mut orphan = working.clone();
    orphan.name = "gharun-tpa4zzk1m2n3o4".parse().expect("a name");
    orphan.instance = "gpu:eu_se_1/q9z8y7x6w5v4u3".parse().ok();
    orphan.created = Some(time("2026-11-24T00:30:00Z"));
    orphan.expires = Some(time("2026-11-24T07:30:00Z"));
    orphan.cost = Some(7.74);
    orphan.verdict = Verdict::Orphan;
    orphan.why = "its workflow run is over".into();
    let mut ghost = orphan.clone();
    ghost.name = "gharun-tpa4zzghostn3o".parse().expect("a name");
    ghost.instance = None;
    ghost.provider = None;
    ghost.kind = None;
    ghost.cost = None;
    ghost.facts.machine = MachineState::Nowhere;
    ghost.verdict = Verdict::Ghost;
    ghost.why = "a registration without a machine".into();
    ListOutcome {
        machines: vec![working, ready, orphan, ghost],
        now: time("2026-11-24T09:30:05Z"),
        ..ListOutcome::default()
    }
}

fn shown(look: &Look, room: usize) -> String {
    let lines = look.lines(&machines(), room);
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    lines.join("\n")
}

#[test]
fn the_verdict_comes_first_and_what_to_type_is_whole() {
    insta::assert_snapshot!(shown(&look(), 60), @"
    octo/app on github.com: 3 machines, 1 runner without one,
      $1.72/h without ec2, $8.17 so far
      VERDICT  RUNNER                 PROVIDER  ENDS IN   COST
    ● working  gharun-tpa57i5h6qp1jd  gpu       6h 29m    $0.43
    ● ready    gharun-tpa57ibybmovuv  ec2       28m idle  -
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       overdue   $7.74
        its workflow run is over
        gharun stop gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         -         -
        a registration without a machine
        gharun stop gharun-tpa4zzghostn3o
    ");
    insta::assert_snapshot!(shown(&look(), 80), @"
    octo/app on github.com: 3 machines, 1 runner without one, $1.72/h without ec2,
      $8.17 so far
      VERDICT  RUNNER                 PROVIDER  AGE     ENDS IN   COST
    ● working  gharun-tpa57i5h6qp1jd  gpu       30m 4s  6h 29m    $0.43
    ● ready    gharun-tpa57ibybmovuv  ec2       1m 46s  28m idle  -
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h      overdue   $7.74
        its workflow run is over    gharun stop gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         9h      -         -
        a registration without a machine    gharun stop gharun-tpa4zzghostn3o
    ");
    insta::assert_snapshot!(shown(&look(), 120), @"
    octo/app on github.com: 3 machines, 1 runner without one, $1.72/h without ec2, $8.17 so far
      VERDICT  RUNNER                 PROVIDER  AGE     ENDS IN   COST   MACHINE
    ● working  gharun-tpa57i5h6qp1jd  gpu       30m 4s  6h 29m    $0.43  gpu:eu_se_1/x7k2abcd3fgh9j
    ● ready    gharun-tpa57ibybmovuv  ec2       1m 46s  28m idle  -      ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h      overdue   $7.74  gpu:eu_se_1/q9z8y7x6w5v4u3
        its workflow run is over    gharun stop gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         9h      -         -      -
        a registration without a machine    gharun stop gharun-tpa4zzghostn3o
    ");
    insta::assert_snapshot!(shown(&look(), 160), @"
    octo/app on github.com: 3 machines, 1 runner without one, $1.72/h without ec2, $8.17 so far
      VERDICT  RUNNER                 PROVIDER  AGE     ENDS IN   COST   MACHINE                                   WHY
    ● working  gharun-tpa57i5h6qp1jd  gpu       30m 4s  6h 29m    $0.43  gpu:eu_se_1/x7k2abcd3fgh9j                a job runs on it
    ● ready    gharun-tpa57ibybmovuv  ec2       1m 46s  28m idle  -      ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3  online, waiting for a job
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h      overdue   $7.74  gpu:eu_se_1/q9z8y7x6w5v4u3                its workflow run is over
        gharun stop gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         9h      -         -      -                                         a registration without a machine
        gharun stop gharun-tpa4zzghostn3o
    ");
}

#[test]
fn a_wide_list_shows_all_at_any_width() {
    let wide = Look {
        wide: true,
        ..look()
    };
    insta::assert_snapshot!(shown(&wide, 80), @"
    octo/app on github.com: 3 machines, 1 runner without one, $1.72/h without ec2,
      $8.17 so far
      VERDICT  RUNNER                 PROVIDER  AGE     ENDS IN   COST   SCOPE
    ● working  gharun-tpa57i5h6qp1jd  gpu       30m 4s  6h 29m    $0.43  octo/app
        machine gpu:eu_se_1/x7k2abcd3fgh9j  state running  github busy
        price $0.86/h  run 7  why a job runs on it
    ● ready    gharun-tpa57ibybmovuv  ec2       1m 46s  28m idle  -      octo/app
        machine ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3  state running  github busy
        run 7  why online, waiting for a job
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h      overdue   $7.74  octo/app
        machine gpu:eu_se_1/q9z8y7x6w5v4u3  state running  github busy
        price $0.86/h  run 7  why its workflow run is over
        gharun stop gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         9h      -         -      octo/app
        state running  github busy  price $0.86/h  run 7
        why a registration without a machine
        gharun stop gharun-tpa4zzghostn3o
    ");
    for room in 60..=200 {
        let text = shown(&wide, room);
        for words in [
            "ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3",
            "its workflow run is over",
            "busy",
        ] {
            assert!(text.contains(words), "{room}: {text}");
        }
    }
}

#[test]
fn columns_are_those_that_were_asked_for() {
    let look = Look {
        columns: ListColumn::read_all("runner,price,ends-in,machine").ok(),
        ..look()
    };
    insta::assert_snapshot!(shown(&look, 100), @"
    octo/app on github.com: 3 machines, 1 runner without one, $1.72/h without ec2, $8.17 so far
      RUNNER                 PRICE    ENDS IN   MACHINE
    ● gharun-tpa57i5h6qp1jd  $0.86/h  6h 29m    gpu:eu_se_1/x7k2abcd3fgh9j
    ● gharun-tpa57ibybmovuv  -        28m idle  ec2:us_east_1_3fa9c1/i-cc0352cfd16cf9fd3
    ! gharun-tpa4zzk1m2n3o4  $0.86/h  overdue   gpu:eu_se_1/q9z8y7x6w5v4u3
        its workflow run is over    gharun stop gharun-tpa4zzk1m2n3o4
    ! gharun-tpa4zzghostn3o  $0.86/h  -         -
        a registration without a machine    gharun stop gharun-tpa4zzghostn3o
    ");
}

#[test]
fn what_is_of_another_scope_is_ended_by_who_names_it() {
    let mut list = machines();
    list.machines.drain(..2);
    list.machines[0].scope = "acme/other".into();
    list.machines[1].scope = "enterprises/big".into();
    let mut far = list.machines[0].clone();
    far.server = "git.example.com".into();
    list.machines.push(far);
    let look = Look {
        subject: "All repositories".into(),
        all_scopes: true,
        ..look()
    };
    let lines = look.lines(&list, 120);
    let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    All repositories: 2 machines, 1 runner without one, $1.72/h, $15.48 so far
      VERDICT  RUNNER                 PROVIDER  AGE  ENDS IN  COST   MACHINE                     SCOPE
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h   overdue  $7.74  gpu:eu_se_1/q9z8y7x6w5v4u3  acme/other
        its workflow run is over    gharun stop --repo acme/other gharun-tpa4zzk1m2n3o4
    ! ghost    gharun-tpa4zzghostn3o  -         9h   -        -      -                           enterprises/big
        a registration without a machine    gharun stop --enterprise big gharun-tpa4zzghostn3o
    ! orphan   gharun-tpa4zzk1m2n3o4  gpu       9h   overdue  $7.74  gpu:eu_se_1/q9z8y7x6w5v4u3  acme/other
        its workflow run is over
    ");
}

#[test]
fn no_list_wraps_at_60_to_200_columns() {
    for wide in [false, true] {
        for columns in [
            None,
            ListColumn::read_all("verdict,runner,why,provider,cost").ok(),
        ] {
            let look = Look {
                wide: wide && columns.is_none(),
                columns,
                ..look()
            };
            for room in 60..=200 {
                for line in look.lines(&machines(), room) {
                    assert!(line.width() <= room, "{room}: {}", line.text(false));
                }
            }
        }
    }
}

#[test]
fn sums_say_what_they_leave_out() {
    let sums = |keep: &dyn Fn(&SurveyRow) -> bool| {
        let mut list = machines();
        list.machines.retain(|row| keep(row));
        list.sums()
    };
    assert_eq!(
        sums(&|_| true),
        "3 machines, 1 runner without one, $1.72/h without ec2, $8.17 so far"
    );
    assert_eq!(
        sums(&|row| row.kind == Some("aws")),
        "1 machine, price of ec2 unknown"
    );
    assert_eq!(sums(&|_| false), "no machines");
    let mut own = machines();
    own.machines.truncate(1);
    own.machines[0].kind = Some("docker");
    own.machines[0].rental.price = None;
    own.machines[0].cost = None;
    assert_eq!(own.sums(), "1 machine", "what is not rented has no price");
}
