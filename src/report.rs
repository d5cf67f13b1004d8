//! The text form of outcomes: what `start`, `stop` and `list` put on stdout. Each outcome writes its JSON
//! itself.
//!
//! Every key is always there; what is not known is `null`. Keys may be added, never changed.

use serde::Serialize;

use crate::fleet::StartOutcome;
use crate::fleet::stop::StopOutcome;

mod checks;
pub mod machines;
mod offers;
mod providers;
#[cfg(test)]
mod tests;
mod workflow;

pub use checks::{CheckRow, CheckStatus, Checks};
pub use offers::{OfferRow, OffersReport};
pub use providers::{ProviderRow, ProviderSetting, ProvidersReport, TrustReport};
pub use workflow::{Needed, SSH_FOLDER, WorkflowParts, WorkflowReport};

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
            } else if one.already_gone {
                ("stopped", "already gone")
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

/// A header and rows with tabs between their cells, whole: for programs, and for `cut` and `awk`.
pub fn tabbed(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let header = header.iter().map(|title| (*title).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(header).chain(rows) {
        let cells: Vec<String> = row.iter().map(|cell| on_a_line(cell)).collect();
        text.push_str(&cells.join("\t"));
        text.push('\n');
    }
    text
}

fn on_a_line(cell: &str) -> String {
    cell.replace(['\n', '\r', '\t'], " ")
}

/// Lines of cells with tabs between them; a cell that is empty at the end of its line is left out.
fn lines<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> String {
    let mut text = String::new();
    for row in rows {
        let cells = row.map(|cell| on_a_line(&cell));
        text.push_str(cells.join("\t").trim_end());
        text.push('\n');
    }
    text
}

fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
