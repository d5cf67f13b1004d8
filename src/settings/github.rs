//! Which GitHub, which scope, and with which token.

use std::fmt;

use serde_json::Value;
use url::Url;

use super::authorities::ca_bundle;
use super::{Env, Error, File, Origin, Result, Setting};
use crate::cli::Global;
use crate::http::Roots;
use crate::model::Scope;

mod credential;

pub(super) use credential::source;
pub use credential::{App, Credential};

/// A runner group, as the user names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// By GitHub's number: nothing but digits.
    Id(u64),
    /// By its name.
    Name(String),
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Scope, token and address of GitHub.
#[derive(Clone, Debug)]
pub struct GitHub {
    /// What runners are registered with.
    pub scope: Option<Setting<Scope>>,
    /// The token or the app, first one that is set.
    pub token: Option<Setting<Credential>>,
    /// The server that people see, such as `https://github.com`.
    pub server: Url,
    /// The API's address, where it is said; else it follows from the server.
    pub api_url: Option<Setting<Url>>,
    /// Certificates that are trusted beside those of the system, for GitHub.
    pub ca_bundle: Option<Setting<Roots>>,
    /// The runner group, where one is named.
    pub group: Option<Setting<Group>>,
    /// `owner/name` of the repository whose workflow this is, or that runners serve.
    pub repository: Option<String>,
}

impl GitHub {
    pub(super) fn resolve(global: &Global, env: &Env, file: &File) -> Result<Self> {
        let scope = scope(global, env, file)?;
        let server = url(
            env.get("GITHUB_SERVER_URL").unwrap_or("https://github.com"),
            &Origin::Variable("GITHUB_SERVER_URL".into()),
        )?;
        let repository = match &scope {
            Some(Setting {
                value: scope @ Scope::Repo { .. },
                ..
            }) => Some(scope.to_string()),
            _ => env.get("GITHUB_REPOSITORY").map(str::to_owned),
        };
        Ok(Self {
            token: credential::resolve(env, file)?,
            api_url: api_url(env, file)?,
            ca_bundle: ca_bundle(env, file)?,
            group: group(global, env, file)?,
            scope,
            server,
            repository,
        })
    }

    /// The host that tags name: `github.com`, or that of a GitHub Enterprise Server.
    pub fn host(&self) -> String {
        let host = self.server.host_str().unwrap_or("github.com");
        self.server
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The scope, or the error that says how to give one.
    pub fn scope(&self) -> Result<&Scope> {
        self.scope.as_ref().map(|setting| &setting.value).ok_or_else(|| {
            Error::usage("no repository, organization or enterprise is given")
                .hinted("say where runners register: `--repo OWNER/NAME`, `--org ORG`, or [github] in providers.toml")
        })
    }

    /// The token or the app, or the error that names what is read.
    pub fn token(&self) -> Result<&Credential> {
        let given = self.token.as_ref().ok_or_else(credential::none)?;
        if let (Credential::App(app), Some(scope)) = (&given.value, &self.scope)
            && matches!(scope.value, Scope::Enterprise(_))
        {
            return Err(app.of_no_enterprise());
        }
        Ok(&given.value)
    }
}

fn url(text: &str, origin: &Origin) -> Result<Url> {
    let fine = |url: &Url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    Url::parse(text).ok().filter(fine).ok_or_else(|| {
        Error::usage(format!("`{origin}` cannot be `{text}`"))
            .hinted("write an address such as `https://github.example.com`")
    })
}

fn scope(global: &Global, env: &Env, file: &File) -> Result<Option<Setting<Scope>>> {
    let flags = [
        ("repo", &global.repo),
        ("org", &global.org),
        ("enterprise", &global.enterprise),
    ];
    let given = flags.iter().find_map(|(name, flag)| {
        Some((*name, (*flag).clone()?, Origin::Flag(format!("--{name}"))))
    });
    let from_env = || {
        flags.iter().find_map(|(name, _)| {
            let variable = format!("GHARUN_{}", name.to_uppercase());
            Some((
                *name,
                env.get(&variable)?.to_owned(),
                Origin::Variable(variable),
            ))
        })
    };
    let from_file = || {
        flags.iter().find_map(|(name, _)| {
            let path = ["github", name];
            Some((
                *name,
                file.get(&path)?.as_str()?.to_owned(),
                file.origin(&path),
            ))
        })
    };
    let workflow = || {
        let variable = "GITHUB_REPOSITORY";
        Some((
            "repo",
            env.get(variable)?.to_owned(),
            Origin::Variable(variable.into()),
        ))
    };
    let Some((name, text, origin)) = given.or_else(from_env).or_else(from_file).or_else(workflow)
    else {
        return Ok(None);
    };
    let plain = |part: &str| {
        !part.is_empty()
            && part.len() <= 100
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && part != ".."
            && part != "."
    };
    let value = match name {
        "repo" => match text.split_once('/') {
            Some((owner, repo)) if plain(owner) && plain(repo) => Scope::Repo {
                owner: owner.into(),
                name: repo.into(),
            },
            _ => {
                return Err(super::bad(
                    &origin,
                    name,
                    &text,
                    "write OWNER/NAME, such as `octo/app`",
                ));
            }
        },
        _ if !plain(&text) => {
            return Err(super::bad(
                &origin,
                name,
                &text,
                "write the name as it stands in its address",
            ));
        }
        "org" => Scope::Org(text),
        _ => Scope::Enterprise(text),
    };
    Ok(Some(Setting { value, origin }))
}

fn api_url(env: &Env, file: &File) -> Result<Option<Setting<Url>>> {
    let read = |text: &str, origin: Origin| {
        Ok(Some(Setting {
            value: url(text, &origin)?,
            origin,
        }))
    };
    if let Some(text) = env.get("GITHUB_API_URL") {
        return read(text, Origin::Variable("GITHUB_API_URL".into()));
    }
    let path = ["github", "api_url"];
    match file.get(&path) {
        Some(value) => read(value.as_str().unwrap_or_default(), file.origin(&path)),
        None => Ok(None),
    }
}

/// Longer than any name that GitHub takes for a group.
const LONGEST_GROUP: usize = 200;

fn group(global: &Global, env: &Env, file: &File) -> Result<Option<Setting<Group>>> {
    let path = ["github", "runner_group"];
    let given = global
        .runner_group
        .clone()
        .map(|text| (text, Origin::Flag("--runner-group".into())));
    let variable = || {
        Some((
            env.get("GHARUN_RUNNER_GROUP")?.to_owned(),
            Origin::Variable("GHARUN_RUNNER_GROUP".into()),
        ))
    };
    let line = || {
        let value = file.get(&path)?;
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            // Nothing that could be one: it is refused below.
            _ => String::new(),
        };
        Some((text, file.origin(&path)))
    };
    let Some((text, origin)) = given.or_else(variable).or_else(line) else {
        return Ok(None);
    };
    let name = text.trim();
    if name.is_empty() || name.len() > LONGEST_GROUP || name.contains(char::is_control) {
        let hint = "write the group's name, or its number, as its address on GitHub shows it";
        return Err(super::bad(&origin, "runner_group", &text, hint));
    }
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    let value = match name.parse() {
        Ok(id) if digits => Group::Id(id),
        _ => Group::Name(name.to_owned()),
    };
    Ok(Some(Setting { value, origin }))
}
