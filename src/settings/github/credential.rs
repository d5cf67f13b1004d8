//! With what to go to GitHub: a token, or an app that gets itself one.

use std::path::PathBuf;

use serde_json::Value;

use crate::model::{Secret, SecretSource};
use crate::settings::{Env, Error, File, Origin, Result, Setting};

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct App {
    /// Its number or its client id.
    pub id: Setting<String>,
    /// Where it is installed; found for the scope when left out.
    pub installation: Option<u64>,
    /// The text of its private key.
    pub key: Setting<SecretSource>,
}

/// With what to go to GitHub.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An app, which gets itself tokens.
    App(Box<App>),
    /// A token.
    Token(SecretSource),
}

/// The variables that hold a token on purpose, first wins.
const OURS: [&str; 2] = ["GHARUN_GITHUB_TOKEN", "GH_PAT"];
/// The variables that hold a token anyway, asked last.
const OTHERS: [&str; 2] = ["GH_TOKEN", "GITHUB_TOKEN"];

/// The variables of the app.
const APP_ID: &str = "GHARUN_APP_ID";
const APP_KEY: &str = "GHARUN_APP_PRIVATE_KEY";
const APP_INSTALLATION: &str = "GHARUN_APP_INSTALLATION";

impl App {
    /// The error for an app where only a token will do: GitHub describes no permission by which an
    /// app could manage the runners of an enterprise.
    pub(super) fn of_no_enterprise(&self) -> Error {
        let (id, origin) = (&self.id.value, &self.id.origin);
        Error::usage(format!(
            "the GitHub App `{id}` ({origin}) cannot manage the runners of an enterprise: no app can"
        ))
        .hinted(format!(
            "set ${} to a classic token with the scope `manage_runners:enterprise`, or say `--org ORG`",
            OURS[0]
        ))
    }
}

/// The error for no token at all.
pub(super) fn none() -> Error {
    Error::usage("no GitHub token is given")
        .hinted(format!(
            "set ${}, or ${APP_ID} and ${APP_KEY} for a GitHub App, or `token = {{ env = \"…\" }}` under [github]; ${} are read last",
            OURS.join(" or $"),
            OTHERS.join(" and $")
        ))
        .hinted("on a laptop: `export GH_PAT=\"$(gh auth token)\"`; with no token at all: `gharun start local --rehearse`")
}

/// What holds, first that is set: our own variables, the app, the file's token, the workflow's.
pub(super) fn resolve(env: &Env, file: &File) -> Result<Option<Setting<Credential>>> {
    let variable = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = SecretSource::Literal(Secret::new(env.get(name)?.trim()));
            Some(Setting {
                value: Credential::Token(value),
                origin: Origin::Variable((*name).to_owned()),
            })
        })
    };
    if let Some(found) = variable(&OURS) {
        return Ok(Some(found));
    }
    if let Some(app) = app(env, file)? {
        let origin = app.id.origin.clone();
        let value = Credential::App(Box::new(app));
        return Ok(Some(Setting { value, origin }));
    }
    let path = ["github", "token"];
    if let Some(value) = file.get(&path) {
        let origin = file.origin(&path);
        let value = source(value, env, &origin, "token")?;
        if value.is_set() {
            let value = Credential::Token(value);
            return Ok(Some(Setting { value, origin }));
        }
    }
    Ok(variable(&OTHERS))
}

