//! A path on this computer, as a setting names it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A file or a folder of this computer that a setting names; with `THERE`, one that must be there already.
///
/// By this type `settings` knows where `~/` may be written: it is resolved before the value gets here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PathSetting<const THERE: bool = false>(PathBuf);

/// A file or a folder that must be there already.
pub type ExistingPath = PathSetting<true>;

impl PathSetting {
    /// The format of such a setting in a schema.
    pub const FORMAT: &str = "path";
    /// The key of a schema that says whether the path must be there already.
    pub const THERE: &str = "x-must-exist";
}

/// What is said of a text that should be a path; the text itself is not.
pub const NO_PATH: &str = "it must be a path, and looks like a key, which is not shown (for a path, write `./` before it)";

/// How tokens and keys begin that people have in variables.
const KEYS: [&str; 12] = [
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghu_",
    "ghr_",
    "ghs_",
    "github_pat_",
    "rpa_",
    "sk-",
    "ssh-",
];
/// From this length on what may be base64 is taken for a key, unless it is the way to a file.
const LONG: usize = 40;
/// No part of a path may be longer, in bytes, nor a whole path: no system opens it.
const LONGEST_PART: usize = 255;
const LONGEST_PATH: usize = 4095;

/// Whether a text that should be a path is rather a key that came to the wrong place: it is not to be shown.
pub fn looks_like_key(text: &str) -> bool {
    let text = text.trim();
    let begins = |begin: &&str| text.starts_with(begin);
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    let no_path = text.len() > LONGEST_PATH
        || text.contains(['\n', '\r', '\0'])
        || text.split('/').any(|part| part.len() > LONGEST_PART);
    // Base64 may begin with `/`, too; paths hardly ever have its other signs.
    let says_where = ["./", "../", "~/"].iter().any(begins)
        || text.starts_with('/') && !text.contains(['+', '=']);
    let is_long = text.len() >= LONG
        && (text.chars().all(of_base64) && !says_where
            // A token of three parts, with dots between them.
            || text.starts_with("eyJ") && text.chars().all(|c| c == '.' || of_base64(c)));
    text.trim_start_matches(['"', '\'', '[']).starts_with('{')
        || text.contains("-----BEGIN")
        || no_path
        || KEYS.iter().any(begins) && !text.contains(['/', '.'])
        || is_long && Path::new(text).symlink_metadata().is_err()
}

impl<'de, const THERE: bool> Deserialize<'de> for PathSetting<THERE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        if path.to_str().is_some_and(looks_like_key) {
            return Err(D::Error::custom(NO_PATH));
        }
        Ok(Self(path))
    }
}

impl<const THERE: bool> Deref for PathSetting<THERE> {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl<const THERE: bool, P: Into<PathBuf>> From<P> for PathSetting<THERE> {
    fn from(path: P) -> Self {
        Self(path.into())
    }
}

impl<const THERE: bool> JsonSchema for PathSetting<THERE> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathSetting".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": PathSetting::FORMAT,
            "minLength": 1,
            (PathSetting::THERE): THERE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_a_path_whatever_it_is_called() {
        let folder = tempfile::Builder::new().prefix("keys").tempdir();
        let folder = folder.expect("a folder");
        let path = folder
            .path()
            .join("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=");
        let text = path.to_str().expect("it is UTF-8");
        assert!(looks_like_key(text));
        std::fs::write(&path, "").expect("a file");
        assert!(!looks_like_key(text));
    }

    #[test]
    fn keys_are_told_from_paths() {
        for key in [
            "{\"subject-credentials\": {}}",
            " -----BEGIN PRIVATE KEY-----\nMIIE",
            "ghp_abcdefghijklmnop",
            "eyJhbGciOi",
            "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=",
            // The body of a PEM file, the secret key of an AWS user, base64 of anything.
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC/KcwggSjAgEAAoIBAQC7",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "/9j/4AAQSkZJRgABAQEASABIAAD+2wBDAP//////////",
            &format!("/{}", "Q".repeat(256)),
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
            "\"{\\\"private-key\\\": 1}\"",
        ] {
            assert!(looks_like_key(key), "{key}");
            let read = serde_json::from_value::<PathSetting>(key.into());
            let said = read.expect_err("it is refused").to_string();
            assert_eq!(said, NO_PATH);
        }
        for path in [
            "key.json",
            "/etc/gharun/nebius.json",
            "/etc/gharun/keys/of/nebius/service-accounts/main",
            "../keys/of/nebius/service-accounts/main-of-all-others",
            "keys/of/nebius/service-accounts/of-the-main-project.json",
            "~/.ssh/id_ed25519",
            "ghp_/x",
            "./QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY",
            "",
        ] {
            assert!(!looks_like_key(path), "{path}");
        }
    }
}
