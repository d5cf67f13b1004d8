//! The settings of `gharun providers` and its subcommands.

use std::path::{Path, PathBuf};

use super::draft::named_kind;
use super::file::HERE;
use super::{Error, Result, Settings, Tables, Trusted};
use crate::cli::{self, ProvidersCommand};
use crate::model::known_hints;
use crate::providers::{KINDS, Kind, kind};

/// What `gharun providers` is to do, with its settings resolved.
#[derive(Clone, Debug)]
pub enum ProvidersSettings {
    /// Try credentials, places and GitHub.
    Check(CheckSettings),
    /// Look around, ask, and write a file.
    Init(InitSettings),
    /// Show kinds and tables.
    List,
    /// Show machine types.
    Offers(OffersSettings),
    /// Explain the settings of a kind.
    Show(&'static Kind),
    /// Take this file as the user's own.
    Trust(PathBuf),
}

/// The settings of `gharun providers init`.
#[derive(Clone, Debug)]
pub struct InitSettings {
    /// What to add: names of tables with their kinds; empty: what the user chooses.
    pub kinds: Vec<(String, &'static Kind)>,
    /// What was typed for them.
    pub set: Vec<String>,
    /// The file to write.
    pub file: PathBuf,
    /// Print it instead.
    pub print: bool,
    /// Ask nothing.
    pub yes: bool,
}

/// The settings of `gharun providers check`.
#[derive(Clone, Debug)]
pub struct CheckSettings {
    /// The providers to check.
    pub providers: Vec<String>,
    /// Whether the user named or configured them; else they are all kinds that there are.
    pub wanted: bool,
}

/// The settings of `gharun providers offers`.
#[derive(Clone, Debug)]
pub struct OffersSettings {
    /// The providers to ask.
    pub providers: Vec<String>,
    /// Whether the user named them, as arguments.
    pub named: bool,
    /// Whether the user named or configured them; else they are all kinds that there are.
    pub wanted: bool,
}

impl Settings {
    /// Resolves the settings of `gharun providers`.
    ///
    /// # Errors
    ///
    /// A provider or a kind that is not known.
    pub fn providers_command(&self, args: &cli::ProvidersArgs) -> Result<ProvidersSettings> {
        Ok(match &args.command {
            None | Some(ProvidersCommand::List) => ProvidersSettings::List,
            Some(ProvidersCommand::Check { names, .. }) => {
                let (providers, wanted) = self.wanted(names)?;
                ProvidersSettings::Check(CheckSettings { providers, wanted })
            }
            Some(ProvidersCommand::Show { kind }) => {
                ProvidersSettings::Show(self.tables.shown(kind)?)
            }
            Some(ProvidersCommand::Init {
                kinds,
                set,
                file,
                print,
                yes,
            }) => {
                let kinds = kinds.iter().map(|kind| named_kind(kind));
                ProvidersSettings::Init(InitSettings {
                    kinds: kinds.collect::<Result<_>>()?,
                    set: set.clone(),
                    file: match (file, self.file.named()) {
                        (Some(file), _) => self.env.path_flag("file", file)?,
                        (None, Some(named)) => named.to_owned(),
                        (None, None) => PathBuf::from(HERE),
                    },
                    print: *print,
                    yes: *yes,
                })
            }
            Some(ProvidersCommand::Trust { file }) => {
                ProvidersSettings::Trust(file.clone().unwrap_or_else(|| PathBuf::from(HERE)))
            }
            Some(ProvidersCommand::Offers { names, .. }) => {
                let (providers, wanted) = self.wanted(names)?;
                ProvidersSettings::Offers(OffersSettings {
                    providers,
                    named: !names.is_empty(),
                    wanted,
                })
            }
        })
    }
}

impl Settings {
    /// The providers that a workflow is for: those that are given, else `[defaults] providers`, else all tables.
    ///
    /// # Errors
    ///
    /// A provider that is not known, and none at all.
    pub fn workflow_providers(&self, given: &[String]) -> Result<Vec<String>> {
        let tables = self.tables.named();
        if given.is_empty() && self.file.contents.defaults.providers.is_none() && !tables.is_empty()
        {
            return Ok(tables);
        }
        self.providers(given)
    }

    /// The providers that are given, else all that are configured, by a table or as a provider that `start` takes by default;
    /// else all kinds. And whether it is not all kinds. What is wrong in a table is told of that one.
    fn wanted(&self, given: &[String]) -> Result<(Vec<String>, bool)> {
        self.tables.know(given)?;
        if !given.is_empty() {
            return Ok((given.to_vec(), true));
        }
        let mut configured = self.tables.named();
        for name in self.default_providers()? {
            if !configured.contains(&name) {
                configured.push(name);
            }
        }
        Ok(if configured.is_empty() {
            let kinds = KINDS.iter().map(|kind| kind.name.to_owned());
            (kinds.collect(), false)
        } else {
            (configured, true)
        })
    }

    /// Trusts a file that gharun finds, as it is now: see [`Trusted::trust`].
    pub fn trust(&self, path: &Path) -> Result<Trusted> {
        Trusted::trust(path, &self.env)
    }

    /// Trusts a file as it was just written: see [`Trusted::trust_text`].
    pub fn trust_written(&self, path: &Path, text: &str) -> Result<Trusted> {
        Trusted::trust_text(path, text, &self.env)
    }
}

impl Tables {
    /// A kind by its own name, or by that of a table.
    fn shown(&self, name: &str) -> Result<&'static Kind> {
        match kind(name) {
            Some(kind) => Ok(kind),
            None if self.is_known(name) => self.kind_of(name),
            None => {
                let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                let error = Error::usage(format!("the kind `{name}` does not exist"));
                Err(error.hinted_all(known_hints(name, "known", &kinds)))
            }
        }
    }
}
