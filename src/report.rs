//! The JSON contract and its text form: what `start`, `stop` and `list` put on stdout.
//!
//! Every key is always there; what is not known is `null`. Keys may be added, never changed.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde::{Serialize, Serializer};

use crate::model::{Mapping, Name, Reference};

mod plans;
#[cfg(test)]
mod tests;

pub use plans::{Candidate, Check, Checks, DryRun, Offer, Offers, Provider, Providers, Set};

/// What `start` came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Start {
    /// Machine -> unique label, as the output `mapping` has it.
    pub mapping: Mapping,
    /// The runners that are there.
    pub runners: Vec<Runner>,
}

/// A runner that came up.
#[derive(Clone, Debug, Serialize)]
pub struct Runner {
    /// Its name, and its unique label.
    pub name: Name,
    /// All its labels, the unique one first.
    pub labels: Vec<String>,
    /// Its machine.
    pub instance: Reference,
    /// The provider, as the user calls it.
    pub provider: String,
    /// The provider's kind.
    pub kind: String,
    /// GitHub's number of it.
    pub runner_id: Option<u64>,
    /// When its machine was made.
    #[serde(serialize_with = "second")]
    pub created_at: Timestamp,
    /// When its machine ends itself.
    #[serde(serialize_with = "second")]
    pub expires_at: Timestamp,
    /// From the beginning of the start until the machine was launched.
    #[serde(rename = "launched_after_s", serialize_with = "tenths")]
    pub launched_after: Duration,
    /// From the beginning of the start until GitHub said `online`.
    #[serde(rename = "online_after_s", serialize_with = "tenths")]
    pub online_after: Duration,
    /// US dollars an hour, where the place tells.
    pub price_per_hour: Option<f64>,
}

impl Start {
    /// One line a runner: its label, a tab, its machine.
    pub fn text(&self) -> String {
        lines(
            self.runners
                .iter()
                .map(|one| [one.name.to_string(), one.instance.to_string()]),
        )
    }
}

/// What `stop` came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stop {
    /// What was stopped, or with `--dry-run` would be.
    pub stopped: Vec<Stopped>,
    /// What was left as it is.
    pub kept: Vec<Kept>,
    /// What may still be there.
    pub failed: Vec<Failed>,
}

/// Something that was stopped.
#[derive(Clone, Debug, Serialize)]
pub struct Stopped {
    /// Its machine, where it had one.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// Whether GitHub has no registration of it.
    pub deregistered: bool,
    /// Whether its machine is proved gone.
    pub terminated: bool,
    /// From the machine's creation to its end.
    #[serde(rename = "billed_s", serialize_with = "tenths_if_any")]
    pub billed: Option<Duration>,
    /// US dollars for it.
    #[serde(serialize_with = "hundredths_of_cents")]
    pub cost: Option<f64>,
}

/// Something that was left as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// Its machine, where it has one.
    pub instance: Option<Reference>,
    /// The runner.
    pub name: Name,
    /// Why.
    pub reason: String,
}

/// Something that should have been stopped.
#[derive(Clone, Debug, Serialize)]
pub struct Failed {
    /// Its machine, where one is known.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// What went wrong.
    pub error: String,
    /// What to type to try again.
    pub command: String,
}

impl Stop {
    /// One line a thing: `stopped`, `kept` or `failed`, its machine, its runner, and why, with tabs
    /// between them and `-` for what is not there.
    pub fn text(&self) -> String {
        let stopped = self.stopped.iter().map(|one| {
            let what = if one.instance.is_some() && !one.terminated {
                "not proved gone yet"
            } else {
                ""
            };
            [
                "stopped".into(),
                or_dash(one.instance.as_ref()),
                or_dash(one.name.as_ref()),
                what.into(),
            ]
        });
        let kept = self.kept.iter().map(|one| {
            let name = one.name.to_string();
            [
                "kept".into(),
                or_dash(one.instance.as_ref()),
                name,
                one.reason.clone(),
            ]
        });
        let failed = self.failed.iter().map(|one| {
            let error = one.error.clone();
            [
                "failed".into(),
                or_dash(one.instance.as_ref()),
                or_dash(one.name.as_ref()),
                error,
            ]
        });
        lines(stopped.chain(kept).chain(failed))
    }
}

