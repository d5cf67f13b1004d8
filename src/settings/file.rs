//! providers.toml: its values, each with a type, and the line of each; and how far it is trusted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::found::{self, Owners};
use super::trust::Doubt;
use super::values::{
    ApiUrl, AppId, Count, Enterprise, GroupSetting, InstallationId, LabelSetting, Org, Repo,
    SecretSetting, StartGroup,
};
use super::{Env, Error, Origin, Result, Setting, written};
use crate::model::{
    HumanDuration, PathSetting, RegistrationMode, RunnerVersion, child, known_hints,
};
use crate::providers::schema::{self, Fault, Misfit, Shape, dotted};
use crate::providers::{self, Kind};

/// Where the file is looked for in the current folder.
pub(super) const HERE: &str = "providers.toml";

/// The file, or an empty one where none was found.
#[derive(Clone, Debug, Default)]
pub struct SettingsFile {
    /// Where it was found.
    pub path: Option<PathBuf>,
    pub(super) contents: FileContents,
    /// The keys on the way to a value -> its line, from 1.
    lines: BTreeMap<Vec<String>, usize>,
    /// All values as they were written.
    values: Value,
    /// The whole keys of `[defaults]` and `[github]` that need trust.
    sensitive: Vec<Vec<String>>,
    /// Whether it was found in the current folder, and not named.
    found: bool,
    /// Whether the user named it.
    named: bool,
    /// Why what is not harmless in it may not be used; `None` where the file is trusted.
    doubt: Option<Doubt>,
    /// The user's own file (empty where there is none), where this one is not trusted: it must hide nothing.
    own: Option<Box<SettingsFile>>,
}

/// What the file may hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileContents {
    #[serde(default)]
    pub(super) defaults: Defaults,
    #[serde(default)]
    pub(super) github: GitHubTable,
    /// Each is read by its kind, so that a mistake in one is the end of no other.
    #[serde(default)]
    pub(super) providers: BTreeMap<String, Value>,
}

/// `[defaults]`: what holds where neither a flag nor a variable says otherwise.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    #[schemars(extend("x-harmless" = false))]
    pub(super) allow_partial: Option<bool>,
    #[schemars(extend("x-harmless" = true))]
    pub(super) count: Option<Count>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) group: Option<StartGroup>,
    #[schemars(extend("x-harmless" = "30m"))]
    pub(super) idle_timeout: Option<HumanDuration>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) keep_failed: Option<bool>,
    #[schemars(extend("x-harmless" = true))]
    pub(super) labels: Option<Vec<LabelSetting>>,
    #[schemars(extend("x-harmless" = "7h"))]
    pub(super) lifetime: Option<HumanDuration>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) older_than: Option<HumanDuration>,
    #[schemars(extend("x-harmless" = true))]
    pub(super) poll_interval: Option<HumanDuration>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) providers: Option<Vec<String>>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) registration: Option<RegistrationMode>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) runner_version: Option<RunnerVersion>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) second_look: Option<HumanDuration>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) setup: Option<PathSetting>,
    #[schemars(extend("x-harmless" = "15m"))]
    pub(super) timeout: Option<HumanDuration>,
}

/// `[github]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GitHubTable {
    #[schemars(extend("x-harmless" = false))]
    pub(super) allow_plain_http: Option<bool>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) api_url: Option<ApiUrl>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) app: Option<AppTable>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) ca_bundle: Option<PathSetting>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) enterprise: Option<Enterprise>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) org: Option<Org>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) repo: Option<Repo>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) runner_group: Option<GroupSetting>,
    #[schemars(extend("x-harmless" = false))]
    pub(super) token: Option<SecretSetting>,
}

/// `[github.app]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AppTable {
    pub(super) id: Option<AppId>,
    pub(super) installation: Option<InstallationId>,
    pub(super) private_key: Option<SecretSetting>,
}

impl SettingsFile {
    /// Finds and reads the file: `flag`, `$GHARUN_CONFIG`, `./providers.toml`, the user's.
    pub(super) fn find(flag: Option<&Path>, env: &Env) -> Result<Self> {
        if let Some(path) = env.path_setting("config", flag)? {
            let named = Self::load(&path.value)?.ok_or_else(|| {
                let message = format!(
                    "{} cannot be `{}`: the file does not exist",
                    path.subject("config"),
                    path.value.display()
                );
                Error::usage(message).hinted(
                    "correct the path, or leave it out: every kind works with its defaults; \
                     `gharun providers init` writes `./providers.toml`",
                )
            });
            return named.map(|file| Self {
                named: true,
                ..file
            });
        }
        let here = Path::new(HERE);
        let own = Self::own_path(env);
        let load_own = || {
            let own = own.as_deref().map(Self::load).transpose()?;
            Ok(own.flatten().unwrap_or_default())
        };
        // Who works in the folder of the own file finds that one.
        if own.as_deref().is_some_and(|own| found::is_same(here, own)) {
            return load_own();
        }
        let Some(text) = found::read(here, Owners::of(env).as_ref())? else {
            return load_own();
        };
        let mut file = Self::parse(here, &text)?;
        file.found = true;
        file.doubt = Doubt::about(here, &text, &file.values, env);
        if file.doubt.is_some() {
            file.own = Some(Box::new(load_own()?));
        } else {
            withhold_named(&file.values);
        }
        Ok(file)
    }

