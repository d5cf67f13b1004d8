//! `gharun providers trust`: takes a file of settings as the user's own.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::found::{self, Owners};
use super::trust::{self, Covered, on_one_line};
use super::{Env, Error, Result, Setting, SettingsFile};
use crate::model::{NO_PATH, looks_like_key};
use crate::providers::schema::dotted;

/// What `gharun providers trust` came to.
#[derive(Clone, Debug, Serialize)]
pub struct Trusted {
    /// The file.
    pub file: PathBuf,
    /// One digest over all that is trusted.
    pub digest: String,
    /// The files that it names, which are covered too.
    pub covers: Vec<PathBuf>,
    /// The commands that it names: what they read by themselves is not covered.
    pub commands: Vec<String>,
    /// The settings that needed trust, each with its line.
    pub settings: Vec<String>,
    /// The file that remembers it.
    pub remembered_in: PathBuf,
}

impl Trusted {
    /// Trusts a file as it is now.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or used, that is not of this user, and trust that cannot be remembered.
    pub fn trust(path: &Path, env: &Env) -> Result<Self> {
        if looks_like_key(&path.to_string_lossy()) {
            return Err(Error::usage(format!("`FILE` cannot be used: {NO_PATH}")));
        }
        if trust::memory(env).is_none() {
            return Err(forgotten(path));
        }
        let text = found::read(path, Owners::of(env).as_ref())?.ok_or_else(|| {
            let error = Error::usage(format!("`{}` does not exist", path.display()));
            error.hinted("write one with `gharun providers init`")
        })?;
        Self::trust_text(path, &text, env)
    }

    /// Trusts a file with this text, which was read or written.
    ///
    /// # Errors
    ///
    /// As those of [`Trusted::trust`].
    pub fn trust_text(path: &Path, text: &str, env: &Env) -> Result<Self> {
        let memory = trust::memory(env).ok_or_else(|| forgotten(path))?;
        let file = SettingsFile::parse(path, text)?;
        let covered = Covered::of(path, text, file.values(), env, Owners::of(env).as_ref())?;
        trust::remember(&memory, &covered.digest, path).map_err(|error| {
            Error::usage(format!("could not write `{}`: {error}", memory.display()))
        })?;
        let settings = file.needing_trust().into_iter().map(|key| {
            let origin = file.origin(&key);
            Setting { value: (), origin }.subject(&dotted(&key))
        });
        Ok(Self {
            file: path.to_owned(),
            digest: covered.digest,
            covers: covered.files,
            commands: commands(file.values()),
            settings: settings.collect(),
            remembered_in: memory,
        })
    }
}

fn forgotten(path: &Path) -> Error {
    let error =
        Error::usage("trust cannot be remembered: neither $XDG_STATE_HOME nor $HOME is set");
    error.hinted(format!("name the file: `--config {}`", path.display()))
}

/// Every `command` of a file, its words on one line.
fn commands(values: &Value) -> Vec<String> {
    let Value::Object(table) = values else {
        return Vec::new();
    };
    let each = table.iter().flat_map(|(key, value)| match value {
        Value::Array(words) if key == "command" => {
            let words = words.iter().filter_map(Value::as_str);
            let words: Vec<String> = words.map(|word| on_one_line(Path::new(word))).collect();
            vec![words.join(" ")]
        }
        value => commands(value),
    });
    each.collect()
}
