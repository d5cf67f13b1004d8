//! Where a server of GitHub has its API, and which server an API is of.

use url::Url;

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
pub fn server_url(api_url: &Url) -> Url {
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
pub fn is_ghes(api_url: &Url) -> bool {
    api_url.path().trim_end_matches('/').ends_with("/api/v3")
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
}
