//! Registrations: just in time, or with a token where a server knows no other way.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::registration_cache::RegistrationCache;
use super::{DEFAULT_GROUP, Error, ErrorKind, RequiredPermission, Result, scope};
use crate::http::Request;
use crate::model::{Name, RegistrationMode, Scope, Secret, server};

/// Where jobs are worked on, below the runner's folder. The runner has the same default.
const WORK_FOLDER: &str = "_work";
/// A token that is good for less than this is not handed out again: it is used when its machine has
/// booted. GitHub gives them for an hour.
const BOOTS: SignedDuration = SignedDuration::from_mins(40);

/// What a machine needs to become a runner.
#[derive(Clone, Debug)]
pub struct Registration {
    /// GitHub's number of the runner; unknown until its machine has registered it with a token.
    pub runner_id: Option<u64>,
    /// What the machine connects or registers with.
    pub credential: RunnerCredential,
}

/// What a machine shows to GitHub.
#[derive(Clone, Debug)]
pub enum RunnerCredential {
    /// A just-in-time configuration: the runner is registered already.
    Jit(Secret),
    /// What the machine registers its runner with.
    Token(RegistrationToken),
}

/// What a machine registers its runner with.
#[derive(Clone, Debug)]
pub struct RegistrationToken {
    /// It lets anybody register runners for an hour.
    pub token: Secret,
    /// The page of the scope on the server, such as `https://ghes.example.com/octo/app`.
    pub url: Url,
    /// The name of the runner group; `None` is the default one.
    pub group: Option<String>,
}

#[derive(Serialize)]
struct JitRequest<'a> {
    name: &'a str,
    runner_group_id: u64,
    labels: &'a [String],
    work_folder: &'static str,
}

#[derive(Deserialize)]
struct JitAnswer {
    runner: Numbered,
    encoded_jit_config: Secret,
}

#[derive(Deserialize)]
struct Numbered {
    id: u64,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Secret,
    /// RFC 3339; read leniently, since an old server's form is its own.
    #[serde(default)]
    expires_at: Option<String>,
}

impl Client {
    /// Registers in the way that was asked for. What the server has is found out by the first
    /// runner; the others wait for it.
    pub(super) async fn register_runner(
        &self,
        name: &Name,
        labels: &[String],
    ) -> Result<Registration> {
        let falls_back = server::is_ghes(self.api_url());
        match self.way() {
            RegistrationMode::Jit => return self.just_in_time(name, labels).await,
            RegistrationMode::Token => return self.with_token(&mut *self.known().await).await,
            // Elsewhere a 404 is a missing right or a missing group, and nothing else.
            RegistrationMode::Either if !falls_back => {
                return self.just_in_time(name, labels).await;
            }
            RegistrationMode::Either => {}
        }
        let mut known = self.known().await;
        match known.has_jit {
            Some(true) => {
                drop(known);
                return self.just_in_time(name, labels).await;
            }
            Some(false) => return self.with_token(&mut known).await,
            None => {}
        }
        let answer = self.just_in_time(name, labels).await;
        match &answer {
            Ok(_) => known.has_jit = Some(true),
            Err(error) => match error.kind {
                ErrorKind::NameTaken | ErrorKind::Invalid => known.has_jit = Some(true),
                // Who may get a token sees the scope and may manage its runners: then it is the
                // server that does not know the question.
                ErrorKind::NotFound => {
                    if let Ok(token) = self.ticket(&mut known).await {
                        tracing::debug!("the server does not support just-in-time configurations");
                        drop(token);
                        known.has_jit = Some(false);
                        return self.with_token(&mut known).await;
                    }
                }
                _ => {}
            },
        }
        answer
    }

    async fn just_in_time(&self, name: &Name, labels: &[String]) -> Result<Registration> {
        let right = RequiredPermission::Runners {
            scope: self.scope(),
            group: Some(self.group()),
        };
        let scope = self.scope();
        let message = format!("could not register `{name}` with `{scope}`");
        let operation = self.begin(message, right).abandonable();
        let url = self.in_scope(&["actions", "runners", "generate-jitconfig"])?;
        let mut request = Request::new(Method::POST, url).json(&JitRequest {
            name: name.as_str(),
            runner_group_id: self.group(),
            labels,
            work_folder: WORK_FOLDER,
        });
        request.secret = true;
        let answer = operation.send(request).await?;
        let read: Result<JitAnswer> = operation.read(&answer);
        match read {
            Ok(made) => Ok(Registration {
                runner_id: Some(made.runner.id),
                credential: RunnerCredential::Jit(made.encoded_jit_config),
            }),
            // It was made, and what to connect with is lost.
            Err(error) if answer.status.is_success() => Err(error.map(|_| ErrorKind::Ambiguous)),
            Err(error) => Err(error),
        }
    }

    /// Registers nothing yet: the machine does, under its own name.
    async fn with_token(&self, known: &mut RegistrationCache) -> Result<Registration> {
        let group = self.group_name(known).await?;
        let server = self
            .server()
            .map_or_else(|| server::server_url(self.api_url()), Clone::clone);
        let scope = match self.scope() {
            Scope::Enterprise(slug) => vec!["enterprises", slug],
            Scope::Org(org) => vec![org.as_str()],
            Scope::Repo { owner, name } => vec![owner.as_str(), name],
        };
        let url = scope::join(&server, scope)?;
        let token = self.ticket(known).await?;
        Ok(Registration {
            runner_id: None,
            credential: RunnerCredential::Token(RegistrationToken { token, url, group }),
        })
    }

    /// A token that is good for long enough, kept or new. All runners share it: it is not used up.
    async fn ticket(&self, known: &mut RegistrationCache) -> Result<Secret> {
        if let Some((token, until)) = &known.ticket
            && until.duration_since(self.clock()) > BOOTS
        {
            return Ok(token.clone());
        }
        let scope = self.scope();
        let message = format!("could not get a token to register runners with `{scope}`");
        let right = RequiredPermission::Runners { scope, group: None };
        let operation = self.begin(message, right);
        let url = self.in_scope(&["actions", "runners", "registration-token"])?;
        // A token that nobody saw registers nothing.
        let mut request = Request::new(Method::POST, url).repeatable();
        request.secret = true;
        let answer = operation.send(request).await?;
        let TokenAnswer { token, expires_at } = operation.read(&answer)?;
        let until = expires_at.and_then(|text| text.parse::<Timestamp>().ok());
        known.ticket = until.map(|until| (token.clone(), until));
        Ok(token)
    }

    /// The name of the group: the runner's own registration takes no number.
    async fn group_name(&self, known: &mut RegistrationCache) -> Result<Option<String>> {
        let (scope, group) = (self.scope(), self.group());
        // At the level of a repository there are no groups.
        if group == DEFAULT_GROUP || matches!(scope, Scope::Repo { .. }) {
            return Ok(None);
        }
        if let Some(name) = &known.group {
            return Ok(Some(name.clone()));
        }
        let groups = self.groups().await?;
        let Some(found) = groups.into_iter().find(|one| one.id == group) else {
            let message = format!("could not register runners with `{scope}`");
            return Err(Error::new(ErrorKind::NotFound, message)
                .because(format!("runner group {group} does not exist")));
        };
        known.group = Some(found.name.clone());
        Ok(Some(found.name))
    }
}
