//! Whose runners they are: a repository's, an organization's or an enterprise's.

/// A scope in lower case: GitHub does not tell `Acme` from `acme`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Enterprise(String),
    Org(String),
    Repo { owner: String, name: String },
}

impl Scope {
    pub(super) fn repo(owner: &str, name: &str) -> Self {
        Self::Repo {
            owner: owner.to_lowercase(),
            name: name.to_lowercase(),
        }
    }

    pub(super) fn org(name: &str) -> Self {
        Self::Org(name.to_lowercase())
    }

    pub(super) fn enterprise(slug: &str) -> Self {
        Self::Enterprise(slug.to_lowercase())
    }

    /// Reads `acme/app`, `acme` or `enterprises/acme`.
    pub(super) fn read(text: &str) -> Self {
        match text.split_once('/') {
            Some(("enterprises", slug)) => Self::enterprise(slug),
            Some((owner, name)) => Self::repo(owner, name),
            None => Self::org(text),
        }
    }

    /// How paths of the API begin that are about it.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Enterprise(slug) => format!("/enterprises/{slug}"),
            Self::Org(org) => format!("/orgs/{org}"),
            Self::Repo { owner, name } => format!("/repos/{owner}/{name}"),
        }
    }

    /// The login of the account that it is of.
    pub(super) fn owner(&self) -> &str {
        match self {
            Self::Enterprise(name) | Self::Org(name) | Self::Repo { owner: name, .. } => name,
        }
    }
}

/// A scope as a path names it, its part of the route, and the permission over its runners by
/// GitHub's name (an enterprise has none that a token could be given).
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) scope: Scope,
    pub(super) route: &'static str,
    pub(super) permission: Option<&'static str>,
}

impl Ground {
    /// Reads the beginning of a path; with what comes behind it.
    pub(super) fn of<'a>(segments: &'a [&'a str]) -> Option<(Self, &'a [&'a str])> {
        let (scope, route, permission, rest) = match segments {
            ["repos", owner, name, rest @ ..] => (
                Scope::repo(owner, name),
                "/repos/{owner}/{repo}",
                Some("administration"),
                rest,
            ),
            ["orgs", org, rest @ ..] => (
                Scope::org(org),
                "/orgs/{org}",
                Some("organization_self_hosted_runners"),
                rest,
            ),
            ["enterprises", slug, rest @ ..] => (
                Scope::enterprise(slug),
                "/enterprises/{enterprise}",
                None,
                rest,
            ),
            _ => return None,
        };
        let ground = Self {
            scope,
            route,
            permission,
        };
        Some((ground, rest))
    }
}
