//! What `tracing` says, in the voice of everything else.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use dialoguer::console::Style;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::{Ui, Verbosity};

impl Ui {
    /// Makes the subscriber that brings the words of `tracing` to standard error, past the bars.
    ///
    /// Warnings go to `annotate`, where a run's page is to show them. `directives` are those of `RUST_LOG` (`gharun=trace,hyper=debug`) and, where given, decide
    /// instead of the verbosity.
    ///
    /// # Errors
    ///
    /// Directives that cannot be read.
    pub fn subscriber(
        &self,
        directives: Option<&str>,
        annotate: Option<Annotate>,
    ) -> Result<impl Subscriber + Send + Sync + use<>, ParseError> {
        let targets = match directives {
            Some(directives) => capped(&directives.parse()?),
            None => targets(self.0.look.verbosity),
        };
        let log = Log(self.clone(), annotate);
        Ok(tracing_subscriber::registry().with(log.with_filter(targets)))
    }
}

const OURS: &str = env!("CARGO_CRATE_NAME");

/// Other crates are never heard at `trace`: there those that speak to the network print the bodies
/// of requests, and bodies hold secrets.
const MOST_OF_OTHERS: LevelFilter = LevelFilter::DEBUG;

fn is_ours(target: &str) -> bool {
    target == OURS || target.starts_with(&format!("{OURS}::"))
}

fn capped(directives: &Targets) -> Targets {
    let default = directives.default_level().unwrap_or(LevelFilter::OFF);
    let named = directives.iter().map(|(target, level)| {
        let level = if is_ours(target) {
            level
        } else {
            level.min(MOST_OF_OTHERS)
        };
        (target.to_owned(), level)
    });
    Targets::new()
        .with_default(default.min(MOST_OF_OTHERS))
        .with_target(OURS, default)
        .with_targets(named)
}

/// What is said at which verbosity.
///
/// Other crates are heard from `-vv` on. What they log is written for their own authors, and what matters of
/// it to a user comes back as an error anyway: the AWS SDK warns that this computer is not an instance of EC2.
fn targets(verbosity: Verbosity) -> Targets {
    let (ours, others) = match verbosity {
        Verbosity::Quiet => (LevelFilter::ERROR, LevelFilter::OFF),
        Verbosity::Normal => (LevelFilter::WARN, LevelFilter::OFF),
        Verbosity::Debug => (LevelFilter::DEBUG, LevelFilter::OFF),
        Verbosity::Trace => (LevelFilter::TRACE, LevelFilter::INFO),
        Verbosity::Everything => (LevelFilter::TRACE, MOST_OF_OTHERS),
    };
    Targets::new().with_default(others).with_target(OURS, ours)
}

/// Takes a warning that a run's page is to show.
pub type Annotate = Arc<dyn Fn(&str) + Send + Sync>;

struct Log(Ui, Option<Annotate>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (label, style) = match *event.metadata().level() {
            Level::ERROR => ("error", Style::new().red().bold()),
            Level::WARN => ("warning", Style::new().yellow().bold()),
            Level::INFO => ("info", Style::new().green()),
            Level::DEBUG => ("debug", Style::new().dim()),
            Level::TRACE => ("trace", Style::new().dim()),
        };
        let mut words = Words::default();
        event.record(&mut words);
        let mut line = String::new();
        let is_detail = *event.metadata().level() > Level::WARN;
        if is_detail
            && self.0.0.look.verbosity < Verbosity::Trace
            && is_ours(event.metadata().target())
        {
            // What gharun does, for its users: where in the program that is and what a service calls it are for `-vv`.
            let message = format!("{}{}", words.message, words.told);
            let message = self.0.harmless(&message);
            return self.0.say(&self.0.styled(&Style::new().dim(), &message));
        }
        if is_detail {
            // Where it comes from matters to who asked for details, and to nobody else.
            line.push_str(event.metadata().target());
            for span in context.event_scope(event).into_iter().flatten() {
                line.push(' ');
                line.push_str(span.name());
            }
            line.push_str(": ");
        }
        line.push_str(&words.message);
        line.push_str(&words.fields);
        // In a step an annotation is a line of the log, too.
        if let (Some(annotate), Level::WARN) = (&self.1, *event.metadata().level()) {
            return annotate(&line);
        }
        self.0.labelled(label, &style, &line);
    }
}

/// An event's message and fields.
#[derive(Default)]
struct Words {
    message: String,
    /// What was told beside it, as the end of the sentence.
    told: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                let told = match name {
                    // What a service calls a request.
                    "id" => Ok(()),
                    "error" => write!(self.told, ": {value:?}"),
                    name => write!(self.told, ", {name} {value:?}"),
                };
                told.and_then(|()| write!(self.fields, " {name}={value:?}"))
            }
        };
        written.expect("a string takes all");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            _ => self.record_debug(field, &value),
        }
    }
}
