//! What the stub runner talks about with the stub: overheard, and at times answered otherwise.

use std::future::pending;

use bytes::Bytes;
use http::{Request, Response};

use super::faults::Kind;
use super::jobs::Job;
use super::manners::refused;
use super::runners::{Connection, Registered, Session};
use super::shared::Shared;
use super::state::State;
use super::wire::{Answer, Call, Handler, RUNNER_SERVICE};

/// Answers the stub runner; faults are for it only where they name it.
pub(super) async fn front(
    shared: &Shared,
    request: Request<Bytes>,
    stub: &Handler,
) -> Option<Response<Bytes>> {
    let call = Call::new(&request);
    match shared.with(|state| state.take_fault(&call.method, &call.target)) {
        Some(Kind::Delay(late)) => tokio::time::sleep(late).await,
        Some(Kind::Refuse) => return None,
        Some(Kind::Hang) => return pending().await,
        Some(kind @ Kind::Status { .. }) => return Some(refused(&kind).response()),
        Some(Kind::LostAnswer) => {
            through(shared, request, stub).await;
            return None;
        }
        Some(Kind::HangAfter) => {
            through(shared, request, stub).await;
            return pending().await;
        }
        None => {}
    }
    Some(through(shared, request, stub).await.response())
}

/// Asks the stub, and keeps in mind what was said.
pub(super) async fn through(shared: &Shared, request: Request<Bytes>, stub: &Handler) -> Answer {
    let call = Call::new(&request);
    let path = call.path.clone();
    let segments: Vec<&str> = path.trim_start_matches(RUNNER_SERVICE).split('/').collect();
    let body = String::from_utf8_lossy(&call.body).into_owned();
    if let ["register"] = segments.as_slice()
        && shared.with(|state| state.over.contains(value(&body, "token")))
    {
        return Answer::text(format!(
            "error Http response code: NotFound from 'POST {}/actions/runner-registration'\n",
            call.base
        ));
    }
    if let ["register"] = segments.as_slice()
        && let wanted = value(&body, "group")
        && !wanted.is_empty()
        && shared.with(|state| group(state, &body).is_none())
    {
        return Answer::text(format!(
            "error Could not find any self-hosted runner group named \"{wanted}\".\n"
        ));
    }
    let answer = Answer::heard(stub(request).await);
    let words = answer.words();
    shared.with(|state| match segments.as_slice() {
        ["register"] => registered(state, &body, &words),
        ["session"] => connected(state, &body, &words),
        ["session", session, "message"] => began(state, session, &words),
        ["session", session, "finish"] => ended(state, session, &body),
        _ => {}
    });
    answer
}

/// A value among lines of `key=value`.
fn value<'a>(body: &'a str, wanted: &str) -> &'a str {
    body.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| *key == wanted)
        .map_or("", |(_, value)| value.trim())
}

/// The number of the group that is wanted by its name.
fn group(state: &State, body: &str) -> Option<u64> {
    let wanted = value(body, "group");
    let mut groups = state.groups.iter();
    let found = groups.find(|(_, group)| group.name.eq_ignore_ascii_case(wanted));
    found.map(|(id, _)| *id)
}

fn registered(state: &mut State, body: &str, words: &str) {
    let Some(blob) = words.strip_prefix("blob ").map(str::trim) else {
        return;
    };
    state.remember(blob);
    let Some(connection) = Connection::read(blob) else {
        return;
    };
    let group = group(state, body).unwrap_or(1);
    let labels = value(body, "labels").split(',').map(str::trim);
    let labels = labels.map(str::to_lowercase).collect();
    state.runners.add(Registered {
        id: connection.id,
        name: value(body, "name").to_owned(),
        group,
        labels,
        client: connection.client,
        path: None,
    });
}

/// `AGENT CLIENT SYSTEM VERSION`.
fn connected(state: &mut State, body: &str, words: &str) {
    let runner = body.split_whitespace().next();
    let runner = runner.and_then(|runner| runner.parse().ok());
    let session = words.strip_prefix("session ").map(str::trim);
    if let (Some(runner), Some(id)) = (runner, session) {
        state.runners.sessions.push(Session {
            id: id.to_owned(),
            runner,
            job: None,
            played: false,
        });
    }
}

/// `job NUMBER RUN ATTEMPT`, then a line with its name.
fn began(state: &mut State, session: &str, words: &str) {
    let mut lines = words.lines();
    let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let ["job", id, run, attempt] = first.as_slice() else {
        return;
    };
    let (Ok(id), Ok(run), Ok(attempt)) = (id.parse(), run.parse(), attempt.parse()) else {
        return;
    };
    let created = state.now();
    let Some(session) = state.runners.session(session) else {
        return;
    };
    session.job = Some(id);
    let runner = session.runner;
    let Some(runner) = state.runners.get(runner) else {
        return;
    };
    state.jobs.add(Job {
        id,
        name: lines.next().unwrap_or_default().to_owned(),
        run: (run, attempt),
        runner: Some((runner.id, runner.name.clone(), runner.group)),
        labels: runner.labels.clone(),
        conclusion: None,
        created,
        ended: None,
    });
}

fn ended(state: &mut State, session: &str, body: &str) {
    let now = state.now();
    let job = state.runners.session(session).and_then(|one| one.job);
    let conclusion = match body.trim() {
        "Succeeded" => "success",
        "Canceled" => "cancelled",
        _ => "failure",
    };
    if let Some(job) = job {
        state.jobs.end(job, conclusion, now);
    }
}
