//! Lists that come in pages.

use reqwest::header::{HeaderMap, LINK};
use serde::de::DeserializeOwned;
use url::Url;

use super::client::Authorized;
use super::{Error, ErrorKind, Result};
use crate::http;

/// Of all pages of a list together; a hundred runners have 60 KB.
const MOST_BYTES: usize = 64 << 20;

impl Authorized<'_> {
    /// Reads a list, all pages. The pages come from one server, none twice.
    pub(super) async fn pages<P: DeserializeOwned>(&self, first: Url) -> Result<Vec<P>> {
        let mut bytes = 0;
        let read = async |url: &Url| {
            let answer = self.fetch(url).await?;
            bytes += answer.body.len();
            if bytes > MOST_BYTES {
                let most = MOST_BYTES >> 20;
                return Err(self.odd(&format!("the list has more than {most} MiB")));
            }
            let page = self.read_at(url, &answer)?;
            let next = next_page(&answer.headers).map(|link| self.follow(link, url));
            Ok((page, next.transpose()?))
        };
        http::pages(first, read, |endless| self.odd(&endless.to_string())).await
    }

    fn follow(&self, link: &str, here: &Url) -> Result<Url> {
        let odd = |how: &str| {
            self.odd(&format!(
                "could not read the next page of the list: its address {how}"
            ))
        };
        let url = here.join(link).map_err(|_| odd("is not a valid URL"))?;
        if url.origin() != self.api_url().origin() {
            return Err(odd("is on another server, which must not get the token"));
        }
        Ok(url)
    }

    fn odd(&self, why: &str) -> Error {
        self.fails(ErrorKind::Unexpected, why)
            .hinted("check that `GITHUB_API_URL` is the address that GitHub's API itself uses")
    }
}

/// The target of `rel="next"` (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(next_link)
}

fn next_link(mut text: &str) -> Option<&str> {
    while let Some((_, rest)) = text.split_once('<') {
        let (target, rest) = rest.split_once('>')?;
        // A comma ends the parameters; one inside a target is behind us already.
        let (parameters, rest) = rest.split_once(',').unwrap_or((rest, ""));
        let next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_whitespace()
                    .any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if next {
            return Some(target);
        }
        text = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let url = "https://api.github.com/x?a=1,2&page=2";
        for link in [
            format!(r#"<{url}>; rel="next", <https://api.github.com/x?page=9>; rel="last""#),
            format!(r#"<https://api.github.com/x?page=1>; rel="prev",<{url}>; rel="next""#),
            format!("<{url}>; title=\"x\"; REL=next"),
            format!(r#"<{url}>; rel="up next""#),
        ] {
            assert_eq!(next_link(&link), Some(url), "{link}");
        }
        for link in [
            "",
            "<",
            "<x",
            "<x>",
            r#"<x>; rel="last""#,
            r#"<x>; rel="nextnext""#,
        ] {
            assert_eq!(next_link(link), None, "{link}");
        }
    }
}
