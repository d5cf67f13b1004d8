//! Rows in columns that fit a terminal: what is too wide is cut, then left out or put below its row, and never wraps.

use dialoguer::console::truncate_str;

use super::line::{Line, Tone, width};
use super::text;

/// The blanks between two columns.
const GAP: usize = 2;
/// The columns that a sign at the beginning of a row takes.
const SIGN: usize = 2;
/// How far what belongs to a row stands below it.
const BELOW: usize = 4;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What stands above it.
    pub title: &'static str,
    /// The fewest columns that it may be cut to; `None`: it is shown whole or not at all.
    pub least: Option<usize>,
    /// Of those that do not fit, the one with the highest is left out first; 0: it always stays.
    pub spare: u8,
}

impl Column {
    /// One that is always shown, and whole.
    pub const fn whole(title: &'static str) -> Self {
        Self {
            title,
            least: None,
            spare: 0,
        }
    }

    /// The same, but it may be left out.
    #[must_use]
    pub const fn spare(self, spare: u8) -> Self {
        Self { spare, ..self }
    }

    /// The same, but it may be cut.
    #[must_use]
    pub const fn at_least(self, least: usize) -> Self {
        Self {
            least: Some(least),
            ..self
        }
    }
}

/// A row, and what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// A sign before it, which says the same as one of its cells.
    pub sign: Option<(Tone, &'static str)>,
    /// A cell for each column.
    pub cells: Vec<(Tone, String)>,
    /// What is said below it, in words.
    pub note: String,
    /// What can be typed, below it, too: never cut, and on one line.
    pub command: String,
}

/// What becomes of columns that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// They are not shown.
    LeftOut,
    /// They are shown below each row.
    Below,
}

/// Lays rows out under their titles in so many columns of a terminal. Only what may be neither cut nor left out can make
/// a line wider.
pub fn laid_out(columns: &[Column], rows: &[Row], room: usize, overflow: Overflow) -> Vec<Line> {
    let sign = if rows.iter().any(|row| row.sign.is_some()) {
        SIGN
    } else {
        0
    };
    let shown = fitting(columns, rows, room.saturating_sub(sign));
    let titles = columns.iter().map(|column| (Tone::Faint, column.title));
    let titles: Vec<_> = titles.collect();
    let mut lines = vec![line(&" ".repeat(sign), Tone::Plain, &titles, &shown)];
    for row in rows {
        let (tone, of_row) = row.sign.unwrap_or((Tone::Plain, ""));
        let begin = format!("{of_row}{}", " ".repeat(sign - width(of_row).min(sign)));
        let cells = row.cells.iter().map(|(tone, text)| (*tone, text.as_str()));
        let cells: Vec<_> = cells.collect();
        lines.push(line(&begin, tone, &cells, &shown));
        if overflow == Overflow::Below {
            let rest = columns.iter().zip(&cells).enumerate();
            let rest = rest.filter(|(at, _)| shown.iter().all(|(shown, _)| shown != at));
            let rest = rest.map(|(_, (column, (_, text)))| (column.title, *text));
            lines.extend(listed(rest, room));
        }
        lines.extend(noted(row, room));
    }
    lines
}

fn line(begin: &str, tone: Tone, cells: &[(Tone, &str)], shown: &[(usize, usize)]) -> Line {
    let mut line = Line::default().with(tone, begin);
    for (number, (at, columns)) in shown.iter().enumerate() {
        let (tone, text) = cells.get(*at).copied().unwrap_or_default();
        if number > 0 {
            line = line.with(Tone::Plain, &" ".repeat(GAP));
        }
        line = line.with_column(tone, text, *columns);
    }
    line
}

