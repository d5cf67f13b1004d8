//! The screen of a start: one row a runner, with what it is doing, for how long, and for how much.

use std::time::{Duration, Instant};

use super::line::{DONE, FAILED, Line, NOTHING, Tone, width};
use crate::model::{BootStage, Event, Name, Price, PriceBasis, Prices, Rental};

/// No screen is wider than this, unless its rows are.
const WIDE: usize = 80;
/// What else is on the screen of a terminal: header, footer, and what was said before.
const OTHER_LINES: usize = 6;
const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// How every name of a runner begins.
const PREFIX: &str = "gharun-";

/// What a runner is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    WaitingForGitHub,
    Launching,
    Renting,
    Machine(BootStage),
    Online,
    NoRoom,
    Failed,
    Removing,
    Removed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::WaitingForGitHub => "waiting for GitHub",
            Self::Launching => "launching",
            Self::Renting => "renting",
            Self::Machine(BootStage::Booting) => "booting",
            Self::Machine(BootStage::Installing) => "installing",
            Self::Machine(BootStage::Connecting) => "connecting",
            Self::Online => "online",
            Self::NoRoom => "no room",
            Self::Failed => "failed",
            Self::Removing => "removing",
            Self::Removed => "removed",
        }
    }

    /// The sign before the word; `None` for what goes on, which turns.
    fn sign(self) -> Option<(Tone, &'static str)> {
        match self {
            Self::Online => Some((Tone::Good, DONE)),
            Self::Failed => Some((Tone::Bad, FAILED)),
            Self::NoRoom => Some((Tone::Attention, NOTHING)),
            Self::Removed => Some((Tone::Faint, NOTHING)),
            Self::WaitingForGitHub
            | Self::Launching
            | Self::Renting
            | Self::Machine(_)
            | Self::Removing => None,
        }
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    provider: String,
    /// The providers that had no room.
    full: Vec<String>,
    rental: Rental,
    /// Its machine, once there is one.
    machine: Option<String>,
    state: State,
    /// Since when it is at its provider.
    since: Instant,
    /// How long it took, where that does not go on.
    took: Option<Duration>,
}

impl Row {
    fn of(name: &Name, now: Instant) -> Self {
        Self {
            name: name.to_string(),
            provider: String::new(),
            full: Vec::new(),
            rental: Rental::default(),
            machine: None,
            state: State::WaitingForGitHub,
            since: now,
            took: None,
        }
    }

    /// Where it is and what it is: table, type, place; or what is tried.
    fn place(&self) -> String {
        let full = self.full.join(", ");
        let was_rented = self.machine.is_some() || self.rental != Rental::default();
        match (self.full.is_empty(), was_rented) {
            _ if self.provider.is_empty() => String::new(),
            (_, true) => {
                let rental = &self.rental;
                let what = rental.machine_type.as_ref().or(rental.gpu.as_ref());
                let market = rental
                    .market
                    .as_ref()
                    .filter(|market| *market != "on-demand");
                let parts = [Some(&self.provider), what, market, rental.place.as_ref()];
                let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
                parts.join(" ")
            }
            (true, false) => self.provider.clone(),
            (false, false) if self.full.contains(&self.provider) => format!("no room at {full}"),
            (false, false) => format!("{}: no room at {full}", self.provider),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Online | State::Removed)
    }
}

/// What is drawn while a start is at work.
#[derive(Debug)]
pub(super) struct Board {
    began: Instant,
    scope: String,
    at_most: Duration,
    unrented: Vec<String>,
    /// Whether a start goes on with the others where one fails.
    keeps_others: bool,
    rows: Vec<Row>,
    /// What is waited for, which belongs to no runner, and until when at most.
    note: Option<(String, Instant)>,
    /// Whether all is being given up.
    undoing: bool,
}

impl Board {
    /// A board for a start that begins now; `None` where an event begins none.
    pub(super) fn of(event: &Event, now: Instant) -> Option<Self> {
        let Event::Starting {
            names,
            scope,
            at_most,
            unrented,
            keeps_others,
        } = event
        else {
            return None;
        };
        Some(Self {
            began: now,
            scope: scope.clone(),
            at_most: *at_most,
            unrented: unrented.clone(),
            keeps_others: *keeps_others,
            rows: names.iter().map(|name| Row::of(name, now)).collect(),
            note: None,
            undoing: false,
        })
    }

    /// All is being given up.
    pub(super) fn undo(&mut self) {
        self.undoing = true;
    }

