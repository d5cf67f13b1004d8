//! Single values: how each is read, and in what words it must be written.

use std::fmt;
use std::num::NonZeroU16;

use clap::ValueEnum as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use url::Url;

use crate::cli::{ColorArg, FormatArg};
use crate::model::{
    HumanDuration, PathSetting, RegistrationMode, RunnerVersion, Scope, is_secret_itself,
    looks_like_key,
};
use crate::providers::schema::{EXPECTED, SOURCE, VARIABLE};

/// A runner group, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSetting {
    /// By GitHub's number: nothing but digits.
    Id(u64),
    /// By its name.
    Name(String),
}

impl fmt::Display for GroupSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A value that is written as one text in a flag or a variable.
pub(super) trait SettingText: Sized {
    /// What it must be, after `must be`.
    const EXPECTED: &'static str;
    /// The words that it may be, where they are few.
    const WORDS: &[&str] = &[];
    /// Whether an error may show a text that is not one.
    const SHOWN: bool = true;

    /// Reads it; `None` where the text is not one.
    fn read(text: &str) -> Option<Self>;
}

/// Lets the types of this file be read from the file of settings as from a flag: by [`SettingText::read`]. Each is a string
/// there, or of one of the types that are named.
macro_rules! in_the_file {
    ($($name:ty: $($type:literal)|+;)+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = match Value::deserialize(deserializer)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                Self::read(&text).ok_or_else(|| D::Error::custom(Self::EXPECTED))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": [$($type),+],
                    EXPECTED: Self::EXPECTED,
                    "writeOnly": !Self::SHOWN,
                })
            }
        }
    )+};
}

in_the_file! {
    ApiUrl: "string";
    AppId: "string" | "integer";
    Enterprise: "string";
    GroupSetting: "string" | "integer";
    InstallationId: "string" | "integer";
    LabelSetting: "string";
    Org: "string";
    RegistrationMode: "string";
    Repo: "string";
    SecretVariable: "string";
    StartGroup: "string";
    RunnerVersion: "string";
}

impl SettingText for HumanDuration {
    const EXPECTED: &'static str = HumanDuration::EXPECTED;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl SettingText for PathSetting {
    const EXPECTED: &'static str = "a path";
    // It may be a key that came to the wrong place.
    const SHOWN: bool = false;

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty() && !looks_like_key(text)).then(|| Self::from(text))
    }
}

/// A switch.
impl SettingText for bool {
    const EXPECTED: &'static str = "`true` or `false`";
    const WORDS: &[&str] = &["true", "false"];

    fn read(text: &str) -> Option<Self> {
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }
}

impl SettingText for FormatArg {
    const EXPECTED: &'static str = "`text` or `json`";
    const WORDS: &[&str] = &["text", "json"];

    fn read(text: &str) -> Option<Self> {
        Self::from_str(text, false).ok()
    }
}

impl SettingText for ColorArg {
    const EXPECTED: &'static str = "`auto`, `always` or `never`";
    const WORDS: &[&str] = &["auto", "always", "never"];

    fn read(text: &str) -> Option<Self> {
        Self::from_str(text, false).ok()
    }
}

/// A number of runners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Count(pub(super) NonZeroU16);

impl Count {
    // A matrix has at most 256 jobs (GitHub's limits for workflows).
    const MOST: u16 = 256;
}

impl TryFrom<u64> for Count {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, &'static str> {
        let number = u16::try_from(number).ok().and_then(NonZeroU16::new);
        let number = number.filter(|number| number.get() <= Self::MOST);
        number.map(Self).ok_or(Self::EXPECTED)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MOST })
    }
}

impl SettingText for Count {
    const EXPECTED: &'static str = "an integer from 1 to 256";

    fn read(text: &str) -> Option<Self> {
        text.parse::<u64>().ok()?.try_into().ok()
    }
}

/// A label of a runner: GitHub splits at commas and ignores case; 256 characters at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelSetting(pub(super) String);

impl SettingText for LabelSetting {
    const EXPECTED: &'static str = "a label of letters, digits, `.`, `_` and `-`";

    fn read(text: &str) -> Option<Self> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let is_label = !text.is_empty() && text.len() <= 256 && text.chars().all(fine);
        is_label.then(|| Self(text.to_owned()))
    }
}

/// A group that pairs a start with its stop; it becomes a tag at every place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StartGroup(pub(super) String);

impl SettingText for StartGroup {
    const EXPECTED: &'static str = "a name of at most 40 lower-case letters, digits, `-` and `_`";

    fn read(text: &str) -> Option<Self> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let is_name = !text.is_empty() && text.len() <= 40 && text.chars().all(fine);
        is_name.then(|| Self(text.to_owned()))
    }
}

impl SettingText for RunnerVersion {
    const EXPECTED: &'static str = "`latest` or a version such as `2.336.0`";
    const WORDS: &[&str] = &["latest"];

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl SettingText for RegistrationMode {
    const EXPECTED: &'static str = "`jit` or `token`";
    const WORDS: &[&str] = &["jit", "token"];

    fn read(text: &str) -> Option<Self> {
        match text {
            "jit" => Some(Self::Jit),
            "token" => Some(Self::Token),
            _ => None,
        }
    }
}

impl SettingText for GroupSetting {
    const EXPECTED: &'static str = "the name or ID of a runner group";

    fn read(text: &str) -> Option<Self> {
        /// Longer than any name that GitHub takes for a group.
        const LONGEST: usize = 200;
        let name = text.trim();
        if name.is_empty() || name.len() > LONGEST || name.contains(char::is_control) {
            return None;
        }
        // A number is never a name: `-1` is a mistake.
        let number = name.strip_prefix('-').unwrap_or(name);
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return name.parse().ok().filter(|id| *id > 0).map(Self::Id);
        }
        Some(Self::Name(name.to_owned()))
    }
}

