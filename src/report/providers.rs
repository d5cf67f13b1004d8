//! What `gharun providers` and `providers trust` put on stdout.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Table, TextForm, or_dash};
use crate::model::{Error, Exit, chain};
use crate::settings::Trusted;

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
