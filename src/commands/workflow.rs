//! `gharun workflow`.

use super::Context;
use crate::error::{Exit, Failure};
use crate::model::SecretSource;
use crate::report::{Needed, WorkflowParts};
use crate::settings::{GitHubCredential, Origin, ProviderSettings};

/// The action of this very version.
const ACTION: &str = concat!(
    env!("CARGO_PKG_REPOSITORY"),
    "@v",
    env!("CARGO_PKG_VERSION")
);
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
        Some(GitHubCredential::Token(SecretSource::Variable { name, .. })) if is_secret(name) => {
            parts.token.clone_from(name);
        }
        _ => {}
    }
    let mut has_table = false;
    for (name, provider) in settings.tables.each(&names)? {
        let provider = provider?;
        has_table |= settings.tables.named().contains(&name);
        parts.take(&provider);
        parts.providers.push(name);
    }
    if let Some(path) = settings.file.path.as_ref().filter(|_| has_table) {
        parts.checks_out = true;
        if path.is_absolute() || path.components().count() > 1 {
            let note = format!(
                "Copy {} into the repository, as providers.toml.",
                path.display()
            );
            parts.notes.push(note);
        } else {
            parts
                .notes
                .push("Commit providers.toml: its settings are used.".to_owned());
        }
    }
    let report = parts.report();
    let text = report.workflow.clone();
    context.screen.data(&report, text)?;
    Ok(Exit::Done)
}

/// Whether a variable's name may be that of a secret of GitHub's.
fn is_secret(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.chars().all(plain) && !name.to_ascii_uppercase().starts_with("GITHUB_")
}

impl WorkflowParts {
    /// What a provider needs in a workflow.
    fn take(&mut self, provider: &ProviderSettings) {
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
            self.need(&variable, &format!("`{key}` of `{name}`"));
        }
        match provider.kind.name {
            "aws" => {
                let region = value("region").unwrap_or("us-east-1");
                self.region.get_or_insert_with(|| region.to_owned());
            }
            "docker" if value("host").is_some_and(|host| host.starts_with("ssh://")) => {
                self.ssh = true;
            }
            "docker" if value("host").is_none() => self.runs_here("whose Docker daemon it is"),
            "local" => self.runs_here("that runners share"),
            "nebius" if provider.secrets.is_empty() && value("service_account_key").is_none() => {
                self.need(
                    "NEBIUS_IAM_TOKEN",
                    "a token of Nebius; the key of a service account lasts longer",
                );
            }
            "runpod" if provider.secrets.is_empty() => {
                self.need(
                    "RUNPOD_API_KEY",
                    "an API key of RunPod that may create pods",
                );
            }
            "ssh" => self.ssh = true,
            _ => {}
        }
    }

    fn need(&mut self, name: &str, holds: &str) {
        if self.secrets.iter().any(|needed| needed.name == name) {
            return;
        }
        self.secrets.push(Needed {
            name: name.to_owned(),
            holds: holds.to_owned(),
        });
    }

    /// A machine that is a computer of the user's own: hosted runners do not reach it.
    fn runs_here(&mut self, which: &str) {
        self.runs_on = format!("self-hosted # the computer {which}");
    }
}
