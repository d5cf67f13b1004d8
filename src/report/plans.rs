//! What `start --dry-run` and `gharun providers` put on stdout.

use std::fmt::Write as _;

use serde::Serialize;

use super::Unknown;

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
    /// Places that could not be asked.
    pub unknown: Vec<Unknown>,
}
