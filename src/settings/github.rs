//! Which GitHub, which scope, and with which token.

use std::path::Path;

use url::Url;

use super::authorities::ca_bundle;
use super::values::{ApiUrl, Enterprise, GroupSetting, Org, Repo};
use super::{Env, Error, Origin, Result, Setting, SettingsFile, pick, remote, spelled, typed};
use crate::cli::Global;
use crate::http::Roots;
use crate::model::{Scope, is_loopback, server};

mod credential;

pub(super) use credential::source;
pub use credential::{AppSetting, GitHubCredential};

/// The repository whose workflow this is.
const WORKFLOW_REPOSITORY: &str = "GITHUB_REPOSITORY";

/// Scope, token and address of GitHub.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// What runners are registered with.
    pub scope: Option<Setting<Scope>>,
    /// The token or the app, first one that is set.
    pub token: Option<Setting<GitHubCredential>>,
    /// The server that people see, such as `https://github.com`; where it is not said, the one that the API is of.
    pub server: Url,
    /// The API's address, where it is said; else it follows from the server. It is never another server's.
    pub api_url: Option<Setting<Url>>,
    /// Whether tokens may go to GitHub unencrypted.
    pub allow_plain_http: bool,
    /// Certificates that are trusted beside those of the system, for GitHub.
    pub ca_bundle: Option<Setting<Roots>>,
    /// The runner group, where one is named.
    pub group: Option<Setting<GroupSetting>>,
    /// Why `[github]` of the file is not used, where it holds something and the file is not trusted.
    pub untrusted: Option<Error>,
    /// `owner/name` of the repository whose workflow this is, or that runners serve.
    pub repository: Option<String>,
    /// Whether this is a step of the action, whose user sets inputs.
    is_action: bool,
    /// Whether `gh` may be asked for a token, since nothing else gives one.
    pub asks_gh: bool,
    /// What git remotes name, where that is several repositories.
    several: Vec<remote::Remote>,
}

impl GitHubSettings {
    /// `untrusted` is why `[github]` of the file is not used: it is taken out of `file` already.
    pub(super) fn resolve(
        global: &Global,
        env: &Env,
        file: &SettingsFile,
        untrusted: Option<Error>,
    ) -> Result<Self> {
        let scope = scope(global, env, file)?.filter(|scope| {
            // The file may mean another scope than that of the workflow.
            let ambient = Origin::Variable(WORKFLOW_REPOSITORY.to_owned());
            untrusted.is_none() || scope.origin != ambient
        });
        let api_url = api_url(env, file)?;
        let server = asked_server(env, api_url.as_ref())?;
        let repository = match &scope {
            Some(Setting {
                value: scope @ Scope::Repo { .. },
                ..
            }) => Some(scope.to_string()),
            _ => env.get(WORKFLOW_REPOSITORY).map(str::to_owned),
        };
        Ok(Self {
            token: credential::resolve(env, file)?,
            api_url,
            allow_plain_http: file.contents.github.allow_plain_http.unwrap_or(false),
            ca_bundle: ca_bundle(env, file)?,
            group: group(global, env, file)?,
            scope,
            server,
            untrusted,
            repository,
            is_action: env.inputs().is_there(),
            asks_gh: false,
            several: Vec::new(),
        })
    }

    /// Guesses what is set nowhere: the scope from the git remotes at this server around `folder`, and the token
    /// from `gh`. A file that is not trusted may say something else: then nothing is guessed.
    pub(super) fn look_around(&mut self, folder: &Path, env: &Env) {
        if self.untrusted.is_some() {
            return;
        }
        self.asks_gh = self.token.is_none();
        if self.scope.is_some() {
            return;
        }
        let mut found = remote::repositories(folder, &self.server, env);
        if found.len() > 1 {
            self.several = found;
        } else if let Some(remote) = found.pop() {
            self.repository = Some(remote.scope.to_string());
            self.scope = Some(Setting {
                value: remote.scope,
                origin: Origin::Remote(remote.name),
            });
        }
    }

    /// The repositories that git remotes name, where they are several.
    pub fn remotes(&self) -> impl Iterator<Item = &Scope> {
        self.several.iter().map(|remote| &remote.scope)
    }

    /// The scope and the remote that it was guessed from; `None` where it is set.
    pub fn guessed(&self) -> Option<&Setting<Scope>> {
        let scope = self.scope.as_ref();
        scope.filter(|scope| matches!(scope.origin, Origin::Remote(_)))
    }

