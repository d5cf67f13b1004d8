//! A providers.toml that is being made: each answer is checked as the file with it would be, and nothing is written
//! before all of it can be used.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::trust::Doubt;
use super::values::{Repo, SecretSetting, SettingText as _};
use super::{Env, Error, ProviderSettings, Result, Settings, SettingsFile, Tables, found};
use crate::model::{NO_PATH, Scope, chain, known_hints, looks_like_key};
use crate::providers::schema::{self, Shape};
use crate::providers::{self, Kind, Lack};

mod text;
mod write;

/// A file that is being made, or added to.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Where it is to be written.
    pub path: PathBuf,
    /// What is there already; it stays as it is.
    existing: Option<String>,
    /// The names of providers that are there.
    taken: Vec<String>,
    /// Whether it says which token is used, or for what scope.
    has_github: bool,
    has_defaults: bool,
    /// The providers of the file that `start` takes without a name.
    preferred: Vec<String>,
    scope: Option<Scope>,
    token: Value,
    tables: Vec<DraftTable>,
    standing: Standing,
    env: Env,
}

/// Whether a file may be taken as the user's own once it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody else has written anything in it: it is made anew, or was trusted as it was.
    Ours,
    /// It needs no trust: it is named, or the user's own, or this is a step of a workflow.
    NeedsNone,
    /// What is in it may be somebody else's, whatever is added to it.
    Doubted,
}

/// A table of a provider.
#[derive(Clone, Debug)]
pub struct DraftTable {
    /// What the user calls it.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// What is set, in the order of the kind's settings.
    values: Map<String, Value>,
}

impl Settings {
    /// Begins a file, or what is added to the one that is there.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or used, and a link that leads to no file of settings.
    pub fn draft(&self, path: &Path) -> Result<Draft> {
        if let Some(why) = write::misplaced(path) {
            return Err(Error::usage(why).hinted(
                "name the file itself, or another one: `--file FILE`; or remove the link",
            ));
        }
        let existing = found::read_named(path)?;
        let file = existing
            .as_deref()
            .map(|text| SettingsFile::parse(path, text));
        let file = file.transpose()?.unwrap_or_default();
        let has = |key: &str| file.values().get(key).is_some();
        let existing = existing.filter(|text| !text.trim().is_empty());
        let standing = match &existing {
            _ if self.step.is_some() => Standing::NeedsNone,
            None => Standing::Ours,
            Some(text) => self.standing(path, text, &file),
        };
        Ok(Draft {
            path: path.to_owned(),
            standing,
            taken: file.contents.providers.keys().cloned().collect(),
            has_github: has("github"),
            has_defaults: has("defaults"),
            preferred: file.contents.defaults.providers.clone().unwrap_or_default(),
            existing,
            scope: None,
            token: json!({ "env": "GH_PAT" }),
            tables: Vec::new(),
            env: self.env.clone(),
        })
    }

    /// Whether what a file holds already is trusted. Judged is what was read, and not what may be there later.
    fn standing(&self, path: &Path, text: &str, file: &SettingsFile) -> Standing {
        if Doubt::unless_remembered(path, text, file.values(), &self.env).is_none() {
            return Standing::Ours;
        }
        let named = self.file.named();
        let own = SettingsFile::own_path(&self.env);
        let is_one = |other: Option<&Path>| other.is_some_and(|one| found::is_same(path, one));
        if is_one(named) || is_one(own.as_deref()) {
            Standing::NeedsNone
        } else {
            Standing::Doubted
        }
    }
}

impl Draft {
    /// What is wrong with a text as a repository; `None` where it is one.
    pub fn misspelt_repo(text: &str) -> Option<String> {
        Repo::read(text)
            .is_none()
            .then(|| format!("must be {}", Repo::EXPECTED))
    }

    /// The repository that a text is.
    pub fn repo(text: &str) -> Option<Scope> {
        Repo::read(text).map(|repo| repo.0)
    }

    /// What is wrong with a text as the name of a new table; `None` where it can be one.
    pub fn misspelt_name(&self, name: &str) -> Option<String> {
        if let Some(why) = super::tables::misnamed(name) {
            return Some(why);
        }
        let taken = self.taken.iter().any(|one| one == name) || self.table(name).is_some();
        taken.then(|| format!("`{name}` is in the file already"))
    }

