//! Where a scope's runners are in the API.

use url::Url;

use super::{Error, ErrorKind, Result};
use crate::model::Scope;

/// The path of a scope in the API, one segment each; none is encoded yet.
pub(super) fn segments(scope: &Scope) -> Vec<&str> {
    match scope {
        Scope::Enterprise(slug) => vec!["enterprises", slug],
        Scope::Org(org) => vec!["orgs", org],
        Scope::Repo { owner, name } => vec!["repos", owner, name],
    }
}

/// Splits `owner/name`.
pub(super) fn repository(text: &str) -> Result<[&str; 3]> {
    match text.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(["repos", owner, name])
        }
        _ => Err(Error::new(
            ErrorKind::Invalid,
            format!("`{text}` is not a valid repository"),
        )
        .hinted("write `OWNER/NAME`")),
    }
}

/// Appends segments to the API's address, each percent-encoded: none can leave its place.
pub(super) fn join<'a>(api_url: &Url, segments: impl IntoIterator<Item = &'a str>) -> Result<Url> {
    let mut url = api_url.clone();
    {
        let bad = || {
            Error::new(
                ErrorKind::Invalid,
                format!("`{api_url}` is not a valid API address"),
            )
        };
        let mut path = url.path_segments_mut().map_err(|()| bad())?;
        path.pop_if_empty();
        for segment in segments {
            // A URL drops these instead of encoding them.
            if segment.is_empty() || segment == "." || segment == ".." {
                let message = format!("`{segment}` is not a valid name on GitHub");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            path.push(segment);
        }
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn no_name_leaves_its_segment() {
        let scope = Scope::Repo {
            owner: "a/../b".into(),
            name: "c d?e#f%2f".into(),
        };
        for base in [
            "https://git.acme.test/api/v3",
            "https://git.acme.test/api/v3/",
        ] {
            let url = join(&url(base), segments(&scope)).unwrap();
            assert_eq!(url.path(), "/api/v3/repos/a%2F..%2Fb/c%20d%3Fe%23f%252f");
            assert_eq!(url.query(), None);
        }
    }

    #[test]
    fn a_name_that_a_url_would_drop_is_refused() {
        for name in ["", ".", ".."] {
            let scope = Scope::Org(name.into());
            let error = join(&url("https://api.github.com"), segments(&scope)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid);
        }
    }

    #[test]
    fn a_repository_has_an_owner_and_a_name() {
        assert_eq!(repository("acme/app").unwrap(), ["repos", "acme", "app"]);
        for text in ["", "acme", "acme/", "/app", "acme/app/x"] {
            assert_eq!(
                repository(text).unwrap_err().kind,
                ErrorKind::Invalid,
                "{text}"
            );
        }
    }
}
