//! `list --watch`: on a terminal redrawn in place, elsewhere one block after the other.

use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use super::Looking;
use crate::cli::FormatArg;
use crate::commands::interrupt::Interrupts;
use crate::error::{Exit, Failure};
use crate::fleet::list::ListOutcome;
use crate::model::chain;
use crate::ui::{ATTENTION, Frame, Line, Tone, folded};

/// The pause between two lists.
const WATCH: Duration = Duration::from_secs(5);

/// Lists until a signal comes, which is the end that is expected: on a terminal it ends as every command that is
/// interrupted, elsewhere as what was shown last says.
pub(super) async fn run(
    looking: &Looking<'_>,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let context = looking.context;
    let is_drawn = context.settings.format == FormatArg::Text && context.ui.data_size().is_some();
    let mut watch = Watch {
        looking,
        is_drawn,
        frame: Frame::default(),
        resized: signal(SignalKind::window_change())?,
        shown: None,
    };
    if !is_drawn {
        context.say_not_searched(looking.opened);
    }
    loop {
        let Some(outcome) = watch.listed(interrupts).await? else {
            return watch.ended();
        };
        watch.show(outcome)?;
        if !watch.pause(interrupts).await? {
            return watch.ended();
        }
    }
}

struct Watch<'a> {
    looking: &'a Looking<'a>,
    is_drawn: bool,
    frame: Frame,
    resized: Signal,
    /// What is shown, and since when.
    shown: Option<(ListOutcome, Timestamp)>,
}

impl Watch<'_> {
    /// The next list; `None` where a signal came before it and something is shown already.
    async fn listed(
        &mut self,
        interrupts: &mut Interrupts,
    ) -> Result<Option<ListOutcome>, Failure> {
        let looking = self.looking;
        let mut listing = Box::pin(interrupts.unless(async { Ok(looking.outcome().await) }));
        loop {
            tokio::select! {
                listed = &mut listing => return match listed {
                    Err(failure) if failure.kind == Exit::Interrupted && self.shown.is_some() => Ok(None),
                    listed => listed.map(Some),
                },
                _ = self.resized.recv() => self.draw()?,
            }
        }
    }

    /// Waits for the time of the next list; whether it came before a signal.
    async fn pause(&mut self, interrupts: &mut Interrupts) -> Result<bool, Failure> {
        let end = Instant::now() + WATCH;
        loop {
            tokio::select! {
                () = sleep_until(end) => return Ok(true),
                () = interrupts.next() => return Ok(false),
                _ = self.resized.recv() => self.draw()?,
            }
        }
    }

    fn show(&mut self, outcome: ListOutcome) -> Result<(), Failure> {
        let context = self.looking.context;
        let now = Timestamp::now();
        if self.is_drawn {
            self.shown = Some((outcome, now));
            return self.draw();
        }
        context.screen.clear();
        let gap = if self.shown.is_some() { "\n" } else { "" };
        let text = format!(
            "{gap}{}\n{}",
            now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            self.looking.table(&outcome)
        );
        context.screen.line(&outcome, text)?;
        context.say_unknown(&outcome.unknown);
        self.shown = Some((outcome, now));
        Ok(())
    }

    /// Draws what is shown, in the size that the terminal has now.
    fn draw(&mut self) -> Result<(), Failure> {
        let ui = &self.looking.context.ui;
        if let (true, Some((outcome, at)), Some((_, room))) =
            (self.is_drawn, &self.shown, ui.data_size())
        {
            let lines = self.lines(outcome, *at, room);
            ui.redraw(&mut self.frame, &lines)?;
        }
        Ok(())
    }

    fn lines(&self, outcome: &ListOutcome, at: Timestamp, room: usize) -> Vec<Line> {
        let look = &self.looking.look;
        let heading = look.heading(outcome, room);
        let table = look.lines(outcome, room).into_iter().skip(heading.len());
        let clock = at.strftime("%H:%M:%SZ").to_string();
        let mut lines = heading;
        let fits = |line: &&mut Line| line.width() + 2 + clock.len() <= room;
        match lines.last_mut().filter(fits) {
            Some(last) => *last = std::mem::take(last).with_right(Tone::Faint, &clock, room),
            None => lines.push(Line::default().with(Tone::Faint, &clock)),
        }
        for one in &outcome.unknown {
            let text = format!(
                "{ATTENTION} could not read {}: {}",
                one.source,
                chain(&one.error)
            );
            let unread = folded(&text, 0, room).into_iter();
            lines.extend(
                unread.map(|line| Line::default().with(Tone::Attention, &line.text(false))),
            );
        }
        lines.extend(table);
        if let Some(told) = self.looking.opened.not_looked_at() {
            lines.push(Line::default());
            lines.extend(folded(&told, 0, room));
        }
        lines
    }

    fn ended(&self) -> Result<Exit, Failure> {
        if self.is_drawn {
            self.looking.context.ui.clean_line()?;
            return Ok(Exit::Interrupted);
        }
        Ok(match &self.shown {
            Some((outcome, _)) => outcome.exit(),
            None => Exit::Interrupted,
        })
    }
}
