//! providers.toml: its values, and the line of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::{Env, Error, Origin, Result};

const TOP: &[&str] = &["defaults", "github", "providers"];
const GITHUB: &[&str] = &[
    "api_url",
    "app",
    "ca_bundle",
    "enterprise",
    "org",
    "repo",
    "runner_group",
    "token",
];
const APP: &[&str] = &["id", "installation", "private_key"];
const DEFAULTS: &[&str] = &[
    "allow_partial",
    "count",
    "group",
    "idle_timeout",
    "keep_failed",
    "labels",
    "lifetime",
    "older_than",
    "poll_interval",
    "providers",
    "registration",
    "runner_version",
    "second_look",
    "setup",
    "timeout",
];

/// The file, or an empty one where none was found.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Where it was found.
    pub path: Option<PathBuf>,
    values: Value,
    /// Dotted path of a key -> line, from 1.
    lines: BTreeMap<String, usize>,
}

impl File {
    /// Finds and reads the file: `flag`, `$GHARUN_CONFIG`, `./providers.toml`, the user's.
    pub(super) fn find(flag: Option<&Path>, env: &Env) -> Result<Self> {
        if let Some(path) = flag
            .map(Path::to_owned)
            .or_else(|| env.get("GHARUN_CONFIG").map(PathBuf::from))
        {
            return Self::load(&path)?.ok_or_else(|| {
                Error::usage(format!("there is no file `{}`", path.display()))
                    .hinted("write one with `gharun providers init`, or leave the option out: every kind works with its defaults")
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
                "cannot read `{}`: {error}",
                path.display()
            ))),
        }
    }

    /// Reads the text of a file.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let broken = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Error::usage(format!("{}:{line}: {}", path.display(), error.message()))
        };
        let table = DeTable::parse(text).map_err(broken)?;
        let mut lines = BTreeMap::new();
        collect(table.get_ref(), text, "", &mut lines);
        let file = Self {
            path: Some(path.to_owned()),
            values: toml::from_str(text).map_err(broken)?,
            lines,
        };
        file.check_keys()?;
        Ok(file)
    }

    /// The value at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        path.iter()
            .try_fold(&self.values, |value, key| value.get(key))
    }

    /// Where the value at a path stands: the line of its nearest key.
    pub fn origin(&self, path: &[&str]) -> Origin {
        let Some(file) = &self.path else {
            return Origin::Default;
        };
        let line = (1..=path.len())
            .rev()
            .find_map(|n| self.lines.get(&path[..n].join(".")))
            .copied()
            .unwrap_or(1);
        Origin::File {
            path: file.clone(),
            line,
        }
    }

    fn check_keys(&self) -> Result<()> {
        for (path, known) in [
            (&[][..], TOP),
            (&["github"][..], GITHUB),
            (&["github", "app"][..], APP),
            (&["defaults"][..], DEFAULTS),
        ] {
            let Some(value) = self.get(path) else {
                continue;
            };
            let Value::Object(table) = value else {
                return Err(Error::usage(format!(
                    "{}: `{}` is a table",
                    self.origin(path),
                    path.join(".")
                )));
            };
            if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
                let place = self.origin(&[path, &[key.as_str()]].concat());
                let inside = match path {
                    [] => String::new(),
                    path => format!(" in [{}]", path.join(".")),
                };
                return Err(
                    Error::usage(format!("{place}: unknown key `{key}`{inside}"))
                        .hinted(format!("known: {}", known.join(", "))),
                );
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

fn collect(table: &DeTable<'_>, text: &str, prefix: &str, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{prefix}.{}", key.get_ref())
        };
        lines.insert(path.clone(), line_of(text, key.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            collect(inner, text, &path, lines);
        }
    }
}
