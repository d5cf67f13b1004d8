//! The providers' tables: file, `--set`, and what the surroundings say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Env, Error, File, Origin, Result, github};
use crate::model::{Secret, SecretSource};
use crate::providers::{self, KINDS, Kind};

/// All tables of the file, and the kinds under their own names.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    named: BTreeMap<String, Map<String, Value>>,
    sets: Vec<(String, String)>,
    file: File,
    env: Env,
}

/// The settings of one provider, with the origin of each key.
#[derive(Debug)]
pub struct ProviderSettings {
    /// The table's name, or the kind's.
    pub name: String,
    /// Its kind.
    pub kind: &'static Kind,
    /// Key -> value, secrets still as their sources.
    pub values: Map<String, Value>,
    /// Key -> where it was set.
    pub origins: BTreeMap<String, Origin>,
    /// Keys whose value is a secret -> its source.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl Tables {
    pub(super) fn resolve(set: &[String], env: &Env, file: &File) -> Result<Self> {
        let mut tables = BTreeMap::new();
        if let Some(value) = file.get(&["providers"]) {
            let wrong = |path: &[&str]| {
                Error::usage(format!(
                    "{}: `{}` is a table",
                    file.origin(path),
                    path.join(".")
                ))
            };
            for (name, table) in value.as_object().ok_or_else(|| wrong(&["providers"]))? {
                let path = ["providers", name.as_str()];
                let table = table.as_object().ok_or_else(|| wrong(&path))?;
                if !name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
                    || name.len() > 40
                {
                    return Err(Error::usage(format!(
                        "{}: a provider cannot be named `{name}`",
                        file.origin(&path)
                    ))
                    .hinted("use at most 40 letters, digits, `-` and `_`"));
                }
                tables.insert(name.clone(), table.clone());
            }
        }
        let mut sets = Vec::new();
        for text in set {
            let (key, value) = text
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| {
                    Error::usage(format!("`--set {text}` has no value"))
                        .hinted("write `--set KEY=VALUE`, or `--set NAME.KEY=VALUE`")
                })?;
            sets.push((key.to_owned(), value.to_owned()));
        }
        let tables = Self {
            named: tables,
            sets,
            file: file.clone(),
            env: env.clone(),
        };
        Ok(tables)
    }

    /// The names that a user may give: tables, then kinds.
    pub fn known(&self) -> Vec<String> {
        let kinds = KINDS
            .iter()
            .map(|kind| kind.name.to_owned())
            .filter(|kind| !self.named.contains_key(kind));
        self.named.keys().cloned().chain(kinds).collect()
    }

    /// The names of the file's tables.
    pub fn named(&self) -> Vec<String> {
        self.named.keys().cloned().collect()
    }

    /// The kind behind a name.
    pub fn kind_of(&self, name: &str) -> Result<&'static Kind> {
        let kinds = || {
            KINDS
                .iter()
                .map(|kind| kind.name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(table) = self.named.get(name) else {
            return providers::kind(name).ok_or_else(|| {
                Error::usage(format!("there is no provider `{name}`"))
                    .hinted(format!("known here: {}", self.known().join(", ")))
            });
        };
        let path = ["providers", name, "kind"];
        match table.get("kind") {
            // A table under a kind's own name may leave it out.
            None => providers::kind(name).ok_or_else(|| {
                Error::usage(format!(
                    "{}: [providers.{name}] has no `kind`",
                    self.file.origin(&path)
                ))
                .hinted(format!("add `kind = \"…\"`, one of: {}", kinds()))
            }),
            Some(Value::String(kind)) => providers::kind(kind).ok_or_else(|| {
                Error::usage(format!(
                    "{}: there is no kind `{kind}`",
                    self.file.origin(&path)
                ))
                .hinted(format!("known: {}", kinds()))
            }),
            Some(other) => Err(super::bad(
                &self.file.origin(&path),
                "kind",
                &other.to_string(),
                "write a kind's name in quotes",
            )),
        }
    }

    /// Whether a name is that of a table, however it is filled, or of a kind.
    pub fn is_known(&self, name: &str) -> bool {
        self.named.contains_key(name) || providers::kind(name).is_some()
    }

    /// Refuses names that mean nothing here; what is wrong in a table is not asked.
    pub(super) fn know(&self, names: &[String]) -> Result<()> {
        match names.iter().find(|name| !self.is_known(name)) {
            Some(name) => self.kind_of(name).map(drop),
            None => Ok(()),
        }
    }

    /// The settings of some providers: see [`Tables::each`].
    pub fn settings(&self, names: &[String]) -> Result<Vec<ProviderSettings>> {
        let all = self.each(names)?.into_iter();
        all.map(|(_, settings)| settings).collect()
    }

    /// The settings of some providers, each with its name, or what is wrong in its table.
    pub fn each(&self, names: &[String]) -> Result<Vec<(String, Result<ProviderSettings>)>> {
        let mut all = Vec::new();
        for name in names {
            if !self.is_known(name) {
                self.kind_of(name)?;
            }
            all.push((name.clone(), self.without_sets(name)));
        }
        for (key, text) in &self.sets {
            self.set(&mut all, key, text)?;
        }
        for (_, settings) in &mut all {
            if let Ok(provider) = settings
                && let Err(error) = provider.take_secrets(&self.env)
            {
                *settings = Err(error);
            }
        }
        Ok(all)
    }

    fn set(
        &self,
        all: &mut [(String, Result<ProviderSettings>)],
        key: &str,
        text: &str,
    ) -> Result<()> {
        let (owner, path) = match key.split_once('.') {
            Some((first, rest)) if all.iter().any(|(name, _)| name == first) => (Some(first), rest),
            Some((first, _)) if self.named.contains_key(first) => return Ok(()),
            _ => (None, key),
        };
        let keys: Vec<&str> = path.split('.').collect();
        let mut fits = false;
        for (name, settings) in all.iter_mut() {
            match settings {
                _ if owner.is_some_and(|owner| owner != name) => {}
                Err(_) => fits = true,
                Ok(provider) if provider.property(keys[0]).is_some() => {
                    fits = true;
                    provider.set(&keys, text)?;
                }
                Ok(_) => {}
            }
        }
        if fits {
            return Ok(());
        }
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let kind = all.iter().find_map(|(_, settings)| settings.as_ref().ok());
        Err(Error::usage(format!(
            "`--set {key}=…`: there is no setting `{}` in {}",
            keys[0],
            names.join(", ")
        ))
        .hinted(format!(
            "see `gharun providers show {}`",
            kind.map_or("KIND", |provider| provider.kind.name)
        )))
    }

    fn without_sets(&self, name: &str) -> Result<ProviderSettings> {
        let kind = self.kind_of(name)?;
        let (mut values, mut origins) = (Map::new(), BTreeMap::new());
        for (variable, key, value) in kind.ambient(&|name| self.env.get(name).map(str::to_owned)) {
            if !values.contains_key(key) {
                values.insert(key.to_owned(), value);
                origins.insert(key.to_owned(), Origin::Variable(variable.to_owned()));
            }
        }
        for (key, value) in self
            .named
            .get(name)
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "kind")
        {
            values.insert(key.clone(), value.clone());
            origins.insert(key.clone(), self.file.origin(&["providers", name, key]));
        }
        Ok(ProviderSettings {
            name: name.to_owned(),
            kind,
            values,
            origins,
            secrets: BTreeMap::new(),
        })
    }
}

