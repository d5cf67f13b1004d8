//! Which runner group new runners come into, and whose jobs get them.

use super::Context;
use crate::error::{Exit, Failure};
use crate::github::{Client, DEFAULT_GROUP, ErrorKind, RunnerGroup};
use crate::model::{Error, Scope, chain, text};
use crate::plan::Plan;
use crate::settings::{GitHubSettings, GroupSetting, Setting};

/// The name of the group that everybody has.
const DEFAULT: &str = "Default";

/// Refuses a group where there are none: a repository's runners are in no group.
pub(super) fn fits(settings: &GitHubSettings) -> Result<(), Failure> {
    let (Some(Setting { value: group, .. }), Some(scope)) = (&settings.group, &settings.scope)
    else {
        return Ok(());
    };
    let Scope::Repo { owner, .. } = &scope.value else {
        return Ok(());
    };
    let everybodys = match group {
        GroupSetting::Id(id) => *id == DEFAULT_GROUP,
        GroupSetting::Name(name) => name.eq_ignore_ascii_case(DEFAULT),
    };
    if everybodys {
        return Ok(());
    }
    Err(
        refused(settings, "repositories have no runner groups").hinted(format!(
            "register with the organization: `--org {owner}` instead of {}; or leave the group out",
            scope.subject("github.repo")
        )),
    )
}

/// The client whose new runners come into the group that was asked for. It is looked up before anything
/// is created; what the user should know of it is said. Where none was asked for, the one that everybody has is
/// looked at in a workflow alone, whose repository it may keep out.
pub(super) async fn choose(
    context: &Context,
    github: Client,
    plan: &Plan,
) -> Result<Client, Failure> {
    let settings = &context.settings.github;
    // A label of the user's own may be one that another repository's jobs ask for.
    let fatal = if plan.labels.is_empty() {
        Fatal::ClosedOrPublic
    } else {
        Fatal::Nothing
    };
    let Some(found) = find(&github, settings).await? else {
        if context.settings.step.is_some() {
            for concern in of_default(&github, settings, fatal).await? {
                context.screen.warn(&concern);
            }
        }
        return Ok(github);
    };
    let chosen = match found {
        GroupLookup::Group(group) => {
            let concerns = concerns(&github, settings, &group, fatal).await?;
            for concern in concerns {
                context.screen.warn(&concern);
            }
            group.id
        }
        GroupLookup::Unread(id, why) => {
            let what = format!("using runner group {id} unchecked");
            context.screen.warn(&why.while_trying(what));
            id
        }
    };
    Ok(github.in_group(chosen))
}

/// What keeps this workflow's jobs away from the runners of the default group: GitHub keeps public repositories out of it
/// unless the organization allows them. If GitHub does not let the token look, nothing is said: the user named no group.
async fn of_default(
    github: &Client,
    settings: &GitHubSettings,
    fatal: Fatal,
) -> Result<Vec<Error>, Failure> {
    if served(github.scope(), settings).is_none() {
        return Ok(Vec::new());
    }
    match github.runner_group(DEFAULT_GROUP).await {
        Ok(group) => {
            let found = doubts(github, settings, &group, fatal).await?;
            let known = found.into_iter().filter_map(|doubt| match doubt {
                Doubt::Known(concern) => Some(concern),
                Doubt::Unknown(_) => None,
            });
            Ok(known.collect())
        }
        Err(why) => {
            tracing::debug!("{}", chain(&why));
            Ok(Vec::new())
        }
    }
}

/// What was found of a group that was asked for.
pub(super) enum GroupLookup {
    /// It is there.
    Group(RunnerGroup),
    /// The list could not be read, and why; its number is known all the same.
    Unread(u64, Error),
}

