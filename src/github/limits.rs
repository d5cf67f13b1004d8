//! GitHub's limits: how many requests are left, and when it wants to be left alone.

use std::time::Duration;

use jiff::Timestamp;

use crate::http::{Answer, Limit, Pause};

/// Documentation, "Rate limits for the REST API": at least a minute where nothing else is said.
const SECONDARY: Duration = Duration::from_mins(1);

/// Reads that GitHub wants to be left alone, in the order that its documentation gives ("Best
/// practices for using the REST API"). A 403 that says none of this is a missing permission.
pub(super) fn limits(answer: &Answer) -> Option<Limit> {
    let status = answer.status.as_u16();
    if !matches!(status, 403 | 429) {
        return None;
    }
    let header = |name: &'static str| answer.header(name)?.trim().parse::<i64>().ok();
    let used_up = header("x-ratelimit-remaining") == Some(0);
    let said = String::from_utf8_lossy(&answer.body).to_lowercase();
    let secondary = said.contains("secondary") || said.contains("abuse");
    let reason = if used_up && !secondary {
        let limit = header("x-ratelimit-limit").filter(|limit| *limit > 0);
        let all = limit.map_or_else(|| "all".to_owned(), |limit| format!("all {limit}"));
        format!("GitHub's rate limit: {all} requests of this hour are used")
    } else if secondary {
        "GitHub's secondary rate limit: too many requests at once".to_owned()
    } else {
        "GitHub's rate limit: too many requests".to_owned()
    };
    let pause = if let Some(pause) = answer.retry_after() {
        Pause::For(pause)
    } else if used_up
        && let Some(reset) = header("x-ratelimit-reset")
        && let Ok(reset) = Timestamp::from_second(reset)
    {
        // `Date` and the reset have whole seconds: one more, to be surely behind it.
        Pause::For(answer.until(reset) + Duration::from_secs(1))
    } else if status == 429 || said.contains("rate limit") {
        Pause::Growing(SECONDARY)
    } else {
        return None;
    };
    Some(Limit { pause, reason })
}