    /// Takes an event; whether it is of a runner on the board, so that nothing else need tell it.
    pub(super) fn take(&mut self, event: &Event, now: Instant) -> bool {
        if let Event::Waiting { reason, at_most } = event {
            let told = format!("Waiting at most {}: {reason}", clock(*at_most));
            self.note = Some((told, now + *at_most));
            return true;
        }
        // Else the first that fails takes all others with it.
        self.undoing |= matches!(event, Event::Failed { .. }) && !self.keeps_others;
        let (undoing, unrented) = (self.undoing, self.unrented.clone());
        let Some(row) = self.row_of(event) else {
            return false;
        };
        match event {
            Event::Launching { provider, .. } => {
                row.provider.clone_from(provider);
                row.state = if unrented.contains(provider) {
                    State::Launching
                } else {
                    State::Renting
                };
                row.since = now;
                row.machine = None;
                row.rental = Rental::default();
            }
            Event::NoCapacity { provider, .. } => {
                row.state = State::NoRoom;
                if !row.full.contains(provider) {
                    row.full.push(provider.clone());
                }
            }
            Event::Launched {
                instance, rental, ..
            } => {
                row.machine = Some(instance.to_string());
                row.provider.clone_from(&instance.provider);
                row.rental = rental.clone();
                row.state = State::Machine(BootStage::Booting);
            }
            Event::Seen { stage, .. } => row.state = State::Machine(*stage),
            Event::Online { after, .. } => {
                row.state = State::Online;
                row.took = Some(*after);
            }
            Event::Failed { .. } => {
                row.state = State::Failed;
                row.took.get_or_insert(now - row.since);
            }
            Event::Renamed { to, .. } => {
                *row = Row::of(to, now);
            }
            // What has a machine is removed when that is gone.
            Event::Deregistered { .. } if undoing && row.machine.is_none() => {
                if row.state != State::Failed {
                    row.state = State::Removed;
                }
                row.took.get_or_insert(now - row.since);
            }
            // That it failed matters more than that it is gone.
            Event::Terminating { .. } if row.state != State::Failed => {
                row.state = State::Removing;
            }
            Event::Terminated { .. } => {
                row.machine = None;
                if row.state != State::Failed {
                    row.state = State::Removed;
                }
                row.took.get_or_insert(now - row.since);
            }
            _ => {}
        }
        true
    }

    /// The row that an event is of.
    fn row_of(&mut self, event: &Event) -> Option<&mut Row> {
        let name = match event {
            Event::Registered { name, .. }
            | Event::Launching { name, .. }
            | Event::NoCapacity { name, .. }
            | Event::Launched { name, .. }
            | Event::Seen { name, .. }
            | Event::Online { name, .. }
            | Event::Failed { name, .. } => name.as_str(),
            Event::Renamed { from, .. } => from.as_str(),
            Event::Deregistered { name } => name.as_str(),
            Event::Terminating { instance } | Event::Terminated { instance } => {
                let machine = instance.to_string();
                let mut rows = self.rows.iter_mut();
                return rows.find(|row| row.machine.as_ref() == Some(&machine));
            }
            _ => return None,
        };
        self.rows.iter_mut().find(|row| row.name == name)
    }

    /// What is to be seen now, on a terminal of so many columns and rows; `turn` counts the frames.
    pub(super) fn frame(
        &self,
        now: Instant,
        columns: usize,
        height: usize,
        turn: usize,
    ) -> Vec<Line> {
        // The last column would make some terminals begin another line.
        let columns = columns.saturating_sub(1);
        let (shown, more) = self.shown(height.saturating_sub(OTHER_LINES).max(1));
        let rows = self.table(&shown, now, columns, turn);
        let wide = rows.iter().map(Line::width).max().unwrap_or(0);
        let columns = columns.min(wide.max(WIDE - 1));
        let mut lines = vec![self.header(now, columns)];
        lines.extend(rows);
        lines
            .extend(more.map(|more| Line::default().with(Tone::Faint, &format!("  … and {more}"))));
        if let Some((note, _)) = self.note.as_ref().filter(|(_, until)| now < *until) {
            lines.push(Line::of("  ").with(Tone::Attention, note));
        }
        // What is above the screen cannot be drawn over. How long it goes on and how to end it stay to the last.
        lines.truncate(height.saturating_sub(1).max(1));
        if height > 1 {
            lines.push(self.footer(columns));
        }
        lines.into_iter().map(|line| line.cut(columns)).collect()
    }

    /// The rows that there is room for, with their numbers, and what of the others: those that are not online yet come
    /// first.
    fn shown(&self, room: usize) -> (Vec<(usize, &Row)>, Option<String>) {
        let all = || {
            self.rows
                .iter()
                .enumerate()
                .map(|(index, row)| (index + 1, row))
        };
        if self.rows.len() <= room {
            return (all().collect(), None);
        }
        let waiting = all().filter(|(_, row)| !row.is_over());
        let shown: Vec<_> = waiting.take(room.saturating_sub(1)).collect();
        let count = |state: fn(State) -> bool| {
            let rows = self.rows.iter();
            rows.filter(|row| state(row.state)).count()
        };
        let online = count(|state| state == State::Online);
        let removed = count(|state| state == State::Removed);
        let others = self.rows.len() - shown.len() - online - removed;
        let parts = [(others, "more"), (online, "online"), (removed, "removed")];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<String> = parts
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        (shown, Some(parts.join(", ")))
    }