/// Looks the group up that was asked for; `None` where none was, or where there are none.
pub(super) async fn find(
    github: &Client,
    settings: &GitHubSettings,
) -> Result<Option<GroupLookup>, Failure> {
    fits(settings)?;
    let Some(Setting { value: wanted, .. }) = &settings.group else {
        return Ok(None);
    };
    if matches!(github.scope(), Scope::Repo { .. }) {
        return Ok(None);
    }
    let groups = match (github.groups().await, wanted) {
        (Ok(groups), _) => groups,
        (Err(error), GroupSetting::Id(id))
            if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) =>
        {
            return Ok(Some(GroupLookup::Unread(*id, error.any())));
        }
        (Err(error), _) => {
            let hint = "or name the group by its ID, as shown in its URL on GitHub";
            let hidden = matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound);
            let failure = Failure::from(error);
            return Err(if hidden {
                failure.hinted(hint)
            } else {
                failure
            });
        }
    };
    pick(settings, github.scope(), &groups, wanted).map(|group| Some(GroupLookup::Group(group)))
}

fn pick(
    settings: &GitHubSettings,
    scope: &Scope,
    groups: &[RunnerGroup],
    wanted: &GroupSetting,
) -> Result<RunnerGroup, Failure> {
    let mut fitting: Vec<&RunnerGroup> = match wanted {
        GroupSetting::Id(id) => groups.iter().filter(|group| group.id == *id).collect(),
        GroupSetting::Name(name) => {
            let folded = name.to_lowercase();
            let same = groups.iter();
            same.filter(|group| group.name.to_lowercase() == folded)
                .collect()
        }
    };
    if fitting.len() > 1 {
        let exact = |group: &&RunnerGroup| group.name == wanted.to_string();
        if fitting.iter().filter(|group| exact(group)).count() == 1 {
            fitting.retain(exact);
        }
    }
    let named = |groups: &mut dyn Iterator<Item = &RunnerGroup>| {
        groups.map(spelled).collect::<Vec<_>>().join(", ")
    };
    match fitting.as_slice() {
        [group] => Ok((*group).clone()),
        [] => {
            let failure = refused(settings, &format!("it does not exist in `{scope}`"));
            let known = named(&mut groups.iter());
            Err(match known.as_str() {
                "" => failure,
                known => failure.hinted(format!("known groups: {known}")),
            })
        }
        several => {
            let known = named(&mut several.iter().copied());
            Err(
                refused(settings, "more than one runner group has that name")
                    .hinted(format!("use an ID: {known}")),
            )
        }
    }
}

/// What is an error and no concern: with a label that nobody else has, only this repository's workflow can ask for
/// the runners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fatal {
    /// Another repository's jobs may ask for them, too.
    Nothing,
    /// A group that is closed to this repository.
    Closed,
    /// That, and one that is closed to public repositories where this one is public.
    ClosedOrPublic,
}

/// What may keep jobs away from the runners of a group.
pub(super) async fn concerns(
    github: &Client,
    settings: &GitHubSettings,
    group: &RunnerGroup,
    fatal: Fatal,
) -> Result<Vec<Error>, Failure> {
    let doubts = doubts(github, settings, group, fatal).await?;
    let concerns = doubts.into_iter().map(|doubt| match doubt {
        Doubt::Known(concern) | Doubt::Unknown(concern) => concern,
    });
    Ok(concerns.collect())
}

/// What may keep jobs away from runners.
enum Doubt {
    /// It does.
    Known(Error),
    /// It could not be found out.
    Unknown(Error),
}

async fn doubts(
    github: &Client,
    settings: &GitHubSettings,
    group: &RunnerGroup,
    fatal: Fatal,
) -> Result<Vec<Doubt>, Failure> {
    let mut concerns = Vec::new();
    let what = spelled(group);
    if group.restricted_to_workflows {
        let workflows = match group.selected_workflows.as_slice() {
            [] => "no workflow may use the".to_owned(),
            some => format!("only {} may use the", some.join(", ")),
        };
        let concern = format!("{workflows} runner group {what}");
        concerns.push(Doubt::Known(concern.into()));
    }
    let Some((repository, name)) = served(github.scope(), settings) else {
        return Ok(concerns);
    };
    // Of an enterprise's group it is known which organizations it is for.
    let is_of_organization = matches!(github.scope(), Scope::Org(_));
    if group.visibility == "selected" && is_of_organization {
        concerns.extend(closed_to(github, settings, group, (repository, name), fatal).await?);
    }
    if group.visibility == "private" || !group.allows_public_repositories {
        let fatal = if is_of_organization {
            fatal
        } else {
            Fatal::Nothing
        };
        concerns.extend(closed_to_public(github, settings, group, repository, fatal).await?);
    }
    Ok(concerns)
}

