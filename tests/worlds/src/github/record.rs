//! What was asked and answered, kept within bounds.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::wire::{Call, below_prefix};

/// Bodies beyond this are not kept: nothing of the API that tests look into is as large.
const LONGEST_BODY: usize = 64 << 10;
/// More than a test asks in an hour; the bound on bytes is reached first.
const MOST: usize = 100_000;

/// A request to the API and what became of it. The stub runner's own talk is not among them.
#[derive(Clone)]
pub struct Exchange {
    /// When it had been read.
    pub at: Timestamp,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path as it was sent, without its query.
    pub path: String,
    /// The query, where there was one.
    pub query: Option<String>,
    /// The headers of the request, names in lower case, without `authorization`.
    pub headers: Vec<(String, String)>,
    /// The path with its variables in braces, as GitHub's description has it; `None` where it has
    /// no such path.
    pub route: Option<String>,
    /// The status that was answered; `None` where the answer was withheld.
    pub status: Option<u16>,
    request: Option<String>,
    answer: Option<String>,
}

impl Exchange {
    /// What was asked, without its token.
    pub(super) fn new(call: &Call) -> Self {
        let mut headers = call.headers.clone();
        headers.retain(|(name, _)| name != "authorization");
        Self {
            at: Timestamp::now(),
            method: call.method.clone(),
            path: call.raw_path.clone(),
            query: call.raw_query.clone(),
            headers,
            route: None,
            status: None,
            request: text(&call.body),
            answer: None,
        }
    }

    pub(super) fn answered(&mut self, status: u16, body: &[u8]) {
        self.status = Some(status);
        self.answer = text(body);
    }

    /// The path below `/api/v3`, as GitHub's description has it.
    pub fn api_path(&self) -> &str {
        below_prefix(&self.path)
    }

    /// One header of the request; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body of the request, where it is JSON and was kept.
    pub fn request_json(&self) -> Option<Value> {
        serde_json::from_str(self.request.as_ref()?).ok()
    }

    /// The body of the answer, where it is JSON and was kept. It may hold a just-in-time
    /// configuration.
    pub fn answer_json(&self) -> Option<Value> {
        serde_json::from_str(self.answer.as_ref()?).ok()
    }

    fn size(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(k, v)| k.len() + v.len()).sum();
        let bodies = [&self.request, &self.answer];
        let bodies: usize = bodies.into_iter().flatten().map(String::len).sum();
        self.path.len() + self.query.as_ref().map_or(0, String::len) + headers + bodies + 256
    }
}

/// Bodies may hold tokens and configurations: they are not shown.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

fn text(body: &[u8]) -> Option<String> {
    let fits = !body.is_empty() && body.len() <= LONGEST_BODY;
    fits.then(|| std::str::from_utf8(body).ok().map(str::to_owned))?
}

/// All exchanges of late, and how many there were of each sort ever.
#[derive(Debug)]
pub(super) struct Record {
    exchanges: VecDeque<Exchange>,
    bytes: usize,
    room: usize,
    counts: BTreeMap<String, u64>,
}

impl Record {
    pub(super) fn new(room: usize) -> Self {
        Self {
            exchanges: VecDeque::new(),
            bytes: 0,
            room,
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn keep(&mut self, exchange: Exchange) {
        let route = exchange.route.as_deref().unwrap_or(exchange.api_path());
        *self
            .counts
            .entry(format!("{} {route}", exchange.method))
            .or_default() += 1;
        self.bytes += exchange.size();
        self.exchanges.push_back(exchange);
        while self.bytes > self.room || self.exchanges.len() > MOST {
            let Some(oldest) = self.exchanges.pop_front() else {
                break;
            };
            self.bytes -= oldest.size();
        }
    }

    pub(super) fn all(&self) -> Vec<Exchange> {
        self.exchanges.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    pub(super) fn forget(&mut self) {
        self.exchanges.clear();
        self.counts.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: &'static [u8]) -> Exchange {
        let request = http::Request::get(path).body(bytes::Bytes::from_static(body));
        Exchange::new(&Call::new(&request.unwrap()))
    }

    #[test]
    fn the_oldest_are_dropped_when_the_room_is_used_up_and_still_counted() {
        let mut record = Record::new(4096);
        for number in 0..100 {
            record.keep(asked(&format!("/{number}"), &[b'x'; 100]));
        }
        let kept = record.all();
        assert!(kept.len() < 20, "{}", kept.len());
        assert_eq!(kept.last().map(|last| last.path.as_str()), Some("/99"));
        assert_eq!(record.counts().len(), 100);
    }

    #[test]
    fn bodies_are_not_shown_by_debug() {
        let mut exchange = asked("/", b"{\"a\":1}");
        exchange.answered(200, b"{\"encoded_jit_config\":\"hunter2\"}");
        assert!(!format!("{exchange:?}").contains("hunter2"));
        assert_eq!(exchange.request_json(), Some(serde_json::json!({"a": 1})));
    }
}
