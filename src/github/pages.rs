//! Lists that come in pages.

use std::cell::Cell;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::header::{HeaderMap, LINK};
use serde::de::DeserializeOwned;
use url::Url;

use super::client::Authorized;
use super::{Error, ErrorKind, Result};
use crate::http;

/// Of all pages of a list together; a hundred runners have 60 KB.
const MOST_BYTES: usize = 64 << 20;
/// How many pages are asked for side by side. GitHub counts a hundred requests at a time against all clients of an account
/// ("Rate limits for the REST API"), and what is read here is not all that a workflow does.
const AT_ONCE: usize = 10;
/// More pages than anybody has.
const MOST_PAGES: usize = 1000;

/// A page and its address.
pub(super) type PageAt<P> = (Url, P);

impl Authorized<'_> {
    /// Reads a list, all pages. The pages come from one server, none twice.
    pub(super) async fn pages<P: DeserializeOwned>(&self, first: Url) -> Result<Vec<P>> {
        let pages = self.pages_at(first).await?.into_iter();
        Ok(pages.map(|(_, page)| page).collect())
    }

    /// The same with the address of each page, in their order. Where the first page names the last by its number, the last
    /// is read next, and then those between them, some side by side: so nothing that comes meanwhile makes up in number
    /// for what leaves.
    pub(super) async fn pages_at<P: DeserializeOwned>(&self, first: Url) -> Result<Vec<PageAt<P>>> {
        let bytes = Cell::new(0);
        let read = async |url: &Url| {
            let answer = self.fetch(url).await?;
            bytes.set(bytes.get() + answer.body.len());
            if bytes.get() > MOST_BYTES {
                let most = MOST_BYTES >> 20;
                return Err(self.odd(&format!("the list has more than {most} MiB")));
            }
            let page: P = self.read_at(url, &answer)?;
            let follow = |relation| {
                let link = linked(&answer.headers, relation);
                link.map(|link| self.follow(link, url)).transpose()
            };
            Ok((page, follow("next")?, follow("last")?))
        };
        let (page, next, last) = read(&first).await?;
        let between = next.as_ref().zip(last.as_ref());
        let between = between.and_then(|(next, last)| between_pages(next, last));
        let mut pages = vec![(first.clone(), page)];
        let mut following = next;
        if let (Some(between), Some(last)) = (between, last) {
            if between.len() > MOST_PAGES {
                return Err(self.odd(&http::Endless::TooMany.to_string()));
            }
            let (end, after, _) = read(&last).await?;
            let read = &read;
            let between = between.into_iter().map(async |url: Url| {
                let (page, ..) = read(&url).await?;
                Ok((url, page))
            });
            let between = stream::iter(between).buffered(AT_ONCE);
            pages.extend(between.try_collect::<Vec<PageAt<P>>>().await?);
            pages.push((last, end));
            // It has grown meanwhile.
            following = after;
        }
        if let Some(next) = following {
            let seen: Vec<Url> = pages.iter().map(|(url, _)| url.clone()).collect();
            if seen.contains(&next) {
                return Err(self.odd(&http::Endless::Again.to_string()));
            }
            let read = async |url: &Url| {
                let (page, next, _) = read(url).await?;
                let again = next.as_ref().is_some_and(|next| seen.contains(next));
                if again {
                    return Err(self.odd(&http::Endless::Again.to_string()));
                }
                Ok(((url.clone(), page), next))
            };
            let rest = http::pages(next, read, |endless| self.odd(&endless.to_string()));
            pages.extend(rest.await?);
        }
        Ok(pages)
    }

    /// Reads one page of a list once more.
    pub(super) async fn page<P: DeserializeOwned>(&self, url: &Url) -> Result<P> {
        let answer = self.fetch(url).await?;
        self.read_at(url, &answer)
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

/// The addresses between the second page and the last, the second included; `None` where the two do not differ by their
/// numbers alone.
fn between_pages(second: &Url, last: &Url) -> Option<Vec<Url>> {
    let number = |url: &Url| {
        let mut pairs = url.query_pairs();
        let (_, number) = pairs.find(|(key, _)| key == PAGE)?;
        number.parse::<usize>().ok()
    };
    let (from, to) = (number(second)?, number(last)?);
    let at = |page: usize| {
        let mut url = last.clone();
        let kept = last.query_pairs().filter(|(key, _)| key != PAGE);
        let kept: Vec<_> = kept.collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair(PAGE, &page.to_string());
        url
    };
    // The order of the parameters means nothing.
    let sorted = |url: &Url| {
        let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
        pairs.sort();
        (url.path().to_owned(), pairs)
    };
    let is_numbered = from <= to && sorted(&at(from)) == sorted(second);
    // Numbers beyond reason are not made into addresses.
    let to = to.min(from.saturating_add(MOST_PAGES + 1));
    is_numbered.then(|| (from..to).map(at).collect())
}

/// The parameter that numbers pages.
const PAGE: &str = "page";

/// The target of a link with that relation (RFC 8288).
fn linked<'a>(headers: &'a HeaderMap, relation: &str) -> Option<&'a str> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|text| link(text, relation))
}

fn link<'a>(mut text: &'a str, relation: &str) -> Option<&'a str> {
    while let Some((_, rest)) = text.split_once('<') {
        let (target, rest) = rest.split_once('>')?;
        // A comma ends the parameters; one inside a target is behind us already.
        let (parameters, rest) = rest.split_once(',').unwrap_or((rest, ""));
        let is_meant = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_whitespace()
                    .any(|found| found.eq_ignore_ascii_case(relation))
        });
        if is_meant {
            return Some(target);
        }
        text = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_of(text: &str) -> Option<&str> {
        link(text, "next")
    }

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn pages_between_two_are_told_by_their_numbers_alone() {
        let at = |query: &str| url(&format!("https://h/runners?{query}"));
        let between = |next: &str, last: &str| {
            let found = between_pages(&at(next), &at(last))?;
            Some(found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            between("page=2&per_page=100", "per_page=100&page=4"),
            Some(vec![
                "https://h/runners?per_page=100&page=2".to_owned(),
                "https://h/runners?per_page=100&page=3".to_owned(),
            ])
        );
        assert_eq!(between("page=2", "page=2"), Some(vec![]));
        for (next, last) in [
            ("page=2&per_page=50", "page=4&per_page=100"),
            ("after=b", "after=z"),
            ("page=3", "page=2"),
            ("page=b", "page=z"),
        ] {
            assert_eq!(between(next, last), None, "{next} {last}");
        }
        let many = between_pages(&at("page=2"), &at("page=18446744073709551615"));
        assert!(many.is_some_and(|many| many.len() > MOST_PAGES && many.len() < 2 * MOST_PAGES));
    }

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let url = "https://api.github.com/x?a=1,2&page=2";
        for link in [
            format!(r#"<{url}>; rel="next", <https://api.github.com/x?page=9>; rel="last""#),
            format!(r#"<https://api.github.com/x?page=1>; rel="prev",<{url}>; rel="next""#),
            format!("<{url}>; title=\"x\"; REL=next"),
            format!(r#"<{url}>; rel="up next""#),
        ] {
            assert_eq!(link_of(&link), Some(url), "{link}");
        }
        for link in [
            "",
            "<",
            "<x",
            "<x>",
            r#"<x>; rel="last""#,
            r#"<x>; rel="nextnext""#,
        ] {
            assert_eq!(link_of(link), None, "{link}");
        }
    }
}
