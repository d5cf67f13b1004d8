//! The environment, read once.

use std::collections::BTreeMap;
#[cfg(all(feature = "aws", unix))]
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Error, Inputs, Origin, Result, Setting, spelled};
use crate::model::{NO_PATH, looks_like_key};

/// Variables of the AWS tools that may be blank. `AWS_PAGER` says then that there is no pager, and whoever tells which
/// credentials are missing names the others.
#[cfg(all(feature = "aws", unix))]
const BLANK_OF_AWS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_PAGER",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// A snapshot of the environment; variables that are set but empty count as unset, as in Actions,
/// where an absent secret becomes an empty variable.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    inputs: Inputs,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive() // values may be tokens
    }
}

impl Env {
    /// Reads the environment of this process. Variables that are not UTF-8 are left out.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The variables of the AWS tools that are blank in this process and should be unset: the SDK reads them, and does
    /// not take them so.
    #[cfg(all(feature = "aws", unix))]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn blank_of_aws() -> Vec<OsString> {
        let is_blank = |name: &OsString, value: &OsString| {
            let name = name.to_str().unwrap_or_default();
            name.starts_with("AWS_")
                && !BLANK_OF_AWS.contains(&name)
                && value.to_str().is_some_and(|value| value.trim().is_empty())
        };
        std::env::vars_os()
            .filter_map(|(name, value)| is_blank(&name, &value).then_some(name))
            .collect()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The same environment with another value of a variable.
    pub(super) fn with(mut self, name: &str, value: String) -> Self {
        self.variables.insert(name.to_owned(), value);
        self
    }

    /// The same environment without a variable.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// The same environment with what else the inputs of a step say.
    pub(super) fn with_inputs(self, inputs: Inputs) -> Self {
        Self { inputs, ..self }
    }

    /// What the inputs of a step say; nothing elsewhere.
    pub(super) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Whether a variable says yes, as `GITHUB_ACTIONS=true` and `RUNNER_DEBUG=1` do.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }

    /// A path as it was written, with `~/` for the home directory.
    pub(super) fn path(&self, text: &str) -> PathBuf {
        let home = self
            .get("HOME")
            .filter(|_| text == "~" || text.starts_with("~/"));
        home.map_or_else(
            || PathBuf::from(text),
            |home| PathBuf::from(format!("{home}{}", &text[1..])),
        )
    }

    /// A program as a table names it: what has a `/` in it begins in the folder of its file, else where gharun runs. What
    /// has none is looked for in `$PATH`.
    pub(super) fn program(&self, text: &str, folder: Option<&Path>) -> String {
        let path = self.path(text);
        let path = match folder {
            Some(folder) if text.contains('/') => folder.join(&path),
            _ => path,
        };
        // A path without a folder would be looked for in `$PATH`.
        path.into_os_string()
            .into_string()
            .unwrap_or_else(|_| text.to_owned())
    }

    /// A path from its flag, else from its variable `GHARUN_…`.
    ///
    /// # Errors
    ///
    /// A text that looks like a key, which is not shown.
    pub(super) fn path_setting(
        &self,
        name: &str,
        flag: Option<&Path>,
    ) -> Result<Option<Setting<PathBuf>>> {
        let variable = format!("GHARUN_{}", name.to_uppercase());
        let (value, origin) = match (flag, self.get(&variable)) {
            (Some(path), _) => {
                return self.path_flag(name, path).map(|value| {
                    let origin = Origin::Flag(format!("--{name}"));
                    Some(Setting { value, origin })
                });
            }
            (None, Some(text)) => (self.path(text), self.origin(&variable)),
            (None, None) => return Ok(None),
        };
        let value = no_key(name, &origin, value)?;
        Ok(Some(Setting { value, origin }))
    }

    /// A path from an option, which need not be UTF-8.
    ///
    /// # Errors
    ///
    /// As those of [`Env::path_setting`].
    pub(super) fn path_flag(&self, name: &str, path: &Path) -> Result<PathBuf> {
        let text = path.to_str();
        let path = text.map_or_else(|| path.to_owned(), |text| self.path(text));
        no_key(name, &Origin::Flag(format!("--{name}")), path)
    }

    /// A base directory: the variable when it is an absolute path, else below the home directory.
    pub fn base(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let given = self
            .get(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        given.or_else(|| Some(PathBuf::from(self.get("HOME")?).join(below_home)))
    }
}

/// Refuses a path that looks like a key, and does not show it.
fn no_key(name: &str, origin: &Origin, path: PathBuf) -> Result<PathBuf> {
    if looks_like_key(&path.to_string_lossy()) {
        let subject = spelled(name, origin);
        let error = Error::usage(format!("{subject} cannot be used: {NO_PATH}"));
        return Err(error.about(name));
    }
    Ok(path)
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self {
            variables: pairs.filter(|(_, value)| !value.is_empty()).collect(),
            inputs: Inputs::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_directory_is_that_of_the_environment() {
        let env: Env = [("HOME".to_owned(), "/home/me".to_owned())]
            .into_iter()
            .collect();
        for (text, path) in [
            ("~/a/b", "/home/me/a/b"),
            ("~", "/home/me"),
            ("~you/a", "~you/a"),
            ("a/~/b", "a/~/b"),
            ("/a", "/a"),
            ("", ""),
        ] {
            assert_eq!(env.path(text), PathBuf::from(path), "{text}");
        }
        assert_eq!(Env::default().path("~/a"), PathBuf::from("~/a"));
    }
}
