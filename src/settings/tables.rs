//! The providers' tables: file, `--set`, and what the surroundings say.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::{Map, Value};

use super::set::Set;
use super::values::Source;
use super::{Env, Error, File, Origin, Result, github};
use crate::model::{Secret, SecretSource};
use crate::providers::schema::{self, Misfit, Shape};
use crate::providers::{self, KINDS, Kind};

/// All tables of the file, and the kinds under their own names.
///
/// What is wrong in one table is an error where that table is asked for, and nowhere else.
#[derive(Clone, Debug, Default)]
pub struct Tables {
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
    /// What `--set` options set.
    sets: Vec<(Vec<String>, Origin)>,
    /// Describes what may be set.
    schema: Schema,
}

impl Tables {
    pub(super) fn resolve(set: &[String], env: &Env, file: &File) -> Result<Self> {
        for name in file.contents.providers.keys() {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if !name.chars().all(plain) || name.len() > 40 {
                let place = file.origin(&["providers", name]);
                return Err(Error::usage(format!(
                    "{place}: `{name}` is not a valid provider name"
                ))
                .hinted("use at most 40 letters, digits, `-` and `_`"));
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
        Ok(Self {
            sets,
            file: file.clone(),
            env: env.clone(),
        })
    }

    /// The names that a user may give: tables, then kinds.
    pub fn known(&self) -> Vec<String> {
        let named = &self.file.contents.providers;
        let kinds = KINDS.iter().map(|kind| kind.name.to_owned());
        let kinds = kinds.filter(|kind| !named.contains_key(kind));
        self.named().into_iter().chain(kinds).collect()
    }

    /// Whether a name is that of a table, however it is filled, or of a kind.
    pub fn is_known(&self, name: &str) -> bool {
        self.file.contents.providers.contains_key(name) || providers::kind(name).is_some()
    }

    /// Refuses names that mean nothing here; what is wrong in a table is not asked.
    pub(super) fn know(&self, names: &[String]) -> Result<()> {
        match names.iter().find(|name| !self.is_known(name)) {
            Some(name) => self.kind_of(name).map(drop),
            None => Ok(()),
        }
    }

    /// The names of the file's tables.
    pub fn named(&self) -> Vec<String> {
        self.file.contents.providers.keys().cloned().collect()
    }

    /// The table of a name; `None` where the file has none of that name.
    fn table(&self, name: &str) -> Result<Option<&Map<String, Value>>> {
        let Some(value) = self.file.contents.providers.get(name) else {
            return Ok(None);
        };
        value.as_object().map(Some).ok_or_else(|| {
            let misfit = Misfit::wrong_type("a table", value);
            self.file.misfit(&["providers", name], misfit)
        })
    }

    /// The kind behind a name.
    pub fn kind_of(&self, name: &str) -> Result<&'static Kind> {
        let kinds = || {
            let names = KINDS.iter().map(|kind| kind.name);
            names.collect::<Vec<_>>().join(", ")
        };
        let Some(table) = self.table(name)? else {
            return providers::kind(name).ok_or_else(|| {
                Error::usage(format!("the provider `{name}` does not exist"))
                    .hinted(format!("known providers: {}", self.known().join(", ")))
            });
        };
        let path = ["providers", name, "kind"];
        let place = self.file.origin(&path);
        match table.get("kind") {
            // A table under a kind's own name may leave it out.
            None => providers::kind(name).ok_or_else(|| {
                Error::usage(format!("{place}: [providers.{name}] has no `kind`"))
                    .hinted(format!("add `kind = \"…\"`, one of: {}", kinds()))
            }),
            Some(Value::String(kind)) => providers::kind(kind).ok_or_else(|| {
                Error::usage(format!("{place}: the kind `{kind}` does not exist"))
                    .hinted(format!("known: {}", kinds()))
            }),
            Some(other) => Err(self
                .file
                .misfit(&path, Misfit::wrong_type("a string", other))),
        }
    }

    /// The settings of some providers: see [`Tables::each`].
    ///
    /// # Errors
    ///
    /// The first that cannot be used.
    pub fn settings(&self, names: &[String]) -> Result<Vec<ProviderSettings>> {
        let all = self.each(names)?.into_iter();
        all.map(|(_, settings)| settings).collect()
    }

    /// The settings of some providers, each with its name, or what is wrong in its table. A bare `--set KEY=…` must fit
    /// at least one of them.
    ///
    /// # Errors
    ///
    /// A name that is not known, or a `--set` that cannot be meant.
    pub fn each(&self, names: &[String]) -> Result<Vec<(String, Result<ProviderSettings>)>> {
        self.know(names)?;
        let mut all = Vec::new();
        for name in names {
            all.push((name.clone(), self.without_sets(name)));
        }
        for (key, text) in &self.sets {
            self.set(&mut all, key, text)?;
        }
        for (_, settings) in &mut all {
            let Ok(provider) = settings else { continue };
            match self.finish(provider) {
                Ok(()) => {}
                // It was typed for this very command.
                Err(Flaw {
                    error,
                    origin: Origin::Flag(_),
                }) => return Err(error),
                Err(Flaw { error, .. }) => *settings = Err(error),
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
            // Of a provider that is not used now.
            Some((first, _)) if self.file.contents.providers.contains_key(first) => return Ok(()),
            _ => (None, key),
        };
        let keys: Vec<&str> = path.split('.').collect();
        let mut fits = false;
        for (name, settings) in all.iter_mut() {
            match settings {
                _ if owner.is_some_and(|owner| owner != name) => {}
                // Whether it would fit cannot be told.
                Err(_) => fits = true,
                Ok(provider) if provider.has(keys[0]) => {
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
            "`--set {key}=…`: unknown setting `{}` in {}",
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
        for (key, value) in self.table(name)?.into_iter().flatten() {
            if key != "kind" {
                values.insert(key.clone(), value.clone());
                origins.insert(key.clone(), self.file.origin(&["providers", name, key]));
            }
        }
        Ok(ProviderSettings {
            name: name.to_owned(),
            kind,
            values,
            origins,
            secrets: BTreeMap::new(),
            sets: Vec::new(),
            schema: kind.schema(),
        })
    }

    /// Takes the secrets apart, and checks the form of all the rest.
    fn finish(&self, provider: &mut ProviderSettings) -> Result<(), Flaw> {
        let keys = provider.values.keys().filter(|key| provider.is_secret(key));
        for key in keys.cloned().collect::<Vec<_>>() {
            if let Some(value) = provider.values.remove(&key) {
                let secret = self.secret(provider, &key, &value);
                let secret = secret.map_err(|error| Flaw {
                    origin: provider.origin(&key),
                    error,
                })?;
                provider.secrets.insert(key, secret);
            }
        }
        let absent = self.take_paths(provider);
        let mut values = provider.values.clone();
        for key in provider.secrets.keys() {
            values.insert(key.clone(), "***".into());
        }
        // What is not set is only needed where the provider is opened.
        let misfit = provider.kind.misfit(&values);
        let misfit = misfit.filter(|misfit| !misfit.is_missing_setting());
        match misfit.or(absent) {
            Some(misfit) => Err(self.misfit(provider, misfit)),
            None => Ok(()),
        }
    }

    /// Resolves `~/` in all paths; what is wrong with one that has to be there, and is not. What the
    /// surroundings name need not be: it is the usual place of something that may not be used.
    fn take_paths(&self, provider: &mut ProviderSettings) -> Option<Misfit> {
        let mut absent = None;
        let mut values = Value::Object(std::mem::take(&mut provider.values));
        let named = |key: &str| !matches!(provider.origin(key), Origin::Variable(_));
        Shape::of(&provider.schema).visit(
            &mut values,
            &mut |path: &[String], shape: Shape<'_>, text: &mut String| {
                if !shape.is_path() {
                    return;
                }
                let resolved = self.env.path(text);
                if shape.must_exist()
                    && !text.is_empty()
                    && named(&path[0])
                    && let Err(error) = std::fs::metadata(&resolved)
                {
                    let why = format!("`{}`: {error}", resolved.display());
                    absent.get_or_insert(Misfit::refused(path, why));
                }
                if let Ok(resolved) = resolved.into_os_string().into_string() {
                    *text = resolved;
                }
            },
        );
        if let Value::Object(values) = values {
            provider.values = values;
        }
        absent
    }

    fn secret(
        &self,
        provider: &ProviderSettings,
        key: &str,
        value: &Value,
    ) -> Result<SecretSource> {
        // What came from a variable is a literal by right.
        if let (Origin::Variable(_), Value::String(text)) = (provider.origin(key), value) {
            return Ok(SecretSource::Literal(Secret::new(text.trim())));
        }
        let path = ["providers", &provider.name, key];
        let source: Source =
            schema::read_value(value).map_err(|misfit| self.file.misfit(&path, misfit))?;
        Ok(github::source(&source, &self.env))
    }

    /// The error for what is wrong in the settings of a provider, and who is to blame.
    fn misfit(&self, provider: &ProviderSettings, misfit: Misfit) -> Flaw {
        let (name, path) = (&provider.name, &misfit.path);
        let key = path.first().map_or("", String::as_str);
        let flags = provider.sets.iter().rev();
        let flag = flags.map(|(set, origin)| (set.as_slice(), origin));
        let mut flag = flag.filter(|(set, _)| path.starts_with(set) || set.starts_with(path));
        let in_file = || self.table(name).ok().flatten()?.get(key).map(drop);
        let origin = match (flag.next(), in_file()) {
            (Some((_, origin)), _) => origin.clone(),
            (None, Some(())) => self.file.origin(&["providers", name, key]),
            (None, None) => provider.origin(key),
        };
        let error = if let Origin::File { .. } = origin {
            self.file.misfit(&["providers", name], misfit)
        } else {
            let key = misfit.key();
            let subject = format!("`{key}` of `{name}` ({origin})");
            super::unfit(&subject, misfit.fault).about(key)
        };
        Flaw { error, origin }
    }
}

/// What is wrong with the settings of one provider.
struct Flaw {
    error: Error,
    origin: Origin,
}

impl ProviderSettings {
    /// What may be written for a key.
    fn shapes(&self, key: &str) -> Vec<Shape<'_>> {
        Shape::of(&self.schema).inside(key)
    }

    /// Whether the kind has a setting of that name.
    fn has(&self, key: &str) -> bool {
        !self.shapes(key).is_empty()
    }

    fn is_secret(&self, key: &str) -> bool {
        self.shapes(key).into_iter().any(Shape::is_secret)
    }

    /// Where a key was set.
    pub fn origin(&self, key: &str) -> Origin {
        let top = key.split(['.', '[']).next().unwrap_or(key);
        self.origins.get(top).cloned().unwrap_or(Origin::Default)
    }

    fn set(&mut self, keys: &[&str], text: &str) -> Result<()> {
        let origin = Origin::Flag(format!("--set {}", keys.join(".")));
        if self.is_secret(keys[0]) {
            return Err(Error::usage(format!(
                "`{origin}` must not hold a secret: everybody who can list processes would see it"
            ))
            .hinted(format!(
                "write `{} = {{ env = \"NAME\" }}` in providers.toml",
                keys[0]
            )));
        }
        let set = Set::read(Shape::of(&self.schema), keys, text);
        self.sets.push((set.path.clone(), origin.clone()));
        set.into_table(&mut self.values);
        self.origins.insert(keys[0].to_owned(), origin);
        Ok(())
    }
}
