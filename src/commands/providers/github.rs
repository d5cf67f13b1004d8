//! `gharun providers check`, the part about GitHub: scope, token, limits, runner, group, workflow.
//!
//! Nothing is created. One row each, so that what is fine stands beside what is not.

use std::collections::BTreeMap;

use jiff::Unit;

use crate::commands::Context;
use crate::commands::github::packages;
use crate::commands::groups::{self, Fatal, GroupLookup};
use crate::error::Failure;
use crate::github::{
    self, Client, ClientConfig, Core, DEFAULT_GROUP, ErrorKind, GitHubApi as _, RateLimit,
    Repository, RunnerGroup, TokenKind,
};
use crate::model::{Error, RunnerVersion, Scope};
use crate::report::{CheckRow, CheckStatus};

/// Below so many requests a large start may have to wait for its turn.
const FEW: u64 = 100;

/// The row of the scope and the token: the one that scripts know.
const GITHUB: &str = "github";
const GROUP: &str = "github/group";
const QUOTA: &str = "github/quota";
const RUNNER: &str = "github/runner";
const WORKFLOW: &str = "github/workflow";

/// Checks all that a start would need of GitHub.
pub(super) async fn check(context: &Context) -> Vec<CheckRow> {
    let github = match context.github().await {
        Ok(github) => github,
        Err(failure) => return without(context, failure).await,
    };
    let runners = github.runners().await.map(|all| all.len());
    match runners.as_ref().err().map(|error| error.kind) {
        // All else would be answered alike.
        Some(ErrorKind::Unauthorized | ErrorKind::Unavailable | ErrorKind::Unexpected) => {
            return vec![token(context, &github, runners, None, None).await];
        }
        // The one question that is answered where the limit is used up.
        Some(ErrorKind::RateLimited) => {
            let token = token(context, &github, runners, None, None).await;
            return vec![token, limits(github.rate_limit().await)];
        }
        _ => {}
    }
    let quota = github.rate_limit().await;
    let scopes = quota.as_ref().ok().and_then(|quota| quota.scopes.clone());
    let seen = match github.scope() {
        // Where it cannot be seen, its runners could not be listed either, which is told.
        scope @ Scope::Repo { .. } => github.repository(&scope.to_string()).await.ok(),
        _ => None,
    };
    let mut rows = vec![
        token(context, &github, runners, scopes, seen).await,
        limits(quota),
        runner(packages(&github, &RunnerVersion::Latest).await),
        group(context, &github).await,
    ];
    rows.extend(workflow(context, &github).await);
    rows
}

/// What can be said where there is no scope or no token: which runner anybody gets.
async fn without(context: &Context, failure: Failure) -> Vec<CheckRow> {
    let mut rows = vec![failed(GITHUB, &failure)];
    let github = &context.settings.github;
    if github.scope.is_none() && github.token.is_none() {
        rows[0].status = CheckStatus::NotSetUp;
    }
    let Ok(config) = context.config() else {
        return rows;
    };
    rows[0].facts = vec![format!("{} at {}", config.scope, config.api_url)];
    if context.settings.github.token.is_none()
        && let Ok(public) = Client::new(ClientConfig {
            token: None,
            ..config
        })
    {
        rows.push(limits(public.rate_limit().await));
        let found = packages(&public, &RunnerVersion::Latest).await;
        rows.push(runner(found));
    }
    rows
}

async fn token(
    context: &Context,
    github: &Client,
    runners: github::Result<usize>,
    scopes: Option<Vec<String>>,
    seen: Option<Repository>,
) -> CheckRow {
    let scope = github.scope();
    let mut row = fine(GITHUB, format!("{scope} at {}", github.api_url()));
    let kind = github.token_kind().await.ok().flatten().unwrap_or_default();
    let origin = context.settings.github.token.as_ref();
    let from = origin.map_or_else(String::new, |token| format!(" from {}", token.origin));
    row.facts.push(format!("{kind}{from}"));
    if let Some(scopes) = &scopes {
        row.facts.push(match scopes.as_slice() {
            [] => "without scopes".to_owned(),
            some => format!("its scopes: {}", some.join(", ")),
        });
    }
    match seen.as_ref().and_then(Repository::admin) {
        Some(true) => row.facts.push("an admin of the repository".to_owned()),
        Some(false) => row.warnings.push(Error::from(format!(
            "the token's owner is not an admin of `{scope}`, which registering runners requires"
        ))),
        None => {}
    }
    if let Some(seen) = &seen
        && !seen.full_name.eq_ignore_ascii_case(&scope.to_string())
    {
        row.warnings.push(Error::from(format!(
            "`{scope}` is now called `{}`: use the new name, so that `list` and `stop` search in \
             one place",
            crate::model::text::one_line(&seen.full_name)
        )));
    }
    if let Some(lacking) = lacking(scope, kind, scopes.as_deref()) {
        row.warnings.push(lacking.into());
    }
    match runners {
        Ok(1) => row.facts.push("1 runner is registered".to_owned()),
        Ok(count) => row.facts.push(format!("{count} runners are registered")),
        Err(error) => {
            let failure = Failure::from(error);
            row.status = CheckStatus::Failed;
            row.error = Some(failure.any());
            row.warnings.clear();
            return row;
        }
    }
    let by_permission = !matches!(kind, TokenKind::Classic | TokenKind::OAuth);
    if by_permission && scopes.is_none() {
        row.facts.push(
            "can list runners; whether it can register them shows only at the first start"
                .to_owned(),
        );
    }
    row
}

