//! The table of an external provider.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{self, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::call::Program;
use crate::model::{HumanDuration, ProgramWord, Secret, TextOrSecret, digest};
use crate::providers::schema::{backticked, dotted};
use crate::providers::{EnvName, Error, Result};

/// What `command` must be.
const COMMAND: &str = "an array of strings: a program and its arguments";

/// Settings of an external provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalConfig {
    /// The program and its first arguments: `["./box.sh"]`. It runs in the folder of this file, where paths begin. No
    /// shell is involved.
    #[schemars(length(min = 1), extend("x-expected" = COMMAND))]
    #[schemars(extend("x-harmless" = false))]
    pub command: Vec<ProgramWord>,
    /// What the program is told: `image` becomes `$GHARUN_SET_IMAGE`. A secret is written by its source, such as
    /// `{ env = "NAME" }`.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub settings: BTreeMap<String, TextOrSecret>,
    /// Which variables of the environment the program sees, beside `PATH`, `HOME`, `LANG`, `TMPDIR` and those of proxies.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub environment: Vec<EnvName>,
    /// How a machine ends itself: `exit`, it ends when the boot script does; `poweroff`, the boot script powers it off.
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub ends_itself: EndsItself,
    /// How long a launch may take.
    #[serde(default = "ten_minutes")]
    #[schemars(extend("x-harmless" = true))]
    pub launch_timeout: HumanDuration,
    /// How long the program may take to list a machine that it has launched.
    #[serde(default = "half_a_minute")]
    #[schemars(extend("x-harmless" = true))]
    pub settle: HumanDuration,
    /// The folder of the file that this stands in, where it stands in one.
    #[serde(skip)]
    pub(super) folder: Option<PathBuf>,
    /// What of the environment the program sees because the table says so.
    #[serde(skip)]
    pub(super) seen: BTreeMap<String, String>,
}

fn ten_minutes() -> HumanDuration {
    HumanDuration::from_mins(10)
}

fn half_a_minute() -> HumanDuration {
    HumanDuration::from_secs(30)
}

/// How a machine ends itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndsItself {
    /// It ends with its boot script.
    #[default]
    Exit,
    /// The boot script powers it off.
    Poweroff,
}

impl EndsItself {
    /// The boot script's last command.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Poweroff => "poweroff || shutdown -P now || systemctl poweroff --force",
        }
    }
}