    /// Whether it may be taken as the user's own once it is written.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What is wrong with a text as the path of a new file; `None` where there can be one.
    pub fn misplaced(&self, text: &str) -> Option<String> {
        if text.is_empty() {
            return Some("write a path".to_owned());
        }
        if looks_like_key(text) {
            return Some(NO_PATH.to_owned());
        }
        let path = self.env.path(text);
        let folder = match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => &path,
        };
        if path.is_dir() || path.file_name().is_none() || text.ends_with('/') {
            return Some("it must be a file, and is a folder".to_owned());
        }
        // Also where it is a link that leads nowhere.
        if path.symlink_metadata().is_ok() {
            return Some("it is there already".to_owned());
        }
        let is_missing = !folder.is_dir();
        is_missing.then(|| format!("the folder `{}` does not exist", folder.display()))
    }

    /// Whether the scope of its runners is said, in it or for it.
    pub fn has_scope(&self) -> bool {
        self.has_github || self.scope.is_some()
    }

    /// Whether there is a file already, which is added to.
    pub fn adds(&self) -> bool {
        self.existing.is_some()
    }

    /// Says for which scope runners are.
    pub fn set_scope(&mut self, scope: &Scope) {
        self.scope = Some(scope.clone());
    }

    /// Says that the token is what a command prints.
    pub fn set_token_command(&mut self, words: &[&str]) {
        self.token = json!({ "command": words });
    }

    /// Adds a table.
    ///
    /// # Errors
    ///
    /// A name that cannot be one, or is in the file already.
    pub fn add(&mut self, name: &str, kind: &'static Kind) -> Result<()> {
        if let Some(why) = self.misspelt_name(name) {
            return Err(
                Error::usage(format!("the provider `{name}` cannot be added: {why}"))
                    .hinted(format!("give it another name: `NAME={}`", kind.name)),
            );
        }
        self.tables.push(DraftTable {
            name: name.to_owned(),
            kind,
            values: Map::new(),
        });
        Ok(())
    }

    /// The tables that are added.
    pub fn tables(&self) -> &[DraftTable] {
        &self.tables
    }

    fn table(&self, name: &str) -> Option<&DraftTable> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Sets a value of a table that was added.
    pub fn set(&mut self, name: &str, key: &str, value: Value) {
        let table = self.tables.iter_mut().find(|table| table.name == name);
        if let Some(table) = table {
            table.values.insert(key.to_owned(), value);
        }
    }

    /// Sets what was typed as `--set`, each for the tables that have such a setting.
    ///
    /// # Errors
    ///
    /// As those of `--set` elsewhere.
    pub fn take_sets(&mut self, sets: &[String]) -> Result<()> {
        let file = SettingsFile::parse(&self.path, &self.text())?;
        let tables = Tables::resolve(sets, &self.env, &file)?;
        let names: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        for (name, values) in tables.typed_for(&names)? {
            for (key, value) in values {
                self.set(&name, &key, value);
            }
        }
        Ok(())
    }

    /// The same for a file that is not there yet; `text` is its path as it was typed. What the other file said of GitHub
    /// is not in it.
    #[must_use]
    pub fn elsewhere(&self, text: &str) -> Self {
        Self {
            path: self.env.path(text),
            existing: None,
            has_github: false,
            has_defaults: false,
            preferred: Vec::new(),
            standing: match self.standing {
                Standing::Doubted => Standing::Ours,
                standing => standing,
            },
            ..self.clone()
        }
    }

    /// Writes the file, in one piece.
    ///
    /// # Errors
    ///
    /// A file that has changed meanwhile, or cannot be written; then it is as it was.
    pub fn write(&self) -> std::io::Result<()> {
        write::write(&self.path, &self.text(), self.existing.as_deref())
    }

    /// What a table that is added comes to, with all that the surroundings say.
    ///
    /// # Errors
    ///
    /// What is wrong in it.
    pub fn settings(&self, name: &str) -> Result<ProviderSettings> {
        let file = SettingsFile::parse(&self.path, &self.text())?;
        let tables = Tables::resolve(&[], &self.env, &file)?;
        let mut settings = tables.settings(&[name.to_owned()])?;
        Ok(settings.remove(0))
    }

    /// What a start needs beside what a table that is added comes to here. Where that cannot be told, `usable` tells why.
    pub fn lack(&self, name: &str) -> Option<Lack> {
        let settings = self.settings(name).ok()?;
        settings.kind.lack(&settings.values)
    }

    /// The tables that are added and that `start` does not take without a name, since the file has `[defaults]` already.
    pub fn unlisted(&self) -> Vec<&str> {
        let names = self.tables.iter().map(|table| table.name.as_str());
        let listed =
            |name: &&str| !self.has_defaults || self.preferred.iter().any(|one| one == name);
        names.filter(|name| !listed(name)).collect()
    }

    /// Whether the file as it will be can be used: every table that is added, and the file as a whole.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, or not set.
    pub fn usable(&self) -> Result<()> {
        let file = SettingsFile::parse(&self.path, &self.text()).map_err(|error| {
            if self.adds() {
                error.hinted(
                    "this file cannot be added to as it is: name another one with `--file FILE`",
                )
            } else {
                error
            }
        })?;
        let tables = Tables::resolve(&[], &self.env, &file)?;
        for table in &self.tables {
            let name = &table.name;
            let settings = tables.settings(std::slice::from_ref(name))?.remove(0);
            let typed = |key: &str, value: &str| {
                let value = if value.is_empty() { "…" } else { value };
                format!("`--set {name}.{key}={value}`")
            };
            if let Some(key) = table.missing_secret() {
                let error = Error::usage(format!("`{key}` of `{name}` is not set"))
                    .about(format!("providers.{name}.{key}"));
                return Err(error.hinted(format!("set it with {}", typed(&key, ""))));
            }
            if let Some(lack) = settings.kind.lack(&settings.values) {
                return Err(
                    unset(name, &lack).hinted(format!("set it with {}", lack.written(typed)))
                );
            }
        }
        Ok(())
    }
}

