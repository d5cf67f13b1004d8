//! Scopes as GitHub compares and names them.

use crate::model::Scope;

/// The scope in lower case: GitHub does not tell `Acme` from `acme`.
pub(super) fn folded(scope: &Scope) -> Scope {
    match scope {
        Scope::Enterprise(slug) => Scope::Enterprise(slug.to_lowercase()),
        Scope::Org(org) => Scope::Org(org.to_lowercase()),
        Scope::Repo { owner, name } => Scope::Repo {
            owner: owner.to_lowercase(),
            name: name.to_lowercase(),
        },
    }
}

/// The scope that a path of the API is about, and what comes behind it.
pub(super) fn of_path<'a>(segments: &'a [&'a str]) -> Option<(Scope, &'a [&'a str])> {
    let (scope, rest) = match segments {
        ["repos", owner, name, rest @ ..] => (
            Scope::Repo {
                owner: (*owner).to_owned(),
                name: (*name).to_owned(),
            },
            rest,
        ),
        ["orgs", org, rest @ ..] => (Scope::Org((*org).to_owned()), rest),
        ["enterprises", slug, rest @ ..] => (Scope::Enterprise((*slug).to_owned()), rest),
        _ => return None,
    };
    Some((folded(&scope), rest))
}

/// The scope that a page of GitHub's site is about.
pub(super) fn of_page(url: &str) -> Option<Scope> {
    let url = url::Url::parse(url).ok()?;
    let parts: Vec<&str> = url
        .path_segments()?
        .filter(|part| !part.is_empty())
        .collect();
    let scope = match parts.as_slice() {
        ["enterprises", slug] => Scope::Enterprise((*slug).to_owned()),
        [org] => Scope::Org((*org).to_owned()),
        [owner, name] => Scope::Repo {
            owner: (*owner).to_owned(),
            name: (*name).to_owned(),
        },
        _ => return None,
    };
    Some(folded(&scope))
}
