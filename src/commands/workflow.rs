//! `gharun workflow`.

use std::path::Path;

use serde_json::Value;

use super::Context;
use crate::error::{Exit, Failure};
use crate::model::text::one_line;
use crate::model::{Error, SecretSource};
use crate::report::{Needed, SSH_FOLDER, WorkflowParts};
use crate::settings::{GitHubCredential, Origin, ProviderSettings, Settings, unset};

/// The action of this very version.
const ACTION: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "@v",
    env!("CARGO_PKG_VERSION")
);
/// The placeholder that a build without an owner has for it.
const UNSET: &str = "OWNER";
/// Where the project is; what stands behind it names the action.
const SERVER: &str = "https://github.com/";

pub(super) fn run(context: &Context, names: &[String]) -> Result<Exit, Failure> {
    let settings = &context.settings;
    let names = settings.workflow_providers(names)?;
    let mut parts = WorkflowParts {
        action: ACTION.strip_prefix(SERVER).unwrap_or(ACTION).to_owned(),
        runs_on: "ubuntu-latest".to_owned(),
        token: "GH_PAT".to_owned(),
        ..WorkflowParts::default()
    };
    match settings.github.token.as_ref().map(|token| &token.value) {
        Some(GitHubCredential::App(_)) => parts.app = true,
        Some(GitHubCredential::Token(SecretSource::Variable { name, .. })) => {
            if is_secret(name) {
                parts.token.clone_from(name);
            } else {
                parts.notes.push(format!(
                    "GitHub accepts no secret of the name {name}: keep the token in {}.",
                    parts.token
                ));
            }
        }
        _ => {}
    }
    let mut has_table = false;
    for (name, provider) in settings.tables.each(&names)? {
        let provider = provider?;
        has_table |= settings.tables.named().contains(&name);
        enough(settings, &provider)?;
        parts.take(&provider)?;
        parts.providers.push(name);
    }
    if let Some(path) = settings.file.path.as_ref().filter(|_| has_table) {
        parts.checks_out = true;
        if path.is_absolute() || path.components().count() > 1 {
            // It stands in a comment, which a line end in it would end.
            let path = one_line(&path.display().to_string());
            parts.notes.push(format!(
                "Copy {path} into the repository, as providers.toml."
            ));
        } else {
            parts
                .notes
                .push("Commit providers.toml: its settings are used.".to_owned());
        }
    }
    if ACTION.starts_with(&format!("{SERVER}{UNSET}/")) {
        let action = &parts.action;
        let what = format!(
            "this build of gharun names no owner: `{action}` must be the action of a release"
        );
        let next = format!("write the account that gharun is under instead of `{UNSET}`");
        context
            .screen
            .warn(&Error::new((), what.clone()).hinted(next.clone()));
        parts.notes.push(format!("{what}: {next}."));
    }
    let report = parts.report();
    let text = report.workflow.clone();
    context.screen.data(&report, text)?;
    Ok(Exit::Done)
}

/// Refuses a table with which no start is possible in a step: what this computer says beside it is not there. The
/// region of AWS is, since the workflow says it.
fn enough(settings: &Settings, provider: &ProviderSettings) -> Result<(), Failure> {
    let name = &provider.name;
    let mut values = provider.values.clone();
    values.retain(|key, _| key == "region" || !matches!(provider.origin(key), Origin::Variable(_)));
    let Some(lack) = provider.kind.lack(&values) else {
        return Ok(());
    };
    let line = |key: &str, value: &str| match value {
        "" => format!("`{key}`"),
        value => format!("`{key} = \"{value}\"`"),
    };
    let next = if settings.tables.named().contains(name) {
        format!("add {} to `[providers.{name}]`", lack.written(line))
    } else {
        format!("write its table into providers.toml: `gharun providers init {name}`")
    };
    Err(unset(name, &lack).hinted(next).into())
}

/// Whether a variable's name may be that of a secret of GitHub's, see
/// <https://docs.github.com/en/actions/reference/security/secrets#naming-your-secrets>.
fn is_secret(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(plain) && !name.to_ascii_uppercase().starts_with("GITHUB_")
}

/// A text or several.
fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