impl DraftTable {
    /// Whether a setting has a value.
    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// A required secret whose place is not said: whoever reads the file must find it there.
    fn missing_secret(&self) -> Option<String> {
        let schema = self.kind.schema();
        let required = schema.get("required").and_then(Value::as_array);
        let keys = required.into_iter().flatten().filter_map(Value::as_str);
        let mut missing = keys.filter(|key| self.is_secret(key) && !self.has(key));
        missing.next().map(str::to_owned)
    }

    /// The text of a setting.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.as_str()
    }

    /// What is wrong with a value of a setting, beside those that are set; `None` where it can be used.
    pub fn misfit(&self, key: &str, value: &Value) -> Option<String> {
        let mut values = self.values.clone();
        values.insert(key.to_owned(), value.clone());
        for (key, value) in &mut values {
            if self.is_secret(key) || value.is_object() && self.is_key(key) {
                if let Err(misfit) = schema::read_value::<SecretSetting>(value) {
                    return Some(misfit.fault.to_string());
                }
                *value = "***".into();
            }
        }
        let misfit = self.kind.misfit(&values);
        if let Some(misfit) = misfit.filter(|misfit| !misfit.is_missing_setting()) {
            return Some(misfit.fault.to_string());
        }
        self.kind.fits(&values).err().map(|error| chain(&error))
    }

    fn is_secret(&self, key: &str) -> bool {
        let schema = self.kind.schema();
        let mut shapes = Shape::of(&schema).inside(key).into_iter();
        shapes.any(Shape::is_secret)
    }

    /// Whether the source of a key's text may be given, too.
    fn is_key(&self, key: &str) -> bool {
        let schema = self.kind.schema();
        let mut shapes = Shape::of(&schema).inside(key).into_iter();
        shapes.any(Shape::is_key)
    }
}

/// The error for a table that leaves out what a start needs.
pub fn unset(name: &str, lack: &Lack) -> Error {
    let error = Error::usage(format!("{lack} of `{name}` is not set"));
    error.about(format!("providers.{name}.{}", lack.key()))
}

/// The kind that an argument of `init` names, and what its table is called: `KIND` or `NAME=KIND`.
///
/// # Errors
///
/// A kind that does not exist.
pub fn named_kind(argument: &str) -> Result<(String, &'static Kind)> {
    let (name, kind) = argument.split_once('=').unwrap_or((argument, argument));
    let kind = providers::kind(kind).ok_or_else(|| {
        let known: Vec<&str> = providers::KINDS.iter().map(|kind| kind.name).collect();
        let error = Error::usage(format!("the kind `{kind}` does not exist"));
        error.hinted_all(known_hints(kind, "known", &known))
    })?;
    Ok((name.to_owned(), kind))
}

#[cfg(test)]
mod tests;
