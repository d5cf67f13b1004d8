//! With what to go to GitHub: a token, or an app that gets itself one.

use crate::model::{Scope, Secret, SecretSource, child};
use crate::settings::values::{AppId, InstallationId, SecretSetting, SecretVariable, SettingText};
use crate::settings::{Env, Error, Origin, Result, Setting, SettingsFile, typed};

/// A GitHub App.
#[derive(Clone, Debug)]
pub struct AppSetting {
    /// Its number or its client id.
    pub id: Setting<String>,
    /// Where it is installed; found for the scope when left out.
    pub installation: Option<u64>,
    /// The text of its private key.
    pub key: Setting<SecretSource>,
}

/// With what to go to GitHub.
#[derive(Clone, Debug)]
pub enum GitHubCredential {
    /// An app, which gets itself tokens.
    App(Box<AppSetting>),
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

/// Why an input may be empty that the workflow sets.
const EMPTY_SECRET: &str =
    "a secret that does not exist is empty, and in a pull request from a fork each one is";

impl AppSetting {
    /// The error for an app where only a token will do: GitHub describes no permission by which an
    /// app could manage the runners of an enterprise.
    pub(super) fn of_no_enterprise(&self) -> Error {
        let (id, origin) = (&self.id.value, &self.id.origin);
        Error::usage(format!(
            "the GitHub App `{id}` ({origin}) cannot manage the runners of an enterprise: no app can"
        ))
        .hinted(format!(
            "set ${} to a classic token with the scope `manage_runners:enterprise`, or use `--org \
             ORG`",
            OURS[0]
        ))
    }
}

/// The error for no token at all; what it must be able to do depends on the scope, and where it is set on whether this is
/// a step of the action.
pub(super) fn none(scope: Option<&Scope>, is_action: bool) -> Error {
    let (whose, classic, fine_grained) = match scope {
        None => ("", "", ""),
        Some(Scope::Repo { .. }) => (
            " of an admin of the repository",
            ": a classic one with the scope `repo`",
            ", or a fine-grained one with the permission `Administration: write`",
        ),
        Some(Scope::Org(_)) => (
            " of an owner of the organization",
            ": a classic one with the scope `admin:org`",
            ", or a fine-grained one with the permission `Self-hosted runners: write`",
        ),
        Some(Scope::Enterprise(_)) => (
            " of an owner of the enterprise",
            ": a classic one with the scope `manage_runners:enterprise`",
            "",
        ),
    };
    let error = Error::usage("no GitHub token is set").about("github.token");
    if is_action {
        return error
            .hinted(format!(
                "set the input `token` to a token{whose}{classic}{fine_grained}"
            ))
            .hinted(format!(
                "in the workflow: `token: ${{{{ secrets.GH_PAT }}}}`; {EMPTY_SECRET}"
            ))
            .hinted("or set the inputs `app-id` and `app-private-key` for a GitHub App");
    }
    error
        .hinted(format!(
            "set `$GH_PAT` (or `token` under [github]) to a token{whose}{classic}{fine_grained}"
        ))
        .hinted(
            "in a workflow: `env: GH_PAT: ${{ secrets.GH_PAT }}`; on your computer: `export \
             GH_PAT=\"$(gh auth token)\"`",
        )
        .hinted(format!(
            "or set ${APP_ID} and ${APP_KEY} for a GitHub App; to try without GitHub: `gharun start local --rehearse`"
        ))
}

/// What holds, first that is set: our own variables, the app, the file's token, the workflow's.
pub(super) fn resolve(env: &Env, file: &SettingsFile) -> Result<Option<Setting<GitHubCredential>>> {
    let variable = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = SecretSource::Literal(Secret::new(env.get(name)?.trim()));
            Some(Setting {
                value: GitHubCredential::Token(value),
                origin: env.origin(name),
            })
        })
    };
    if let Some(found) = variable(&OURS) {
        return Ok(Some(found));
    }
    if let Some(app) = app(env, file)? {
        let origin = app.id.origin.clone();
        let value = GitHubCredential::App(Box::new(app));
        return Ok(Some(Setting { value, origin }));
    }
    let of_file = file.contents.github.token.as_ref();
    let of_file = of_file.map(|written| source(written, env));
    if let Some(token) = of_file.filter(SecretSource::is_set) {
        let token = file.setting(&["github", "token"], GitHubCredential::Token(token));
        return Ok(Some(token));
    }
    Ok(variable(&OTHERS))
}