    /// The host that tags name: `github.com`, or that of a GitHub Enterprise Server.
    pub fn host(&self) -> String {
        server::name(&self.server)
    }

    /// Refuses to send tokens to GitHub unencrypted: to `api`, and to the server where machines register.
    ///
    /// # Errors
    ///
    /// An error that names the setting of the address, and the line that allows it.
    pub fn encrypted(&self, api: &Url) -> Result<()> {
        if self.allow_plain_http {
            return Ok(());
        }
        let of_server = Origin::Variable("GITHUB_SERVER_URL".to_owned());
        let of_api = self.api_url.as_ref().map_or(&of_server, |url| &url.origin);
        for (url, origin) in [(api, of_api), (&self.server, &of_server)] {
            let here = url.host().is_some_and(|host| is_loopback(&host));
            if url.scheme() == "http" && !here {
                let subject = spelled("github.api_url", origin);
                return Err(Error::usage(format!(
                    "{subject} cannot be used: tokens would go to `{url}` unencrypted"
                ))
                .about("github.api_url")
                .hinted(
                    "use `https://`; or, on a network that only you can read, write \
                     `allow_plain_http = true` under [github] in providers.toml",
                ));
            }
        }
        Ok(())
    }

    /// Whether nothing here names a scope: none is set, and none was refused or could have been guessed.
    pub fn is_unscoped(&self) -> bool {
        self.scope.is_none() && self.untrusted.is_none() && self.several.is_empty()
    }

    /// The scope, or the error that says how to give one.
    pub fn scope(&self) -> Result<&Scope> {
        self.scope
            .as_ref()
            .map(|setting| &setting.value)
            .ok_or_else(|| {
                if let Some(untrusted) = &self.untrusted {
                    return untrusted.clone();
                }
                if !self.several.is_empty() {
                    return several(&self.several);
                }
                Error::usage("no repository, organization or enterprise is set").hinted(
                    "set one with `--repo OWNER/NAME`, `--org ORG`, or [github] in providers.toml",
                )
                .about("github.repo")
            })
    }

    /// The token or the app, or the error that names what is read.
    pub fn token(&self) -> Result<&Setting<GitHubCredential>> {
        let scope = self.scope.as_ref().map(|scope| &scope.value);
        let none = || {
            let untrusted = self.untrusted.clone();
            untrusted.unwrap_or_else(|| credential::none(scope, self.is_action))
        };
        let given = self.token.as_ref().ok_or_else(none)?;
        if let (GitHubCredential::App(app), Some(scope)) = (&given.value, &self.scope)
            && matches!(scope.value, Scope::Enterprise(_))
        {
            return Err(app.of_no_enterprise());
        }
        Ok(given)
    }
}

/// A fork and what it was forked from, perhaps: which one runners are for is not for us to say.
fn several(found: &[remote::Remote]) -> Error {
    let each = found.iter().map(|remote| {
        let (name, scope) = (&remote.name, &remote.scope);
        format!("`{scope}` ({name})")
    });
    let each: Vec<String> = each.collect();
    let error = Error::usage(format!(
        "no repository is set, and the git remotes name several: {}",
        each.join(", ")
    ));
    let hints = found.iter().map(|remote| &remote.scope);
    let hints: Vec<String> = hints.map(|scope| format!("`--repo {scope}`")).collect();
    error
        .hinted(format!("choose one: {}", hints.join(" or ")))
        .about("github.repo")
}

fn url(text: &str, variable: &str) -> Result<Setting<Url>> {
    let url = typed::<ApiUrl>(text, Origin::Variable(variable.to_owned()))?;
    Ok(url.map(|url| url.0))
}

