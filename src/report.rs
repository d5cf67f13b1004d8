//! The JSON contract and its text form: both are made from the same structs.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Mapping, Name, Reference, pythonic};

/// Seconds with one digit behind the point.
pub fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

/// What `start` says of one runner.
#[derive(Clone, Debug, Serialize)]
pub struct Runner {
    /// The runner, and its unique label.
    pub name: Name,
    /// All its labels.
    pub labels: Vec<String>,
    /// Its machine.
    pub instance: Reference,
    /// The provider's name.
    pub provider: String,
    /// The provider's kind.
    pub kind: String,
    /// GitHub's number of it.
    pub runner_id: u64,
    /// When its place made the machine.
    pub created_at: Timestamp,
    /// When the machine ends itself.
    pub expires_at: Timestamp,
    /// From the beginning of the start.
    pub launched_after_s: f64,
    /// From the beginning of the start.
    pub online_after_s: f64,
    /// US dollars an hour, where the place tells.
    pub price_per_hour: Option<f64>,
}

/// What `start` came to.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// Machine -> unique label.
    pub mapping: Mapping,
    /// The runners that are online.
    pub runners: Vec<Runner>,
}

impl Start {
    /// One JSON object.
    pub fn json(&self) -> String {
        line(self)
    }

    /// A line a runner: label, tabulator, reference.
    pub fn text(&self) -> String {
        self.runners.iter().fold(String::new(), |mut text, runner| {
            writeln!(text, "{}\t{}", runner.name, runner.instance)
                .expect("a text takes what is written");
            text
        })
    }
}

/// One provider of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Candidate {
    /// The provider's name.
    pub provider: String,
    /// The provider's kind.
    pub kind: String,
    /// What it would try, in order.
    pub candidates: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What `start --dry-run` would do.
#[derive(Clone, Debug, Serialize)]
pub struct DryRun {
    /// What runners would be registered with.
    pub scope: String,
    /// At which server.
    pub server: String,
    /// How many.
    pub count: u16,
    /// The labels of the first.
    pub labels: Vec<String>,
    /// The bound on the whole start.
    pub timeout_s: u64,
    /// How long a machine may live.
    pub lifetime_s: u64,
    /// How long it waits for a job; 0 is for ever.
    pub idle_timeout_s: u64,
    /// The providers in order of preference.
    pub providers: Vec<Candidate>,
    /// The boot script, its secrets as `***`.
    pub boot_script: String,
}

impl DryRun {
    /// One JSON object.
    pub fn json(&self) -> String {
        line(self)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{} runner(s) for {} at {}\nlabels: {}\ntimeout {}s, lifetime {}s, idle timeout {}s\n",
            self.count,
            self.scope,
            self.server,
            self.labels.join(", "),
            self.timeout_s,
            self.lifetime_s,
            self.idle_timeout_s
        );
        for (index, provider) in self.providers.iter().enumerate() {
            let mut add =
                |line: String| writeln!(text, "{line}").expect("a text takes what is written");
            add(format!(
                "{}. {} ({})",
                index + 1,
                provider.provider,
                provider.kind
            ));
            provider
                .candidates
                .iter()
                .for_each(|candidate| add(format!("   would try {candidate}")));
            provider
                .warnings
                .iter()
                .for_each(|warning| add(format!("   warning: {warning}")));
        }
        text + "\nboot script:\n" + &self.boot_script
    }
}

/// JSON on one line, as the outputs are written.
pub fn line(value: &impl Serialize) -> String {
    pythonic(value) + "\n"
}

/// A machine that is gone.
#[derive(Clone, Debug, Serialize)]
pub struct Stopped {
    /// Its reference.
    pub instance: Option<Reference>,
    /// The runner.
    pub name: String,
    /// Whether the registration is gone.
    pub deregistered: bool,
    /// Whether there was a machine that was ended.
    pub terminated: bool,
    /// How long it was paid for.
    pub billed_s: Option<u64>,
    /// US dollars.
    pub cost: Option<f64>,
}