    fn header(&self, now: Instant, columns: usize) -> Line {
        let count = self.rows.len();
        let runners = if count == 1 { "runner" } else { "runners" };
        let doing = if self.undoing { "Removing" } else { "Starting" };
        let head = format!("{doing} {count} {runners} for {}", self.scope);
        let online = self.rows.iter().filter(|row| row.state == State::Online);
        let past = clock(now.saturating_duration_since(self.began));
        let time = format!(
            "{past} of {}, {} online",
            clock(self.at_most),
            online.count()
        );
        Line::default()
            .with(Tone::Strong, &head)
            .with_right(Tone::Plain, &time, columns)
    }

    /// What all machines that are there cost an hour, and how to end them.
    fn footer(&self, columns: usize) -> Line {
        let mut line = Line::default();
        let rented = self.rows.iter().filter(|row| row.machine.is_some());
        let rented = rented.filter(|row| !self.unrented.contains(&row.provider));
        let prices = Prices::of(rented.map(|row| (row.provider.as_str(), row.rental.price)));
        if let Some(sum) = prices.sum() {
            line = line.with(Tone::Plain, &format!("{sum:#} now"));
            let without = prices.unknown_at();
            if !without.is_empty() {
                line = line.with(Tone::Plain, &format!(", without {without}"));
            }
        }
        let how = if self.undoing {
            "Removing all that was started"
        } else {
            "Ctrl-C stops and removes all"
        };
        line.with_right(Tone::Faint, how, columns)
    }

    fn table(
        &self,
        rows: &[(usize, &Row)],
        now: Instant,
        columns: usize,
        turn: usize,
    ) -> Vec<Line> {
        let widest =
            |of: &dyn Fn(&Row) -> usize| rows.iter().map(|(_, row)| of(row)).max().unwrap_or(0);
        let digits = self.rows.len().to_string().len();
        let names = widest(&|row| width(short(&row.name)));
        let states = "installing".len();
        let prices = widest(&|row| row.rental.price.map_or(0, |price| width(&rate(price))));
        let places = widest(&|row| width(&row.place()));
        // Number, sign, time and the blanks between the columns.
        let fixed = 2 + digits + 1 + 2 + 2 + states + 9 + if prices > 0 { prices + 3 } else { 0 };
        let left = columns.saturating_sub(fixed);
        let names = names.min(left.max(8));
        let places = places.min(left.saturating_sub(names + 2));
        let row = |(number, row): &(usize, &Row)| {
            let mut line = Line::of(&format!("  {number:digits$} "));
            line = line.with_column(Tone::Plain, short(&row.name), names);
            line = line.with(Tone::Plain, "  ");
            if places > 0 {
                line = line
                    .with_column(Tone::Plain, &row.place(), places)
                    .with(Tone::Plain, "  ");
            }
            let (tone, sign) = row
                .state
                .sign()
                .unwrap_or((Tone::Typed, TURNS[turn % TURNS.len()]));
            let took = row
                .took
                .unwrap_or_else(|| now.saturating_duration_since(row.since));
            line = line.with(tone, sign).with(Tone::Plain, " ");
            let word = row.state.word();
            line = if word.len() > states {
                // In the room of the time, too: the header's clock moves.
                line.with_column(tone_of(row.state), word, states + 9)
            } else {
                let time = format!("  {:>7}", lasted(took));
                line.with_column(tone_of(row.state), word, states)
                    .with(Tone::Plain, &time)
            };
            if prices > 0 {
                let price = row.rental.price.map(rate).unwrap_or_default();
                line = line
                    .with(Tone::Plain, "   ")
                    .with_column(Tone::Plain, &price, prices);
            }
            line
        };
        rows.iter().map(row).collect()
    }
}

fn tone_of(state: State) -> Tone {
    match state {
        State::Online => Tone::Good,
        State::Failed => Tone::Bad,
        State::NoRoom => Tone::Attention,
        State::Removed => Tone::Faint,
        _ => Tone::Plain,
    }
}

/// A name without what all names begin with.
fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// The rate of a price in few columns: `$0.10/h`, `~$0.80/h` by a list, `≤$0.25/h` where only a limit is known.
fn rate(price: Price) -> String {
    let rate = Price {
        basis: None,
        ..price
    };
    match price.basis {
        Some(PriceBasis::Listed(_)) => format!("~{rate}"),
        Some(PriceBasis::Limit) => format!("≤{rate}"),
        None | Some(PriceBasis::Live) => rate.to_string(),
    }
}

/// A time as on a clock: `0:14`, `1:02:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// How long something lasts, in at most seven columns: `13s`, `1m 12s`, `2h 5m`.
fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:>3}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:>3}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
