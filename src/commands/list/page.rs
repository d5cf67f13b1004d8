//! `list` on a terminal: the sums, a row a runner with its verdict first, and what to type about an orphan.

use crate::fleet::list::ListOutcome;
use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::Verdict;
use crate::model::{ListColumn, text::one_line};
use crate::report::machines::cell;
use crate::ui::{ATTENTION, Column, Line, NOTHING, Overflow, Row, Tone, folded, laid_out};

/// From how many columns on the whole reference of a machine has room.
const WITH_MACHINE: usize = 110;
/// From how many columns on there is room for why a verdict is what it is.
const WITH_WHY: usize = 140;

/// What of a list is shown, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// What is listed: `octo/app on github.com`.
    pub(super) subject: String,
    /// The server whose machines a stop ends without being told where they are.
    pub(super) server: String,
    /// The scope of which that is so.
    pub(super) scope: Option<String>,
    /// Also machines of other scopes.
    pub(super) all_scopes: bool,
    /// All columns, whatever they take.
    pub(super) wide: bool,
    /// The columns that the user wants.
    pub(super) columns: Option<Vec<ListColumn>>,
}

impl Look {
    fn columns(&self, room: usize) -> Vec<ListColumn> {
        if let Some(columns) = &self.columns {
            return columns.clone();
        }
        let mut columns = ListColumn::ALL.to_vec();
        columns.retain(|column| match column {
            _ if self.wide => true,
            ListColumn::Verdict
            | ListColumn::Runner
            | ListColumn::Provider
            | ListColumn::Age
            | ListColumn::EndsIn
            | ListColumn::Cost => true,
            ListColumn::Scope => self.all_scopes,
            ListColumn::Machine => room >= WITH_MACHINE,
            ListColumn::Why => room >= WITH_WHY,
            ListColumn::State
            | ListColumn::GitHub
            | ListColumn::Rented
            | ListColumn::Price
            | ListColumn::Run => false,
        });
        columns
    }

    /// The table in so many columns of a terminal, its sums first.
    pub(super) fn lines(&self, list: &ListOutcome, room: usize) -> Vec<Line> {
        let mut lines = self.heading(list, room);
        if list.machines.is_empty() {
            return lines;
        }
        let columns = self.columns(room);
        let rows = list.machines.iter();
        let rows = rows.map(|row| self.row(row, list, &columns));
        let rows: Vec<Row> = rows.collect();
        let overflow = if self.wide {
            Overflow::Below
        } else {
            Overflow::LeftOut
        };
        let titles = columns.iter().map(|column| self.column(*column));
        let titles: Vec<Column> = titles.collect();
        lines.extend(laid_out(&titles, &rows, room, overflow));
        lines
    }

    /// What is listed, and what it costs.
    pub(super) fn heading(&self, list: &ListOutcome, room: usize) -> Vec<Line> {
        let text = format!("{}: {}", self.subject, list.sums());
        let lines = folded(&text, 0, room).into_iter();
        let strong = |line: Line| Line::default().with(Tone::Strong, &line.text(false));
        lines.map(strong).collect()
    }

    fn column(&self, column: ListColumn) -> Column {
        let whole = Column::whole(column.title());
        if self.columns.is_some() {
            // Who names columns wants all of them, as far as they fit.
            return match column {
                ListColumn::Verdict | ListColumn::Runner | ListColumn::Machine => whole,
                _ => whole.at_least(4),
            };
        }
        let column = match column {
            ListColumn::Verdict | ListColumn::Runner => whole,
            ListColumn::Cost => whole.spare(2),
            ListColumn::EndsIn => whole.spare(3),
            ListColumn::Provider => whole.at_least(6).spare(4),
            ListColumn::Age => whole.spare(5),
            ListColumn::Scope => whole.at_least(12).spare(6),
            ListColumn::Machine => whole.spare(7),
            ListColumn::State => whole.spare(8),
            ListColumn::GitHub => whole.spare(9),
            ListColumn::Price => whole.spare(10),
            ListColumn::Rented => whole.at_least(12).spare(11),
            ListColumn::Run => whole.spare(12),
            ListColumn::Why => whole.at_least(20).spare(13),
        };
        // There is room for all of it below the row.
        let least = column.least.filter(|_| !self.wide);
        Column { least, ..column }
    }

    fn row(&self, row: &SurveyRow, list: &ListOutcome, columns: &[ListColumn]) -> Row {
        let (tone, sign) = sign(row.verdict);
        let cells = columns.iter().map(|column| {
            let text = cell(row, *column, list.now);
            match column {
                ListColumn::Verdict => (tone, text),
                ListColumn::Cost => (Tone::Plain, short(&text)),
                ListColumn::EndsIn if text == "overdue" => (Tone::Attention, text),
                _ => (Tone::Plain, text),
            }
        });
        let shows_why = columns.contains(&ListColumn::Why);
        Row {
            sign: Some((tone, sign)),
            cells: cells.collect(),
            note: if shows_why || is_plain(row) {
                String::new()
            } else {
                one_line(&row.why)
            },
            command: self.command(row).unwrap_or_default(),
        }
    }

    /// What ends it, where it should be ended.
    fn command(&self, row: &SurveyRow) -> Option<String> {
        let is_left = matches!(
            row.verdict,
            Verdict::Orphan | Verdict::Ghost | Verdict::Stale
        );
        if !is_left || !row.server.eq_ignore_ascii_case(&self.server) && !row.is_rehearsal() {
            return None;
        }
        let scope = self.scope.as_deref();
        let is_ours =
            row.is_rehearsal() || scope.is_some_and(|scope| scope.eq_ignore_ascii_case(&row.scope));
        let option = if is_ours {
            String::new()
        } else {
            crate::model::option_of_scope(&row.scope) + " "
        };
        Some(format!("gharun stop {option}{}", row.name))
    }
}

/// What stands before a verdict, and what it means.
pub(in crate::commands) fn sign(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Working | Verdict::Ready => (Tone::Good, "●"),
        Verdict::Starting => (Tone::Plain, "○"),
        Verdict::Orphan => (Tone::Bad, ATTENTION),
        Verdict::Ghost | Verdict::Unknown => (Tone::Attention, ATTENTION),
        Verdict::Stale => (Tone::Faint, NOTHING),
    }
}

/// Whether the verdict says it all.
fn is_plain(row: &SurveyRow) -> bool {
    matches!(
        (row.verdict, row.why.as_str()),
        (Verdict::Working, "a job runs on it")
            | (Verdict::Ready, "online, waiting for a job")
            | (Verdict::Starting, "its start may still be running")
    )
}

/// A cost in a column: the signs that say the same as its words.
fn short(cost: &str) -> String {
    cost.replacen("less than ", "<", 1)
        .replacen("at most ", "≤", 1)
}

#[cfg(test)]
mod tests;
