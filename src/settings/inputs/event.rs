//! What started the workflow: code of a stranger does not get a machine by itself.

use serde_json::Value;

use crate::settings::{Env, Error, Result};

/// Refuses a start for a pull request from a fork.
///
/// The names of events and the fields of their payloads:
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>
///
/// # Errors
///
/// An error that names the fork, or one for a payload that does not tell.
pub(super) fn refuse_forks(env: &Env) -> Result<()> {
    let event = env.get("GITHUB_EVENT_NAME").unwrap_or_default();
    if !event.starts_with("pull_request") {
        return Ok(());
    }
    let refused = |what: String| {
        Err(Error::usage(format!("{what}: its code would run on your machine")).hinted(
            "if someone reviews such pull requests before their workflows run, write `allow-forks: true`",
        ))
    };
    let text = env.get("GITHUB_EVENT_PATH");
    let text = text.and_then(|path| std::fs::read_to_string(path).ok());
    let payload = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let payload = payload.unwrap_or_default();
    let name = |path: &str| payload.pointer(path).and_then(Value::as_str);
    let here = name("/pull_request/base/repo/full_name").or_else(|| name("/repository/full_name"));
    match (name("/pull_request/head/repo/full_name"), here) {
        (Some(head), Some(here)) if head.eq_ignore_ascii_case(here) => Ok(()),
        (Some(head), Some(_)) => refused(format!("this is a pull request from the fork `{head}`")),
        // The repository of a pull request that is older than its fork is `null`.
        _ => refused("this may be a pull request from a fork".to_owned()),
    }
}