/// Why a group of selected repositories may not serve ours: its whole name and its name alone.
async fn closed_to(
    github: &Client,
    settings: &GitHubSettings,
    group: &RunnerGroup,
    (repository, name): (&str, &str),
    fatal: Fatal,
) -> Result<Option<Doubt>, Failure> {
    let what = spelled(group);
    Ok(match github.groups_visible_to(name).await {
        Ok(visible) if visible.iter().any(|open| open.id == group.id) => None,
        // Not even the group that everybody has: the question was not understood.
        Ok(visible) if visible.is_empty() => {
            let doubt = format!("runner group {what} may not allow `{repository}`");
            Some(Doubt::Unknown(doubt.into()))
        }
        Ok(_) => {
            let closed =
                format!("runner group {what} does not allow the repository `{repository}`");
            let open = format!("allow the repository at {}", page(settings, github, group));
            if fatal != Fatal::Nothing {
                return Err(Failure::usage(format!(
                    "{closed}, so no job of its workflows would get the runner"
                ))
                .hinted(open)
                .hinted("or name another group: `--runner-group NAME`"));
            }
            Some(Doubt::Known(Error::from(closed).hinted(open)))
        }
        Err(error) => Some(Doubt::Unknown(error.any().while_trying(format!(
            "could not check whether `{repository}` may use runner group {what}"
        )))),
    })
}

/// Why a group without public repositories may not serve ours.
async fn closed_to_public(
    github: &Client,
    settings: &GitHubSettings,
    group: &RunnerGroup,
    repository: &str,
    fatal: Fatal,
) -> Result<Option<Doubt>, Failure> {
    let what = spelled(group);
    let closed = format!(
        "`{repository}` is public, and runner group {what} does not allow public repositories"
    );
    let page = page(settings, github, group);
    Ok(match github.repository(repository).await {
        Ok(seen) if seen.private => None,
        Ok(_) if fatal == Fatal::ClosedOrPublic => {
            return Err(Failure::usage(format!(
                "{closed}, so no job of its workflows would get the runner"
            ))
            .hinted(format!(
                "register with the repository: `--repo {repository}`"
            ))
            .hinted(format!(
                "or allow public repositories at {page}, but then strangers may run code on the \
                 group's machines"
            )));
        }
        Ok(_) => Some(Doubt::Known(Error::from(format!(
            "{closed}: allow them at {page}, but then strangers may run code on its machines"
        )))),
        Err(error) => Some(Doubt::Unknown(error.any().while_trying(format!(
            "could not check whether `{repository}` is public, which runner group {what} does not \
             allow"
        )))),
    })
}

/// The repository of this workflow, and its name alone, where it may be one that the scope's runners serve.
fn served<'a>(scope: &Scope, settings: &'a GitHubSettings) -> Option<(&'a str, &'a str)> {
    let repository = settings.repository.as_deref()?;
    let (owner, name) = repository.split_once('/')?;
    let is_served = match scope {
        Scope::Enterprise(_) => true,
        Scope::Org(org) => owner.eq_ignore_ascii_case(org),
        Scope::Repo { .. } => false,
    };
    is_served.then_some((repository, name))
}

/// Where a person changes a group.
fn page(settings: &GitHubSettings, github: &Client, group: &RunnerGroup) -> String {
    let (server, scope, id) = (&settings.server, github.scope(), group.id);
    let server = server.as_str().trim_end_matches('/');
    match scope {
        Scope::Enterprise(_) => format!("{server}/{scope}/settings/actions/runner-groups/{id}"),
        _ => format!("{server}/organizations/{scope}/settings/actions/runner-groups/{id}"),
    }
}

/// A group as people and options call it.
pub(super) fn spelled(group: &RunnerGroup) -> String {
    format!("`{}` (ID {})", text::one_line(&group.name), group.id)
}

fn refused(settings: &GitHubSettings, why: &str) -> Failure {
    let Some(group) = &settings.group else {
        return Failure::new(Exit::Usage, why);
    };
    let subject = group.subject("github.runner_group");
    Failure::usage(format!("{subject} cannot be `{}`: {why}", group.value))
}