/// The app, when its id and its key are set; one without the other is an error.
fn app(env: &Env, file: &SettingsFile) -> Result<Option<AppSetting>> {
    let in_file = file.contents.github.app.clone().unwrap_or_default();
    let id = of_variable::<AppId>(env, APP_ID)?;
    let id = id.or_else(|| {
        let id = in_file.id?;
        Some(file.setting(&["github", "app", "id"], id))
    });
    let id = id.map(|id| id.map(|id| id.0));
    let key = private_key(env, file, in_file.private_key.as_ref());
    let (id, key) = match (id, key) {
        (None, PrivateKeySetting::Unset) => return Ok(None),
        (Some(id), PrivateKeySetting::Set(key)) => (id, key),
        (Some(Setting { value: id, origin }), key) => {
            let why = key.why();
            return Err(Error::usage(format!(
                "the GitHub App `{id}` ({origin}) has no private key{why}"
            ))
            .hinted(if env.inputs().is_there() {
                format!("set the input `app-private-key`; {EMPTY_SECRET}")
            } else {
                format!(
                    "set ${APP_KEY}, or `private_key = {{ env = \"NAME\" }}` or `{{ file = \"PATH\" }}` under [github.app]"
                )
            }));
        }
        (
            None,
            PrivateKeySetting::Set(Setting { origin, .. })
            | PrivateKeySetting::Absent { origin, .. },
        ) => {
            return Err(Error::usage(format!(
                "a GitHub App private key is set ({origin}), but no app ID"
            ))
            .hinted(if env.inputs().is_there() {
                "set the input `app-id` to the app's client ID or app ID".to_owned()
            } else {
                format!(
                    "set ${APP_ID}, or `id = \"…\"` under [github.app], to the app's client ID or app \
                     ID"
                )
            }));
        }
    };
    let installation = of_variable::<InstallationId>(env, APP_INSTALLATION)?;
    let installation = installation
        .map(|given| given.value)
        .or(in_file.installation);
    Ok(Some(AppSetting {
        id,
        installation: installation.map(|installation| installation.0),
        key,
    }))
}

/// What a variable holds; blanks alone are as nothing.
fn of_variable<T: SettingText>(env: &Env, variable: &str) -> Result<Option<Setting<T>>> {
    let text = env.get(variable).map(str::trim);
    let text = text.filter(|text| !text.is_empty());
    let origin = || env.origin(variable);
    text.map(|text| typed(text, origin())).transpose()
}

/// What there is of a private key.
enum PrivateKeySetting {
    /// The file names a variable that is not set.
    Absent {
        origin: Origin,
        variable: String,
    },
    Set(Setting<SecretSource>),
    Unset,
}

impl PrivateKeySetting {
    fn why(&self) -> String {
        match self {
            Self::Absent { origin, variable } => format!(": ${variable} ({origin}) is not set"),
            Self::Set(_) | Self::Unset => String::new(),
        }
    }
}

fn private_key(
    env: &Env,
    file: &SettingsFile,
    of_file: Option<&SecretSetting>,
) -> PrivateKeySetting {
    if let Some(text) = env.get(APP_KEY) {
        return PrivateKeySetting::Set(Setting {
            value: SecretSource::Literal(Secret::new(text)),
            origin: env.origin(APP_KEY),
        });
    }
    let Some(written) = of_file else {
        return PrivateKeySetting::Unset;
    };
    let origin = file.origin(&["github", "app", "private_key"]);
    match source(written, env) {
        SecretSource::Variable { name, value: None } => PrivateKeySetting::Absent {
            origin,
            variable: name,
        },
        value => PrivateKeySetting::Set(Setting { value, origin }),
    }
}

/// What a source of the file comes to here.
pub(in crate::settings) fn source(written: &SecretSetting, env: &Env) -> SecretSource {
    match written {
        SecretSetting::Command(words) => SecretSource::Command(words.clone()),
        SecretSetting::Env(SecretVariable(name)) => {
            child::withhold(name);
            SecretSource::Variable {
                name: name.clone(),
                value: env.get(name).map(|value| Secret::new(value.trim())),
            }
        }
        SecretSetting::File(path) => SecretSource::File(env.path(&path.to_string_lossy())),
    }
}
