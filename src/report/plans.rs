//! What `start --dry-run` and `gharun providers` put on stdout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::{Table, TextForm, or_dash};
use crate::fleet::survey::Unknown;
use crate::fleet::{Preview, Unopened};
use crate::model::{Error, Exit, PriceBasis, chain};
use crate::providers;
use crate::settings::Trusted;

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
pub struct ProviderSetting {
    /// The setting.
    pub key: String,
    /// Its value; none for a secret.
    pub value: Option<serde_json::Value>,
    /// Flag, variable, or file and line.
    pub origin: String,
}

/// A provider and its settings.
#[derive(Clone, Debug, Serialize)]
pub struct ProviderRow {
    /// A table of providers.toml, or a kind.
    pub name: String,
    /// Its kind, where that is known.
    pub kind: Option<String>,
    /// The kind in one line.
    pub about: Option<String>,
    /// What is set.
    pub settings: Vec<ProviderSetting>,
    /// Why it cannot be used: the keys `error` and `hints`.
    #[serde(flatten)]
    pub error: Option<Error>,
}

/// What `providers list` shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProvidersReport {
    /// All tables, and all kinds.
    pub providers: Vec<ProviderRow>,
    /// What kept them from being shown.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

/// What `providers trust` came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TrustReport {
    /// The file.
    pub file: Option<PathBuf>,
    /// One digest over all that is trusted.
    pub digest: Option<String>,
    /// The files that it names, which are covered too.
    pub covers: Vec<PathBuf>,
    /// The commands that it names: what they read by themselves is not covered.
    pub commands: Vec<String>,
    /// The settings that needed trust, each with its line.
    pub settings: Vec<String>,
    /// The file that remembers it.
    pub remembered_in: Option<PathBuf>,
    /// What kept it from being trusted.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

impl From<Trusted> for TrustReport {
    fn from(trusted: Trusted) -> Self {
        Self {
            file: Some(trusted.file),
            digest: Some(trusted.digest),
            covers: trusted.covers,
            commands: trusted.commands,
            settings: trusted.settings,
            remembered_in: Some(trusted.remembered_in),
            error: None,
        }
    }
}

impl TextForm for TrustReport {
    /// The file with its digest, and below it what that covers.
    fn text(&self) -> String {
        let file = self.file.as_deref().unwrap_or(Path::new("-"));
        let digest = self.digest.as_deref().unwrap_or("-");
        let trusted = format!("trusted\t{}\t{digest}\n", file.display());
        let settings = self.settings.iter();
        let settings = settings.map(|setting| format!("setting\t{setting}\n"));
        let files = self.covers.iter();
        let files = files.map(|file| format!("file\t{}\n", file.display()));
        let commands = self.commands.iter();
        let commands = commands
            .map(|words| format!("command\t{words}\twhat it reads by itself is not covered\n"));
        std::iter::once(trusted)
            .chain(settings)
            .chain(files)
            .chain(commands)
            .collect()
    }
}

impl ProvidersReport {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        if self.providers.iter().all(|one| one.error.is_none()) {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

impl Table for ProvidersReport {
    const HEADER: &'static [&'static str] = &["NAME", "KIND", "ABOUT"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &ProviderRow| {
            let error = one.error.as_ref().map(|error| chain(error));
            let about = error.or_else(|| one.about.clone());
            vec![
                one.name.clone(),
                or_dash(one.kind.as_ref()),
                or_dash(about.as_ref()),
            ]
        };
        self.providers.iter().map(row).collect()
    }
}

/// What came of checking one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It can be used.
    Ok,
    /// It cannot be used.
    Failed,
    /// Nobody has named or configured it, and it cannot be used as it is.
    #[serde(rename = "not_set_up")]
    NotSetUp,
    /// Nobody could look, and a start does without it.
    Unknown,
}

impl CheckStatus {
    /// As it is shown: `works`, `broken`, `not set up` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "works",
            Self::Failed => "broken",
            Self::NotSetUp => "not set up",
            Self::Unknown => "unknown",
        }
    }
}