/// Whether a text is a name in GitHub's addresses.
fn is_slug(text: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let dots = matches!(text, "." | "..");
    !text.is_empty() && text.len() <= 100 && text.chars().all(fine) && !dots
}

/// A repository as a scope.
#[derive(Clone, Debug)]
pub(super) struct Repo(pub(super) Scope);

impl SettingText for Repo {
    const EXPECTED: &'static str = "`OWNER/NAME`, such as `octo/app`";

    fn read(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        (is_slug(owner) && is_slug(name)).then(|| {
            Self(Scope::Repo {
                owner: owner.to_owned(),
                name: name.to_owned(),
            })
        })
    }
}

/// An organization as a scope.
#[derive(Clone, Debug)]
pub(super) struct Org(pub(super) Scope);

impl SettingText for Org {
    const EXPECTED: &'static str = "an organization's name as in its URL";

    fn read(text: &str) -> Option<Self> {
        is_slug(text).then(|| Self(Scope::Org(text.to_owned())))
    }
}

/// An enterprise as a scope.
#[derive(Clone, Debug)]
pub(super) struct Enterprise(pub(super) Scope);

impl SettingText for Enterprise {
    const EXPECTED: &'static str = "an enterprise's name as in its URL";

    fn read(text: &str) -> Option<Self> {
        is_slug(text).then(|| Self(Scope::Enterprise(text.to_owned())))
    }
}

/// The address of a server.
#[derive(Clone, Debug)]
pub(super) struct ApiUrl(pub(super) Url);

impl SettingText for ApiUrl {
    const EXPECTED: &'static str = "a URL such as `https://github.example.com`";

    fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let fine = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        fine.then_some(Self(url))
    }
}

/// What a GitHub App is known by.
#[derive(Clone, Debug)]
pub(super) struct AppId(pub(super) String);

impl SettingText for AppId {
    const EXPECTED: &'static str =
        "the client ID (`Iv…`) or app ID of a GitHub App, as shown on the app's settings page";
    // It may be a key that came to the wrong place.
    const SHOWN: bool = false;

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_id = begins && text.len() <= 100 && text.chars().all(plain);
        is_id.then(|| Self(text.to_owned()))
    }
}

/// Where a GitHub App is installed.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstallationId(pub(super) u64);

impl SettingText for InstallationId {
    const EXPECTED: &'static str = "the number at the end of the installation's URL";
    // It may be a key that came to the wrong place.
    const SHOWN: bool = false;

    fn read(text: &str) -> Option<Self> {
        let number = text.trim().parse().ok()?;
        (number > 0).then_some(Self(number))
    }
}

/// The name of a variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretVariable(pub(super) String);

impl SettingText for SecretVariable {
    const EXPECTED: &'static str = VARIABLE;
    // It may be the secret itself, which came to the wrong place.
    const SHOWN: bool = false;

    fn read(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_name = begins && text.chars().all(plain) && !is_secret_itself(text);
        is_name.then(|| Self(text.to_owned()))
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SecretSetting {
    /// The output of a command.
    Command(Vec<String>),
    /// A variable.
    Env(SecretVariable),
    /// The content of a file.
    File(PathSetting),
}

impl JsonSchema for SecretSetting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = |key: &str, about: Value| {
            json!({
                "type": "object",
                "properties": { key: about },
                "required": [key],
                "additionalProperties": false,
            })
        };
        let mut file = generator.subschema_for::<PathSetting>().to_value();
        file["minLength"] = 1.into();
        let variable = generator.subschema_for::<SecretVariable>().to_value();
        let command = json!({
            "type": "array",
            "items": { "type": "string", "minLength": 1 },
            "minItems": 1,
            EXPECTED: "an array of strings: a program and its arguments",
        });
        json_schema!({
            EXPECTED: SOURCE,
            "oneOf": [one("command", command), one("env", variable), one("file", file)],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_with_commas_and_blanks_are_refused() {
        for text in ["", "a,b", "a b", &"x".repeat(257)] {
            assert!(LabelSetting::read(text).is_none(), "{text}");
        }
        assert_eq!(
            LabelSetting::read("gpu.L40S_1-x"),
            Some(LabelSetting("gpu.L40S_1-x".to_owned()))
        );
    }

    #[test]
    fn counts_are_from_one_to_a_matrix_full() {
        assert_eq!(
            ["0", "1", "256", "257", "-1", "two"].map(|text| Count::read(text).is_some()),
            [false, true, true, false, false, false]
        );
    }

    #[test]
    fn a_secret_is_no_name_of_a_variable() {
        for name in [
            "GH_PAT",
            "_x1",
            "github_pat",
            "rpa_key",
            "ASIA_PACIFIC_KEY",
            "MY_VERY_LONG_ORGANIZATION_GITHUB_RUNNER_TOKEN_2",
            "myRunpodApiKeyForTheOrganization",
        ] {
            assert!(SecretVariable::read(name).is_some(), "{name}");
        }
        for other in [
            "",
            "1KEY",
            "MY-KEY",
            "MY KEY",
            "K\u{c4}Y",
            "KEY=1",
            "rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz",
            "AKIAIOSFODNN7EXAMPLE",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "X7VQ2M4T9KD1PLZ0WRB6YH3NCJ8GF5SA",
            &"K".repeat(101),
        ] {
            assert!(SecretVariable::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn odd_scopes_are_refused() {
        for text in ["a", "a/b/c", "/b", "a/", "a/..", "a/b?x"] {
            assert!(Repo::read(text).is_none(), "{text}");
        }
    }
}