/// A machine that was left alone.
#[derive(Clone, Debug, Serialize)]
pub struct Kept {
    /// Its reference.
    pub instance: Option<Reference>,
    /// The runner.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A machine that may still be running.
#[derive(Clone, Debug, Serialize)]
pub struct Unstopped {
    /// Its reference.
    pub instance: Option<Reference>,
    /// The runner, or what was given.
    pub name: String,
    /// Why.
    pub error: String,
    /// What ends it.
    pub command: String,
}

/// What `stop` came to.
#[derive(Clone, Debug, Serialize)]
pub struct Stop {
    /// Gone.
    pub stopped: Vec<Stopped>,
    /// Left alone on purpose.
    pub kept: Vec<Kept>,
    /// May still be running.
    pub failed: Vec<Unstopped>,
}

impl Stop {
    /// One JSON object.
    pub fn json(&self) -> String {
        line(self)
    }

    /// A line a runner: what became of it, its name, its machine.
    pub fn text(&self) -> String {
        let machine = |instance: &Option<Reference>| {
            instance
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        let stopped = self
            .stopped
            .iter()
            .map(|row| format!("stopped\t{}\t{}\n", row.name, machine(&row.instance)));
        let kept = self
            .kept
            .iter()
            .map(|row| format!("kept\t{}\t{}\n", row.name, machine(&row.instance)));
        let failed = self
            .failed
            .iter()
            .map(|row| format!("failed\t{}\t{}\n", row.name, machine(&row.instance)));
        stopped.chain(kept).chain(failed).collect()
    }
}

/// One row of `list`.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The runner.
    pub name: Name,
    /// Its machine.
    pub instance: Option<Reference>,
    /// The provider's name.
    pub provider: Option<String>,
    /// The provider's kind.
    pub kind: Option<String>,
    /// `pending`, `running`, `ended`, `gone` or `unknown`.
    pub state: String,
    /// `online`, `offline`, `busy`, `absent` or `unknown`.
    pub runner: String,
    /// GitHub's number of the runner.
    pub runner_id: Option<u64>,
    /// The scope that it belongs to.
    pub scope: String,
    /// The run that started it.
    pub run_id: Option<u64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it ends itself.
    pub expires_at: Option<Timestamp>,
    /// US dollars an hour.
    pub price_per_hour: Option<f64>,
    /// US dollars so far.
    pub cost: Option<f64>,
    /// What is to be thought of it.
    pub verdict: String,
    /// Why.
    pub why: String,
}

/// A source that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    /// Which.
    pub source: String,
    /// Why.
    pub error: String,
}

/// What `list` found.
#[derive(Clone, Debug, Serialize)]
pub struct List {
    /// One row a runner.
    pub machines: Vec<Machine>,
    /// What could not be read.
    pub unknown: Vec<Unread>,
}

impl List {
    /// One JSON object.
    pub fn json(&self) -> String {
        line(self)
    }
}

/// A setting of a provider, and who set it.
#[derive(Clone, Debug, Serialize)]
pub struct Set {
    /// The setting.
    pub key: String,
    /// Its value; none for a secret.
    pub value: Option<serde_json::Value>,
    /// Flag, variable, or file and line.
    pub origin: String,
}

/// A provider that can be used.
#[derive(Clone, Debug, Serialize)]
pub struct Provider {
    /// A table of providers.toml, or a kind.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The kind in one line.
    pub about: String,
    /// What is set.
    pub settings: Vec<Set>,
}

/// What `providers list` shows.
#[derive(Clone, Debug, Serialize)]
pub struct Providers {
    /// All that can be used.
    pub providers: Vec<Provider>,
}

/// The check of one provider, or of GitHub.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// The provider, or `github`.
    pub name: String,
    /// Whether it can be used.
    pub ok: bool,
    /// What was found.
    pub facts: Vec<String>,
    /// What will not work well, or what would mend it.
    pub warnings: Vec<String>,
    /// Why it cannot be used.
    pub error: Option<String>,
}

/// What `providers check` found.
#[derive(Clone, Debug, Serialize)]
pub struct Checks {
    /// One row each.
    pub checks: Vec<Check>,
}

/// A machine type on offer.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    /// The provider.
    pub provider: String,
    /// The machine type.
    pub name: String,
    /// US dollars an hour.
    pub price_per_hour: Option<f64>,
    /// What the place says of its stock.
    pub stock: Option<String>,
}

/// What `providers offers` found, cheapest first.
#[derive(Clone, Debug, Serialize)]
pub struct Offers {
    /// One row each.
    pub offers: Vec<Offer>,
}
