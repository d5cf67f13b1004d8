//! Reports as text and as JSON.

use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::fleet::list::ListOutcome;
use crate::fleet::stop::{Kept, Pending, Stopped, Unstopped};
use crate::fleet::survey::Unknown;
use crate::fleet::{Up, doubles};
use crate::model::{Error, Mapping, Name, Price, Reference, Rental};

mod reference;

const NAME: &str = "gharun-7-1-0-abcdefabcdefgh";

fn name() -> Name {
    NAME.parse().expect("a name")
}

fn machine() -> Reference {
    "aws:us_east_1/i-0abc".parse().expect("a reference")
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn a_start_has_the_keys_that_are_promised() {
    let start = StartOutcome {
        mapping: Mapping(vec![(machine(), name())]),
        up: vec![Up {
            name: name(),
            labels: vec![NAME.into(), "gpu".into()],
            instance: machine(),
            provider: "gpu-aws".into(),
            kind: "aws",
            runner_id: Some(42),
            created: time("2026-11-24T10:00:00.4Z"),
            expires: time("2026-11-24T17:00:00Z"),
            launched_after: Duration::from_millis(1249),
            online_after: Duration::from_millis(48_951),
            rental: Rental {
                machine_type: Some("g6.xlarge".into()),
                price: Some(Price::live(0.79)),
                ..Rental::default()
            },
        }],
        ..StartOutcome::default()
    };
    insta::assert_snapshot!(to_json(&start), @r#"
    {
      "mapping": {
        "aws:us_east_1/i-0abc": "gharun-7-1-0-abcdefabcdefgh"
      },
      "runners": [
        {
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "labels": [
            "gharun-7-1-0-abcdefabcdefgh",
            "gpu"
          ],
          "instance": "aws:us_east_1/i-0abc",
          "provider": "gpu-aws",
          "kind": "aws",
          "runner_id": 42,
          "created_at": "2026-11-24T10:00:00Z",
          "expires_at": "2026-11-24T17:00:00Z",
          "launched_after_s": 1.2,
          "online_after_s": 49.0,
          "machine_type": "g6.xlarge",
          "gpu": null,
          "market": null,
          "place": null,
          "price_per_hour": 0.79,
          "price_basis": "live",
          "price_listed_on": null
        }
      ],
      "failed": [],
      "left": [],
      "error": null,
      "hints": [],
      "request_id": null,
      "setting": null
    }
    "#);
    assert_eq!(start.text(), format!("{NAME}\taws:us_east_1/i-0abc\n"));
}

/// A stop that has something of everything.
fn stop() -> StopOutcome {
    StopOutcome {
        stopped: vec![
            Stopped {
                instance: Some(machine()),
                name: Some(name()),
                deregistered: true,
                terminated: true,
                assumed_gone: false,
                already_gone: false,
                registered: None,
                billed: Some(Duration::from_millis(3_600_040)),
                cost: Some(0.790_004),
                cost_at_most: false,
                reason: "it was named".into(),
            },
            Stopped {
                instance: None,
                name: Some(name()),
                deregistered: true,
                terminated: false,
                assumed_gone: false,
                already_gone: false,
                registered: None,
                billed: None,
                cost: None,
                cost_at_most: false,
                reason: "it was named".into(),
            },
        ],
        kept: vec![Kept {
            instance: None,
            name: name(),
            reason: "a job runs on it".into(),
            due: true,
        }],
        failed: vec![Unstopped {
            instance: Some(machine()),
            name: None,
            error: "it did not\nanswer".into(),
            command: "gharun stop aws:us_east_1/i-0abc".into(),
            permanent: false,
            registration_only: false,
        }],
        pending: vec![Pending {
            name: name(),
            until: "2026-11-24T21:02:30Z".parse().expect("a time"),
            command: format!("gharun stop {NAME}"),
            deregistered: true,
            reason: "it was named".into(),
        }],
        unknown: vec![Unknown {
            source: "pi".into(),
            error: "it does not answer".into(),
        }],
        ..StopOutcome::default()
    }
}

#[test]
fn a_stop_has_the_keys_that_are_promised() {
    let stop = stop();
    insta::assert_snapshot!(to_json(&stop), @r#"
    {
      "stopped": [
        {
          "instance": "aws:us_east_1/i-0abc",
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "deregistered": true,
          "terminated": true,
          "billed_s": 3600.0,
          "cost": 0.79,
          "cost_at_most": false,
          "reason": "it was named"
        },
        {
          "instance": null,
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "deregistered": true,
          "terminated": false,
          "billed_s": null,
          "cost": null,
          "cost_at_most": false,
          "reason": "it was named"
        }
      ],
      "kept": [
        {
          "instance": null,
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "reason": "a job runs on it"
        }
      ],
      "failed": [
        {
          "instance": "aws:us_east_1/i-0abc",
          "name": null,
          "error": "it did not\nanswer",
          "hints": [],
          "request_id": null,
          "setting": null,
          "command": "gharun stop aws:us_east_1/i-0abc",
          "permanent": false,
          "registration_only": false
        }
      ],
      "pending": [
        {
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "until": "2026-11-24T21:02:30Z",
          "command": "gharun stop gharun-7-1-0-abcdefabcdefgh"
        }
      ],
      "unknown": [
        {
          "source": "pi",
          "error": "it does not answer",
          "hints": [],
          "request_id": null,
          "setting": null
        }
      ],
      "not_searched": [],
      "planned": false,
      "error": null,
      "hints": [],
      "request_id": null,
      "setting": null
    }
    "#);
}

#[test]
fn a_stop_is_a_line_a_thing() {
    let stop = stop();
    let text = format!(
        "stopped\taws:us_east_1/i-0abc\t{NAME}\n\
         stopped\t-\t{NAME}\n\
         kept\t-\t{NAME}\n\
         failed\taws:us_east_1/i-0abc\t-\n\
         pending\t-\t{NAME}\tmay still come until 21:03Z\n\
         unknown\tpi\n"
    );
    assert_eq!(stop.text(), text);
    let plan = StopOutcome {
        planned: true,
        kept: vec![],
        failed: vec![],
        pending: vec![],
        unknown: vec![],
        ..stop
    };
    let text = format!(
        "would stop\taws:us_east_1/i-0abc\t{NAME}\tit was named\n\
         would stop\t-\t{NAME}\tit was named\n"
    );
    assert_eq!(plan.text(), text);
}

#[test]
fn a_list_has_the_keys_that_are_promised() {
    let mut row = doubles::row();
    row.instance = Some(machine());
    row.provider = Some("gpu-aws".into());
    row.kind = Some("aws");
    row.rental.price = Some(Price::live(0.79));
    row.cost = Some(0.395);
    let list = ListOutcome {
        machines: vec![row],
        unknown: vec![Unknown {
            source: "pi".into(),
            error: Error::from("it does not respond").hinted("is it on?"),
        }],
        now: time("2026-11-24T09:30:05Z"),
        ..ListOutcome::default()
    };
    insta::assert_snapshot!(to_json(&list), @r#"
    {
      "machines": [
        {
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "instance": "aws:us_east_1/i-0abc",
          "provider": "gpu-aws",
          "kind": "aws",
          "state": "running",
          "runner": "busy",
          "runner_id": 42,
          "scope": "octo/app",
          "run_id": 7,
          "created_at": "2026-11-24T09:00:00Z",
          "expires_at": "2026-11-24T16:00:00Z",
          "machine_type": null,
          "gpu": null,
          "market": null,
          "place": null,
          "price_per_hour": 0.79,
          "price_basis": "live",
          "price_listed_on": null,
          "cost": 0.395,
          "cost_at_most": false,
          "verdict": "working",
          "why": "a job runs on it"
        }
      ],
      "unknown": [
        {
          "source": "pi",
          "error": "it does not respond",
          "hints": [
            "is it on?"
          ],
          "request_id": null,
          "setting": null
        }
      ],
      "not_searched": [],
      "error": null,
      "hints": [],
      "request_id": null,
      "setting": null
    }
    "#);
    let text = tabbed(ListOutcome::HEADER, list.rows());
    insta::assert_snapshot!(text, @"
    VERDICT	RUNNER	PROVIDER	AGE	ENDS IN	COST	MACHINE	STATE	GITHUB	RENTED	PRICE	SCOPE	RUN	WHY
    working	gharun-7-1-0-abcdefabcdefgh	gpu-aws	30m 4s	6h 29m	$0.40	aws:us_east_1/i-0abc	running	busy	-	$0.79/h	octo/app	7	a job runs on it
    ");
}
