//! What the stub runner talks about with its server. Every answer is plain text whose first word
//! decides, and has status 200, so that any shell's downloader can carry it.

use super::registration;
use crate::rehearsal::answer::Answer;
use crate::rehearsal::call::{Call, RUNNER_SERVICE};
use crate::rehearsal::rows::Registrant;
use crate::rehearsal::scope;
use crate::rehearsal::sessions::{Errand, Held, Hello, Welcome};
use crate::rehearsal::shared::Shared;
use crate::rehearsal::state::StubState;

/// Answers the stub runner, after up to `Lags::hold`.
pub(super) async fn answer(shared: &Shared, call: &Call) -> Answer {
    let body = String::from_utf8_lossy(&call.body).into_owned();
    let path = call.path.trim_start_matches(RUNNER_SERVICE);
    let segments: Vec<&str> = path.split('/').collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["register"]) => shared.change(|state| register(state, &body)),
        ("POST", ["session"]) => shared.change(|state| session(state, &body)),
        ("POST", ["session", session, "message"]) => message(shared, session).await,
        ("POST", ["session", session, "renew"]) => {
            let hold = shared.read(|state| state.lags.hold);
            let _held = Held::begin(shared, session);
            let over = shared.hold(hold, |state| state.job_over(session).then_some(()));
            let over = over.await.is_some();
            Answer::text(if over { "over\n" } else { "running\n" })
        }
        ("POST", ["session", session, "finish"]) => {
            let conclusion = match body.trim() {
                "Succeeded" => "success",
                "Canceled" => "cancelled",
                _ => "failure",
            };
            shared.change(|state| state.finish(session, conclusion));
            Answer::text("done\n")
        }
        ("POST", ["session", session, "close"]) => {
            shared.change(|state| state.close(session));
            Answer::text("done\n")
        }
        _ => Answer::not_found(),
    }
}

/// `AGENT CLIENT SYSTEM VERSION`.
fn session(state: &mut StubState, body: &str) -> Answer {
    let words: Vec<&str> = body.split_whitespace().collect();
    let [agent, client, system, version] = words.as_slice() else {
        return Answer::text("gone\n");
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
    Answer::text(match welcome {
        Welcome::Conflict => "conflict\n".to_owned(),
        Welcome::Gone => "gone\n".to_owned(),
        Welcome::Session(id) => format!("session {id}\n"),
    })
}

/// `job NUMBER SECONDS RUN ATTEMPT`, then a line with its name, then its script.
async fn message(shared: &Shared, session: &str) -> Answer {
    let hold = shared.read(|state| state.lags.hold);
    let _held = Held::begin(shared, session);
    let errand = shared.hold(hold, |state| state.errand(session)).await;
    Answer::text(match errand {
        None => "none\n".to_owned(),
        Some(Errand::Gone) => "gone\n".to_owned(),
        Some(Errand::Job { id, run, spec }) => format!(
            "job {id} {} {run} 1\n{}\n{}\n",
            spec.duration.as_secs_f64(),
            spec.name.replace(['\n', '\r'], " "),
            spec.script.as_deref().unwrap_or_default(),
        ),
    })
}

/// What `config.sh` calls: lines of `key=value`; `agent` and the two files that it writes are answered.
fn register(state: &mut StubState, body: &str) -> Answer {
    let find = |wanted: &str| {
        body.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| *key == wanted)
            .map_or("", |(_, value)| value.trim())
    };
    let Some(scope) = scope::of_page(find("url")) else {
        return Answer::text("error The URL names no repository, organization or enterprise\n");
    };
    let token = find("token");
    let known = state
        .tickets
        .iter()
        .any(|ticket| ticket.token == token && ticket.scope == scope);
    if !known {
        let path = "/actions/runner-registration";
        return Answer::text(format!(
            "error Http response code: NotFound from 'POST {}{path}'\n",
            state.base
        ));
    }
    let name = find("name").to_owned();
    if find("replace") == "yes" {
        state.replace(&scope, &name);
    }
    if name.is_empty() || state.name_taken(&scope, &name) {
        return Answer::text(format!(
            "error A runner exists with the same name {name}.\n"
        ));
    }
    let wanted = match find("group") {
        "" => "Default",
        group => group,
    };
    let mut groups = state.groups.iter();
    let Some((group, _)) = groups.find(|(_, name)| name.eq_ignore_ascii_case(wanted)) else {
        return Answer::text(format!(
            "error Could not find any self-hosted runner group named \"{wanted}\".\n"
        ));
    };
    let group = *group;
    let labels = find("labels").split(',').map(str::trim);
    let id = state.add_row(Registrant {
        scope,
        name,
        group,
        labels: labels
            .filter(|label| !label.is_empty())
            .map(str::to_lowercase)
            .collect(),
        work_folder: "_work".to_owned(),
        ephemeral: find("ephemeral") == "yes",
    });
    Answer::text(format!("blob {}\n", registration::blob(state, id).expose()))
}
