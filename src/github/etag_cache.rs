//! Answers that are kept for conditional requests: those that were understood, and no more than a bound.

use std::collections::HashMap;

use reqwest::StatusCode;
use reqwest::header::ETAG;
use url::Url;

use crate::http::Answer;

/// Pages of a large scope and the runners of a large start.
const MOST_ANSWERS: usize = 512;
/// In bytes; a page of a hundred runners has 60 KB.
const LARGEST: usize = 1 << 20;
/// In bytes, of all bodies together.
const MOST_BYTES: usize = 32 << 20;

/// Answers with an `ETag`, by address. A 304 costs no quota.
#[derive(Debug, Default)]
pub(super) struct EtagCache {
    answers: HashMap<Url, Answer>,
    /// Of all bodies together.
    bytes: usize,
}

impl EtagCache {
    /// What was answered at an address before.
    pub(super) fn get(&self, url: &Url) -> Option<&Answer> {
        self.answers.get(url)
    }

    /// Keeps an answer that was understood, in place of the one before it. What is too large, or has no
    /// `ETag`, is read anew each time.
    pub(super) fn keep(&mut self, url: &Url, answer: &Answer) {
        self.forget(url);
        let size = answer.body.len();
        let fits = size <= LARGEST && answer.headers.contains_key(ETAG);
        if answer.status != StatusCode::OK || !fits {
            return;
        }
        if self.answers.len() >= MOST_ANSWERS || self.bytes + size > MOST_BYTES {
            self.answers.clear();
            self.bytes = 0;
        }
        self.bytes += size;
        self.answers.insert(url.clone(), answer.clone());
    }

    /// Forgets what was answered at an address.
    pub(super) fn forget(&mut self, url: &Url) {
        if let Some(known) = self.answers.remove(url) {
            self.bytes -= known.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: usize) -> Url {
        let url = format!("https://github.example/{number}");
        url.parse().expect("a URL")
    }

    fn answer(status: u16, etag: bool, bytes: usize) -> Answer {
        let mut answer = Answer::double(status, vec![b' '; bytes]);
        if etag {
            let etag = "\"a\"".parse().expect("a header");
            answer.headers.insert(ETAG, etag);
        }
        answer
    }

    #[test]
    fn only_what_can_be_asked_about_again_is_kept() {
        let mut cache = EtagCache::default();
        for (status, etag, bytes, kept) in [
            (200, true, 2, true),
            (200, true, LARGEST, true),
            (200, true, LARGEST + 1, false),
            (200, false, 2, false),
            (404, true, 2, false),
        ] {
            cache.keep(&at(1), &answer(status, etag, bytes));
            let found = cache.get(&at(1)).is_some();
            assert_eq!(found, kept, "{status} {etag} {bytes}");
        }
    }

    #[test]
    fn what_is_kept_has_a_bound_in_answers_and_in_bytes() {
        let mut cache = EtagCache::default();
        for number in 0..MOST_ANSWERS * 3 {
            cache.keep(&at(number), &answer(200, true, 2));
            assert!(cache.answers.len() <= MOST_ANSWERS);
        }
        for number in 0..100 {
            cache.keep(&at(number), &answer(200, true, LARGEST));
            let held: usize = cache.answers.values().map(|kept| kept.body.len()).sum();
            assert_eq!(held, cache.bytes);
            assert!(held <= MOST_BYTES);
            assert!(cache.get(&at(number)).is_some(), "the newest is kept");
        }
    }
}
