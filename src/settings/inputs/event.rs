//! What started the workflow: code of a stranger does not get a machine by itself.

use serde_json::Value;

use crate::settings::{Env, Error, Result};

/// What may have triggered the run that a `workflow_run` follows, so that the payload does not tell whose pull request is behind
/// it: these run on the base repository, whoever wrote the code.
const WITHOUT_HEAD: [&str; 2] = ["pull_request_target", "workflow_run"];

/// Refuses a start for a pull request from a fork, also where the workflow follows another one that ran for it: that one ran
/// without secrets, this one has them.
///
/// The names of events and the fields of their payloads:
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request> and
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run>
///
/// # Errors
///
/// An error that names the fork, or one for a payload that does not tell.
pub(super) fn refuse_forks(env: &Env) -> Result<()> {
    let event = env.get("GITHUB_EVENT_NAME").unwrap_or_default();
    let follows = event == "workflow_run";
    if !follows && !event.starts_with("pull_request") {
        return Ok(());
    }
    let text = env.get("GITHUB_EVENT_PATH");
    let text = text.and_then(|path| std::fs::read_to_string(path).ok());
    let payload = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let payload = payload.unwrap_or_default();
    let name = |path: &str| payload.pointer(path).and_then(Value::as_str);
    let (head, here, is, may_be) = if follows {
        let before = name("/workflow_run/event");
        // The repository of a run whose fork is gone is `null`.
        let head = name("/workflow_run/head_repository/full_name");
        let here = name("/repository/full_name");
        let tells = before.is_some_and(|event| !WITHOUT_HEAD.contains(&event));
        let is_own = |head: &&str| here.is_some_and(|here| head.eq_ignore_ascii_case(here));
        (
            head.filter(|head| tells || !is_own(head)),
            here,
            "this run follows one of the fork",
            "this run may follow one of a fork",
        )
    } else {
        // That of a pull request that is older than its fork, too.
        let base = name("/pull_request/base/repo/full_name");
        (
            name("/pull_request/head/repo/full_name"),
            base.or_else(|| name("/repository/full_name")),
            "this is a pull request from the fork",
            "this may be a pull request from a fork",
        )
    };
    let what = match (head, here) {
        (Some(head), Some(here)) if head.eq_ignore_ascii_case(here) => return Ok(()),
        (Some(head), Some(_)) => format!("{is} `{head}`"),
        _ => may_be.to_owned(),
    };
    Err(
        Error::usage(format!("{what}: its code would run on your machine")).hinted(
            "if someone reviews such pull requests before their workflows run, write `allow-forks: true`",
        ),
    )
}
