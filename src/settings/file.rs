//! providers.toml: its values, each with a type, and the line of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::values::{
    ApiUrl, AppId, Count, Enterprise, GroupSetting, InstallationId, LabelSetting, Org, Repo,
    SecretSetting, StartGroup,
};
use super::{Env, Error, Origin, Result, Setting, written};
use crate::model::{HumanDuration, PathSetting, RegistrationMode, RunnerVersion};
use crate::providers::schema::{self, Fault, Misfit, dotted};

/// The file, or an empty one where none was found.
#[derive(Clone, Debug, Default)]
pub struct SettingsFile {
    /// Where it was found.
    pub path: Option<PathBuf>,
    pub(super) contents: FileContents,
    /// The keys on the way to a value -> its line, from 1.
    lines: BTreeMap<Vec<String>, usize>,
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
    pub(super) allow_partial: Option<bool>,
    pub(super) count: Option<Count>,
    pub(super) group: Option<StartGroup>,
    pub(super) idle_timeout: Option<HumanDuration>,
    pub(super) keep_failed: Option<bool>,
    pub(super) labels: Option<Vec<LabelSetting>>,
    pub(super) lifetime: Option<HumanDuration>,
    pub(super) older_than: Option<HumanDuration>,
    pub(super) poll_interval: Option<HumanDuration>,
    pub(super) providers: Option<Vec<String>>,
    pub(super) registration: Option<RegistrationMode>,
    pub(super) runner_version: Option<RunnerVersion>,
    pub(super) second_look: Option<HumanDuration>,
    pub(super) setup: Option<PathSetting>,
    pub(super) timeout: Option<HumanDuration>,
}

/// `[github]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GitHubTable {
    pub(super) api_url: Option<ApiUrl>,
    pub(super) app: Option<AppTable>,
    pub(super) ca_bundle: Option<PathSetting>,
    pub(super) enterprise: Option<Enterprise>,
    pub(super) org: Option<Org>,
    pub(super) repo: Option<Repo>,
    pub(super) runner_group: Option<GroupSetting>,
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
        if let Some(Setting { value, origin }) = env.path_setting("config", flag) {
            return Self::load(&value)?.ok_or_else(|| {
                let message = format!(
                    "`{origin}` cannot be `{}`: the file does not exist",
                    value.display()
                );
                Error::usage(message).hinted(
                    "create it with `gharun providers init`, or leave the option out: every \
                         kind works with its defaults",
                )
            });
        }
        let user = env
            .base("XDG_CONFIG_HOME", ".config")
            .map(|base| base.join("gharun/providers.toml"));
        for path in [Some(PathBuf::from("providers.toml")), user]
            .into_iter()
            .flatten()
        {
            if let Some(file) = Self::load(&path)? {
                return Ok(file);
            }
        }
        Ok(Self::default())
    }

    fn load(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::usage(format!(
                "could not read `{}`: {error}",
                path.display()
            ))),
        }
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
        file.contents = schema::read(&values).map_err(|misfit| file.misfit(&[], misfit))?;
        Ok(file)
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
                .hinted(format!("known: {}", known.join(", ")))
                .about(dotted(&path));
        }
        let key = dotted(&path);
        super::unfit(&format!("`{key}` ({origin})"), misfit.fault).about(key)
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
