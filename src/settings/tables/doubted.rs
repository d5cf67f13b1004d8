//! A file of tables that is not trusted: it hides neither the user's own file nor the kinds.

use std::collections::{BTreeMap, BTreeSet};

use super::{ProviderSettings, Tables};
use crate::settings::{Result, SettingsFile};

impl Tables {
    /// The names of the file's tables; where it is not trusted, those of the user's own file as well.
    pub fn named(&self) -> Vec<String> {
        let files = [Some(&self.file), self.file.own()].into_iter().flatten();
        let names = files.flat_map(|file| file.contents.providers.keys().cloned());
        let names: BTreeSet<String> = names.collect();
        names.into_iter().collect()
    }

    /// The file that has the table of a name.
    pub(super) fn file_of(&self, name: &str) -> &SettingsFile {
        let own = self.file.own().filter(|_| !self.file.has_provider(name));
        own.unwrap_or(&self.file)
    }

    /// Whether the file is not trusted: then it does not decide where machines are looked for.
    pub fn doubted(&self) -> bool {
        self.file.own().is_some()
    }

    /// What names mean without a file that is not trusted, by its own tables alone; nothing where the file is
    /// trusted. Each `--set` was read by [`Tables::each`] already, for the same names.
    pub fn without_doubted(&self, names: &[String]) -> BTreeMap<String, Result<ProviderSettings>> {
        let Some(own) = self.file.own() else {
            return BTreeMap::new();
        };
        let tables = Self {
            sets: self.sets.clone(),
            file: own.clone(),
            env: self.env.clone(),
        };
        let names = names
            .iter()
            .filter(|name| self.file.has_provider(name) && tables.is_known(name));
        let mut all: Vec<_> = names
            .map(|name| (name.clone(), tables.without_sets(name)))
            .collect();
        for typed in &self.sets {
            let Err(error) = tables.set(&mut all, typed) else {
                continue;
            };
            // [`Tables::each`] could not tell whether it fits a table that needs trust.
            let (owner, keys) = tables.owner(typed);
            for (name, settings) in &mut all {
                let is_meant = match (owner, settings.as_ref()) {
                    (Some(owner), _) => owner == name,
                    (None, Ok(provider)) => provider.has(&keys[0]),
                    (None, Err(_)) => false,
                };
                if is_meant {
                    *settings = Err(error.clone());
                }
            }
        }
        let finished = all.into_iter().map(|(name, settings)| {
            let settings = settings.and_then(|mut provider| {
                let finished = tables.finish(&mut provider);
                finished.map(|()| provider).map_err(|wrong| wrong.error)
            });
            (name, settings)
        });
        finished.collect()
    }
}