/// The scope of a flag, else of a variable, else of the file, else that of the workflow.
fn scope(global: &Global, env: &Env, file: &SettingsFile) -> Result<Option<Setting<Scope>>> {
    let flags = [
        ("repo", &global.repo),
        ("org", &global.org),
        ("enterprise", &global.enterprise),
    ];
    for (name, flag) in flags {
        if let Some(text) = flag {
            return scope_of(name, text, Origin::Flag(format!("--{name}"))).map(Some);
        }
    }
    let mut of_env = Vec::new();
    for (name, _) in flags {
        let variable = format!("GHARUN_{}", name.to_uppercase());
        if let Some(text) = env.get(&variable) {
            of_env.push((name, scope_of(name, text, env.origin(&variable))?));
        }
    }
    if let Some(scope) = only(of_env)? {
        return Ok(Some(scope));
    }
    let github = &file.contents.github;
    let of_file = [
        ("repo", github.repo.as_ref().map(|repo| &repo.0)),
        ("org", github.org.as_ref().map(|org| &org.0)),
        ("enterprise", github.enterprise.as_ref().map(|one| &one.0)),
    ];
    let of_file = of_file.into_iter().filter_map(|(name, scope)| {
        let scope = file.setting(&["github", name], scope?.clone());
        Some((name, scope))
    });
    if let Some(scope) = only(of_file.collect())? {
        return Ok(Some(scope));
    }
    let workflow = env.get(WORKFLOW_REPOSITORY);
    let origin = || Origin::Variable(WORKFLOW_REPOSITORY.to_owned());
    let workflow = workflow.map(|text| scope_of("repo", text, origin()));
    workflow.transpose()
}

/// The one scope of a source. clap sees to it that flags name but one.
fn only(scopes: Vec<(&str, Setting<Scope>)>) -> Result<Option<Setting<Scope>>> {
    let mut scopes = scopes.into_iter();
    let first = scopes.next();
    if let (Some((name, first)), Some((other, second))) = (&first, scopes.next()) {
        let subject = |name: &str, one: &Setting<Scope>| one.subject(&format!("github.{name}"));
        let (kept, spare) = (subject(name, first), subject(other, &second));
        return Err(
            Error::usage(format!("{spare} cannot be used: {kept} is set too"))
                .hinted(
                    "runners register with one repository, organization or enterprise: keep one",
                )
                .about(format!("github.{other}")),
        );
    }
    Ok(first.map(|(_, scope)| scope))
}

fn scope_of(name: &str, text: &str, origin: Origin) -> Result<Setting<Scope>> {
    let scope = match name {
        "org" => typed::<Org>(text, origin).map(|org| org.map(|org| org.0)),
        "enterprise" => typed::<Enterprise>(text, origin).map(|one| one.map(|one| one.0)),
        _ => typed::<Repo>(text, origin).map(|repo| repo.map(|repo| repo.0)),
    };
    scope.map_err(|error| error.about(format!("github.{name}")))
}

fn api_url(env: &Env, file: &SettingsFile) -> Result<Option<Setting<Url>>> {
    let variable = "GITHUB_API_URL";
    if let Some(text) = env.get(variable) {
        let url = url(text, variable).map_err(|error| error.about("github.api_url"))?;
        return Ok(Some(url));
    }
    let of_file = file.contents.github.api_url.clone();
    Ok(of_file.map(|url| file.setting(&["github", "api_url"], url.0)))
}

/// The server whose API is asked: the one that is named, else the one that the API is of.
fn asked_server(env: &Env, api_url: Option<&Setting<Url>>) -> Result<Url> {
    let variable = "GITHUB_SERVER_URL";
    let named = env.get(variable).map(|text| url(text, variable));
    match (named.transpose()?, api_url) {
        (None, None) => Ok(Url::parse("https://github.com").expect("it is a URL")),
        (None, Some(api)) => Ok(server::server_url(&api.value)),
        (Some(named), None) => Ok(named.value),
        (Some(named), Some(api)) if server::may_serve(&api.value, &named.value) => Ok(named.value),
        (Some(named), Some(api)) => Err(disagree(&named, api)),
    }
}

/// Machines would be marked as one server's, and judged by the registrations of another.
fn disagree(named: &Setting<Url>, api: &Setting<Url>) -> Error {
    let (subject, server) = (api.subject("github.api_url"), &named.value);
    let whose = server::server_url(&api.value);
    Error::usage(format!(
        "{subject} cannot be `{}`: it is the API of `{whose}`, and {} is `{server}`",
        api.value,
        named.subject("github.server"),
    ))
    .hinted(format!(
        "the API of `{server}` is `{}`: set one of the two to the server that is meant, or leave one out",
        server::api_url(server)
    ))
    .about("github.api_url")
}

fn group(global: &Global, env: &Env, file: &SettingsFile) -> Result<Option<Setting<GroupSetting>>> {
    let given = pick(env, "runner_group", global.runner_group.as_deref());
    let given = given.map_err(|error| error.about("github.runner_group"))?;
    let of_file = file.contents.github.runner_group.clone();
    Ok(given.or_else(|| of_file.map(|group| file.setting(&["github", "runner_group"], group))))
}