impl ProviderSettings {
    /// What the kind's description says of a key.
    fn property(&self, key: &str) -> Option<Value> {
        self.kind.schema().get("properties")?.get(key).cloned()
    }

    /// Where a key was set.
    pub fn origin(&self, key: &str) -> Origin {
        let top = key.split(['.', '[']).next().unwrap_or(key);
        self.origins.get(top).cloned().unwrap_or(Origin::Default)
    }

    fn set(&mut self, keys: &[&str], text: &str) -> Result<()> {
        let origin = Origin::Flag(format!("--set {}", keys.join(".")));
        if self
            .property(keys[0])
            .is_some_and(|about| is_secret(&about))
        {
            return Err(Error::usage(format!(
                "`{origin}` would show a secret to everybody who can list processes"
            ))
            .hinted(format!(
                "write `{} = {{ env = \"NAME\" }}` in providers.toml",
                keys[0]
            )));
        }
        let takes_only_text = keys.len() == 1
            && self
                .property(keys[0])
                .is_some_and(|about| only_text(&about));
        let value = if takes_only_text {
            Value::String(text.to_owned())
        } else {
            parse_value(text)
        };
        let mut place = self.values.entry(keys[0]).or_insert(Value::Null);
        for key in &keys[1..] {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(table) = place else {
                unreachable!("it was just made a table")
            };
            place = table.entry(*key).or_insert(Value::Null);
        }
        *place = value;
        self.origins.insert(keys[0].to_owned(), origin);
        Ok(())
    }

    fn take_secrets(&mut self, env: &Env) -> Result<()> {
        let secret: Vec<String> = self
            .values
            .keys()
            .filter(|key| self.property(key).is_some_and(|about| is_secret(&about)))
            .cloned()
            .collect();
        for key in secret {
            let origin = self.origin(&key);
            let Some(value) = self.values.remove(&key) else {
                continue;
            };
            // What came from a variable is a literal by right.
            if let (Origin::Variable(_), Value::String(text)) = (&origin, &value) {
                let secret = SecretSource::Literal(Secret::new(text.trim()));
                self.secrets.insert(key, secret);
                continue;
            }
            let source = github::source(&value, env, &origin, &key)?;
            self.secrets.insert(key, source);
        }
        Ok(())
    }
}

/// A secret, or an optional one.
fn is_secret(about: &Value) -> bool {
    about.get("format").and_then(Value::as_str) == Some("secret")
        || about
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|kinds| kinds.iter().any(is_secret))
}

fn only_text(about: &Value) -> bool {
    match about.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().all(|kind| kind == "string" || kind == "null"),
        _ => false,
    }
}

/// A value as TOML would read it (`3`, `true`, `["a"]`, `{ a = 1 }`), else plain text.
fn parse_value(text: &str) -> Value {
    #[derive(serde::Deserialize)]
    struct Line {
        value: Value,
    }
    toml::from_str::<Line>(&format!("value = {text}"))
        .map_or_else(|_| Value::String(text.to_owned()), |line| line.value)
}