/// The check of one provider, or of GitHub.
#[derive(Clone, Debug)]
pub struct CheckRow {
    /// The provider, or `github`.
    pub name: String,
    /// What came of it.
    pub status: CheckStatus,
    /// What was found.
    pub facts: Vec<String>,
    /// What will not work well.
    pub warnings: Vec<Error>,
    /// Why it cannot be used, or could not be looked at.
    pub error: Option<Error>,
}

impl Serialize for CheckRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            name: &'a str,
            ok: bool,
            facts: &'a [String],
            warnings: Vec<String>,
            error: Option<String>,
            status: CheckStatus,
            hints: Vec<&'a String>,
            request_id: Option<&'a str>,
            setting: Option<&'a str>,
        }
        let (error, warnings) = (self.error.as_ref(), self.warnings.iter());
        let all = error.into_iter().chain(warnings.clone());
        let row = Row {
            name: &self.name,
            ok: self.status == CheckStatus::Ok,
            facts: &self.facts,
            warnings: warnings.map(|warning| chain(warning)).collect(),
            error: error.map(|error| chain(error)),
            status: self.status,
            hints: all.flat_map(Error::hints).collect(),
            request_id: error.and_then(Error::request_id),
            setting: error.and_then(Error::key),
        };
        row.serialize(serializer)
    }
}

impl CheckRow {
    /// Its line in a step's log: what is annotated, and stands below it, is left out.
    pub fn log_line(&self) -> String {
        let facts = self.facts.join("; ");
        let what = match (&self.error, self.status) {
            (None, _) => facts,
            (Some(error), CheckStatus::NotSetUp) => chain(error),
            (Some(_), _) => String::new(),
        };
        let line = format!("{}\t{}\t{what}", self.name, self.status.word());
        line.trim_end().to_owned() + "\n"
    }

    /// What was found, a line a fact: first why it cannot be used, and below each what would help.
    fn lines(&self) -> Vec<String> {
        let hinted = |what: String, error: &Error| {
            let hints = error.hints().iter();
            let hints = hints.map(|hint| format!("  hint: {hint}"));
            std::iter::once(what).chain(hints).collect::<Vec<_>>()
        };
        let error = self.error.iter();
        let error = error.flat_map(|error| hinted(chain(error), error));
        let warnings = self.warnings.iter();
        let warnings =
            warnings.flat_map(|warning| hinted(format!("warning: {}", chain(warning)), warning));
        let facts = self.facts.iter().cloned();
        error.chain(facts).chain(warnings).collect()
    }
}

impl Checks {
    /// One line a fact, with its hints under it; what it is a fact of stands before the first of them. The columns of a
    /// terminal are kept where a line is as wide as it.
    pub fn text(&self, width: Option<usize>) -> String {
        const WORD: usize = "not set up".len();
        let names = self.checks.iter().map(|check| check.name.chars().count());
        let name_width = names.max().unwrap_or_default();
        let indent = name_width + 2 + WORD + 2;
        let mut text = String::new();
        for check in &self.checks {
            let word = check.status.word();
            let mut head = format!("{:name_width$}  {word:WORD$}  ", check.name);
            let lines = check.lines();
            if lines.is_empty() {
                text.push_str(head.trim_end());
                text.push('\n');
            }
            for line in lines {
                for part in folded(&line, width.and_then(|width| width.checked_sub(indent))) {
                    text.push_str(&head);
                    text.push_str(&part);
                    text.push('\n');
                    head = " ".repeat(indent);
                }
            }
        }
        text
    }
}

