//! What the stub runner talks about with its server. Every answer is plain text whose first word
//! decides, and has status 200, so that any shell's downloader can carry it.

use std::time::Duration;

use url::Url;

use super::registration;
use crate::rehearsal::answer::StubResponse;
use crate::rehearsal::call::{RUNNER_SERVICE, StubRequest};
use crate::rehearsal::rows::Registrant;
use crate::rehearsal::sessions::{Errand, HeldPoll, Hello, Welcome};
use crate::rehearsal::shared::Shared;
use crate::rehearsal::state::StubState;

/// How long a runner's question is held before it is told that nothing has changed.
const HOLD: Duration = Duration::from_secs(5);
/// What every job is called.
const NAME: &str = "test";

/// Answers the stub runner, after up to [`HOLD`].
pub(super) async fn answer(shared: &Shared, call: &StubRequest) -> StubResponse {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let path = call.path.trim_start_matches(RUNNER_SERVICE);
    let segments: Vec<&str> = path.split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["register"]) => shared.change(|state| register(state, &body)),
        ("POST", ["session"]) => shared.change(|state| session(state, &body)),
        ("POST", ["session", session, "message"]) => message(shared, session).await,
        ("POST", ["session", session, "renew"]) => {
            let _held = HeldPoll::begin(shared, session);
            let over = shared.hold(HOLD, |state| state.job_over(session).then_some(()));
            let over = over.await.is_some();
            StubResponse::text(if over { "over\n" } else { "running\n" })
        }
        ("POST", ["session", session, "finish"]) => {
            let conclusion = match body.trim() {
                "Succeeded" => "success",
                "Canceled" => "cancelled",
                _ => "failure",
            };
            shared.change(|state| state.finish(session, conclusion));
            StubResponse::text("done\n")
        }
        ("POST", ["session", session, "close"]) => {
            shared.change(|state| state.close(session));
            StubResponse::text("done\n")
        }
        _ => StubResponse::not_found(),
    }
}

/// `AGENT CLIENT SYSTEM VERSION`.
fn session(state: &mut StubState, body: &str) -> StubResponse {
    let words: Vec<&str> = body.split_whitespace().collect();
    let [agent, client, system, version] = words.as_slice() else {
        return StubResponse::text("gone\n");
    };
    let os = match *system {
        "Darwin" => "macos".to_owned(),
        other => other.to_lowercase(),
    };
    let welcome = state.connect(&Hello {
        agent: agent.parse().unwrap_or(0),
        client,
        os: &os,
        version,
    });
    StubResponse::text(match welcome {
        Welcome::Conflict => "conflict\n".to_owned(),
        Welcome::Gone => "gone\n".to_owned(),
        Welcome::Session(id) => format!("session {id}\n"),
    })
}

/// `job NUMBER RUN ATTEMPT`, then a line with its name, then its script.
async fn message(shared: &Shared, session: &str) -> StubResponse {
    let _held = HeldPoll::begin(shared, session);
    let errand = shared.hold(HOLD, |state| state.errand(session)).await;
    StubResponse::text(match errand {
        None => "none\n".to_owned(),
        Some(Errand::Gone) => "gone\n".to_owned(),
        Some(Errand::Job { id, run, script }) => format!("job {id} {run} 1\n{NAME}\n{script}\n"),
    })
}

/// What `Runner.Listener configure` calls: lines of `key=value`; `blob` and the files that it writes are answered.
/// Of groups it knows nothing: what stands before it may.
fn register(state: &mut StubState, body: &str) -> StubResponse {
    let find = |wanted: &str| {
        body.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == wanted)
            .map_or("", |(_, value)| value.trim())
    };
    let page = Url::parse(find("url")).ok();
    let page = page.map(|page| page.path().trim_end_matches('/').to_lowercase());
    let page = page.filter(|page| !page.is_empty());
    // The path of a scope's page ends the path that the API has for it.
    let ticket = page.and_then(|page| {
        let mut tickets = state.tickets.iter();
        tickets.find(|ticket| ticket.token == find("token") && ticket.scope.ends_with(&page))
    });
    let Some(scope) = ticket.map(|ticket| ticket.scope.clone()) else {
        let path = "/actions/runner-registration";
        return StubResponse::text(format!(
            "error Http response code: NotFound from 'POST {}{path}'\n",
            state.base
        ));
    };
    let name = find("name").to_owned();
    if name.is_empty() || state.name_taken(&scope, &name) {
        return StubResponse::text(format!(
            "error A runner exists with the same name {name}.\n"
        ));
    }
    let labels = find("labels").split(',').map(str::trim);
    let id = state.add_row(Registrant {
        scope,
        name,
        labels: labels
            .filter(|label| !label.is_empty())
            .map(str::to_lowercase)
            .collect(),
        work_folder: "_work".to_owned(),
    });
    StubResponse::text(format!("blob {}\n", registration::blob(state, id).expose()))
}
