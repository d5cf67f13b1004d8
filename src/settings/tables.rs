//! The providers' tables: file, `--set`, and what the surroundings say.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Env, Error, File, Origin, Result, github, github::Token};
use crate::model::Secret;
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
    pub secrets: BTreeMap<String, Token>,
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
        for name in tables.named.keys() {
            tables.kind_of(name)?;
        }
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

    /// The settings of some providers. A bare `--set KEY=…` must fit at least one of them.
    pub fn settings(&self, names: &[String]) -> Result<Vec<ProviderSettings>> {
        let mut all = names
            .iter()
            .map(|name| self.without_sets(name))
            .collect::<Result<Vec<_>>>()?;
        for (key, text) in &self.sets {
            let (owner, path) = match key.split_once('.') {
                Some((first, rest)) if all.iter().any(|p| p.name == first) => (Some(first), rest),
                Some((first, _)) if self.named.contains_key(first) => continue, // of a provider that is not used now
                _ => (None, key.as_str()),
            };
            let keys: Vec<&str> = path.split('.').collect();
            let takes = |p: &ProviderSettings| p.property(keys[0]).is_some();
            let fitting: Vec<bool> = all
                .iter()
                .map(|p| owner.map_or_else(|| takes(p), |owner| p.name == owner && takes(p)))
                .collect();
            if !fitting.contains(&true) {
                let providers = names.join(", ");
                return Err(Error::usage(format!(
                    "`--set {key}=…`: there is no setting `{}` in {providers}",
                    keys[0]
                ))
                .hinted(format!(
                    "see `gharun providers show {}`",
                    all.first().map_or("KIND", |p| p.kind.name)
                )));
            }
            for provider in all
                .iter_mut()
                .zip(fitting)
                .filter_map(|(p, fits)| fits.then_some(p))
            {
                provider.set(&keys, text)?;
            }
        }
        for provider in &mut all {
            provider.take_secrets(&self.env)?;
        }
        Ok(all)
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
                let secret = Token::Value(Secret::new(text.trim()));
                self.secrets.insert(key, secret);
                continue;
            }
            let source = github::source(&value, env, &origin, &key)?.ok_or_else(|| {
                Error::usage(format!(
                    "{origin}: the variable that `{key}` names is not set"
                ))
                .hinted("set it, or name another")
            })?;
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
