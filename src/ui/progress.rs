//! Bars: one spinner for each runner that something is being done about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lock;

/// What is over sooner than this shows no bar at all.
const DELAY: Duration = Duration::from_millis(250);

/// From one turn of the spinners to the next.
const TURN: Duration = Duration::from_millis(100);

/// All spinners, below whatever else is printed.
pub(super) struct Progress {
    multi: MultiProgress,
    style: ProgressStyle,
    bars: Mutex<Bars>,
}

struct Bars {
    /// In the order in which they came, which is that on the screen.
    spinners: Vec<(String, ProgressBar)>,
    /// The names of the runners of machines, for events that tell the machine alone.
    names: HashMap<String, String>,
    /// Where to draw, until the drawing has begun.
    target: Option<ProgressDrawTarget>,
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
            bars: Mutex::new(Bars {
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
                if let Some(target) = bars.target.take() {
                    let progress = Arc::downgrade(self);
                    // Bars are a comfort: without a thread to turn them there are none.
                    let _ = thread::Builder::new()
                        .name("bars".to_owned())
                        .spawn(move || turn(&progress, target));
                }
                bar
            }
        };
        bar.set_message(message);
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
        let spinners = std::mem::take(&mut lock(&self.bars).spinners);
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

    /// How many spinners there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.bars).spinners.len()
    }

    fn tick(&self) {
        let bars: Vec<ProgressBar> = {
            let bars = lock(&self.bars);
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
