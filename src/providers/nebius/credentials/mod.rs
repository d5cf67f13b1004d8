//! Who we are at Nebius: the first of a token, a service account's key, and a profile.

use std::fmt;
use std::path::{Path, PathBuf};

use super::config::NebiusConfig;
use crate::model::{KeySetting, Secret};
use crate::providers::{Error, ErrorKind, Result};

mod key;
mod profile;
mod token;

#[cfg(test)]
mod tests;

pub(super) use key::AccountKey;
use profile::Profile;
pub(super) use token::TokenProvider;

/// What to do where nobody is named.
const HINT: &str = "set `NEBIUS_IAM_TOKEN` (`nebius iam get-access-token` prints one), `service_account_key`, or `profile`";

/// Where tokens come from.
#[derive(Clone)]
pub(super) enum CredentialSource {
    /// A service account signs for them.
    Key(AccountKey),
    /// There is no way to get one, for this reason.
    Nowhere(String),
    /// It is one already.
    Token(Secret),
    /// Somebody keeps a good one in this file.
    TokenFile(PathBuf),
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.debug_tuple("Key").field(key).finish(),
            Self::Nowhere(why) => f.debug_tuple("Nowhere").field(why).finish(),
            Self::Token(_) => f.write_str("Token(***)"),
            Self::TokenFile(path) => f.debug_tuple("TokenFile").field(path).finish(),
        }
    }
}

impl CredentialSource {
    /// How it is told, for a check.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Key(key) => format!("service account `{}`", key.account()),
            Self::Nowhere(_) => "no credentials".to_owned(),
            Self::Token(_) => "a token".to_owned(),
            Self::TokenFile(path) => format!("the token in `{}`", path.display()),
        }
    }

    /// The failure of one that gives none.
    pub(super) fn missing(why: &str) -> Error {
        Error::new(ErrorKind::Denied, "no credentials for Nebius are set")
            .because(why.to_owned())
            .hinted(HINT)
    }
}

/// What settings and profile say of the caller.
#[derive(Debug)]
pub(super) struct CallerIdentity {
    /// Where tokens come from.
    pub(super) source: CredentialSource,
    /// The project, where one is named.
    pub(super) project: Option<String>,
    /// The tenant, where one is named.
    pub(super) tenant: Option<String>,
}

impl CallerIdentity {
    /// The project of a table, or of its profile; `None` where neither can be read.
    pub(super) fn project(config: &NebiusConfig) -> Option<String> {
        let of_profile = || {
            let profile = Profile::load(config.config_file.as_deref(), config.profile.as_deref());
            profile.ok().flatten()?.text("parent-id")
        };
        config.project.clone().or_else(of_profile)
    }

    /// The name of the profile that is used where no table names one; `None` where the file has no such profile.
    ///
    /// # Errors
    ///
    /// `Config`: its file cannot be read, or it gives no credentials.
    pub(super) fn profile(file: Option<&Path>, name: Option<&str>) -> Result<Option<String>> {
        let Some(profile) = Profile::load(file, name)? else {
            return Ok(None);
        };
        let name = profile.name.clone();
        match profile.source() {
            Ok(_) => Ok(Some(name)),
            Err(why) => {
                let what = format!("the profile `{name}` {why}");
                Err(Error::setting("profile", what).hinted(HINT))
            }
        }
    }

    /// Finds out who we are. Only files are read.
    ///
    /// # Errors
    ///
    /// `Config`, where what a setting names cannot be used. What nobody has named and cannot be used is
    /// told by whoever needs a token.
    pub(super) fn of(config: &NebiusConfig) -> Result<Self> {
        let named = config.profile.is_some();
        let profile = Profile::load(config.config_file.as_deref(), config.profile.as_deref());
        let (profile, broken) = match profile {
            Ok(profile) => (profile, None),
            // Who has a token or a key needs no profile.
            Err(error) if !named || config.iam_token.is_some() => {
                (None, Some(crate::model::chain(&error)))
            }
            Err(error) => return Err(error),
        };
        let source = if let Some(token) = &config.iam_token {
            CredentialSource::Token(fit(token)?)
        } else if let Some(key) = &config.service_account_key {
            let read = match key {
                KeySetting::File(path) => AccountKey::load(path)
                    .map(|key| {
                        key.read_from(format!("`service_account_key` (`{}`)", path.display()))
                    })
                    .map_err(|why| format!("`{}` {why}", path.display())),
                KeySetting::Text(text) => AccountKey::parse(text.expose())
                    .map(|key| key.read_from("`service_account_key`"))
                    .map_err(|why| format!("its text {why}")),
            };
            CredentialSource::Key(read.map_err(|what| {
                Error::setting("service_account_key", what)
                    .hinted("create one with `nebius iam auth-public-key generate`")
            })?)
        } else if let Some(profile) = &profile {
            match profile.source() {
                Ok(CredentialSource::Key(key)) => {
                    let origin = format!("the profile `{}`", profile.name);
                    CredentialSource::Key(key.read_from(origin))
                }
                Ok(source) => source,
                Err(why) => {
                    let what = format!("the profile `{}` {why}", profile.name);
                    if named {
                        return Err(Error::setting("profile", what).hinted(HINT));
                    }
                    CredentialSource::Nowhere(what)
                }
            }
        } else {
            let nobody = || "neither a token, a key nor a profile is set".to_owned();
            CredentialSource::Nowhere(broken.unwrap_or_else(nobody))
        };
        let of_profile = |key: &str| profile.as_ref().and_then(|profile| profile.text(key));
        Ok(Self {
            source,
            project: config.project.clone().or_else(|| of_profile("parent-id")),
            tenant: config.tenant.clone().or_else(|| of_profile("tenant-id")),
        })
    }
}

/// A token as a header can hold it.
fn fit(token: &Secret) -> Result<Secret> {
    word(token.expose()).ok_or_else(|| {
        Error::setting(
            "iam_token",
            "the token must be one word of visible characters",
        )
    })
}

fn word(text: &str) -> Option<Secret> {
    let text = text.trim();
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Secret::new(text))
}

/// Reads a file; the reason for an error is the end of a sentence about it.
fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("could not be read: {error}"))
}
