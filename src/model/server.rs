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

/// A server as tags name it: `github.com`, or the host of another one, with its port where that is not the usual one.
pub fn name(server: &Url) -> String {
    // What is written in two ways (`www.github.com`) has one API.
    let server = server_url(&api_url(server));
    let host = server.host_str().unwrap_or("github.com");
    server
        .port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an API may be that of a server. An address that has not the form of an API's says nothing of whose it
/// is: it may be a proxy before any.
pub fn may_serve(api_url: &Url, server: &Url) -> bool {
    let of_api = server_url(api_url);
    let has_form = is_ghes(api_url) || of_api.host_str() != api_url.host_str();
    !has_form || name(&of_api) == name(server)
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
    fn a_server_has_one_name() {
        for (server, name_of) in [
            ("https://github.com", "github.com"),
            ("https://www.GitHub.com/", "github.com"),
            ("https://acme.ghe.com", "acme.ghe.com"),
            ("https://git.acme.test:8443/x", "git.acme.test:8443"),
            ("http://127.0.0.1:28917", "127.0.0.1:28917"),
            ("https://git.acme.test:443", "git.acme.test"),
        ] {
            assert_eq!(name(&url(server)), name_of, "{server}");
        }
    }

    #[test]
    fn an_api_that_names_a_server_serves_no_other() {
        let github = "https://github.com";
        for (api, server, may) in [
            ("https://api.github.com", github, true),
            ("https://api.github.com/", "https://www.github.com", true),
            (
                "https://git.acme.test/api/v3",
                "https://git.acme.test",
                true,
            ),
            ("http://proxy.test/github", github, true),
            ("http://127.0.0.1:8080", github, true),
            ("https://git.acme.test/api/v3", github, false),
            ("https://api.acme.ghe.com", github, false),
            ("https://api.github.com", "https://git.acme.test", false),
            ("http://10.0.0.1:8080/api/v3", "http://10.0.0.1:8081", false),
        ] {
            assert_eq!(may_serve(&url(api), &url(server)), may, "{api}, {server}");
        }
    }

    #[test]
    fn a_ghes_is_known_by_its_path() {
        assert!(is_ghes(&url("https://git.acme.test/api/v3/")));
        assert!(!is_ghes(&url("https://api.github.com")));
    }
}
