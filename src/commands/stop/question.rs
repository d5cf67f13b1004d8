//! What a stop would end, as somebody sees it who is asked, or who tries it first: how old, how dear, how busy.

use crate::commands::list::page::sign;
use crate::fleet::stop::{Kept, Selected, Selection};
use crate::fleet::verdict::Verdict;
use crate::model::ListColumn;
use crate::report::machines::{cell, rate};
use crate::ui::{ATTENTION, Column, Line, NOTHING, Overflow, Row, Tone, laid_out};

use super::what;

/// From how many columns on the whole reference of a machine has room.
const WITH_MACHINE: usize = 110;

/// What a stop would do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    rows: Vec<PlannedRow>,
    /// What those that would be stopped cost an hour, in words.
    rate: Option<String>,
    /// How many would be.
    count: usize,
    /// How many of them have a machine.
    machines: usize,
}

#[derive(Debug)]
struct PlannedRow {
    sign: (Tone, &'static str),
    /// `stop` or `keep`.
    would: &'static str,
    runner: String,
    provider: String,
    age: String,
    /// `None` in all of them where none has a price: what is not rented costs nothing.
    price: Option<String>,
    machine: String,
    why: String,
}

/// What of a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What would be stopped.
    Stopped,
}

impl Plan {
    pub(super) fn of(selection: &Selection) -> Self {
        let chosen = selection.chosen.iter().map(PlannedRow::chosen);
        let kept = selection.all_kept().map(PlannedRow::kept);
        let machines = selection.chosen.iter();
        let machines = machines.filter(|one| one.instance.is_some());
        let mut rows: Vec<PlannedRow> = chosen.chain(kept).collect();
        if rows.iter().all(|row| row.price.as_deref() == Some("-")) {
            for row in &mut rows {
                row.price = None;
            }
        }
        Self {
            rows,
            rate: rate(selection.chosen.iter().filter_map(Selected::row)),
            count: selection.chosen.len(),
            machines: machines.count(),
        }
    }

    /// What would be stopped, in words: `2 machines, $1.72/h`.
    pub(super) fn sum(&self) -> String {
        format!("{} {}", self.count, self.noun()) + &self.rated()
    }

    /// The same as a person is asked about it: `these 2 machines, $1.72/h`.
    pub(super) fn these(&self) -> String {
        let these = match self.count {
            1 => "this".to_owned(),
            many => format!("these {many}"),
        };
        format!("{these} {}", self.noun()) + &self.rated()
    }

    fn noun(&self) -> &'static str {
        match (self.machines == self.count, self.count) {
            (true, 1) => "machine",
            (true, _) => "machines",
            (false, 1) => "runner",
            (false, _) => "runners",
        }
    }

    fn rated(&self) -> String {
        let rate = self.rate.as_ref();
        rate.map_or_else(String::new, |rate| format!(", {rate}"))
    }

    /// The table in so many columns; no line where there is no row.
    pub(super) fn lines(&self, part: Part, room: usize) -> Vec<Line> {
        let shown = self.rows.iter();
        let shown = shown.filter(|row| part == Part::Whole || row.would == PlannedRow::STOP);
        let rows: Vec<Row> = shown.map(|row| row.laid_out(part, room)).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let would = (part == Part::Whole).then_some(Column::whole("WOULD"));
        let machine = (room >= WITH_MACHINE).then_some(Column::whole("MACHINE").spare(5));
        let columns = [
            Column::whole("RUNNER"),
            Column::whole("PROVIDER").at_least(6).spare(3),
            Column::whole("AGE").spare(2),
        ];
        let has_prices = self.rows.iter().any(|row| row.price.is_some());
        let price = has_prices.then_some(Column::whole("PRICE").spare(1));
        let why = Column::whole("WHY").at_least(12).spare(4);
        let columns = would
            .into_iter()
            .chain(columns)
            .chain(price)
            .chain(machine)
            .chain([why]);
        let columns: Vec<Column> = columns.collect();
        laid_out(&columns, &rows, room, Overflow::LeftOut)
    }
}

impl PlannedRow {
    const STOP: &'static str = "stop";

    fn chosen(chosen: &Selected) -> Self {
        let row = chosen.row();
        let known = |column| match row {
            Some(row) => cell(row, column, row.facts.now),
            None => "-".to_owned(),
        };
        let is_busy = row.is_some_and(|row| row.verdict == Verdict::Working);
        let provider = chosen.instance.as_ref();
        let provider = provider.map(|instance| instance.provider.clone());
        Self {
            sign: match row {
                Some(_) if is_busy => (Tone::Attention, ATTENTION),
                Some(row) => sign(row.verdict),
                None => (Tone::Plain, NOTHING),
            },
            would: Self::STOP,
            runner: match &chosen.name {
                Some(name) => name.to_string(),
                None => what(None, chosen.instance.as_ref()),
            },
            provider: provider.unwrap_or_else(|| known(ListColumn::Provider)),
            age: known(ListColumn::Age),
            price: Some(known(ListColumn::Price)),
            machine: known(ListColumn::Machine),
            why: if is_busy {
                "busy: a job runs on it".to_owned()
            } else {
                chosen.why.clone()
            },
        }
    }

    fn kept(kept: &Kept) -> Self {
        let unknown = || "-".to_owned();
        let machine = kept.instance.as_ref();
        Self {
            sign: (Tone::Faint, NOTHING),
            would: "keep",
            runner: kept.name.to_string(),
            provider: machine.map_or_else(unknown, |machine| machine.provider.clone()),
            age: unknown(),
            price: Some(unknown()),
            machine: machine.map_or_else(unknown, ToString::to_string),
            why: kept.reason.clone(),
        }
    }

    fn laid_out(&self, part: Part, room: usize) -> Row {
        let would = (part == Part::Whole).then_some(self.would);
        let machine = (room >= WITH_MACHINE).then_some(self.machine.as_str());
        let cells = [&self.runner, &self.provider, &self.age];
        let cells = would
            .into_iter()
            .chain(cells.map(String::as_str))
            .chain(self.price.as_deref())
            .chain(machine)
            .chain([self.why.as_str()]);
        Row {
            sign: Some(self.sign),
            cells: cells.map(|text| (Tone::Plain, text.to_owned())).collect(),
            ..Row::default()
        }
    }
}
