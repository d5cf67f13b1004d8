//! The providers' tables: file, `--set`, and what the surroundings say.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::{Map, Value};

use super::set::{SettingOverride, Typed};
use super::{Env, Error, ErrorKind, Origin, Result, SettingsFile};
use crate::model::{NO_PATH, SecretSource, known_hints, looks_like_key};
use crate::providers::schema::{self, Fault, Misfit, Shape};
use crate::providers::{self, KINDS, Kind};

mod doubted;
mod drafting;
mod inputs;
mod naming;
mod sources;

pub(super) use drafting::misnamed;
use naming::{subject, whole_key};

/// How long the name of a provider may be: it becomes a tag.
const LONGEST_NAME: usize = 40;

/// All tables of the file, and the kinds under their own names.
///
/// What is wrong in one table is an error where that table is asked for, and nowhere else.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    sets: Vec<Typed>,
    file: SettingsFile,
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
    /// Describes what may be set.
    schema: Schema,
}

impl Tables {
    pub(super) fn resolve(set: &[String], env: &Env, file: &SettingsFile) -> Result<Self> {
        let sets = set.iter().map(|text| Typed::read(text));
        let sets = sets.collect::<Result<_>>()?;
        Ok(Self {
            sets,
            file: file.clone(),
            env: env.clone(),
        })
    }

    /// The names that a user may give: tables, then kinds.
    pub fn known(&self) -> Vec<String> {
        let named = self.named();
        let kinds = KINDS.iter().map(|kind| kind.name.to_owned());
        let kinds = kinds.filter(|kind| !named.contains(kind));
        named.iter().cloned().chain(kinds).collect()
    }

    /// The hint that names them.
    pub(super) fn known_here(&self) -> String {
        format!("known providers: {}", self.known().join(", "))
    }

    /// Whether a name is that of a table, however it is filled, or of a kind.
    pub fn is_known(&self, name: &str) -> bool {
        self.file_of(name).has_provider(name) || providers::kind(name).is_some()
    }

    /// Refuses names that mean nothing here; what is wrong in a table is not asked.
    pub(super) fn know(&self, names: &[String]) -> Result<()> {
        match names.iter().find(|name| !self.is_known(name)) {
            Some(name) => self.kind_of(name).map(drop),
            None => Ok(()),
        }
    }

    /// The table of a name; `None` where the file has none of that name.
    fn table(&self, name: &str) -> Result<Option<&Map<String, Value>>> {
        let file = self.file_of(name);
        let Some(value) = file.contents.providers.get(name) else {
            return Ok(None);
        };
        let misfit = |misfit| file.misfit(&["providers", name], misfit);
        if let Some(why) = misnamed(name) {
            return Err(misfit(Misfit::refused(&[], why)));
        }
        let table = value.as_object().filter(|_| schema::is_table(value));
        table
            .map(Some)
            .ok_or_else(|| misfit(Misfit::wrong_type("a table", value)))
    }

    /// The kind behind a name.
    pub fn kind_of(&self, name: &str) -> Result<&'static Kind> {
        let kinds = || {
            let names = KINDS.iter().map(|kind| kind.name);
            names.collect::<Vec<_>>().join(", ")
        };
        let Some(table) = self.table(name)? else {
            return providers::kind(name).ok_or_else(|| {
                let error = Error::usage(format!("the provider `{name}` does not exist"));
                let hints = known_hints(name, "known providers", &self.known());
                error.hinted_all(hints)
            });
        };
        let file = self.file_of(name);
        let misfit = |misfit| file.misfit(&["providers", name, "kind"], misfit);
        match table.get("kind") {
            // A table under a kind's own name may leave it out.
            None => providers::kind(name).ok_or_else(|| {
                let path = Vec::new();
                let fault = Fault::Missing(String::new());
                misfit(Misfit { path, fault })
                    .hinted(format!("add `kind = \"…\"`, one of: {}", kinds()))
            }),
            Some(Value::String(kind)) => providers::kind(kind).ok_or_else(|| {
                let path = Vec::new();
                let fault = Fault::Wrong {
                    expected: "the name of a kind".to_owned(),
                    found: schema::backticked(kind),
                };
                let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                misfit(Misfit { path, fault }).hinted_all(known_hints(kind, "known", &names))
            }),
            Some(other) => Err(misfit(Misfit::wrong_type("a string", other))),
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
        for typed in &self.sets {
            self.set(&mut all, typed)?;
        }
        for (_, settings) in &mut all {
            let Ok(provider) = settings else { continue };
            match self.finish(provider) {
                Ok(()) => {}
                // It was typed for this very command.
                Err(TableError {
                    error,
                    origin: Origin::Flag(_) | Origin::Input(_),
                }) => return Err(error),
                Err(TableError { error, .. }) => *settings = Err(error),
            }
        }
        Ok(all)
    }