/// What `list` saw.
#[derive(Clone, Debug, Serialize)]
pub struct List {
    /// One row a runner.
    pub machines: Vec<Machine>,
    /// What could not be read.
    pub unknown: Vec<Unknown>,
    /// The servers' clock, for the ages in the text form.
    #[serde(skip)]
    pub now: Timestamp,
}

/// One runner with its machine.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The runner.
    pub name: Name,
    /// Its machine, where one is known.
    pub instance: Option<Reference>,
    /// The provider, as the user calls it.
    pub provider: Option<String>,
    /// The provider's kind, where it was asked.
    pub kind: Option<String>,
    /// What the machine is doing: `pending`, `running`, `ended`, `gone` or `unknown`.
    pub state: String,
    /// What GitHub says: `online`, `offline`, `busy`, `absent` or `unknown`.
    pub runner: String,
    /// GitHub's number of it.
    pub runner_id: Option<u64>,
    /// The scope as tags spell it.
    pub scope: String,
    /// The run that started it.
    pub run_id: Option<u64>,
    /// When it was made.
    #[serde(serialize_with = "second_if_any")]
    pub created_at: Option<Timestamp>,
    /// When it ends itself.
    #[serde(serialize_with = "second_if_any")]
    pub expires_at: Option<Timestamp>,
    /// US dollars an hour.
    pub price_per_hour: Option<f64>,
    /// US dollars so far.
    #[serde(serialize_with = "hundredths_of_cents")]
    pub cost: Option<f64>,
    /// What is to be thought of it.
    pub verdict: String,
    /// Why, in a few words.
    pub why: String,
}

/// A source that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Unknown {
    /// A provider, one of its places, `GitHub`, or the state file.
    pub source: String,
    /// Why.
    pub error: String,
}

impl List {
    /// The columns of the text form.
    pub const HEADER: [&str; 9] = [
        "NAME", "PROVIDER", "MACHINE", "STATE", "RUNNER", "AGE", "EXPIRES", "COST", "VERDICT",
    ];

    /// The cells of the text form, one row a runner.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &Machine| {
            let age = one.created_at.map(|time| span(self.now, time));
            let expires = one.expires_at.map(|time| {
                if time > self.now {
                    format!("in {}", span(time, self.now))
                } else {
                    format!("{} ago", span(self.now, time))
                }
            });
            let cost = one.cost.map(|cost| format!("${cost:.2}"));
            let id = one.instance.as_ref().map(|machine| &machine.id);
            vec![
                one.name.to_string(),
                or_dash(one.provider.as_ref()),
                or_dash(id),
                one.state.clone(),
                one.runner.clone(),
                or_dash(age.as_ref()),
                or_dash(expires.as_ref()),
                or_dash(cost.as_ref()),
                format!("{} ({})", one.verdict, one.why),
            ]
        };
        self.machines.iter().map(row).collect()
    }
}

/// The JSON form of a report, on several lines and without a newline at its end.
///
/// # Panics
///
/// Panics where a value cannot be JSON, which no report's value can be.
pub fn json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("plain values become JSON")
}

/// Lines of cells with tabs between them; a cell that is empty at the end of its line is left out.
fn lines<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = String::new();
    for row in rows {
        let cells = row.map(|cell| cell.replace(['\n', '\r', '\t'], " "));
        text.push_str(cells.join("\t").trim_end());
        text.push('\n');
    }
    text
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// The time between two moments in its two largest units: `2d 3h`, `5m 10s`.
fn span(later: Timestamp, earlier: Timestamp) -> String {
    let seconds = later.duration_since(earlier).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86400, seconds % 86400 / 3600),
    }
}

fn second<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.round(Unit::Second).unwrap_or(*time))
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn second_if_any<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => second(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn tenths<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 10.0).round() / 10.0)
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn tenths_if_any<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => tenths(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn hundredths_of_cents<S: Serializer>(
    dollars: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    dollars
        .map(|dollars| (dollars * 10_000.0).round() / 10_000.0)
        .serialize(serializer)
}
