//! What a stop says while it ends machines: one line each, once it is over.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::commands::Context;
use crate::fleet::stop::{Selection, StopOutcome, Stopped};
use crate::fleet::survey::SurveyRow;
use crate::model::{Event, Reference, Sink, cost_in_words};
use crate::report::machines::span;
use crate::ui::{ATTENTION, DONE, Line, NOTHING, Tone};

/// The word that most machines have before them.
const STOPPED: &str = "stopped";

/// Hears what becomes of the machines of a stop.
pub(super) struct Ends<'a> {
    context: &'a Context,
    /// What was known of each machine, and when.
    rows: BTreeMap<Reference, SurveyRow>,
    since: Instant,
    /// How wide the names are.
    width: usize,
    /// Whether there is a line for each machine here: where standard output goes elsewhere, it has its own.
    tells: bool,
    told: RefCell<BTreeSet<Reference>>,
}

impl<'a> Ends<'a> {
    pub(super) fn of(context: &'a Context, selection: &Selection, tells: bool) -> Self {
        let chosen = selection.chosen.iter();
        let rows = chosen.filter_map(|one| Some((one.instance.clone()?, one.row()?.clone())));
        let rows: BTreeMap<_, _> = rows.collect();
        let width = rows.values().map(|row| row.name.as_str().len()).max();
        Self {
            context,
            rows,
            since: Instant::now(),
            width: width.unwrap_or_default(),
            tells,
            told: RefCell::default(),
        }
    }

    /// Says of the rest what became of it, once all is over.
    pub(super) fn say_rest(&self, outcome: &StopOutcome) {
        for one in &outcome.stopped {
            let told = one.instance.as_ref();
            if told.is_some_and(|instance| self.told.borrow().contains(instance)) {
                continue;
            }
            let name = one.name.as_ref().map(ToString::to_string);
            let instance = one.instance.as_ref().map(ToString::to_string);
            let what = name.or(instance).unwrap_or_default();
            let (tone, sign, word) = word(one);
            self.say(tone, sign, word, &what, one.instance.as_ref());
        }
    }

    fn stopped(&self, instance: &Reference) {
        self.told.borrow_mut().insert(instance.clone());
        let what = match self.rows.get(instance) {
            Some(row) => row.name.to_string(),
            None => instance.to_string(),
        };
        self.say(Tone::Good, DONE, STOPPED, &what, Some(instance));
    }

    fn say(&self, tone: Tone, sign: &str, word: &str, what: &str, instance: Option<&Reference>) {
        if !self.tells {
            return;
        }
        let row = instance.and_then(|instance| self.rows.get(instance));
        let rest = row.map(|row| self.bill(row)).unwrap_or_default();
        let line = Line::default()
            .with(tone, sign)
            .with(Tone::Plain, " ")
            .with_column(Tone::Plain, word, word.len().max(STOPPED.len()))
            .with(Tone::Plain, "  ");
        let line = if rest.is_empty() {
            line.with(Tone::Plain, what)
        } else {
            line.with_column(Tone::Plain, what, self.width.max(what.len()))
                .with(Tone::Plain, &format!("  {rest}"))
        };
        self.context.ui.lines(&[line]);
    }

    /// Where it was, how long, and for how much: `gpu  12m  $0.17`.
    fn bill(&self, row: &SurveyRow) -> String {
        let now = row.facts.now
            + jiff::SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        let age = row.created.map(|created| span(now, created));
        let cost = row.cost_by(now);
        let cost = cost.map(|(cost, at_most)| cost_in_words(cost, at_most));
        let parts = [row.provider.clone(), age, cost];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("  ")
    }
}

/// What became of something, in a word.
fn word(one: &Stopped) -> (Tone, &'static str, &'static str) {
    match one.instance {
        Some(_) if one.already_gone => (Tone::Faint, NOTHING, "already gone"),
        Some(_) if one.assumed_gone => (Tone::Attention, ATTENTION, "taken for gone"),
        Some(_) if !one.terminated => (Tone::Attention, ATTENTION, "asked to end"),
        Some(_) => (Tone::Good, DONE, STOPPED),
        None if one.deregistered => (Tone::Good, DONE, "deregistered"),
        None => (Tone::Faint, NOTHING, "forgotten"),
    }
}

impl Sink for Ends<'_> {
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async move {
            let ui = &self.context.ui;
            match &event {
                Event::Terminating { instance } => {
                    tracing::debug!("terminating `{instance}`");
                    ui.begin(&instance.to_string(), &format!("Stopping {instance}"));
                }
                Event::Terminated { instance } => {
                    tracing::debug!("terminated `{instance}`");
                    ui.end(&instance.to_string());
                    self.stopped(instance);
                }
                Event::Deregistered { name } => {
                    tracing::debug!("deregistered `{name}` from GitHub");
                }
                _ => return self.context.tell(event).await,
            }
            Ok(())
        }
        .boxed_local()
    }
}