    /// Hands what was typed to the providers that have such a setting.
    fn set(&self, all: &mut [(String, Result<ProviderSettings>)], typed: &Typed) -> Result<()> {
        let (mut owner, mut keys) = self.owner(typed);
        if let Some(name) = owner
            && !all.iter().any(|(one, _)| one == name)
        {
            if self.file_of(name).has_provider(name) {
                // Of a provider that is not used now.
                return Ok(());
            }
            (owner, keys) = (None, &typed.keys);
        }
        let mut fits = false;
        for (name, settings) in all.iter_mut() {
            match settings {
                _ if owner.is_some_and(|owner| owner != name) => {}
                // Whether it would fit cannot be told.
                Err(_) => fits = true,
                Ok(provider) if provider.has(&keys[0]) => {
                    fits = true;
                    let set = provider.set(keys, &typed.text);
                    if let Err(misfit) = set? {
                        return Err(self.misfit(provider, misfit).error.hinted(format!(
                            "quote it for the shell: `--set '{}=[\"…\", \"…\"]'`; one value needs no brackets",
                            keys.join(".")
                        )));
                    }
                }
                Ok(_) => {}
            }
        }
        if fits {
            return Ok(());
        }
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let near = self.nearest_setting(all, typed);
        let kind = all.iter().find_map(|(_, settings)| settings.as_ref().ok());
        Err(Error::usage(format!(
            "`{}`: unknown setting `{}` in {}",
            Typed::flag(&typed.keys),
            keys.join("."),
            names.join(", ")
        ))
        .hinted_all(near.map(|near| format!("did you mean `{near}`?")))
        .hinted(format!(
            "see `gharun providers show {}`",
            kind.map_or("KIND", |provider| provider.kind.name)
        )))
    }

