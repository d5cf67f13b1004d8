//! What `list` says of machines: the cells of its columns, and the sums above them.

use jiff::Timestamp;

use super::{Table, or_dash};
use crate::fleet::list::ListOutcome;
use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::{MachineState, Verdict};
use crate::model::{ListColumn, Prices, cost_in_words};
use crate::providers;

const COLUMNS: usize = ListColumn::ALL.len();

impl Table for ListOutcome {
    const HEADER: &'static [&'static str] = &{
        let mut titles = [""; COLUMNS];
        let mut at = 0;
        while at < COLUMNS {
            titles[at] = ListColumn::ALL[at].title();
            at += 1;
        }
        titles
    };

    fn rows(&self) -> Vec<Vec<String>> {
        self.cells(&ListColumn::ALL)
    }
}

impl ListOutcome {
    /// The cells of some columns, one row a runner; `-` where nothing is known.
    pub fn cells(&self, columns: &[ListColumn]) -> Vec<Vec<String>> {
        let cells = |row: &SurveyRow| {
            let cells = columns.iter();
            cells.map(|column| cell(row, *column, self.now)).collect()
        };
        self.machines.iter().map(cells).collect()
    }

    /// How many machines there are, what they cost an hour, and what they have cost so far.
    pub fn sums(&self) -> String {
        let is_machine = |row: &&SurveyRow| {
            !matches!(
                row.facts.machine,
                MachineState::Gone | MachineState::Nowhere
            )
        };
        let machines = self.machines.iter().filter(is_machine).count();
        let others = self.machines.len() - machines;
        let mut parts = vec![match machines {
            0 => "no machines".to_owned(),
            1 => "1 machine".to_owned(),
            many => format!("{many} machines"),
        }];
        if others > 0 {
            let s = if others == 1 { "" } else { "s" };
            parts.push(format!("{others} runner{s} without one"));
        }
        let running = self.machines.iter().filter(|row| is_running(row));
        parts.extend(rate(running));
        parts.extend(so_far(&self.machines));
        parts.join(", ")
    }
}

/// Whether its machine costs money now.
fn is_running(row: &SurveyRow) -> bool {
    row.facts.machine == MachineState::There
}

/// What some machines cost an hour together, in words: `$1.82/h without ec2`. Machines that are not rented have no price;
/// `None` where that is all.
pub fn rate<'a>(rows: impl Iterator<Item = &'a SurveyRow>) -> Option<String> {
    let is_rented = |row: &SurveyRow| {
        let kind = row.kind.and_then(providers::kind);
        kind.is_some_and(|kind| kind.is_rented)
    };
    let rows = rows.filter(|row| row.rental.price.is_some() || is_rented(row));
    let prices = Prices::of(rows.filter_map(|row| {
        let provider = row.provider.as_deref();
        let is_counted = provider.is_some() || row.rental.price.is_some();
        is_counted.then(|| (provider.unwrap_or_default(), row.rental.price))
    }));
    prices
        .in_words()
        .or_else(|| match prices.unknown_at().as_str() {
            "" => None,
            providers => Some(format!("price of {providers} unknown")),
        })
}

/// What machines have cost so far, in words.
fn so_far(rows: &[SurveyRow]) -> Option<String> {
    let priced: Vec<_> = rows.iter().filter(|row| row.cost.is_some()).collect();
    let cost: f64 = priced.iter().filter_map(|row| row.cost).sum();
    let at_most = priced.iter().any(|row| row.cost_at_most);
    let words = cost_in_words(cost, at_most);
    (!priced.is_empty()).then(|| format!("{words} so far"))
}

/// What stands in a column of a row, whole.
pub fn cell(row: &SurveyRow, column: ListColumn, now: Timestamp) -> String {
    match column {
        ListColumn::Verdict => row.verdict.to_string(),
        ListColumn::Runner => row.name.to_string(),
        ListColumn::Provider => or_dash(row.provider.as_ref()),
        ListColumn::Age => or_dash(row.created.map(|time| span(now, time)).as_ref()),
        ListColumn::EndsIn => ends_in(row, now),
        ListColumn::Cost => {
            let cost = row.cost.map(|cost| cost_in_words(cost, row.cost_at_most));
            or_dash(cost.as_ref())
        }
        ListColumn::Machine => or_dash(row.instance.as_ref()),
        ListColumn::State => row.machine_state().to_owned(),
        ListColumn::GitHub => row.runner_state().to_owned(),
        ListColumn::Rented => {
            let terms = Some(row.rental.terms()).filter(|terms| !terms.is_empty());
            or_dash(terms.as_ref())
        }
        ListColumn::Price => {
            let price = row.rental.price.map(|price| format!("{price:#}"));
            or_dash(price.as_ref())
        }
        ListColumn::Scope => row.scope.clone(),
        ListColumn::Run => or_dash(row.run.map(|run| run.id).as_ref()),
        ListColumn::Why => row.why.clone(),
    }
}

/// When it ends itself: by its lifetime, or without a job before that.
fn ends_in(row: &SurveyRow, now: Timestamp) -> String {
    let is_there = !matches!(
        row.facts.machine,
        MachineState::Gone | MachineState::Ended | MachineState::Nowhere
    );
    let Some(expires) = row.expires.filter(|_| is_there) else {
        return "-".to_owned();
    };
    let idle = row
        .facts
        .idle_until
        .filter(|idle| row.verdict == Verdict::Ready && *idle < expires && *idle > now);
    match idle {
        Some(idle) => {
            let left = span(idle, now);
            format!("{} idle", left.split(' ').next().unwrap_or(&left))
        }
        None if expires > now => span(expires, now),
        None => "overdue".to_owned(),
    }
}

/// The time between two moments in its two largest units: `2d 3h`, `5m 10s`, `9h`.
pub fn span(later: Timestamp, earlier: Timestamp) -> String {
    let seconds = later.duration_since(earlier).as_secs().max(0);
    let (large, unit, small, rest) = match seconds {
        0..60 => return format!("{seconds}s"),
        60..3600 => (seconds / 60, "m", seconds % 60, "s"),
        3600..86400 => (seconds / 3600, "h", seconds % 3600 / 60, "m"),
        _ => (seconds / 86400, "d", seconds % 86400 / 3600, "h"),
    };
    match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit} {small}{rest}"),
    }
}