/// Which columns are shown, and how wide.
fn fitting(columns: &[Column], rows: &[Row], room: usize) -> Vec<(usize, usize)> {
    let natural = |at: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| row.cells.get(at));
        let cells = cells.map(|(_, text)| Line::of(text).width());
        cells.max().unwrap_or_default().max(width(column.title))
    };
    let all = columns.iter().enumerate();
    let mut shown: Vec<_> = all.map(|(at, one)| (at, natural(at, one))).collect();
    let spared = |(at, width): (usize, usize)| match columns[at].least {
        Some(least) => width.saturating_sub(least.max(columns[at].title.len())),
        None => 0,
    };
    loop {
        let taken: usize = shown.iter().map(|(_, width)| width + GAP).sum();
        let excess = taken.saturating_sub(GAP).saturating_sub(room);
        let slack: usize = shown.iter().copied().map(spared).sum();
        let last = shown
            .iter()
            .enumerate()
            .filter(|(_, (at, _))| columns[*at].spare > 0)
            .max_by_key(|(_, (at, _))| columns[*at].spare)
            .map(|(place, _)| place);
        match last {
            Some(place) if excess > slack => drop(shown.remove(place)),
            _ => {
                for _ in 0..excess.min(slack) {
                    let widest = shown.iter_mut().filter(|one| spared(**one) > 0);
                    if let Some(widest) = widest.max_by_key(|(_, width)| *width) {
                        widest.1 -= 1;
                    }
                }
                return shown;
            }
        }
    }
}

/// What has no column, as `TITLE text`, as many on a line as fit.
fn listed<'a>(rest: impl Iterator<Item = (&'a str, &'a str)>, room: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (title, text) in rest.filter(|(_, text)| !matches!(*text, "" | "-")) {
        let title = format!("{} ", title.to_lowercase());
        let alone = Line::of(&" ".repeat(BELOW))
            .with(Tone::Faint, &title)
            .with(Tone::Plain, text);
        let added = width(&title) + Line::of(text).width() + GAP;
        match lines.last_mut() {
            Some(last) if last.width() + added <= room => {
                *last = std::mem::take(last)
                    .with(Tone::Plain, &" ".repeat(GAP))
                    .with(Tone::Faint, &title)
                    .with(Tone::Plain, text);
            }
            _ if alone.width() > room && text.contains(' ') => {
                lines.extend(folded(&format!("{title}{text}"), BELOW, room));
            }
            _ => lines.push(alone),
        }
    }
    lines
}

/// Note and command of a row, on one line where they fit.
fn noted(row: &Row, room: usize) -> Vec<Line> {
    const APART: usize = 4;
    let command = Line::of(&" ".repeat(BELOW)).with(Tone::Typed, &row.command);
    let note = Line::of(&" ".repeat(BELOW)).with(Tone::Plain, &row.note);
    match (row.note.as_str(), row.command.as_str()) {
        ("", "") => vec![],
        ("", _) => vec![command],
        (_, "") => folded(&row.note, BELOW, room),
        _ if note.width() + command.width() - BELOW + APART <= room => {
            vec![
                note.with(Tone::Plain, &" ".repeat(APART))
                    .with(Tone::Typed, &row.command),
            ]
        }
        _ => {
            let mut lines = folded(&row.note, BELOW, room);
            lines.push(command);
            lines
        }
    }
}

/// A text in lines, broken between words, with so many blanks before each; further lines stand two deeper. A
/// word that fits on no line is broken, too.
pub fn folded(text: &str, indent: usize, room: usize) -> Vec<Line> {
    let text = Line::of(text).text(false);
    let folded = text::folded(&format!("{}{text}", " ".repeat(indent)), room);
    let deeper = (indent + 2).min(room / 2);
    let lines = folded.split('\n');
    lines.flat_map(|line| broken(line, deeper, room)).collect()
}

/// A line as it is or, where one of its words alone is wider than the room, in pieces: nothing of it is lost.
fn broken(line: &str, deeper: usize, room: usize) -> Vec<Line> {
    let mut rest = line.to_owned();
    let mut lines = Vec::new();
    while width(&rest) > room && room > deeper + 1 {
        let begin = truncate_str(&rest, room, "").into_owned();
        let left = format!("{}{}", " ".repeat(deeper), &rest[begin.len()..]);
        lines.push(Line::of(&begin));
        rest = left;
    }
    lines.push(Line::of(&rest));
    lines
}

#[cfg(test)]
mod tests;