    /// The provider that a `--set NAME.KEY=…` is for, and the keys within its table.
    fn owner<'a>(&self, typed: &'a Typed) -> (Option<&'a str>, &'a [String]) {
        match typed.keys.as_slice() {
            [name, keys @ ..] if !keys.is_empty() && self.is_known(name) => (Some(name), keys),
            keys => (None, keys),
        }
    }

    fn without_sets(&self, name: &str) -> Result<ProviderSettings> {
        let kind = self.kind_of(name)?;
        if let Some(error) = self.file_of(name).distrust_of_provider(name, kind) {
            return Err(error);
        }
        let (mut values, mut origins) = (Map::new(), BTreeMap::new());
        for (variable, key, value) in
            kind.env_defaults(&|name| self.env.get(name).map(str::to_owned))
        {
            if !values.contains_key(key) {
                values.insert(key.to_owned(), value);
                origins.insert(key.to_owned(), Origin::Variable(variable.to_owned()));
            }
        }
        for (key, value) in self.table(name)?.into_iter().flatten() {
            if key != "kind" {
                values.insert(key.clone(), value.clone());
                let origin = self.file_of(name).origin(&["providers", name, key]);
                origins.insert(key.clone(), origin);
            }
        }
        self.put_inputs(kind, &mut values, &mut origins);
        Ok(ProviderSettings {
            name: name.to_owned(),
            kind,
            values,
            origins,
            secrets: BTreeMap::new(),
            schema: kind.schema(),
        })
    }

    /// Takes the secrets apart, and checks the form of all the rest.
    fn finish(&self, provider: &mut ProviderSettings) -> Result<(), TableError> {
        for path in provider.sources() {
            if let Some(value) = provider.take(&path) {
                let secret = self.secret(provider, &path, &value);
                let secret = secret.map_err(|error| TableError {
                    origin: provider.origin(&path[0]),
                    error,
                })?;
                provider.secrets.insert(schema::dotted(&path), secret);
            }
        }
        let absent = self.take_paths(provider);
        let mut values = provider.values.clone();
        for key in provider.secrets.keys() {
            sources::put(&mut values, &schema::undotted(key), "***".into());
        }
        // What is not set is only needed where the provider is opened.
        let misfit = provider.kind.misfit(&values);
        let misfit = misfit.filter(|misfit| !misfit.is_missing_setting());
        if let Some(misfit) = misfit.or(absent) {
            return Err(self.misfit(provider, misfit));
        }
        provider.kind.fits(&values).map_err(|error| {
            let name = &provider.name;
            let path = schema::undotted(error.key().unwrap_or_default());
            let origin = self.origin(name, &path);
            let error = error.of_setting(&subject(name, &path, &origin));
            let error = error.about(whole_key(name, &path));
            let error = error.map(|_| ErrorKind::Usage);
            TableError { error, origin }
        })
    }

    /// Looks up a variable of the environment, for a kind that is opened.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.env.get(name).map(str::to_owned)
    }

    /// Where the value of a provider's setting stands.
    fn origin(&self, name: &str, path: &[String]) -> Origin {
        let joined = |keys: &[String]| keys.join(".") + ".";
        let whole = joined(path);
        let set = self.sets.iter().rev().find_map(|typed| {
            let (owner, keys) = self.owner(typed);
            let meant = owner.is_none_or(|owner| owner == name);
            let typed = joined(keys);
            let reaches = typed.starts_with(&whole) || whole.starts_with(&typed);
            (meant && reaches).then(|| Origin::Flag(Typed::flag(keys)))
        });
        let Some(key) = path.first() else {
            return self.file_of(name).origin(&["providers", name]);
        };
        let of_file = || {
            self.table(name).ok()??.get(key)?;
            let table = ["providers", name].map(str::to_owned);
            Some(self.file_of(name).origin(&[&table, path].concat()))
        };
        let surroundings = || {
            let kind = self.kind_of(name).ok()?;
            let lookup = |name: &str| self.env.get(name).map(str::to_owned);
            let ambient = kind.env_defaults(&lookup).into_iter();
            let mut ambient = ambient.filter(|(_, setting, _)| setting == key);
            let (variable, ..) = ambient.next()?;
            Some(Origin::Variable(variable.to_owned()))
        };
        set.or_else(|| self.origin_of_input(name, &whole))
            .or_else(of_file)
            .or_else(surroundings)
            .unwrap_or(Origin::Default)
    }

    /// Resolves `~/` in all paths; what is wrong with one that has to be there, and is not. What the
    /// surroundings name need not be: it is the usual place of something that may not be used.
    fn take_paths(&self, provider: &mut ProviderSettings) -> Option<Misfit> {
        let mut absent = None;
        let folder = provider.folder();
        let mut values = Value::Object(std::mem::take(&mut provider.values));
        let named = |key: &str| !matches!(provider.origin(key), Origin::Variable(_));
        Shape::of(&provider.schema).visit(
            &mut values,
            &mut |path: &[String], shape: Shape<'_>, text: &mut String| {
                if shape.is_program_word() && path.last().is_some_and(|last| last == "[0]") {
                    *text = self.env.program(text, folder.as_deref());
                }
                if !shape.is_path() {
                    return;
                }
                if looks_like_key(text) {
                    absent.get_or_insert(Misfit::refused(path, NO_PATH.to_owned()));
                    return;
                }
                let resolved = self.env.path(text);
                if shape.must_exist()
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

    /// The error for what is wrong in the settings of a provider, and who is to blame.
    fn misfit(&self, provider: &ProviderSettings, mut misfit: Misfit) -> TableError {
        let name = &provider.name;
        let origin = self.origin(name, &misfit.path);
        let error = if let Origin::File { .. } = origin {
            self.file_of(name).misfit(&["providers", name], misfit)
        } else {
            if let Fault::Wrong { found, .. } = &mut misfit.fault
                && let Some(text) = self.typed(name, &misfit.path)
            {
                *found = schema::backticked(text);
            }
            let key = ["providers", name].map(str::to_owned);
            let key = schema::dotted(&[&key[..], &misfit.path].concat());
            super::unfit(&subject(name, &misfit.path, &origin), misfit.fault).about(key)
        };
        TableError { error, origin }
    }

    /// What was typed for a setting of a provider.
    fn typed(&self, name: &str, path: &[String]) -> Option<&str> {
        let mut sets = self.sets.iter().rev();
        let typed = sets.find(|typed| {
            let (owner, keys) = self.owner(typed);
            owner.is_none_or(|owner| owner == name) && keys.join(".") == path.join(".")
        })?;
        Some(&typed.text)
            .filter(|text| !text.is_empty())
            .map(String::as_str)
    }
}

/// What is wrong with the settings of one provider.
struct TableError {
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

    /// Whether the text of a key may be given for a setting, by its source.
    pub fn is_key(&self, key: &str) -> bool {
        self.shapes(key).into_iter().any(Shape::is_key)
    }

    /// Where a key was set.
    pub fn origin(&self, key: &str) -> Origin {
        let top = key.split(['.', '[']).next().unwrap_or(key);
        self.origins.get(top).cloned().unwrap_or(Origin::Default)
    }

    /// Takes a value that was typed.
    ///
    /// # Errors
    ///
    /// A secret, or what cannot be read as the setting wants it.
    fn set(&mut self, keys: &[String], text: &str) -> Result<Result<(), Misfit>> {
        let origin = Origin::Flag(Typed::flag(keys));
        if self.is_secret(&keys[0]) {
            return Err(Error::usage(format!(
                "`{origin}` must not hold a secret: everybody who can list processes would see it"
            ))
            .hinted(format!(
                "write `{} = {{ env = \"NAME\" }}` in providers.toml",
                keys[0]
            )));
        }
        let read = SettingOverride::read(Shape::of(&self.schema), keys, text);
        Ok(read.map(|set| {
            set.into_table(&mut self.values);
            self.origins.insert(keys[0].clone(), origin);
        }))
    }
}
