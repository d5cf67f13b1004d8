//! What GitHub does with every request and every answer: whom it refuses, and what it adds.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::auth::Need;
use super::faults::{Kind, Page};
use super::renames;
use super::scope::Ground;
use super::state::State;
use super::wire::{Answer, Call, Content};
use crate::random;

/// The path of an archive holds this; it is fetched without token and without limits.
const DOWNLOADS: &str = "/releases/download/";

/// The versions of the API that it knows.
const API_VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// What is refused whatever was asked.
pub(super) fn refusal(state: &mut State, call: &Call, need: &Need) -> Option<Answer> {
    if call.path.contains(DOWNLOADS) {
        return None;
    }
    if call.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. \
                       Please make sure your request has a User-Agent header.";
        return Some(Answer::error(403, message));
    }
    if let Some(version) = call.header("x-github-api-version")
        && !API_VERSIONS.contains(&version)
    {
        let message = format!("\"{version}\" is not a supported version");
        return Some(Answer::error(400, &message));
    }
    let token = call.token.as_deref();
    let of_app = token.filter(|_| *need != Need::Own).and_then(|token| {
        let segments: Vec<&str> = call.path.split('/').skip(1).collect();
        let ground = Ground::of(&segments);
        let scope = ground.as_ref().map(|(ground, _)| &ground.scope);
        state.apps.judge(token, scope, need, state.now())
    });
    let judged = match of_app {
        Some(judged) => judged.err(),
        None => state.tokens.judge(token, need),
    };
    if judged.is_some() {
        return judged;
    }
    let leads_on = state.renames.lead_on(&call.path).is_some();
    let limiter = state.limiter.as_mut().filter(|_| !leads_on);
    let over = limiter.and_then(|limiter| limiter.take(&call.method, Instant::now()));
    if let Some(kind) = over {
        return Some(refused(&kind));
    }
    let (limit, used) = (state.quota.limit(token), state.quota.used(token));
    let exhausted = call.path != "/rate_limit" && used >= limit;
    exhausted.then(|| {
        let reset = i64::try_from(state.quota.reset()).unwrap_or(i64::MAX);
        let reset = Timestamp::from_second(reset).unwrap_or_default();
        refused(&Kind::primary_limit(reset))
    })
}

/// A refusal as an answer.
pub(super) fn refused(kind: &Kind) -> Answer {
    let Kind::Status {
        code,
        body,
        headers,
    } = kind
    else {
        return Answer::error(403, "API rate limit exceeded");
    };
    let content = match body {
        Page::Html(text) => Content::Html(text.clone()),
        Page::Json(value) => Content::Json(value.clone()),
    };
    Answer {
        headers: headers.clone(),
        ..Answer::of(*code, content)
    }
}

/// Leads on to where a renamed repository is.
pub(super) fn lead_on(state: &mut State, call: &Call, path: &str) -> Answer {
    refusal(state, call, &Need::Sight).unwrap_or_else(|| {
        let query = call.raw_query.as_ref();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        renames::moved(&call.method, &format!("{}{path}{query}", call.base))
    })
}

/// What answers tell of what a token may do.
pub(super) fn permissions(state: &State, call: &Call, need: &Need) -> Vec<(String, String)> {
    let scopes = state.tokens.scope_headers(call.token.as_deref(), need);
    let permission = match need {
        Need::Runners(permission) => permission.clone(),
        Need::Runs => Some("actions=read".to_owned()),
        Need::Nothing | Need::Own | Need::Sight => None,
    };
    let permission = permission.map(|one| ("x-accepted-github-permissions", one));
    scopes
        .into_iter()
        .chain(permission)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Adds what every answer of the API has, and turns what the client has already into a 304.
pub(super) fn dress(state: &mut State, call: &Call, mut answer: Answer) -> Answer {
    if call.path.contains(DOWNLOADS) && answer.status == 200 {
        return answer;
    }
    let mut unchanged = false;
    if call.method == "GET" && answer.status == 200 {
        // As GitHub's: weak, and another one for each token.
        let mut hash = Sha256::new();
        hash.update(answer.bytes());
        hash.update(call.token.as_deref().unwrap_or_default());
        let tag = format!("W/\"{:x}\"", hash.finalize());
        unchanged = call
            .header("if-none-match")
            .is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
        if unchanged {
            answer.status = 304;
            answer.body = Content::Nothing;
        }
        answer = answer.with("etag", tag);
    }
    let free = unchanged || call.path == "/rate_limit";
    for (name, value) in common_headers(state, call.token.as_deref(), !free) {
        if !answer.headers.iter().any(|(known, _)| *known == name) {
            answer.headers.push((name, value));
        }
    }
    answer
}

/// What every answer of the API has; counts the request unless it is free.
fn common_headers(state: &mut State, token: Option<&str>, counts: bool) -> Vec<(String, String)> {
    let limit = state.quota.limit(token);
    let used = if counts {
        state.quota.count(token)
    } else {
        state.quota.used(token)
    };
    let reset = state.quota.reset();
    state.asked += 1;
    let tail = random(8).to_uppercase();
    let id = format!("{:04X}:{tail}:{reset:X}", state.asked & 0xffff);
    let seconds = u64::try_from(state.now().as_second()).unwrap_or(0);
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let date = httpdate::fmt_http_date(date);
    [
        ("date", date),
        ("server", "github.com".to_owned()),
        ("x-github-api-version-selected", "2022-11-28".to_owned()),
        ("x-github-media-type", "github.v3; format=json".to_owned()),
        ("x-github-request-id", id),
        ("x-ratelimit-limit", limit.to_string()),
        ("x-ratelimit-remaining", (limit - used).to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
        ("x-ratelimit-used", used.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
