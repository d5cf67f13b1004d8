//! Bars: one spinner for each runner that something is being done about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use dialoguer::console::Term;

use super::board::Board;
use super::lock;
use crate::model::Event;

/// What is over sooner than this shows no bar at all.
const DELAY: Duration = Duration::from_millis(250);

/// From one turn of the spinners to the next.
const TURN: Duration = Duration::from_millis(100);

/// All spinners, below whatever else is printed.
pub(super) struct Progress {
    multi: MultiProgress,
    style: ProgressStyle,
    color: bool,
    bars: Mutex<Bars>,
}

struct Bars {
    /// In the order in which they came, which is that on the screen.
    spinners: Vec<(String, ProgressBar)>,
    /// The names of the runners of machines, for events that tell the machine alone.
    names: HashMap<String, String>,
    /// Where to draw, until the drawing has begun.
    target: Option<ProgressDrawTarget>,
    /// The screen of a start, in one bar of many lines, so that it is drawn at once.
    board: Option<(Board, ProgressBar)>,
    /// How often it was drawn.
    turn: usize,
}

impl Progress {
    /// Draws on standard error, after a while.
    pub(super) fn on_stderr(color: bool) -> Arc<Self> {
        Self::on(ProgressDrawTarget::stderr(), color)
    }

    /// Draws on any target, after a while.
    pub(super) fn on(target: ProgressDrawTarget, color: bool) -> Arc<Self> {
        let spinner = if color {
            "{spinner:.cyan}"
        } else {
            "{spinner}"
        };
        let style = ProgressStyle::with_template(&format!("{spinner} {{wide_msg}}"))
            .expect("the template is well formed");
        Arc::new(Self {
            multi: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
            style,
            color,
            bars: Mutex::new(Bars {
                board: None,
                turn: 0,
                spinners: Vec::new(),
                names: HashMap::new(),
                target: Some(target),
            }),
        })
    }

    /// Shows a message at a spinner, which is made if need be.
    pub(super) fn show(self: &Arc<Self>, key: &str, message: String) {
        let bar = {
            let mut bars = lock(&self.bars);
            let found = bars.spinners.iter().find(|(of, _)| of == key);
            if let Some((_, bar)) = found {
                bar.clone()
            } else {
                let bar = ProgressBar::new_spinner().with_style(self.style.clone());
                let bar = self.multi.add(bar);
                bars.spinners.push((key.to_owned(), bar.clone()));
                self.begin(&mut bars);
                bar
            }
        };
        bar.set_message(message);
    }

    /// Begins to draw, after a while.
    fn begin(self: &Arc<Self>, bars: &mut Bars) {
        if let Some(target) = bars.target.take() {
            let progress = Arc::downgrade(self);
            // Bars are a comfort: without a thread to turn them there are none.
            let _ = thread::Builder::new()
                .name("bars".to_owned())
                .spawn(move || turn(&progress, target));
        }
    }

    /// Takes an event of a start into its screen; whether it is seen there.
    pub(super) fn take(self: &Arc<Self>, event: &Event) -> bool {
        let now = Instant::now();
        let mut bars = lock(&self.bars);
        if let Some((board, _)) = &mut bars.board {
            return board.take(event, now);
        }
        let Some(board) = Board::of(event, now) else {
            return false;
        };
        let style = ProgressStyle::with_template("{msg}").expect("the template is well formed");
        let bar = self
            .multi
            .insert(0, ProgressBar::new_spinner().with_style(style));
        bars.board = Some((board, bar));
        self.begin(&mut bars);
        true
    }

    /// Tells the screen of a start, where there is one, that all is being given up.
    pub(super) fn undo(&self) {
        if let Some((board, _)) = &mut lock(&self.bars).board {
            board.undo();
        }
    }

    /// Takes a spinner away.
    pub(super) fn remove(&self, key: &str) {
        let mut bars = lock(&self.bars);
        let found = bars.spinners.iter().position(|(of, _)| of == key);
        let bar = found.map(|at| bars.spinners.remove(at).1);
        drop(bars);
        if let Some(bar) = bar {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
    }

    /// Remembers whose machine this is.
    pub(super) fn remember(&self, machine: String, name: String) {
        lock(&self.bars).names.insert(machine, name);
    }

    /// The spinner of a machine: its runner's, if that is known, else its own.
    pub(super) fn key_of(&self, machine: String) -> String {
        let known = lock(&self.bars).names.get(&machine).cloned();
        known.unwrap_or(machine)
    }

    /// Takes all spinners away.
    pub(super) fn clear(&self) {
        let (spinners, board) = {
            let mut bars = lock(&self.bars);
            (std::mem::take(&mut bars.spinners), bars.board.take())
        };
        if let Some((_, bar)) = board {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        for (_, bar) in spinners {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
        // A terminal that cannot be cleared has nothing to be cleared of.
        let _ = self.multi.clear();
    }

    /// Does something while nothing is drawn.
    pub(super) fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.multi.suspend(work)
    }

    /// Whether the screen of a start is drawn.
    #[cfg(test)]
    pub(super) fn has_board(&self) -> bool {
        lock(&self.bars).board.is_some()
    }

    /// How many spinners there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.bars).spinners.len()
    }

    fn tick(&self) {
        let bars: Vec<ProgressBar> = {
            let mut bars = lock(&self.bars);
            bars.turn = bars.turn.wrapping_add(1);
            let turn = bars.turn;
            if let Some((board, bar)) = &bars.board {
                let (rows, columns) = Term::stderr().size_checked().unwrap_or((24, 80));
                let (rows, columns) = (usize::from(rows), usize::from(columns));
                let lines = board.frame(Instant::now(), columns, rows, turn);
                let lines = lines.iter().map(|line| line.text(self.color));
                bar.set_message(lines.collect::<Vec<_>>().join("\n"));
            }
            bars.spinners.iter().map(|(_, bar)| bar.clone()).collect()
        };
        for bar in bars {
            bar.tick();
        }
    }
}

/// One thread for all spinners (indicatif's own ticker is one for each), which ends with them.
fn turn(progress: &Weak<Progress>, target: ProgressDrawTarget) {
    thread::sleep(DELAY);
    if let Some(progress) = progress.upgrade() {
        progress.multi.set_draw_target(target);
    }
    while let Some(progress) = progress.upgrade() {
        progress.tick();
        drop(progress);
        thread::sleep(TURN);
    }
}
