//! Where a scope's runners are in the API, and where an API is.

use url::Url;

use super::{Error, ErrorKind, Result};
use crate::model::Scope;

/// The address of the REST API of a server, derived as GitHub's own clients do: `github.com` and
/// `*.ghe.com` have a host for it, any other server (GHES) a path.
///
/// # Panics
///
/// Never: a host that a URL has is fit for a URL with `api.` before it.
pub fn api_url(server: &Url) -> Url {
    let mut url = server.clone();
    url.set_query(None);
    url.set_fragment(None);
    let host = server.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    if host == "github.com" || host.ends_with(".ghe.com") {
        url.set_host(Some(&format!("api.{host}")))
            .expect("a domain stays a domain");
        url.set_path("/");
    } else {
        url.set_path("/api/v3");
    }
    url
}

/// The server that an API is of, the inverse of [`api_url`]; an API at another address is its own server.
pub(super) fn server_url(api_url: &Url) -> Url {
    let mut url = api_url.clone();
    let host = api_url.host_str().unwrap_or_default();
    if let Some(host) = host.strip_prefix("api.")
        && (host == "github.com" || host.ends_with(".ghe.com"))
    {
        url.set_host(Some(host)).expect("a part of a domain is one");
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/api/v3").unwrap_or(path).to_owned();
    url.set_path(&path);
    url
}

/// Whether an API is that of a GHES server, which has its own runner versions.
pub(super) fn is_ghes(api_url: &Url) -> bool {
    api_url.path().trim_end_matches('/').ends_with("/api/v3")
}

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
    fn an_api_is_where_its_server_puts_it() {
        for (server, api) in [
            ("https://github.com", "https://api.github.com/"),
            ("https://www.github.com/acme?x#y", "https://api.github.com/"),
            ("https://acme.ghe.com/", "https://api.acme.ghe.com/"),
            ("https://git.acme.test", "https://git.acme.test/api/v3"),
            ("http://10.0.0.1:8080/", "http://10.0.0.1:8080/api/v3"),
            ("https://notgithub.com", "https://notgithub.com/api/v3"),
            (
                "https://ghe.com.evil.test",
                "https://ghe.com.evil.test/api/v3",
            ),
        ] {
            assert_eq!(api_url(&url(server)).as_str(), api, "{server}");
        }
    }

    #[test]
    fn a_server_is_found_from_its_api() {
        for (api, server) in [
            ("https://api.github.com/", "https://github.com/"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com/"),
            ("https://git.acme.test/api/v3", "https://git.acme.test/"),
            ("http://10.0.0.1:8080/api/v3/", "http://10.0.0.1:8080/"),
            ("https://acme.test/git/api/v3", "https://acme.test/git"),
            ("https://api.acme.test", "https://api.acme.test/"),
        ] {
            assert_eq!(server_url(&url(api)).as_str(), server, "{api}");
        }
    }

    #[test]
    fn a_ghes_is_known_by_its_path() {
        assert!(is_ghes(&url("https://git.acme.test/api/v3/")));
        assert!(!is_ghes(&url("https://api.github.com")));
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