impl ExternalConfig {
    /// The program as people know it.
    pub(super) fn shown(&self) -> String {
        let words = self.command.iter().map(ProgramWord::as_str);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Where its machines are, as far as the environment decides that: a program that lists those of `$DOCKER_HOST` shows
    /// other ones with another value. What may be secret counts by whether it is set, since references are shown.
    pub(super) fn surroundings(&self) -> String {
        let names: BTreeSet<String> = self.environment.iter().map(ToString::to_string).collect();
        let lines = names.iter().map(|name| match self.seen.get(name) {
            None => format!("{name}\n"),
            Some(_) if may_be_secret(name) => format!("{name}=\n"),
            Some(value) => format!("{name}={}\n", without_user(value)),
        });
        digest::place(format!("environment\n{}", lines.collect::<String>()))
    }

    /// The program with its variables.
    ///
    /// # Errors
    ///
    /// A `Config` error about the setting at fault.
    pub(super) fn program(&self) -> Result<Program> {
        let mut words: Vec<String> = self.command.iter().map(ToString::to_string).collect();
        if words.first().is_none_or(String::is_empty) {
            return Err(Error::unfit("command", COMMAND, "an empty one"));
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(Error::setting("command", "`command` must not contain NUL"));
        }
        // It begins where gharun runs, and the program runs elsewhere.
        if let (Some(_), Some(first)) = (&self.folder, words.first_mut())
            && first.contains('/')
            && let Ok(whole) = path::absolute(&first)
            && let Ok(whole) = whole.into_os_string().into_string()
        {
            *first = whole;
        }
        if self.settle.get().is_zero() {
            return Err(Error::unfit("settle", "a duration above 0", "`0s`"));
        }
        if self.launch_timeout.get().is_zero() {
            return Err(Error::unfit("launch_timeout", "a duration above 0", "`0s`"));
        }
        let mut names = BTreeSet::new();
        let mut env = Vec::new();
        for (key, value) in &self.settings {
            let setting = dotted(&["settings".to_owned(), key.clone()]);
            let name = variable(key).ok_or_else(|| {
                let message = format!(
                    "{} is not a valid name: use letters, digits, `-` and `_`",
                    backticked(key)
                );
                Error::setting(setting.clone(), message)
            })?;
            if !names.insert(name.clone()) {
                let message = format!("two settings become the variable `{name}`");
                return Err(Error::setting(setting, message));
            }
            if value.expose().contains('\0') {
                let message = format!("`{setting}` must not contain NUL");
                return Err(Error::setting(setting, message));
            }
            env.push((name, Secret::new(value.expose())));
        }
        let secrets = self.settings.values().filter_map(TextOrSecret::secret);
        Ok(Program {
            words,
            env,
            folder: self.folder.clone(),
            passed: self.environment.iter().map(ToString::to_string).collect(),
            secrets: secrets.cloned().collect(),
        })
    }
}

/// Whether the value of a variable may be secret, as its name tells.
fn may_be_secret(name: &str) -> bool {
    const SECRET: [&str; 8] = [
        "AUTH", "COOKIE", "CRED", "KEY", "PASS", "PWD", "SECRET", "TOKEN",
    ];
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// A URL without user and password, which stand before its host; any other text as it is.
fn without_user(value: &str) -> String {
    match value.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => value.to_owned(),
    }
}

/// The variable that a setting becomes.
fn variable(key: &str) -> Option<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let good = !key.is_empty() && key.chars().all(fine);
    let name = key.to_ascii_uppercase().replace('-', "_");
    good.then(|| format!("GHARUN_SET_{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn program(value: Value) -> Result<Program> {
        let config: ExternalConfig = serde_json::from_value(value).expect("it has the form");
        config.program()
    }

    #[test]
    fn settings_become_variables_and_a_secret_among_them_is_known_as_one() {
        let program = program(json!({
            "command": ["./box.sh", "-v"],
            "settings": { "image": "ubuntu", "max-size": 3, "on": true, "token": { "secret": "hunter2" } },
        }))
        .expect("it is fine");
        assert_eq!(program.words, ["./box.sh", "-v"]);
        let env = program.env.iter();
        let env: Vec<String> = env.map(|(k, v)| format!("{k}={}", v.expose())).collect();
        let expected = [
            "GHARUN_SET_IMAGE=ubuntu",
            "GHARUN_SET_MAX_SIZE=3",
            "GHARUN_SET_ON=true",
            "GHARUN_SET_TOKEN=hunter2",
        ];
        assert_eq!(env, expected);
        assert_eq!(program.secrets, [Secret::new("hunter2")]);
    }

    #[test]
    fn what_cannot_be_meant_names_its_setting() {
        let with = |settings: Value| json!({ "command": ["x"], "settings": settings });
        for (value, key) in [
            (json!({ "command": [] }), "command"),
            (json!({ "command": [""] }), "command"),
            (json!({ "command": ["x"], "settle": "0" }), "settle"),
            (
                json!({ "command": ["x"], "launch_timeout": "0" }),
                "launch_timeout",
            ),
            (with(json!({ "a b": "x" })), "settings.\"a b\""),
            (with(json!({ "a-b": "x", "a_b": "y" })), "settings.a_b"),
            (with(json!({ "a": "x\u{0}" })), "settings.a"),
        ] {
            let error = program(value).err().expect("it cannot be meant");
            assert_eq!(error.key(), Some(key), "{error}");
        }
    }

    fn surroundings(seen: &[(&str, &str)]) -> String {
        let names = ["DOCKER_HOST", "BOX_TOKEN"];
        let table = json!({ "command": ["x"], "environment": names });
        let mut config: ExternalConfig = serde_json::from_value(table).expect("it has the form");
        let seen = seen.iter().copied();
        config.seen = seen.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        config.surroundings()
    }

    #[test]
    fn another_value_of_a_variable_is_another_place() {
        let unset = surroundings(&[]);
        let one = surroundings(&[("DOCKER_HOST", "tcp://a:1")]);
        let other = surroundings(&[("DOCKER_HOST", "tcp://b:1")]);
        assert!(unset != one && one != other && other != unset);
        assert_eq!(one, surroundings(&[("DOCKER_HOST", "tcp://a:1")]));
    }

    #[test]
    fn a_place_does_not_tell_what_may_be_secret() {
        let with = |value| surroundings(&[("BOX_TOKEN", value)]);
        assert_eq!(with("hunter2"), with("hunter3"));
        assert_ne!(with("hunter2"), surroundings(&[]));
        let with = |value| surroundings(&[("DOCKER_HOST", value)]);
        assert_eq!(with("tcp://me:hunter2@a:1/x"), with("tcp://a:1/x"));
        assert_ne!(with("tcp://a:1/x@b"), with("tcp://b"));
    }
}