/// A line in parts that fit, broken between words.
fn folded(line: &str, width: Option<usize>) -> Vec<String> {
    let line = line.replace(['\n', '\r', '\t'], " ");
    // In less room than this every word would have a line of its own.
    let Some(width) = width.filter(|width| *width >= 30) else {
        return vec![line];
    };
    let further = line.chars().take_while(|c| *c == ' ').count() + 2;
    let mut parts: Vec<String> = Vec::new();
    let mut part = " ".repeat(further - 2);
    let mut is_empty = true;
    for word in line.split_whitespace() {
        if !is_empty && part.chars().count() + 1 + word.chars().count() > width {
            parts.push(std::mem::replace(&mut part, " ".repeat(further)));
            is_empty = true;
        }
        if !is_empty {
            part.push(' ');
        }
        part.push_str(word);
        is_empty = false;
    }
    parts.push(part);
    parts
}

/// What `providers check` found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checks {
    /// One row each.
    pub checks: Vec<CheckRow>,
    /// What ended the check before anything was looked at.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

impl Checks {
    /// How the program ends: with a failure where a start could not work.
    pub fn exit(&self) -> Exit {
        let failed = |check: &CheckRow| check.status == CheckStatus::Failed;
        if let Some(error) = &self.error {
            error.kind
        } else if self.checks.iter().any(failed) {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}

/// A machine type on offer.
#[derive(Clone, Debug)]
pub struct OfferRow {
    /// The provider.
    pub provider: String,
    /// What it offers.
    pub offer: providers::Offer,
}

impl Serialize for OfferRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            provider: &'a str,
            name: &'a str,
            price_per_hour: Option<f64>,
            stock: Option<&'a str>,
            price_basis: Option<&'static str>,
            price_listed_on: Option<Date>,
            market: Option<&'a str>,
            gpu: Option<&'a str>,
            gpu_memory_gib: Option<f64>,
            vcpus: Option<f64>,
            memory_gib: Option<f64>,
            places: &'a [String],
        }
        let Self { provider, offer } = self;
        let basis = offer.price.and_then(|price| price.basis);
        let row = Row {
            provider,
            name: &offer.name,
            price_per_hour: offer.price_per_hour(),
            stock: offer.stock.as_deref(),
            price_basis: basis.map(PriceBasis::word),
            price_listed_on: basis.and_then(PriceBasis::listed_on),
            market: offer.market.as_deref(),
            gpu: offer.gpu.as_deref(),
            gpu_memory_gib: offer.gpu_memory_gib,
            vcpus: offer.vcpus,
            memory_gib: offer.memory_gib,
            places: &offer.places,
        };
        row.serialize(serializer)
    }
}

/// What `providers offers` found, cheapest first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OffersReport {
    /// One row each.
    pub offers: Vec<OfferRow>,
    /// Places that could not be asked.
    pub unknown: Vec<Unknown>,
    /// Kinds that nobody named and that could not be asked.
    pub not_asked: Vec<Unopened>,
    /// What ended it before anybody was asked.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
}

impl OffersReport {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match &self.error {
            Some(error) => error.kind,
            None if self.unknown.is_empty() => Exit::Done,
            None => Exit::Failed,
        }
    }
}

impl Table for OffersReport {
    const HEADER: &'static [&'static str] = &[
        "PROVIDER", "TYPE", "PRICE/H", "STOCK", "MARKET", "GPU", "GPU GIB", "VCPU", "RAM GIB",
        "PLACES",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |one: &OfferRow| {
            let OfferRow { provider, offer } = one;
            let price = offer.price_per_hour();
            let price = price.map(|price| format!("${price:.3}"));
            let places = Some(offer.places.join(", ")).filter(|places| !places.is_empty());
            vec![
                provider.clone(),
                offer.name.clone(),
                or_dash(price.as_ref()),
                or_dash(offer.stock.as_ref()),
                or_dash(offer.market.as_ref()),
                or_dash(offer.gpu.as_ref()),
                or_dash(offer.gpu_memory_gib.as_ref()),
                or_dash(offer.vcpus.as_ref()),
                or_dash(offer.memory_gib.as_ref()),
                or_dash(places.as_ref()),
            ]
        };
        self.offers.iter().map(row).collect()
    }
}
