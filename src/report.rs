//! The text form of outcomes: what `start`, `stop` and `list` put on stdout. Each outcome writes its JSON
//! itself.
//!
//! Every key is always there; what is not known is `null`. Keys may be added, never changed.

use jiff::Timestamp;
use serde::Serialize;

use crate::fleet::StartOutcome;
use crate::fleet::list::ListOutcome;
use crate::fleet::stop::StopOutcome;
use crate::fleet::survey::SurveyRow;
use crate::model::cost_in_words;

mod checks;
mod offers;
mod providers;
#[cfg(test)]
mod tests;

pub use checks::{CheckRow, CheckStatus, Checks};
pub use offers::{OfferRow, OffersReport};
pub use providers::{ProviderRow, ProviderSetting, ProvidersReport, TrustReport};

/// The text form of an outcome, for people and for simple scripts.
pub trait TextForm {
    /// The text, each line with its end.
    fn text(&self) -> String;
}

impl TextForm for StartOutcome {
    /// One line a runner: its label, a tab, its machine.
    fn text(&self) -> String {
        lines(
            self.up
                .iter()
                .map(|one| [one.name.to_string(), one.instance.to_string()]),
        )
    }
}

impl TextForm for StopOutcome {
    /// One line a thing: `stopped` (`would stop` where nothing was done yet), `kept`, `failed` or
    /// `pending`, its machine and its runner, with tabs between them and `-` for what is not there; then
    /// `unknown` and what could not be read. Why something went wrong is said on standard error.
    fn text(&self) -> String {
        let stopped = self.stopped.iter().map(|one| {
            let (word, what) = if self.planned {
                ("would stop", one.reason.as_str())
            } else if one.assumed_gone {
                ("stopped", "taken for gone")
            } else if one.instance.is_some() && !one.terminated {
                ("stopped", "removal not confirmed yet")
            } else {
                ("stopped", "")
            };
            [
                word.into(),
                or_dash(one.instance.as_ref()),
                or_dash(one.name.as_ref()),
                what.into(),
            ]
        });
        let kept = self.kept.iter().map(|one| {
            let name = one.name.to_string();
            let machine = or_dash(one.instance.as_ref());
            ["kept".into(), machine, name, String::new()]
        });
        let failed = self.failed.iter().map(|one| {
            let (machine, name) = (or_dash(one.instance.as_ref()), or_dash(one.name.as_ref()));
            ["failed".into(), machine, name, String::new()]
        });
        let pending = self.pending.iter().map(|one| {
            let name = one.name.to_string();
            ["pending".into(), "-".to_owned(), name, one.word()]
        });
        let unknown = self.unknown.iter().map(|one| {
            let source = one.source.clone();
            ["unknown".into(), source, String::new(), String::new()]
        });
        lines(
            stopped
                .chain(kept)
                .chain(failed)
                .chain(pending)
                .chain(unknown),
        )
    }
}

/// The text form of an outcome that is a table.
pub trait Table {
    /// The columns.
    const HEADER: &'static [&'static str];

    /// The cells, one row a thing.
    fn rows(&self) -> Vec<Vec<String>>;
}

impl Table for ListOutcome {
    const HEADER: &'static [&'static str] = &[
        "NAME", "PROVIDER", "MACHINE", "STATE", "RUNNER", "AGE", "EXPIRES", "RENTED", "PRICE",
        "COST", "VERDICT",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &SurveyRow| {
            let age = one.created.map(|time| span(self.now, time));
            let expires = one.expires.map(|time| {
                if time > self.now {
                    format!("in {}", span(time, self.now))
                } else {
                    format!("{} ago", span(self.now, time))
                }
            });
            let terms = Some(one.rental.terms()).filter(|terms| !terms.is_empty());
            let price = one.rental.price.map(|price| format!("{price:#}"));
            let cost = one.cost;
            let cost = cost.map(|cost| cost_in_words(cost, one.cost_at_most));
            let id = one.instance.as_ref().map(|machine| &machine.id);
            vec![
                one.name.to_string(),
                or_dash(one.provider.as_ref()),
                or_dash(id),
                one.machine_state().to_owned(),
                one.runner_state().to_owned(),
                or_dash(age.as_ref()),
                or_dash(expires.as_ref()),
                or_dash(terms.as_ref()),
                or_dash(price.as_ref()),
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
pub fn to_json(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("plain values become JSON")
}

/// The JSON form of a report on one line.
///
/// # Panics
///
/// Panics where a value cannot be JSON, which no report's value can be.
pub fn to_json_line(report: &impl Serialize) -> String {
    serde_json::to_string(report).expect("plain values become JSON")
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
