//! Repositories that were renamed: their old addresses lead on to the ones that last.

use std::collections::BTreeMap;

use serde_json::json;

use super::wire::{Answer, Content};

/// Which were renamed, by their old names in lower case, and the numbers that last.
#[derive(Debug, Default)]
pub(super) struct Renames(BTreeMap<String, u64>);

impl Renames {
    pub(super) fn add(&mut self, from: &str, id: u64) {
        self.0.insert(from.to_lowercase(), id);
    }

    /// The path below `/repositories/…` that a path below an old name leads on to.
    pub(super) fn lead_on(&self, path: &str) -> Option<String> {
        let mut segments = path.strip_prefix("/repos/")?.splitn(3, '/');
        let (owner, name) = (segments.next()?, segments.next()?);
        let id = self.0.get(&format!("{owner}/{name}").to_lowercase())?;
        let rest = segments.next().map(|rest| format!("/{rest}"));
        Some(format!("/repositories/{id}{}", rest.unwrap_or_default()))
    }

    /// What is behind a path below `/repositories/…`: runners stay where they were registered.
    pub(super) fn original(&self, path: &str) -> Option<String> {
        let (id, rest) = match path.strip_prefix("/repositories/")?.split_once('/') {
            Some((id, rest)) => (id, format!("/{rest}")),
            None => (path.strip_prefix("/repositories/")?, String::new()),
        };
        let id: u64 = id.parse().ok()?;
        let (name, _) = self.0.iter().find(|(_, known)| **known == id)?;
        Some(format!("/repos/{name}{rest}"))
    }
}

/// 301 for reading and 307 for the rest, which no client turns into reading.
pub(super) fn moved(method: &str, location: &str) -> Answer {
    let reads = matches!(method, "GET" | "HEAD");
    let (status, message) = if reads {
        (301, "Moved Permanently")
    } else {
        (307, "Temporary Redirect")
    };
    let body = json!({
        "message": message,
        "url": location,
        "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
    });
    Answer::of(status, Content::Json(body)).with("location", location)
}
