//! What goes wrong on demand.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The body of a refusal.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    /// As proxies and front ends send.
    Html(String),
    /// As the API sends.
    Json(Value),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// It answers late; a client that does not wait so long has not reached it at all.
    Delay(Duration),
    /// It takes the request and never answers; nothing is done.
    Hang,
    /// What is asked is done, and the answer never comes.
    HangAfter,
    /// What is asked is done, and the connection is closed without an answer.
    LostAnswer,
    /// The connection is closed before anything is done.
    Refuse,
    /// It answers so, and nothing is done.
    Status {
        /// The HTTP status.
        code: u16,
        /// The body.
        body: Page,
        /// Headers beside those that every answer has; they win over those.
        headers: Vec<(String, String)>,
    },
}

/// Something to go wrong with the next requests that fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Only with this method (`POST`); `None` is every one.
    pub method: Option<String>,
    /// Only where path or query hold this. The stub runner's own talk is meant only where this
    /// names it (`runner-service`).
    pub path_contains: String,
    /// How many times; `u32::MAX` is for ever.
    pub times: u32,
    /// What.
    pub kind: Kind,
}

impl Fault {
    /// Goes wrong once.
    pub fn once(method: &str, path_contains: &str, kind: Kind) -> Self {
        Self {
            method: Some(method.to_owned()),
            path_contains: path_contains.to_owned(),
            times: 1,
            kind,
        }
    }

    /// The same fault `times` times; `u32::MAX` is for ever.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    pub(super) fn fits(&self, method: &str, target: &str) -> bool {
        let ours = !target.contains(super::wire::RUNNER_SERVICE)
            || self.path_contains.contains("runner-service");
        self.times > 0
            && ours
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && target.contains(&self.path_contains)
    }
}

impl Kind {
    /// A refusal in the API's form.
    pub fn status(code: u16, message: &str) -> Self {
        Self::Status {
            code,
            body: Page::Json(json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": code.to_string(),
            })),
            headers: Vec::new(),
        }
    }

    /// The page of a front end that got no answer from what is behind it.
    pub fn html(code: u16) -> Self {
        Self::Status {
            code,
            body: Page::Html(
                "<html><head><title>Unicorn!</title></head>\
                 <body>This page is taking too long to load.</body></html>"
                    .to_owned(),
            ),
            headers: Vec::new(),
        }
    }

    /// A secondary rate limit (403), with or without a word on how long to wait.
    pub fn secondary_limit(retry_after: Option<Duration>) -> Self {
        Self::Status {
            code: 403,
            body: Page::Json(json!({
                "message": "You have exceeded a secondary rate limit. \
                            Please wait a few minutes before you try again.",
                "documentation_url": "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
                "status": "403",
            })),
            headers: retry_after
                .map(|wait| ("retry-after".to_owned(), wait.as_secs().to_string()))
                .into_iter()
                .collect(),
        }
    }

    /// The primary rate limit, which ends at `reset`.
    pub fn primary_limit(reset: Timestamp) -> Self {
        Self::Status {
            code: 403,
            body: Page::Json(json!({
                "message": "API rate limit exceeded for user ID 1.",
                "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
                "status": "403",
            })),
            headers: vec![
                ("x-ratelimit-remaining".to_owned(), "0".to_owned()),
                (
                    "x-ratelimit-reset".to_owned(),
                    reset.as_second().to_string(),
                ),
            ],
        }
    }
}
