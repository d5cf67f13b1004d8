//! Reports as text and as JSON.

use super::*;

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
    let start = Start {
        mapping: Mapping(vec![(machine(), name())]),
        runners: vec![Runner {
            name: name(),
            labels: vec![NAME.into(), "gpu".into()],
            instance: machine(),
            provider: "gpu-aws".into(),
            kind: "aws".into(),
            runner_id: Some(42),
            created_at: time("2026-11-24T10:00:00.4Z"),
            expires_at: time("2026-11-24T17:00:00Z"),
            launched_after: Duration::from_millis(1249),
            online_after: Duration::from_millis(48_951),
            price_per_hour: Some(0.79),
        }],
    };
    insta::assert_snapshot!(json(&start), @r#"
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
          "price_per_hour": 0.79
        }
      ]
    }
    "#);
    assert_eq!(start.text(), format!("{NAME}\taws:us_east_1/i-0abc\n"));
}

#[test]
fn a_stop_has_the_keys_that_are_promised() {
    let stop = Stop {
        stopped: vec![
            Stopped {
                instance: Some(machine()),
                name: Some(name()),
                deregistered: true,
                terminated: true,
                billed: Some(Duration::from_millis(3_600_040)),
                cost: Some(0.790_004),
            },
            Stopped {
                instance: None,
                name: Some(name()),
                deregistered: true,
                terminated: false,
                billed: None,
                cost: None,
            },
        ],
        kept: vec![Kept {
            instance: None,
            name: name(),
            reason: "a job runs on it".into(),
        }],
        failed: vec![Failed {
            instance: Some(machine()),
            name: None,
            error: "it did not\nanswer".into(),
            command: "gharun stop aws:us_east_1/i-0abc".into(),
        }],
    };
    insta::assert_snapshot!(json(&stop), @r#"
    {
      "stopped": [
        {
          "instance": "aws:us_east_1/i-0abc",
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "deregistered": true,
          "terminated": true,
          "billed_s": 3600.0,
          "cost": 0.79
        },
        {
          "instance": null,
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "deregistered": true,
          "terminated": false,
          "billed_s": null,
          "cost": null
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
          "command": "gharun stop aws:us_east_1/i-0abc"
        }
      ]
    }
    "#);
    let text = format!(
        "stopped\taws:us_east_1/i-0abc\t{NAME}\n\
         stopped\t-\t{NAME}\n\
         kept\t-\t{NAME}\ta job runs on it\n\
         failed\taws:us_east_1/i-0abc\t-\tit did not answer\n"
    );
    assert_eq!(stop.text(), text);
}

#[test]
fn a_list_has_the_keys_that_are_promised() {
    let list = List {
        machines: vec![Machine {
            name: name(),
            instance: Some(machine()),
            provider: Some("gpu-aws".into()),
            kind: Some("aws".into()),
            state: "running".into(),
            runner: "online".into(),
            runner_id: Some(42),
            scope: "acme/app".into(),
            run_id: Some(7),
            created_at: Some(time("2026-11-24T10:00:00Z")),
            expires_at: Some(time("2026-11-24T17:00:00Z")),
            price_per_hour: Some(0.79),
            cost: Some(0.395),
            verdict: "ready".into(),
            why: "online, waiting for a job".into(),
        }],
        unknown: vec![Unknown {
            source: "pi".into(),
            error: "it does not answer".into(),
        }],
        now: time("2026-11-24T10:30:05Z"),
    };
    insta::assert_snapshot!(json(&list), @r#"
    {
      "machines": [
        {
          "name": "gharun-7-1-0-abcdefabcdefgh",
          "instance": "aws:us_east_1/i-0abc",
          "provider": "gpu-aws",
          "kind": "aws",
          "state": "running",
          "runner": "online",
          "runner_id": 42,
          "scope": "acme/app",
          "run_id": 7,
          "created_at": "2026-11-24T10:00:00Z",
          "expires_at": "2026-11-24T17:00:00Z",
          "price_per_hour": 0.79,
          "cost": 0.395,
          "verdict": "ready",
          "why": "online, waiting for a job"
        }
      ],
      "unknown": [
        {
          "source": "pi",
          "error": "it does not answer"
        }
      ]
    }
    "#);
    let row = &list.rows()[0];
    assert_eq!(row.len(), List::HEADER.len());
    let cells = [
        "us_east_1/i-0abc",
        "running",
        "online",
        "30m 5s",
        "in 6h 29m",
        "$0.40",
    ];
    assert_eq!(row[2..8], cells);
}