    /// Where the user's own file is.
    pub(super) fn own_path(env: &Env) -> Option<PathBuf> {
        let base = env.base("XDG_CONFIG_HOME", ".config")?;
        Some(base.join("gharun/providers.toml"))
    }

    /// The user's own file, or an empty one, where this one is not trusted.
    pub(super) fn own(&self) -> Option<&Self> {
        self.own.as_deref()
    }

    /// Whether it has a table of a provider of that name.
    pub(super) fn has_provider(&self, name: &str) -> bool {
        self.contents.providers.contains_key(name)
    }

    fn load(path: &Path) -> Result<Option<Self>> {
        let text = found::read_named(path)?;
        let Some(text) = text else { return Ok(None) };
        let file = Self::parse(path, &text)?;
        withhold_named(&file.values);
        Ok(Some(file))
    }

    /// The error for keys of this file, where they need a trust that it has not; each key is whole.
    pub(super) fn distrust(&self, keys: &[Vec<String>]) -> Option<Error> {
        /// As many keys as an error names.
        const NAMED: usize = 3;
        let doubt = self.doubt.as_ref()?;
        let first = keys.first()?;
        let names = keys
            .iter()
            .take(NAMED)
            .map(|key| format!("`{}`", dotted(key)));
        let mut names = names.collect::<Vec<_>>().join(", ");
        if keys.len() > NAMED {
            let more = format!(" and {} more", keys.len() - NAMED);
            names.push_str(&more);
        }
        let needs = if keys.len() == 1 { "needs" } else { "need" };
        let origin = self.origin(first);
        let message = format!("{names} ({origin}) {needs} trust: {doubt}");
        Some(
            Error::usage(message)
                .hinted(doubt.hint())
                .about(dotted(first)),
        )
    }

    /// The error for what needs trust in the table of a provider, where the file has none.
    pub(super) fn distrust_of_provider(&self, name: &str, kind: &Kind) -> Option<Error> {
        self.doubt.as_ref()?;
        let keys = self.of_provider_needing_trust(name, kind);
        self.distrust(&keys)
    }

    fn of_provider_needing_trust(&self, name: &str, kind: &Kind) -> Vec<Vec<String>> {
        let Some(Value::Object(table)) = self.contents.providers.get(name) else {
            return Vec::new();
        };
        let whole = ["providers", name].map(str::to_owned);
        if self.own().is_some_and(|own| own.has_provider(name)) {
            // It would take the place of the user's own.
            return vec![whole.to_vec()];
        }
        let mut table = table.clone();
        // A kind chooses where jobs run, but where it is the one that the name means anyway.
        if table.get("kind").and_then(Value::as_str) == Some(name) {
            table.remove("kind");
        }
        let schema = kind.schema();
        let keys = Shape::of(&schema).needing_trust(&Value::Object(table));
        let keys = keys.into_iter();
        keys.map(|key| [&whole[..], &key].concat()).collect()
    }

    /// The error for a setting of `[defaults]` or `[github]` that needs trust, where the file has none.
    pub(super) fn distrust_of(&self, path: &[&str]) -> Option<Error> {
        let keys = self.sensitive.iter();
        let keys = keys.filter(|key| key.iter().zip(path).all(|(key, part)| key == part));
        let keys: Vec<Vec<String>> = keys.cloned().collect();
        self.distrust(&keys)
    }

    /// The error for all settings of `[defaults]` among these that need trust, where the file has none.
    pub(super) fn distrust_of_defaults(&self, names: &[&str]) -> Option<Error> {
        let is_one = |key: &&Vec<String>| {
            key[0] == "defaults" && key.get(1).is_some_and(|key| names.contains(&key.as_str()))
        };
        let keys: Vec<Vec<String>> = self.sensitive.iter().filter(is_one).cloned().collect();
        self.distrust(&keys)
    }

    /// Every key that needs trust, in the order in which the file holds them.
    pub(super) fn needing_trust(&self) -> Vec<Vec<String>> {
        let mut keys = self.sensitive.clone();
        for name in self.contents.providers.keys() {
            let table = ["providers", name].map(str::to_owned);
            let kind = self.contents.providers[name]["kind"].as_str();
            match providers::kind(kind.unwrap_or(name)) {
                Some(kind) => keys.extend(self.of_provider_needing_trust(name, kind)),
                None => keys.push(table.to_vec()),
            }
        }
        keys
    }

