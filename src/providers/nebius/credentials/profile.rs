//! A profile of the `nebius` command's configuration.

use std::fmt;
use std::path::{Path, PathBuf};

use yaml_rust2::{Yaml, YamlLoader};

use super::{AccountKey, CredentialSource, read};
use crate::model::{NO_PATH, Secret, looks_like_key};
use crate::providers::{Error, Result};

/// A profile. <https://docs.nebius.com/cli/configure>
pub(super) struct Profile {
    /// Its name.
    pub(super) name: String,
    values: Yaml,
    folder: PathBuf,
}

impl fmt::Debug for Profile {
    /// It may hold a private key, so only its name is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Profile {
    /// Reads a profile, or the default one; `None` where there is no such file and nobody named a profile.
    ///
    /// # Errors
    ///
    /// A `Config` error about `profile` or `config_file`.
    pub(super) fn load(path: Option<&Path>, name: Option<&str>) -> Result<Option<Self>> {
        let path = match (path, name) {
            (Some(path), Some(_)) => path,
            (Some(path), None) if path.exists() => path,
            (_, None) => return Ok(None),
            (None, Some(name)) => {
                let what =
                    format!("could not find the profile `{name}`: the home directory is not known");
                return Err(Error::setting("profile", what).hinted("set `config_file`"));
            }
        };
        let bad =
            |why: String| Error::setting("config_file", format!("`{}` {why}", path.display()));
        let text = read(path).map_err(bad)?;
        let documents = YamlLoader::load_from_str(&text).map_err(|error| {
            // Where it fails, but not what stands there: it may be a key.
            bad(format!(
                "is not valid YAML (line {})",
                error.marker().line()
            ))
        })?;
        let document = documents.into_iter().next().unwrap_or(Yaml::Null);
        let profiles = document["profiles"].as_hash();
        let only = profiles
            .filter(|profiles| profiles.len() == 1)
            .and_then(|profiles| profiles.keys().next()?.as_str());
        let Some(wanted) = name.or(document["default"].as_str()).or(only) else {
            return Ok(None);
        };
        let values = document["profiles"][wanted].clone();
        if values.as_hash().is_none() {
            return Err(Error::setting(
                "profile",
                format!(
                    "the profile `{wanted}` does not exist in `{}`",
                    path.display()
                ),
            ));
        }
        Ok(Some(Self {
            name: wanted.to_owned(),
            values,
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
        }))
    }

    /// A value that is text and not empty.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        let text = self.values[key].as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Where its tokens come from.
    ///
    /// # Errors
    ///
    /// Why there are none, as the end of a sentence about the profile.
    pub(super) fn source(&self) -> Result<CredentialSource, String> {
        if let Some(path) = self.path("token-file")? {
            return Ok(CredentialSource::TokenFile(path));
        }
        if let Some(path) = self.path("service-account-credentials-file-path")? {
            return AccountKey::load(&path)
                .map(CredentialSource::Key)
                .map_err(|why| format!("names the key file `{}`, which {why}", path.display()));
        }
        let private = match (
            self.text("private-key"),
            self.path("private-key-file-path")?,
        ) {
            (Some(text), _) => Some(text),
            (None, Some(path)) => Some(read(&path).map_err(|why| {
                format!("names the private key `{}`, which {why}", path.display())
            })?),
            (None, None) => None,
        };
        match (
            self.text("service-account-id"),
            self.text("public-key-id"),
            private,
        ) {
            (Some(account), Some(public), Some(private)) => {
                AccountKey::new(account, public, Secret::new(private)).map(CredentialSource::Key)
            }
            (None, None, None) => {
                let kind = self.text("auth-type").unwrap_or_default();
                Err(format!(
                    "needs a person to log in (`auth-type: {kind}`), which gharun cannot do"
                ))
            }
            _ => Err(
                "lacks one of `service-account-id`, `public-key-id` and `private-key`".to_owned(),
            ),
        }
    }

    /// A value that is a path, from the file's folder on.
    fn path(&self, key: &str) -> Result<Option<PathBuf>, String> {
        let Some(text) = self.text(key) else {
            return Ok(None);
        };
        if looks_like_key(&text) {
            return Err(format!("has a `{key}` that cannot be used: {NO_PATH}"));
        }
        Ok(Some(match text.strip_prefix("~/") {
            // The file is `~/.nebius/config.yaml`.
            Some(rest) => self.folder.parent().unwrap_or(&self.folder).join(rest),
            None => self.folder.join(text),
        }))
    }
}