impl WorkflowParts {
    /// What a provider needs in a workflow.
    ///
    /// # Errors
    ///
    /// What no workflow can have: a secret of a name that GitHub does not accept.
    fn take(&mut self, provider: &ProviderSettings) -> Result<(), Failure> {
        let name = &provider.name;
        let value = |key: &str| provider.values.get(key).and_then(|value| value.as_str());
        for (key, source) in &provider.secrets {
            let variable = match (source, provider.origin(key)) {
                (SecretSource::Variable { name, .. }, _) => name.clone(),
                (_, Origin::Variable(name)) => name,
                (SecretSource::File(_), _) => {
                    let note = format!(
                        "`{key}` of `{name}` is read from a file, which must be there in a step, too."
                    );
                    self.notes.push(note);
                    continue;
                }
                _ => {
                    let note = format!(
                        "`{key}` of `{name}` is printed by a command, which must work in a step, too."
                    );
                    self.notes.push(note);
                    continue;
                }
            };
            if !is_secret(&variable) {
                let origin = provider.origin(key);
                return Err(Failure::usage(format!(
                    "`providers.{name}.{key}` ({origin}) is kept in ${variable}, and GitHub accepts no secret of that name"
                ))
                .hinted(format!(
                    "name another variable, which does not begin with `GITHUB_`: `{key} = {{ env = \"NAME\" }}`"
                )));
            }
            self.need(&variable, &format!("`{key}` of `{name}`"))?;
        }
        match provider.kind.name {
            "aws" => {
                let first = provider.values.get("regions").map(words);
                let first = first.and_then(|regions| regions.first().copied());
                if let Some(region) = value("region").or(first) {
                    self.region.get_or_insert_with(|| region.to_owned());
                }
            }
            "docker" if value("host").is_some_and(|host| host.starts_with("ssh://")) => {
                (self.ssh_key, self.ssh_hosts, self.ssh_command) = (true, true, true);
            }
            "docker" if value("host").is_none() => self.runs_here("whose Docker daemon it is"),
            "local" => self.runs_here("that runners share"),
            "nebius" if provider.secrets.is_empty() && value("service_account_key").is_none() => {
                self.need(
                    "NEBIUS_IAM_TOKEN",
                    "a token of Nebius; the key of a service account lasts longer",
                )?;
            }
            "runpod" if provider.secrets.is_empty() => {
                self.need(
                    "RUNPOD_API_KEY",
                    "an API key of RunPod that may create pods",
                )?;
            }
            "ssh" => self.take_hosts(provider),
            _ => {}
        }
        Ok(())
    }

    /// What hosts need: the key and the known hosts, in files that the step makes, for these are no user's own.
    fn take_hosts(&mut self, provider: &ProviderSettings) {
        let name = &provider.name;
        let hosts = provider.values.get("hosts").map(words).unwrap_or_default();
        if let Some(host) = hosts.iter().find(|host| !host.contains(['.', ':'])) {
            self.notes.push(format!(
                "`{name}`: GitHub's computers must reach `{}` under this name: your ~/.ssh/config is not there.",
                one_line(host)
            ));
        }
        let mut set = |key: &str, file: &str| {
            let line = format!("{name}.{key}=${{{{ runner.temp }}}}/{SSH_FOLDER}/{file}");
            self.sets.push(line);
        };
        if !provider.secrets.contains_key("identity") {
            set("identity", "key");
            self.ssh_key = true;
        }
        // A file of the repository is there in a step, too.
        let known_hosts = provider.values.get("known_hosts");
        let known_hosts = known_hosts.and_then(|path| path.as_str());
        if known_hosts.is_none_or(|path| Path::new(path).is_absolute()) {
            set("known_hosts", "known_hosts");
            self.ssh_hosts = true;
        }
    }

    fn need(&mut self, name: &str, holds: &str) -> Result<(), Failure> {
        let mut secrets = self.secrets.iter();
        match secrets.find(|needed| needed.name.eq_ignore_ascii_case(name)) {
            Some(needed) if needed.name == name => {}
            Some(Needed { name: other, .. }) => {
                return Err(Failure::usage(format!(
                    "GitHub takes ${other} and ${name} for one secret"
                ))
                .hinted(format!("name another variable instead of ${name}")));
            }
            None => self.secrets.push(Needed {
                name: name.to_owned(),
                holds: holds.to_owned(),
            }),
        }
        Ok(())
    }

    /// A machine that is a computer of the user's own: hosted runners do not reach it.
    fn runs_here(&mut self, which: &str) {
        self.runs_on = format!("self-hosted # the computer {which}");
    }
}