/// The app, when its id and its key are set; one without the other is an error.
fn app(env: &Env, file: &File) -> Result<Option<App>> {
    let id = text(env, file, APP_ID, "id");
    let key = private_key(env, file)?;
    let (id, key) = match (id, key) {
        (None, Key::Unset) => return Ok(None),
        (Some(id), Key::Set(key)) => (id, key),
        (Some(Setting { value: id, origin }), key) => {
            let why = key.why();
            return Err(Error::usage(format!(
                "the GitHub App `{id}` ({origin}) has no private key{why}"
            ))
            .hinted(format!(
                "set ${APP_KEY}, or `private_key = {{ env = \"NAME\" }}` or `{{ file = \"PATH\" }}` under [github.app]"
            )));
        }
        (None, Key::Set(Setting { origin, .. }) | Key::Absent { origin, .. }) => {
            return Err(Error::usage(format!(
                "there is the private key of a GitHub App ({origin}), and not the app's id"
            ))
            .hinted(format!(
                "set ${APP_ID}, or `id = \"…\"` under [github.app], to the app's client id or its number"
            )));
        }
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if id.value.len() > 100 || !id.value.chars().all(plain) {
        // It may be a key that came to the wrong place.
        return Err(
            Error::usage(format!("`{}` is no id of a GitHub App", id.origin)).hinted(
                "write its client id (`Iv…`) or its number, as the app's settings page shows them",
            ),
        );
    }
    let installation = text(env, file, APP_INSTALLATION, "installation")
        .map(|given| {
            let number = given.value.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| {
                let Setting { value, origin } = given;
                crate::settings::bad(
                    &origin,
                    "installation",
                    &value,
                    "write the number at the end of the installation's address, or leave it out: it is found",
                )
            })
        })
        .transpose()?;
    Ok(Some(App {
        id,
        installation,
        key,
    }))
}

/// A variable, else a text or number of `[github.app]`.
fn text(env: &Env, file: &File, variable: &str, key: &str) -> Option<Setting<String>> {
    if let Some(value) = env
        .get(variable)
        .map(str::trim)
        .filter(|value| !value.is_empty())
    {
        return Some(Setting {
            value: value.to_owned(),
            origin: Origin::Variable(variable.to_owned()),
        });
    }
    let path = ["github", "app", key];
    let value = match file.get(&path)? {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let origin = file.origin(&path);
    (!value.is_empty()).then_some(Setting { value, origin })
}

/// What there is of a private key.
enum Key {
    /// The file names a variable that is not set.
    Absent {
        origin: Origin,
        variable: String,
    },
    Set(Setting<SecretSource>),
    Unset,
}

impl Key {
    fn why(&self) -> String {
        match self {
            Self::Absent { origin, variable } => format!(": ${variable} ({origin}) is not set"),
            Self::Set(_) | Self::Unset => String::new(),
        }
    }
}

fn private_key(env: &Env, file: &File) -> Result<Key> {
    if let Some(text) = env.get(APP_KEY) {
        return Ok(Key::Set(Setting {
            value: SecretSource::Literal(Secret::new(text)),
            origin: Origin::Variable(APP_KEY.to_owned()),
        }));
    }
    let path = ["github", "app", "private_key"];
    let Some(value) = file.get(&path) else {
        return Ok(Key::Unset);
    };
    let origin = file.origin(&path);
    Ok(match source(value, env, &origin, "private_key")? {
        SecretSource::Variable { name, value: None } => Key::Absent {
            origin,
            variable: name,
        },
        value => Key::Set(Setting { value, origin }),
    })
}

/// Reads `{ env = "…" }`, `{ file = "…" }`, `{ command = […] }`.
pub(in crate::settings) fn source(
    value: &Value,
    env: &Env,
    origin: &Origin,
    key: &str,
) -> Result<SecretSource> {
    let wrong = |what: String| {
        Error::usage(what).hinted(format!(
            "write `{key} = {{ env = \"NAME\" }}`, `{{ file = \"PATH\" }}` or `{{ command = [\"PROGRAM\", \"ARG\"] }}`"
        ))
    };
    let Value::Object(table) = value else {
        return Err(wrong(format!(
            "{origin}: `{key}` must not stand in the file itself: a secret in a file gets committed one day"
        )));
    };
    let text = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let words = |value: &Value| {
        value
            .as_array()?
            .iter()
            .map(text)
            .collect::<Option<Vec<_>>>()
            .filter(|words| !words.is_empty())
    };
    let source = match table.iter().collect::<Vec<_>>().as_slice() {
        [(kind, value)] => match kind.as_str() {
            "env" => text(value).map(|name| SecretSource::Variable {
                value: env.get(&name).map(|value| Secret::new(value.trim())),
                name,
            }),
            "file" => text(value).map(|path| SecretSource::File(PathBuf::from(path))),
            "command" => words(value).map(SecretSource::Command),
            _ => None,
        },
        _ => None,
    };
    source.ok_or_else(|| wrong(format!("{origin}: `{key}` is no source of a secret")))
}