/// The scope that a token with scopes lacks to register runners (GitHub's REST documentation).
fn lacking(scope: &Scope, kind: TokenKind, scopes: Option<&[String]>) -> Option<String> {
    let scopes = scopes.filter(|scopes| {
        matches!(kind, TokenKind::Classic | TokenKind::OAuth) || !scopes.is_empty()
    })?;
    let wanted: &[&str] = match scope {
        Scope::Enterprise(_) => &["manage_runners:enterprise", "admin:enterprise"],
        Scope::Org(_) => &["admin:org", "manage_runners:org"],
        // The second one is enough where the repository is public.
        Scope::Repo { .. } => &["repo", "public_repo"],
    };
    let enough = scopes.iter().any(|has| wanted.contains(&has.as_str()));
    (!enough).then(|| {
        format!(
            "the token lacks the scope `{}`: it cannot register runners of `{scope}`",
            wanted[0]
        )
    })
}

fn limits(quota: github::Result<RateLimit>) -> CheckRow {
    match quota.map(|quota| quota.core) {
        Ok(None) => fine(QUOTA, "the server has no rate limit"),
        Ok(Some(core)) => {
            let reset = core.reset();
            let reset = reset.round(Unit::Second).unwrap_or(reset);
            let Core {
                limit, remaining, ..
            } = core;
            let left = format!("{remaining} of {limit} API requests left; resets at {reset}");
            let mut row = fine(QUOTA, left);
            if remaining < FEW.min(limit) {
                row.warnings.push(Error::from(format!(
                    "few API requests are left: a start may have to wait until {reset}"
                )));
            }
            row
        }
        Err(error) => untold(QUOTA, &error.into()),
    }
}

fn runner(found: Result<Vec<crate::bootstrap::Package>, Failure>) -> CheckRow {
    let packages = match found {
        Ok(packages) => packages,
        Err(failure) => return failed(RUNNER, &failure),
    };
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let platform = format!("{}-{}", package.os, package.architecture);
        versions.entry(package.version).or_default().push(platform);
    }
    let told = versions.into_iter().map(|(version, mut platforms)| {
        platforms.sort();
        format!("version {version} for {}", platforms.join(", "))
    });
    let mut row = fine(RUNNER, "");
    row.facts = told.collect();
    row
}

async fn group(context: &Context, github: &Client) -> CheckRow {
    let settings = &context.settings.github;
    let found = match groups::find(github, settings).await {
        Ok(found) => found,
        Err(failure) => return failed(GROUP, &failure),
    };
    let default = format!("`Default` ({DEFAULT_GROUP})");
    let group = match found {
        Some(GroupLookup::Group(group)) => group,
        Some(GroupLookup::Unread(id, why)) => {
            let mut row = fine(GROUP, format!("ID {id}"));
            let what = "could not confirm that it exists";
            row.warnings.push(why.while_trying(what));
            return row;
        }
        None if matches!(github.scope(), Scope::Repo { .. }) => {
            return fine(
                GROUP,
                format!("{default}: repositories have no other groups"),
            );
        }
        None => match github.groups().await {
            Ok(groups) => match groups.into_iter().find(|group| group.id == DEFAULT_GROUP) {
                Some(group) => group,
                None => return fine(GROUP, format!("{default}, not in the list")),
            },
            Err(error) => return untold(GROUP, &error.into()),
        },
    };
    // With the group that nobody chose, nobody chose to keep a repository out of it either.
    let fatal = if settings.group.is_some() {
        Fatal::Closed
    } else {
        Fatal::Nothing
    };
    match groups::concerns(github, settings, &group, fatal).await {
        Ok(concerns) => CheckRow {
            warnings: concerns,
            ..fine(GROUP, described(&group))
        },
        Err(failure) => failed(GROUP, &failure),
    }
}

fn described(group: &RunnerGroup) -> String {
    let open = match group.visibility.as_str() {
        "all" => "all repositories",
        "private" => "all private repositories",
        "selected" => "selected repositories",
        _ => "visibility unknown",
    };
    let public = if group.allows_public_repositories {
        "public repositories allowed"
    } else {
        "public repositories not allowed"
    };
    format!("{}: {open}, {public}", groups::spelled(group))
}

/// Whether the runs can be read that tell when a machine is needed no more.
async fn workflow(context: &Context, github: &Client) -> Option<CheckRow> {
    let repository = context.settings.github.repository.as_deref()?;
    let run = context.settings.step.as_ref().and_then(|step| step.run);
    let read = async {
        // A repository that cannot be seen has no runs either.
        github.repository(repository).await?;
        github.reads_runs(repository, run.map(|run| run.id)).await
    };
    Some(match read.await {
        Ok(()) => fine(
            WORKFLOW,
            format!("can read the workflow runs of `{repository}`"),
        ),
        Err(error) => untold(WORKFLOW, &error.into()),
    })
}

fn fine(name: &str, fact: impl Into<String>) -> CheckRow {
    CheckRow {
        name: name.to_owned(),
        status: CheckStatus::Ok,
        facts: vec![fact.into()],
        warnings: Vec::new(),
        error: None,
    }
}

/// Something that no start needs, and that could not be found out.
fn untold(name: &str, failure: &Failure) -> CheckRow {
    CheckRow {
        status: CheckStatus::Unknown,
        ..failed(name, failure)
    }
}

/// Something without which no start can work.
fn failed(name: &str, failure: &Failure) -> CheckRow {
    CheckRow {
        name: name.to_owned(),
        status: CheckStatus::Failed,
        facts: Vec::new(),
        warnings: Vec::new(),
        error: Some(failure.clone().any()),
    }
}
