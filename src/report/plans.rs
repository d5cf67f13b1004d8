//! What `start --dry-run` and `gharun providers` put on stdout.

use std::fmt::Write as _;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::{Table, Text, or_dash};
use crate::fleet::Preview;
use crate::fleet::survey::Unknown;
use crate::model::Exit;
use crate::providers;

/// A plan, for people.
pub(super) fn preview(plan: &Preview) -> String {
    let mut text = format!(
        "{} runner(s) for {} at {}\nlabels: {}\ntimeout {}s, lifetime {}s, idle timeout {}s\n",
        plan.count,
        plan.scope,
        plan.server,
        plan.labels.join(", "),
        plan.timeout_s,
        plan.lifetime_s,
        plan.idle_timeout_s
    );
    for (index, provider) in plan.providers.iter().enumerate() {
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
    text + "\nboot script:\n" + &plan.boot_script
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

/// What came of checking one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It can be used.
    Ok,
    /// It cannot be used.
    Failed,
    /// Nobody could look, and a start does without it.
    Unknown,
}

/// The check of one provider, or of GitHub.
#[derive(Clone, Debug)]
pub struct Check {
    /// The provider, or `github`.
    pub name: String,
    /// What came of it.
    pub status: Status,
    /// What was found.
    pub facts: Vec<String>,
    /// What will not work well, or what would mend it.
    pub warnings: Vec<String>,
    /// Why it cannot be used, or could not be looked at.
    pub error: Option<String>,
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut check = serializer.serialize_struct("Check", 6)?;
        check.serialize_field("name", &self.name)?;
        check.serialize_field("ok", &(self.status == Status::Ok))?;
        check.serialize_field("facts", &self.facts)?;
        check.serialize_field("warnings", &self.warnings)?;
        check.serialize_field("error", &self.error)?;
        check.serialize_field("status", &self.status)?;
        check.end()
    }
}

impl Text for Check {
    /// Its name, `ok`, `failed` or `unknown`, and what was found, with tabs between them.
    fn text(&self) -> String {
        let word = match self.status {
            Status::Ok => "ok",
            Status::Failed => "failed",
            Status::Unknown => "unknown",
        };
        let facts = || self.facts.join("; ");
        let what = self.error.clone().unwrap_or_else(facts);
        format!("{}\t{word}\t{what}\n", self.name)
    }
}

/// What `providers check` found.
#[derive(Clone, Debug, Serialize)]
pub struct Checks {
    /// One row each.
    pub checks: Vec<Check>,
}

impl Checks {
    /// How the program ends: with a failure where a start could not work.
    pub fn exit(&self) -> Exit {
        let failed = |check: &Check| check.status == Status::Failed;
        if self.checks.iter().any(failed) {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}

/// A machine type on offer.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    /// The provider.
    pub provider: String,
    /// What it offers.
    #[serde(flatten)]
    pub offer: providers::Offer,
}

/// What `providers offers` found, cheapest first.
#[derive(Clone, Debug, Serialize)]
pub struct Offers {
    /// One row each.
    pub offers: Vec<Offer>,
    /// Places that could not be asked.
    pub unknown: Vec<Unknown>,
}

impl Offers {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        if self.unknown.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

impl Table for Offers {
    const HEADER: &'static [&'static str] = &["PROVIDER", "TYPE", "PRICE/H", "STOCK"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &Offer| {
            let Offer { provider, offer } = one;
            let price = offer.price_per_hour.map(|price| format!("${price:.3}"));
            vec![
                provider.clone(),
                offer.name.clone(),
                or_dash(price.as_ref()),
                or_dash(offer.stock.as_ref()),
            ]
        };
        self.offers.iter().map(row).collect()
    }
}