    /// Takes `[github]` out of a file that is not trusted. The first error is for everything: which server is meant
    /// is not known. The second is for what has no other source.
    pub(super) fn without_github(&mut self) -> (Option<Error>, Option<Error>) {
        let whole = self.distrust_of(&["github"]);
        if whole.is_none() {
            return (None, None);
        }
        let github = std::mem::take(&mut self.contents.github);
        let runs = |one: Option<&SecretSetting>| matches!(one, Some(SecretSetting::Command(_)));
        let app = github.app.as_ref();
        let of_server = [
            (github.api_url.is_some(), "api_url"),
            (github.ca_bundle.is_some(), "ca_bundle"),
            (runs(github.token.as_ref()), "token"),
            (runs(app.and_then(|app| app.private_key.as_ref())), "app"),
        ];
        let of_server = of_server.into_iter().filter(|(there, _)| *there);
        let keys: Vec<Vec<String>> = of_server
            .map(|(_, key)| ["github", key].map(str::to_owned).to_vec())
            .collect();
        (self.distrust(&keys), whole)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// What is not TOML, an unknown key, and a value that cannot be used, each with its line; but for the values of
    /// providers, which are looked at when their tables are.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let broken = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Error::usage(format!("{}:{line}: {}", path.display(), error.message()))
        };
        let table = DeTable::parse(text).map_err(broken)?;
        let mut file = Self {
            path: Some(path.to_owned()),
            ..Self::default()
        };
        let mut lines = Lines {
            text,
            found: &mut file.lines,
        };
        lines.of_table(table.get_ref(), &mut Vec::new());
        let values = written::table(table.get_ref());
        file.sensitive = sensitive(&values);
        file.contents = schema::read(&values).map_err(|misfit| file.misfit(&[], misfit))?;
        file.values = Value::Object(values);
        Ok(file)
    }

    /// Where it was found, where nobody named it.
    pub fn found(&self) -> Option<&Path> {
        self.path.as_deref().filter(|_| self.found)
    }

    /// Where it is, where the user named it.
    pub(super) fn named(&self) -> Option<&Path> {
        self.path.as_deref().filter(|_| self.named)
    }

    /// All values as they were written.
    pub(super) fn values(&self) -> &Value {
        &self.values
    }

    /// Where the value at a path stands: the line of its nearest key.
    pub fn origin<S: AsRef<str>>(&self, path: &[S]) -> Origin {
        let Some(file) = &self.path else {
            return Origin::Default;
        };
        let path: Vec<String> = path.iter().map(|part| part.as_ref().to_owned()).collect();
        let line = (1..=path.len())
            .rev()
            .find_map(|n| self.lines.get(&path[..n]))
            .copied()
            .unwrap_or(1);
        Origin::File {
            path: file.clone(),
            line,
        }
    }

    /// A value of this file with its line.
    pub(super) fn setting<T>(&self, path: &[&str], value: T) -> Setting<T> {
        let origin = self.origin(path);
        Setting { value, origin }
    }

    /// The error for what is wrong below a table of this file.
    pub(super) fn misfit(&self, table: &[&str], misfit: Misfit) -> Error {
        let table = table.iter().map(|part| (*part).to_owned());
        let path: Vec<String> = table.chain(misfit.path).collect();
        let origin = self.origin(&path);
        if let Fault::Unknown(known) = misfit.fault {
            let (key, inside) = path.split_last().expect("the key itself is the last");
            let inside = match dotted(inside) {
                inside if inside.is_empty() => inside,
                inside => format!(" in [{inside}]"),
            };
            return Error::usage(format!("{origin}: unknown key `{key}`{inside}"))
                .hinted_all(known_hints(key, "known", &known))
                .about(dotted(&path));
        }
        let key = dotted(&path);
        super::unfit(&format!("`{key}` ({origin})"), misfit.fault).about(key)
    }
}

/// The keys outside of the tables of providers that need trust.
fn sensitive(values: &Map<String, Value>) -> Vec<Vec<String>> {
    let schema = schemars::schema_for!(FileContents);
    let mut values = values.clone();
    values.remove("providers");
    Shape::of(&schema).needing_trust(&Value::Object(values))
}

/// Keeps every variable that a value names as the home of a secret, of whatever table, from all children.
fn withhold_named(value: &Value) {
    match value {
        Value::Object(table) => {
            if let (1, Some(Value::String(name))) = (table.len(), table.get("env")) {
                child::withhold(name);
            }
            table.values().for_each(withhold_named);
        }
        Value::Array(values) => values.iter().for_each(withhold_named),
        _ => {}
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

/// Collects the lines of all keys, and of all places in arrays.
struct Lines<'a> {
    text: &'a str,
    found: &'a mut BTreeMap<Vec<String>, usize>,
}

impl Lines<'_> {
    fn of_table(&mut self, table: &DeTable<'_>, path: &mut Vec<String>) {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            self.of_value(key.span().start, value.get_ref(), path);
            path.pop();
        }
    }

    fn of_value(&mut self, start: usize, value: &DeValue<'_>, path: &mut Vec<String>) {
        self.found.insert(path.clone(), line_of(self.text, start));
        match value {
            DeValue::Table(table) => self.of_table(table, path),
            DeValue::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    path.push(format!("[{number}]"));
                    self.of_value(item.span().start, item.get_ref(), path);
                    path.pop();
                }
            }
            _ => {}
        }
    }
}
